"""What Jito's block engine says when it refuses, with its codes.

The words are those that clients of the public engine look for (jito-ts, jito-js-rpc and others); those marked
are our own, for cases of which no wording is known.
"""

from __future__ import annotations

from typing import Any, Final

from phantom_arbiter.localnet.rpc.errors import INTERNAL_ERROR, INVALID_PARAMS, RpcError

RATE_LIMITED: Final = -32097
CONGESTED: Final = "Network congested. Endpoint is globally rate limited."
NOT_AUTHORIZED: Final = -32098
"""Code of our own."""

TOO_MANY_TRANSACTIONS: Final = "bundle exceeds max transaction length: 5"
NO_TRANSACTIONS: Final = "bundle must contain at least one transaction"  # our own words
NOT_SIGNED_OR_TWICE: Final = (
    "bundles must not contain any duplicate transactions and every transaction must be signed"
)
NO_TIP_LOCK: Final = "Bundles must write lock at least one tip account to be eligible for the auction."
ALREADY_PROCESSED: Final = "bundle contains an already processed transaction"
EXPIRED_BLOCKHASH: Final = "bundle contains an expired blockhash"
DUPLICATE_BUNDLE: Final = "duplicate bundle"  # our own words
DONT_FRONT: Final = "bundle contains a jitodontfront transaction that is not at index 0"  # our own words


class EngineError(RpcError):
    """A refusal, with the HTTP status under which it is sent."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(code, message)
        self.status = status

    def to_json(self) -> dict[str, Any]:
        """Return the object for `error`; its data is there even if null."""
        return {"code": self.code, "message": self.message, "data": self.data}


def refusal(message: str) -> EngineError:
    """Return the refusal of a request that is wrong."""
    return EngineError(400, INVALID_PARAMS, message)


def internal_error() -> EngineError:
    """Return the engine's own failure."""
    return EngineError(500, INTERNAL_ERROR, "Internal error")


def rate_limited(limit: float | None) -> EngineError:
    """Return the refusal of a request beyond a limit of requests a second; None: of all clients together."""
    if limit is None:
        return EngineError(429, RATE_LIMITED, CONGESTED)
    return EngineError(
        429, RATE_LIMITED, f"Rate limit exceeded. Limit: {limit:g} per second for txn requests"
    )


def not_authorized() -> EngineError:
    """Return the refusal of a UUID that the engine does not know."""
    return EngineError(401, NOT_AUTHORIZED, "The supplied UUID is not authorized")  # our own words
