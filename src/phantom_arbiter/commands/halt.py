"""`phantom halt` and `phantom resume`: the kill switch by file, for every run that has the same one."""

from __future__ import annotations

from pathlib import Path

from phantom_arbiter.commands.run import ConfigOption


def halt(config: ConfigOption = None) -> None:
    """Stop every run from sending: write the kill switch's file; runs go on watching."""
    path = _kill_switch_file(config)
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise _cannot(path, "written", error) from error
    was = ", as before" if existed else ""
    print(f"halted{was}: {path} is there, nothing is sent; phantom resume removes it")


def resume(config: ConfigOption = None) -> None:
    """Let runs send again: remove the kill switch's file."""
    path = _kill_switch_file(config)
    try:
        path.unlink()
    except FileNotFoundError:
        print(f"not halted: {path} is not there")
        return
    except OSError as error:
        raise _cannot(path, "removed", error) from error
    print(f"resumed: {path} is removed; runs send again unless something else holds them")


def _kill_switch_file(config: Path | None) -> Path:
    from phantom_arbiter.config_sources import load

    return load(config_file=config).config.risk.kill_switch_file


def _cannot(path: Path, what: str, error: OSError) -> Exception:
    from phantom_arbiter.errors import HintedError

    return HintedError(
        f"kill switch {path} cannot be {what}: {error.strerror}",
        hint="name another file with risk.kill_switch_file, for runs too",
    )
