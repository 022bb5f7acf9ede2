"""One connection from its first attempt to its last: open, subscribe, watch, come back."""

from __future__ import annotations

import asyncio
import base64
import logging
from functools import partial

from picows import WSUpgradeRequest, WSUpgradeResponse, ws_connect

from phantom_arbiter.clock import within
from phantom_arbiter.errors import InvalidInput
from phantom_arbiter.sources.sink import receiver_of
from phantom_arbiter.sources.ws.backoff import Backoff
from phantom_arbiter.sources.ws.dial import Dial
from phantom_arbiter.sources.ws.events import EventKind
from phantom_arbiter.sources.ws.failures import OPENING_ERRORS, HandshakeError, explain
from phantom_arbiter.sources.ws.inflate import OFFER, WireError, negotiated
from phantom_arbiter.sources.ws.listener import Listener
from phantom_arbiter.sources.ws.settings import SECOND
from phantom_arbiter.sources.ws.shared import ConnectionStats, EndpointShared, Shared, read_answer
from phantom_arbiter.sources.ws.subscriptions import SLOTS, Subscription, SubscriptionBook
from phantom_arbiter.sources.ws.watchdog import Check, Watchdog

REFUSED_BASE_NS = SECOND
REFUSED_CAP_NS = 60 * SECOND
"""Backoff of a subscription that was refused."""

_quiet = logging.getLogger("phantom_arbiter.sources.picows")
_quiet.setLevel(logging.CRITICAL + 1)  # it would log URLs and raw headers; what matters is reported here


class Connection:
    """A place for subscriptions at one endpoint; it keeps a socket open as long as `run` runs."""

    def __init__(self, name: str, at: EndpointShared, shared: Shared) -> None:
        """Prepare connection `name`."""
        settings = shared.settings
        self.name = name
        self._endpoint = at.endpoint
        self._at = at
        self._shared = shared
        self._backoff = Backoff(settings.backoff_base_ns, settings.backoff_cap_ns, shared.random)
        self._book = SubscriptionBook(
            settings.confirm_timeout_ns,
            settings.max_unconfirmed,
            partial(Backoff, REFUSED_BASE_NS, REFUSED_CAP_NS, shared.random),
        )
        self._book.add(SLOTS)
        self._listener: Listener | None = None
        self._is_stopping = False
        self._behind_since_ns: int | None = None
        self._messages = self._opened = self._failures = self._lost = 0
        self._refused = self._unanswered = self._shed = 0
        self._last_trouble = ""
        self._settled = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether it is open now."""
        return self._listener is not None

    # ---- subscriptions

    @property
    def room(self) -> int:
        """How many more subscriptions it may hold."""
        return self._endpoint.max_subscriptions_per_connection - len(self._book)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but the heartbeat."""
        return len(self._book) <= 1

    def add(self, subscription: Subscription) -> None:
        """Subscribe, now or once it is open."""
        self._book.add(subscription)
        self._settled.clear()
        self._pump()
        self._settle()

    def remove(self, subscription: Subscription) -> None:
        """Unsubscribe."""
        number = self._book.remove(subscription)
        if number is not None and self._listener is not None:
            self._send(subscription.cancel(self._book.next_id(), number))
        self._settle()

    async def settled(self) -> None:
        """Wait until every subscription is confirmed."""
        while True:
            await self._settled.wait()
            if self._book.confirmed == len(self._book):
                return
            self._settled.clear()

    # ---- life

    async def run(self) -> None:
        """Keep a socket open until `stop`."""
        clock, settings = self._shared.clock, self._shared.settings
        while not self._is_stopping:
            try:
                listener = await within(clock, settings.connect_timeout_ns, self._open())
            except OPENING_ERRORS as error:
                self._abandon()
                failure = explain(error, self._endpoint, settings)
                self._failures += 1
                delay_ns = self._backoff.delay_ns(failure.least_delay_ns)
                self._report_failure(failure.text, delay_ns)
            except BaseException:
                self._abandon()
                raise
            else:
                opened_ns = clock.now_ns()
                trouble = await self._live(listener)
                if self._is_stopping:
                    return
                self._lost += 1
                if clock.now_ns() - opened_ns >= settings.stable_ns:
                    self._backoff.reset()
                delay_ns = self._backoff.delay_ns()
                self._report_loss(trouble, delay_ns)
            await clock.wait_ns(delay_ns)

    async def stop(self) -> None:
        """End for good, with a closing handshake if there is a socket; the caller then cancels `run`."""
        self._is_stopping = True
        listener = self._listener
        if listener is None:
            return
        listener.begin_closing()
        alarm = asyncio.ensure_future(self._shared.clock.wait_ns(self._shared.settings.close_timeout_ns))
        await asyncio.wait((listener.ended, alarm), return_when=asyncio.FIRST_COMPLETED)
        alarm.cancel()
        listener.end("was closed by us")
        await listener.gone()

    def stats(self) -> ConnectionStats:
        """Return a copy of the counters."""
        listener = self._listener
        return ConnectionStats(
            name=self.name,
            is_open=self.is_open,
            wanted=len(self._book),
            confirmed=self._book.confirmed,
            messages=self._messages + (listener.messages if listener else 0),
            opened=self._opened,
            failures=self._failures,
            lost=self._lost,
            refused=self._refused,
            unanswered=self._unanswered,
            shed=self._shed,
            unread_bytes=listener.unread_bytes() if listener else 0,
            last_trouble=self._last_trouble,
        )

    # ---- opening

    async def _open(self) -> Listener:
        url = self._endpoint.ws_url
        assert url is not None
        headers: dict[str, str] = {}
        if url.userinfo is not None:
            user = base64.b64encode(":".join(url.userinfo).encode()).decode()
            headers["Authorization"] = f"Basic {user}"
        if self._endpoint.compression:
            headers["Sec-WebSocket-Extensions"] = OFFER
        settings = self._shared.settings
        with Dial(settings.receive_buffer_bytes) as dial:
            _, listener = await ws_connect(
                self._new_listener,
                url.without_userinfo,
                ssl_context=self._shared.ssl_context if url.scheme == "wss" else None,
                websocket_handshake_timeout=None,
                logger_name=_quiet,
                enable_auto_pong=False,
                max_frame_size=settings.max_message_bytes,
                extra_headers=headers,
                max_redirects=0,
                socket_factory=dial,
            )
            if listener is None:
                raise HandshakeError("closed the connection during the handshake")
            assert isinstance(listener, Listener)
            return listener

    def _new_listener(self, _: WSUpgradeRequest, response: WSUpgradeResponse) -> Listener:
        """Begin: called between the handshake and the first frame, which may come in the same packet."""
        chosen = response.headers.get("Sec-WebSocket-Extensions")
        if chosen and not self._endpoint.compression:
            raise WireError("the server chose an extension that was not offered")
        max_bytes = self._shared.settings.max_message_bytes
        listener = Listener(
            receive=receiver_of(self._shared.sink, self.name),
            answered=self._on_answer,
            failed=self._on_sink_error,
            detached=self._on_detached,
            inflater=negotiated(chosen, max_bytes),
            max_message_bytes=max_bytes,
        )
        self._book.begin()
        self._shared.sink.connected(self.name)
        self._listener = listener
        return listener

    def _abandon(self) -> None:
        """Let go of a connection that was cut short between handshake and first use."""
        if self._listener is not None:
            self._listener.end("was closed by us")

    # ---- open

    async def _live(self, listener: Listener) -> str:
        """Subscribe and watch until the socket ends; return why."""
        clock, settings = self._shared.clock, self._shared.settings
        self._opened += 1
        self._behind_since_ns = None
        self._at.reported.clear()
        self._settled.clear()
        watchdog = Watchdog(settings, clock.now_ns())
        where = f"{self.name} is connected to {self._endpoint.ws_url}"
        self._shared.report(EventKind.CONNECTED, self._endpoint, where)
        try:
            self._pump()
            while not listener.ended.done():
                tick = asyncio.ensure_future(clock.wait_ns(settings.tick_ns))
                try:
                    await asyncio.wait((listener.ended, tick), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    tick.cancel()
                if not listener.ended.done():
                    self._tick(listener, watchdog)
            return listener.ended.result()
        finally:
            if not self._is_stopping:
                listener.end("was closed by us")
                await listener.gone()

    def _tick(self, listener: Listener, watchdog: Watchdog) -> None:
        now_ns = self._shared.clock.now_ns()
        overdue = self._book.overdue(now_ns)
        if overdue:
            self._unanswered += len(overdue)
            seconds = self._shared.settings.confirm_timeout_ns / SECOND
            first = f"{self.name}: no answer within {seconds:g} s to {overdue[0]}"
            more = f" and {len(overdue) - 1} more" if len(overdue) > 1 else ""
            self._trouble(EventKind.UNANSWERED, f"{first}{more}; asked again")
        self._pump()
        check = watchdog.check(
            now_ns, listener.messages, listener.pongs, expects_slots=self._book.is_confirmed(SLOTS)
        )
        match check:
            case Check.PING:
                listener.ping()
            case Check.SILENT:
                listener.end(f"fell silent: nothing for {watchdog.silence_s(now_ns):.1f} s, not even a pong")
            case Check.STALLED:
                seconds = watchdog.without_message_s(now_ns)
                listener.end(f"stalled: pongs come, but no message for {seconds:.1f} s")
            case Check.FINE:
                self._check_backlog(listener, now_ns)

    def _check_backlog(self, listener: Listener, now_ns: int) -> None:
        """Begin anew if what is unread stays long: it is old by then, and getting older."""
        settings = self._shared.settings
        unread = listener.unread_bytes()
        if unread < settings.behind_bytes:
            self._behind_since_ns = None
            return
        if self._behind_since_ns is None:
            self._behind_since_ns = now_ns
        behind_ns = now_ns - self._behind_since_ns
        if behind_ns >= settings.behind_ns and self._shared.may_shed(now_ns):
            self._shed += 1
            text = f"{unread:,} bytes or more lay unread for {behind_ns / SECOND:.1f} s; they are dropped"
            self._trouble(EventKind.BEHIND, f"{self.name} is behind: {text}, state is to be read anew")
            listener.end("was behind")

    # ---- subscribing

    def _pump(self) -> None:
        """Ask for what is due, as far as the limits allow."""
        listener = self._listener
        if listener is None or self._is_stopping:
            return
        now_ns = self._shared.clock.now_ns()
        while self._book.due(now_ns) is not None and self._at.bucket.take(now_ns):
            number, subscription = self._book.ask(now_ns)
            self._send(subscription.request(number, self._endpoint.commitment))
        listener.awaits_answer = self._book.is_waiting

    def _send(self, request: bytes) -> None:
        listener = self._listener
        if listener is None:
            return
        try:
            self._shared.sink.sent(self.name, request)
        except InvalidInput as error:
            # Whoever orders frames remembers unanswered requests, within bounds. An endpoint that never
            # answers reaches them; a new connection makes them void.
            listener.end(f"leaves too many requests unanswered: {error}")
        except Exception as error:
            self._on_sink_error(error)
        else:
            listener.send(request)

    def _on_answer(self, message: bytes) -> None:
        """Take a message that may be an answer."""
        read = read_answer(message)
        if read is None:
            return
        answer = self._book.answered(*read, self._shared.clock.now_ns())
        if answer is None:
            return
        if answer.refusal is not None:
            self._refused += 1
            text = f"{self.name}: refuses {answer.subscription}: {answer.refusal}; asked again later"
            # All of a kind are refused for one reason: say it once, then at every doubling.
            if self._refused & (self._refused - 1) == 0:
                count = f" ({self._refused} refusals so far)" if self._refused > 1 else ""
                self._trouble(EventKind.REFUSED, f"{text}{count}")
        elif answer.cancel is not None:
            self._send(answer.subscription.cancel(self._book.next_id(), answer.cancel))
        self._pump()
        self._settle()

    def _settle(self) -> None:
        if self._book.confirmed == len(self._book):
            self._settled.set()

    # ---- trouble

    def _on_sink_error(self, error: Exception) -> None:
        self._shared.failed(error)
        if self._listener is not None:
            self._listener.end("was closed by us")

    def _on_detached(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self._messages += listener.messages
            self._settled.clear()
            try:
                self._shared.sink.disconnected(self.name)
            except Exception as error:
                self._shared.failed(error)

    def _report_failure(self, text: str, delay_ns: int) -> None:
        self._last_trouble = self._endpoint.scrub(text)
        if text not in self._at.reported:
            self._at.reported.add(text)
            where = f"endpoint {self._endpoint.name} ({self._endpoint.ws_url})"
            again = f"next try of {self.name} in {delay_ns / SECOND:.1f} s"
            self._shared.report(EventKind.FAILED, self._endpoint, f"{where}: {text}; {again}")

    def _report_loss(self, text: str, delay_ns: int) -> None:
        confirmed, wanted = self._book.confirmed, len(self._book)
        hint = ""
        if confirmed < wanted:
            hint = (
                f"; {confirmed} of {wanted} subscriptions were confirmed, "
                "hint: max_subscriptions_per_connection may be more than it allows"
            )
        again = f"again in {delay_ns / SECOND:.1f} s"
        self._trouble(EventKind.LOST, f"{self.name} {text}; {again}{hint}")

    def _trouble(self, kind: EventKind, text: str) -> None:
        self._last_trouble = self._endpoint.scrub(text)
        self._shared.report(kind, self._endpoint, text)
