"""What goes wrong at an endpoint, by plan and by seed."""

from phantom_arbiter.localnet.faults.plan import FaultPlan, load_plans

__all__ = ["FaultPlan", "load_plans"]
