"""Read accounts over HTTP into the same stream as notifications, so that no write falls between them.

Subscribe first, read after it. What the subscription notifies while the read is under way goes into the sink
as it comes; the answer goes into the same sink, and the aggregator behind it keeps the order: an answer of an
older slot than what was notified is stale, one of a newer slot takes its place, and within one slot the rules
of docs/adr/0004 decide. Nothing is kept here.

What has to be made sure of here is that the read is not too old. A subscription tells of every write after
it was taken, so the read must hold all writes before: its slot must be higher than the one in which the node
took the subscription (`floor`, sent as `minContextSlot`). Of the slot itself a node that lags may have less.

An answer is delivered as a connection of its own that opens and ends with it: reads of one endpoint may come
from several nodes and overtake each other, so one must not count as being later than another. Once it has
ended it cannot hold back, within its slot, a write after the read, as an open connection would that notifies
nothing. What it read goes on to count as its provider's word: with a quorum, accounts are read at
several endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from phantom_arbiter.errors import EndpointDown
from phantom_arbiter.sources.endpoints import Commitment
from phantom_arbiter.sources.rpc import Answer, RpcPool
from phantom_arbiter.sources.sink import Sink

MAX_FEED_LEAD = 32
"""Slots by which a feed is believed to be ahead of what HTTP endpoints say: 13 seconds. One that claims more
would otherwise let reads wait for a slot that is never reached."""

OnProgress = Callable[[int, int], None]
OnStage = Callable[[str], OnProgress]
"""Begins a stage of long work; what it gives is told how far the stage is."""


@dataclass(slots=True)
class ReadReport:
    """What was read.

    Attributes:
        accounts: Accounts read, those that do not exist included; copies count once.
        first_slot: Lowest slot of an answer; None if nothing was read.
        last_slot: Highest slot of an answer.
        by_endpoint: Accounts read at each endpoint.
    """

    accounts: int = 0
    first_slot: int | None = None
    last_slot: int | None = None
    by_endpoint: dict[str, int] = field(default_factory=dict)

    def add(self, count: int, answer: Answer) -> None:
        """Count an answer of a batch, which may have several."""
        self.by_endpoint[answer.endpoint] = self.by_endpoint.get(answer.endpoint, 0) + count
        if answer.slot is not None:
            self.first_slot = min(answer.slot, answer.slot if self.first_slot is None else self.first_slot)
            self.last_slot = max(answer.slot, self.last_slot or 0)


def http_connection(endpoint: str) -> str:
    """Return the name under which an endpoint's answers come."""
    return f"{endpoint}/http"


def deliver(sink: Sink, answer: Answer) -> None:
    """Hand an answer over as a connection of its own, all at once."""
    connection = http_connection(answer.endpoint)
    sink.connected(connection)
    sink.sent(connection, answer.request)
    sink.received(connection, answer.body)
    sink.disconnected(connection)


class SnapshotReader:
    """Reads accounts at the best endpoints and delivers the answers to a sink."""

    def __init__(
        self, pool: RpcPool, sink: Sink, *, commitment: Commitment = "processed", quorum: int = 1
    ) -> None:
        """Read from `pool` into `sink`.

        Args:
            pool: Whom to ask.
            sink: Takes the answers.
            commitment: Which state to ask for.
            quorum: Endpoints that have to agree (`trust.quorum`); with more than one, every account is read
                at several (`RpcPool.call_several`).

        Raises:
            ConfigError: The pool has fewer endpoints.
        """
        pool.check_quorum(quorum)
        self.pool = pool
        self._quorum = quorum
        self._sink = sink
        self._commitment = commitment

    async def floor(self, seen_slot: int | None = None) -> int:
        """Return the least slot of a read that leaves no gap to subscriptions confirmed before this call.

        Args:
            seen_slot: Highest slot that the subscribed connections have shown, their heartbeat after the
                confirmation included; None where they show none.

        Raises:
            EndpointDown: No endpoint tells its slot.
        """
        await self.pool.probe()
        reached = self.pool.reached_slot()
        if reached is None:
            names = ", ".join(endpoint.name for endpoint in self.pool.endpoints)
            raise EndpointDown(names, "no slot is known, so no read is known to be recent")
        if seen_slot is not None:
            reached = max(reached, min(seen_slot, reached + MAX_FEED_LEAD))
        return reached + 1

    async def read(
        self,
        addresses: Iterable[str],
        *,
        min_slot: int | None = None,
        together: Iterable[Sequence[str]] = (),
        on_progress: OnProgress | None = None,
    ) -> ReadReport:
        """Read accounts and deliver the answers, with a quorum several for each.

        Args:
            addresses: Whose accounts; each is read once.
            min_slot: Least slot of the answers; see `floor`.
            together: Groups of them that are to hold at one slot, as far as they fit into one request.
            on_progress: Told how many of how many accounts have been delivered.

        Raises:
            EndpointError: Some could not be read, or not at enough endpoints; what was read before has been
                delivered.
            ConfigError: So many endpoints are no longer there.
        """
        wanted = list(dict.fromkeys(addresses))
        report = ReadReport()
        batches = self.pool.accounts_of_several(
            self._quorum, wanted, together=together, min_slot=min_slot, commitment=self._commitment
        )
        async for batch, answers in batches:
            for answer in answers:
                deliver(self._sink, answer)
                report.add(len(batch), answer)
            report.accounts += len(batch)
            if on_progress is not None:
                on_progress(report.accounts, len(wanted))
        return report
