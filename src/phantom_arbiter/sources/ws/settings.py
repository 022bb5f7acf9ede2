"""Bounds of a connection's life; all in nanoseconds or bytes."""

from __future__ import annotations

from dataclasses import dataclass

MS = 1_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """How long to wait for what, and how much to hold.

    Attributes:
        connect_timeout_ns: From the first packet to the end of the handshake.
        confirm_timeout_ns: For the answer to a subscription, before it is asked for again.
        max_unconfirmed: Unanswered subscriptions of a connection; more wait their turn.
        idle_ns: Silence after which a ping asks whether anybody is there.
        pong_timeout_ns: For the answer to a ping; a connection without it is dead.
        ping_interval_ns: Pings in spite of traffic: providers close sockets that never send.
        stall_ns: Longest time without any message while slots are subscribed; a slot takes 0.4 s.
        stable_ns: A connection that has lived so long starts the backoff anew.
        backoff_base_ns: Upper end of the first delay; it doubles with every failure.
        backoff_cap_ns: Upper end of the longest delay.
        slow_retry_ns: Least delay after a failure that waiting does not cure: wrong key, wrong URL, redirect.
        close_timeout_ns: For the other side's part of the closing handshake.
        tick_ns: How often timeouts are looked at; adds to each of them.
        max_message_bytes: Largest message; an account of 10 MiB is 14 MB in base64.
        receive_buffer_bytes: Asked of the kernel for each socket: the only queue there is. It bounds what one
            connection can make the loop read at once, and so how long the others wait.
        behind_bytes: Unread bytes from which a connection counts as behind.
        behind_ns: A connection that is behind for so long is closed, and what lay unread with it.
        shed_interval_ns: Least time between two such closings.
        lag_report_ns: A delay of the event loop that is reported.
    """

    connect_timeout_ns: int = 10 * SECOND
    confirm_timeout_ns: int = 10 * SECOND
    max_unconfirmed: int = 64
    idle_ns: int = 5 * SECOND
    pong_timeout_ns: int = 5 * SECOND
    ping_interval_ns: int = 30 * SECOND
    stall_ns: int = 15 * SECOND
    stable_ns: int = 30 * SECOND
    backoff_base_ns: int = 250 * MS
    backoff_cap_ns: int = 15 * SECOND
    slow_retry_ns: int = 60 * SECOND
    close_timeout_ns: int = 2 * SECOND
    tick_ns: int = 250 * MS
    max_message_bytes: int = 16 << 20
    receive_buffer_bytes: int = 512 << 10
    behind_bytes: int = 256 << 10
    behind_ns: int = 5 * SECOND
    shed_interval_ns: int = 10 * SECOND
    lag_report_ns: int = 100 * MS

    @property
    def detection_bound_ns(self) -> int:
        """Longest time a dead connection goes unnoticed."""
        return max(self.idle_ns + self.pong_timeout_ns, self.stall_ns) + 2 * self.tick_ns

    @property
    def reconnect_bound_ns(self) -> int:
        """Longest time from an endpoint's return until it is asked for the subscriptions again.

        Not after an answer that forbids more (wrong key, redirect, 429 with its own time): then it is at most
        twice `slow_retry_ns`, or what the endpoint asked for.
        """
        return self.backoff_cap_ns + 2 * self.connect_timeout_ns
