from asyncio import Future
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeAlias, final, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from phantom_core.accounts import Account
from phantom_core.address import Address, AddressLike

__all__ = [
    "TIP_ACCOUNTS",
    "AccountLayout",
    "AccountUpdate",
    "AggregatorStats",
    "Answer",
    "Assessment",
    "Atr",
    "BlockedPool",
    "Bollinger",
    "BuiltTransaction",
    "BundleStatus",
    "Clock",
    "CompileError",
    "ConformanceState",
    "ConnectionFreshness",
    "ConstantProductHop",
    "CycleIndex",
    "CycleUpdate",
    "Dispatch",
    "DispatchError",
    "DuplicateFilter",
    "Ema",
    "EndpointStats",
    "Engine",
    "EngineConfig",
    "EngineStats",
    "EngineWatch",
    "EvaluationRefused",
    "Explanation",
    "Expression",
    "FeeEngine",
    "Fill",
    "FunnelStage",
    "HeldAccount",
    "Hop",
    "IncrementalCycleFinder",
    "IndexedCycles",
    "InflightBundleStatus",
    "Instruction",
    "InvalidInput",
    "LandingModel",
    "LatencyHistogram",
    "LimitEstimate",
    "LogUpdate",
    "LookupTable",
    "Market",
    "MarketCycle",
    "MarketDataError",
    "MarketFreshness",
    "MarketGraph",
    "Miss",
    "Multiverse",
    "NegativeCycleFinder",
    "NetworkSubmitter",
    "Obstacle",
    "PathTable",
    "PathTables",
    "PhantomError",
    "Plan",
    "PlannedRoute",
    "Pool",
    "PoolFreshness",
    "PoolInfo",
    "PriceEstimate",
    "Prospect",
    "QuarantineLimits",
    "Quote",
    "QuoteBatch",
    "RealisedVolatility",
    "Record",
    "Recorder",
    "RecorderStats",
    "Recording",
    "RecordingError",
    "RecordingWriter",
    "Roc",
    "RootUpdate",
    "RoutingSolution",
    "Rsi",
    "RuleSet",
    "Signal",
    "SignalScorer",
    "SignatureStatus",
    "SignatureStatuses",
    "SignatureUpdate",
    "Signer",
    "Sized",
    "SlotStageUpdate",
    "SlotUpdate",
    "Sma",
    "StaleAccount",
    "Step",
    "Swap",
    "SwapRefused",
    "Target",
    "TargetStats",
    "Tick",
    "TickRule",
    "TipAccounts",
    "TipQuote",
    "TokenRules",
    "TokenVerdict",
    "Trade",
    "TransactionError",
    "VenueInfo",
    "Verdict",
    "Vwap",
    "Want",
    "WeightedCycle",
    "WssAggregator",
    "account_layouts",
    "address_bytes",
    "address_text",
    "advance_nonce",
    "associated_token_account",
    "atr",
    "bollinger",
    "candidate_fields",
    "choose_tables",
    "close_lookup_table",
    "close_token_account",
    "compile_expression",
    "compile_rules",
    "compile_transaction",
    "create_lookup_table",
    "create_nonce_account",
    "create_token_account",
    "deactivate_lookup_table",
    "decode_account",
    "ema",
    "extend_lookup_table",
    "find_negative_cycle",
    "find_program_address",
    "find_program_addresses",
    "judge_token",
    "pay_tip",
    "price_for_budget",
    "priority_fee_lamports",
    "quote_constant_product",
    "realised_volatility",
    "roc",
    "rsi",
    "set_compute_unit_limit",
    "set_compute_unit_price",
    "set_loaded_accounts_data_size",
    "size_cycle",
    "sma",
    "solve_arbitrage",
    "solve_trade",
    "sqrt_price_from_tick_index",
    "sync_native",
    "tick_index_from_sqrt_price",
    "token_flag_bits",
    "token_rule_names",
    "transfer_lamports",
    "venue_names",
    "vwap",
    "withdraw_nonce",
    "wrap_sol",
]

# ---- errors

class PhantomError(Exception):
    """Base of everything that phantom_core raises."""

class InvalidInput(PhantomError):
    """An argument is malformed: which one, what it holds, what it may hold."""

class MarketDataError(PhantomError):
    """Account data is missing, undecodable or not what it claims to be; the pool is set aside.

    Attributes:
        reason: A stable word for why: `wrong_owner`, `wrong_length`, `unknown_discriminator`,
            `missing_tick_array`, `missing_clock`, …; None if it was not raised by the native module.
        values: What matters, by name: `account`, `status`, `opens_at`, …
    """

    reason: str | None
    values: dict[str, Any]

class SwapRefused(PhantomError):
    """The on-chain program would refuse this swap.

    Attributes:
        name: The program's word for the error.
        code: Its number, if it has one.
        values: The values that matter, by name.
    """

    name: str
    code: int | None
    values: dict[str, Any]

class DispatchError(PhantomError):
    """Nothing can be sent: the submitter is closed or another process's; or nobody answered a question."""

class RecordingError(PhantomError):
    """A recording is missing, torn or corrupt."""

# ---- amm_math, pda

def sqrt_price_from_tick_index(tick_index: int) -> int:
    """Return the square root of the price at a Whirlpool tick, Q64.64.

    Raises:
        InvalidInput: `tick_index` is not within -443636 to 443636.
    """

def tick_index_from_sqrt_price(sqrt_price_x64: int) -> int:
    """Return the highest Whirlpool tick whose square root of price is at most `sqrt_price_x64` (Q64.64).

    Raises:
        InvalidInput: The price is outside of the program's range.
    """

def find_program_addresses(seeds: list[list[bytes]], program_id: AddressLike) -> list[tuple[str, int]]:
    """Return what `find_program_address` does for each list of seeds, without the GIL.

    Raises:
        InvalidInput: As there; the message names the list.
    """

def find_program_address(seeds: list[bytes], program_id: AddressLike) -> tuple[str, int]:
    """Return the program-derived address (base58) of `seeds` and its bump.

    Raises:
        InvalidInput: More than 15 seeds, one longer than 32 bytes, or `program_id` is no address.
    """

@overload
def quote_constant_product(  # type: ignore[overload-overlap]
    reserve_in: int, reserve_out: int, amount_in: int, fee_numerator: int, fee_denominator: int
) -> int:
    """Return what the input buys, as the other form does for every row."""

@overload
def quote_constant_product(
    reserve_in: NDArray[np.uint64] | int,
    reserve_out: NDArray[np.uint64] | int,
    amount_in: NDArray[np.uint64] | int,
    fee_numerator: int,
    fee_denominator: int,
) -> NDArray[np.uint64]:
    """Return what each input buys in its own constant-product pool, exactly, base units.

    The fee `ceil(amount_in * fee_numerator / fee_denominator)` stays in the pool; the rest `x` buys
    `floor(reserve_out * x / (reserve_in + x))`, 0 if that is less than one unit. One call without the GIL,
    spread over the cores where that pays.

    Args:
        reserve_in: Reserve of the input's side; one number stands for every row.
        reserve_out: Reserve of the output's side.
        amount_in: Inputs.
        fee_numerator: Fee on the input, above the line; below `fee_denominator`.
        fee_denominator: Below the line.

    Raises:
        InvalidInput: Columns of different lengths or types, a fee of one or more; an empty reserve or an
            amount that takes the reserve beyond 64 bits (names the first such row).
    """

# ---- accounts

@overload
def decode_account(owner: AddressLike, data: Buffer, /) -> Account:
    """Return any account that this package reads as an object with names, printable and comparable.

    Instead of owner and data an object that has both may be given, as `solders.account.Account`. Classes,
    with the meaning and units of their fields, are in `phantom_core.accounts`; an account type that no
    quote needs comes as its `UnreadAccount`.

    >>> clock = decode_account("Sysvar1111111111111111111111111111111111111", bytes(40))
    >>> clock.kind, clock.epoch
    ('Clock', 0)

    Args:
        owner: The program that owns the account.
        data: All its bytes.

    Raises:
        InvalidInput: `owner` is no address or `data` no bytes.
        MarketDataError: Unknown owner or type, too few bytes, or a value that the program never writes;
            `reason` says which.
    """

@overload
def decode_account(owner: _AccountLike, data: None = None, /) -> Account: ...
def venue_names() -> list[str]:
    """Return the names of all venues, as settings, reports and `Pool.venue` have them."""

def account_layouts() -> list[AccountLayout]:
    """Return every account type that `decode_account` knows; `tools/make_account_types.py` reads it."""

def address_text(value: AddressLike) -> str:
    """Return an address in base58; `Address` is made of it.

    Raises:
        InvalidInput: Not an address of 32 bytes.
    """

def address_bytes(text: str) -> bytes:
    """Return the 32 bytes of an address in base58.

    Raises:
        InvalidInput: Not an address of 32 bytes.
    """

@final
class AccountLayout:
    """One account type: what its class is to look like."""

    @property
    def class_name(self) -> str: ...
    @property
    def prefix(self) -> str:
        """What comes before the names of this venue's classes."""
    @property
    def name(self) -> str:
        """The program's own name for it."""
    @property
    def venue(self) -> str | None: ...
    @property
    def programs(self) -> list[str]:
        """Programs that own such accounts."""
    @property
    def discriminator(self) -> str | None:
        """First eight bytes in hexadecimal; None if the type is told by its length."""
    @property
    def lengths(self) -> list[int]:
        """Known lengths in bytes; empty if it varies."""
    @property
    def is_read(self) -> bool:
        """Whether its fields are read, not only its type recognised."""
    @property
    def mints_at(self) -> tuple[int, int] | None:
        """Offsets of the two mints' addresses if the account makes a pool, else None."""
    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and Python types."""
    @property
    def records(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Nested structures: name, and names and Python types of their fields."""

# ---- conformance

@final
class ConformanceState:
    """A state of a golden-vector file, ready to answer swaps."""

    def __new__(
        cls,
        *,
        dex: str,
        program_id: str,
        pool: str,
        accounts: list[tuple[str, str, bytes]],
        slot: int,
        unix_timestamp: int,
        epoch: int,
    ) -> ConformanceState:
        """Decode a state.

        Args:
            dex: Venue as the file's meta line names it.
            program_id: Program that executed the swaps.
            pool: Address of the pool.
            accounts: (address, owner, data) of every account that existed.
            slot: Clock of the swaps.
            unix_timestamp: Clock of the swaps, seconds.
            epoch: Epoch of the swaps.

        Raises:
            InvalidInput: An address is malformed.
            MarketDataError: The accounts do not make up a pool of that venue.
        """

    @property
    def is_supported(self) -> bool:
        """Whether swaps of this venue can be quoted."""
    @property
    def vault_balances(self) -> tuple[int | None, int | None]:
        """Base units in the vaults, first token first; None for one that the state does not list."""

    def run(
        self,
        operation: str,
        *,
        amount: int,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: int,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        trader_balance: int | None = None,
    ) -> dict[str, Any] | None:
        """Return what the program does with a swap, in the vector's terms.

        Args:
            operation: Name of the instruction.
            amount: Input if `exact_in`, else output; base units.
            exact_in: Whether `amount` is the input.
            a_to_b: Whether the input is the first token.
            other_amount_threshold: Least output or most input, base units.
            sqrt_price_limit: Q64.64; 0 for none.
            partial_fill: Take what the pool can give (`mode` of Meteora DAMM v2).
            trader_balance: What the trader holds of the input token; None for all that a supply of 64 bits
                allows.

        Returns:
            `{"ok": True, "result": {...}}`, `{"ok": False, "error": {"name", "code"}}`, or None if the
            venue is not supported yet.

        Raises:
            InvalidInput: The venue has no such operation.
        """

    def check_instruction(
        self,
        operation: str,
        *,
        program: str,
        accounts: list[tuple[str, bool, bool]],
        data: bytes,
        amount: int,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: int | None = None,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
    ) -> dict[str, Any] | None:
        """Return whether we build a swap as the instruction that was executed, byte for byte.

        Args:
            operation: Name of the instruction.
            program: Program that was called.
            accounts: (address, is_signer, is_writable) of its accounts in order. The trader's wallet and
                token accounts are taken from them.
            data: What it was told.
            amount: Input if `exact_in`, else output; base units.
            exact_in: Whether `amount` is the input.
            a_to_b: Whether the input is the first token.
            other_amount_threshold: Least output or most input, base units; None: what the swap gives or
                takes, no slippage.
            sqrt_price_limit: Q64.64; 0 for none.
            partial_fill: Take what the pool can give (`mode` of Meteora DAMM v2).

        Returns:
            `{"equal": True}`, or `{"equal": False, "what", "expected", "got"}` of the first difference, or
            None if the venue is not supported yet.

        Raises:
            InvalidInput: An address is malformed, or the venue has no such operation.
        """

    def work(
        self,
        operation: str,
        *,
        amount: int,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: int,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        trader_balance: int | None = None,
    ) -> dict[str, int]:
        """Return the swap's estimated compute units (`estimate`) and the counted work behind them.

        Raises:
            InvalidInput: The venue has no such operation.
        """

# ---- cycle_finder

@final
class NegativeCycleFinder:
    """A directed multigraph with weights, built once and searched for negative cycles.

    With weights `-ln(rate after fees)` a negative cycle is a profitable one. Parallel edges and
    self-loops are allowed. May be shared between threads; searches of one finder run one at a time.
    """

    def __new__(
        cls,
        n_nodes: int,
        src: NDArray[np.int32] | NDArray[np.int64],
        dst: NDArray[np.int32] | NDArray[np.int64],
        weight: NDArray[np.float64],
    ) -> NegativeCycleFinder:
        """Build the graph with edges `src[i] -> dst[i]`; the arrays are copied.

        Args:
            n_nodes: Nodes are `0 .. n_nodes - 1`; at most 2**24.
            src: Where each edge starts, one-dimensional.
            dst: Where each edge ends.
            weight: Finite, between -1e15 and 1e15.

        Raises:
            InvalidInput: Other lengths, types or values.
        """

    def find(
        self, sources: NDArray[np.int32] | NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], float] | None:
        """Return the edges of a negative cycle in walking order and their sum, or None.

        Every call is a Bellman-Ford search from scratch with the GIL released. A cycle counts if
        its sum is below -1e-12 (in proportion more where weights exceed 70); one between
        `-1e-12 * hops` and zero may be missed. No node occurs twice. The same input gives the same
        cycle.

        Args:
            sources: Only cycles that can be reached from one of these nodes; None: any cycle.

        Raises:
            InvalidInput: A source is not a node.
        """

    def update(self, edge: int, weight: float) -> None:
        """Change one edge's weight for the next `find`; O(1).

        Args:
            edge: Index into the arrays the finder was built from.
            weight: Finite, between -1e15 and 1e15.

        Raises:
            InvalidInput: No such edge, or a weight out of range.
        """

    def __len__(self) -> int:
        """Return the number of edges."""

@final
class WeightedCycle:
    """A cycle of edges, each starting where the one before ends, the first where the last ends."""

    @property
    def edges(self) -> NDArray[np.int64]:
        """Indices into the arrays the finder was built from, in walking order; a new array."""

    @property
    def weight(self) -> float:
        """Sum of the edges' weights when this was made, rounded once; infinite if one was removed."""

    def __len__(self) -> int:
        """Return the number of edges."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class CycleUpdate:
    """What one change did to the open cycles."""

    @property
    def position(self) -> int:
        """Which change of an `update_many`; otherwise 0."""

    @property
    def edge(self) -> int:
        """The edge that changed."""

    @property
    def opened(self) -> list[WeightedCycle]:
        """Cycles that are negative now and were not known to be; each starts with its withheld edge."""

    @property
    def closed(self) -> list[WeightedCycle]:
        """Cycles that were open, with what they weigh now."""

@final
class IncrementalCycleFinder:
    """A directed multigraph whose weights change, and the negative cycles it has.

    Keeps potentials between changes: one that opens no cycle mostly costs constant time, any other
    a search of a few nodes around its edge. An edge that closes a negative cycle is withheld from
    the potentials until that cycle, its witness, has closed; there is a negative cycle exactly
    while an edge is withheld, and all other edges are answered for meanwhile. Not told: further
    cycles through a withheld edge. `cycles_through` lists them.

    Weights are rounded up to multiples of `resolution`; everything after that is exact, so answers
    do not depend on how many changes went before, and no cycle is told that is not negative. One
    between `-resolution * hops` and zero may be missed. May be shared between threads; calls of one
    finder run one at a time.
    """

    def __new__(
        cls,
        n_nodes: int,
        src: NDArray[np.int32] | NDArray[np.int64],
        dst: NDArray[np.int32] | NDArray[np.int64],
        weight: NDArray[np.float64],
        pool: NDArray[np.int32] | NDArray[np.int64] | None = None,
    ) -> IncrementalCycleFinder:
        """Build the graph with edges `src[i] -> dst[i]`; the arrays are copied.

        Args:
            n_nodes: Nodes are `0 .. n_nodes - 1`; at most 2**24.
            src: Where each edge starts, one-dimensional. Parallel edges are allowed.
            dst: Where each edge ends; never where it starts.
            weight: Finite, between -1e15 and 1e15.
            pool: Edges of one pool never share a cycle in `cycles_through`; None: no two edges
                have a pool in common.

        Raises:
            InvalidInput: Other lengths, types or values, or an edge from a node to itself.
        """

    def update(self, edge: int, weight: float) -> CycleUpdate | None:
        """Change one edge's weight, or put a removed edge back.

        Args:
            edge: Index into the arrays the finder was built from.
            weight: Finite, between -1e15 and 1e15.

        Returns:
            Which cycles opened and closed; None if none did.

        Raises:
            InvalidInput: No such edge, or a weight out of range; nothing was changed.
        """

    def update_many(
        self, edges: NDArray[np.int32] | NDArray[np.int64], weights: NDArray[np.float64]
    ) -> list[CycleUpdate]:
        """Make many changes in order, as so many calls of `update` would; the GIL is released.

        Args:
            edges: Indices of edges, one-dimensional.
            weights: One for each of them.

        Returns:
            What opened or closed cycles, in order.

        Raises:
            InvalidInput: As for `update`, or other lengths; nothing was changed.
        """

    def remove(self, edge: int) -> CycleUpdate | None:
        """Take an edge out, and every cycle through it, until it is updated again.

        Args:
            edge: Index of the edge. One that is out already stays out.

        Returns:
            Which cycles closed, and opened in their place; None if none did.

        Raises:
            InvalidInput: No such edge.
        """

    def would_close_cycle(self, edge: int, weight: float) -> bool:
        """Return whether a negative cycle would run through an edge if it had this weight.

        Changes nothing. Looks at the edges that are not withheld, and at the open cycles.

        Args:
            edge: Index of the edge; it may be removed.
            weight: Finite, between -1e15 and 1e15.

        Raises:
            InvalidInput: No such edge, or a weight out of range.
        """

    @property
    def has_cycle(self) -> bool:
        """Whether there is a negative cycle; constant time."""

    def open_cycles(self) -> list[WeightedCycle]:
        """Return the open cycles, one for each withheld edge, by that edge, which is its first."""

    def cycles_through(self, edge: int, max_hops: int = 4) -> list[WeightedCycle]:
        """Return every negative cycle through an edge, of 2 to `max_hops` edges; best first.

        No node and no pool occurs twice; each cycle starts with the edge. Withheld edges count as
        any other. The first edge's cost, bounded by potentials, leaves few branches; while edges
        are withheld, more.

        Args:
            edge: Index of the edge. A removed one has no cycles.
            max_hops: 2 to 6.

        Raises:
            InvalidInput: No such edge, or `max_hops` out of range.
        """

    def cycles_through_pool(self, pool: int, max_hops: int = 4) -> list[WeightedCycle]:
        """Return every negative cycle through a pool, as `cycles_through` does for each of its edges.

        Args:
            pool: As in the array `pool`; without one, an edge's index.
            max_hops: 2 to 6.

        Raises:
            InvalidInput: No such pool, or `max_hops` out of range.
        """

    @property
    def resolution(self) -> float:
        """Unit of weight: 2**-44 where no weight is beyond 64, otherwise in proportion larger.

        Grows when a weight arrives that needs it, or where a path weighs more than 8192.
        """

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""

    def __len__(self) -> int:
        """Return the number of edges, removed ones included."""

def find_negative_cycle(
    n_nodes: int,
    src: NDArray[np.int32] | NDArray[np.int64],
    dst: NDArray[np.int32] | NDArray[np.int64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.int64], float] | None:
    """Build a `NegativeCycleFinder`, search once and return what its `find` returns.

    Raises:
        InvalidInput: As for `NegativeCycleFinder`.
    """

# ---- multiverse

@final
class Multiverse:
    """A directed multigraph whose simple cycles and paths of a few hops can be listed.

    Nodes are mints (or anything), edges are one direction of a pool; parallel edges are welcome.
    Rows come in one order, whatever the number of threads: base by base as given, and in
    lexicographic order of the edge indices (level "pool") or of the nodes, the last one included
    (level "mint"). The graph does not change and may be shared between threads; listing releases the
    GIL, and Ctrl-C ends it.
    """

    def __new__(
        cls,
        n_nodes: int,
        src: NDArray[np.int32] | NDArray[np.int64],
        dst: NDArray[np.int32] | NDArray[np.int64],
        pool: NDArray[np.int32] | NDArray[np.int64] | None = None,
        weight: NDArray[np.float64] | None = None,
        liquidity: NDArray[np.float64] | None = None,
    ) -> Multiverse:
        """Build the graph with edges `src[i] -> dst[i]`; the arrays are copied.

        Args:
            n_nodes: Nodes are `0 .. n_nodes - 1`; at most 2**24.
            src: Where each edge starts, one-dimensional.
            dst: Where each edge ends; never where it starts.
            pool: Which pool each edge belongs to, `0 .. 2**31 - 1`; no row uses a pool twice.
                Without it every edge is a pool of its own.
            weight: Usually `-ln(rate after fees)`; finite, between -1e15 and 1e15.
            liquidity: How much each edge carries, in any unit; not NaN.

        Raises:
            InvalidInput: Other lengths, types or values, a self-loop.
        """

    @property
    def n_nodes(self) -> int:
        """The number of nodes."""

    def __len__(self) -> int:
        """Return the number of edges."""

    def cycles(
        self,
        bases: int | Sequence[int] | NDArray[np.integer[Any]],
        max_hops: int = 4,
        *,
        level: Literal["pool", "mint"] = "pool",
        min_hops: int = 2,
        max_count: int | None = None,
        max_weight: float | None = None,
        min_liquidity: float | None = None,
        time_limit: float | None = None,
        threads: int | None = None,
    ) -> PathTable:
        """List all simple cycles through the bases.

        A cycle visits no node twice. It is listed once: from the first of the bases that it visits.

        Args:
            bases: One node or several different ones.
            max_hops: At most this many hops, 2 to 6.
            level: "pool": a row of edges per choice of pools, none used twice. "mint": a row of nodes
                per sequence that at least one such choice takes.
            min_hops: At least this many hops, 2 to `max_hops`.
            max_count: The first this many rows.
            max_weight: Only rows whose weights, added in walking order, come to at most this; at mint
                level those of the lightest distinct pools. Prunes, and loses no row.
            min_liquidity: Only edges of at least this liquidity. Costs a pass over all edges.
            time_limit: Seconds after which the table ends, with the first rows of the order.
            threads: At most this many; None: as many as there are cores. Small work uses one.

        Returns:
            The rows; its `truncated` says whether and why some are missing.

        Raises:
            InvalidInput: No such node, a base given twice, hops out of range, a bound that is not
                finite or needs an array that was not given, or more than 2**28 values in one table
                (use `max_count` or `iter_cycles`).
        """

    def paths(
        self,
        start: int,
        end: int,
        max_hops: int = 4,
        *,
        level: Literal["pool", "mint"] = "pool",
        min_hops: int = 2,
        max_count: int | None = None,
        max_weight: float | None = None,
        min_liquidity: float | None = None,
        time_limit: float | None = None,
        threads: int | None = None,
    ) -> PathTable:
        """List all simple paths from a node to another.

        Args:
            start: Where paths start.
            end: Where they end; another node.
            max_hops: At most this many hops, 1 to 6.
            level: As for `cycles`.
            min_hops: At least this many hops, 1 to `max_hops`; 2 leaves out the direct edges.
            max_count: As for `cycles`.
            max_weight: As for `cycles`.
            min_liquidity: As for `cycles`.
            time_limit: As for `cycles`.
            threads: As for `cycles`.

        Raises:
            InvalidInput: As for `cycles`; `start` and `end` are one node.
        """

    def iter_cycles(
        self,
        bases: int | Sequence[int] | NDArray[np.integer[Any]],
        max_hops: int = 4,
        *,
        batch: int = 65536,
        level: Literal["pool", "mint"] = "pool",
        min_hops: int = 2,
        max_count: int | None = None,
        max_weight: float | None = None,
        min_liquidity: float | None = None,
        time_limit: float | None = None,
    ) -> PathTables:
        """Return an iterator over the rows of `cycles` in tables of `batch` rows.

        Each table is walked when it is asked for, on the thread that asks. Memory: one table, and what
        one step of the walk adds to it (the choices of pools for two hops). The last table is shorter;
        where a bound ends the rows its `truncated` says so. `time_limit` counts from this call on.

        Raises:
            InvalidInput: As for `cycles`, or `batch` is 0 or too large for one table.
        """

    def iter_paths(
        self,
        start: int,
        end: int,
        max_hops: int = 4,
        *,
        batch: int = 65536,
        level: Literal["pool", "mint"] = "pool",
        min_hops: int = 2,
        max_count: int | None = None,
        max_weight: float | None = None,
        min_liquidity: float | None = None,
        time_limit: float | None = None,
    ) -> PathTables:
        """Return an iterator over the rows of `paths`, as `iter_cycles` does for cycles.

        Raises:
            InvalidInput: As for `paths` and `iter_cycles`.
        """

    def index(
        self,
        bases: int | Sequence[int] | NDArray[np.integer[Any]],
        max_hops: int = 4,
        *,
        min_hops: int = 2,
        max_cycles: int = 6_000_000,
        threads: int | None = None,
    ) -> CycleIndex:
        """Return an index of the cycles through the bases, at pool level.

        It starts from this graph's weights and then lives by itself.

        Args:
            bases: As for `cycles`.
            max_hops: As for `cycles`.
            min_hops: As for `cycles`.
            max_cycles: More cycles are refused, now and later. Memory: at most `12 * max_hops` bytes a
                cycle, up to twice that after growth.
            threads: As for `cycles`.

        Raises:
            InvalidInput: As for `cycles`; more than `max_cycles` cycles; a graph without weights.
        """

@final
class PathTable:
    """Cycles or paths, one a row, as an array; `numpy.asarray(table)` gives it too."""

    @property
    def edges(self) -> NDArray[np.int32]:
        """Edge indices in walking order, one row a cycle or path, padded with -1; read-only.

        Raises:
            InvalidInput: A table of level "mint", which has only nodes.
        """
    @property
    def nodes(self) -> NDArray[np.int32]:
        """Nodes in walking order, padded with -1; read-only.

        A cycle's first node is not repeated; a path's last one is listed, in one column more.
        """
    @property
    def hops(self) -> NDArray[np.int32]:
        """Hops of each row; computed anew on each access."""
    @property
    def weight(self) -> NDArray[np.float64]:
        """Weights of each row, added in walking order; computed anew on each access.

        At level "mint" those of the lightest distinct pools.

        Raises:
            InvalidInput: The graph was built without weights.
        """
    @property
    def level(self) -> Literal["pool", "mint"]:
        """What a row is."""
    @property
    def truncated(self) -> Literal["count", "time"] | None:
        """Which bound left out rows; None if all are there.

        "count": there are more rows than `max_count`. "time": `time_limit` passed; there may be more.
        """

    def __len__(self) -> int:
        """Return the number of rows."""
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return `edges`, at level "mint" `nodes`."""

@final
class PathTables:
    """Tables of rows, each walked when it is asked for."""

    def __iter__(self) -> PathTables:
        """Return itself."""
    def __next__(self) -> PathTable:
        """Return the next rows."""

@final
class CycleIndex:
    """All cycles through some bases, kept while weights change and pools come and go.

    A change of weights looks only at the cycles it touches. May be shared between threads; one call
    runs at a time. A refused change changes nothing.
    """

    def update(self, edge: int, weight: float) -> IndexedCycles:
        """Change a weight and return the cycles through this edge that now pay, the best first.

        A cycle pays if its weights, added in walking order, come to less than zero. Cycles of one
        weight are in order of their edges. An edge of a removed pool keeps its weight for later.

        Raises:
            InvalidInput: No such edge, or a weight that is not finite or beyond 1e15.
        """
    def update_many(
        self,
        edges: NDArray[np.int32] | NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> IndexedCycles:
        """Change several weights, such as a pool's two; each cycle is returned once.

        Raises:
            InvalidInput: As for `update`; arrays of different lengths or other types.
        """
    def paying(self) -> IndexedCycles:
        """Return all cycles that pay, the best first. Looks at every cycle."""
    def cycles(self) -> IndexedCycles:
        """Return all cycles, in the order of `Multiverse.cycles`."""
    def of_pool(self, pool: int) -> IndexedCycles:
        """Return the cycles that use a pool, in the order of `Multiverse.cycles`.

        Raises:
            InvalidInput: No edge has this pool.
        """
    def remove_pool(self, pool: int) -> int:
        """Take a pool's edges away, with every cycle through them; return how many these were.

        Raises:
            InvalidInput: No edge has this pool.
        """
    def restore_pool(self, pool: int) -> int:
        """Put a removed pool's edges back, with their weights; return how many cycles that adds.

        Raises:
            InvalidInput: No edge has this pool, or there would be more than `max_cycles` cycles.
        """
    def add(self, src: int, dst: int, weight: float, pool: int | None = None) -> int:
        """Add an edge with the cycles through it; return its index, the next free one.

        Args:
            src: Where it starts.
            dst: Where it ends.
            weight: As for `update`.
            pool: A pool's number; None: a pool of its own, with the number after the largest.

        Raises:
            InvalidInput: An unknown node, a self-loop, a weight or pool out of range, or there would
                be more than `max_cycles` cycles.
        """
    @property
    def n_edges(self) -> int:
        """The number of edges, removed ones included."""
    @property
    def nbytes(self) -> int:
        """Bytes that the cycles take."""
    def __len__(self) -> int:
        """Return the number of cycles."""

@final
class IndexedCycles:
    """Cycles of an index with their weights."""

    @property
    def edges(self) -> NDArray[np.int32]:
        """Edge indices from the first base on, one row a cycle, padded with -1; read-only."""
    @property
    def weight(self) -> NDArray[np.float64]:
        """By row, its weights added in walking order."""
    @property
    def hops(self) -> NDArray[np.int32]:
        """Hops of each row; computed anew on each access."""
    def __len__(self) -> int:
        """Return the number of rows."""

# ---- joint routing

@final
class RoutingSolution:
    """A plan through all pools at once, and the prices that bound every other plan.

    Approximate: the search runs in float64. Quote amounts exactly before they are sent.
    """

    @property
    def a_to_b(self) -> NDArray[np.bool_]:
        """Per pool: whether the input is `mint_a`. Meaningless where the amounts are 0."""
    @property
    def amount_in(self) -> NDArray[np.float64]:
        """Per pool: input in base units, fee included; 0 for a pool that is not used."""
    @property
    def amount_out(self) -> NDArray[np.float64]:
        """Per pool: what it gives for `amount_in`, in base units."""
    @property
    def prices(self) -> NDArray[np.float64]:
        """Per mint: what one more base unit would be worth; 0 if nothing of value can be had for it."""
    @property
    def value(self) -> float:
        """What the plan gains. It owes no mint more than rounding (1e-13 of what passes through it)."""
    @property
    def bound(self) -> float:
        """What no plan can exceed, up to the rounding of float64."""
    @property
    def iterations(self) -> int:
        """Newton steps that were taken."""
    @property
    def converged(self) -> bool:
        """Whether `value` is within 1e-8 of `bound`, or `bound` is nothing (1e-15 of all liquidity)."""

def solve_arbitrage(
    n_mints: int,
    mint_a: NDArray[np.int32] | NDArray[np.int64],
    mint_b: NDArray[np.int32] | NDArray[np.int64],
    reserve_a: NDArray[np.float64],
    reserve_b: NDArray[np.float64],
    fee: NDArray[np.float64] | float,
    values: NDArray[np.float64],
) -> RoutingSolution:
    """Return the swaps with constant-product pools that together gain most.

    The plan maximises the sum of `values` times what is gained of each mint, and owes none. All pools
    are used at once, each as far as it pays at common prices, so no liquidity is counted twice. Without
    arbitrage the value is 0 and all amounts are 0. Releases the GIL.

    Args:
        n_mints: Number of mints; they are 0 to `n_mints - 1`.
        mint_a: Each pool's first mint.
        mint_b: Each pool's second mint, another one.
        reserve_a: Its reserve of `mint_a`, base units; finite and positive.
        reserve_b: Its reserve of `mint_b`.
        fee: Share of the input that the pool keeps, at least 0 and below 1; one for all, or an array.
        values: Worth of one base unit of each mint, finite and not negative. 0 for a mint that may only
            be passed through.

    Raises:
        InvalidInput: An array has another length or dtype, or a value is out of range.
    """

def solve_trade(
    n_mints: int,
    mint_a: NDArray[np.int32] | NDArray[np.int64],
    mint_b: NDArray[np.int32] | NDArray[np.int64],
    reserve_a: NDArray[np.float64],
    reserve_b: NDArray[np.float64],
    fee: NDArray[np.float64] | float,
    mint_in: int,
    mint_out: int,
    amount_in: float,
) -> RoutingSolution:
    """Return the swaps that give most `mint_out` for at most `amount_in` of `mint_in`.

    Splits over all paths at once. Gains from cycles on the way are in it. Where no path leads from
    `mint_in` to `mint_out`, or `amount_in` is 0, only they are left: usually nothing. Releases the GIL.

    Args:
        n_mints: As for `solve_arbitrage`, like the columns of pools.
        mint_a: As there.
        mint_b: As there.
        reserve_a: As there.
        reserve_b: As there.
        fee: As there.
        mint_in: The mint that is paid.
        mint_out: The mint that is wanted, another one.
        amount_in: Base units, finite and not negative.

    Raises:
        InvalidInput: An array has another length or dtype, or a value is out of range.
    """

# ---- recording

@final
class Record:
    """One entry of a recording: something that happened at one endpoint. Frozen, hashable."""

    def __new__(
        cls,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: bytes | None = None,
    ) -> Record:
        """Build an entry, for sources other than a file; without a frame it is empty.

        Raises:
            InvalidInput: The kind is unknown, or a connection's record carries a frame.
        """

    @property
    def kind(self) -> Literal["connect", "sent", "received", "disconnect"]:
        """What happened; `sent` is an outgoing JSON-RPC request, `received` an incoming frame."""
    @property
    def endpoint(self) -> str:
        """The endpoint's name, one of the header's `endpoints`."""
    @property
    def arrival_ns(self) -> int:
        """Nanoseconds since the recording began."""
    @property
    def frame(self) -> bytes:
        """The text exactly as it came or went; empty for `connect` and `disconnect`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Recording:
    """A recording on disk, opened for reading; each iteration reads it anew, block by block."""

    def __new__(cls, path: str | PathLike[str]) -> Recording:
        """Open a recording; one that was never closed is walked through once.

        Raises:
            RecordingError: The file is missing, no recording, from a newer release or corrupt.
        """

    @property
    def header(self) -> dict[str, Any]:
        """`created`, `source`, `description`, `tool`, `endpoints`, and `metadata` if it has any."""
    @property
    def endpoints(self) -> list[str]:
        """Names of the endpoints, as in the header."""
    @property
    def records(self) -> int:
        """Number of records in whole blocks."""
    @property
    def duration_ns(self) -> int:
        """Arrival of the last record, nanoseconds since the recording began; 0 if there is none."""
    @property
    def torn_at(self) -> int | None:
        """Byte at which the whole blocks of a recording end that was never closed, else None."""
    def since(self, arrival_ns: int) -> Iterator[Record]:
        """Return the records that arrived at `arrival_ns` or later.

        Raises:
            RecordingError: The file is gone; while iterating: a block is corrupt (record and byte).
        """
    def since_slot(self, slot: int) -> Iterator[Record]:
        """Return the records from the first incoming frame on that speaks of `slot` or a later one.

        A frame's slot is the first number under a key `slot`; one more than 432,000 ahead of all
        before it is none. A recording that was never closed is read from its beginning for this.

        Raises:
            RecordingError: As for `since`.
        """
    def __iter__(self) -> Iterator[Record]: ...
    def __len__(self) -> int: ...

@final
class RecordingWriter:
    """Append records to a new file; as a context manager it closes at the end, also on an error.

    Without `close` the file holds what a crash would leave: the blocks written so far.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        header: Mapping[str, Any],
        *,
        level: int = 3,
        block_bytes: int = 4194304,
    ) -> RecordingWriter:
        """Create the file and write its header.

        Args:
            path: A file that does not exist yet.
            header: Texts `created` (ISO 8601), `source`, `description`, `tool`; list of names
                `endpoints`; optionally a mapping `metadata`.
            level: zstd level, 1 (fast) to 22 (small).
            block_bytes: Uncompressed bytes after which a block is written and synced, 1 to 2**27.

        Raises:
            RecordingError: The file exists or cannot be created, or the header is unusable.
            InvalidInput: `level` or `block_bytes` is out of range.
        """

    @property
    def records(self) -> int:
        """Number of records appended."""
    def append(
        self,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: bytes | bytearray | None = None,
    ) -> None:
        """Append a record; arrivals never go back.

        Raises:
            InvalidInput: The record cannot be kept; nothing changed.
            RecordingError: The writer is closed, or writing a full block failed.
        """
    def flush(self) -> None:
        """Write what was gathered as a block and wait until the disk has it.

        Raises:
            RecordingError: The writer is closed, or the disk refused.
        """
    def close(self) -> None:
        """Write the last block, the index and the footer; a second call does nothing.

        Raises:
            RecordingError: The disk refused; the blocks written before stay readable.
        """
    def __enter__(self) -> RecordingWriter: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Recorder:
    """Record what arrives without waiting for the disk: frames are copied, a thread writes them.

    A full block is compressed and written, and every 0.4 seconds all of what has arrived is written and
    synced: a crash loses less than a second, unless the disk is slower. If the disk falls behind,
    notifications are left out and counted (`lost`); answers and requests never are.

    Files are numbered: `day.phrec` means `day-0001.phrec` and so on. Each begins with the
    subscriptions in force, so it can be replayed alone; its header says in `metadata.part`:
    `number`, `began_ns` (since the first began), `carried` (records that only repeat).
    An instance may be used from several threads. Left alone it is closed properly.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        header: Mapping[str, Any],
        *,
        level: int = 3,
        block_bytes: int = 4194304,
        max_file_bytes: int | None = None,
        max_file_ns: int | None = None,
        max_waiting_bytes: int = 134217728,
    ) -> Recorder:
        """Create the first file and start the thread.

        Args:
            path: Names the files; the first must not exist yet.
            header: As for `RecordingWriter`; `endpoints` are the connections known so far.
            level: zstd level, 1 (fast) to 22 (small).
            block_bytes: Uncompressed bytes after which a block is written, 1 to 2**27.
            max_file_bytes: A file ends with the block that brings it to this size.
            max_file_ns: A file covers less than this much time.
            max_waiting_bytes: Bytes that may wait for the disk.

        Raises:
            RecordingError: The file exists or cannot be created, or the header is unusable.
            InvalidInput: An option is out of range.
        """
    def connection(self, name: str) -> int:
        """Return the number of a connection, for `received`; one that was unknown gets the next."""
    def append(
        self,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: Buffer | None = None,
    ) -> None:
        """Take what happened at a connection, `arrival_ns` since the recording began.

        A connection that no header has named yet begins a new file.

        Raises:
            InvalidInput: It cannot be kept; nothing changed.
            RecordingError: An earlier write failed, or the recorder is closed.
        """
    def received(self, connection: int, arrival_ns: int, frame: Buffer) -> None:
        """Take an incoming frame of the connection with this number; as `append`, only faster."""
    def flush(self) -> None:
        """Wait until the disk has everything that was appended before the call.

        Raises:
            RecordingError: As for `append`.
        """
    def close(self) -> None:
        """Write everything and close the last file; a second call does nothing more.

        Raises:
            RecordingError: The disk refused, now or earlier.
        """
    @property
    def has_failed(self) -> bool:
        """Whether nothing is written any more, for a failure or after `close`."""
    def stats(self) -> RecorderStats:
        """Return a copy of the counters."""
    def __enter__(self) -> Recorder: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class RecorderStats:
    """What a recorder has done so far."""

    @property
    def records(self) -> int:
        """Records taken."""
    @property
    def frames(self) -> int:
        """Incoming frames among them."""
    @property
    def frame_bytes(self) -> int:
        """Bytes of the incoming frames."""
    @property
    def lost(self) -> int:
        """Frames left out: the disk was too slow, or they are longer than 64 MiB."""
    @property
    def written_bytes(self) -> int:
        """Bytes of all files."""
    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for the disk."""
    @property
    def path(self) -> Path:
        """The file being written."""
    @property
    def parts(self) -> int:
        """Its number, from 1."""

# ---- token_firewall

@final
class TokenRules:
    """What the operator says about mints: the deny list wins, then the allow list, then the rules.

    Args:
        allow: Mints that may be traded whatever is found.
        deny: Mints that may not be traded, whatever is found and allowed.
        rules: What a finding (`token_rule_names`) leads to, where it is not the default; `unknown_mint` and
            `unreadable_mint` are at least `atomic_only`.
        max_transfer_fee_bps: Greatest transfer fee, in force or announced, in 1/10,000.
        min_depth: Base mints with the least depth, in their base units, that a mint's pools against one of
            them have in sum: reserves, or what lies within 2 % of the price.
        min_age_slots: Slots for which a mint must have been known.

    Raises:
        InvalidInput: A rule or permission has no such name or is too light, a mint is no address, or a
            number is out of range.
    """

    def __new__(
        cls,
        *,
        allow: Iterable[AddressLike] | None = None,
        deny: Iterable[AddressLike] | None = None,
        rules: dict[str, str] | None = None,
        max_transfer_fee_bps: int = 1_000,
        min_depth: dict[str, int] | None = None,
        min_age_slots: int = 0,
    ) -> TokenRules: ...
    @property
    def allow(self) -> list[str]:
        """Allowed mints, sorted."""
    @property
    def deny(self) -> list[str]:
        """Denied mints, sorted."""
    @property
    def rules(self) -> dict[str, Literal["allowed", "atomic_only", "denied"]]:
        """What every finding leads to."""
    @property
    def max_transfer_fee_bps(self) -> int: ...
    @property
    def min_depth(self) -> dict[str, int]: ...
    @property
    def min_age_slots(self) -> int: ...

@final
class TokenVerdict:
    """Where a mint may be traded, and why."""

    @property
    def mint(self) -> str: ...
    @property
    def verdict(self) -> Literal["allowed", "atomic_only", "denied"]:
        """`atomic_only`: inside of one transaction, as a cycle is, so that it is never held."""
    @property
    def reasons(self) -> list[tuple[str, Any]]:
        """What speaks against it, the heaviest first, each with its value; never empty.

        For an allowed mint what speaks for it: `allow_list` or `no_objection`.
        """
    @property
    def facts(self) -> dict[str, Any] | None:
        """What the mint's account says, by name; None if it was never seen or cannot be read."""

def judge_token(
    mint: AddressLike,
    account: Any = None,
    *,
    rules: TokenRules | None = None,
    epoch: int | None = None,
    slot: int = 0,
    since_slot: int | None = None,
    depth: dict[str, int] | None = None,
) -> TokenVerdict:
    """Return the verdict on one mint.

    Args:
        mint: The mint.
        account: Its account: an (owner, data) pair or an object with both; None if it was never seen. Bytes
            that a token program never writes are the finding `unreadable_mint`, no error.
        rules: By what it is judged; None: the defaults.
        epoch: Present epoch; None: the dearer of two transfer fees counts.
        slot: Present slot.
        since_slot: Earliest slot in which the mint is known to have existed.
        depth: Depth of its pools by base mint, in base units.

    Raises:
        InvalidInput: An argument is malformed.
    """

def token_rule_names() -> tuple[str, ...]:
    """Return the name of every finding that a rule may be set for."""

# ---- market

@final
class PoolInfo:
    """One pool as it stands; prices and liquidity as our fills have left them."""

    @property
    def pool(self) -> str: ...
    @property
    def venue(self) -> str: ...
    @property
    def program(self) -> str:
        """Program that owns the pool."""
    @property
    def mint_a(self) -> str: ...
    @property
    def mint_b(self) -> str: ...
    @property
    def fee_rate_e9(self) -> tuple[int, int]:
        """Fee on a small swap of token A and of token B at this time, in 1e-9 of the amount."""
    @property
    def depth(self) -> tuple[int, int]:
        """Base units of token A and B to trade with: reserves, or what lies within 2 % of the price."""
    @property
    def liquidity(self) -> int | None:
        """Liquidity in range of a concentrated-liquidity pool."""
    @property
    def details(self) -> dict[str, Any]:
        """What else the venue shows, such as `sqrt_price_x64`, `tick_current_index` or `active_id`."""
    @property
    def slot(self) -> int:
        """Slot of the last write of the accounts that swaps change."""
    @property
    def set_aside_reason(self) -> str | None:
        """Why the pool takes no part in detection (a stable name), or None."""
    @property
    def set_aside_detail(self) -> str | None:
        """The same as a sentence."""

@final
class Want:
    """An account that a pool reads."""

    @property
    def address(self) -> str: ...
    @property
    def pool(self) -> str | None:
        """The pool that reads it; None for the Clock sysvar, which belongs to all."""
    @property
    def reason(self) -> str:
        """What it is: `vault`, `mint`, `config`, `tick_array`, …; the pool itself is `pool`."""
    @property
    def is_known(self) -> bool:
        """Whether its content, or that it does not exist, is known."""

@final
class Quote:
    """What the on-chain program would move, in base units, Token-2022 fees included."""

    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def vault_in(self) -> int:
        """What reaches the pool: `amount_in` without the transfer fee and what PumpSwap sends elsewhere."""
    @property
    def vault_out(self) -> int:
        """What leaves the pool: `amount_out`, the transfer fee and what PumpSwap sends elsewhere."""
    @property
    def fee(self) -> int:
        """Everything the pool and its program keep, in the mint that `fee_on_input` names."""
    @property
    def fee_on_input(self) -> bool:
        """Whether `fee` is in the input mint, else in the output mint."""
    @property
    def input_transfer_fee(self) -> int: ...
    @property
    def output_transfer_fee(self) -> int: ...

@final
class VenueInfo:
    """A venue and whether its program still looks like the one its code was written for."""

    @property
    def venue(self) -> str: ...
    @property
    def programs(self) -> list[str]: ...
    @property
    def pools(self) -> int:
        """How many pools the market knows."""
    @property
    def is_quarantined(self) -> bool:
        """Whether its pools are set aside because of `signs`."""
    @property
    def is_released(self) -> bool:
        """Whether an operator lets it trade in spite of them."""
    @property
    def signs(self) -> list[str]:
        """Signs that the program has changed."""

@final
class MarketCycle:
    """A cycle of two to four hops, profitable at the margin: after fees, or at spot prices before them."""

    def starting_at(self, mint: AddressLike) -> MarketCycle:
        """Return the same cycle begun at `mint`, which is then what it takes and returns.

        Raises:
            InvalidInput: The cycle does not trade the mint.
        """
    @property
    def hops(self) -> list[tuple[str, bool]]:
        """Pool and direction (True: token A in) of every hop."""
    @property
    def mints(self) -> list[str]:
        """Input mint of every hop; the first is where the cycle starts and ends."""
    @property
    def net_weight(self) -> float:
        """Sum of -ln(marginal rate after fees); negative if the first unit gains."""
    @property
    def gross_weight(self) -> float:
        """Sum of -ln(marginal rate before fees); negative."""

@final
class MarketGraph:
    """The price graph of a market as it was, as arrays with one value per edge.

    Edges are the directions of pools that can be swapped now, pool by pool, a to b first. They fit
    `Multiverse` and `NegativeCycleFinder`: `Multiverse(graph.n_mints, graph.src, graph.dst, graph.pool,
    graph.net_weight)`.
    """

    @property
    def mints(self) -> list[str]:
        """Addresses by node."""
    @property
    def n_mints(self) -> int:
        """The number of nodes."""
    @property
    def pools(self) -> list[str]:
        """Addresses by pool index; those set aside too, which have no edges."""
    @property
    def src(self) -> NDArray[np.int32]:
        """The node of the mint that goes in."""
    @property
    def dst(self) -> NDArray[np.int32]:
        """The node of the mint that comes out."""
    @property
    def pool(self) -> NDArray[np.int32]:
        """The pool index."""
    @property
    def a_to_b(self) -> NDArray[np.bool_]:
        """Whether token A goes in."""
    @property
    def net_weight(self) -> NDArray[np.float64]:
        """`-ln(marginal rate)` after the pool's fees, in base units."""
    @property
    def gross_weight(self) -> NDArray[np.float64]:
        """The same before fees."""
    def __len__(self) -> int:
        """Return the number of edges."""

@final
class Market:
    """Pools and the accounts they depend on, for users with accounts of their own.

    Args:
        assume_plain_mints: Take a mint whose account was never given as a plain SPL mint.
        complete: Take an account that was never given as not existing; right for a snapshot that holds
            every account of the venue.
    """

    def __new__(cls, *, assume_plain_mints: bool = False, complete: bool = False) -> Market: ...
    @overload
    def apply(
        self, pubkey: AddressLike, owner: AddressLike, data: Buffer, slot: int = 0
    ) -> Literal["applied", "unchanged", "ignored"]:
        """Apply one account write; later calls replace earlier ones.

        Instead of owner and data an object that has both may be given (`solders.account.Account`), or
        None for an account that is known not to exist.

        Args:
            pubkey: The account's address.
            owner: The program that owns it.
            data: All its bytes.
            slot: Slot of the write.

        Returns:
            "applied" if quotes or standing of a pool changed, "unchanged" if nothing did, "ignored" if the
            account is none of the market's business.

        Raises:
            InvalidInput: `pubkey` or `owner` is no address, `data` no bytes.
            MarketDataError: The data is not what the owner's accounts look like; a pool that depends on
                it is set aside until a good write comes.
        """
    @overload
    def apply(
        self, pubkey: AddressLike, owner: _AccountLike | None, data: None = None, slot: int = 0
    ) -> Literal["applied", "unchanged", "ignored"]: ...
    def pool(self, pool: AddressLike) -> Pool:
        """Return a copy of a pool as quotes see it, to be carried on without the market.

        Raises:
            InvalidInput: The pool is not in the market.
        """
    def mint_decimals(self, mint: AddressLike) -> int | None:
        """Return the decimals of a mint of the market whose account was given, else None."""
    def wanted(self) -> list[Want]:
        """Return every account that pools read in their present state, the Clock first.

        One that several pools read comes once for each.
        """
    @property
    def wants_changes(self) -> int:
        """A number that grows with every address `take_new_wants` has to tell of: cheap to ask often."""
    def take_new_wants(self) -> list[str]:
        """Return the addresses that pools have begun to read since the last call, sorted by their bytes."""
    def venues(self) -> list[VenueInfo]:
        """Return what is known of every venue."""
    def set_token_rules(self, rules: TokenRules) -> None:
        """Judge mints by other rules from now on."""
    def know_token_since(self, mint: AddressLike, slot: int) -> None:
        """Take a mint to have existed in `slot`, earlier than its first sight here; 0 says nothing."""
    def tokens(self) -> list[TokenVerdict]:
        """Return the verdict on every mint that a pool trades; only what changed is judged anew."""
    def take_changed_tokens(self) -> list[TokenVerdict]:
        """Return the verdicts that are others since the last call; at first all."""
    def token(self, mint: AddressLike) -> TokenVerdict | None:
        """Return the verdict on a mint; None if no pool trades it."""
    @property
    def tokens_judged(self) -> int:
        """How often a mint was judged: the work that changes have cost."""
    def release(self, venue: str) -> None:
        """Let a venue trade in spite of every sign of change, those still to come included.

        Raises:
            InvalidInput: There is no venue of this name.
        """
    def verify(self, program: AddressLike, slot: int) -> None:
        """Take the deployment of `program` in `slot` as the verified one; a later one is a sign of change.

        Raises:
            InvalidInput: `program` is no address.
        """
    def pools(self) -> list[PoolInfo]:
        """Return the pools in the order in which they appeared."""
    def quote(
        self, pool: AddressLike, mint_in: AddressLike, amount: int, exact: Literal["in", "out"] = "in"
    ) -> Quote:
        """Return what the program would do with `amount` base units.

        Args:
            pool: The pool's address.
            mint_in: The mint that the trader pays with.
            amount: Exact input, or exact output with `exact="out"`; base units.
            exact: Which side `amount` is.

        Raises:
            InvalidInput: Unknown pool or mint, or not an address.
            MarketDataError: The pool is set aside, or a tick array that the swap needs is missing.
            SwapRefused: The program would fail; `name` and `code` are its own.
        """
    def build_transaction(
        self,
        route: Sequence[Hop | tuple[AddressLike, AddressLike]],
        signer: Signer,
        *,
        blockhash: AddressLike,
        min_amount_out: int,
        compute_unit_limit: int,
        compute_unit_price: int,
        amount_in: int,
        tables: Iterable[LookupTable] | None = None,
        tip_lamports: int = 0,
        tip_account: AddressLike | None = None,
        dont_front: AddressLike | None = None,
        nonce: AddressLike | None = None,
        create_accounts: Iterable[AddressLike] | None = None,
        token_accounts: Mapping[str, AddressLike] | None = None,
        loaded_accounts_data_size: int | None = None,
        reach: Literal["official", "needed"] = "official",
        max_account_locks: int = 64,
    ) -> BuiltTransaction:
        """Return the signed transaction that trades a route: one message of version 0.

        Quoted on the market as it stands.
        Each hop puts in exactly what the one before it is quoted to give, and has to give at least its own
        quote; the last one at least `min_amount_out`. Order: nonce advance, compute budget, token accounts,
        swaps, tip.

        Args:
            route: The hops: `Hop`, or pool and mint paid to it.
            signer: Who trades, pays and signs; the authority of the nonce too.
            blockhash: A recent blockhash, or the value of the nonce.
            min_amount_out: Least output of the last hop, base units: what guards the profit.
            compute_unit_limit: Compute units asked for, at most 1,400,000.
            compute_unit_price: Offered for each of them, micro-lamports.
            amount_in: Input of the first hop, base units.
            tables: Lookup tables to choose from: those are used that make it smallest.
            tip_lamports: What the block engine is paid; 0: no tip.
            tip_account: One of its tip accounts.
            dont_front: An address that begins with `jitodontfront`, if nothing may be placed in front.
            nonce: The nonce account that it advances.
            create_accounts: Mints whose associated token account is created unless it exists.
            token_accounts: The wallet's token account by mint, where it is not the associated one.
            loaded_accounts_data_size: Bytes of account data that may be loaded.
            reach: Tick and bin arrays: as many as the official client brings, or those needed and one more.
            max_account_locks: Accounts it may name at most.

        Raises:
            TransactionError: It cannot be built or would fail: `route_too_large`, `too_many_account_locks`,
                `too_many_compute_units`, `moved`, `minimum_out_of_reach`, `no_instruction`,
                `unknown_account`, `swap_refused`, `unknown_token_program`, `pool_twice`, `broken_route`,
                `empty_route`; `values` name the route or the hop.
            SwapRefused: The program of a hop would refuse it.
            MarketDataError: A pool is set aside, or lacks an account.
            InvalidInput: An argument is malformed.
        """

    def swap_instruction(
        self,
        pool: AddressLike,
        mint_in: AddressLike,
        amount: int,
        *,
        wallet: AddressLike,
        exact: Literal["in", "out"] = "in",
        min_out: int | None = None,
        max_in: int | None = None,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        token_accounts: tuple[AddressLike, AddressLike] | None = None,
        instruction: str | None = None,
        reach: Literal["official", "needed"] = "official",
    ) -> Instruction:
        """Return a swap as the program's instruction: accounts and flags as the official client has them.

        Args:
            pool: The pool's address.
            mint_in: The mint that the trader pays with.
            amount: Exact input, or exact output with `exact="out"`; base units.
            wallet: Owner of the token accounts; signs.
            exact: Which side `amount` is.
            min_out: Least output that the trader takes, as received; must be given with `exact="in"`.
            max_in: Most input that the trader pays; must be given with `exact="out"`.
            sqrt_price_limit: Square root of the price, Q64.64, at which the swap stops; 0 for none.
            partial_fill: Take what the pool can give (`mode` of Meteora DAMM v2).
            token_accounts: The wallet's accounts of mint A and mint B; None for the associated ones. Whether
                they exist is not looked at.
            instruction: Name of the program's instruction, such as `swap`; None for the newest that the pool
                takes.
            reach: Tick or bin arrays that come along: those of the official client, or only those that the
                swap needs as quoted now, and one more. AMM v4: its market's accounts, or the pool's own in
                their place, which the program accepts in pools that do not use the order book.

        Raises:
            InvalidInput: An argument is malformed, or the program has no such instruction.
            MarketDataError: The pool is set aside, or an account that the instruction names is not known.
            SwapRefused: The program would fail; asked only with `reach="needed"`.
        """
    def cycles(self, max_hops: int = 3, *, before_fees: bool = False) -> list[MarketCycle]:
        """Return every cycle of 2 to `max_hops` hops that pays at the margin, best after fees first.

        Args:
            max_hops: 2 to 4.
            before_fees: Also those that pay at spot prices only and lose it to the pools' fees.

        Raises:
            InvalidInput: `max_hops` is not 2 to 4.
        """
    def size(
        self,
        cycle: MarketCycle,
        max_amount_in: int,
        *,
        min_amount_in: int | None = None,
        balance: int | None = None,
        effort: Literal["quick", "thorough", "exhaustive"] = "thorough",
    ) -> Sized | None:
        """Return the input that pays best on the market as it is now, None if none gains a unit.

        Args:
            cycle: A cycle of this market.
            max_amount_in: Greatest input that risk allows, base units of the cycle's first mint.
            min_amount_in: Smallest input worth a transaction.
            balance: What the wallet holds.
            effort: As in `size_cycle`.

        Raises:
            InvalidInput: The cycle comes from another market, or an argument is malformed.
            MarketDataError: A pool of the cycle has vanished or was set aside since.
        """
    def cycle_profits(self, cycle: MarketCycle, amounts_in: list[int]) -> list[int | None]:
        """Return the exact profit for each input in base units; None where a hop would fail.

        Raises:
            InvalidInput: The cycle comes from another market.
        """
    def best_trade(
        self,
        mint_in: AddressLike,
        mint_out: AddressLike,
        amount: int,
        *,
        max_hops: int = 3,
        max_legs: int = 4,
        leg_cost: int = 0,
        only_pools: Iterable[AddressLike] | None = None,
        without_pools: Iterable[AddressLike] | None = None,
        without_mints: Iterable[AddressLike] | None = None,
        only_venues: list[str] | None = None,
    ) -> Trade:
        """Return the best way found to swap exactly `amount` over all pools that are not set aside.

        Never gives less than the best single route, after `leg_cost`, and so never less than any pool.

        Args:
            mint_in: What is paid.
            mint_out: What is wanted.
            amount: Base units of `mint_in`; at least 1.
            max_hops: Pools a route may go through, 1 to 4.
            max_legs: Routes that may share the amount, 1 to 8; a transaction holds few.
            leg_cost: What every route after the first must add, base units of `mint_out`.
            only_pools: Use only these.
            without_pools: Use none of these; they need not exist.
            without_mints: Route through none of these; they need not exist. `mint_in` and `mint_out`
                are used all the same.
            only_venues: Use only these venues.

        Raises:
            InvalidInput: A mint that no pool trades, the same mint twice, amount 0, a limit out of range,
                an unknown venue or pool of `only_pools`.
            MarketDataError: `reason` is "no_route" where usable pools do not join the mints, "no_output"
                where no route takes the amount or gives anything for it, or that of a pool of
                `only_pools` that is set aside.
        """
    def joint_plan(
        self,
        base_mints: Iterable[AddressLike],
        *,
        values: Sequence[float] | None = None,
        max_hops: int = 3,
        max_amount_in: int = 2**64 - 1,
        max_cycles: int = 64,
        min_profit: int = 1,
        only_pools: Iterable[AddressLike] | None = None,
        without_pools: Iterable[AddressLike] | None = None,
        without_mints: Iterable[AddressLike] | None = None,
        only_venues: list[str] | None = None,
    ) -> Plan:
        """Return profitable cycles through the base mints to carry out in order, all at once.

        No liquidity counts twice: every swap is quoted on what the ones before it left. The better of two
        plans: one from what the joint solver lets flow through all pools, one that takes the best cycle
        again and again. Transaction costs are not in it. No cycles if none gains.

        Args:
            base_mints: What cycles start from and end with; one that several go through is taken first.
            values: What a base unit of each base mint is worth, in any common unit; by default in base
                units of the first, at the price of the deepest pool between the two.
            max_hops: Pools a cycle may go through, 2 to 4.
            max_amount_in: Greatest input of a cycle, base units of its base mint. A cycle that this cuts
                short may come again.
            max_cycles: 1 to 256.
            min_profit: Least profit of a cycle, base units of its base mint.
            only_pools: As for `best_trade`.
            without_pools: As for `best_trade`.
            without_mints: As for `best_trade`; base mints are used all the same.
            only_venues: As for `best_trade`.

        Raises:
            InvalidInput: As for `best_trade`; a base mint twice, a value that is not above 0.
            MarketDataError: `reason` is "no_price" where no pool tells a base mint's value.
        """
    def requote(self, routes: Sequence[PlannedRoute]) -> list[PlannedRoute]:
        """Return what routes of a trade or plan give now, carried out in order from their inputs.

        Raises:
            InvalidInput: A pool is not in this market.
            MarketDataError: A pool has been closed or is set aside.
            SwapRefused: A program would fail.
        """
    def lamports_in(self, mint: AddressLike, lamports: int) -> int | None:
        """Return what `lamports` cost in base units of `mint`, as the engine values fees and tips.

        The input that the deepest usable pool against wrapped SOL takes for exactly that output, at
        recorded state, pool fee included; rounded up. None without such a pool, or if it cannot pay that.

        Raises:
            InvalidInput: No pool trades the mint, or it is no address.
        """
    def graph(self) -> MarketGraph:
        """Return the price graph as it is now, as arrays for `Multiverse` and the cycle finders."""

    def state_digest(self) -> str:
        """Return SHA-256 (hex) over the recorded state of every pool."""

# ---- sizing

@final
class ConstantProductHop:
    """A hop through a constant-product pool, from its reserves.

    Args:
        reserve_in: Base units of the input's side, above 0.
        reserve_out: Base units of the output's side, above 0.
        fee_numerator: The fee is `ceil(amount_in * fee_numerator / fee_denominator)`.
        fee_denominator: Above `fee_numerator`.

    Raises:
        InvalidInput: An empty reserve, a fee of one or more, a number outside of 64 bits.
    """

    def __new__(
        cls, reserve_in: int, reserve_out: int, fee_numerator: int, fee_denominator: int
    ) -> ConstantProductHop: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    @property
    def reserve_in(self) -> int: ...
    @property
    def reserve_out(self) -> int: ...
    @property
    def fee_numerator(self) -> int: ...
    @property
    def fee_denominator(self) -> int: ...

@final
class Sized:
    """The input that maximises a cycle's integer profit; base units."""

    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def gross_profit(self) -> int:
        """`amount_out` minus `amount_in`, at least 1: pool fees are in it, transaction costs are not."""
    @property
    def amounts(self) -> list[int]:
        """Input of the first hop, then the exact output of every hop."""
    @property
    def gap(self) -> int:
        """No input within the limits gains more than `gross_profit` and this.

        Takes curves at their word: where a rate rises along the way (past the maximum of a transfer fee or of
        a dynamic fee), profit may peak a second time farther out, and that is not looked at.
        """
    @property
    def is_proven_best(self) -> bool:
        """`gap` is 0."""
    @property
    def limited_by(self) -> Literal["max_amount_in", "min_amount_in", "balance", "liquidity"] | None:
        """What keeps the input from where profit would peak."""

def size_cycle(
    hops: Sequence[ConstantProductHop | tuple[Pool, AddressLike]],
    max_amount_in: int,
    *,
    min_amount_in: int | None = None,
    balance: int | None = None,
    effort: Literal["quick", "thorough", "exhaustive"] = "thorough",
) -> Sized | None:
    """Return the input that gains most in whole units, None if none gains a unit.

    Args:
        hops: One to eight; each takes what the one before gives, the first what the last gives. A pool is
            given with the mint that goes in.
        max_amount_in: Greatest input that risk allows, base units of the first mint.
        min_amount_in: Smallest input worth a transaction.
        balance: What the wallet holds.
        effort: "quick" tries about 12 inputs, for detection; "thorough" goes on until nothing better can
            exist or 65,536 inputs (4,096 with pools) are tried; "exhaustive" until nothing better can
            exist. `Sized.gap` holds for each.

    Raises:
        InvalidInput: No hops, too many, a pool twice, mints that do not chain, a malformed argument.
        MarketDataError: A pool is set aside.
    """

# ---- plans

@final
class PlannedRoute:
    """Swaps in order, each with the output of the one before, to the base unit."""

    @property
    def hops(self) -> list[Hop]: ...
    @property
    def amount_in(self) -> int:
        """Base units of the first hop's `mint_in`."""
    @property
    def amount_out(self) -> int:
        """Base units of the last hop's `mint_out`."""

@final
class Trade:
    """An amount divided over routes, to be carried out in order; exact if nobody comes between."""

    @property
    def mint_in(self) -> str: ...
    @property
    def mint_out(self) -> str: ...
    @property
    def amount_in(self) -> int:
        """Base units; the routes' inputs add up to it."""
    @property
    def amount_out(self) -> int:
        """Base units; the sum of the routes' outputs, transaction costs not deducted."""
    @property
    def routes(self) -> list[PlannedRoute]: ...
    @property
    def best_single_route(self) -> int | None:
        """What the best single route gives for the whole amount; None if none takes it."""
    @property
    def bound(self) -> float | None:
        """What no division over any number of such routes exceeds, up to the rounding of float64.

        As long as no pool is swapped with farther than one swap reaches: several swaps may get past the
        tick arrays that one takes. It pays in fractions of a unit, so where pools of next to nothing stand
        at absurd prices it is above what whole units reach; with four hops in any market. None if not known.
        """
    @property
    def price_impact_bps(self) -> float:
        """How far the output lies below that of the same routes at their present rates, in 1/10,000.

        Those rates have fees in them: this is what size alone costs.
        """

@final
class Plan:
    """Cycles to carry out in order; exact if nobody comes between."""

    @property
    def cycles(self) -> list[PlannedRoute]:
        """Each starts and ends with a base mint. A pool that two use is swapped with twice."""
    @property
    def profits(self) -> list[tuple[str, int]]:
        """What each base mint gains, base units."""
    @property
    def value(self) -> float:
        """`profits` at the base mints' values."""
    @property
    def method(self) -> Literal["joint", "sequential"]:
        """Which of the two plans it is."""
    @property
    def sequential_value(self) -> float:
        """Value of taking the best cycle, then the best of what is left, and so on."""
    @property
    def joint_value(self) -> float:
        """Value of the plan that starts from the joint solver's flows."""
    @property
    def bound(self) -> float | None:
        """What no plan exceeds, whatever the length and number of its cycles; None if not known.

        Up to the rounding of float64, and as long as no pool is swapped with farther than one swap reaches.
        """

# ---- pool

class _ClockLike(Protocol):
    @property
    def slot(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def unix_timestamp(self) -> int: ...

class _OwnerAndData(Protocol):
    @property
    def owner(self) -> AddressLike: ...
    @property
    def data(self) -> Buffer: ...

_AccountLike: TypeAlias = _OwnerAndData | tuple[AddressLike, Buffer]

@final
class Clock:
    """What programs take for the present moment: the Clock sysvar's fields that quotes depend on."""

    def __new__(cls, *, slot: int, epoch: int, unix_timestamp: int) -> Clock: ...
    @property
    def slot(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def unix_timestamp(self) -> int:
        """Seconds since 1970, as the cluster estimates them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Swap:
    """A swap carried out on a `Pool`."""

    @property
    def quote(self) -> Quote: ...
    @property
    def details(self) -> dict[str, Any]:
        """What else the program writes or reports: `post_sqrt_price`, `post_tick`, … by venue."""

@final
class QuoteBatch:
    """Columns of quotes, one row for each amount asked. A row without a quote holds zeros."""

    @property
    def amount_in(self) -> NDArray[np.uint64]:
        """What leaves the trader, base units."""
    @property
    def amount_out(self) -> NDArray[np.uint64]:
        """What reaches the trader, base units."""
    @property
    def fee(self) -> NDArray[np.uint64]:
        """Everything the pool and its program keep, in the mint in which the venue charges."""
    @property
    def error(self) -> NDArray[np.uint16]:
        """Place of the row's error in `errors`; 0 where there is a quote."""
    @property
    def ok(self) -> NDArray[np.bool_]:
        """Whether there is a quote."""
    @property
    def errors(self) -> list[tuple[str, int | None]]:
        """The program's words and numbers; the first entry, `("", None)`, stands for no error."""
    @property
    def rows(self) -> int: ...
    @property
    def failed(self) -> int:
        """How many rows have no quote."""
    def __len__(self) -> int: ...

@final
class Pool:
    """One pool of any venue from account bytes: exact quotes without a market and without an RPC call.

    Two calls load it. The pool's own bytes say which accounts a swap can read:

    ```python
    pool = Pool(address, account.owner, account.data)            # from getAccountInfo
    while addresses := [key for key, _, is_known in pool.dependencies if not is_known]:
        for key, account in zip(addresses, fetch(addresses)):    # from getMultipleAccounts
            pool.update(key, account)                            # None: it does not exist
    quote = pool.quote(1_000_000_000, mint_in=sol)
    ```

    The loop runs once for most venues; where an account names further ones (bitmaps, oracles), once more.
    Afterwards every write of one of `dependencies` goes to `update`. `solders` types are taken as they are.
    May be used from several threads.

    Args:
        address: The pool's address.
        owner: The program that owns it; or an account with `owner` and `data` instead of both.
        data: All bytes of the pool's account.
        accounts: Further accounts: address to (owner, data), to an account, or to None if it is known not
            to exist. Those the pool does not read are passed over.
        clock: Anything with `slot`, `epoch` and `unix_timestamp`; needed where fees depend on the time.
        slot: Slot in which all this held.
        assume_plain_mints: Take a mint whose account was not given as a plain SPL mint, free of fees.
        complete: Take an account that was not given as not existing.

    Raises:
        InvalidInput: An argument is malformed.
        MarketDataError: The account is no pool, or an account is not what its address says; see `reason`.
    """

    @overload
    def __new__(
        cls,
        address: AddressLike,
        owner: AddressLike,
        data: Buffer,
        *,
        accounts: Mapping[Any, _AccountLike | None] | None = None,
        clock: _ClockLike | None = None,
        slot: int = 0,
        assume_plain_mints: bool = False,
        complete: bool = False,
    ) -> Pool: ...
    @overload
    def __new__(
        cls,
        address: AddressLike,
        owner: _AccountLike,
        data: None = None,
        *,
        accounts: Mapping[Any, _AccountLike | None] | None = None,
        clock: _ClockLike | None = None,
        slot: int = 0,
        assume_plain_mints: bool = False,
        complete: bool = False,
    ) -> Pool: ...
    @overload
    def update(
        self, address: AddressLike, owner: AddressLike, data: Buffer, *, slot: int = 0
    ) -> Literal["applied", "unchanged"]:
        """Take a write of the pool's account or of one it depends on; others are passed over.

        The Clock sysvar's account sets the clock. Later calls replace earlier ones.

        Raises:
            InvalidInput: An argument is malformed.
            MarketDataError: The account is not what its address says; if the pool reads it, the pool is set
                aside until a sound write comes.
        """
    @overload
    def update(
        self, address: AddressLike, owner: _AccountLike | None, data: None = None, *, slot: int = 0
    ) -> Literal["applied", "unchanged"]: ...
    def set_clock(self, clock: _ClockLike | None) -> None:
        """Set the time by which the pool is quoted.

        Raises:
            InvalidInput: A part is missing or negative.
        """
    @property
    def clock(self) -> Clock | None: ...
    @property
    def address(self) -> Address: ...
    @property
    def venue(self) -> str: ...
    @property
    def program(self) -> Address:
        """Program that owns the pool."""
    @property
    def mints(self) -> tuple[Address, Address]:
        """Mint A and mint B: `a_to_b` is from the first to the second."""
    @property
    def mint_decimals(self) -> tuple[int | None, int | None]:
        """Decimals of the mints, None where the mint's account was not given."""
    @property
    def dependencies(self) -> list[tuple[Address, str, bool]]:
        """Every account that a swap can read now: address, what it is, and whether it is known.

        Changes as the price moves and as accounts come in. The Clock sysvar is the last entry; it counts as
        known where nothing depends on the time.
        """
    @property
    def missing(self) -> list[Address]:
        """The dependencies of which nothing is known."""
    @property
    def set_aside(self) -> str | None:
        """Why the pool cannot be quoted or all swaps would fail (a stable word), or None."""
    @property
    def set_aside_detail(self) -> str | None:
        """The same as a sentence."""
    def summary(self) -> PoolInfo:
        """Return fee, depth, liquidity and what else the venue shows."""
    def quote(
        self,
        amount: int,
        *,
        mint_in: AddressLike | None = None,
        a_to_b: bool | None = None,
        exact: Literal["in", "out"] = "in",
        threshold: int | None = None,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        trader_balance: int | None = None,
        compute_unit_limit: int = 1_400_000,
    ) -> Quote:
        """Return what the on-chain program would do with a swap, to the base unit.

        Args:
            amount: Exact input, or exact output with `exact="out"`; base units.
            mint_in: The mint that the trader pays with; either this or `a_to_b`.
            a_to_b: Whether the trader pays with mint A.
            exact: Which side `amount` is.
            threshold: Least output, or most input with `exact="out"`, as the trader receives or pays it;
                None accepts any.
            sqrt_price_limit: Square root of the price, Q64.64, at which the swap stops; 0 for none. Venues
                that have no such argument pass it over.
            partial_fill: Take what the pool can give instead of failing: `swap_mode` 1 of Meteora DAMM v2.
                Meteora DLMM has no such mode; there it gives the largest swap that the known bins take.
            trader_balance: What the trader holds of the input mint; None for all that its supply allows.
            compute_unit_limit: Units that the swap may take; a program that runs out of them fails.
                `2**32 - 1` asks for the amounts whatever they cost.

        Raises:
            InvalidInput: An argument is malformed, or the pool does not trade the mint.
            MarketDataError: The pool is set aside, or an account that the swap needs is missing.
            SwapRefused: The program would fail; `name`, `code` and `values` are its own.
        """
    def swap(
        self,
        amount: int,
        *,
        mint_in: AddressLike | None = None,
        a_to_b: bool | None = None,
        exact: Literal["in", "out"] = "in",
        threshold: int | None = None,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        trader_balance: int | None = None,
        compute_unit_limit: int = 1_400_000,
    ) -> Swap:
        """Carry a swap out on this object: later quotes see what it leaves. Arguments as for `quote`.

        Raises:
            InvalidInput: As for `quote`.
            MarketDataError: As for `quote`.
            SwapRefused: The program would fail; the pool is unchanged.
        """
    def swap_instruction(
        self,
        amount: int,
        *,
        wallet: AddressLike,
        mint_in: AddressLike | None = None,
        a_to_b: bool | None = None,
        exact: Literal["in", "out"] = "in",
        min_out: int | None = None,
        max_in: int | None = None,
        sqrt_price_limit: int = 0,
        partial_fill: bool = False,
        token_accounts: tuple[AddressLike, AddressLike] | None = None,
        instruction: str | None = None,
        reach: Literal["official", "needed"] = "official",
    ) -> Instruction:
        """Return a swap as the program's instruction: accounts and flags as the official client has them.

        Args:
            amount: Exact input, or exact output with `exact="out"`; base units.
            wallet: Owner of the token accounts; signs.
            mint_in: The mint that the trader pays with; either this or `a_to_b`.
            a_to_b: Whether the trader pays with mint A.
            exact: Which side `amount` is.
            min_out: Least output that the trader takes, as received; must be given with `exact="in"`.
            max_in: Most input that the trader pays; must be given with `exact="out"`.
            sqrt_price_limit: Square root of the price, Q64.64, at which the swap stops; 0 for none.
            partial_fill: Take what the pool can give (`mode` of Meteora DAMM v2).
            token_accounts: The wallet's accounts of mint A and mint B; None for the associated ones. Whether
                they exist is not looked at.
            instruction: Name of the program's instruction, such as `swap`; None for the newest that the pool
                takes.
            reach: Tick or bin arrays that come along: those of the official client, or only those that the
                swap needs as quoted now, and one more. AMM v4: its market's accounts, or the pool's own in
                their place, which the program accepts in pools that do not use the order book.

        Raises:
            InvalidInput: An argument is malformed, or the program has no such instruction.
            MarketDataError: The pool is set aside, or an account that the instruction names is not known.
            SwapRefused: The program would fail; asked only with `reach="needed"`.
        """
    def quote_batch(
        self,
        amounts: NDArray[np.uint64],
        *,
        mint_in: AddressLike | None = None,
        a_to_b: bool | None = None,
        exact: Literal["in", "out"] = "in",
    ) -> QuoteBatch:
        """Return a quote of the present state for each amount: one call, no GIL, all cores if it pays.

        What the program refuses is in the batch, see `QuoteBatch.error`; nothing else differs from `quote`.

        Args:
            amounts: Exact inputs, or exact outputs with `exact="out"`; base units, one-dimensional. The
                array must not be written to meanwhile.
            mint_in: The mint that the trader pays with; either this or `a_to_b`.
            a_to_b: Whether the trader pays with mint A.
            exact: Which side the amounts are.

        Raises:
            InvalidInput: An argument is malformed, or the array is of another type.
            MarketDataError: The pool is set aside.
        """
    def price_impact(
        self,
        amount: int,
        *,
        mint_in: AddressLike | None = None,
        a_to_b: bool | None = None,
        exact: Literal["in", "out"] = "in",
    ) -> float:
        """Return which part of the output a swap loses by its size alone.

        `1 - amount_out / (amount_in * marginal_rate)`: fees are in the marginal rate, so they do not count.
        0.01 is one per cent. Rounding to base units can make the figure of a small swap a little off, below
        zero included: it is not clamped.

        Raises:
            InvalidInput: As for `quote`.
            MarketDataError: As for `quote`; `no_price` if nothing can be traded in this direction.
            SwapRefused: The program would fail.
        """
    def marginal_rate(self, *, mint_in: AddressLike | None = None, a_to_b: bool | None = None) -> float:
        """Return base units out per base unit in of a swap of nothing, after all fees.

        Raises:
            InvalidInput: Not exactly one of the two arguments, or a mint that the pool does not trade.
            MarketDataError: The pool is set aside, or has no price.
        """
    def spot_price(self, *, mint_in: AddressLike | None = None, a_to_b: bool | None = None) -> Fraction:
        """Return base units out per base unit in at the present price before any fee, exactly.

        Raises:
            InvalidInput: Not exactly one of the two arguments, or a mint that the pool does not trade.
            MarketDataError: The pool is set aside, or has no price.
        """
    def spot_price_float(
        self, *, mint_in: AddressLike | None = None, a_to_b: bool | None = None, decimals: bool = True
    ) -> float:
        """Return the present price before any fee, out per in, as the nearest floats give it.

        Args:
            mint_in: The mint that the trader pays with; either this or `a_to_b`.
            a_to_b: Whether the trader pays with mint A.
            decimals: In whole tokens, else in base units.

        Raises:
            InvalidInput: Not exactly one of the two arguments, or a mint that the pool does not trade.
            MarketDataError: The pool is set aside or has no price, or the decimals of a mint are not known.
        """
    def copy(self) -> Pool:
        """Return a copy that changes on its own."""
    def __copy__(self) -> Pool: ...
    def __deepcopy__(self, memo: Any, /) -> Pool: ...

# ---- technical: docs/INDICATORS.md has definitions, warm-up and what is refused

@final
class Sma:
    """Simple moving average of the last `period` values, from value `period` on.

    Args:
        period: Values looked back over, 1 to 100,000.

    Raises:
        InvalidInput: `period` is out of range.
    """

    def __new__(cls, period: int) -> Sma: ...
    def update(self, value: float, /) -> float | None:
        """Take the next value and return the answer, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_raw(self, value: float, /) -> None:
        """Take the next value and return nothing: quicker than `update` where not every answer is read.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Take the values in order and return the answer to each, to the last bit as `update` does.

        NaN stands for `None`. Runs without the GIL; a call from another thread meanwhile raises
        `RuntimeError`.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Ema:
    """Exponential moving average, weight `2 / (period + 1)`, begun with the mean of the first `period`.

    As TA-Lib's EMA. The first answer comes with value `period`.

    Args:
        period: 1 to 100,000.

    Raises:
        InvalidInput: `period` is out of range.
    """

    def __new__(cls, period: int) -> Ema: ...
    def update(self, value: float, /) -> float | None:
        """Take the next value and return the answer, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_raw(self, value: float, /) -> None:
        """Take the next value and return nothing: quicker than `update` where not every answer is read.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Take the values in order and return the answer to each, to the last bit as `update` does.

        NaN stands for `None`. Runs without the GIL; a call from another thread meanwhile raises
        `RuntimeError`.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Rsi:
    """Wilder's relative strength index, 0 to 100; 0 for a market that does not move.

    As TA-Lib's RSI. The first answer comes with value `period + 1`.

    Args:
        period: Changes it is begun with, 1 to 100,000.

    Raises:
        InvalidInput: `period` is out of range.
    """

    def __new__(cls, period: int = 14) -> Rsi: ...
    def update(self, value: float, /) -> float | None:
        """Take the next value and return the answer, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_raw(self, value: float, /) -> None:
        """Take the next value and return nothing: quicker than `update` where not every answer is read.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Take the values in order and return the answer to each, to the last bit as `update` does.

        NaN stands for `None`. Runs without the GIL; a call from another thread meanwhile raises
        `RuntimeError`.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Roc:
    """Change in percent against the price `period` values before.

    As TA-Lib's ROC. The first answer comes with value `period + 1`.

    Args:
        period: Values looked back, 1 to 100,000.

    Raises:
        InvalidInput: `period` is out of range.
    """

    def __new__(cls, period: int) -> Roc: ...
    def update(self, value: float, /) -> float | None:
        """Take the next value and return the answer, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_raw(self, value: float, /) -> None:
        """Take the next value and return nothing: quicker than `update` where not every answer is read.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Take the values in order and return the answer to each, to the last bit as `update` does.

        NaN stands for `None`. Runs without the GIL; a call from another thread meanwhile raises
        `RuntimeError`.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class RealisedVolatility:
    """Root of the mean squared logarithmic return of the last `period` returns, as a share.

    `sqrt(horizon / period * sum(ln(price / price before) ** 2))`: 0.01 is 1 %. The first answer comes
    with price `period + 1`.

    Args:
        period: Returns looked back over, 1 to 100,000.
        horizon: Ticks that the answer is stated for: 1 for one tick, 525,600 for a year of minutes.

    Raises:
        InvalidInput: `period` is out of range, or `horizon` is not above 0.
    """

    def __new__(cls, period: int, horizon: float = 1.0) -> RealisedVolatility: ...
    def update(self, value: float, /) -> float | None:
        """Take the next value and return the answer, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_raw(self, value: float, /) -> None:
        """Take the next value and return nothing: quicker than `update` where not every answer is read.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Take the values in order and return the answer to each, to the last bit as `update` does.

        NaN stands for `None`. Runs without the GIL; a call from another thread meanwhile raises
        `RuntimeError`.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    @property
    def horizon(self) -> float: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Atr:
    """Wilder's average true range, in the price's unit.

    As TA-Lib's ATR. The first answer comes with candle `period + 1`.

    Args:
        period: Ranges it is begun with, 1 to 100,000.

    Raises:
        InvalidInput: `period` is out of range.
    """

    def __new__(cls, period: int = 14) -> Atr: ...
    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next candle and return the answer, None while warming up.

        Raises:
            InvalidInput: The candle cannot be used, or `high` is below `low`; the state is then as before.
        """
    def update_many(
        self, high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Take candles in order and return the answer to each, NaN for None; as `update`, without the GIL.

        Raises:
            InvalidInput: Columns of different lengths, or the first row that cannot be used; the state is
                then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last candle, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Bollinger:
    """Upper, middle and lower band: the mean, and `deviations` population standard deviations around it.

    As TA-Lib's BBANDS with a simple moving average. The first answer comes with value `period`.

    Args:
        period: Values looked back over, 1 to 100,000.
        deviations: Distance of the bands from the mean, in standard deviations; above 0.

    Raises:
        InvalidInput: `period` is out of range, or `deviations` is not above 0.
    """

    def __new__(cls, period: int = 20, deviations: float = 2.0) -> Bollinger: ...
    def update(self, value: float, /) -> tuple[float, float, float] | None:
        """Take the next value and return upper, middle and lower band, None while warming up.

        Raises:
            InvalidInput: The value cannot be used; the state is then as before.
        """
    def update_many(
        self, values: NDArray[np.float64], /
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Take the values in order and return three columns, NaN for None; as `update`, without the GIL.

        Raises:
            InvalidInput: The first row that cannot be used; the state is then as before.
        """
    @property
    def value(self) -> tuple[float, float, float] | None:
        """Upper, middle and lower band at the last value, None while warming up."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int: ...
    @property
    def deviations(self) -> float: ...
    def reset(self) -> None:
        """Forget everything but the settings."""

@final
class Vwap:
    """Volume-weighted average price: of everything since the reset, of a window, or of a session.

    Args:
        period: Trades or candles looked back over, 1 to 100,000; None for no window.
        session_ns: Length of a session in nanoseconds. Sessions follow one another from Unix time 0 on;
            with 86,400,000,000,000 one begins at every midnight UTC. None for no sessions.

    Raises:
        InvalidInput: `period` or `session_ns` is out of range, or both are given.
    """

    def __new__(cls, period: int | None = None, *, session_ns: int | None = None) -> Vwap: ...
    def update(self, price: float, volume: float, time_ns: int | None = None) -> float | None:
        """Take the next trade or candle and return the answer.

        Args:
            price: Any number; for candles the mean of high, low and close is usual.
            volume: At least 0.
            time_ns: Unix time in nanoseconds, never before the one before; for sessions, and only for them.

        Returns:
            The average; None while a window is not full, and where no volume was traded.

        Raises:
            InvalidInput: The trade cannot be used, or the clock went backwards; the state is then as before.
        """
    def update_many(
        self,
        price: NDArray[np.float64],
        volume: NDArray[np.float64],
        time_ns: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Take trades in order and return the answer to each, NaN for None; as `update`, without the GIL.

        Raises:
            InvalidInput: Columns of different lengths, or the first row that cannot be used; the state is
                then as before.
        """
    @property
    def value(self) -> float | None:
        """The answer to the last trade, None where there is none."""
    @property
    def is_ready(self) -> bool:
        """Whether there is an answer."""
    @property
    def period(self) -> int | None: ...
    @property
    def session_ns(self) -> int | None: ...
    def reset(self) -> None:
        """Forget everything but the settings, the time included."""

def sma(values: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the `Sma` at every row.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def ema(values: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the `Ema` at every row, to within rounding of the stream.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def rsi(close: NDArray[np.float64], period: int = 14) -> NDArray[np.float64]:
    """Return the `Rsi` at every row, to within rounding of the stream.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def roc(close: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the `Roc` at every row.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def atr(
    high: NDArray[np.float64], low: NDArray[np.float64], close: NDArray[np.float64], period: int = 14
) -> NDArray[np.float64]:
    """Return the `Atr` at every candle.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def bollinger(
    close: NDArray[np.float64], period: int = 20, deviations: float = 2.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return upper, middle and lower `Bollinger` band, to within rounding of the stream.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def realised_volatility(close: NDArray[np.float64], period: int, horizon: float = 1.0) -> NDArray[np.float64]:
    """Return the `RealisedVolatility` at every row.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

def vwap(
    price: NDArray[np.float64],
    volume: NDArray[np.float64],
    period: int | None = None,
    *,
    session_ns: int | None = None,
    time_ns: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the `Vwap` at every row; `time_ns` for sessions, and only for them.

    Returns a row for every row, NaN while warming up. Rows at the start where a column is NaN are skipped,
    as by TA-Lib. Columns are read in place if they lie in one piece, and must not be written meanwhile: it
    runs without the GIL.

    Raises:
        InvalidInput: A setting is out of range, a column is no one-dimensional array of the type, columns
            differ in length, or the first row that cannot be used.
    """

# ---- scorer

def token_flag_bits() -> dict[str, int]:
    """Return the bit of every token flag by name: freeze_authority, transfer_fee, mint_authority."""

@final
class Prospect:
    """A candidate, what is known beside it, and what is at stake; handed to `SignalScorer.assess`.

    What is left out is neutral: it speaks neither for nor against. Without `gross_profit_lamports` and
    `fee_lamports` the base mint is taken as wrapped SOL: `gross_profit` and `cost` are lamports.

    Args:
        amount_in: Input of the first hop, base units, at least 1.
        gross_profit: Output less input, base units.
        cost: All fees and the tip, base units.
        min_net_profit: Least profit after costs, base units.
        age_slots: Newest slot less that of the update.
        gross_profit_lamports: `gross_profit` in lamports.
        tip_lamports: Paid if the attempt lands; needs `fee_lamports`.
        fee_lamports: Network and priority fee, counted whether it lands or not.
        failure_lamports: What a failure costs beyond the fees.
        depth_bps: Input as a share of the shallowest hop's depth.
        volatility_bps: How much prices move, basis points per slot.
        competition_e4: How often this cycle was gone before, 1/10,000.
        agreement_e4: Share of the providers that vouch for the state, 1/10,000.
        landing_e4: Landing probability, 1/10,000.
        token_flags: 1 freeze authority, 2 transfer fee, 4 mint authority, added up over the route's mints.

    Raises:
        InvalidInput: `amount_in` is 0, a share above 10,000, flags above 7, a tip without fees.
    """

    def __new__(
        cls,
        amount_in: int,
        gross_profit: int,
        cost: int,
        min_net_profit: int = 0,
        age_slots: int = 0,
        *,
        gross_profit_lamports: int | None = None,
        tip_lamports: int | None = None,
        fee_lamports: int | None = None,
        failure_lamports: int = 0,
        depth_bps: int = 0,
        volatility_bps: int = 0,
        competition_e4: int = 0,
        agreement_e4: int = 10_000,
        landing_e4: int = 10_000,
        token_flags: int = 0,
    ) -> Prospect: ...

@final
class Assessment:
    """What the scorer says of a prospect."""

    @property
    def is_go(self) -> bool: ...
    @property
    def reasons(self) -> list[str]:
        """What speaks against it, in the order of the funnel; empty: go."""
    @property
    def reason_bits(self) -> int:
        """The same as bits: bit `i` for `SignalScorer.reason_names()[i]`."""
    @property
    def score(self) -> float:
        """Net basis points, less with age."""
    @property
    def expected_value_lamports(self) -> int:
        """Profit x p - tip x p - fees - failure x (1 - p), rounded down.

        -2^63 with the reason `value_overflow`.
        """

@final
class SignalScorer:
    """Go or no-go for sized candidates, every reason counted.

    Args:
        min_net_profit_lamports: Kept for the engine; candidates carry the threshold in their own mint.
        min_net_bps: Least profit after costs, in basis points of the input.
        max_age_slots: Greatest distance in slots between the update and the newest slot.
        max_depth_bps: Greatest input in basis points of the shallowest hop's depth; None: off.
        max_volatility_bps: Greatest volatility in basis points per slot; None: off.
        max_competition_e4: Greatest share of attempts that came too late, 1/10,000; 10,000: off.
        min_agreement_e4: Least share of providers that vouch for the state, 1/10,000; 0: off.
        refused_flags: Token flags that no mint of the route may have, as in `Prospect`.
        min_landing_e4: Least landing probability, 1/10,000; 0: off.
        min_expected_value_lamports: Least expected value; None: off.

    Raises:
        InvalidInput: `min_net_bps` is not finite, a share is above 10,000, flags above 7.
    """

    def __new__(
        cls,
        *,
        min_net_profit_lamports: int = 10_000,
        min_net_bps: float = 0.0,
        max_age_slots: int = 8,
        max_depth_bps: int | None = None,
        max_volatility_bps: int | None = None,
        max_competition_e4: int = 10_000,
        min_agreement_e4: int = 0,
        refused_flags: int = 0,
        min_landing_e4: int = 0,
        min_expected_value_lamports: int | None = None,
    ) -> SignalScorer: ...
    def assess(self, prospect: Prospect) -> Assessment:
        """Return the verdict on a prospect, its rank and expected value, and count it."""
    def assess_batch(
        self, columns: Mapping[str, NDArray[Any] | int] | NDArray[np.void]
    ) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.int64]]:
        """Return per row what `assess` says: reasons as bits, scores, expected values in lamports.

        Args:
            columns: Arrays by the names of `Prospect`'s arguments, or a structured array with such
                fields: uint64 but for depth_bps and volatility_bps (uint32), competition_e4, agreement_e4
                and landing_e4 (uint16) and token_flags (uint8). Those that are misaligned or not in one
                piece are copied. A number stands for all rows (not in amount_in). Columns left out are
                neutral, as in `Prospect`.

        Raises:
            InvalidInput: A column is unknown, missing, of another type or length, or a value out of
                range; nothing is counted then.
        """
    def score(
        self, amount_in: int, gross_profit: int, cost: int, min_net_profit: int, age_slots: int = 0
    ) -> list[str]:
        """Return the reasons against a candidate (base units of one mint); empty means go.

        Amounts and age alone are judged.

        Raises:
            InvalidInput: `amount_in` is 0.
        """
    @property
    def go(self) -> int: ...
    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Every reason with its count, in the order of the funnel."""
    @staticmethod
    def reason_names() -> list[str]: ...

@final
class LandingModel:
    """Landing probabilities per (venues, hops, age), learned from attempts; an m-estimate that forgets.

    Old attempts fade by 1/`memory` with every new one. A kind of attempt that is hardly known gets the
    estimate of all, whose weight is `shrinkage` attempts.

    Args:
        memory: Attempts that count at most, at least 1.
        prior_landed: Attempts taken as landed before the first.
        prior_missed: Attempts taken as missed before the first.
        shrinkage: Attempts that the estimate of all weighs.

    Raises:
        InvalidInput: `memory` is 0, or both priors are.
    """

    def __new__(
        cls, *, memory: int = 256, prior_landed: int = 1, prior_missed: int = 1, shrinkage: int = 16
    ) -> LandingModel: ...
    def observe(self, venues: list[str], hops: int, age_slots: int, landed: bool) -> None:
        """Learn from one attempt.

        Raises:
            InvalidInput: A venue that there is not.
        """
    def estimate_e4(self, venues: list[str], hops: int, age_slots: int) -> int:
        """Return the landing probability in 1/10,000, rounded down.

        Raises:
            InvalidInput: A venue that there is not.
        """
    @property
    def observed(self) -> int:
        """Attempts learned from."""

@final
class Tick:
    """One quote for a first look: basis points, whole tokens, milliseconds, lamports, shares."""

    def __new__(
        cls,
        spread_bps: float,
        fee_bps: float,
        slippage_bps: float,
        tip_lamports: float,
        volatility: float,
        liquidity: float,
        size: float,
        age_ms: float,
        inventory: float,
        hit_rate: float,
    ) -> Tick: ...

@final
class TickRule:
    """A first look at quotes in floating point, before anything is sized.

    edge = spread - fees - slippage - 100 x volatility; net = edge x size / 10,000 - tip x 1e-9; impact =
    size / liquidity. Every bound is exclusive.

    Raises:
        InvalidInput: A bound is NaN.
    """

    def __new__(
        cls,
        *,
        min_edge_bps: float = 1.0,
        min_net: float = 0.0,
        max_impact: float = 0.01,
        max_age_ms: float = 400.0,
        max_volatility: float = 0.015,
        max_inventory: float = 90.0,
    ) -> TickRule: ...
    def score(self, tick: Tick) -> float:
        """Return net x hit rate x (1 - impact) of a go; -1 of a no-go, and of a score that is not finite."""
    def score_batch(self, columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return `score` of every row of ten columns, in the order of `Tick`'s arguments.

        Raises:
            InvalidInput: Columns of different lengths.
        """

# ---- engine

@final
class Hop:
    """One hop of a sized cycle; amounts in base units, chained exactly."""

    @property
    def pool(self) -> str: ...
    @property
    def mint_in(self) -> str: ...
    @property
    def mint_out(self) -> str: ...
    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...

@final
class Signal:
    """A cycle worth trading. Amounts are base units of `base_mint` unless the name says lamports."""

    @property
    def opening_id(self) -> int:
        """Running number of the cycle's opening; one opening is one opportunity, however long it lasts."""
    @property
    def slot(self) -> int:
        """Slot of the update that led here."""
    @property
    def base_mint(self) -> str: ...
    @property
    def hops(self) -> list[Hop]: ...
    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def gross_profit(self) -> int:
        """Output of the last hop minus `amount_in`, before fees of the transaction."""
    @property
    def cost(self) -> int:
        """Network fee, priority fee and tip, valued in `base_mint` and rounded up."""
    @property
    def net_profit(self) -> int:
        """`gross_profit - cost`."""
    @property
    def network_fee_lamports(self) -> int: ...
    @property
    def priority_fee_lamports(self) -> int: ...
    @property
    def tip_lamports(self) -> int: ...
    @property
    def compute_unit_limit(self) -> int:
        """Compute units to ask for."""
    @property
    def compute_unit_price_micro_lamports(self) -> int:
        """Micro-lamports to offer for each; times the limit it is `priority_fee_lamports`, rounded up."""
    @property
    def priced_accounts(self) -> list[str]:
        """Accounts that set the compute unit price: pools, then vaults; empty without a fee engine."""
    @property
    def age_slots(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def expected_value_lamports(self) -> int:
        """What the attempt is worth on average, rounded down."""
    @property
    def landing_e4(self) -> int:
        """Landing probability, 1/10,000."""
    @property
    def depth_bps(self) -> int:
        """Input as a share of the shallowest hop's depth, basis points, rounded up."""
    @property
    def volatility_bps(self) -> int:
        """How much the route's prices move, basis points per slot, rounded up.

        The root of the sum of its pools' variances of the log price per slot, exponentially weighted with a
        half-life of 150 slots. A pool known for less than 150 slots adds nothing.
        """
    @property
    def competition_e4(self) -> int:
        """How often this cycle was gone before we got it, 1/10,000."""
    @property
    def agreement_e4(self) -> int:
        """Share of the connected providers that vouch for the route's accounts, 1/10,000.

        10,000 while no connection has had a heartbeat.
        """
    @property
    def token_flags(self) -> tuple[str, ...]:
        """What the accounts of the route's mints allow, as `token_flag_bits` names it.

        Mints of the allow list and mints never seen have no flags.
        """
    @property
    def net_bps(self) -> float:
        """Net profit in basis points of the input."""

@final
class Fill:
    """What a taken signal gave on the market that quotes see."""

    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def hops(self) -> list[Hop]: ...

@final
class EngineConfig:
    """Settings of an Engine.

    Args:
        base_mints: Mints to start cycles from, in order of preference, each with the greatest input of
            one trade in base units.
        max_hops: Longest cycle looked for, 2 to 4.
        signatures: Signatures of one transaction.
        lamports_per_signature: Base fee per signature.
        compute_unit_limit: Compute units asked for; the priority fee is charged on all of them.
        compute_unit_price_micro_lamports: Micro-lamports per compute unit.
        tip_lamports: Tip to the block engine.
        min_net_profit_lamports: Least profit after all costs.
        min_net_bps: Least profit after all costs in basis points of the input.
        max_age_slots: Older updates are no signal.
        max_pool_age_slots: Greatest age in slots of an account that trading changes (see `Engine.freshness`);
            16 are about six seconds, enough to reconnect and read again.
        max_settings_age_slots: Greatest age in slots of a mint or configuration; 9,000 are about an hour.
        hold_torn_pools: Whether a pool waits for the rest of what a swap writes.
        max_torn_slots: Slots that it waits at most.
        max_heartbeat_gap: Slots that the heartbeats of a connection may leave out, beyond those that the
            chain skips, before it counts as a gap.
        max_depth_bps, max_volatility_bps, max_competition_e4, min_agreement_e4, refused_flags,
            min_landing_e4, min_expected_value_lamports: As in `SignalScorer`; off if left out.
        failure_cost_lamports: What a failed attempt costs beyond its fees; counts in expected values.
        quorum: Providers that have to deliver the same before it counts, 1 to 64; with 1 a lie can win a
            race. Connections of one provider, `helius/0` and `helius/http`, are one voice.
        quarantine: When providers are put under quarantine unasked; None: never.
        token_rules: Which mints may be traded; None: the defaults.
        assume_plain_mints: Take a mint whose account was never seen as a plain SPL mint.
        keep_accounts: Keep the bytes of every account that the market takes, for `Engine.account`.

    Raises:
        InvalidInput: A value is out of range or a mint is no address.
    """

    def __new__(
        cls,
        *,
        base_mints: dict[str, int],
        max_hops: int = 3,
        signatures: int = 1,
        lamports_per_signature: int = 5_000,
        compute_unit_limit: int = 400_000,
        compute_unit_price_micro_lamports: int = 50_000,
        tip_lamports: int = 10_000,
        min_net_profit_lamports: int = 10_000,
        min_net_bps: float = 0.0,
        max_age_slots: int = 8,
        max_pool_age_slots: int = 16,
        max_settings_age_slots: int = 9_000,
        hold_torn_pools: bool = True,
        max_torn_slots: int = 2,
        max_heartbeat_gap: int = 0,
        quorum: int = 1,
        quarantine: QuarantineLimits | None = None,
        token_rules: TokenRules | None = None,
        assume_plain_mints: bool = False,
        max_depth_bps: int | None = None,
        max_volatility_bps: int | None = None,
        max_competition_e4: int = 10_000,
        min_agreement_e4: int = 0,
        refused_flags: int = 0,
        min_landing_e4: int = 0,
        min_expected_value_lamports: int | None = None,
        failure_cost_lamports: int = 0,
        keep_accounts: bool = False,
    ) -> EngineConfig: ...
    @property
    def network_fee_lamports(self) -> int:
        """What the signatures of one attempt cost. This and the next raise InvalidInput beyond 64 bits."""
    @property
    def priority_fee_lamports(self) -> int:
        """Priority fee of one attempt, rounded up as the runtime does."""
    @property
    def tip_lamports(self) -> int: ...
    @property
    def total_fee_lamports(self) -> int:
        """Network fee, priority fee and tip."""

@final
class Obstacle:
    """One thing that speaks against a cycle."""

    @property
    def reason(self) -> str:
        """`set_aside`, `no_spread`, `pool_fees`, or a reason of the scorer."""
    @property
    def detail(self) -> str:
        """What was found, against which bound."""
    @property
    def missing_bps(self) -> float | None:
        """Basis points that are missing: of the input, or at the margin where no input gains."""
    @property
    def missing_lamports(self) -> int | None:
        """Lamports that are missing: of the sized trade, or of an input worth 1 SOL where none gains."""

@final
class Explanation:
    """What becomes of a cycle now. Amounts are base units of `base_mint`; None: it did not come so far."""

    @property
    def stage(self) -> str | None:
        """The last stage reached; None: not priced, or no gain even before fees."""
    @property
    def obstacles(self) -> list[Obstacle]:
        """What speaks against it, in the order of the funnel; empty: a signal."""
    @property
    def base_mint(self) -> str: ...
    @property
    def slot(self) -> int:
        """Newest slot of its pools."""
    @property
    def route(self) -> list[Step]: ...
    @property
    def hops(self) -> list[Hop]:
        """The hops at the best input; empty if none gains."""
    @property
    def spot_gain_bps(self) -> float | None:
        """Gain of the first unit before fees."""
    @property
    def margin_bps(self) -> float | None:
        """Gain of the first unit after fees; negative: a loss."""
    @property
    def amount_in(self) -> int | None: ...
    @property
    def gross_profit(self) -> int | None: ...
    @property
    def cost(self) -> int | None: ...
    @property
    def net_profit(self) -> int | None: ...
    @property
    def age_slots(self) -> int | None: ...
    @property
    def depth_bps(self) -> int | None: ...
    @property
    def volatility_bps(self) -> int | None: ...
    @property
    def competition_e4(self) -> int | None: ...
    @property
    def agreement_e4(self) -> int | None: ...
    @property
    def token_flags(self) -> list[str] | None: ...
    @property
    def landing_e4(self) -> int | None: ...
    @property
    def gross_profit_lamports(self) -> int | None: ...
    @property
    def score(self) -> float | None: ...
    @property
    def expected_value_lamports(self) -> int | None: ...

@final
class FunnelStage:
    """How many candidates reached a stage."""

    @property
    def name(self) -> str: ...
    @property
    def evaluations(self) -> int:
        """Counted once per update and cycle."""
    @property
    def openings(self) -> int:
        """Counted once per opening (stage `cycles`: once per cycle)."""

@final
class Step:
    """One hop of a route that has no amounts."""

    @property
    def pool(self) -> str: ...
    @property
    def mint_in(self) -> str: ...
    @property
    def mint_out(self) -> str: ...

@final
class Miss:
    """A cycle that never became a signal, at the moment when it came nearest."""

    @property
    def slot(self) -> int: ...
    @property
    def stage(self) -> str:
        """The last stage it reached."""
    @property
    def reason(self) -> str:
        """Why no further; `pool_fees` at stage `cycles`, else a reason of the scorer."""
    @property
    def missing_bps(self) -> float | None:
        """Basis points that were missing: of the best input, or at the margin where no input gains.

        None where no number says it (no base mint, no price for the costs).
        """
    @property
    def route(self) -> list[Step]: ...
    @property
    def amount_in(self) -> int | None: ...
    @property
    def gross_profit(self) -> int | None: ...
    @property
    def net_profit(self) -> int | None: ...

@final
class EngineStats:
    """All counters at one moment."""

    @property
    def frames(self) -> int: ...
    @property
    def fresh(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def stale(self) -> int: ...
    @property
    def held(self) -> int:
        """Writes of the present slot kept back until it is known whether they are newer."""
    @property
    def control(self) -> int:
        """Confirmations, errors and notifications that carry no account."""
    @property
    def malformed(self) -> dict[str, int]: ...
    @property
    def endpoints(self) -> list[EndpointStats]: ...
    @property
    def slot(self) -> int:
        """Newest slot seen."""
    @property
    def updates(self) -> int:
        """Account writes handed to the market."""
    @property
    def decode_errors(self) -> dict[str, int]:
        """Account writes that could not be decoded, by reason."""
    @property
    def pools(self) -> int: ...
    @property
    def pools_set_aside(self) -> dict[str, int]: ...
    @property
    def openings(self) -> int:
        """Opportunities so far: openings of cycles at recorded prices."""
    @property
    def open_now(self) -> int: ...
    @property
    def go(self) -> int:
        """Signals handed out."""
    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason spoke against a candidate; reasons that never did are left out."""
    @property
    def rules(self) -> dict[str, int]:
        """Refusals of reason `refused_by_rule`, by the rule's own words, all versions together."""
    @property
    def funnel(self) -> list[FunnelStage]: ...
    @property
    def nearest_misses(self) -> list[Miss]: ...

def candidate_fields() -> dict[str, str]:
    """Return what a rule file in the engine may read of a candidate: name to type and unit, in order.

    `docs/STRATEGY_LANGUAGE.md` says what each holds.
    """

# ---- freshness

@final
class ConnectionFreshness:
    """One connection: how far it has come, and what it lost."""

    @property
    def name(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def shown_slot(self) -> int | None:
        """Highest heartbeat of the present connection, or slot of any notification if it has none."""
    @property
    def behind_slots(self) -> int | None:
        """Slots that it is behind `MarketFreshness.slot`."""
    @property
    def heartbeat_slot(self) -> int | None:
        """Highest slot notification (`slotSubscribe`) of the present connection."""
    @property
    def subscriptions(self) -> int:
        """Accounts subscribed and confirmed on the present connection."""
    @property
    def connections(self) -> int:
        """Connections opened so far."""
    @property
    def gaps(self) -> int:
        """Times that heartbeats were missing."""
    @property
    def slots_lost(self) -> int:
        """Slots that the gaps were long, added up."""

@final
class BlockedPool:
    """A pool that may not be traded now."""

    @property
    def pool(self) -> str: ...
    @property
    def reason(self) -> str:
        """`stale_pool` or `torn_pool`, as in `EngineStats.reasons`."""
    @property
    def detail(self) -> str:
        """The same as a sentence, with the account, its age and the bound, or that it is in doubt."""

@final
class MarketFreshness:
    """How fresh the whole market is at one moment. Ages are counted in slots."""

    @property
    def is_judging(self) -> bool:
        """Whether anything is refused for its age: some connection has had a heartbeat."""
    @property
    def slot(self) -> int:
        """The slot that ages are counted from: the highest shown, of three or more what half have reached."""
    @property
    def connections(self) -> list[ConnectionFreshness]: ...
    @property
    def blocked(self) -> list[BlockedPool]:
        """Pools that may not be traded now; those that are set aside are not among them."""
    @property
    def waiting(self) -> int:
        """Cycles that would be signals but for that; they are looked at again by themselves."""
    @property
    def in_doubt(self) -> int:
        """Accounts that the last `Engine.stale_accounts` listed; this and the next four count its calls."""
    @property
    def doubted(self) -> int:
        """Times that an account came into doubt."""
    @property
    def healed(self) -> int:
        """Times that an account left it."""
    @property
    def healed_slots(self) -> int:
        """Slots from the last known state to the call that found the account healed, added up."""
    @property
    def longest_slots(self) -> int:
        """The most slots that one took."""

@final
class PoolFreshness:
    """How fresh one pool is."""

    @property
    def fresh_to(self) -> int | None:
        """The slot up to which all that trading changes is known to be the latest."""
    @property
    def age_slots(self) -> int | None: ...
    @property
    def blocked_reason(self) -> str | None:
        """`stale_pool`, `torn_pool` or None."""
    @property
    def blocked_detail(self) -> str | None: ...

@final
class StaleAccount:
    """An account to read again."""

    @property
    def pubkey(self) -> str: ...
    @property
    def pool(self) -> str:
        """The first pool that reads it."""
    @property
    def reason(self) -> str:
        """Why, in a word.

        `doubted`: it rests on the word of a provider that is under quarantine; `uncovered`: no connection
        subscribes to it; `unread`: not pushed or read since it was subscribed, or since a gap;
        `contradicted`: a connection said something else; `old`: past its bound.
        """
    @property
    def fresh_to(self) -> int:
        """The slot up to which its state is known to be the latest; 0 if nobody but the doubted told any."""
    @property
    def age_slots(self) -> int: ...
    @property
    def read_from(self) -> int | None:
        """The lowest slot to read it at, as `minContextSlot`, so that subscriptions vouch for it again."""

@final
class HeldAccount:
    """An account in its last applied state."""

    @property
    def exists(self) -> bool:
        """Whether it is there; if not, data is empty and there are no lamports."""
    @property
    def owner(self) -> str:
        """The program that owns it, base58."""
    @property
    def lamports(self) -> int: ...
    @property
    def data(self) -> bytes:
        """All of its data; a new object at every call."""
    @property
    def slot(self) -> int:
        """Slot of the write."""

# ---- latency

@final
class LatencyHistogram:
    """Counts durations of 0 to 2^64 - 1 ns in steps of 1.6 % and less; 30 kB however many there are.

    Any thread may add and read; nobody waits.
    """

    def __new__(cls) -> LatencyHistogram: ...
    def add(self, duration_ns: int) -> None:
        """Count one duration.

        Raises:
            InvalidInput: Below 0 or above 2^64 - 1.
        """
    def quantile(self, fraction: float) -> int | None:
        """Return the ns that at least `fraction` of all durations do not exceed; `None` if there are none.

        It is the upper edge of its step: at most 1.6 % above the true value, never below. Shares are
        rounded to 1/1,000,000.

        Raises:
            InvalidInput: Not from 0 to 1.
        """
    def buckets(self) -> list[tuple[int, int]]:
        """Return the steps that counted something, ascending: upper edge in ns, and how many."""
    @property
    def count(self) -> int:
        """How many durations."""
    @property
    def sum_ns(self) -> int:
        """All of them added up, exactly."""
    @property
    def max_ns(self) -> int:
        """The longest; 0 if there are none."""

# ---- what changes in an engine, for those who watch it

@final
class EngineWatch:
    """What changes in an engine, from `Engine.watch`. No call waits for the engine, none holds the GIL.

    `snapshot` comes first; what `drain` returns then is what changed since the call before. Handles on one
    engine share what is told: each change is told once, to one of them. While frames come, the state of
    a pool that changes all the time may be told one `drain` later; `Engine.stats` tells all of them.
    """

    def drain(self) -> bytes:
        """Return what changed as the JSON of `telemetry.records.MarketChanges`; empty if nothing did.

        Of a pool only the latest state is told, of an opening only the latest verdict. A pool is among
        `new_pools` again once its decimals or its fee become known, or its fee moves by 1/10,000.
        """
    def snapshot(self) -> bytes:
        """Return all that is known as the JSON of `telemetry.records.MarketSnapshot`.

        What `drain` would have said before is part of it, and not said again.
        """
    def drain_and_snapshot(self) -> tuple[bytes, bytes]:
        """Return what `drain` does, and everything known after it; nothing happens between the two."""
    @property
    def lost(self) -> int:
        """Openings and closings dropped since the beginning; if it grows, only a snapshot is whole."""
    @property
    def pools(self) -> int:
        """Pools that are known."""

@final
class Engine:
    """From frames to signals. Every call may be made from any thread; none holds the GIL while it works.

    An endpoint is one connection, given by name, or by the number that `endpoint` returned; what stands
    before the first `/` of its name is its provider. A number of none raises InvalidInput.
    """

    def __new__(cls, config: EngineConfig) -> Engine: ...
    def endpoint(self, name: str) -> int:
        """Return the number of the endpoint with this name; register it on first use."""
    def connect(self, endpoint: int | str) -> None:
        """Note that a connection opened; subscription ids of an earlier one are void."""
    def request(self, endpoint: int | str, frame: Buffer) -> None:
        """Note an outgoing JSON-RPC request, so that its answer can be understood.

        Raises:
            InvalidInput: Not a request that the engine can follow.
        """
    def ingest(self, endpoint: int | str, frame: Buffer, arrival_ns: int | None = None) -> list[Signal]:
        """Take one incoming frame through the whole pipeline; bad frames are counted, never raised.

        `bytes` and memory views of them are read in place; what can change meanwhile is copied.

        Args:
            endpoint: The connection it came over.
            frame: A message or a batch.
            arrival_ns: When it came, in nanoseconds of your clock: for the statistics of lags alone.

        Raises:
            InvalidInput: No such endpoint, or `frame` is no byte buffer.
        """
    def disconnect(self, endpoint: int | str) -> list[Signal]:
        """Note a lost connection; writes that only its doubt held back are applied."""
    def quarantine(self, endpoint: int | str) -> list[Signal]:
        """Take a provider's word away until `release_endpoint`: its frames are counted and nothing else.

        Writes that only its doubt held back are applied. What it alone had applied is `doubted`: listed by
        `stale_accounts`, and pools that read it give no signal until it was read or written again.

        Args:
            endpoint: Any of its connections, those to come included; or the provider by name.
        """
    def release_endpoint(self, endpoint: int | str) -> None:
        """Give the provider of an endpoint its word back. Subscribe again, best on new connections."""
    def recheck(self, slot: int) -> list[Signal]:
        """Look again at the cycles through the pools touched last; call it after `take`."""
    def take(self, signal: Signal) -> Fill:
        """Execute a signal on the market that quotes see, and close its opening to further signals.

        Raises:
            InvalidInput: The signal comes from another engine.
            MarketDataError: The opening has closed or was taken, a pool has been set aside, or an amount
                would not be the signal's to the last unit; nothing is changed.
            SwapRefused: A hop would fail now; nothing is changed.
        """
    def explain(self, hops: list[tuple[str, bool]]) -> Explanation:
        """Return where a cycle stops now and what is missing; changes nothing.

        Args:
            hops: Pool and direction (True: token A in) of every hop, 2 to 4.

        Raises:
            InvalidInput: A pool is not in the market or comes twice, or the hops make no cycle.
        """
    def set_fee_engine(self, fees: FeeEngine | None, percentile: float = 75.0) -> None:
        """Let `fees` name compute unit limit, price and tip of each candidate; None: the settings again.

        It stays the same object for whoever feeds it. A cycle that is worth too little for a tip is refused
        as `costs_exceed_profit`.

        Args:
            fees: The fee engine.
            percentile: Share of recent slots in percent in which the price would have been enough.

        Raises:
            InvalidInput: The percentile is outside 0.01 to 99.99.
        """
    @property
    def fee_engine(self) -> FeeEngine | None:
        """The fee engine that names fees, if one does: another handle of the same."""
    def set_rules(self, rules: RuleSet | None) -> None:
        """Ask other rules of every candidate that nothing else speaks against, or none, from now on.

        The set is shared: evaluating it here moves the same indicators.

        Raises:
            InvalidInput: It was compiled over other fields than `candidate_fields()`; those before stay.
        """
    def set_landing(self, model: LandingModel) -> None:
        """Judge by a copy of `model` from now on."""
    def observe_landing(self, signal: Signal, landed: bool) -> None:
        """Learn whether the attempt at a signal landed.

        Raises:
            InvalidInput: The signal comes from another engine.
        """
    def watch(self, capacity: int = 65_536) -> EngineWatch:
        """Note from now on what changes, and return who is told; a second call returns the same once more.

        Args:
            capacity: Openings and closings that wait to be fetched; beyond that the oldest are dropped and
                counted. A second call does not change it.

        Raises:
            InvalidInput: The capacity is 0.
        """
    @property
    def highest_slot(self) -> int:
        """Highest slot seen; 0 before the first."""
    def stats(self, misses: int = 8) -> EngineStats:
        """Return all counters, with at most `misses` nearest misses."""
    def latencies(self) -> list[tuple[str, LatencyHistogram]]:
        """Return the histogram of each stage of `ingest`, in order: parse, dedup, apply, search, size, score.

        They are the engine's own and go on counting. One frame in about sixteen is measured, drawn at random,
        and a stage counts only where it ran: search once for each changed pool, size for each open cycle,
        score for each sized one; parse not for a frame that repeats the bytes of another, and
        neither parse nor dedup for a batch.
        """
    def connections(self) -> list[ConnectionFreshness]:
        """Return how far each connection has come, as `freshness` does, without a look at the pools."""
    def freshness(self) -> MarketFreshness:
        """Return how fresh the market is, and what may not be traded for it. Looks at every pool."""
    def pool_freshness(self, pool: AddressLike) -> PoolFreshness:
        """Return how fresh one pool is.

        Raises:
            InvalidInput: `pool` is no address, or that of no pool in the market.
        """
    def account(self, address: AddressLike) -> HeldAccount | None:
        """Return the last applied state of an account, as quotes see it without our own fills.

        None: the market takes no such account, or none was applied yet.

        Raises:
            InvalidInput: Accounts are not kept: `EngineConfig(keep_accounts=True)`.
        """
    def held_accounts(self, addresses: Sequence[AddressLike]) -> list[HeldAccount | None]:
        """Return what `account` returns for each address, all at one moment.

        Raises:
            InvalidInput: As `account`.
        """
    def stale_accounts(self) -> list[StaleAccount]:
        """Return the accounts to read again, for a source to heal; before the first heartbeat those in doubt.

        Those that rest on the word of a provider under quarantine, those of which no connection knows now
        whether they have changed, and those past their bound (mints and configurations past half of it).
        Looks at every pool; call it now and then, not per frame.
        """
    def wanted(self) -> list[Want]:
        """Return every account that pools read in their present state, the Clock first.

        One that several pools read comes once for each.
        """
    @property
    def wants_changes(self) -> int:
        """A number that grows with every address `take_new_wants` has to tell of: cheap to ask often."""
    def take_new_wants(self) -> list[str]:
        """Return the addresses that pools have begun to read since the last call, sorted by their bytes."""
    def venues(self) -> list[VenueInfo]:
        """Return what is known of every venue."""
    def doubt_venue(self, venue: str, reason: str) -> None:
        """Set a venue's pools aside because its quotes were found wrong; `reason` is shown among its signs.

        `release` ends it, and so does `trust_venue`.

        Raises:
            InvalidInput: No such venue.
        """
    def trust_venue(self, venue: str) -> None:
        """End what `doubt_venue` began; signs of a changed program still stand.

        Raises:
            InvalidInput: No such venue.
        """
    def set_token_rules(self, rules: TokenRules) -> None:
        """Judge mints by other rules from now on."""
    def know_token_since(self, mint: AddressLike, slot: int) -> None:
        """Take a mint to have existed in `slot`, earlier than its first sight here; 0 says nothing."""
    def tokens(self) -> list[TokenVerdict]:
        """Return the verdict on every mint that a pool trades; only what changed is judged anew."""
    def take_changed_tokens(self) -> list[TokenVerdict]:
        """Return the verdicts that are others since the last call; at first all."""
    def token(self, mint: AddressLike) -> TokenVerdict | None:
        """Return the verdict on a mint; None if no pool trades it."""
    def release(self, venue: str) -> None:
        """Let a venue trade in spite of every sign of change, those still to come included.

        Raises:
            InvalidInput: There is no venue of this name.
        """
    def verify(self, program: AddressLike, slot: int) -> None:
        """Take the deployment of `program` in `slot` as the verified one; a later one is a sign of change.

        Raises:
            InvalidInput: `program` is no address.
        """
    def pools(self) -> list[PoolInfo]: ...
    def quote(
        self, pool: AddressLike, mint_in: AddressLike, amount: int, exact: Literal["in", "out"] = "in"
    ) -> Quote:
        """Return what the program would do; see `Market.quote`."""
    def pool(self, pool: AddressLike) -> Pool:
        """Return a copy of a pool as quotes see it; see `Market.pool`."""
    def build_transaction(
        self,
        route: Signal | Sequence[Hop | tuple[AddressLike, AddressLike]],
        signer: Signer,
        *,
        blockhash: AddressLike,
        min_amount_out: int,
        compute_unit_limit: int,
        compute_unit_price: int,
        amount_in: int | None = None,
        tables: Iterable[LookupTable] | None = None,
        tip_lamports: int = 0,
        tip_account: AddressLike | None = None,
        dont_front: AddressLike | None = None,
        nonce: AddressLike | None = None,
        create_accounts: Iterable[AddressLike] | None = None,
        token_accounts: Mapping[str, AddressLike] | None = None,
        loaded_accounts_data_size: int | None = None,
        reach: Literal["official", "needed"] = "official",
        max_account_locks: int = 64,
    ) -> BuiltTransaction:
        """Return the signed transaction that trades a route: one message of version 0.

        A signal keeps its amounts to the unit: if the market no longer gives them, that is an error.
        Each hop puts in exactly what the one before it is quoted to give, and has to give at least its own
        quote; the last one at least `min_amount_out`. Order: nonce advance, compute budget, token accounts,
        swaps, tip.

        Args:
            route: A signal of this engine, or the hops: `Hop`, or pool and mint paid to it.
            signer: Who trades, pays and signs; the authority of the nonce too.
            blockhash: A recent blockhash, or the value of the nonce.
            min_amount_out: Least output of the last hop, base units: what guards the profit.
            compute_unit_limit: Compute units asked for, at most 1,400,000.
            compute_unit_price: Offered for each of them, micro-lamports.
            amount_in: Input of the first hop, base units; None with a signal, which brings its own.
            tables: Lookup tables to choose from: those are used that make it smallest.
            tip_lamports: What the block engine is paid; 0: no tip.
            tip_account: One of its tip accounts.
            dont_front: An address that begins with `jitodontfront`, if nothing may be placed in front.
            nonce: The nonce account that it advances.
            create_accounts: Mints whose associated token account is created unless it exists.
            token_accounts: The wallet's token account by mint, where it is not the associated one.
            loaded_accounts_data_size: Bytes of account data that may be loaded.
            reach: Tick and bin arrays: as many as the official client brings, or those needed and one more.
            max_account_locks: Accounts it may name at most.

        Raises:
            TransactionError: It cannot be built or would fail: `route_too_large`, `too_many_account_locks`,
                `too_many_compute_units`, `moved`, `minimum_out_of_reach`, `no_instruction`,
                `unknown_account`, `swap_refused`, `unknown_token_program`, `pool_twice`, `broken_route`,
                `empty_route`; `values` name the route or the hop.
            SwapRefused: The program of a hop would refuse it.
            MarketDataError: A pool is set aside, or lacks an account.
            InvalidInput: An argument is malformed.
        """

    def set_execution(
        self,
        wallet: AddressLike | None,
        *,
        tables: Iterable[LookupTable] | None = None,
        token_accounts: Mapping[str, AddressLike] | None = None,
        tips: bool = True,
        dont_front: AddressLike | None = None,
        uses_nonce: bool = False,
        reach: Literal["official", "needed"] = "official",
        max_account_locks: int = 64,
    ) -> None:
        """Say how signals will be executed: a route that fits into no such transaction is refused.

        It is refused before it is ranked, as `route_too_large` or `too_many_account_locks`. Arguments are
        those of `build_transaction`; token accounts that are still to be created are not counted. To be
        called again when the lookup tables change.

        Args:
            wallet: Who trades; None: every route is let through, as without this call.
            tables: Lookup tables that may be used now.
            token_accounts: The wallet's token account by mint, where it is not the associated one.
            tips: Whether transactions pay a tip.
            dont_front: The address that the tip names, if it names one.
            uses_nonce: Whether transactions advance a nonce.
            reach: Which tick and bin arrays the swaps bring along.
            max_account_locks: Accounts that a transaction may name at most.

        Raises:
            InvalidInput: An argument is malformed.
        """

    def crossings(self, pool: AddressLike, mint_in: AddressLike, amount_in: int) -> int:
        """Return how many initialised ticks or bins a swap crosses, for an estimate of its work.

        Rounding may count one more or less. 0 where the pool cannot be quoted.

        Raises:
            InvalidInput: An address is none, the amount is out of range, or the pool is not in the market or
                does not trade the mint.
        """
    def open_cycles(self) -> list[list[tuple[str, bool]]]:
        """Return the cycles open at recorded prices: hops as (pool, token A in), sorted."""
    def negative_cycle(self) -> tuple[list[tuple[str, bool]], float] | None:
        """Return a cycle that pays at recorded marginal prices, by Bellman-Ford over the whole graph."""
    def state_digest(self) -> str:
        """Return SHA-256 (hex) over the recorded state of every pool, fills excluded."""

# ---- wss_aggregator

@final
class AccountUpdate:
    """One state of one account, to be applied."""

    @property
    def pubkey(self) -> str:
        """The account's address, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the write."""

    @property
    def exists(self) -> bool:
        """False if it is known that there is no such account: the rest is None then."""

    @property
    def owner(self) -> str | None:
        """The program that owns the account, in base58."""

    @property
    def lamports(self) -> int | None:
        """The account's balance."""

    @property
    def data(self) -> bytes | None:
        """The account's data, decoded. Every access makes a copy."""

@final
class LogUpdate:
    """The log of one transaction."""

    @property
    def signature(self) -> str:
        """The transaction's signature, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the transaction."""

    @property
    def failed(self) -> bool:
        """Whether the transaction failed."""

    @property
    def logs(self) -> list[str]:
        """The lines of the log; nodes may cut long ones short."""

@final
class SlotUpdate:
    """A slot begins."""

    @property
    def slot(self) -> int:
        """The new slot: higher than all notified before."""

    @property
    def parent(self) -> int:
        """The slot it follows."""

    @property
    def root(self) -> int:
        """The last rooted slot."""

@final
class RootUpdate:
    """A slot was rooted."""

    @property
    def root(self) -> int:
        """The rooted slot: higher than all notified before."""

@final
class SlotStageUpdate:
    """Something happened to a slot, as one node saw it (`slotsUpdatesSubscribe`)."""

    @property
    def slot(self) -> int:
        """The slot."""

    @property
    def stage(self) -> str:
        """What happened, by the protocol's name: `firstShredReceived`, `frozen`, `root` ..."""

    @property
    def parent(self) -> int | None:
        """The slot it follows, where that is told."""

    @property
    def timestamp_ms(self) -> int:
        """When it happened by that node's clock, in milliseconds since 1970."""

@final
class SignatureUpdate:
    """A signature was received or reached the commitment asked for."""

    @property
    def signature(self) -> str:
        """The signature, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the notification."""

    @property
    def received(self) -> bool:
        """True for "received by the node", False for the final notification."""

    @property
    def failed(self) -> bool:
        """Whether the transaction failed."""

@final
class EndpointStats:
    """Counters of one endpoint since it was first named.

    `frames` counts frames; `wins`, `duplicates`, `stale`, `held` and `control` count what frames say:
    an answer to `getMultipleAccounts` adds one for every account in it, a batch for every message.
    Times and lags are there only if frames were pushed with their time of arrival.
    """

    @property
    def name(self) -> str:
        """The endpoint's name."""

    @property
    def frames(self) -> int:
        """Frames received."""

    @property
    def wins(self) -> int:
        """News that this endpoint brought; with a quorum what its word made complete."""

    @property
    def duplicates(self) -> int:
        """What had been delivered before."""

    @property
    def stale(self) -> int:
        """What was older than the applied state."""

    @property
    def held(self) -> int:
        """Writes kept back because they were not provably newer, or too few had delivered them."""

    @property
    def not_kept(self) -> int:
        """Writes kept back without their data: `max_kept_bytes` was used up."""

    @property
    def control(self) -> int:
        """Confirmations, refusals and messages of other kinds."""

    @property
    def refusals(self) -> int:
        """Requests that the endpoint refused; part of `control`."""

    @property
    def malformed(self) -> dict[str, int]:
        """Frames refused, by reason; no zeros."""

    @property
    def disconnects(self) -> int:
        """Connections closed."""

    @property
    def disagreements(self) -> int:
        """Last writes of a slot that stand alone against two others: it lost a write, or lies."""

    @property
    def wrong_owners(self) -> int:
        """Owners that it alone named, while two others named the applied one."""

    @property
    def lag_count(self) -> int:
        """Duplicates of which the time behind the first arrival is known."""

    @property
    def lag_p50_ns(self) -> int | None:
        """Half of the lags are not above this, in nanoseconds; at most an eighth too high."""

    @property
    def lag_p90_ns(self) -> int | None:
        """Nine tenths of the lags are not above this, in nanoseconds; at most an eighth too high."""

    @property
    def lag_p99_ns(self) -> int | None:
        """99 of 100 lags are not above this, in nanoseconds; at most an eighth too high."""

    @property
    def lag_max_ns(self) -> int | None:
        """The longest lag, in nanoseconds."""

    @property
    def highest_slot(self) -> int | None:
        """The highest slot it has named; None before the first, and under quarantine."""

    @property
    def last_arrival_ns(self) -> int | None:
        """When its last frame came, in nanoseconds of the caller's clock."""

    @property
    def is_quarantined(self) -> bool:
        """Whether it is under quarantine."""

    @property
    def quarantines(self) -> int:
        """How often it was put there."""

    @property
    def ignored(self) -> int:
        """Frames that came meanwhile and were not looked at."""

@final
class AggregatorStats:
    """Counters of an aggregator or filter."""

    @property
    def endpoints(self) -> list[EndpointStats]:
        """One for each endpoint, in the order in which they were first named."""

    @property
    def accounts(self) -> int:
        """Accounts remembered."""

    @property
    def released(self) -> int:
        """Writes kept back that a disconnect released."""

    @property
    def disputes(self) -> int:
        """Last writes of a slot that differ between two endpoints, one against one."""

    @property
    def highest_slot(self) -> int:
        """The highest slot, as `WssAggregator.highest_slot`: an endpoint's own is behind it."""

@final
class QuarantineLimits:
    """When providers are put under quarantine unasked: when more than this happens in 1,000 of its frames.

    Args:
        malformed: Frames refused; default 100.
        disagreements: Last writes of a slot that stand alone against two others; default 20.
        wrong_owners: Owners that nobody else names; default 3.
        impossible_slots: Slots out of reach; default 3.
    """

    def __new__(
        cls,
        *,
        malformed: int | None = None,
        disagreements: int | None = None,
        wrong_owners: int | None = None,
        impossible_slots: int | None = None,
    ) -> QuarantineLimits: ...
    @property
    def malformed(self) -> int:
        """Frames refused."""

    @property
    def disagreements(self) -> int:
        """Last writes of a slot that stand alone against two others."""

    @property
    def wrong_owners(self) -> int:
        """Owners that nobody else names."""

    @property
    def impossible_slots(self) -> int:
        """Slots out of reach."""

@final
class WssAggregator:
    """Turns frames of several endpoints into one ordered stream of account states.

    Whatever the interleaving: once every endpoint has delivered its last write of an account, the
    state applied last is that write; where every endpoint delivers everything, the states come in
    the chain's order. An endpoint is one connection, given by name, or by the number that `endpoint`
    returned. What stands before the first `/` of its name is its provider: `helius/0` and `helius/http` are
    one voice, wherever voices count.
    An instance may be used from several threads, one at a time gets in.

    Args:
        max_slot_lead: Slots a frame may be ahead of what half of the providers have reached (of the
            highest seen, with fewer than three); default 432,000.
        max_frame_bytes: Longest frame read; default 64 MiB.
        max_accounts: Accounts remembered; default 1,048,576.
        max_pending: Unanswered requests remembered per endpoint; default 4,096.
        max_seen: Messages other than account writes remembered, per provider; default 65,536.
        max_introduced: Accounts remembered that one provider alone has named; default 262,144.
        max_kept_bytes: Bytes of data kept back, per provider; default 64 MiB.
        max_heartbeat_gap: Slots that the heartbeats of a connection may leave out, beyond those that the
            chain skips, before it counts as a gap; default 0. See `freshness`.
        quorum: Providers that have to deliver the same before it counts, 1 to 64; default 1, where
            a lie can win a race.
        quarantine: When providers are put under quarantine unasked; default None: never.

    Raises:
        InvalidInput: `quorum` is out of range.
    """

    def __new__(
        cls,
        *,
        max_slot_lead: int | None = None,
        max_frame_bytes: int | None = None,
        max_accounts: int | None = None,
        max_pending: int | None = None,
        max_seen: int | None = None,
        max_introduced: int | None = None,
        max_kept_bytes: int | None = None,
        max_heartbeat_gap: int | None = None,
        quorum: int | None = None,
        quarantine: QuarantineLimits | None = None,
    ) -> WssAggregator: ...
    def endpoint(self, name: str) -> int:
        """Return the number of the endpoint with this name; register it on first use."""

    def connect(self, endpoint: int | str) -> None:
        """Take notice of a new connection: subscriptions and requests of the old one are void."""

    def request(self, endpoint: int | str, frame: Buffer) -> None:
        """Take notice of an outgoing JSON-RPC request or a batch of them, so that its answer is understood.

        Raises:
            InvalidInput: It cannot be read, or one too many is unanswered.
        """

    def subscribed(self, endpoint: int | str, subscription: int, pubkey: str) -> None:
        """Take notice of a confirmed `accountSubscribe`, without request and confirmation.

        Raises:
            InvalidInput: `pubkey` is no address.
        """

    def push(self, endpoint: int | str, frame: Buffer) -> tuple[_Update, ...]:
        """Return the news in an incoming frame, a message or a batch: empty unless fresh.

        `bytes` and memory views of them from 8 kB on are read in place. Other buffers are copied, since they
        can change meanwhile: about 60 ns for 1.2 kB, less than `bytes(view)` would cost the caller.

        Never raises for what the frame holds: a bad one is counted. Frames of 16 KiB and more
        are read without the GIL; for smaller ones releasing it costs more than it gives.

        Raises:
            InvalidInput: No such endpoint, or `frame` is no byte buffer.
        """

    def push_at(self, endpoint: int | str, frame: Buffer, arrival_ns: int) -> tuple[_Update, ...]:
        """Do what `push` does for a frame that came at `arrival_ns` of your clock.

        Times are for the statistics of lags alone; they decide nothing.

        Raises:
            InvalidInput: As for `push`.
        """

    def push_many(
        self,
        endpoints: bytes | Iterable[int | str],
        frames: Iterable[Buffer],
        arrivals_ns: Iterable[int] | None = None,
    ) -> list[tuple[int, _Update]]:
        """Return the news in many frames, each with the position of its frame.

        The GIL is released while frames are read.

        Args:
            endpoints: One for each frame; `bytes` are taken as numbers.
            frames: In the order of arrival.
            arrivals_ns: When each came, for the statistics of lags.

        Raises:
            InvalidInput: Another number of endpoints than frames, or one that does not exist.
        """

    def disconnect(self, endpoint: int | str) -> tuple[AccountUpdate, ...]:
        """Take notice of the end of a connection; return the kept writes that this releases."""

    def quarantine(self, endpoint: int | str) -> tuple[AccountUpdate, ...]:
        """Take a provider's word away until `release`: its frames are counted and nothing else.

        `endpoint` is any of its connections, those to come included, or the provider by name.
        Return the kept writes that this releases. See `take_doubted` for what it alone had applied.
        """

    def release(self, endpoint: int | str) -> None:
        """Give the provider of an endpoint its word back. Subscribe again, best on new connections."""

    def freshness(self) -> list[ConnectionFreshness]:
        """Return how far each connection has come and what it lost, in the order of their first mention."""

    def take_doubted(self) -> list[str]:
        """Return the accounts whose applied state rests on a provider put under quarantine since.

        Each is returned once: read it again from others.
        """

    @property
    def highest_slot(self) -> int:
        """The highest slot that as many endpoints have reached as `quorum` says; 0 before."""

    def stats(self) -> AggregatorStats:
        """Return a copy of the counters."""

@final
class DuplicateFilter:
    """Says of every frame whether its message has been seen before, whichever endpoint sent it.

    Keeps no order: nothing is stale or held, and addresses are checked for their letters only.
    Arguments as for `WssAggregator`; `max_seen` bounds all messages remembered.
    """

    def __new__(
        cls,
        *,
        max_slot_lead: int | None = None,
        max_frame_bytes: int | None = None,
        max_accounts: int | None = None,
        max_pending: int | None = None,
        max_seen: int | None = None,
    ) -> DuplicateFilter: ...
    def endpoint(self, name: str) -> int:
        """Return the number of the endpoint with this name; register it on first use."""

    def connect(self, endpoint: int | str) -> None:
        """Take notice of a new connection: subscriptions and requests of the old one are void."""

    def disconnect(self, endpoint: int | str) -> None:
        """Take notice of the end of a connection."""

    def request(self, endpoint: int | str, frame: Buffer) -> None:
        """Take notice of an outgoing JSON-RPC request.

        Raises:
            InvalidInput: It cannot be read, or one too many is unanswered.
        """

    def subscribed(self, endpoint: int | str, subscription: int, pubkey: str) -> None:
        """Take notice of a confirmed `accountSubscribe`.

        Raises:
            InvalidInput: `pubkey` is not 32 to 44 base58 letters.
        """

    def push(self, endpoint: int | str, frame: Buffer) -> bool:
        """Return whether the frame says something new.

        Raises:
            InvalidInput: No such endpoint, or `frame` is no byte buffer.
        """

    def push_at(self, endpoint: int | str, frame: Buffer, arrival_ns: int) -> bool:
        """Do what `push` does for a frame that came at `arrival_ns` of your clock.

        Raises:
            InvalidInput: As for `push`.
        """

    def push_many(
        self,
        endpoints: bytes | Iterable[int | str],
        frames: Iterable[Buffer],
        arrivals_ns: Iterable[int] | None = None,
    ) -> list[int]:
        """Return the positions of the frames that say something new, GIL released meanwhile.

        Raises:
            InvalidInput: Another number of endpoints than frames, or one that does not exist.
        """

    def forget(self) -> None:
        """Forget all messages; endpoints, subscriptions and counters stay."""

    def stats(self) -> AggregatorStats:
        """Return a copy of the counters; `stale`, `held` and `released` stay 0."""

_Update: TypeAlias = AccountUpdate | LogUpdate | SlotUpdate | RootUpdate | SlotStageUpdate | SignatureUpdate

# ---- instruction_builder

class TransactionError(PhantomError):
    """No transaction can be made of this.

    Attributes:
        reason: A stable word for why: `route_too_large`, `too_many_account_locks`, `too_many_instructions`,
            `too_many_compute_units`, `duplicate_compute_budget`, `missing_signer`, `needless_signer`, …; None
            if it was not raised by the native module.
        values: What matters, by name: `bytes` and `limit`, `found`, `account`, …
    """

    reason: str | None
    values: dict[str, Any]

@final
class Instruction:
    """One call of a program.

    >>> tip = pay_tip(bytes(32), "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5", 1_000)
    >>> tip.data.hex()
    '02000000e803000000000000'
    """

    def __new__(
        cls, program: AddressLike, accounts: Iterable[tuple[AddressLike, bool, bool]], data: Buffer
    ) -> Self:
        """Return a call of `program` with accounts as (address, is_signer, is_writable).

        Raises:
            InvalidInput: An account is no such tuple, or an address is none.
        """

    @staticmethod
    def from_solders(instruction: object) -> Instruction:
        """Return what a `solders.instruction.Instruction` says."""

    @property
    def program(self) -> Address:
        """The program that is called."""

    @property
    def accounts(self) -> list[tuple[Address, bool, bool]]:
        """Its accounts: address, whether it signs, whether it may be written."""

    @property
    def data(self) -> bytes:
        """What the program is told."""

    def to_solders(self) -> Any:
        """Return it as `solders.instruction.Instruction`.

        Raises:
            ImportError: solders is not installed.
        """

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class LookupTable:
    """An address lookup table: addresses that a transaction can name in one byte."""

    def __new__(cls, address: AddressLike, addresses: Iterable[AddressLike]) -> Self:
        """Return the table at `address` with these addresses, in its order.

        Raises:
            InvalidInput: More than 256 addresses, or one that is none.
        """

    @staticmethod
    def from_account(address: AddressLike, data: Buffer, slot: int | None = None) -> LookupTable:
        """Return the table in an account's bytes.

        Args:
            address: The account.
            data: Its bytes.
            slot: Latest slot known; addresses added in it or later, which cannot be used yet, are left out.

        Raises:
            MarketDataError: `no_lookup_table`, `lookup_table_deactivated`.
        """

    @property
    def address(self) -> Address:
        """The table's own address."""

    @property
    def addresses(self) -> list[Address]:
        """What it holds, in order."""

    def __len__(self) -> int: ...
    def __contains__(self, address: AddressLike, /) -> bool: ...

@final
class Signer:
    """A key pair. Its secret half cannot be read, printed, copied or pickled, and is wiped when dropped."""

    @staticmethod
    def from_bytes(secret: Buffer) -> Signer:
        """Return the key pair in 64 bytes (seed, then public key: a keypair file), or that of a seed of 32.

        Raises:
            InvalidInput: Another length, or the second half is not the public key of the first.
        """

    @property
    def address(self) -> Address:
        """Its public half."""

    def sign(self, message: Buffer) -> bytes:
        """Return the ed25519 signature of `message`, 64 bytes."""

@final
class BuiltTransaction:
    """A signed transaction."""

    @property
    def wire(self) -> bytes:
        """What is sent: signatures and message."""

    @property
    def message(self) -> bytes:
        """What is signed."""

    @property
    def signature(self) -> str:
        """The first signature, base58: the name under which the chain knows it."""

    @property
    def base64(self) -> str:
        """`wire` in base64, as RPC methods take it."""

    @property
    def accounts(self) -> list[tuple[Address, bool, bool]]:
        """Every account it locks: address, whether it signs, whether it may be written.

        In the order of the message's indices, so those looked up in tables come last.
        """

    @property
    def static_accounts(self) -> int:
        """How many of them are spelled out; the others stand in tables."""

    @property
    def tables(self) -> list[Address]:
        """The lookup tables it uses."""

    def to_solders(self) -> Any:
        """Return it as `solders.transaction.VersionedTransaction`.

        Raises:
            ImportError: solders is not installed.
        """

    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

def compile_transaction(
    instructions: Iterable[Instruction],
    signer: Signer,
    blockhash: AddressLike,
    tables: Iterable[LookupTable] | None = None,
    *,
    signers: Iterable[Signer] | None = None,
    max_account_locks: int = 64,
) -> BuiltTransaction:
    """Return the signed transaction (message version 0) of some instructions.

    Every table that holds an address they need is used, in order; `choose_tables` says which are worth it.
    Byte for byte what `solders` makes of the same, but that Jito's tip accounts and a nonce that is advanced
    never stand in a table.

    Args:
        instructions: What it does, in order.
        signer: Who pays and signs first.
        blockhash: A recent blockhash, or the value of the nonce that the first instruction advances.
        tables: Lookup tables.
        signers: Who else has to sign.
        max_account_locks: Accounts it may name at most, 1 to 128; the chain allows 64.

    Raises:
        TransactionError: It cannot be sent as it is; see `reason`.
        InvalidInput: An argument is none of the kind.
    """

def choose_tables(
    instructions: Iterable[Instruction], payer: AddressLike, tables: Sequence[LookupTable]
) -> list[LookupTable]:
    """Return the tables that make the transaction smallest: the best set of up to 8, of more a good one."""

def set_compute_unit_limit(units: int) -> Instruction:
    """Return the instruction that asks for so many compute units, at most 1,400,000."""

def set_compute_unit_price(micro_lamports: int) -> Instruction:
    """Return the instruction that offers so much for each compute unit asked for."""

def set_loaded_accounts_data_size(size: int) -> Instruction:
    """Return the instruction that lowers how many bytes of account data may be loaded."""

def transfer_lamports(source: AddressLike, destination: AddressLike, lamports: int) -> Instruction:
    """Return a transfer of the system program; `source` signs."""

def pay_tip(
    payer: AddressLike, tip_account: AddressLike, lamports: int, dont_front: AddressLike | None = None
) -> Instruction:
    """Return the tip of a bundle.

    Args:
        payer: Who pays, and signs.
        tip_account: One of the block engine's.
        lamports: How much.
        dont_front: An address that begins with `jitodontfront`: named in the transaction, it keeps others
            from being placed in front of it in a bundle.
    """

def associated_token_account(owner: AddressLike, mint: AddressLike, token_program: AddressLike) -> Address:
    """Return the address of the token account of `mint` that belongs to `owner` by derivation."""

def create_token_account(
    payer: AddressLike, owner: AddressLike, mint: AddressLike, token_program: AddressLike
) -> Instruction:
    """Return the instruction that creates the associated token account unless it exists."""

def wrap_sol(
    owner: AddressLike, account: AddressLike, lamports: int, token_program: AddressLike
) -> list[Instruction]:
    """Return the transfer to `account`, which exists, and what makes it count as wrapped SOL."""

def sync_native(account: AddressLike, token_program: AddressLike) -> Instruction:
    """Return the instruction that makes an account of wrapped SOL count the lamports it has received."""

def close_token_account(
    account: AddressLike, destination: AddressLike, owner: AddressLike, token_program: AddressLike
) -> Instruction:
    """Return the instruction that closes a token account and pays its lamports, wrapped SOL too, out."""

def create_nonce_account(
    payer: AddressLike, nonce: AddressLike, authority: AddressLike, lamports: int
) -> list[Instruction]:
    """Return the creation of a nonce account (80 bytes; payer and nonce sign) and its initialisation."""

def advance_nonce(nonce: AddressLike, authority: AddressLike) -> Instruction:
    """Return the first instruction of a transaction whose blockhash is the nonce's value."""

def withdraw_nonce(
    nonce: AddressLike, authority: AddressLike, destination: AddressLike, lamports: int
) -> Instruction:
    """Return the instruction that takes lamports out of a nonce account; all of them close it."""

def create_lookup_table(
    authority: AddressLike, payer: AddressLike, recent_slot: int
) -> tuple[Instruction, Address]:
    """Return the instruction that creates a lookup table, and the table's address.

    `recent_slot` must be one of the last 512 slots that had a block.
    """

def extend_lookup_table(
    table: AddressLike, authority: AddressLike, payer: AddressLike, addresses: Iterable[AddressLike]
) -> Instruction:
    """Return the instruction that appends addresses; `payer` pays the rent of 32 bytes each.

    Raises:
        InvalidInput: None, or more than 256. About 30 fit into one transaction.
    """

def deactivate_lookup_table(table: AddressLike, authority: AddressLike) -> Instruction:
    """Return the instruction that deactivates a table, which is the first step to closing it."""

def close_lookup_table(table: AddressLike, authority: AddressLike, recipient: AddressLike) -> Instruction:
    """Return the instruction that closes a table deactivated more than 512 slots ago."""

# ---- fee engine

@final
class PriceEstimate:
    """A compute unit price and what it rests on."""

    @property
    def price_micro_lamports(self) -> int:
        """What to offer, micro-lamports per compute unit."""
    @property
    def asked_percentile(self) -> float:
        """Percentile that was asked for."""
    @property
    def used_percentile(self) -> float:
        """Percentile that was looked up: congestion and what was learned from attempts included."""
    @property
    def basis(self) -> Literal["account", "blocks", "cold"]:
        """Whose samples decide: one account's, those of whole blocks, or none."""
    @property
    def account(self) -> int | None:
        """Place of the account that decides, among those that were asked for."""
    @property
    def samples(self) -> int:
        """Slots it rests on."""
    @property
    def is_beyond_history(self) -> bool:
        """Whether there are too few slots for the percentile: the price is their greatest."""
    @property
    def is_capped(self) -> bool:
        """Whether `min_price` or `max_price` stands instead of what the samples say."""

@final
class LimitEstimate:
    """A compute unit limit and what it rests on."""

    @property
    def compute_unit_limit(self) -> int:
        """Compute units to ask for, at most 1,400,000."""
    @property
    def learned_units(self) -> int:
        """Sum of the quantiles that are known, without margin."""
    @property
    def basis(self) -> Literal["learned", "cold"]:
        """`cold`: a venue or the overhead is not known well enough, so at least `cold_compute_unit_limit`."""
    @property
    def is_capped(self) -> bool:
        """Whether more than 1,400,000 would be asked for: the transaction may not fit."""

@final
class TipQuote:
    """A tip and what it is set by."""

    @property
    def tip_lamports(self) -> int | None:
        """What to bid; None: the bundle is not worth a bid."""
    @property
    def bound(self) -> Literal["value", "minimum", "share_cap", "cap", "cold", "not_worth_it"]:
        """What sets it: the win curve's optimum, a bound in its way, or the cold tip."""
    @property
    def floor_lamports(self) -> int | None:
        """Smoothed median of landed tips; None if unknown."""
    @property
    def shaded_lamports(self) -> int | None:
        """The win curve's optimum before bounds; None if no tip floor is known."""
    @property
    def cap_lamports(self) -> int:
        """Greatest tip allowed: the lower of the share of the value and `max_tip_lamports`."""
    @property
    def win_probability(self) -> float | None:
        """How often such a tip wins, as far as known."""
    @property
    def is_exploring(self) -> bool:
        """Whether this bid explores a step up or down."""

@final
class FeeEngine:
    """Learns from slots, simulations and own attempts; answers with prices, limits and tips.

    Time is the slot told by `advance`. Money is integer: micro-lamports per compute unit, lamports.

    Args:
        window_slots: Slots that a sample counts for.
        max_lead_slots: Slots that a source may be ahead of `now`.
        quorum: Sources that have to speak of a slot before it counts; their lower median does.
        min_samples: Samples an account needs to be judged by its own.
        max_accounts: Accounts that are remembered.
        max_sample_price: Greatest price of a sample that is believed, micro-lamports per compute unit.
        cold_price: Price while nothing is known, micro-lamports per compute unit.
        min_price: Least price answered.
        max_price: Greatest price answered.
        congested_bps: Fullness from which more than asked for is looked up, 1/10,000.
        learning_bps: Share of what an outcome says that is learned at once, 1/10,000.
        half_life_slots: Slots after which what attempts taught counts half.
        cold_compute_unit_limit: Compute unit limit while nothing is known.
        units_percentile_bps: Percentile of the units used that the limit is built from, 1/10,000.
        units_margin_bps: Margin on top, 1/10,000.
        min_tip_lamports: Least tip; the block engine's own is 1,000.
        max_tip_lamports: Greatest tip.
        max_tip_share_bps: Greatest tip in 1/10,000 of the value.
        cold_tip_lamports: Tip while no tip floor is known.
        floor_weight_bps: Weight of a new tip floor in the average, 1/10,000.
        max_floor_step: Greatest factor between one tip floor and the average that counts in full.
        floor_slots: Slots after which a tip floor is too old.
        explore_every: Every so many bids one explores; 0 for never.
        prior_attempts: Attempts that the tip floor counts for in each step of the win curve.

    Raises:
        InvalidInput: A setting is unknown or out of its range.
    """

    def __new__(
        cls,
        *,
        window_slots: int = 150,
        max_lead_slots: int = 32,
        quorum: int = 1,
        min_samples: int = 20,
        max_accounts: int = 1_024,
        max_sample_price: int = 1_000_000_000_000,
        cold_price: int = 50_000,
        min_price: int = 0,
        max_price: int = 5_000_000,
        congested_bps: int = 9_000,
        learning_bps: int = 200,
        half_life_slots: int = 9_000,
        cold_compute_unit_limit: int = 400_000,
        units_percentile_bps: int = 9_900,
        units_margin_bps: int = 1_000,
        min_tip_lamports: int = 1_000,
        max_tip_lamports: int = 10_000_000,
        max_tip_share_bps: int = 5_000,
        cold_tip_lamports: int = 10_000,
        floor_weight_bps: int = 2_500,
        max_floor_step: int = 4,
        floor_slots: int = 1_500,
        explore_every: int = 32,
        prior_attempts: int = 4,
    ) -> FeeEngine: ...
    @property
    def now(self) -> int:
        """Slot told last; 0 before the first."""
    @property
    def known_accounts(self) -> int:
        """Accounts that have samples of their own."""
    @property
    def fullness(self) -> float | None:
        """Average fullness of the blocks of the last 16 slots, 0 to 1; None if unknown."""
    @property
    def tip_floor(self) -> list[tuple[float, int]] | None:
        """Percentiles of landed tips and their smoothed lamports; None if unknown or too old."""
    def advance(self, slot: int) -> None:
        """Tell which slot the chain has reached.

        Raises:
            InvalidInput: It is before the last one.
        """
    def observe_account(
        self, account: AddressLike, samples: Iterable[tuple[int, int]], source: int | None = None
    ) -> int:
        """Take one source's (slot, least price that landed) of an account; return how many are recent.

        Args:
            account: The account that the transactions locked for writing.
            samples: As `getRecentPrioritizationFees` answers for this account alone.
            source: Whose word it is, 0 (also None) to 7.

        Raises:
            InvalidInput: A slot is too far ahead, or a price absurd; nothing of the answer is taken.
        """
    def observe_block(
        self, slot: int, price_micro_lamports: int, fullness: float | None = None, source: int | None = None
    ) -> bool:
        """Take a block's level of prices and its fullness (0 to 1); return whether it is recent.

        Raises:
            InvalidInput: The slot is too far ahead, the price absurd, or the fullness none.
        """
    def price(self, accounts: Iterable[AddressLike], percentile: float) -> PriceEstimate:
        """Return the price that was enough in that share of the recent slots, for the busiest account.

        An unknown account is judged by whole blocks.

        Args:
            accounts: What the transaction locks for writing.
            percentile: 0.01 to 99.99, rounded to hundredths.

        Raises:
            InvalidInput: The percentile is none, or an address malformed.
        """
    def observe_priority(
        self, *, slot: int, percentile: float, estimated_price: int, paid_price: int, landed: bool
    ) -> bool:
        """Learn from a transaction sent with a priority fee and no tip; return whether it taught anything.

        One that did not pay exactly the estimate teaches nothing.

        Raises:
            InvalidInput: The percentile is none, or the slot in the future.
        """
    def observe_hop(self, venue: str, crossings: int, units: int) -> None:
        """Take the compute units a hop has used in a simulation, having crossed so many ticks or bins.

        A hop with crossings teaches nothing before the venue's first without.

        Raises:
            InvalidInput: The units are none of a transaction, or there are too many venues.
        """
    def observe_overhead(self, units: int) -> None:
        """Take the compute units that a transaction has used besides its hops.

        Raises:
            InvalidInput: The units are none of a transaction.
        """
    def compute_unit_limit(self, hops: Iterable[tuple[str, int]]) -> LimitEstimate:
        """Return the limit to ask for, for hops as (venue, ticks or bins crossed).

        Raises:
            InvalidInput: A hop is no such pair.
        """
    def observe_tip_floor(
        self,
        slot: int,
        landed_tips_sol: tuple[float, float, float, float, float],
        ema_p50_sol: float | None = None,
    ) -> None:
        """Take the tips that landed lately, in SOL: percentiles 25, 50, 75, 95, 99, and the median's average.

        Raises:
            InvalidInput: A tip is NaN, negative or absurd, percentiles fall, or slots go back.
        """
    def tip(self, value_lamports: int, attempt: int) -> TipQuote:
        """Return what to bid for a bundle.

        Args:
            value_lamports: Expected profit after all costs but the tip.
            attempt: Counts bids; every `explore_every`-th explores.
        """
    def observe_tip(self, *, slot: int, tip_lamports: int, landed: bool) -> bool:
        """Learn from a bundle; return whether it taught anything (not without a tip floor).

        Raises:
            InvalidInput: The slot is in the future.
        """

def priority_fee_lamports(price_micro_lamports: int, compute_unit_limit: int) -> int:
    """Return the priority fee in lamports, rounded up as the runtime does; charged on the limit.

    Raises:
        InvalidInput: It does not fit 64 bits.
    """

def price_for_budget(budget_lamports: int, compute_unit_limit: int) -> int:
    """Return the greatest price in micro-lamports whose priority fee does not exceed the budget.

    Raises:
        InvalidInput: The limit is 0.
    """

# ---- strategy expressions and rule files

class CompileError(InvalidInput):
    """A source is not in the strategy language (`docs/STRATEGY_LANGUAGE.md`).

    The text shows line and column, the line itself with a caret, and a hint if a cure is known.

    Attributes:
        line: From 1.
        column: In characters, from 1.
        hint: What may cure it, or None.
    """

    line: int
    column: int
    hint: str | None

class EvaluationRefused(PhantomError):
    """An expression has no value for what it was given.

    Attributes:
        reason: `division_by_zero`, `not_finite`, `overflow` or `warming_up`.
        line: Where the term stands in the source, from 1.
        column: In characters, from 1.
        row: The row of a batch, or None.
    """

    reason: str | None
    line: int | None
    column: int | None
    row: int | None

@final
class Expression:
    """A compiled expression with the state of its indicators; made by `compile_expression`.

    Usable at once, by an interpreter; native code follows from a background thread, usually within a
    millisecond, and takes over between two calls. Both give the same bits. Safe to share among threads;
    one with indicators sees the calls as its ticks, in their order.
    """

    def evaluate(self, values: object = None, /, **fields: float) -> float | int | bool:
        """Return the value for one tick.

        Args:
            values: A tuple or list in the order of the fields (a tuple is the fastest form), a mapping or a
                NumPy record by name, or an object with the fields as attributes.
            **fields: The values by name, instead.

        Returns:
            A bool, a float (always finite) or an int, as `result_type` says.

        Raises:
            EvaluationRefused: The expression has no value: its `reason` says why. No indicator has moved,
                unless the indicators were fine and what is done with them is not.
            InvalidInput: Values are missing, too many, or of a wrong type.
        """

    def __call__(self, *values: float) -> float | int | bool:
        """Return the value for one tick, values in the order of the fields; otherwise as `evaluate`."""

    @overload
    def evaluate_many(
        self, columns: object, *, codes: Literal[False] = False, threads: int | None = None
    ) -> NDArray[Any]: ...
    @overload
    def evaluate_many(
        self, columns: object, *, codes: Literal[True], threads: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int16]]:
        """Return the values of all rows, each row one tick; the GIL is released.

        Args:
            columns: A mapping of names to one-dimensional arrays, or a structured array. Contiguous columns
                of the field's type are read in place, others copied if no value changes by that.
            codes: Whether to return, too, why rows have no value.
            threads: At most so many for large inputs; all cores by default. With indicators always one.

        Returns:
            An array of bool, float64 or int64. A row without a value is False, NaN or 0. With `codes` a
            second array: 0, or the refusal as a negative number (`RuleSet.refusal_names`).

        Raises:
            EvaluationRefused: A row of an int expression has no value, and `codes` were not asked for.
            InvalidInput: A column is missing, or of another length, shape or type.
        """

    @property
    def source(self) -> str:
        """The text that was compiled."""
    @property
    def fields(self) -> dict[str, str]:
        """The fields as they were declared."""
    @property
    def result_type(self) -> Literal["bool", "float", "int"]:
        """The type of the values."""
    @property
    def is_stateful(self) -> bool:
        """Whether there are indicators, so that values depend on the ticks before."""
    @property
    def is_native(self) -> bool:
        """Whether native code is in use."""
    def wait_native(self, timeout: float = 1.0) -> bool:
        """Wait at most `timeout` seconds (up to 3600) for native code; return whether it is in use."""
    def reset(self) -> None:
        """Make the indicators forget everything."""

@final
class Verdict:
    """What a rule file says of one tick; true if it is a go."""

    @property
    def go(self) -> bool:
        """Whether no rule refuses, the verdict is true, and everything has a value."""
    @property
    def reason(self) -> str | None:
        """The `refuse` text of the first rule that is true, `verdict_false`, or why there is no value."""
    @property
    def detail(self) -> str | None:
        """Where in the file there is no value, or None."""
    @property
    def score(self) -> float | None:
        """The score of a go, if the file has one."""
    def __bool__(self) -> bool: ...

@final
class RuleSet:
    """A compiled rule file with the state of its indicators; made by `compile_rules`."""

    def evaluate(self, values: object = None, /, **fields: float) -> Verdict:
        """Judge one tick; values as for `Expression.evaluate`.

        Raises:
            InvalidInput: Values are missing, too many, or of a wrong type.
        """

    def evaluate_many(
        self, columns: object, *, threads: int | None = None
    ) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
        """Judge all rows; columns as for `Expression.evaluate_many`.

        Returns:
            Codes and scores. A code is 0 for a go, `i + 1` if `reasons[i]` refuses, or negative if there is
            no value (`refusal_names`). Scores are NaN where there is none.

        Raises:
            InvalidInput: A column is missing, or of another length, shape or type.
        """

    @property
    def source(self) -> str:
        """The text that was compiled."""
    @property
    def fields(self) -> dict[str, str]:
        """The fields as they were declared."""
    @property
    def reasons(self) -> list[str]:
        """The `refuse` texts in the order of the rules, then `verdict_false`."""
    @property
    def used_fields(self) -> list[str]:
        """The fields that the file reads, in the order of `fields`."""
    @property
    def is_stateful(self) -> bool:
        """Whether the file has indicators: what it says then depends on the ticks before."""
    @property
    def has_verdict(self) -> bool:
        """Whether the file has a verdict."""
    @property
    def has_score(self) -> bool:
        """Whether the file has a score."""
    @property
    def is_native(self) -> bool:
        """Whether native code is in use."""
    def wait_native(self, timeout: float = 1.0) -> bool:
        """Wait at most `timeout` seconds (up to 3600) for native code; return whether it is in use."""
    def reset(self) -> None:
        """Make the indicators forget everything."""
    @staticmethod
    def refusal_names() -> list[tuple[int, str]]:
        """Return the codes of rows without a value, and their names."""

def compile_expression(source: str, fields: Mapping[str, str] | Sequence[str]) -> Expression:
    """Compile one expression.

    Args:
        source: In the language of `docs/STRATEGY_LANGUAGE.md`, at most 64 KiB.
        fields: At most 256 names with type and unit (`"f64"`, `"u64 slots"`, `"i64 lamports"`, `"bool"`),
            or names of floats without a unit. Their order is that of the values in a tuple.

    Raises:
        CompileError: The source is not in the language.
        InvalidInput: A name, type or unit cannot be used.
    """

def compile_rules(
    source: str, fields: Mapping[str, str] | Sequence[str], previous: RuleSet | None = None
) -> RuleSet:
    """Compile the text of a rule file.

    Args:
        source: TOML, at most 64 KiB.
        fields: As for `compile_expression`.
        previous: Rules whose indicators keep what they have seen, where both have the same.

    Raises:
        CompileError: The source is no rule file.
        InvalidInput: A name, type or unit cannot be used.
    """

# ---- network_submitter

_TargetKind: TypeAlias = Literal["jito_bundle", "jito_transaction", "rpc"]

_AnswerKind: TypeAlias = Literal[
    "accepted",
    "connected",
    "rejected",
    "rate_limited",
    "timeout",
    "connect_failed",
    "tls_failed",
    "redirect_refused",
    "too_large",
    "bad_answer",
    "unknown",
    "skipped_rate_limit",
    "skipped_busy",
    "cancelled",
]

TIP_ACCOUNTS: tuple[str, ...]
"""The eight accounts that take tips, base58; ask `NetworkSubmitter.tip_accounts` whether they still are."""

@final
class Target:
    """One region of a block engine, or one RPC endpoint. No form of it shows a secret.

    Args:
        name: Stands for it in answers and messages: 1 to 64 letters, digits or any of -_./
        url: `https://host[:port][/path][?query]`; may hold a key. For a block engine without `/api/v1/…`.
        kind: `sendBundle`, `sendTransaction` of a block engine, or `sendTransaction` of a node.
        auth: Sent as `x-jito-auth`; block engines only.
        requests_per_second: None: 1 for a block engine, no limit for a node. A second's worth may go at once.
        max_in_flight: Requests under way at the same time, 1 to 256.
        timeout_ms: How long one request may take, opening a connection included; 1 to 120,000.
        bundle_only: A block engine's `sendTransaction` as a bundle of one, which costs nothing when it fails.
        http2: Offer HTTP/2; it is used where the server agrees.
        allow_plain_http: Allow `http://` to other hosts than this machine.

    Raises:
        InvalidInput: One of them is not as described; the message repeats neither URL nor secret.
    """

    def __new__(
        cls,
        name: str,
        url: str,
        *,
        kind: _TargetKind = "jito_bundle",
        auth: str | None = None,
        requests_per_second: float | None = None,
        max_in_flight: int = 8,
        timeout_ms: float = 2000.0,
        bundle_only: bool = False,
        http2: bool = True,
        allow_plain_http: bool = False,
    ) -> Target: ...
    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> _TargetKind:
        """What it takes."""

    @property
    def url(self) -> str:
        """Its URL with everything masked that may be a key."""

@final
class Answer:
    """What became of a request at one target."""

    @property
    def target(self) -> str:
        """The target's name."""

    @property
    def kind(self) -> _AnswerKind:
        """What became of it; see docs/DISPATCH.md."""

    @property
    def is_sent(self) -> bool:
        """Whether a byte of the request may have left this machine; if not, it cannot land from here."""

    @property
    def id(self) -> str | None:
        """Signature or bundle id, when accepted. No proof of landing."""

    @property
    def bundle_id(self) -> str | None:
        """The bundle, when accepted: `id`, or what a block engine made of a transaction."""

    @property
    def code(self) -> int | None:
        """JSON-RPC error code."""

    @property
    def message(self) -> str | None:
        """What went wrong: foreign text without secrets, at most 300 characters."""

    @property
    def retry_after_ns(self) -> int | None:
        """When to ask again, nanoseconds from then."""

    @property
    def latency_ns(self) -> int:
        """From the first byte written to the answer; opening a connection included, if one was opened."""

    @property
    def http_status(self) -> int | None:
        """HTTP status."""

@final
class Dispatch:
    """The answers of all targets that were to be asked, in their order."""

    @property
    def answers(self) -> list[Answer]:
        """One per target."""

    @property
    def accepted(self) -> Answer | None:
        """The first answer, in order of the targets, that accepts."""

    @property
    def is_sent(self) -> bool:
        """Whether a byte of it may have left this machine; if not, it cannot land from here."""

    @property
    def elapsed_ns(self) -> int:
        """From the call to the last answer."""

@final
class BundleStatus:
    """A bundle that has landed."""

    @property
    def bundle_id(self) -> str:
        """Its id."""

    @property
    def transactions(self) -> list[str]:
        """Signatures of its transactions, base58."""

    @property
    def slot(self) -> int:
        """Where it landed."""

    @property
    def confirmation_status(self) -> str | None:
        """`processed`, `confirmed` or `finalized`."""

    @property
    def error(self) -> str | None:
        """The error as JSON; None if it succeeded."""

@final
class InflightBundleStatus:
    """A bundle of the last five minutes."""

    @property
    def bundle_id(self) -> str:
        """Its id."""

    @property
    def status(self) -> Literal["Invalid", "Pending", "Failed", "Landed"]:
        """`Invalid`: not known there."""

    @property
    def landed_slot(self) -> int | None:
        """Where it landed."""

@final
class SignatureStatus:
    """What a node knows of a transaction."""

    @property
    def slot(self) -> int:
        """Where it was executed."""

    @property
    def confirmations(self) -> int | None:
        """Blocks on top; None: finalised."""

    @property
    def error(self) -> str | None:
        """The error as JSON; None if it succeeded."""

    @property
    def confirmation_status(self) -> str | None:
        """`processed`, `confirmed` or `finalized`."""

@final
class SignatureStatuses:
    """What a node knows of several transactions."""

    @property
    def context_slot(self) -> int:
        """The slot that the answer is of."""

    @property
    def statuses(self) -> list[SignatureStatus | None]:
        """One per signature; None: not known there."""

@final
class TipAccounts:
    """The accounts that take tips, as a block engine says."""

    @property
    def accounts(self) -> list[str]:
        """Base58."""

    @property
    def are_known(self) -> bool:
        """Whether they are `TIP_ACCOUNTS`, in any order."""

@final
class TargetStats:
    """Counters of one target."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def url(self) -> str:
        """Its URL without secrets."""

    @property
    def kind(self) -> _TargetKind:
        """What it takes."""

    @property
    def is_connected(self) -> bool:
        """A connection stands, as far as known."""

    @property
    def is_http2(self) -> bool:
        """It speaks HTTP/2."""

    @property
    def in_flight(self) -> int:
        """Requests under way."""

    @property
    def connections_opened(self) -> int:
        """Connections opened so far."""

    @property
    def connection_failures(self) -> int:
        """Connections that could not be opened."""

    @property
    def requests(self) -> int:
        """Requests begun."""

    @property
    def requests_on_kept_connection(self) -> int:
        """Requests on a connection that had carried another."""

    @property
    def answers(self) -> dict[str, int]:
        """Answers by kind, those that came."""

@final
class NetworkSubmitter:
    """Sends bundles and transactions to several targets at once, without the GIL.

    Where an HTTP/1.1 connection stands, the request is written before the call returns. Connections are
    opened by `warm` or the first use, and kept from then on. Every method may be called from any thread;
    those that return a future need a running asyncio loop. A forked copy refuses to work.

    Args:
        targets: 1 to 64, in order of preference, each name once.
        extra_roots: Certificates (PEM) trusted besides Mozilla's roots.
        clock: Gives the time of the rate limits, nanoseconds; by default the monotonic clock.
        max_idle_ms: Idle connections older than this are replaced.

    Raises:
        InvalidInput: No targets, a name twice, roots that are no certificates.
    """

    def __new__(
        cls,
        targets: Sequence[Target],
        *,
        extra_roots: bytes | None = None,
        clock: Callable[[], int] | None = None,
        max_idle_ms: float = 45_000.0,
    ) -> NetworkSubmitter: ...
    def submit(
        self,
        transactions: Sequence[bytes],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        first: int | None = None,
        hedge_after_ms: float | None = None,
        min_context_slot: int | None = None,
    ) -> Future[Dispatch]:
        """Send what can be sent at once; return a future of the answers. To cancel it unsends nothing.

        Args:
            transactions: 1 to 5 serialised transactions; more than one only to targets of kind `jito_bundle`.
            targets: Names, in order of preference; None: all.
            deadline_ms: Nothing is sent after it; what is under way then is dropped and reported.
            first: To how many it goes at first; None: to all, or with `hedge_after_ms` to one.
            hedge_after_ms: When it goes to the others if none has accepted; None: when the first have failed.
            min_context_slot: A node refuses the transaction while it is behind that slot.

        Raises:
            InvalidInput: An argument is not as described; nothing is sent.
            DispatchError: The submitter is closed, or another process's; nothing is sent.
            RuntimeError: No asyncio loop runs; nothing is sent.
        """

    def submit_blocking(
        self,
        transactions: Sequence[bytes],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        first: int | None = None,
        hedge_after_ms: float | None = None,
        min_context_slot: int | None = None,
    ) -> Dispatch:
        """Do as `submit` and wait for the answers; needs no loop."""

    def fire(
        self,
        transactions: Sequence[bytes],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        first: int | None = None,
        hedge_after_ms: float | None = None,
        min_context_slot: int | None = None,
    ) -> None:
        """Do as `submit`, for a caller who does not want the answers; needs no loop. `stats` counts them."""

    def warm(self, *, deadline_ms: float = 5000.0) -> Future[Dispatch]:
        """Open a connection to every target, and keep one from then on; answers are `connected` or why not.

        Raises:
            DispatchError: The submitter is closed, or another process's.
        """

    def warm_blocking(self, *, deadline_ms: float = 5000.0) -> Dispatch:
        """Do as `warm` and wait."""

    def bundle_statuses(
        self,
        ids: Sequence[str],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> Future[list[BundleStatus | None]]:
        """Ask for bundles that have landed, 1 to 5 ids; one entry per id, None: not known there.

        One target after the other is asked, the last one first, until one answers: the next when one has
        failed, or after `hedge_after_ms`.

        Raises:
            InvalidInput: An argument is not as described; nothing is asked.
            DispatchError: Nobody has answered (raised by the future), or the submitter is closed.
        """

    def bundle_statuses_blocking(
        self,
        ids: Sequence[str],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> list[BundleStatus | None]:
        """Do as `bundle_statuses` and wait."""

    def inflight_bundle_statuses(
        self,
        ids: Sequence[str],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> Future[list[InflightBundleStatus | None]]:
        """Ask for bundles of the last five minutes, 1 to 5 ids; one entry per id.

        One target after the other is asked, the last one first, until one answers: the next when one has
        failed, or after `hedge_after_ms`.

        Raises:
            InvalidInput: An argument is not as described; nothing is asked.
            DispatchError: Nobody has answered (raised by the future), or the submitter is closed.
        """

    def inflight_bundle_statuses_blocking(
        self,
        ids: Sequence[str],
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> list[InflightBundleStatus | None]:
        """Do as `inflight_bundle_statuses` and wait."""

    def signature_statuses(
        self,
        signatures: Sequence[str],
        *,
        search_history: bool = False,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> Future[SignatureStatuses]:
        """Ask a node for transactions, 1 to 256 signatures; with `search_history` also for old ones.

        One target after the other is asked, the last one first, until one answers: the next when one has
        failed, or after `hedge_after_ms`.

        Raises:
            InvalidInput: An argument is not as described; nothing is asked.
            DispatchError: Nobody has answered (raised by the future), or the submitter is closed.
        """

    def signature_statuses_blocking(
        self,
        signatures: Sequence[str],
        *,
        search_history: bool = False,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> SignatureStatuses:
        """Do as `signature_statuses` and wait."""

    def tip_accounts(
        self,
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> Future[TipAccounts]:
        """Ask for the accounts that take tips.

        One target after the other is asked, the last one first, until one answers: the next when one has
        failed, or after `hedge_after_ms`.

        Raises:
            InvalidInput: An argument is not as described; nothing is asked.
            DispatchError: Nobody has answered (raised by the future), or the submitter is closed.
        """

    def tip_accounts_blocking(
        self,
        *,
        targets: Sequence[str] | None = None,
        deadline_ms: float = 2000.0,
        hedge_after_ms: float | None = None,
    ) -> TipAccounts:
        """Do as `tip_accounts` and wait."""

    def stats(self) -> list[TargetStats]:
        """Return counters of every target."""

    def close(self) -> None:
        """Close all connections and end the thread; what is under way is answered `cancelled`."""

    def __enter__(self) -> NetworkSubmitter: ...
    def __exit__(self, *_exception: object) -> None:
        """Close it."""
