"""What can go wrong, classed by what the program does next.

::

    PhantomError (phantom_core)
    ├─ ConfigError       a setting or option is wrong: which, what it holds, what it may hold; exit 2
    │  └─ SourceError    a rule file is wrong: line, column, and the line itself with a caret
    ├─ MissingExtraError an optional library is not installed: how to install it; exit 1
    ├─ WalletError       a key cannot be had, or is none, or others may read it; exit 1
    ├─ JournalError      the journal cannot be opened, read or written; exit 1
    ├─ TransientError    an endpoint failed: next endpoint, back off, retry; exit 1 if nothing helps
    │  ├─ RpcTimeout     no answer in time
    │  ├─ RateLimited    too many requests: pause this endpoint for `retry_after_s`
    │  ├─ StaleSlot      the endpoint is behind the slot that was asked for
    │  ├─ EndpointDown   it cannot be reached, or says itself that it is broken or behind
    │  └─ BadAnswer      what came is no answer to what was asked
    ├─ RpcRefused        an endpoint understood and refused: it will again, another one may not; exit 1
    │  └─ AccessDenied   wrong key, or what the key does not pay for
    ├─ TransactionFailed a transaction that an operator asked for failed, expired, or was refused; exit 1
    ├─ OutcomeUnknown    an attempt may or may not have landed: it stays at risk, the run goes on
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


class SourceError(ConfigError):
    """A file in the strategy language is wrong.

    Attributes:
        message: What is wrong and where, without the hint.
        place: Line and column, from 1; None if the file cannot be read at all.
        excerpt: The line of the source with a caret under the place; empty if there is none.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        place: tuple[int, int] | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.message = message
        self.place = place
        self.excerpt = excerpt


class MissingExtraError(HintedError):
    """An optional library is not installed."""


class WalletError(HintedError):
    """A key cannot be had, is none, or is open to others; the message holds nothing of it."""


class JournalError(HintedError):
    """The journal cannot be opened, read or written."""


class EndpointError(HintedError):
    """Something between us and one endpoint; the message names it and holds no secret.

    Attributes:
        endpoint: The endpoint's name.
    """

    def __init__(self, endpoint: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"endpoint {endpoint}: {message}", hint=hint)
        self.endpoint = endpoint


class TransientError(EndpointError):
    """An endpoint failed in a way that may pass: ask another one, or this one later."""


class RpcTimeout(TransientError):
    """An endpoint gave no answer in time."""


class RateLimited(TransientError):
    """An endpoint was asked too often.

    Attributes:
        retry_after_s: Seconds after which it may be asked again; None if it does not say.
    """

    def __init__(self, endpoint: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(endpoint, message)
        self.retry_after_s = retry_after_s


class StaleSlot(TransientError):
    """An endpoint is behind the slot that was asked for.

    Attributes:
        wanted: The least slot that was asked for.
        found: The slot that the endpoint has reached; None if it does not say.
    """

    def __init__(self, endpoint: str, wanted: int, found: int | None) -> None:
        reached = "" if found is None else f", it has reached {found}"
        super().__init__(endpoint, f"has not reached slot {wanted}{reached}")
        self.wanted, self.found = wanted, found


class EndpointDown(TransientError):
    """An endpoint cannot be reached, or says itself that it is broken or behind."""


class BadAnswer(TransientError):
    """What an endpoint sent is no answer to what it was asked."""


class RpcRefused(EndpointError):
    """An endpoint understood a request and refused it.

    Attributes:
        code: The JSON-RPC or HTTP number; None if there is none.
    """

    def __init__(self, endpoint: str, message: str, *, code: int | None, hint: str | None = None) -> None:
        super().__init__(endpoint, message, hint=hint)
        self.code = code


class AccessDenied(RpcRefused):
    """An endpoint refuses our key, or what the key does not pay for."""


class TransactionFailed(HintedError):
    """A transaction that an operator asked for did not do what it should.

    Attributes:
        signature: Its signature.
        kind: `refused`: no endpoint took it; `failed`: it landed and failed; `expired`: it can never land.
    """

    def __init__(self, signature: str, kind: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"transaction {signature} {kind}: {message}", hint=hint)
        self.signature, self.kind = signature, kind


class OutcomeUnknown(HintedError):
    """An attempt was sent, or may have been, and nobody knows yet how it ended."""


class InvariantError(PhantomError):
    """The program broke its own rule; nothing it would do next can be trusted."""


def exit_code(error: BaseException) -> int:
    """Return the process status that belongs to `error`."""
    return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED


__all__ = [
    "EXIT_DONE",
    "EXIT_FAILED",
    "EXIT_USAGE",
    "AccessDenied",
    "BadAnswer",
    "ConfigError",
    "EndpointDown",
    "EndpointError",
    "InvalidInput",
    "InvariantError",
    "JournalError",
    "MarketDataError",
    "MissingExtraError",
    "OutcomeUnknown",
    "PhantomError",
    "RateLimited",
    "RecordingError",
    "RpcRefused",
    "RpcTimeout",
    "SourceError",
    "StaleSlot",
    "SwapRefused",
    "TransactionFailed",
    "TransientError",
    "WalletError",
    "exit_code",
]
