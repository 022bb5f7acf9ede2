"""Risk: may this plan go? Pure functions: state in, verdict and new state out; time is slots.

`assess` asks the breakers, then what must be true, then the limits, and books an accepted plan as at risk;
`settle` closes it. An attempt whose outcome is unknown stays at risk until it is settled or proven dead.
Nothing here reads a clock or a file: the kill switch, the market's age and second opinions on prices are
facts that the engine loop hands in. The same plans, facts and outcomes therefore always give the same
verdicts. `recall` rebuilds the state from what a journal has of the attempts.
"""

from phantom_arbiter.risk.assess import (
    RiskRules,
    RiskState,
    Settled,
    assess,
    recall,
    roll,
    settle,
    settle_key,
)
from phantom_arbiter.risk.breakers import BreakerRules, BreakerState
from phantom_arbiter.risk.limits import DAY_SLOTS, LimitState, MintLimits, TradeLimits, VenueLimits
from phantom_arbiter.risk.records import NOTHING_KNOWN, Booked, Facts, Reference, Result, booked, result
from phantom_arbiter.risk.sanity import SanityRules

__all__ = [
    "DAY_SLOTS",
    "NOTHING_KNOWN",
    "Booked",
    "BreakerRules",
    "BreakerState",
    "Facts",
    "LimitState",
    "MintLimits",
    "Reference",
    "Result",
    "RiskRules",
    "RiskState",
    "SanityRules",
    "Settled",
    "TradeLimits",
    "VenueLimits",
    "assess",
    "booked",
    "recall",
    "result",
    "roll",
    "settle",
    "settle_key",
]
