"""Which recording to replay: find it, hash it, read what it says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phantom_arbiter.errors import ConfigError, RecordingError
from phantom_arbiter.mints import mint_book
from phantom_arbiter.sources.recorded import DEMO_RECORDING, RecordedSource, parse_speed
from phantom_arbiter.summary import SourceInfo
from phantom_core import Recording

if TYPE_CHECKING:
    from phantom_arbiter.config import RunSettings
    from phantom_arbiter.session import Source


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A recording, ready to be replayed; `torn_at` is the byte at which a torn file was cut."""

    info: SourceInfo
    source: Source
    torn_at: int | None


def recording_path(settings: RunSettings) -> Path:
    """Return the file that `settings` mean.

    Raises:
        ConfigError: No recording is named, or the file does not exist.
        RecordingError: The package lacks its demo recording.
    """
    path = settings.recording
    if path is not None:
        if not path.exists():
            raise ConfigError(f"recording {path} does not exist")
        if not path.is_file():
            raise ConfigError(f"recording {path} is not a file")
        return path
    if settings.source == "recording":
        raise ConfigError("source recording needs a file", hint="name it with --recording PATH")
    if not DEMO_RECORDING.is_file():
        raise RecordingError(f"demo recording {DEMO_RECORDING} is missing; hint: install the package again")
    return DEMO_RECORDING


def open_source(settings: RunSettings) -> OpenedSource:
    """Return the recording that `settings` mean, as a source at their speed.

    Raises:
        ConfigError: It is not named, does not exist or cannot be read.
        RecordingError: It is torn beyond use, corrupt, or of a newer format.
    """
    try:
        speed = parse_speed(settings.speed)
    except ValueError as error:
        raise ConfigError(f"run.{error}") from error
    path = recording_path(settings)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"recording {path} cannot be read: {error.strerror}") from error
    recording = Recording(path)
    header: Mapping[str, Any] = recording.header
    metadata = header.get("metadata")
    details: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    info = SourceInfo(
        name=path.stem,
        description=str(header.get("description") or path.stem),
        label=str(details.get("label") or "the recording does not say what is real in it"),
        sha256=sha256,
        records=recording.records,
        mints=mint_book(details.get("mints")),
        assume_plain_mints=details.get("plain_mints") is True,
    )
    return OpenedSource(info, RecordedSource(recording, speed=speed), recording.torn_at)
