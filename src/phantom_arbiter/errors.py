"""What can go wrong, classed by what the program does next.

::

    PhantomError (phantom_core)
    ├─ ConfigError       a setting or option is wrong: which, what it holds, what it may hold; exit 2
    ├─ MissingExtraError an optional library is not installed: how to install it; exit 1
    ├─ JournalError      the journal cannot be opened, read or written; exit 1
    ├─ InvariantError    our bug: stop the process; exit 1
    └─ InvalidInput, MarketDataError, SwapRefused, RecordingError   raised by the native module; exit 1

"Not profitable" and "refused by risk" are no errors but counted verdicts; a failed attempt is an outcome.

A message says what, which, found and expected, without a trailing period; the cure, if known, follows in
`hint`. No message holds a secret: what came with an unknown key is not repeated (`config.py`).
"""

from phantom_core import InvalidInput, MarketDataError, PhantomError, RecordingError, SwapRefused

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class HintedError(PhantomError):
    """A message with an optional cure."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}; hint: {self.hint}" if self.hint else message


class ConfigError(HintedError):
    """A setting or option is wrong: which one, what it holds, what it may hold."""


class MissingExtraError(HintedError):
    """An optional library is not installed."""


class JournalError(HintedError):
    """The journal cannot be opened, read or written."""


class InvariantError(PhantomError):
    """The program broke its own rule; nothing it would do next can be trusted."""


def exit_code(error: BaseException) -> int:
    """Return the process status that belongs to `error`."""
    return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED


__all__ = [
    "EXIT_DONE",
    "EXIT_FAILED",
    "EXIT_USAGE",
    "ConfigError",
    "InvalidInput",
    "InvariantError",
    "JournalError",
    "MarketDataError",
    "MissingExtraError",
    "PhantomError",
    "RecordingError",
    "SwapRefused",
    "exit_code",
]
