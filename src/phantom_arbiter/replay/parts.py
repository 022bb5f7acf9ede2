"""A recording in several files, read as the one it was.

Each file begins with records that only repeat what was in force (`metadata.part.carried`). They make the file
complete on its own; behind the file before it they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import RecordingError
from phantom_core import Record, Recording


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a recording a file is.

    Attributes:
        recording: Identity of the whole.
        number: From 1.
        began_ns: When it begins, since the first part began.
        carried: Records at its beginning that only repeat.
    """

    recording: str
    number: int
    began_ns: int
    carried: int


def part_of(header: Mapping[str, Any]) -> Part | None:
    """Return what a header says about being a part; None if it says nothing, or not in whole numbers."""
    metadata = header.get("metadata")
    part = metadata.get("part") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(part, Mapping):
        return None
    numbers = [part.get(key) for key in ("number", "began_ns", "carried")]
    if not all(isinstance(value, int) and 0 <= value < 2**63 for value in numbers):
        return None
    return Part(str(metadata.get("recording", "")), part["number"], part["began_ns"], part["carried"])


class RecordingParts:
    """One or more files of one recording, in order, as a `RecordedSession`."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open the files; their order does not matter.

        Raises:
            RecordingError: A file is missing, none, or corrupt; they are not of one recording; or one between
                them is missing.
        """
        opened = [(path, Recording(path)) for path in paths]
        if not opened:
            raise RecordingError("no recording is named")
        if len(opened) == 1:
            path, recording = opened[0]
            part = part_of(recording.header) or Part("", 1, 0, 0)
            ordered = [(part, path, recording)]
        else:
            known = [(_known(path, recording), path, recording) for path, recording in opened]
            ordered = sorted(known, key=lambda entry: entry[0].number)
            _check(ordered)
        self._paths = [path for _, path, _ in ordered]
        self._began_ns = ordered[0][0].began_ns
        self._files = [
            (recording, part.began_ns, 0 if index == 0 else min(part.carried, recording.records))
            for index, (part, _, recording) in enumerate(ordered)
        ]

    @property
    def paths(self) -> list[Path]:
        """The files in the order of their numbers."""
        return list(self._paths)

    @property
    def began_ns(self) -> int:
        """When the first of these files begins, since the whole recording began; 0 for the first part."""
        return self._began_ns

    @property
    def header(self) -> dict[str, Any]:
        """What the first file says of itself."""
        return self._files[0][0].header

    @property
    def records(self) -> int:
        """Number of records, repeated ones left out."""
        return sum(recording.records - skipped for recording, _, skipped in self._files)

    @property
    def duration_ns(self) -> int:
        """Arrival of the last record, since the first file began."""
        recording, began_ns, _ = self._files[-1]
        return began_ns - self._began_ns + recording.duration_ns

    @property
    def torn(self) -> tuple[Path, int] | None:
        """The first file that was never closed, and the byte at which its whole blocks end; else None."""
        for path, (recording, _, _) in zip(self._paths, self._files, strict=True):
            if recording.torn_at is not None:
                return path, recording.torn_at
        return None

    def __iter__(self) -> Iterator[Record]:
        """Return the records in order of arrival, in nanoseconds since the first file began."""
        for recording, began_ns, skipped in self._files:
            offset = began_ns - self._began_ns
            records = iter(recording)
            for _ in range(skipped):
                next(records, None)
            if offset == 0:
                yield from records
                continue
            for record in records:
                frame = record.frame or None
                yield Record(record.kind, record.endpoint, record.arrival_ns + offset, frame)


def _known(path: Path, recording: Recording) -> Part:
    part = part_of(recording.header)
    if part is None:
        raise RecordingError(f"recording {path} is whole, it has no other parts; hint: name one file")
    return part


def _check(ordered: Sequence[tuple[Part, Path, Recording]]) -> None:
    for (before, first, _), (part, path, _) in pairwise(ordered):
        if part.recording != before.recording:
            raise RecordingError(f"{first} and {path} are parts of different recordings")
        if part.number == before.number:
            raise RecordingError(f"{first} and {path} are the same part {part.number}")
        if part.number != before.number + 1:
            raise RecordingError(
                f"part {before.number + 1} is missing between {first} and {path}; hint: name it too, or "
                "replay the parts behind it alone"
            )
