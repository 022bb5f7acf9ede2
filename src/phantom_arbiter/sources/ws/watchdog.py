"""Tells a living connection from a dead one: pure, its time and counters are given."""

from __future__ import annotations

from enum import Enum, auto

from phantom_arbiter.sources.ws.settings import SECOND, FeedSettings


class Check(Enum):
    """What to do now."""

    FINE = auto()
    PING = auto()
    SILENT = auto()
    """Nothing came, not even an answer to a ping: half open, or the other side hangs."""
    STALLED = auto()
    """Pings are answered, but no message comes although slots are subscribed."""


class Watchdog:
    """Watches one connection from its handshake on."""

    def __init__(self, settings: FeedSettings, now_ns: int) -> None:
        self._settings = settings
        self._messages = 0
        self._pongs = 0
        self._message_ns = self._heard_ns = self._pinged_ns = now_ns
        self._awaits_pong = False

    def check(self, now_ns: int, messages: int, pongs: int, *, expects_slots: bool) -> Check:
        """Return what to do, given how many messages and pongs have come so far.

        Args:
            now_ns: The time.
            messages: Messages received on this connection.
            pongs: Pongs received on it.
            expects_slots: A subscription to slots is confirmed, so silence means trouble.
        """
        if messages != self._messages or pongs != self._pongs:
            if messages != self._messages:
                self._message_ns = now_ns
            self._messages, self._pongs = messages, pongs
            self._heard_ns = now_ns
            self._awaits_pong = False
        if not expects_slots:
            self._message_ns = now_ns
        settings = self._settings
        if self._awaits_pong and now_ns - self._pinged_ns >= settings.pong_timeout_ns:
            return Check.SILENT
        if now_ns - self._message_ns >= settings.stall_ns:
            return Check.STALLED
        is_idle = now_ns - self._heard_ns >= settings.idle_ns and not self._awaits_pong
        # While pings are answered the idle ones are as far apart as the silence they end.
        if is_idle or now_ns - self._pinged_ns >= settings.ping_interval_ns:
            self._pinged_ns = now_ns
            self._awaits_pong = True
            return Check.PING
        return Check.FINE

    def silence_s(self, now_ns: int) -> float:
        """Return the seconds since the last message or pong."""
        return (now_ns - self._heard_ns) / SECOND

    def without_message_s(self, now_ns: int) -> float:
        """Return the seconds since the last message."""
        return (now_ns - self._message_ns) / SECOND
