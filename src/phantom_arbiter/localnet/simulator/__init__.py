"""A market that moves by real swaps, seeded: the same seed gives the same account writes."""

from phantom_arbiter.localnet.simulator.simulator import Simulator, SimulatorSettings

__all__ = ["Simulator", "SimulatorSettings"]
