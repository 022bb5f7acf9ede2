"""PhantomArbiter: finds and executes arbitrage across Solana's decentralised exchanges."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("phantom-arbiter")
except PackageNotFoundError:
    # A source tree that was never installed, as in a type check.
    __version__ = "0+uninstalled"
