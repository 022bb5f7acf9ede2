"""Where settings come from: flags, environment, TOML file, defaults; merged, checked, traced."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_of
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from phantom_arbiter.config import (
    ENV_DELIMITER,
    ENV_PREFIX,
    Config,
    default_config_path,
)
from phantom_arbiter.config_risk import profile
from phantom_arbiter.errors import ConfigError

NOT_SETTINGS = frozenset({"PHANTOM_CONFIG", "PHANTOM_PROGRAMS_DIR"})
"""Variables with our prefix that are no settings: the TOML file's path, and the program folder of a test."""

FLAGS = {
    "mode": "--live",
    "journal.path": "--journal",
    "market.release_venues": "--release-venue",
    "strategy.use": "--strategy",
}
"""Flags that are not named after the last part of their key."""

_EACH = "[]"
"""Marks, in a key, a list of tables."""

_LISTS = frozenset({"block_engines", "endpoints"})
"""Lists of tables that hold secrets: what is given for them is never repeated in a message."""

_SECRETS = frozenset({"dashboard.token", "fees.tip_floor", "wallet.key"})
"""Single keys of which the same holds."""

Nested = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as `phantom config` shows it."""

    key: str
    value: object
    origin: str
    help: str


@dataclass(frozen=True, slots=True)
class Effective:
    """The configuration in force and where each key that is not a default was set.

    Attributes:
        config: The values.
        origins: Where they came from, by key.
        flags: What the command line gave.
        named_file: The TOML file that was named; None for the user's own.
    """

    config: Config
    origins: Mapping[str, str]
    flags: Nested = field_of(default_factory=dict)
    named_file: Path | None = None

    @property
    def file(self) -> Path:
        """The TOML file that is read if it exists."""
        return self.named_file or default_config_path()

    def settings(self) -> list[Setting]:
        """Return every key in the order of the tree."""
        values = self.config.model_dump(mode="json")
        rows = []
        for key, help_text in known_keys().items():
            section, _, name = key.rpartition(".")
            if section.endswith(_EACH):
                table = section.removesuffix(_EACH)
                value: object = [entry[name] for entry in values[table]]
                origin = self.origins.get(table, "default")
            else:
                value = values[section][name] if section else values[name]
                origin = self.origins.get(key, "default")
            rows.append(Setting(key, value, origin, help_text))
        return rows

    def sha256(self) -> str:
        """Return the hash of the settings that decide what a run does.

        Left out: where it reads and writes, how fast and how it looks; they do not change a single row.
        """
        values = self.config.model_dump(
            mode="json",
            exclude=dict.fromkeys(("journal", "run", "telemetry", "endpoints", "discovery"), True),
        )
        del values["dashboard"]
        del values["risk"]["kill_switch_file"], values["risk"]["account"], values["fees"]["tip_floor"]
        del values["wallet"], values["block_engines"], values["execution"]["programs_dir"]
        if self.config.mode == "paper":  # nothing is built or sent
            del values["execution"]
        # A class of one's own is known by its content (`session`), not by where its file is.
        values["strategy"]["use"] = re.split(r"[/\\]", values["strategy"]["use"])[-1]
        # So is a rule file; without one the hash is what it was before there were any.
        del values["strategy"]["rules"]
        # Order matters among base mints (order of preference), nowhere else.
        values["engine"]["base_mints"] = list(values["engine"]["base_mints"].items())
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def known_keys() -> dict[str, str]:
    """Return every key with its one-sentence help, in the order of the tree; `x[].y` is key y of each x."""
    keys: dict[str, str] = {}
    for name, field in Config.model_fields.items():
        section = field.annotation
        element = next(iter(get_args(section)), None)
        if isinstance(element, type) and issubclass(element, BaseModel):
            for inner, inner_field in element.model_fields.items():
                keys[f"{name}{_EACH}.{inner}"] = inner_field.description or ""
            continue
        if isinstance(section, type) and issubclass(section, BaseModel):
            for inner, inner_field in section.model_fields.items():
                keys[f"{name}.{inner}"] = inner_field.description or ""
        else:
            keys[name] = field.description or ""
    return keys


def load(flags: Nested | None = None, config_file: Path | None = None) -> Effective:
    """Return the effective configuration.

    Args:
        flags: Nested values given on the command line; they win.
        config_file: TOML file; if `None`, the user's own is read if it exists.

    Raises:
        ConfigError: An unknown key or an unfit value: which, what it holds, what it may hold.
    """
    path = config_file
    if path is None and default_config_path().is_file():
        path = default_config_path()
    layers: list[tuple[str, Nested]] = []
    if path is not None:
        layers.append((f"file {path}", _file_layer(path)))
    layers.append(("environment", _environment_layer()))
    layers.append(("flag", flags or {}))
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers:
        for name, value in layer.items():
            if isinstance(value, Mapping) and _is_section(name):
                section = merged.setdefault(name, {})
                if not isinstance(section, dict):
                    section = merged[name] = {}
                for inner, inner_value in value.items():
                    section[inner] = inner_value
                    origins[f"{name}.{inner}"] = _origin(origin, f"{name}.{inner}")
            else:
                merged[name] = value
                origins[name] = _origin(origin, name)
    if merged.get("mode") == "live" and not origins["mode"].startswith("flag"):
        raise ConfigError(
            f"mode = 'live' ({origins['mode']}): live trading is switched on by the flag --live alone",
            hint="leave mode out, and say phantom run --source live --live",
        )
    apply_profile(merged, origins)
    try:
        config = Config(**merged)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False)[0], origins) from error
    return Effective(config, origins, flags or {}, config_file)


def apply_profile(merged: dict[str, Any], origins: dict[str, str]) -> None:
    """Add the defaults of the mode where nothing else was named."""
    for section, defaults in profile(merged.get("mode")).items():
        given = merged.setdefault(section, {})
        if not isinstance(given, dict):
            continue
        for key, value in defaults.items():
            if key not in given:
                given[key] = value
                origins[f"{section}.{key}"] = f"profile {merged['mode']}"


def _keys_of(section: str) -> list[str]:
    return [key for key in known_keys() if key.startswith(f"{section}.")]


def _is_section(name: str) -> bool:
    return bool(_keys_of(name))


def _origin(origin: str, key: str) -> str:
    if origin == "environment":
        return f"environment {ENV_PREFIX}{key.replace('.', ENV_DELIMITER).upper()}"
    if origin == "flag" and key in known_keys():
        return f"flag {FLAGS.get(key) or '--' + key.rpartition('.')[2].replace('_', '-')}"
    return origin


def _file_layer(path: Path) -> Nested:
    try:
        # pydantic-settings skips a file that does not exist; a file that was named must exist.
        path.open("rb").close()
        return TomlConfigSettingsSource(Config, toml_file=path)()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"configuration {path} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"configuration {path} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"configuration {path} cannot be read: {error.strerror}") from error


def _environment_layer() -> Nested:
    sections = set(Config.model_fields)
    for name in sorted(os.environ):
        if not name.upper().startswith(ENV_PREFIX) or name.upper() in NOT_SETTINGS:
            continue
        key = name[len(ENV_PREFIX) :].lower().replace(ENV_DELIMITER, ".")
        if key.split(".")[0] not in sections:
            raise _unknown(key, f"environment {name}")
    try:
        return EnvSettingsSource(Config)()
    except SettingsError as error:
        raise ConfigError(f"environment: {error}", hint="a table is written as JSON") from error


def _unknown(key: str, origin: str) -> ConfigError:
    known = list(known_keys())
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        hint = f"did you mean {close[0]}"
    else:
        siblings = _keys_of(key.split(".")[0])
        hint = f"it may be {', '.join(siblings or Config.model_fields)}"
    return ConfigError(f"unknown key {key} ({origin})", hint=hint)


def _explain(error: ErrorDetails, origins: Mapping[str, str]) -> ConfigError:
    location = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(location)
    origin = next(
        (origins[key] for key in (".".join(location[:2]), *location[:1]) if key in origins), "default"
    )
    if error["type"] == "extra_forbidden":
        return _unknown(key, origin)
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    if not location:
        return ConfigError(message)
    help_text = known_keys().get(".".join(location[:2])) or known_keys().get(location[0], "")
    if error["type"] == "string_pattern_mismatch":
        message = "not one of the forms it may have"
    if error["type"] in ("model_type", "model_attributes_type") and _is_section(key):
        message, help_text = "it is a table", f"its keys are {', '.join(_keys_of(key))}"
    if error["type"] == "missing":
        return ConfigError(f"{key} ({origin}) is missing", hint=help_text.rstrip(".") or None)
    if location[0] in _LISTS:
        help_text = known_keys().get(f"{location[0]}{_EACH}.{location[-1]}", "")
    is_secret = location[0] in _LISTS or ".".join(location[:2]) in _SECRETS
    shown = key if is_secret else f"{key} = {json.dumps(error['input'], default=str)}"
    return ConfigError(
        f"{shown} ({origin}): {message[0].lower()}{message[1:]}", hint=help_text.rstrip(".") or None
    )
