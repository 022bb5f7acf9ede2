"""JSON-RPC as nodes speak it: a request's bytes, and what an answer is worth.

# Source
Error numbers: rpc-client-api `custom_error.rs`; -32429 is Helius' word for too many requests.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from phantom_arbiter.errors import (
    AccessDenied,
    BadAnswer,
    EndpointDown,
    EndpointError,
    RateLimited,
    RpcRefused,
    StaleSlot,
)
from phantom_arbiter.sources.endpoints import Endpoint

MAX_SLOT = 2**63

_UNHEALTHY = -32005
_RATE_LIMITED = frozenset({429, -32429})
_MIN_CONTEXT_SLOT = -32016
_ACCESS_DENIED = frozenset({401, 403, -32401, -32403})
_BROKEN = frozenset({-32603, -32004, -32008, -32014})
"""Internal error, block not available, no snapshot, block status not available: it may pass."""
OUR_MISTAKE = frozenset({-32700, -32600, -32602, -32002, -32003, -32006, -32013, -32015})
"""Refusals that every endpoint would repeat: bad parameters, failed preflight, bad signature."""


def encode(number: int, method: str, params: Sequence[Any]) -> bytes:
    """Return the bytes of a request."""
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
    return json.dumps(request, separators=(",", ":")).encode()


def decode(body: bytes, number: int, endpoint: Endpoint, wanted_slot: int | None = None) -> Any:
    """Return the result in an answer's body.

    Args:
        body: All bytes of the answer.
        number: The request's id.
        endpoint: Who answered, for messages.
        wanted_slot: The request's `minContextSlot`, for the message of its refusal.

    Raises:
        EndpointError: It is no answer to that request, or an error: one of its kinds.
    """
    answer = _parse(body, endpoint)
    if answer is None:
        raise BadAnswer(endpoint.name, "the answer is not JSON")
    if not isinstance(answer, dict):
        raise BadAnswer(endpoint.name, "the answer is no JSON object")
    error = answer.get("error")
    # An error may come without the id: the endpoint could not read the request, or never looked at it.
    if answer.get("id") != number and not (error is not None and answer.get("id") is None):
        raise BadAnswer(endpoint.name, f"the answer is to another request than {number}")
    if error is not None:
        _raise(error, endpoint, wanted_slot)
    if "result" not in answer:
        raise BadAnswer(endpoint.name, "the answer has neither result nor error")
    return answer["result"]


def error_in(body: bytes, endpoint: Endpoint, wanted_slot: int | None = None) -> EndpointError | None:
    """Return the JSON-RPC error that the body of a failed HTTP request carries, None if there is none."""
    answer = _parse(body, endpoint)
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return None
    try:
        _raise(error, endpoint, wanted_slot)
    except EndpointError as found:
        return found


def context_slot(result: Any) -> int | None:
    """Return the slot at which a result held, None if it does not say."""
    context = result.get("context") if isinstance(result, dict) else None
    slot = context.get("slot") if isinstance(context, dict) else None
    return slot if is_slot(slot) else None


def is_slot(value: Any) -> bool:
    """Return whether a value may be a slot."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_SLOT


def _parse(body: bytes, endpoint: Endpoint) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _raise(error: Any, endpoint: Endpoint, wanted_slot: int | None) -> NoReturn:
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, int) or isinstance(code, bool):
        raise BadAnswer(endpoint.name, "the answer's error has no code")
    text = endpoint.scrub(str(error.get("message", "")), limit=200)
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    if code == _UNHEALTHY and ("numSlotsBehind" in data or "limit" not in text.lower()):
        behind = data.get("numSlotsBehind")
        how_far = f" by {behind} slots" if is_slot(behind) else ""
        raise EndpointDown(endpoint.name, f"says that it is behind{how_far}: {text} ({code})")
    if code == _UNHEALTHY or code in _RATE_LIMITED:
        raise RateLimited(endpoint.name, f"too many requests: {text} ({code})")
    if code == _MIN_CONTEXT_SLOT:
        found = data.get("contextSlot")
        raise StaleSlot(endpoint.name, wanted_slot or 0, found if is_slot(found) else None)
    if code in _ACCESS_DENIED:
        raise denied(endpoint, f"{text} ({code})", code)
    if code in _BROKEN:
        raise EndpointDown(endpoint.name, f"{text} ({code})")
    raise RpcRefused(endpoint.name, f"refused: {text} ({code})", code=code)


def denied(endpoint: Endpoint, text: str, code: int) -> AccessDenied:
    """Return the error for a key that an endpoint does not take."""
    hint = f"check the key in {endpoint.http_url}"
    return AccessDenied(endpoint.name, f"access denied: {text}", code=code, hint=hint)
