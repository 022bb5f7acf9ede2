"""What every strategy is."""

from typing import Protocol

from phantom_arbiter.domain import Opportunity, Plan


class Strategy(Protocol):
    """Decides what to do with an opportunity.

    A strategy sees frozen values and performs no I/O, so that a replay of one recording gives one journal.
    """

    @property
    def name(self) -> str:
        """Short stable name; it is written into the journal."""
        ...

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Return what to do, or `None` to let it pass."""
