"""One pool of the simulator: what `Pool` carries out, and the bytes that its accounts then hold."""

from __future__ import annotations

from phantom_arbiter.localnet.accounts import AccountState, native_lamports
from phantom_arbiter.localnet.simulator import bins
from phantom_arbiter.localnet.simulator.fields import (
    AMM_V4_TOTALS,
    AMOUNT_AT,
    POOL_FIELDS,
    SUPPLY_AT,
    TOKEN_SWAP_FEE_ACCOUNT_AT,
    TOKEN_SWAP_POOL_MINT_AT,
    VAULTS_AT,
    add,
    write,
)
from phantom_core import Address, Pool, Swap

Writes = list[tuple[str, AccountState]]


class SimulatedPool:
    """A pool and its accounts; every swap changes both alike."""

    def __init__(self, pool: Pool, accounts: dict[str, AccountState]) -> None:
        """Take a pool with all accounts of its market.

        Args:
            pool: In the state that the accounts hold.
            accounts: By address; those of this pool are copied.
        """
        self.pool = pool
        self.address = str.__str__(pool.address)
        self.venue = pool.venue
        self._fields = tuple(POOL_FIELDS[self.venue].items())
        self._owner: dict[str, str] = {}
        self._data: dict[str, bytearray] = {}
        pool_data = accounts[self.address].data
        self._take(self.address, accounts)
        self.vaults = tuple(_text(pool_data, at) for at in VAULTS_AT[self.venue])
        for vault in self.vaults:
            self._take(vault, accounts)
        self._arrays: dict[int, bytearray] = {}
        self._array_keys: dict[int, str] = {}
        if self.venue == "meteora_dlmm":
            self._take_arrays(accounts)
        self._lp_accounts: tuple[tuple[str, int], ...] = ()
        if self.venue == "orca_token_swap_v2":
            mint, fees = (_text(pool_data, at) for at in (TOKEN_SWAP_POOL_MINT_AT, TOKEN_SWAP_FEE_ACCOUNT_AT))
            self._lp_accounts = ((mint, SUPPLY_AT), (fees, AMOUNT_AT))
            for key, _ in self._lp_accounts:
                self._take(key, accounts)

    def _take(self, key: str, accounts: dict[str, AccountState]) -> None:
        self._owner[key] = accounts[key].owner
        self._data[key] = bytearray(accounts[key].data)

    def _take_arrays(self, accounts: dict[str, AccountState]) -> None:
        pair = bytes(Address(self.address))
        for key, state in accounts.items():
            is_array = len(state.data) == bins.BIN_ARRAY_LEN and state.data[bins.PAIR_AT :].startswith(pair)
            if state.owner == self._owner[self.address] and is_array:
                index = int.from_bytes(state.data[bins.INDEX_AT : bins.INDEX_AT + 8], "little", signed=True)
                self._take(key, accounts)
                self._arrays[index] = self._data[key]
                self._array_keys[index] = key

    def swap(self, amount: int, *, a_to_b: bool) -> Writes:
        """Carry a swap of an exact input out; return the accounts that it wrote, the pool's first.

        Raises:
            SwapRefused: The program would fail; nothing changed.
            MarketDataError: As for `Pool.quote`; nothing changed.
        """
        first = bins.active_id(self._data[self.address]) if self._arrays else 0
        done = self.pool.swap(amount, a_to_b=a_to_b)
        quote, details = done.quote, done.details
        pool_data = self._data[self.address]
        for name, (at, width) in self._fields:
            if name in details:
                write(pool_data, at, width, details[name])
        into, out_of = self.vaults if a_to_b else self.vaults[::-1]
        add(self._data[into], AMOUNT_AT, 8, quote.vault_in)
        add(self._data[out_of], AMOUNT_AT, 8, -quote.vault_out)
        changed = [*self._changed_pool(done, a_to_b=a_to_b), into, out_of]
        if self._arrays:
            last = bins.active_id(pool_data)
            moved = bins.trade(self._arrays, first, last, quote, a_to_b=a_to_b)
            changed += [self._array_keys[index] for index in moved]
        minted = details.get("fee_lp_minted", 0)
        for key, at in self._lp_accounts:
            add(self._data[key], at, 8, minted)
            changed.append(key)
        return [(key, self._state(key)) for key in changed]

    def _changed_pool(self, done: Swap, *, a_to_b: bool) -> list[str]:
        """Return the pool's address if a swap writes its account."""
        if self.venue == "raydium_amm_v4":
            (into, into_width), (out_of, out_width) = AMM_V4_TOTALS[a_to_b]
            add(self._data[self.address], into, into_width, done.quote.vault_in)
            add(self._data[self.address], out_of, out_width, done.quote.vault_out)
            return [self.address]
        return [self.address] if self._fields else []

    def _state(self, key: str) -> AccountState:
        owner, data = self._owner[key], bytes(self._data[key])
        return AccountState(owner, native_lamports(owner, data), data)

    def accounts(self) -> dict[str, AccountState]:
        """Return the accounts that swaps change, as they stand."""
        return {key: self._state(key) for key in self._data}


def _text(data: bytes, at: int) -> str:
    return str(Address(data[at : at + 32]))
