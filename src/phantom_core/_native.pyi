from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, Literal, final

# ---- errors

class PhantomError(Exception):
    """Base of everything that phantom_core raises."""

class InvalidInput(PhantomError):
    """An argument is malformed: which one, what it holds, what it may hold."""

class MarketDataError(PhantomError):
    """Account data is missing, undecodable or not what it claims to be; the pool is set aside."""

class SwapRefused(PhantomError):
    """The on-chain program would refuse this swap; `name` and `code` are the program's own."""

    name: str
    code: int | None

class RecordingError(PhantomError):
    """A recording is missing, torn or corrupt."""

# ---- recording

@final
class Record:
    """One entry of a recording: something that happened at one endpoint. Frozen, hashable."""

    def __new__(
        cls,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: bytes | None = None,
    ) -> Record:
        """Build an entry, for sources other than a file; without a frame it is empty.

        Raises:
            InvalidInput: The kind is unknown, or a connection's record carries a frame.
        """

    @property
    def kind(self) -> Literal["connect", "sent", "received", "disconnect"]:
        """What happened; `sent` is an outgoing JSON-RPC request, `received` an incoming frame."""
    @property
    def endpoint(self) -> str:
        """The endpoint's name, one of the header's `endpoints`."""
    @property
    def arrival_ns(self) -> int:
        """Nanoseconds since the recording began."""
    @property
    def frame(self) -> bytes:
        """The text exactly as it came or went; empty for `connect` and `disconnect`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Recording:
    """A recording on disk, opened for reading; each iteration reads it anew, block by block."""

    def __new__(cls, path: str | PathLike[str]) -> Recording:
        """Open a recording; one that was never closed is walked through once.

        Raises:
            RecordingError: The file is missing, no recording, from a newer release or corrupt.
        """

    @property
    def header(self) -> dict[str, Any]:
        """`created`, `source`, `description`, `tool`, `endpoints`, and `metadata` if it has any."""
    @property
    def endpoints(self) -> list[str]:
        """Names of the endpoints, as in the header."""
    @property
    def records(self) -> int:
        """Number of records in whole blocks."""
    @property
    def duration_ns(self) -> int:
        """Arrival of the last record, nanoseconds since the recording began; 0 if there is none."""
    @property
    def torn_at(self) -> int | None:
        """Byte at which the whole blocks of a recording end that was never closed, else None."""
    def since(self, arrival_ns: int) -> Iterator[Record]:
        """Return the records that arrived at `arrival_ns` or later.

        Raises:
            RecordingError: The file is gone; while iterating: a block is corrupt (record and byte).
        """
    def __iter__(self) -> Iterator[Record]: ...
    def __len__(self) -> int: ...

@final
class RecordingWriter:
    """Append records to a new file; as a context manager it closes at the end, also on an error.

    Without `close` the file holds what a crash would leave: the blocks written so far.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        header: Mapping[str, Any],
        *,
        level: int = 3,
        block_bytes: int = 4194304,
    ) -> RecordingWriter:
        """Create the file and write its header.

        Args:
            path: A file that does not exist yet.
            header: Texts `created` (ISO 8601), `source`, `description`, `tool`; list of names
                `endpoints`; optionally a mapping `metadata`.
            level: zstd level, 1 (fast) to 22 (small).
            block_bytes: Uncompressed bytes after which a block is written and synced, 1 to 2**27.

        Raises:
            RecordingError: The file exists or cannot be created, or the header is unusable.
            InvalidInput: `level` or `block_bytes` is out of range.
        """

    @property
    def records(self) -> int:
        """Number of records appended."""
    def append(
        self,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: bytes | bytearray | None = None,
    ) -> None:
        """Append a record; arrivals never go back.

        Raises:
            InvalidInput: The record cannot be kept; nothing changed.
            RecordingError: The writer is closed, or writing a full block failed.
        """
    def flush(self) -> None:
        """Write what was gathered as a block and wait until the disk has it.

        Raises:
            RecordingError: The writer is closed, or the disk refused.
        """
    def close(self) -> None:
        """Write the last block, the index and the footer; a second call does nothing.

        Raises:
            RecordingError: The disk refused; the blocks written before stay readable.
        """
    def __enter__(self) -> RecordingWriter: ...
    def __exit__(self, *exception: object) -> None: ...
