"""From a name, or a class in a file, to a strategy that is ready to be asked.

A class takes its settings as keyword arguments, or, if it has an attribute `Settings` (a dataclass or a
pydantic model), as one value of that type. Both are validated by pydantic before anything runs: unknown
keys and wrong types are errors of the configuration.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.strategies.base import Strategy
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.strategies.mean_reversion import MeanReversion
from phantom_arbiter.strategies.spatial_arbitrage import SpatialArbitrage
from phantom_arbiter.swaps import MAX_TICK_POOLS

BUILT_IN: Mapping[str, type[Any]] = MappingProxyType(
    {each.name: each for each in (CyclicArbitrage, SpatialArbitrage, MeanReversion)}
)
"""The strategies that come with the package, by name."""

HOOKS = {"on_opportunity": 1, "on_tick": 1, "on_outcome": 2}
"""The methods of the protocol with the values that each is given."""

GUIDE = "docs/STRATEGIES.md describes the protocol; subclass phantom_arbiter.strategies.base.Passive"


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """A strategy, and the SHA-256 of the file it came from; None if it is built in."""

    strategy: Strategy
    sha256: str | None = None


def load_strategy(use: str, settings: Mapping[str, Any]) -> LoadedStrategy:
    """Return the strategy that `use` names, made with `settings`.

    Args:
        use: A built-in name, or `path/to/file.py:ClassName`.
        settings: What its constructor, or its class `Settings`, takes.

    Raises:
        ConfigError: There is no such file or class, the file does not run, the class lacks a part of the
            protocol, or the settings do not fit: which, and where.
    """
    if ":" not in use:
        known = BUILT_IN.get(use)
        if known is None:
            raise ConfigError(
                f"strategy {use}: there is no such strategy",
                hint=_closest(use, list(BUILT_IN), "or path/to/file.py:ClassName"),
            )
        return LoadedStrategy(_made(use, known, settings))
    file, _, name = use.rpartition(":")
    path = Path(file)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"strategy {use}: {path} cannot be read: {error.strerror}") from error
    found = _class_in(use, _run(use, path, source), path, name)
    return LoadedStrategy(_made(use, found, settings), hashlib.sha256(source).hexdigest())


def _run(use: str, path: Path, source: bytes) -> ModuleType:
    """Execute the file as a module of its own name."""
    name = f"phantom_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise ConfigError(f"strategy {use}: {path} is no Python file", hint="its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and annotations look their module up by name.
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise ConfigError(f"strategy {use}: {path}:{error.lineno}: {error.msg}") from error
    except Exception as error:
        line = next(
            (
                frame.lineno
                for frame in reversed(traceback.extract_tb(error.__traceback__))
                if frame.filename == str(path)
            ),
            None,
        )
        place = f"{path}:{line}" if line is not None else str(path)
        raise ConfigError(f"strategy {use}: {place}: {type(error).__name__}: {error}") from error
    return module


def _class_in(use: str, module: ModuleType, path: Path, name: str) -> type[Any]:
    found = getattr(module, name, None)
    if isinstance(found, type):
        return found
    classes = [
        each
        for each, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    what = "is no class" if found is not None else "is not there"
    raise ConfigError(
        f"strategy {use}: {name or 'a class'} {what} in {path}", hint=_closest(name, classes, "")
    )


def _closest(word: str, known: list[str], more: str) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    words = f"did you mean {close[0]}" if close else f"there is {', '.join(known) or 'none'}"
    return f"{words} {more}".rstrip()


def _made(use: str, found: type[Any], settings: Mapping[str, Any]) -> Strategy:
    # Before anything of it runs: a class without the methods may not take settings as one with them does.
    _require_hooks(use, found)
    wanted = getattr(found, "Settings", None)
    try:
        if wanted is not None:
            made = found(_validated(use, wanted, settings))
        elif dataclasses.is_dataclass(found):
            made = _validated(use, found, settings)
        else:
            inspect.signature(found).bind(**settings)
            made = found(**settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(["strategy.settings", *(str(part) for part in first["loc"])])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise ConfigError(f"{key}: {message[0].lower()}{message[1:]} (strategy {use})") from error
    except TypeError as error:
        raise ConfigError(f"strategy {use}: its settings do not fit: {error}") from error
    except ValueError as error:
        raise ConfigError(f"strategy {use}: {error}") from error
    _require_values(use, made)
    return cast(Strategy, made)


def _validated(use: str, wanted: type[Any], settings: Mapping[str, Any]) -> Any:
    if issubclass(wanted, BaseModel):
        known = list(wanted.model_fields)
    else:
        known = [field.name for field in dataclasses.fields(wanted) if field.init]
    for key in settings:
        if key not in known:
            raise ConfigError(
                f"unknown key strategy.settings.{key} (strategy {use})", hint=_closest(key, known, "")
            )
    return TypeAdapter(wanted).validate_python(dict(settings))


def _require_hooks(use: str, found: type[Any]) -> None:
    for hook, values in HOOKS.items():
        method = getattr(found, hook, None)
        if not callable(method):
            raise ConfigError(f"strategy {use}: {found.__name__} has no method {hook}", hint=GUIDE)
        try:
            inspect.signature(method).bind(None, *range(values))
        except TypeError as error:
            raise ConfigError(
                f"strategy {use}: {found.__name__}.{hook} does not take the engine's arguments: {error}",
                hint=GUIDE,
            ) from error


def _require_values(use: str, made: object) -> None:
    name, pools = getattr(made, "name", None), getattr(made, "pools", None)
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or not name.isprintable():
        raise ConfigError(
            f"strategy {use}: name is {name!r}, it is to be a text of 1 to 64 characters", hint=GUIDE
        )
    if not isinstance(pools, tuple) or not all(isinstance(pool, str) for pool in pools):
        raise ConfigError(f"strategy {use}: pools is {pools!r}, it is to be a tuple of addresses", hint=GUIDE)
    if len(pools) > MAX_TICK_POOLS:
        raise ConfigError(
            f"strategy {use}: it wants ticks of {len(pools)} pools, {MAX_TICK_POOLS} may be told"
        )
