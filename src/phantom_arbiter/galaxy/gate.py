"""Who may ask: stands before the whole application, WebSockets included, and says no in one sentence.

In this order: the Host header must name this dashboard (a page of somebody else whose name suddenly means
127.0.0.1, "DNS rebinding", says its own); a token, where one is needed; an Origin that is ours for
WebSockets, for /api/ and /metrics, and for anything that could change something; a bounded body. Every
answer bears the headers that keep a browser from doing more with it than showing it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phantom_arbiter.galaxy.tokens import Allowance, is_same

MAX_BODY = 4_096
SESSION_COOKIE = "phantom-session"
OPEN_PATHS = frozenset({"/healthz"})
"""What is answered without a token: it says nothing but that somebody listens."""

SAFE_METHODS = frozenset({"GET", "HEAD"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[a-z0-9._-]{0,252})))(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

Headers = Sequence[tuple[bytes, bytes]]


class Refused(Exception):  # noqa: N818 - as `RpcRefused`
    """The answer is no: HTTP status and why."""

    def __init__(self, status: int, why: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, headers


@dataclass(frozen=True, slots=True)
class Access:
    """What the gate lets through.

    Attributes:
        hosts: Names and addresses that this dashboard goes by, in lower case.
        token: What must be shown; None where everybody on this machine may look.
        session: What a browser gets for the token, as a cookie; made at start.
        port: Own port; part of the cookie's name, since cookies do not tell ports apart.
        is_made_up: The token is 256 random bits, none that somebody chose.
    """

    hosts: frozenset[str]
    token: str | None
    session: str
    port: int
    is_made_up: bool = False

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return f"{SESSION_COOKIE}-{self.port}"


class Gate:
    """See the module.

    Args:
        app: What stands behind.
        access: Who may pass.
        failures: How often a wrong token may be tried, by address.
    """

    def __init__(self, app: ASGIApp, access: Access, failures: Allowance) -> None:
        self._app, self._access, self._failures = app, access, failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = b"localhost"
        try:
            host = self._host(scope)
            self._is_not_forwarded(scope["headers"])
            answer = self._token(scope)
            if answer is not None:
                raise answer
            self._origin(scope, host)
            _length(scope["headers"])
        except Refused as refused:
            await _refuse(scope, send, refused, host)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_security(message.get("headers", ()), host)
            elif message["type"] == "websocket.http.response.start":
                message["headers"] = _with_security(_without_length(message.get("headers", ())), host)
            await send(message)

        await self._app(scope, receive, guarded)

    def _host(self, scope: Scope) -> bytes:
        given: list[bytes] = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            raise Refused(400, "a request names one Host")
        found = _AUTHORITY.fullmatch(given[0].decode("latin-1").lower())
        if found is None:
            raise Refused(400, "the Host of this request is none")
        address, name, _ = found.groups()
        if (address or name.rstrip(".")) not in self._access.hosts and not _is_own(
            address or name, scope.get("server")
        ):
            raise Refused(
                421, "this dashboard does not go by that name; hint: add it to dashboard.allowed_hosts"
            )
        return given[0].lower()

    def _is_not_forwarded(self, headers: Headers) -> None:
        if self._access.token is None and any(name in FORWARDED for name, _ in headers):
            raise Refused(
                403, "asked through a reverse proxy, which needs a token; hint: set dashboard.token"
            )

    def _token(self, scope: Scope) -> Refused | None:
        """Return what is to be answered instead; None if the request may pass."""
        expected = self._access.token
        if expected is None or scope["path"] in OPEN_PATHS:
            return None
        if self._has_cookie(scope["headers"]):
            return self._without_token_in_url(scope, None)
        bearer, query = _bearer(scope["headers"]), _query_token(scope["query_string"])
        given = bearer if bearer is not None else query
        if given is None:
            return Refused(
                401,
                "this dashboard asks for a token; hint: open the address that it printed when it started",
                ((b"www-authenticate", b"Bearer"),),
            )
        client = (scope.get("client") or ("",))[0]
        is_right = is_same(given, expected)
        # Of 256 random bits none is guessed: nobody who shares an address locks the owner out.
        if not (is_right and self._access.is_made_up) and not self._failures.is_left(client):
            return Refused(429, "too many wrong tokens, wait a minute", ((b"retry-after", b"60"),))
        if not is_right:
            self._failures.take(client)
            return Refused(401, "wrong token", ((b"www-authenticate", b"Bearer"),))
        return None if bearer is not None else self._without_token_in_url(scope, self._access.session)

    def _has_cookie(self, headers: Headers) -> bool:
        for name, value in headers:
            if name != b"cookie":
                continue
            # By hand: what `SimpleCookie` does not understand of one cookie takes all after it away.
            for part in value.decode("latin-1").split(";"):
                key, _, given = part.strip().partition("=")
                if key == self._access.cookie and is_same(given, self._access.session):
                    return True
        return False

    def _without_token_in_url(self, scope: Scope, session: str | None) -> Refused | None:
        """Return the redirection that takes the token out of the address, if it is there."""
        if scope["type"] != "http" or _query_token(scope["query_string"]) is None:
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in pairs if name != "token"])
        # A single leading slash: `//host` would be another host.
        path = "/" + scope.get("raw_path", b"/").decode("latin-1").partition("?")[0].lstrip("/\\")
        if not re.fullmatch(r"[!-~]*", path):
            path = "/"
        headers = [(b"location", f"{path}{'?' if rest else ''}{rest}".encode("latin-1"))]
        if session is not None:
            cookie = f"{self._access.cookie}={session}; Path=/; HttpOnly; SameSite=Strict"
            headers.append((b"set-cookie", cookie.encode()))
        return Refused(303, "the token has been taken out of the address", tuple(headers))

    def _origin(self, scope: Scope, host: bytes) -> None:
        """Refuse what another site's page asks for; who sends no Origin is no browser."""
        is_socket = scope["type"] == "websocket"
        # Answers are work, for the run too: only pages and their files may be linked to from elsewhere.
        is_asking = scope["path"].startswith("/api/") or scope["path"] == "/metrics"
        if not is_socket and not is_asking and scope["method"] in SAFE_METHODS:
            return
        headers = scope["headers"]
        for value in (value for name, value in headers if name == b"sec-fetch-site"):
            if value not in (b"same-origin", b"none"):
                raise Refused(403, "asked by a page of another site")
        for value in (value for name, value in headers if name == b"origin"):
            found = _ORIGIN.fullmatch(value.decode("latin-1").lower())
            if found is None or _bare(found[2], found[1]) != _bare(host.decode("latin-1"), found[1]):
                raise Refused(403, "asked by a page of another site")


def _is_own(name: str, server: Sequence[object] | None) -> bool:
    """Return whether `name` is the address at which the request arrived: no name, so no rebinding."""
    try:
        return server is not None and ipaddress.ip_address(name) == ipaddress.ip_address(str(server[0]))
    except ValueError:
        return False


def _bare(authority: str, scheme: str) -> str:
    return authority.removesuffix(f":{_DEFAULT_PORTS[scheme]}")


def _bearer(headers: Headers) -> str | None:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return token.strip()
    return None


def _query_token(query: bytes) -> str | None:
    if b"token=" not in query:
        return None
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name == "token":
            return value
    return None


def _length(headers: Headers) -> None:
    for name, value in headers:
        if name == b"content-length" and (not value.isdigit() or len(value) > 10 or int(value) > MAX_BODY):
            raise Refused(413, f"a request has at most {MAX_BODY} bytes")


def security_headers(host: bytes) -> list[tuple[bytes, bytes]]:
    """Return what every answer bears; `host` has been checked."""
    policy = (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self' ws://%b wss://%b; font-src 'self'; worker-src 'self'; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'" % (host, host)
    )
    return [
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]


def _with_security(headers: Iterable[tuple[bytes, bytes]], host: bytes) -> list[tuple[bytes, bytes]]:
    own = list(headers)
    if not any(name.lower() == b"cache-control" for name, _ in own):
        own.append((b"cache-control", b"no-store"))
    return own + security_headers(host)


def _without_length(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Leave Content-Length out: uvicorn adds it to a refused handshake, some versions a second time."""
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]


async def _refuse(scope: Scope, send: Send, refused: Refused, host: bytes) -> None:
    body = msgspec.json.encode({"error": refused.why})
    headers = [(b"content-type", b"application/json"), *refused.headers]
    kind = "websocket.http"
    if scope["type"] == "http":
        kind = "http"
        headers.append((b"content-length", b"%d" % len(body)))
    await send(
        {
            "type": f"{kind}.response.start",
            "status": refused.status,
            "headers": _with_security(headers, host),
        }
    )
    await send({"type": f"{kind}.response.body", "body": body})
