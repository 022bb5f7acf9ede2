"""Risk: may this plan go? Pure functions: state in, verdict and new state out; time is slots.

`assess` asks the breakers first, then the limits, and books an accepted plan as at risk; `settle` closes it.
Nothing here reads a clock or a file: the kill switch is a flag that the engine loop hands in. The same plans
and outcomes therefore always give the same verdicts, whatever their arrival times.
"""

from phantom_arbiter.risk.assess import RiskRules, RiskState, assess, settle
from phantom_arbiter.risk.breakers import BreakerRules, BreakerState
from phantom_arbiter.risk.limits import DAY_SLOTS, LimitState, MintLimits, TradeLimits

__all__ = [
    "DAY_SLOTS",
    "BreakerRules",
    "BreakerState",
    "LimitState",
    "MintLimits",
    "RiskRules",
    "RiskState",
    "TradeLimits",
    "assess",
    "settle",
]
