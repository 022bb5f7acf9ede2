"""From the text of a request, single or batch, to the text of the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from phantom_arbiter.localnet.rpc import bundles, read_accounts, read_chain, transactions
from phantom_arbiter.localnet.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)
from phantom_arbiter.localnet.rpc.params import Params
from phantom_arbiter.localnet.rpc.view import View

Method = Callable[[View, Params], Any]
"""Returns what stands in `result`: an object for JSON, or `bytes` that are JSON already."""
METHODS: dict[str, Method] = {
    **read_accounts.METHODS,
    **read_chain.METHODS,
    **transactions.METHODS,
    **bundles.METHODS,
}

_LOG = logging.getLogger(__name__)
MAX_BATCH = 1_000


def parse(text: bytes | str) -> Any:
    """Return the JSON of a request, or the error that answers what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return RpcError(PARSE_ERROR, "Parse error")


def answer(text: bytes | str, call: Callable[[str, Any], Any]) -> bytes | None:
    """Return the answer to a request or a batch of requests.

    Args:
        text: What came.
        call: Given method and parameters, returns the result or raises `RpcError`.

    Returns:
        None if nothing is to be answered: there were notifications only.
    """
    request = parse(text)
    if isinstance(request, RpcError):
        return failed(None, request)
    if not isinstance(request, list):
        return _answer_one(request, call)
    if not request or len(request) > MAX_BATCH:
        return failed(None, RpcError(INVALID_REQUEST, "Invalid request"))
    answers = [each for each in (_answer_one(one, call) for one in request) if each is not None]
    return b"[%b]" % b",".join(answers) if answers else None


def _answer_one(request: Any, call: Callable[[str, Any], Any]) -> bytes | None:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        identity = request.get("id") if isinstance(request, dict) else None
        return failed(identity, RpcError(INVALID_REQUEST, "Invalid request"))
    identity = request.get("id")
    if isinstance(identity, dict | list):
        return failed(None, RpcError(INVALID_REQUEST, "Invalid request"))
    try:
        result = call(request["method"], request.get("params"))
    except RpcError as error:
        return failed(identity, error) if "id" in request else None
    except Exception as error:  # a bug of ours: the client gets an answer, the log the traceback
        _LOG.exception("%s failed", request["method"])
        return failed(identity, RpcError(INTERNAL_ERROR, f"Internal error: {type(error).__name__}"))
    return succeeded(identity, result) if "id" in request else None


def succeeded(identity: Any, result: Any) -> bytes:
    """Return an answer."""
    body = result if isinstance(result, bytes) else json.dumps(result, separators=(",", ":")).encode()
    return b'{"jsonrpc":"2.0","result":%b,"id":%b}' % (body, json.dumps(identity).encode())


def failed(identity: Any, error: RpcError) -> bytes:
    """Return a refusal."""
    body = {"jsonrpc": "2.0", "error": error.to_json(), "id": identity}
    return json.dumps(body, separators=(",", ":")).encode()


def call(view: View, method: str, params: Any) -> Any:
    """Return the result of an HTTP method.

    Raises:
        RpcError: What a node answers instead.
    """
    function = METHODS.get(method)
    if function is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    return function(view, Params(params))
