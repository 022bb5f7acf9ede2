"""Runs the Whirlpool programs' own bytecode in LiteSVM, on vector states and on mutations of them."""

from __future__ import annotations

import base64
import gzip
import json
import random
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.clock import Clock
from solders.compute_budget import ComputeBudget
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction
from solders.transaction_metadata import SimulatedTransactionInfo

from phantom_core import ConformanceState, sqrt_price_from_tick_index

SYSTEM = Pubkey.from_string("1" * 32)
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TRADED_EVENT = bytes.fromhex("e1ca49af93202fb5")  # sha256("event:Traded")[:8]
U64_MAX = 2**64 - 1
RENT = 10_000_000_000
OUT_OF_UNITS = "ComputeBudgetExceeded"
TICK_RANGE = 443_636


@dataclass
class State:
    """A vector state: account data by role, free to be mutated."""

    pool: Pubkey
    program: Pubkey
    accounts: dict[str, tuple[str, bytes]]  # address -> (owner, data), in the vector's order
    unix_timestamp: int
    epoch: int
    kind: str
    keys: list[str] = field(default_factory=list)

    def data(self, index: int) -> bytes:
        return self.accounts[self.keys[index]][1]

    def with_data(self, index: int, data: bytes) -> State:
        owner = self.accounts[self.keys[index]][0]
        return replace(self, accounts={**self.accounts, self.keys[index]: (owner, data)})

    @property
    def oracle(self) -> int | None:
        """Position of the oracle account, if there is one."""
        return next((i for i in range(5, len(self.keys)) if len(self.data(i)) == 254), None)

    def native(self) -> ConformanceState:
        accounts = [(key, owner, data) for key, (owner, data) in self.accounts.items()]
        return ConformanceState(
            dex="orca_whirlpool",
            program_id=str(self.program),
            pool=str(self.pool),
            accounts=accounts,
            slot=0,
            unix_timestamp=self.unix_timestamp,
            epoch=self.epoch,
        )


@dataclass(frozen=True)
class Swap:
    operation: str
    amount: int
    exact_in: bool
    a_to_b: bool
    other_amount_threshold: int
    sqrt_price_limit: int

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "operation"}


def read_vectors(path: Path) -> tuple[dict[str, Any], dict[int, State], list[dict[str, Any]]]:
    """Return a vector file's meta line, its states and its swaps."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    meta = lines[0]
    accounts = {line["id"]: line for line in lines if line["t"] == "account"}
    states = {}
    for line in lines:
        if line["t"] != "state":
            continue
        members = [accounts[i] for i in line["accounts"]]
        states[line["id"]] = State(
            pool=Pubkey.from_string(line["pool"]),
            program=Pubkey.from_string(meta["program_id"]),
            accounts={a["key"]: (a["owner"], base64.b64decode(a["data"])) for a in members},
            unix_timestamp=line["clock"]["unix_timestamp"],
            epoch=line["clock"]["epoch"],
            kind=line["kind"],
            keys=[a["key"] for a in members],
        )
    return meta, states, [line for line in lines if line["t"] == "swap"]


class Program:
    """One deployment of the program, loaded into LiteSVM."""

    def __init__(self, elf: Path, program_id: str, compute_unit_limit: int = 1_400_000) -> None:
        budget = ComputeBudget(simd_0268_active=True)
        budget.compute_unit_limit = compute_unit_limit
        svm = LiteSVM().with_lamports(10**18).with_compute_budget(budget).with_sigverify(False)
        self._svm = svm.with_blockhash_check(False).with_transaction_history(0)
        self._program = Pubkey.from_string(program_id)
        self._svm.add_program_from_file(self._program, elf)
        self._trader = Keypair.from_seed(bytes([7] * 32)).pubkey()
        self._wallets = [Keypair.from_seed(bytes([8 + i] * 32)).pubkey() for i in range(2)]
        self._svm.airdrop(self._trader, 10**15)
        self._set: set[str] = set()

    def run(self, state: State, swap: Swap) -> dict[str, Any]:
        """Return what the program does, in the vector's words, and the compute units it took."""
        self._load(state, swap)
        message = Message.new_with_blockhash(
            [self._instruction(state, swap)], self._trader, self._svm.latest_blockhash()
        )
        signatures = [Signature.default()] * message.header.num_required_signatures
        outcome = self._svm.simulate_transaction(Transaction.populate(message, signatures))
        meta = outcome.meta()
        units = meta.compute_units_consumed()
        if not isinstance(outcome, SimulatedTransactionInfo):
            return {"ok": False, "units": units, "error": failure(meta.logs(), str(outcome.err()))}
        post = {str(key): bytes(account.data) for key, account in outcome.post_accounts()}
        return {"ok": True, "units": units, "result": self._result(state, swap, post, meta.logs())}

    def _load(self, state: State, swap: Swap) -> None:
        for key in self._set - set(state.accounts):
            self._svm.set_account(Pubkey.from_string(key), Account(0, b"", SYSTEM))
        self._set = set(state.accounts)
        for key, (owner, data) in state.accounts.items():
            account = Account(RENT, data, Pubkey.from_string(owner))
            self._svm.set_account(Pubkey.from_string(key), account)
        clock = Clock(250_000_000, 0, state.epoch, 0, state.unix_timestamp)
        self._svm.set_clock(clock)
        # The input side can pay and the output side deliver any amount.
        for side in range(2):
            is_input = (side == 0) == swap.a_to_b
            mint, (program, mint_data) = state.keys[3 + side], state.accounts[state.keys[3 + side]]
            vault = bytearray(state.data(1 + side))
            vault[64:72] = struct.pack("<Q", 0 if is_input else U64_MAX)
            self._svm.set_account(
                Pubkey.from_string(state.keys[1 + side]),
                Account(RENT, bytes(vault), Pubkey.from_string(program)),
            )
            wallet = token_account(mint, self._trader, U64_MAX if is_input else 0, has_fee(mint_data))
            self._svm.set_account(self._wallets[side], Account(RENT, wallet, Pubkey.from_string(program)))

    def _instruction(self, state: State, swap: Swap) -> Instruction:
        arrays = [self._array(state, start) for start in sequence(state.data(0), swap.a_to_b)]
        arrays += [arrays[-1]] * (3 - len(arrays)) if arrays else [self._trader] * 3
        oracle = Pubkey.find_program_address([b"oracle", bytes(state.pool)], self._program)[0]
        vault_a, vault_b, mint_a, mint_b = (Pubkey.from_string(key) for key in state.keys[1:5])
        programs = [Pubkey.from_string(state.accounts[state.keys[i]][0]) for i in (3, 4)]
        wallet_a, wallet_b = self._wallets
        tail = [*arrays, oracle]
        arguments = struct.pack("<QQ", swap.amount, swap.other_amount_threshold)
        arguments += swap.sqrt_price_limit.to_bytes(16, "little") + bytes([swap.exact_in, swap.a_to_b])
        if swap.operation == "swap":
            head = [TOKEN, self._trader, state.pool, wallet_a, vault_a, wallet_b, vault_b]
            data = bytes.fromhex("f8c69e91e17587c8") + arguments
            readonly = {TOKEN}
        else:
            head = [*programs, MEMO, self._trader, state.pool, mint_a, mint_b]
            head += [wallet_a, vault_a, wallet_b, vault_b]
            data = bytes.fromhex("2b04ed0b1ac91e62") + arguments + b"\0"
            readonly = {*programs, MEMO, mint_a, mint_b}
        metas = [AccountMeta(key, key == self._trader, key not in readonly) for key in head + tail]
        return Instruction(self._program, data, metas)

    def _array(self, state: State, start: int) -> Pubkey:
        seeds = [b"tick_array", bytes(state.pool), str(start).encode()]
        return Pubkey.find_program_address(seeds, self._program)[0]

    def _result(self, state: State, swap: Swap, post: dict[str, bytes], logs: list[str]) -> dict[str, Any]:
        def balance(key: str) -> int:
            return int.from_bytes(post[key][64:72], "little")

        into, out = (0, 1) if swap.a_to_b else (1, 0)
        pool = post[str(state.pool)]
        result: dict[str, Any] = {
            "user_in": U64_MAX - balance(str(self._wallets[into])),
            "user_out": balance(str(self._wallets[out])),
            "vault_in": balance(state.keys[1 + into]),
            "vault_out": U64_MAX - balance(state.keys[1 + out]),
            "post_liquidity": int.from_bytes(pool[49:65], "little"),
            "post_sqrt_price": int.from_bytes(pool[65:81], "little"),
            "post_tick": int.from_bytes(pool[81:85], "little", signed=True),
            "post_protocol_fee_owed_a": int.from_bytes(pool[85:93], "little"),
            "post_protocol_fee_owed_b": int.from_bytes(pool[93:101], "little"),
            "post_fee_growth_global_a": int.from_bytes(pool[165:181], "little"),
            "post_fee_growth_global_b": int.from_bytes(pool[245:261], "little"),
        }
        if state.oracle is not None:
            result["post_adaptive_variables_hex"] = post[state.keys[state.oracle]][82:110].hex()
        for line in logs:
            if line.startswith("Program data: "):
                event = base64.b64decode(line.removeprefix("Program data: "))
                if event[:8] == TRADED_EVENT:
                    fees = struct.unpack_from("<QQQQ", event, 8 + 32 + 1 + 32 + 16)
                    names = ("input_transfer_fee", "output_transfer_fee", "lp_fee", "protocol_fee")
                    result |= dict(zip(names, fees, strict=True))
        return result


def failure(logs: list[str], error: str) -> dict[str, Any]:
    """Return the program's own word and number for a failure."""
    for line in logs:
        if "Error Code: " in line:
            name = line.split("Error Code: ")[1].split(".")[0]
            return {"name": name, "code": int(line.split("Error Number: ")[1].split(".")[0])}
    if any("exceeded CUs meter" in line for line in logs) or "ComputationalBudgetExceeded" in error:
        return {"name": OUT_OF_UNITS, "code": None}
    return {"name": " | ".join(logs[-3:]) + error, "code": None}


def token_account(mint: str, owner: Pubkey, amount: int, with_fee: bool) -> bytes:
    data = bytearray(165)
    data[0:32] = bytes(Pubkey.from_string(mint))
    data[32:64] = bytes(owner)
    data[64:72] = struct.pack("<Q", amount)
    data[108] = 1
    if with_fee:  # a Token-2022 account of a mint with transfer fees carries what is withheld
        data += bytes([2]) + struct.pack("<HHQ", 2, 8, 0)
    return bytes(data)


def has_fee(mint_data: bytes | bytearray) -> bool:
    return len(mint_data) > 170 and struct.unpack_from("<H", mint_data, 166)[0] == 1


def sequence(pool: bytes, a_to_b: bool) -> list[int]:
    """Return the starts of the tick arrays that the official clients pass."""
    spacing = struct.unpack_from("<H", pool, 41)[0]
    tick = struct.unpack_from("<i", pool, 81)[0]
    span = 88 * spacing
    starts = []
    at = tick if a_to_b else tick + spacing
    for step in range(3):
        start = (at // span + (-step if a_to_b else step)) * span
        if start + span > -TICK_RANGE and start <= TICK_RANGE:
            starts.append(start)
    return starts


def random_swap(state: State, rng: random.Random) -> Swap:
    """Return a swap of any size, now and then with a limit or a threshold."""
    amount = min(U64_MAX, int(2 ** rng.uniform(0, 64))) if rng.random() < 0.98 else 0
    exact_in, a_to_b = rng.random() < 0.5, rng.random() < 0.5
    threshold = 0 if exact_in else U64_MAX
    if rng.random() < 0.05:
        threshold = int(2 ** rng.uniform(0, 64)) % 2**64
    limit = 0
    if rng.random() < 0.3:
        tick = int.from_bytes(state.data(0)[81:85], "little", signed=True)
        reach = int(2 ** rng.uniform(0, 19)) * (-1 if a_to_b else 1)
        reach *= -1 if rng.random() < 0.05 else 1
        limit = sqrt_price_from_tick_index(max(-TICK_RANGE, min(TICK_RANGE, tick + reach)))
        limit += rng.choice((-1, 0, 0, 1, rng.randrange(1000)))
    plain = all(state.accounts[state.keys[i]][0] == str(TOKEN) for i in (3, 4))
    operation = "swap" if plain and rng.random() < 0.5 else "swap_v2"
    return Swap(operation, amount, exact_in, a_to_b, threshold, limit)


def mutated(state: State, rng: random.Random) -> State:
    """Return the state with other fees, price, liquidity, clock or transfer fees."""
    pool = bytearray(state.data(0))
    if rng.random() < 0.4:
        struct.pack_into("<HH", pool, 45, rng.choice((0, 1, 100, 3000, 60000)), rng.randrange(2501))
    if rng.random() < 0.4:
        tick = struct.unpack_from("<i", pool, 81)[0]
        spacing = struct.unpack_from("<H", pool, 41)[0]
        tick += rng.randrange(-2, 3) * spacing * rng.choice((1, 10, 88))
        tick += rng.randrange(-spacing, spacing + 1)
        if rng.random() < 0.3:
            tick = tick // spacing * spacing
        tick = max(-TICK_RANGE, min(TICK_RANGE - 1, tick))
        low, high = sqrt_price_from_tick_index(tick), sqrt_price_from_tick_index(tick + 1)
        price = rng.choice((low, low, rng.randrange(low, high)))
        pool[65:81] = price.to_bytes(16, "little")
        # After a downward crossing the tick lies one below its price.
        struct.pack_into("<i", pool, 81, tick - 1 if price == low and rng.random() < 0.3 else tick)
    if rng.random() < 0.3:
        bits = rng.uniform(1, rng.choice((64, 90, 110, 127)))
        pool[49:65] = int(2**bits).to_bytes(16, "little")
    state = state.with_data(0, bytes(pool))
    for side in (3, 4):
        mint = bytearray(state.data(side))
        if has_fee(mint) and rng.random() < 0.5:
            fee = (rng.choice((0, 0, 1)), int(2 ** rng.uniform(0, 64)) % 2**64)
            struct.pack_into("<QQH", mint, 170 + 72, 0, *fee[1:], rng.choice((0, 1, 50, 9999, 10000)))
            struct.pack_into("<QQH", mint, 170 + 90, *fee, rng.choice((0, 1, 100, 2500, 10000)))
            state = state.with_data(side, bytes(mint))
    oracle = state.oracle
    if oracle is not None and rng.random() < 0.5:
        data = bytearray(state.data(oracle))
        spacing = struct.unpack_from("<H", pool, 41)[0]
        sizes = [size for size in range(1, spacing + 1) if spacing % size == 0]
        size = rng.choice(sizes)
        decay = rng.randrange(2, 4000)
        maximum = min(int(2 ** rng.uniform(1, 32)), (2**32 - 1) // size)
        struct.pack_into("<HHH", data, 48, rng.randrange(1, decay), decay, rng.randrange(10_000))
        struct.pack_into("<II", data, 54, rng.choice((0, rng.randrange(100_000))), maximum)
        struct.pack_into("<HH", data, 62, size, rng.randrange(1, 88 * spacing + 1) % 65535 + 1)
        tick = struct.unpack_from("<i", pool, 81)[0]
        reference = max(-TICK_RANGE, min(TICK_RANGE, tick + rng.randrange(-2000, 2000))) // size
        if rng.random() < 0.1:
            struct.pack_into("<Q", data, 40, state.unix_timestamp + rng.randrange(1, 100))
        struct.pack_into("<IiI", data, 98, rng.randrange(maximum + 1), reference, rng.randrange(maximum + 1))
        state = state.with_data(oracle, bytes(data))
    later = rng.choice((0, 0, 1, 10, 60, 600, 3600, 3601, 100_000, -100_000))
    return replace(state, unix_timestamp=state.unix_timestamp + later)
