"""Coming back in the middle of a busy market, where every moment has a write."""

from base64 import b64encode
from random import Random

import pytest
from sessions import Notification, session

from demo_recording.delivery import Behaviour, Endpoint, Span
from demo_recording.market_day import Account, MarketDay, Write
from phantom_core import Record

MS = 1_000_000
SLOT_MS = 250
KEYS = ["A" * 43, "B" * 43, "C" * 43]
FIRST_SLOT = 1_000


def busy_day() -> MarketDay:
    """Three writes in each of 120 slots of 0.25 s, the first after 10 s; every one is different."""
    accounts = {key: Account("owner", text(key)) for key in KEYS}
    writes = []
    for number in range(360):
        slot, place = divmod(number, 3)
        key = KEYS[(slot + place) % 2 * 2 if place else 1]
        later = [KEYS[(slot + other) % 2 * 2 if other else 1] for other in range(place + 1, 3)]
        at_ns = (10_000 + slot * SLOT_MS + place * 80) * MS
        account = Account("owner", text(number))
        writes.append(Write(FIRST_SLOT + slot, at_ns, key, account, key not in later, False, False))
    return MarketDay(accounts, writes)


def text(value: object) -> str:
    return b64encode(str(value).encode()).decode()


@pytest.mark.parametrize("offset_ms", range(0, 500, 25))
@pytest.mark.parametrize("outage_ms", [40, 333, 5_000])
def test_nothing_is_missed_or_out_of_order_after_coming_back(offset_ms: int, outage_ms: int) -> None:
    day = busy_day()
    start_ns = (15_000 + offset_ms) * MS
    behaviour = Behaviour(30 * MS, 90 * MS, away=Span(start_ns, start_ns + outage_ms * MS))
    events = Endpoint(day, 0, behaviour, Random(offset_ms)).run()
    found = session(Record(event.kind, "rpc-a", event.arrival_ns, event.frame) for event in events)

    assert (found.connections, found.disconnections) == (2, 1)
    read = found.reads[-1]
    true = {key: text(key) for key in KEYS}
    true.update((write.pubkey, write.account.data) for write in day.writes if write.slot <= read.slot)
    assert read.data == true
    after = found.delivered[found.delivered.index(read) + 1 :]
    assert [(n.slot, n.pubkey, n.data) for n in after if isinstance(n, Notification)] == [
        (write.slot, write.pubkey, write.account.data) for write in day.writes if write.slot > read.slot
    ]
