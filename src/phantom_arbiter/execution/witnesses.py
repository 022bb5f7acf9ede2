"""What a landing is judged by, read from one endpoint at a time: each endpoint has a voice of its own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from phantom_arbiter.execution.balances import Expected, Explain, read_facts
from phantom_arbiter.execution.error_names import error_name
from phantom_arbiter.execution.findings import Facts
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.rpc_pool.member import Answer
from phantom_arbiter.sources.rpc_pool.wire import context_slot, is_slot
from phantom_core import Address

MAX_STATUSES = 256
"""Signatures in one `getSignatureStatuses`; rpc.rs `MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS`."""

_NONCE_BYTES = 80
_NONCE_STATE, _NONCE_VALUE = slice(4, 8), slice(40, 72)
_INITIALISED = (1).to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class Head:
    """How far an endpoint's finalized chain is."""

    slot: int
    block_height: int


@dataclass(frozen=True, slots=True)
class Statuses:
    """Statuses of signatures: None if not known, else whether it is `confirmed` or more.

    Attributes:
        slot: The newest slot that the node behind the endpoint has seen.
        found: In the order of the signatures.
    """

    slot: int
    found: tuple[bool | None, ...]


class Chain(Protocol):
    """Reads what a landing is judged by. Every method raises `EndpointError` if it cannot."""

    @property
    def endpoints(self) -> Sequence[str]:
        """Names of those that may be asked."""
        ...

    async def head(self, endpoint: str) -> Head:
        """Return how far the finalized chain is."""
        ...

    async def statuses(self, endpoint: str, signatures: Sequence[str], *, history: bool) -> Statuses:
        """Return what is known of at most `MAX_STATUSES` signatures; with `history`, however old they are."""
        ...

    async def is_blockhash_valid(self, endpoint: str, blockhash: str, min_slot: int) -> bool:
        """Return whether a transaction with this blockhash may still be processed, at `min_slot` or later."""
        ...

    async def nonce(self, endpoint: str, account: str, min_slot: int) -> tuple[int, str | None]:
        """Return a finalized slot, `min_slot` or later, and the value of a durable nonce; None: no nonce."""
        ...

    async def first_slot(self, endpoint: str) -> int:
        """Return the oldest slot that the endpoint's history still holds."""
        ...

    async def transaction(self, endpoint: str, expected: Expected) -> Facts | None:
        """Return what a transaction did at `confirmed` or more; None if the endpoint does not have it."""
        ...


class Caller(Protocol):
    """The part of `sources.rpc.RpcPool` that is needed."""

    @property
    def endpoints(self) -> list[Endpoint]:
        """Those that may be asked."""
        ...

    async def call(
        self,
        method: str,
        params: Sequence[Any] = ...,
        *,
        wanted_slot: int | None = ...,
        check: Callable[[Any], None] = ...,
        endpoint: str | None = ...,
    ) -> Answer:
        """Ask `endpoint`, once."""
        ...


class RpcChain:
    """Reads over JSON-RPC."""

    def __init__(self, pool: Caller, explain: Explain = error_name) -> None:
        """Prepare.

        Args:
            pool: Whom to ask.
            explain: Names what a transaction failed with.
        """
        self._pool = pool
        self._explain = explain

    @property
    def endpoints(self) -> Sequence[str]:
        """Names of those that may be asked."""
        return [endpoint.name for endpoint in self._pool.endpoints]

    async def head(self, endpoint: str) -> Head:
        """Return how far the finalized chain is: slot and height of one and the same block.

        Raises:
            EndpointError: No good answer.
        """
        params = [{"commitment": "finalized"}]
        answer = await self._pool.call("getEpochInfo", params, check=_check_head, endpoint=endpoint)
        return Head(answer.result["absoluteSlot"], answer.result["blockHeight"])

    async def statuses(self, endpoint: str, signatures: Sequence[str], *, history: bool) -> Statuses:
        """Return what is known of signatures. A node without history refuses to be asked for it.

        Raises:
            EndpointError: No good answer.
        """

        def check(result: Any) -> None:
            found = result.get("value") if context_slot(result) is not None else None
            if not isinstance(found, list) or len(found) != len(signatures):
                raise ValueError(f"no {len(signatures)} statuses with their slot")
            if not all(each is None or isinstance(each, dict) for each in found):
                raise ValueError("a status that is none")

        params = [list(signatures), {"searchTransactionHistory": history}]
        answer = await self._pool.call("getSignatureStatuses", params, check=check, endpoint=endpoint)
        found = (
            None if each is None else each.get("confirmationStatus") in ("confirmed", "finalized")
            for each in answer.result["value"]
        )
        return Statuses(answer.result["context"]["slot"], tuple(found))

    async def is_blockhash_valid(self, endpoint: str, blockhash: str, min_slot: int) -> bool:
        """Return whether the newest block of the endpoint would take a transaction with it.

        Raises:
            EndpointError: No good answer.
        """

        def check(result: Any) -> None:
            if context_slot(result) is None or not isinstance(result.get("value"), bool):
                raise ValueError("neither true nor false")

        params = [blockhash, {"commitment": "processed", "minContextSlot": min_slot}]
        answer = await self._pool.call(
            "isBlockhashValid", params, wanted_slot=min_slot, check=check, endpoint=endpoint
        )
        return bool(answer.result["value"])

    async def nonce(self, endpoint: str, account: str, min_slot: int) -> tuple[int, str | None]:
        """Return slot and value of a durable nonce account.

        Raises:
            EndpointError: No good answer.
        """

        def check(result: Any) -> None:
            if context_slot(result) is None:
                raise ValueError("no slot")
            _nonce_value(result.get("value"))

        config = {"encoding": "base64", "commitment": "finalized", "minContextSlot": min_slot}
        answer = await self._pool.call(
            "getAccountInfo", [account, config], wanted_slot=min_slot, check=check, endpoint=endpoint
        )
        return answer.result["context"]["slot"], _nonce_value(answer.result["value"])

    async def first_slot(self, endpoint: str) -> int:
        """Return the oldest slot of the endpoint's history.

        Raises:
            EndpointError: No good answer.
        """
        answer = await self._pool.call("getFirstAvailableBlock", check=_check_slot, endpoint=endpoint)
        return int(answer.result)

    async def transaction(self, endpoint: str, expected: Expected) -> Facts | None:
        """Return what a transaction did.

        Raises:
            EndpointError: No good answer.
        """
        facts: list[Facts] = []

        def check(result: Any) -> None:
            if result is not None:
                facts.append(read_facts(result, expected, self._explain))

        config = {"commitment": "confirmed", "encoding": "json", "maxSupportedTransactionVersion": 0}
        params = [expected.submission.signature, config]
        await self._pool.call("getTransaction", params, check=check, endpoint=endpoint)
        return facts[0] if facts else None


def _check_slot(result: Any) -> None:
    if not is_slot(result):
        raise ValueError("no slot")


def _check_head(result: Any) -> None:
    if not isinstance(result, dict):
        raise ValueError("no head")
    _check_slot(result.get("absoluteSlot"))
    _check_slot(result.get("blockHeight"))


def _nonce_value(account: Any) -> str | None:
    """Return the value that an account of the answer holds; None if it is no initialised nonce.

    Raises:
        ValueError: It cannot be read.
    """
    if account is None:
        return None
    try:
        data = base64.b64decode(account["data"][0], validate=True)
    except (KeyError, TypeError, IndexError, binascii.Error):
        raise ValueError("an account whose data is not base64") from None
    if len(data) != _NONCE_BYTES or data[_NONCE_STATE] != _INITIALISED:
        return None
    return str(Address(data[_NONCE_VALUE]))


__all__ = ["MAX_STATUSES", "Caller", "Chain", "Head", "RpcChain", "Statuses"]
