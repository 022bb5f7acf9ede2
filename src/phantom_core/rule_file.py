"""A rule file on disk that is compiled again when it changes.

A version that does not compile changes nothing: the rules before it stay in use, and `error` says what
is wrong with the new one.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from phantom_core._native import InvalidInput, RuleSet, compile_rules

# A file system may give two writes within this time the same modification time.
_SAME_TIME_NS = 2_000_000_000
_MAX_BYTES = 64 * 1024


class RuleFile:
    """The rules of one file, as they are now.

    `rules` is replaced as a whole, so a tick sees the old version or the new one. Indicators that both
    versions have keep what they have seen.
    """

    def __init__(self, path: str | os.PathLike[str], fields: Mapping[str, str] | Iterable[str]) -> None:
        """Compile the file.

        Args:
            path: A TOML file, UTF-8, at most 64 KiB.
            fields: As for `compile_rules`.

        Raises:
            OSError: The file cannot be read.
            CompileError: The file is no rule file.
            InvalidInput: The fields cannot be used, or the file is too long or no UTF-8.
        """
        self._path = Path(path)
        self._fields = dict(fields) if isinstance(fields, Mapping) else dict.fromkeys(fields, "f64")
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._seen, self._digest, text = self._read()
        self._looked_ns = time.time_ns()
        self._rules = self._compile(text, None)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def rules(self) -> RuleSet:
        """The version in use."""
        return self._rules

    @property
    def error(self) -> Exception | None:
        """What is wrong with the file as it is now, or None."""
        return self._error

    def refresh(self) -> bool:
        """Compile the file again if it has changed, and return whether other rules are in use now.

        Looks at modification time and size, and reads the file only if they changed or are too young to
        tell. Never raises for what is in the file: see `error`.
        """
        with self._lock:
            try:
                stat = self._path.stat()
                seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if seen == self._seen and self._looked_ns - stat.st_mtime_ns > _SAME_TIME_NS:
                    return False
                looked_ns = time.time_ns()
                seen, digest, text = self._read()
            except (OSError, InvalidInput) as error:
                # Whatever comes back is compiled, even what was there before.
                self._seen, self._digest, self._error = (0, 0, 0), b"", error
                return False
            self._seen, self._looked_ns = seen, looked_ns
            if digest == self._digest:
                return False
            # A version that fails is not tried again and again.
            self._digest = digest
            try:
                self._rules, self._error = self._compile(text, self._rules), None
            except InvalidInput as error:
                self._error = error
                return False
            return True

    def watch(
        self, interval: float = 1.0, on_change: Callable[["RuleFile"], None] | None = None
    ) -> "RuleWatch":
        """Refresh every `interval` seconds in a thread, until the watch is stopped.

        Args:
            interval: Seconds between two looks, above 0.
            on_change: Called in that thread with this object when the rules or the error have changed.

        Raises:
            InvalidInput: The interval is not above 0.
        """
        return RuleWatch(self, interval, on_change)

    def _read(self) -> tuple[tuple[int, int, int], bytes, str]:
        with self._path.open("rb") as file:
            stat = os.fstat(file.fileno())
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InvalidInput(f"{self._path}: the file has more than {_MAX_BYTES} bytes")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self._path}: no UTF-8 from byte {error.start}") from None
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        return seen, hashlib.sha256(content).digest(), text

    def _compile(self, text: str, previous: RuleSet | None) -> RuleSet:
        try:
            return compile_rules(text, self._fields, previous)
        except InvalidInput as error:
            error.add_note(f"in {self._path}")
            raise


class RuleWatch:
    """A thread that refreshes a `RuleFile`; a context manager that ends it."""

    def __init__(self, file: RuleFile, interval: float, on_change: Callable[[RuleFile], None] | None) -> None:
        """Start the thread; `RuleFile.watch` says what the arguments are."""
        if not 0 < interval <= threading.TIMEOUT_MAX:
            raise InvalidInput(f"interval is {interval}; it must be above 0 seconds")
        self._file, self._interval, self._on_change = file, interval, on_change
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="phantom-rules", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            before = self._file.error
            changed = self._file.refresh()
            if self._on_change is not None and (changed or self._file.error is not before):
                self._on_change(self._file)

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> "RuleWatch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
