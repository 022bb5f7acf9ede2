"""Why a connection could not be opened, in words for a person, and how long that forbids to try again."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from picows import WSError, WSHandshakeError

from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.ws.inflate import WireError
from phantom_arbiter.sources.ws.settings import SECOND, FeedSettings

MAX_RETRY_AFTER_S = 3_600
BUSY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that time may cure."""


class HandshakeError(Exception):
    """The other side ended the connection before the handshake was complete."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why, and how long to wait at least; 0: as the backoff says."""

    text: str
    least_delay_ns: int = 0


OPENING_ERRORS = (TimeoutError, OSError, WSError, WireError, HandshakeError)
"""What opening a connection may raise; anything else is our bug."""


def explain(error: BaseException, endpoint: Endpoint, settings: FeedSettings) -> Failure:
    """Return what `error`, raised while a connection was opened, means."""
    slow = settings.slow_retry_ns
    match error:
        case WSHandshakeError() if error.response is not None:
            return _answered(error, slow)
        case ssl.SSLCertVerificationError():
            return Failure(f"its TLS certificate is not valid: {error.verify_message}", slow)
        case ssl.SSLError():
            return Failure(f"TLS failed: {endpoint.scrub(error.reason or 'no reason given')}")
        case socket.gaierror():
            return Failure("its host is not known; hint: check ws_url")
        case ConnectionRefusedError():
            return Failure("refuses the connection; hint: check host and port of ws_url")
        case TimeoutError():
            return Failure(f"no handshake within {settings.connect_timeout_ns / SECOND:g} s")
        case WSError():
            return Failure(f"no WebSocket there: {endpoint.scrub(str(error))}", slow)
        case OSError():
            return Failure(f"cannot be reached: {endpoint.scrub(error.strerror or type(error).__name__)}")
        case _:
            return Failure(endpoint.scrub(str(error)))


def _answered(error: WSHandshakeError, slow: int) -> Failure:
    assert error.response is not None
    status = error.response.status
    said = f"answers {int(status)} {status.phrase}"
    if int(status) in (401, 403):
        return Failure(f"{said}; hint: check its key", slow)
    if 300 <= int(status) < 400:
        return Failure(f"{said}: redirects are refused; hint: set ws_url to the final address", slow)
    if int(status) in BUSY_STATUSES:
        asked = error.response.headers.get("Retry-After", "").strip()
        if asked.isdecimal() and len(asked) < 10:
            return Failure(said, min(int(asked), MAX_RETRY_AFTER_S) * SECOND)
        return Failure(said, slow // 4 if int(status) == 429 else 0)
    if int(status) == 101:
        return Failure("its handshake is wrong", slow)
    return Failure(f"{said}; hint: check ws_url", slow)
