"""Carries out what an operator asked for: one transaction at a time, certain of each before the next.

It is simulated first: what is refused then was never sent. After that the same bytes are sent again until the
chain knows them or the blockhash has expired for good. What a node answers to the sending proves nothing;
only the status of the signature does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phantom_arbiter.errors import EndpointError, RpcRefused, TransactionFailed
from phantom_arbiter.execution.chain import Blockhash, Rpc, read_blockhash
from phantom_arbiter.sources.rpc_pool.wire import is_slot
from phantom_core import (
    BuiltTransaction,
    Instruction,
    Signer,
    compile_transaction,
    set_compute_unit_limit,
    set_compute_unit_price,
)

COMPUTE_UNIT_LIMIT: Final = 300_000
"""Compute units of an operator's transaction: a dozen token accounts created take about so many."""

LAMPORTS_PER_SIGNATURE: Final = 5_000
POLL_S: Final = 1.0
RESEND_EVERY: Final = 4
"""Looks after which the same bytes are sent again."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction that has landed and done what it should, at `confirmed`."""

    signature: str
    slot: int


class Operator:
    """Signs, sends and waits."""

    def __init__(
        self,
        rpc: Rpc,
        signer: Signer,
        *,
        compute_unit_price: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        told: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare.

        Args:
            rpc: Whom to ask.
            signer: Pays and signs.
            compute_unit_price: Priority fee, micro-lamports per compute unit.
            sleep: Waits between looks.
            told: Told of each step.
        """
        self.rpc, self.signer = rpc, signer
        self._price, self.sleep, self.told = compute_unit_price, sleep, told

    @property
    def address(self) -> str:
        """Who pays."""
        return self.signer.address

    @property
    def fee_lamports(self) -> int:
        """What one transaction costs."""
        return LAMPORTS_PER_SIGNATURE - (-COMPUTE_UNIT_LIMIT * self._price // 1_000_000)

    async def carry_out(self, instructions: Sequence[Instruction], what: str) -> Landed:
        """Send one transaction of these instructions and wait until it is certain.

        Raises:
            TransactionFailed: It was refused and never sent, or it failed, or it has expired without landing.
            EndpointError: No endpoint answers.
        """
        recent = await read_blockhash(self.rpc, "confirmed")
        budget = [set_compute_unit_limit(COMPUTE_UNIT_LIMIT)]
        if self._price:
            budget.append(set_compute_unit_price(self._price))
        signed = compile_transaction([*budget, *instructions], self.signer, recent.blockhash)
        await self._try(signed, recent)
        self.told(f"{what}: {signed.signature}")
        await self._send(signed)
        looks = 0
        while True:
            landed = await self._landed(signed)
            if landed is not None:
                return landed
            height = await self.rpc.call("getBlockHeight", [{"commitment": "finalized"}], check=_check_height)
            if height.result > recent.last_valid_block_height:
                # Asked of the same endpoint: another one may not have come as far yet.
                landed = await self._landed(signed, endpoint=height.endpoint)
                if landed is not None:
                    return landed
                raise TransactionFailed(
                    signed.signature, "expired", "it has not landed in 150 blocks", hint="try again"
                )
            looks += 1
            if looks % RESEND_EVERY == 0:
                await self._send(signed)
            await self.sleep(POLL_S)

    async def _try(self, signed: BuiltTransaction, recent: Blockhash) -> None:
        """Simulate it.

        Raises:
            TransactionFailed: It is refused; nothing was sent.
        """
        config = {"encoding": "base64", "commitment": "confirmed", "minContextSlot": recent.slot}
        try:
            answer = await self.rpc.call(
                "simulateTransaction",
                [signed.base64, config],
                wanted_slot=recent.slot,
                check=_check_simulation,
            )
        except RpcRefused as error:
            raise TransactionFailed(signed.signature, "refused", str(error)) from error
        tried = answer.result["value"]
        if tried["err"] is not None:
            said = "; ".join(str(line) for line in (tried.get("logs") or ())[-3:])
            raise TransactionFailed(signed.signature, "refused", f"{tried['err']} {said}".rstrip())

    async def _send(self, signed: BuiltTransaction) -> None:
        config = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        with contextlib.suppress(EndpointError):  # it may have arrived; its status tells
            await self.rpc.call("sendTransaction", [signed.base64, config], check=_check_signature)

    async def _landed(self, signed: BuiltTransaction, *, endpoint: str | None = None) -> Landed | None:
        """Return where it landed, None while nobody knows it at `confirmed`; one endpoint's history if named.

        Raises:
            TransactionFailed: It landed and failed.
        """
        params: list[Any] = [[signed.signature], {"searchTransactionHistory": endpoint is not None}]
        answer = await self.rpc.call("getSignatureStatuses", params, check=_check_statuses, endpoint=endpoint)
        (status,) = answer.result["value"]
        if status is None or status.get("confirmationStatus") not in ("confirmed", "finalized"):
            return None
        if status.get("err") is not None:
            raise TransactionFailed(signed.signature, "failed", f"{status['err']}")
        return Landed(signed.signature, status["slot"])


def _check_signature(result: Any) -> None:
    if not isinstance(result, str):
        raise ValueError("no signature")


def _check_height(result: Any) -> None:
    if not is_slot(result):
        raise ValueError("no block height")


def _check_simulation(result: Any) -> None:
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict) or "err" not in value:
        raise ValueError("no simulation")
    if not isinstance(value.get("logs"), list | None):
        raise ValueError("a simulation whose logs are none")


def _check_statuses(result: Any) -> None:
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, list) or len(value) != 1:
        raise ValueError("no status")
    status = value[0]
    if status is not None and (not isinstance(status, dict) or not isinstance(status.get("slot"), int)):
        raise ValueError("a status without slot")


__all__ = ["COMPUTE_UNIT_LIMIT", "Landed", "Operator"]
