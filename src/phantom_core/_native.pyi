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
