from typing import Any, final

# ---- errors

class PhantomError(Exception):
    """Base of everything that phantom_core raises."""

class InvalidInput(PhantomError):
    """An argument is malformed: which one, what it holds, what it may hold."""

class MarketDataError(PhantomError):
    """Account data is missing, undecodable or not what it claims to be; the pool is set aside."""

class SwapRefused(PhantomError):
    """The on-chain program would refuse this swap; `name` and `code` are the program's own."""

    name: str
    code: int | None

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

def find_program_address(seeds: list[bytes], program_id: str) -> tuple[str, int]:
    """Return the program-derived address (base58) of `seeds` and its bump.

    Raises:
        InvalidInput: More than 15 seeds, one longer than 32 bytes, or `program_id` is no address.
    """

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
        unix_timestamp: int,
        epoch: int,
    ) -> ConformanceState:
        """Decode a state.

        Args:
            dex: Venue as the file's meta line names it.
            program_id: Program that executed the swaps.
            pool: Address of the pool.
            accounts: (address, owner, data) of every account that existed.
            unix_timestamp: Clock of the swaps, seconds.
            epoch: Epoch of the swaps.

        Raises:
            InvalidInput: An address is malformed.
            MarketDataError: The accounts do not make up a pool of that venue.
        """

    @property
    def is_supported(self) -> bool:
        """Whether swaps of this venue can be quoted."""

    def run(
        self,
        operation: str,
        *,
        amount: int,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: int,
        sqrt_price_limit: int = 0,
    ) -> dict[str, Any] | None:
        """Return what the program does with a swap, in the vector's terms.

        Args:
            operation: Name of the instruction.
            amount: Input if `exact_in`, else output; base units.
            exact_in: Whether `amount` is the input.
            a_to_b: Whether the input is the first token.
            other_amount_threshold: Least output or most input, base units.
            sqrt_price_limit: Q64.64; 0 for none.

        Returns:
            `{"ok": True, "result": {...}}`, `{"ok": False, "error": {"name", "code"}}`, or None if the
            venue is not supported yet.

        Raises:
            InvalidInput: The venue has no such operation.
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
    ) -> dict[str, int]:
        """Return the swap's estimated compute units (`estimate`) and the counted work behind them.

        Raises:
            InvalidInput: The venue has no such operation.
        """
