import asyncio

import pytest

from landing_fakes import BOOKED, LAST, FakeChain, expected, facts
from phantom_arbiter.errors import ConfigError, EndpointDown, InvariantError
from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Facts, Phase
from phantom_arbiter.execution.landing import LandingTracker, TrackerRules
from phantom_arbiter.execution.witnesses import MAX_STATUSES, Head


def tracker_of(chain: FakeChain, quorum: int = 1, **rules: int) -> LandingTracker:
    tracker = LandingTracker(chain, TrackerRules(quorum=quorum, **rules))
    tracker.watch(expected(), BOOKED)
    return tracker


def phase(tracker: LandingTracker, signature: str = "sig") -> Phase:
    asyncio.run(tracker.poll())
    return tracker.finding(signature).phase


def test_life_of_a_transaction_that_lands() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], tracker_of(chain)
    assert phase(tracker) is Phase.UNKNOWN
    node.status["sig"] = False
    assert phase(tracker) is Phase.SEEN
    node.status["sig"] = True
    assert phase(tracker) is Phase.SEEN, "confirmed, but its balances are not told yet"
    node.landed["sig"] = facts()
    assert phase(tracker) is Phase.LANDED
    assert tracker.finding("sig").facts == facts()
    assert tracker.waiting() == []
    asked = len(node.asked)
    asyncio.run(tracker.poll())
    assert len(node.asked) == asked, "nothing is asked about what is certain"


def test_status_that_disappears_with_its_fork_is_unknown_again_and_dies() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], tracker_of(chain)
    node.status["sig"] = False
    assert phase(tracker) is Phase.SEEN
    del node.status["sig"]
    assert phase(tracker) is Phase.UNKNOWN
    node.passes()
    assert phase(tracker) is Phase.DEAD


def test_it_may_land_at_its_last_height_and_is_dead_after_it() -> None:
    chain = FakeChain()
    tracker = tracker_of(chain)
    chain.nodes["a"].passes(LAST)
    assert phase(tracker) is Phase.UNKNOWN
    chain.nodes["a"].passes(LAST + 1)
    assert phase(tracker) is Phase.DEAD


def test_last_height_that_was_told_too_low_kills_nothing_while_the_blockhash_is_good() -> None:
    chain = FakeChain()
    tracker = tracker_of(chain)
    chain.nodes["a"].passes()
    chain.nodes["a"].is_blockhash_valid = True
    assert phase(tracker) is Phase.UNKNOWN
    assert "history" not in chain.nodes["a"].asked


def test_questions_that_end_in_a_death_are_asked_in_their_order() -> None:
    chain = FakeChain()
    tracker = tracker_of(chain)
    chain.nodes["a"].passes()
    assert phase(tracker) is Phase.DEAD
    assert chain.nodes["a"].asked == ["head", "statuses", "blockhash", "history"]


def test_what_only_the_history_knows_has_landed() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], tracker_of(chain)
    node.passes(LAST + 5_000)
    node.history["sig"], node.landed["sig"] = True, facts()
    assert phase(tracker) is Phase.LANDED


def test_history_seen_from_before_the_last_height_proves_nothing() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], tracker_of(chain)
    node.passes()
    node.slot = node.head.slot - 1
    assert phase(tracker) is Phase.UNKNOWN
    node.slot = node.head.slot
    assert phase(tracker) is Phase.DEAD


def test_history_that_begins_after_the_booking_proves_nothing_of_long_ago() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], tracker_of(chain, recent_blocks=100)
    node.passes(LAST + 101)
    node.first_slot = BOOKED + 1
    assert phase(tracker) is Phase.UNKNOWN
    node.first_slot = BOOKED
    assert phase(tracker) is Phase.DEAD


def test_one_endpoint_that_hides_a_status_and_lies_about_the_height_kills_nothing() -> None:
    chain = FakeChain(3)
    tracker = tracker_of(chain, quorum=2)
    chain.nodes["a"].passes(LAST + 10_000)
    assert phase(tracker) is Phase.UNKNOWN
    chain.nodes["b"].lands("sig", facts())
    chain.nodes["c"].lands("sig", facts())
    assert phase(tracker) is Phase.LANDED


def test_one_endpoint_that_claims_a_landing_books_nothing() -> None:
    chain = FakeChain(3)
    tracker = tracker_of(chain, quorum=2)
    chain.nodes["a"].lands("sig", facts(gain=10**9))
    assert phase(tracker) is Phase.SEEN
    for name in "bc":
        chain.nodes[name].passes()
    assert phase(tracker) is Phase.DEAD


def test_one_endpoint_that_tells_other_balances_is_outvoted() -> None:
    chain = FakeChain(3)
    tracker = tracker_of(chain, quorum=2)
    chain.nodes["a"].lands("sig", facts(gain=10**9))
    chain.nodes["b"].lands("sig", facts())
    assert phase(tracker) is Phase.SEEN
    chain.nodes["c"].lands("sig", facts())
    assert phase(tracker) is Phase.LANDED
    assert tracker.finding("sig").facts == facts()


def test_endpoint_that_is_down_says_nothing_and_keeps_what_it_said() -> None:
    chain = FakeChain(2)
    tracker = tracker_of(chain, quorum=2)
    chain.nodes["a"].passes()
    chain.nodes["b"].is_down = True
    assert phase(tracker) is Phase.UNKNOWN
    chain.nodes["a"].is_down, chain.nodes["b"].is_down = True, False
    chain.nodes["b"].passes()
    assert phase(tracker) is Phase.DEAD


def test_reasons_of_an_endpoint_that_says_nothing_are_told_once() -> None:
    notices: list[str] = []
    chain = FakeChain(2)
    tracker = LandingTracker(chain, TrackerRules(recent_blocks=100), notice=notices.append)
    tracker.watch(expected(), BOOKED)
    chain.nodes["a"].is_down = True
    chain.nodes["b"].passes(LAST + 101)
    chain.nodes["b"].first_slot = BOOKED + 1
    for _ in range(5):
        asyncio.run(tracker.poll())
    assert notices == [
        "asking what became of transactions: endpoint a: is down",
        "asking what became of transactions: endpoint b: its history begins after slot 1000, at which sig "
        "was booked: it cannot say that it never landed",
    ]


def test_one_question_that_fails_is_told_and_the_others_are_answered() -> None:
    class NoBalances(FakeChain):
        async def transaction(self, endpoint: str, expected: Expected) -> Facts | None:
            raise EndpointDown(endpoint, f"no blocks before {len(self.nodes[endpoint].asked)}")

        async def is_blockhash_valid(self, endpoint: str, blockhash: str, min_slot: int) -> bool:
            raise EndpointDown(endpoint, "no blockhashes")

    notices: list[str] = []
    chain = NoBalances()
    tracker = LandingTracker(chain, notice=notices.append)
    for name in ("sig", "other"):
        tracker.watch(expected(name), BOOKED)
    chain.nodes["a"].passes()
    chain.nodes["a"].lands("sig", facts())
    for _ in range(3):
        asyncio.run(tracker.poll())
    assert [text.partition(": endpoint a: ")[2] for text in notices] == [
        "no blockhashes",
        "no blocks before 2",
    ]
    assert tracker.finding("sig").phase is Phase.SEEN


# ---- durable nonces


def nonce_tracker(chain: FakeChain) -> LandingTracker:
    tracker = LandingTracker(chain, TrackerRules(nonce_margin_slots=150))
    tracker.watch(expected(nonce_account="nonce"), BOOKED)
    return tracker


def test_nonce_that_has_advanced_without_it_is_its_death() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], nonce_tracker(chain)
    node.passes(LAST + 100_000)
    assert phase(tracker) is Phase.UNKNOWN, "no height ends a durable nonce"
    node.nonce = "nonce-2"
    assert phase(tracker) is Phase.DEAD


def test_nonce_that_has_advanced_by_its_own_landing_is_none() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], nonce_tracker(chain)
    node.passes(LAST + 100_000)
    node.nonce, node.history["sig"], node.landed["sig"] = "nonce-2", True, facts()
    assert phase(tracker) is Phase.LANDED


def test_nonce_value_that_is_not_final_yet_is_not_taken_for_one_that_has_passed() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], nonce_tracker(chain)
    node.nonce, node.head, node.slot = "nonce-0", Head(BOOKED + 149, LAST), BOOKED + 200
    assert phase(tracker) is Phase.UNKNOWN
    assert "nonce" not in node.asked


def test_nonce_account_that_is_gone_after_the_margin_is_its_death() -> None:
    chain = FakeChain()
    node, tracker = chain.nodes["a"], nonce_tracker(chain)
    node.nonce, node.head, node.slot = None, Head(BOOKED + 149, LAST), BOOKED + 200
    assert phase(tracker) is Phase.UNKNOWN, "it may not be there yet"
    node.passes(LAST + 100_000)
    assert phase(tracker) is Phase.DEAD


# ---- sending again


def test_same_bytes_are_sent_again_while_nothing_is_known_and_never_after() -> None:
    sent: list[Submission] = []
    chain = FakeChain(2)
    rules = TrackerRules(quorum=2, resend_every_blocks=8)
    tracker = LandingTracker(chain, rules, resend=sent.append)
    tracker.watch(expected(), BOOKED)

    def at(height: int) -> int:
        for node in chain.nodes.values():
            node.head = Head(BOOKED, height)
        asyncio.run(tracker.poll())
        return len(sent)

    assert [at(height) for height in (1_900, 1_907, 1_908, 1_908, 1_916)] == [0, 0, 1, 1, 2]
    assert tracker.sends("sig") == 3
    assert {each.wire for each in sent} == {expected().submission.wire}
    chain.nodes["a"].status["sig"] = False
    assert at(1_930) == 2, "somebody has seen it"
    del chain.nodes["a"].status["sig"]
    assert at(1_930) == 3
    assert at(LAST) == 4
    assert at(LAST + 50) == 4, "it cannot land any more"


def test_one_endpoint_that_runs_ahead_does_not_make_it_send() -> None:
    sent: list[Submission] = []
    chain = FakeChain(2)
    tracker = LandingTracker(chain, TrackerRules(quorum=2), resend=sent.append)
    tracker.watch(expected(), BOOKED)
    asyncio.run(tracker.poll())
    chain.nodes["a"].head = Head(BOOKED, LAST - 1)
    asyncio.run(tracker.poll())
    assert sent == []


def test_a_nonce_that_nobody_advances_is_sent_again_for_150_blocks_only() -> None:
    sent: list[Submission] = []
    chain = FakeChain()
    tracker = LandingTracker(chain, TrackerRules(resend_every_blocks=50), resend=sent.append)
    tracker.watch(expected(nonce_account="nonce"), BOOKED)
    for height in range(LAST, LAST + 10_000, 50):
        chain.nodes["a"].passes(height)
        asyncio.run(tracker.poll())
    assert len(sent) == 3
    assert tracker.waiting() == ["sig"], "it stays at risk"


def test_nothing_is_sent_again_while_nothing_may_be_sent() -> None:
    sent: list[Submission] = []
    may: list[bool] = [False]
    chain = FakeChain()
    tracker = LandingTracker(
        chain, TrackerRules(resend_every_blocks=4), resend=sent.append, may_send=lambda: may[0]
    )
    tracker.watch(expected(), BOOKED)
    for height in range(1_900, 1_940, 4):
        chain.nodes["a"].head = Head(BOOKED, height)
        asyncio.run(tracker.poll())
    assert (sent, tracker.sends("sig")) == ([], 1), "neither sent nor counted"
    may[0] = True
    for height in (1_940, 1_944):
        chain.nodes["a"].head = Head(BOOKED, height)
        asyncio.run(tracker.poll())
    assert (len(sent), tracker.sends("sig")) == (1, 2)


# ---- life


def test_many_signatures_are_asked_about_in_parts() -> None:
    chain = FakeChain()
    tracker = LandingTracker(chain)
    for number in range(MAX_STATUSES + 1):
        tracker.watch(expected(f"sig-{number}"), BOOKED)
    chain.nodes["a"].lands("sig-256", facts())
    assert phase(tracker, "sig-256") is Phase.LANDED
    assert chain.nodes["a"].asked.count("statuses") == 2


def test_it_runs_while_somebody_waits_and_tells_when_it_is_certain() -> None:
    async def main() -> list[str]:
        chain, told, done = FakeChain(2), [], asyncio.Event()

        def certain(signature: str) -> None:
            told.append(signature)
            done.set()

        chain.nodes["b"].is_down = True
        tracker = LandingTracker(chain, on_certain=certain, pause=lambda seconds: asyncio.sleep(0))
        running = asyncio.create_task(tracker.run())
        await asyncio.sleep(0)
        assert chain.nodes["a"].asked == []
        tracker.watch(expected(), BOOKED)
        chain.nodes["a"].lands("sig", facts())
        async with asyncio.timeout(10):
            await done.wait()
        running.cancel()
        return told

    assert asyncio.run(main()) == ["sig"]


def test_quorum_of_more_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 endpoints are to agree"):
        LandingTracker(FakeChain(), TrackerRules(quorum=2))


def test_watching_twice_or_what_cannot_expire_is_our_mistake() -> None:
    tracker = tracker_of(FakeChain())
    with pytest.raises(InvariantError, match="watched already"):
        tracker.watch(expected(), BOOKED)
    for what in (tracker.finding, tracker.sends):
        with pytest.raises(InvariantError, match="not watched"):
            what("other")
    tracker.forget("sig")
    with pytest.raises(InvariantError, match="not watched"):
        tracker.finding("sig")
