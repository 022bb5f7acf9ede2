"""Markets of two real programs: pools of the golden vectors, given one pair of mints and two prices.

A vector's pool was made by the program itself. Here its mints become wrapped SOL and one token, in pool,
vaults and whatever is derived from them; where a price is a matter of reserves it is set, elsewhere two
states are chosen whose prices are near each other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any, Literal

from programs import layout, vectors
from programs.tokens import derived, pubkey
from programs.vectors import Account, State
from programs.venue import Parties, Venue
from programs.venues import VENUES, clmm_ticks, meteora_dlmm, orca_whirlpool, raydium_clmm
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from make_localnet_market import LAYOUTS
from phantom_arbiter.execution.accounts import (
    TOKEN_PROGRAM,
    AccountBytes,
    AccountCache,
    EngineAccounts,
    least_lamports,
)
from phantom_arbiter.execution.rehearsed import Expected, ExpectedHop
from phantom_arbiter.execution.svm import Svm
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import SLOTS_PER_EPOCH, BankSettings
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS
from phantom_arbiter.localnet.sources import Event
from phantom_core import Clock, Engine, EngineConfig, LookupTable, Pool, Signal, Signer

PROGRAMS_DIR = Path(os.environ.get("PHANTOM_PROGRAMS_DIR", "/nonexistent"))
VECTORS = Path(__file__).parent / "data" / "vectors"
FILES = tuple(
    path.name.removesuffix(".jsonl.gz")
    for path in sorted(VECTORS.glob("*.jsonl.gz"))
    if (PROGRAMS_DIR / f"{path.name.removesuffix('.jsonl.gz')}.so").is_file()
)
"""Vector files whose program is there; two of them are Whirlpool's."""
WSOL = "So11111111111111111111111111111111111111112"
TOKEN = str(Pubkey.from_bytes(hashlib.sha256(b"phantom matrix token").digest()))
DECIMALS = {WSOL: 9, TOKEN: 6}
SYSVAR = "Sysvar1111111111111111111111111111111111111"
CLOCK = "SysvarC1ock11111111111111111111111111111111"
LOOKUP_PROGRAM = "AddressLookupTab1e1111111111111111111111111"
TABLE = str(Pubkey.from_bytes(hashlib.sha256(b"phantom matrix table").digest()))
SYSTEM = "11111111111111111111111111111111"
NATIVE_RENT = 2_039_280
WALLET = Keypair.from_seed(bytes([7]) * 32)
SIGNER = Signer.from_bytes(bytes([7]) * 32)
TIP_ACCOUNT = TIP_ACCOUNTS[0]
FUNDS = 10**15
"""Lamports of wrapped SOL that the wallet has to trade with."""
RESERVE = 10**13
"""Lamports in a pool whose reserves are set."""
VAULT = 10**17
"""Base units in vaults whose balance decides nothing."""
HIGHEST_FEE_E9 = 20_000_000
MISPRICED = Fraction(21, 20)
PLAIN = ("plain", "plain+flat", "plain+flat+fee_on_b", "constant_product", "swap_only", "plain+creator_fee")
BY_RESERVES = ("raydium_amm_v4", "raydium_cpmm", "orca_token_swap_v2")
DAMM_LIQUIDITY, DAMM_LEAST, DAMM_GREATEST, DAMM_SQRT_PRICE, DAMM_AMOUNTS = 360, 424, 440, 456, (680, 688)
DAMM_RANGE = (4_295_048_016, 79_226_673_521_066_979_257_578_248_091)


@dataclass(frozen=True)
class Joined:
    """A pool of the pair wrapped SOL and token."""

    file: str
    venue: Venue
    program: str
    state: State
    parties: Parties
    sol_first: bool
    price: Fraction
    """Token for one lamport."""

    def accounts(self) -> dict[str, AccountBytes]:
        """Return everything that exists for it, what no quote reads included."""
        found = {**self.state.accounts, **self.venue.companions(self.state, self.parties)}
        slot = self.state.clock.slot
        return {
            key: AccountBytes(
                each.owner, max(each.lamports, least_lamports(each.owner, each.data)), each.data, slot=slot
            )
            for key, each in found.items()
        }


@dataclass(frozen=True)
class Found:
    """A mispriced pair of pools and the cycle that the engine found on it."""

    pools: dict[str, Joined]
    engine: Engine
    signal: Signal
    rest: AccountCache
    """Accounts that the engine does not follow."""
    chain: dict[str, AccountBytes]
    """All accounts that exist."""

    @property
    def token_accounts(self) -> dict[str, str]:
        return {mint: wallet_account(mint) for mint in (WSOL, TOKEN)}

    def expected(self) -> Expected:
        """Return what the transaction is to do."""
        accounts = self.token_accounts
        hops = tuple(
            ExpectedHop(
                hop.pool,
                self.pools[hop.pool].venue.name,
                self.pools[hop.pool].program,
                accounts[hop.mint_in],
                accounts[hop.mint_out],
                hop.amount_in,
                hop.amount_out,
            )
            for hop in self.signal.hops
        )
        return Expected(hops, accounts[self.signal.base_mint])

    @property
    def held(self) -> EngineAccounts:
        """What the engine holds."""
        return EngineAccounts(self.engine)

    @property
    def programs(self) -> dict[str, Path]:
        """Bytecode files of the pools' programs."""
        ours = {each.program for each in self.pools.values()}
        return {program: path for program, path in programs().items() if program in ours}

    def learn(self, addresses: Iterable[str]) -> None:
        """Let the cache know accounts as a reader would."""
        for address in addresses:
            self.rest.put(address, self.chain.get(address))

    def wire(
        self,
        *,
        limit: int = 1_400_000,
        tip_lamports: int = 0,
        blockhash: str = SYSTEM,
        reach: Literal["official", "needed"] = "official",
    ) -> bytes:
        """Return the signed transaction that the engine builds; two limits make two of the same trade."""
        built = self.engine.build_transaction(
            self.signal,
            SIGNER,
            blockhash=blockhash,
            min_amount_out=self.signal.amount_out,
            compute_unit_limit=limit,
            compute_unit_price=0,
            tip_lamports=tip_lamports,
            tip_account=TIP_ACCOUNT if tip_lamports else None,
            tables=[LookupTable(TABLE, listed(self.chain[TABLE]))],
            reach=reach,
        )
        return built.wire

    def machine(self) -> Svm:
        """Return a chain of its own: a machine with the pools' programs and all accounts."""
        svm = Svm(self.programs)
        for address, account in self.chain.items():
            svm.put(address, account)
        return svm

    def net(self, settings: NetSettings | None = None) -> LocalNet:
        """Return a local net with the pools' programs, all accounts, a block engine, and the same time."""
        settings = settings or NetSettings(slot_ms=None, regions=1)
        return LocalNet(replace(settings, programs=self.programs), _Source(self.chain))


class _Source:
    """Accounts that nothing moves but transactions."""

    def __init__(self, chain: dict[str, AccountBytes]) -> None:
        clock = chain[CLOCK].data
        slot, unix = (int.from_bytes(clock[at : at + 8], "little") for at in (0, 32))
        self.bank = BankSettings(first_slot=slot, first_unix=unix)
        self.accounts = {
            address: AccountState(each.owner, each.lamports, each.data)
            for address, each in chain.items()
            if address != CLOCK
        }

    def events(self) -> Iterator[Event]:
        return iter(())


def table(addresses: Iterable[str]) -> AccountBytes:
    """Return a lookup table that has been there for long."""
    head = (1).to_bytes(4, "little") + (2**64 - 1).to_bytes(8, "little") + bytes(44)
    return AccountBytes(LOOKUP_PROGRAM, 10**9, head + b"".join(bytes(pubkey(each)) for each in addresses))


def listed(table: AccountBytes) -> list[str]:
    """Return the addresses in a lookup table."""
    held = table.data[56:]
    return [str(Pubkey.from_bytes(held[at : at + 32])) for at in range(0, len(held), 32)]


def wallet_account(mint: str) -> str:
    """Return the wallet's associated token account."""
    seeds = (bytes(WALLET.pubkey()), bytes(pubkey(TOKEN_PROGRAM)), bytes(pubkey(mint)))
    return derived("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL", *seeds)


def programs() -> dict[str, Path]:
    """Return the programs' files by program id."""
    return {_file(name).meta["program_id"]: PROGRAMS_DIR / f"{name}.so" for name in FILES}


@cache
def _file(name: str) -> vectors.VectorFile:
    return vectors.read(VECTORS / f"{name}.jsonl.gz")


def _open(state: State) -> Pool:
    accounts = {key: (each.owner, each.data) for key, each in state.accounts.items()}
    clock = Clock(**vars(state.clock))
    return Pool(state.pool, accounts[state.pool], accounts=accounts, clock=clock, complete=True)


@cache
def joined(name: str) -> tuple[Joined, ...]:
    """Return the file's pools that can join the pair, each way round."""
    file = _file(name)
    venue = VENUES[file.meta["dex"]]
    recorded: dict[tuple[str, bool], Parties] = {}
    for line in file.swaps:
        key = (file.states[line["state"]].pool, line["args"]["a_to_b"])
        recorded.setdefault(key, venue.recorded_parties(line))
    found = []
    for state in file.states.values():
        if state.kind.removesuffix("+mutated") not in PLAIN or state.kind.endswith("mutated"):
            continue
        if any(len(state.accounts[side.mint].data) != 82 for side in venue.sides(state)):
            continue
        known = recorded.get((state.pool, True)) or recorded.get((state.pool, False))
        if known is None:
            continue
        for sol_first in (True, False):
            mints = (WSOL, TOKEN) if sol_first else (TOKEN, WSOL)
            changed = _retokened(venue, state, mints)
            pool = _open(changed)
            if pool.set_aside is None and max(pool.summary().fee_rate_e9) <= HIGHEST_FEE_E9:
                wallet_a, wallet_b = (wallet_account(mint) for mint in mints)
                parties = Parties(str(WALLET.pubkey()), wallet_a, wallet_b, known.others)
                found.append(
                    Joined(
                        name,
                        venue,
                        file.meta["program_id"],
                        changed,
                        parties,
                        sol_first,
                        pool.spot_price(a_to_b=sol_first),
                    )
                )
    return tuple(found)


def pairs(first: str, second: str) -> Iterator[tuple[Joined, Joined]]:
    """Return mispriced pairs of two files' pools, the mildest first."""
    if first in BY_RESERVES or first == "meteora_damm_v2":
        first, second = second, first
    anchors, others = joined(first), joined(second)
    if others and (others[0].venue.name in BY_RESERVES or others[0].venue.name == "meteora_damm_v2"):
        for other in others:
            for anchor in anchors:
                price = anchor.price * MISPRICED
                if 10**-6 < float(price) < 10**6 and other.state.pool != anchor.state.pool:
                    yield anchor, _at_price(other, price)
        return
    ranked = sorted(
        (abs(1 - float(one.price / other.price)), i, j)
        for i, one in enumerate(anchors)
        for j, other in enumerate(others)
        if one.price and other.price and one.state.pool != other.state.pool
    )
    for mispriced, i, j in ranked:
        if mispriced > 0.002:
            yield anchors[i], others[j]


def find(first: str, second: str, tries: int = 400) -> Found | None:
    """Return the first pair of pools of two files in which the engine finds a cycle."""
    for _, pair in zip(range(tries), pairs(first, second), strict=False):
        found = look(*pair)
        if found is not None:
            return found
    return None


def look(*pools: Joined) -> Found | None:
    """Return the cycle that the engine finds on some pools, fed by frames."""
    engine, rest, chain = fed(*pools)
    signals = engine[1]
    if not signals:
        return None
    return Found({each.state.pool: each for each in pools}, engine[0], signals[-1], rest, chain)


def fed(*pools: Joined) -> tuple[tuple[Engine, list[Signal]], AccountCache, dict[str, AccountBytes]]:
    """Return an engine that was fed the pools, with its signals; what it does not follow; and everything."""
    config = EngineConfig(
        base_mints={WSOL: FUNDS},
        tip_lamports=0,
        compute_unit_price_micro_lamports=0,
        min_net_profit_lamports=1,
        max_hops=max(2, len(pools)),
        keep_accounts=True,
    )
    engine = Engine(config)
    clocks = [each.state.clock for each in pools]
    slot = max(each.slot for each in clocks)
    clock = vectors.Clock(slot, max(each.unix_timestamp for each in clocks), slot // SLOTS_PER_EPOCH)
    chain = {CLOCK: AccountBytes(SYSVAR, 1_169_280, clock_data(clock), slot=clock.slot)}
    chain[TIP_ACCOUNT] = AccountBytes(SYSTEM, 10**9, b"")
    for each in pools:
        chain |= each.accounts()
    chain[TABLE] = table(key for key in chain if key not in (CLOCK, TIP_ACCOUNT))
    rest = AccountCache()
    for address, account in wallet().items():
        chain[address] = account
    engine.connect("node/0")
    signals = ingest(engine, chain, [CLOCK, WSOL, TOKEN, *(key for key in chain if key not in wallet())])
    for _ in range(8):
        unknown = [want.address for want in engine.wanted() if not want.is_known]
        if not unknown:
            break
        signals += ingest(engine, chain, unknown)
    followed = dict(zip(chain, engine.held_accounts(list(chain)), strict=True))
    for address, account in chain.items():
        if followed[address] is None:
            rest.put(address, account)
    return (engine, signals), rest, chain


def clock_data(clock: vectors.Clock) -> bytes:
    words = (clock.slot, 0, clock.epoch, 0, clock.unix_timestamp)
    return b"".join(word.to_bytes(8, "little") for word in words)


_number = iter(range(1, 10**9))


def ingest(engine: Engine, chain: dict[str, AccountBytes], addresses: list[str]) -> list[Signal]:
    """Feed accounts as an answer to `getMultipleAccounts`."""
    number = next(_number)
    asked: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": "getMultipleAccounts"}
    engine.request("node/0", json.dumps(asked | {"params": [addresses, {"encoding": "base64"}]}).encode())
    value = []
    for address in addresses:
        account = chain.get(address)
        shown = None
        if account is not None:
            shown = {
                "lamports": account.lamports,
                "owner": account.owner,
                "data": [base64.b64encode(account.data).decode(), "base64"],
                "executable": False,
                "rentEpoch": 0,
            }
        value.append(shown)
    slot = int.from_bytes(chain[CLOCK].data[:8], "little")
    answer = {"jsonrpc": "2.0", "id": number, "result": {"context": {"slot": slot}, "value": value}}
    return engine.ingest("node/0", json.dumps(answer).encode())


def wallet() -> dict[str, AccountBytes]:
    """Return the wallet and its token accounts."""
    held = {str(WALLET.pubkey()): AccountBytes(SYSTEM, 10**10, b"")}
    for mint, amount in ((WSOL, FUNDS), (TOKEN, 0)):
        data = token_account(bytes(165), mint, str(WALLET.pubkey()), amount)
        held[wallet_account(mint)] = AccountBytes(TOKEN_PROGRAM, least_lamports(TOKEN_PROGRAM, data), data)
    return held


def token_account(data: bytes, mint: str, owner: str | None, amount: int) -> bytes:
    """Return a token account with another mint and amount."""
    owner_bytes = data[32:64] if owner is None else bytes(pubkey(owner))
    made = bytes(pubkey(mint)) + owner_bytes + amount.to_bytes(8, "little") + data[72:]
    native = (1, NATIVE_RENT) if mint == WSOL else (0, 0)
    for at, size, value in ((108, 1, 1), (109, 4, native[0]), (113, 8, native[1])):
        made = layout.put(made, at, size, value)
    return made


def _retokened(venue: Venue, state: State, mints: tuple[str, str]) -> State:
    """Return the state with other mints; of what was earned in the former ones nothing is left."""
    place = LAYOUTS[venue.name]
    sides = venue.sides(state)
    pool = bytearray(state.pool_data)
    accounts = dict(state.accounts)
    for number, (mint, side) in enumerate(zip(mints, sides, strict=True)):
        at = place.mints[number]
        pool[at : at + 32] = bytes(pubkey(mint))
        if place.decimals is not None:
            pool = bytearray(layout.put(pool, place.decimals[number], place.decimals[2], DECIMALS[mint]))
        vault = accounts[side.vault]
        data = token_account(vault.data[:165], mint, None, VAULT)
        accounts[side.vault] = Account(TOKEN_PROGRAM, least_lamports(TOKEN_PROGRAM, data), data)
    for at in place.owed:
        pool = bytearray(layout.put(pool, at, 8, 0))
    accounts[state.pool] = accounts[state.pool].with_data(bytes(pool))
    # The mints stand where the former ones stood: some venues tell accounts by their position.
    renamed = {side.mint: mint for side, mint in zip(sides, mints, strict=True)}
    accounts = {renamed.get(key, key): each for key, each in accounts.items()}
    for mint in mints:
        data = layout.put(layout.put(bytes(82), 44, 1, DECIMALS[mint]), 36, 8, 2**63)
        accounts[mint] = Account(TOKEN_PROGRAM, 10**9, layout.put(data, 45, 1, 1))
    return _readdressed(venue, replace(state, accounts=accounts))


def _readdressed(venue: Venue, state: State) -> State:
    """Return the state where the pool's address follows from its mints, which sign for it, at the new one."""
    pool = state.pool_data
    if venue.name == "meteora_dlmm":  # a customizable pair, open for long
        x, y = (pool[at : at + 32] for at in (meteora_dlmm.MINT_X, meteora_dlmm.MINT_Y))
        base = bytes(pubkey(meteora_dlmm.CUSTOMIZABLE_BASE))
        seeds, bump_at = [base, min(x, y), max(x, y)], meteora_dlmm.BUMP
        kind = ((meteora_dlmm.PAIR_TYPE, meteora_dlmm.CUSTOMIZABLE), (meteora_dlmm.ACTIVATION_TYPE, 0))
        for at, value in kind:
            pool = layout.put(pool, at, 1, value)
        pool = layout.put(pool, meteora_dlmm.ACTIVATION_POINT, 8, 0)
        pool = pool[: meteora_dlmm.BASE_KEY] + base + pool[meteora_dlmm.BASE_KEY + 32 :]
    elif venue.name == "orca_whirlpool":
        config, tier = pool[8:40], pool[43:45]
        mints = (orca_whirlpool.MINT_A, orca_whirlpool.MINT_B)
        seeds, bump_at = [b"whirlpool", config, *(pool[at : at + 32] for at in mints), tier], 40
    elif venue.name == "raydium_clmm":
        parts = (raydium_clmm.CONFIG, raydium_clmm.MINT_0, raydium_clmm.MINT_1)
        seeds, bump_at = [b"pool", *(pool[at : at + 32] for at in parts)], 8
    else:
        return state
    program = state.accounts[state.pool].owner
    key, bump = Pubkey.find_program_address(seeds, pubkey(program))
    old, new = bytes(pubkey(state.pool)), bytes(key)
    accounts = {str(key): state.accounts[state.pool].with_data(layout.put(pool, bump_at, 1, bump))}
    for address in state.keys[1:]:
        # Vaults, arrays and bitmaps name the pool that they belong to.
        data = state.data(address).replace(old, new)
        accounts[_derived_anew(venue, program, address, data, new)] = state.accounts[address].with_data(data)
    return replace(state, pool=str(key), accounts=accounts)


def _derived_anew(venue: Venue, program: str, address: str, data: bytes, pool: bytes) -> str:
    """Return where an account is that lies at an address derived from its pool's."""
    if pool not in data or len(data) == 165:
        return address
    if venue.name == "meteora_dlmm":
        return derived(program, b"bin_array", pool, data[8:16])
    if venue.name == "orca_whirlpool":
        start = str(layout.i32(data, 8)).encode()
        return derived(program, b"tick_array", pool, start)
    if data[:8] == clmm_ticks.TICK_ARRAY:
        number = layout.i32(data, 40).to_bytes(4, "big", signed=True)
        return derived(program, b"tick_array", pool, number)
    return derived(program, b"pool_tick_array_bitmap_extension", pool)


def _at_price(pool: Joined, price: Fraction) -> Joined:
    """Return a pool by reserves with another price, token for one lamport."""
    state = pool.state
    token = RESERVE * price.numerator // price.denominator
    amounts = (RESERVE, token) if pool.sol_first else (token, RESERVE)
    if pool.venue.name == "meteora_damm_v2":
        root = isqrt((amounts[1] << 128) // amounts[0])
        data = state.pool_data
        for at, size, value in (
            (DAMM_LEAST, 16, DAMM_RANGE[0]),
            (DAMM_GREATEST, 16, DAMM_RANGE[1]),
            (DAMM_SQRT_PRICE, 16, root),
            (DAMM_LIQUIDITY, 16, (amounts[1] << 128) // root),
            *((at, 8, VAULT) for at in DAMM_AMOUNTS),
        ):
            data = layout.put(data, at, size, value)
        return replace(pool, state=state.with_data(state.pool, data), price=price)
    for side, mint, amount in zip(
        pool.venue.sides(state), (WSOL, TOKEN) if pool.sol_first else (TOKEN, WSOL), amounts, strict=True
    ):
        data = token_account(state.data(side.vault), mint, None, amount)
        vault = Account(TOKEN_PROGRAM, least_lamports(TOKEN_PROGRAM, data), data)
        state = replace(state, accounts={**state.accounts, side.vault: vault})
    return replace(pool, state=state, price=price)
