"""Which recording to replay: find it, hash it, read what it says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phantom_arbiter.errors import ConfigError, RecordingError
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, mint_book
from phantom_arbiter.replay.parts import RecordingParts
from phantom_arbiter.sources.recorded import DEMO_RECORDING, RecordedSource, parse_speed
from phantom_arbiter.summary import SourceInfo

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


def open_source(settings: RunSettings, files: Sequence[Path] = ()) -> OpenedSource:
    """Return the recording that `settings` mean, as a source at their speed.

    Args:
        settings: Which recording, and how fast.
        files: Parts of one recording to take instead; their order does not matter.

    Raises:
        ConfigError: It is not named, does not exist or cannot be read.
        RecordingError: It is torn beyond use, corrupt, or of a newer format.
    """
    try:
        speed = parse_speed(settings.speed)
    except ValueError as error:
        raise ConfigError(f"run.{error}") from error
    paths = [recording_path(settings.model_copy(update={"recording": file})) for file in files]
    recording = RecordingParts(paths or [recording_path(settings)])
    path = recording.paths[0]
    header: Mapping[str, Any] = recording.header
    metadata = header.get("metadata")
    details: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    info = SourceInfo(
        name=path.stem,
        description=str(header.get("description") or path.stem),
        label=str(details.get("label") or "the recording does not say what is real in it"),
        sha256=_sha256(recording.paths),
        records=recording.records,
        mints=MintBook({**WELL_KNOWN_MINTS, **mint_book(details.get("mints")).mints}),
        assume_plain_mints=details.get("plain_mints") is True,
    )
    torn_at = recording.torn[1] if recording.torn else None
    return OpenedSource(info, RecordedSource(recording, speed=speed), torn_at)


def _sha256(paths: Sequence[Path]) -> str:
    """Return the hash of the files' bytes, one file after the other."""
    whole = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    whole.update(chunk)
        except OSError as error:
            raise ConfigError(f"recording {path} cannot be read: {error.strerror}") from error
    return whole.hexdigest()
