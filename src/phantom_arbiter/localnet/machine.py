"""Transactions: carried out by LiteSVM on the bank's accounts, one by one or several as one.

The virtual machine holds only what transactions named so far. Before a run it gets the present state of
every account that the message names; afterwards what changed is written to the bank. A feed that writes
50,000 accounts a second therefore costs the machine nothing.

A run changes the machine alone, until it is committed: so several can be carried out one after the other
and taken back together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import SimulatedTransactionInfo

from phantom_arbiter import float_unit
from phantom_arbiter.localnet import nonces
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import SLOTS_PER_EPOCH, Bank
from phantom_arbiter.localnet.fees import compute_unit_price, transaction_fee
from phantom_arbiter.localnet.notices import EventNotice, signature_notice
from phantom_arbiter.localnet.outcomes import Landed, Outcome, message_of, outcome_of, refused, state_of
from phantom_arbiter.localnet.token_balances import decimals_by_mint, token_balances

_LOOKUP_PROGRAM: Final = "AddressLookupTab1e1111111111111111111111111"
_SLOT_HASHES: Final = "SysvarS1otHashes111111111111111111111111111"
_LOOKUP_ADDRESSES_AT: Final = 56
_KEPT_TRANSACTIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Step:
    """A run that is in the machine and not yet in the bank."""

    transaction: VersionedTransaction
    keys: list[str]
    outcome: Outcome
    before: dict[str, AccountState | None]
    after: dict[str, AccountState | None]


class Machine:
    """LiteSVM in front of a bank."""

    def __init__(self, bank: Bank, programs: dict[str, Path] | None = None) -> None:
        """Start the virtual machine.

        Args:
            bank: Whose accounts it works on.
            programs: Bytecode files to deploy, by program id, besides the token programs.
        """
        self._bank = bank
        # Signatures, blockhashes and repeats are checked here: the machine would check them against its own.
        self._svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        for program, path in (programs or {}).items():
            self._svm.add_program_from_file(Pubkey.from_string(program), path)
        self._loaded: dict[str, AccountState | None] = {}
        self.landed: dict[str, Landed] = {}
        self._order: deque[str] = deque()
        self.fees: dict[int, int] = {}
        """Least micro-lamports per compute unit that landed in a slot."""
        self._slot_hashes_of = -1
        self._of_slot: tuple[int, list[_Step]] = (bank.slot, [])

    def builtin(self, pubkey: str) -> AccountState | None:
        """Return an account that the machine itself brings: programs, sysvars."""
        account = self._svm.get_account(Pubkey.from_string(pubkey))
        return None if account is None or account.lamports == 0 else state_of(account)

    # ---- what is asked of it

    def obstacle(self, transaction: VersionedTransaction) -> str | None:
        """Return why a transaction cannot land at all, in the runtime's words; None if it can."""
        if str(transaction.signatures[0]) in self.landed:
            return "AlreadyProcessed"
        message = message_of(transaction)
        if self._bank.is_blockhash_valid(str(message.recent_blockhash)) or self._nonce(message) is not None:
            return None
        return "BlockhashNotFound"

    def is_current(self, message: Message | MessageV0, height: int | None = None) -> bool:
        """Return whether a message's blockhash, or the nonce that stands for it, may still be processed."""
        blockhash = str(message.recent_blockhash)
        return self._bank.is_blockhash_valid(blockhash, height) or self._nonce(message) is not None

    def simulate(self, transaction: VersionedTransaction) -> Outcome:
        """Return what the transaction would do now; nothing changes."""
        self._load(transaction)
        result = self._svm.simulate_transaction(transaction)
        float_unit.settle()
        accounts: dict[str, AccountState] = {}
        if isinstance(result, SimulatedTransactionInfo):
            accounts = {str(key): state_of(account) for key, account in result.post_accounts()}
        return outcome_of(result, accounts)

    def execute(self, transaction: VersionedTransaction) -> Outcome:
        """Carry the transaction out in the present slot; tell subscribers of logs and signature."""
        step = self._run(transaction)
        if step.outcome.landed:
            self._commit(step)
        return step.outcome

    def execute_all(
        self,
        transactions: Sequence[VersionedTransaction],
        accept: Callable[[list[Outcome]], bool] = lambda outcomes: True,
    ) -> list[Outcome]:
        """Carry transactions out in their order, all or none, in the present slot.

        Args:
            transactions: Each sees what those before it did.
            accept: Given the outcomes if none failed, says whether they may stand.

        Returns:
            The outcome of each up to the first that failed: then, and only then, the last one has an error.
        """
        steps: list[_Step] = []
        outcomes: list[Outcome] = []
        for transaction in transactions:
            obstacle = self.obstacle(transaction)
            if obstacle is not None:
                outcomes.append(refused(obstacle))
                break
            steps.append(self._run(transaction))
            outcomes.append(steps[-1].outcome)
            if outcomes[-1].err is not None:
                break
        if all(each.err is None for each in outcomes) and accept(outcomes):
            for step in steps:
                self._commit(step)
        else:
            for step in reversed(steps):
                self._take_back(step)
        return outcomes

    def try_all(self, transactions: Sequence[VersionedTransaction]) -> list[Outcome]:
        """Return what `execute_all` would; nothing changes."""
        return self.execute_all(transactions, lambda outcomes: False)

    def undo_slot(self) -> list[VersionedTransaction]:
        """Take back every transaction of the present slot, as if its block had not been built upon.

        What a feed wrote since then stays. Subscribers hear of the accounts' return as of any write.

        Returns:
            The transactions, in the order in which they had landed.
        """
        slot, steps = self._of_slot
        self._of_slot = (self._bank.slot, [])
        if slot != self._bank.slot:
            return []
        for step in reversed(steps):
            for key, state in step.before.items():
                if state != step.after[key] and self._present(key) == step.after[key]:
                    self._bank.write(key, state)
            signature = str(step.transaction.signatures[0])
            del self.landed[signature]
            self._bank.unrecord(signature)
            self._bank.transactions -= 1
        self.fees.pop(slot, None)
        return [step.transaction for step in steps]

    def slot_of(self, signature: str) -> int | None:
        """Return the slot in which a transaction landed."""
        landed = self.landed.get(signature)
        return None if landed is None else landed.slot

    def account_keys(self, message: Message | MessageV0) -> list[str]:
        """Return all accounts that a message names: static ones, then looked-up ones, writable first."""
        keys = [str(key) for key in message.account_keys]
        if isinstance(message, MessageV0):
            writable, readonly = [], []
            for lookup in message.address_table_lookups:
                table = self._bank.accounts.latest(str(lookup.account_key))
                data = b"" if table is None or table[1] is None else table[1].data[_LOOKUP_ADDRESSES_AT:]
                found = [str(Pubkey.from_bytes(data[at : at + 32])) for at in range(0, len(data) - 31, 32)]
                writable += [found[each] for each in lookup.writable_indexes if each < len(found)]
                readonly += [found[each] for each in lookup.readonly_indexes if each < len(found)]
            keys += writable + readonly
        return keys

    # ---- one run

    def _run(self, transaction: VersionedTransaction) -> _Step:
        message = message_of(transaction)
        is_timed = self._bank.is_blockhash_valid(str(message.recent_blockhash))
        nonce = None if is_timed else self._nonce(message)
        keys = self._load(transaction)
        before = {key: self._state_now(key) for key in keys}
        result = self._svm.send_transaction(transaction)
        float_unit.settle()
        after = {key: self._state_now(key) for key in keys}
        self._correct_nonces(before, after)
        outcome = outcome_of(result, {key: state for key, state in after.items() if state is not None})
        if nonce is not None and outcome.landed and outcome.err is not None:
            # A transaction that fails pays its fee and uses up its nonce all the same.
            state = after[nonce]
            assert state is not None
            after[nonce] = nonces.with_value(state, nonces.next_value(self._blockhash))
            self._put(nonce, after[nonce])
        return _Step(transaction, keys, outcome, before, after)

    def _commit(self, step: _Step) -> None:
        for key, state in step.after.items():
            if state != step.before[key]:
                self._loaded[key] = state
                self._bank.write(key, state)
        self._remember(step)
        if self._of_slot[0] != self._bank.slot:
            self._of_slot = (self._bank.slot, [])
        self._of_slot[1].append(step)
        self._tell(str(step.transaction.signatures[0]), step.keys, step.outcome)

    def _take_back(self, step: _Step) -> None:
        for key, state in step.before.items():
            if state != step.after[key]:
                self._put(key, state)

    @property
    def _blockhash(self) -> str:
        return self._bank.blockhash_at(self._bank.slot)[0]

    def _nonce(self, message: Message | MessageV0) -> str | None:
        """Return the nonce account whose value stands for the message's blockhash."""
        key = nonces.named_nonce(message)
        if key is None or not nonces.is_usable(message, self._present(key), self._blockhash):
            return None
        return key

    def _correct_nonces(
        self, before: dict[str, AccountState | None], after: dict[str, AccountState | None]
    ) -> None:
        """Let nonces that were initialised or advanced follow from the bank's blockhash."""
        for key, state in after.items():
            value = nonces.value_of(state)
            if state is None or value is None or value == nonces.value_of(before[key]):
                continue
            after[key] = nonces.with_value(state, nonces.next_value(self._blockhash))
            self._put(key, after[key])

    # ---- between bank and machine

    def _load(self, transaction: VersionedTransaction) -> list[str]:
        message = message_of(transaction)
        keys = self.account_keys(message)
        tables = (
            [str(lookup.account_key) for lookup in message.address_table_lookups]
            if isinstance(message, MessageV0)
            else []
        )
        for key in dict.fromkeys([*keys, *tables]):
            held = self._bank.accounts.latest(key)
            if held is None or self._loaded.get(key) is held[1]:
                continue
            self._put(key, held[1])
            self._loaded[key] = held[1]
        slot, epoch = self._bank.slot, self._bank.slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, 0, epoch, epoch + 1, self._bank.unix_timestamp()))
        if slot != self._slot_hashes_of and (tables or _LOOKUP_PROGRAM in keys or _SLOT_HASHES in keys):
            self._svm.set_slot_hashes(
                [(each, Hash.from_string(text)) for each, text in self._bank.slot_hashes()]
            )
            self._slot_hashes_of = slot
        return keys

    def _put(self, key: str, state: AccountState | None) -> None:
        account = (
            Account(0, b"", Pubkey.default())
            if state is None
            else Account(state.lamports, state.data, Pubkey.from_string(state.owner), state.executable)
        )
        self._svm.set_account(Pubkey.from_string(key), account)

    def _present(self, key: str) -> AccountState | None:
        """Return what an account holds, runs that are not committed included."""
        held = self._bank.accounts.latest(key)
        if held is None or self._loaded.get(key) is held[1]:
            return self._state_now(key)
        return held[1]

    def _state_now(self, key: str) -> AccountState | None:
        account = self._svm.get_account(Pubkey.from_string(key))
        return None if account is None or account.lamports == 0 else state_of(account)

    def _remember(self, step: _Step) -> None:
        bank, message = self._bank, message_of(step.transaction)
        bank.transactions += 1
        price = compute_unit_price(message)
        self.fees[bank.slot] = min(price, self.fees.get(bank.slot, price))
        for old in [slot for slot in self.fees if slot < bank.slot - 150]:
            del self.fees[old]
        signature = str(step.transaction.signatures[0])
        decimals = decimals_by_mint([*step.before.values(), *step.after.values()], self._present)
        self.landed[signature] = Landed(
            signature,
            bank.slot,
            bank.unix_timestamp(),
            step.transaction,
            step.outcome,
            transaction_fee(message),
            step.keys,
            _lamports(step.keys, step.before),
            _lamports(step.keys, step.after),
            token_balances(step.keys, step.before, decimals),
            token_balances(step.keys, step.after, decimals),
        )
        self._order.append(signature)
        if len(self._order) > _KEPT_TRANSACTIONS:
            self.landed.pop(self._order.popleft(), None)

    def _tell(self, signature: str, keys: list[str], outcome: Outcome) -> None:
        slot = self._bank.slot
        value = {"signature": signature, "err": outcome.err, "logs": outcome.logs}
        log = {"context": {"slot": slot}, "value": value}
        self._bank.record(
            EventNotice("logsNotification", slot, log, topic=signature, mentions=frozenset(keys))
        )
        self._bank.record(signature_notice(signature, slot, outcome.err))


def _lamports(keys: list[str], states: dict[str, AccountState | None]) -> list[int]:
    return [0 if (state := states[key]) is None else state.lamports for key in keys]
