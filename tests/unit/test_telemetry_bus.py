from itertools import chain, count

from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.domain import Outcome, OutcomeState, Verdict
from phantom_arbiter.engine import Step, Trade
from phantom_arbiter.sources.ws.events import EventKind, FeedEvent
from phantom_arbiter.telemetry.bus import BothWithFeed, Bus, Event, Noticed, Refused, latest
from phantom_arbiter.telemetry.convert import Place, record_of
from phantom_arbiter.telemetry.records import Notice, Refusal
from phantom_arbiter.telemetry.records import Trade as TradeRecord
from shell_fakes import POOL_A, POOL_B, FakeObserver, opportunity, plan, promised

TRADE = Trade(7, plan(), Outcome(OutcomeState.FILLED, None, promised(plan()), 2_000), (), None)
REFUSED = Refused(plan(), Verdict(ok=False, reason="exposure", limit=5, value=9))


@given(st.lists(st.sampled_from(["trade", "refused", "notice", "drain"]), max_size=60))
def test_events_come_out_in_order_and_what_does_not_is_counted(steps: list[str]) -> None:
    bus, numbers = Bus(4), count(1)
    events: dict[str, Event] = {"trade": TRADE, "refused": REFUSED, "notice": Noticed("notice", "words")}
    lanes: dict[str, list[int]] = {name: [] for name in events}
    dropped = 0
    for step in [*steps, "drain"]:
        if step == "drain":
            assert [each.number for each in bus.drain()] == sorted(chain(*lanes.values()))
            lanes = {name: [] for name in events}
        else:
            bus.publish(events[step])
            lanes[step].append(next(numbers))
            dropped += len(lanes[step]) > 4
            lanes[step] = lanes[step][-4:]
        assert bus.dropped == dropped


def test_flood_of_refusals_pushes_no_trade_out() -> None:
    bus = Bus(10)
    bus.publish(TRADE)
    for _ in range(1_000):
        bus.publish(REFUSED)
    drained = bus.drain()
    assert drained[0].event is TRADE
    assert (len(drained), bus.dropped) == (11, 990)
    assert [each.event for each in latest(drained, 1)] == [TRADE, REFUSED]


def test_observers_tell_the_bus_and_the_view() -> None:
    class View(FakeObserver):
        def feed_event(self, event: FeedEvent) -> None:
            self.notices.append(event.text)

    bus, view = Bus(), View()
    both = BothWithFeed(bus, view)
    both.traded(TRADE)
    both.refused(REFUSED.plan, REFUSED.verdict)
    both.notice("words")
    both.feed_event(FeedEvent(EventKind.LOST, "a/0", "a/0 is gone"))
    assert (view.trades, view.refusals) == ([TRADE], [REFUSED.verdict])
    assert view.notices == ["words", "a/0 is gone"]
    assert [each.event for each in bus.drain()][:3] == [TRADE, REFUSED, Noticed("notice", "words")]


def test_records_say_what_happened() -> None:
    bus = Bus(unix_ns=lambda: 5_000_000_000)
    bus.at_ns = lambda: 77
    steps = (Step("ingest", 100, 300), Step("settle", 300, 1_000))
    bus.publish(Trade(7, plan(), TRADE.outcome, steps, "sig"))
    bus.publish(REFUSED)
    bus.publish(FeedEvent(EventKind.GAP, "a/0", "three slots are missing"))
    trade, refusal, notice = (
        record_of(each, Place(each.number, 90), {POOL_A: "orca", POOL_B: "raydium"}.__getitem__)
        for each in bus.drain()
    )
    assert isinstance(trade, TradeRecord)
    assert (trade.seq, trade.at_ns, trade.unix_ms, trade.slot) == (1, 77, 5_000, 100)
    assert (trade.attempt_id, trade.opening_id, trade.signature, trade.state) == (7, 1, "sig", "filled")
    assert trade.venues == ("orca", "raydium")
    assert (trade.amount_in, trade.amount_out, trade.net_profit) == ("1000000000", "1003000000", "2998000")
    assert [(each.stage, each.began_unix_ns, each.duration_ns) for each in trade.spans] == [
        ("ingest", 5_000_000_000 - 900, 200),
        ("settle", 5_000_000_000 - 700, 700),
    ]
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.limit, refusal.value) == ("exposure", "5", "9")
    assert refusal.net_profit == str(opportunity().net_profit)
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.text, notice.seq, notice.slot) == ("gap", "three slots are missing", 3, 90)
