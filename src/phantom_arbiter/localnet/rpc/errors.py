"""JSON-RPC errors with the codes and words of a Solana node (rpc-client-api custom_error.rs)."""

from __future__ import annotations

from typing import Any, Final

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
PREFLIGHT_FAILURE: Final = -32002
SIGNATURE_VERIFICATION: Final = -32003
NODE_UNHEALTHY: Final = -32005
UNSUPPORTED_TRANSACTION_VERSION: Final = -32015
MIN_CONTEXT_SLOT: Final = -32016
RATE_LIMITED: Final = -32429


class RpcError(Exception):
    """What stands in `error` of an answer."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """Return the object for `error`."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


def invalid(what: str) -> RpcError:
    """Return the error for parameters that are wrong."""
    return RpcError(INVALID_PARAMS, f"Invalid params: {what}")


def unhealthy(slots_behind: int | None) -> RpcError:
    """Return the error of a node that is behind."""
    message = "Node is unhealthy" if slots_behind is None else f"Node is behind by {slots_behind} slots"
    return RpcError(NODE_UNHEALTHY, message, {"numSlotsBehind": slots_behind})
