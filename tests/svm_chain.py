"""A chain of one in-process virtual machine that answers what execution asks; `advance` moves its time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from solders.account import Account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from phantom_arbiter import float_unit
from phantom_arbiter.errors import EndpointDown, RpcRefused
from phantom_core import Signer

FIRST_SLOT = 1_000
SEED = bytes([3]) * 32
WALLET = str(Keypair.from_seed(SEED).pubkey())


def signer() -> Signer:
    return Signer.from_bytes(SEED)


@dataclass(frozen=True)
class Said:
    endpoint: str
    result: Any
    slot: int | None


@dataclass(frozen=True)
class Name:
    name: str


@dataclass
class SvmChain:
    """The machine, its slots, and what was asked of it.

    Attributes:
        drop_next: Transactions that are lost on their way.
        lose_answers: Transactions that land while their answer gets lost.
        refuse: Methods that are refused.
        watched: Called with a method before it is answered.
    """

    drop_next: int = 0
    lose_answers: int = 0
    refuse: frozenset[str] = frozenset()
    watched: Callable[[str], None] = lambda method: None
    endpoints: Sequence[Name] = (Name("svm"),)
    slot: int = FIRST_SLOT
    calls: list[str] = field(default_factory=list)
    statuses: dict[str, tuple[int, Any]] = field(default_factory=dict)
    sent: list[VersionedTransaction] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.svm = LiteSVM().with_blockhash_check(False).with_transaction_history(0)
        self.fund(WALLET, 10 * 10**9)
        self._began()

    # ---- for tests

    def advance(self, slots: int = 1) -> None:
        self.slot += slots
        self._began()

    async def sleep(self, seconds: float) -> None:
        self.advance()

    async def sleep_long(self, seconds: float) -> None:
        self.advance(50)

    def fund(self, address: str, lamports: int) -> None:
        self.put(address, "1" * 32, b"", lamports)

    def put(self, address: str, owner: str, data: bytes, lamports: int) -> None:
        account = Account(lamports, data, Pubkey.from_string(owner))
        self.svm.set_account(Pubkey.from_string(address), account)
        self.known.add(address)

    def lamports(self, address: str) -> int:
        return self.svm.get_balance(Pubkey.from_string(address)) or 0

    def exists(self, address: str) -> bool:
        return self._account(address) is not None

    def _began(self) -> None:
        self.svm.warp_to_slot(self.slot)
        hashes = [(slot, self._hash(slot)) for slot in range(self.slot - 1, self.slot - 513, -1)]
        self.svm.set_slot_hashes(hashes)

    def _hash(self, slot: int) -> Hash:
        return Hash(hashlib.sha256(b"%d" % slot).digest())

    # ---- calls

    async def call(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = lambda result: None,
        endpoint: str | None = None,
        hedge: bool = True,
        timeout_s: float | None = None,
    ) -> Said:
        self.calls.append(method)
        self.watched(method)
        if method in self.refuse:
            raise RpcRefused("svm", f"{method} is not served", code=-32601)
        result = getattr(self, f"_{method}")(*params)
        check(result)
        slot = result["context"]["slot"] if isinstance(result, dict) and "context" in result else None
        return Said("svm", json.loads(json.dumps(result)), slot)

    def _with_context(self, value: Any) -> dict[str, Any]:
        return {"context": {"slot": self.slot}, "value": value}

    def _account(self, address: str) -> dict[str, Any] | None:
        found = self.svm.get_account(Pubkey.from_string(address))
        if found is None or found.lamports == 0:
            return None
        data = base64.b64encode(found.data).decode()
        return {
            "owner": str(found.owner),
            "lamports": found.lamports,
            "data": [data, "base64"],
            "executable": found.executable,
        }

    def _getSlot(self, config: Any = None) -> int:  # noqa: N802
        return self.slot

    def _getBlockHeight(self, config: Any = None) -> int:  # noqa: N802
        return self.slot - (32 if config and config.get("commitment") == "finalized" else 0)

    def _simulateTransaction(self, text: str, config: Any) -> Any:  # noqa: N802
        tried = self.svm.simulate_transaction(VersionedTransaction.from_bytes(base64.b64decode(text)))
        failed = isinstance(tried, FailedTransactionMetadata)
        err = json.loads(tried.to_json())["err"] if isinstance(tried, FailedTransactionMetadata) else None
        return self._with_context({"err": err, "logs": tried.meta().logs() if failed else []})

    def _getBalance(self, address: str, config: Any = None) -> Any:  # noqa: N802
        return self._with_context(self.lamports(address))

    def _getMinimumBalanceForRentExemption(self, length: int) -> int:  # noqa: N802
        return self.svm.minimum_balance_for_rent_exemption(length)

    def _getLatestBlockhash(self, config: Any = None) -> Any:  # noqa: N802
        slot = self.slot - (32 if config["commitment"] == "finalized" else 1)
        value = {"blockhash": str(self._hash(slot)), "lastValidBlockHeight": slot + 150}
        return {"context": {"slot": slot}, "value": value}

    def _getMultipleAccounts(self, addresses: list[str], config: Any) -> Any:  # noqa: N802
        return self._with_context([self._account(address) for address in addresses])

    def _getProgramAccounts(self, program: str, config: Any) -> Any:  # noqa: N802
        found = []
        for address in sorted(self.known):
            account = self._account(address)
            if account is not None and account["owner"] == program:
                found.append({"pubkey": address, "account": account})
        return self._with_context(found)

    def _getTokenAccountsByOwner(self, owner: str, which: Any, config: Any) -> Any:  # noqa: N802
        found = self._getProgramAccounts(which["programId"], config)["value"]
        key = bytes(Pubkey.from_string(owner))
        return self._with_context(
            [each for each in found if base64.b64decode(each["account"]["data"][0])[32:64] == key]
        )

    def _getSignatureStatuses(self, signatures: list[str], config: Any) -> Any:  # noqa: N802
        value: list[Any] = []
        for signature in signatures:
            slot, err = self.statuses.get(signature, (None, None))
            age = None if slot is None else self.slot - slot
            level = "processed" if age is not None and age < 1 else "confirmed"
            value.append(None if slot is None else {"slot": slot, "err": err, "confirmationStatus": level})
        return self._with_context(value)

    def _sendTransaction(self, text: str, config: Any) -> str:  # noqa: N802
        transaction = VersionedTransaction.from_bytes(base64.b64decode(text))
        assert all(transaction.verify_with_results())
        assert len(bytes(transaction)) <= 1_232
        signature = str(transaction.signatures[0])
        self.sent.append(transaction)
        if self.drop_next:
            self.drop_next -= 1
            return signature
        if signature in self.statuses:
            if not config["skipPreflight"]:
                raise RpcRefused("svm", "This transaction has already been processed", code=-32002)
            return signature
        if not config["skipPreflight"]:
            tried = self.svm.simulate_transaction(transaction)
            float_unit.settle()
            if isinstance(tried, FailedTransactionMetadata):
                raise RpcRefused("svm", f"{tried.err()} {tried.meta().logs()}", code=-32002)
        done = self.svm.send_transaction(transaction)
        float_unit.settle()
        err = json.loads(done.to_json())["err"] if isinstance(done, FailedTransactionMetadata) else None
        self.statuses[signature] = (self.slot, err)
        self.known.update(str(key) for key in transaction.message.account_keys)
        if self.lose_answers:
            self.lose_answers -= 1
            raise EndpointDown("svm", "the answer was lost")
        return signature
