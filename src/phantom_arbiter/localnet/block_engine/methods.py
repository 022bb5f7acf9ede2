"""Jito's JSON-RPC methods and the paths that serve them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.admission import Unreadable, is_signed, read_transaction
from phantom_arbiter.localnet.bank import Bank, Commitment
from phantom_arbiter.localnet.block_engine import errors
from phantom_arbiter.localnet.block_engine.auction import BlockEngine
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS, Rejection, Status
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc.errors import METHOD_NOT_FOUND
from phantom_arbiter.localnet.rpc.params import Config, Params

MAX_IDS: Final = 5
"""Bundle ids in one request (jito-docs)."""


@dataclass(slots=True)
class Request:
    """One request as a region has received it, and the headers of its answer."""

    engine: BlockEngine
    bank: Bank
    machine: Machine
    region: str
    verdict: Rejection | None
    delay_slots: int
    status_slots: int
    is_bundle_only: bool
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def slot(self) -> int:
        """The slot in which statuses are told."""
        return self.bank.slot_at(Commitment.PROCESSED, self.status_slots)


def send_bundle(request: Request, params: Params) -> str:
    """Answer sendBundle: the bundle's id, before anything has been carried out."""
    texts = params.value(0, list, "transactions")
    encoding = params.config(1).get("encoding", str, "base58")
    # Counted first: what is too much is not read.
    if len(texts) > MAX_IDS:
        raise errors.refusal(errors.TOO_MANY_TRANSACTIONS)
    transactions = [_transaction(index, text, encoding) for index, text in enumerate(texts)]
    bundle = request.engine.take(
        request.region, transactions, verdict=request.verdict, delay_slots=request.delay_slots
    )
    return bundle.id


def send_transaction(request: Request, params: Params) -> str:
    """Answer sendTransaction: as a bundle of one; unless `bundleOnly`, as an ordinary transaction too."""
    transaction = _transaction(0, params.value(0, str, "a transaction"), _encoding(params.config(1)))
    try:
        bundle = request.engine.take(
            request.region,
            [transaction],
            verdict=request.verdict,
            delay_slots=request.delay_slots,
            falls_back=not request.is_bundle_only,
        )
        request.headers.append(("x-bundle-id", bundle.id))
    except errors.EngineError:
        if request.is_bundle_only:
            raise
        # No bundle: an ordinary transaction all the same, dropped without a word if it cannot land.
        if is_signed(transaction) and request.machine.obstacle(transaction) is None:
            request.machine.execute(transaction)
    return str(transaction.signatures[0])


def get_tip_accounts(request: Request, params: Params) -> list[str]:
    """Answer getTipAccounts."""
    return list(TIP_ACCOUNTS)


def get_bundle_statuses(request: Request, params: Params) -> dict[str, Any]:
    """Answer getBundleStatuses: those that have landed; others are left out."""
    slot, value = request.slot, []
    for identity in _identities(params):
        bundle = request.engine.bundle(identity)
        if bundle is None or bundle.landed_slot is None or bundle.landed_slot > slot:
            continue
        age = slot - bundle.landed_slot
        reached = max(each for each in Commitment if age >= request.bank.lag(each))
        value.append(
            {
                "bundle_id": identity,
                "transactions": bundle.signatures,
                "slot": bundle.landed_slot,
                "confirmation_status": reached.label,
                "err": {"Ok": None},
            }
        )
    return {"context": {"slot": slot}, "value": value}


def get_inflight_bundle_statuses(request: Request, params: Params) -> dict[str, Any]:
    """Answer getInflightBundleStatuses; what is unknown or older than five minutes is `Invalid`."""
    value = []
    for identity in _identities(params):
        bundle = request.engine.bundle(identity)
        status = request.engine.inflight_status(identity, request.slot)
        landed_slot = bundle.landed_slot if bundle is not None and status is Status.LANDED else None
        value.append({"bundle_id": identity, "status": status.value, "landed_slot": landed_slot})
    return {"context": {"slot": request.slot}, "value": value}


def _identities(params: Params) -> list[str]:
    identities: list[Any] = params.value(0, list, "bundle ids")
    if len(identities) > MAX_IDS:
        raise errors.refusal(f"Too many bundle ids: {len(identities)}, at most {MAX_IDS} are allowed")
    if not all(isinstance(each, str) for each in identities):
        raise errors.refusal("Invalid params: a bundle id is no text")
    return identities


def _encoding(config: Config) -> str:
    encoding: str = config.get("encoding", str, "base58")
    return encoding


def _transaction(index: int, text: Any, encoding: str) -> VersionedTransaction:
    if encoding not in ("base58", "base64"):
        raise errors.refusal(f"unsupported encoding: {encoding}. Supported encodings: base58, base64")
    try:
        if not isinstance(text, str):
            raise Unreadable("no text")
        return read_transaction(text, encoding)
    except Unreadable:
        raise errors.refusal(f"transaction #{index} could not be decoded") from None


Method = Callable[[Request, Params], Any]
_OF_BUNDLES: Final[dict[str, Method]] = {
    "sendBundle": send_bundle,
    "getBundleStatuses": get_bundle_statuses,
    "getInflightBundleStatuses": get_inflight_bundle_statuses,
    "getTipAccounts": get_tip_accounts,
}
_OF_TRANSACTIONS: Final[dict[str, Method]] = {"sendTransaction": send_transaction}
PATHS: Final[dict[str, dict[str, Method]]] = {
    "/api/v1/bundles": _OF_BUNDLES,
    "/api/v1/transactions": _OF_TRANSACTIONS,
    **{f"/api/v1/{name}": {name: method} for name, method in {**_OF_BUNDLES, **_OF_TRANSACTIONS}.items()},
}
"""Methods that a path serves."""


def call(request: Request, methods: dict[str, Method], method: str, params: Any) -> Any:
    """Return the result of a method.

    Raises:
        RpcError: What the engine answers instead.
    """
    function = methods.get(method)
    if function is None:
        raise errors.EngineError(400, METHOD_NOT_FOUND, "Method not found")
    return function(request, Params(params))
