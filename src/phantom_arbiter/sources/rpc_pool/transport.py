"""One HTTP request: bounded, certificates verified, redirects refused, nothing secret in any error."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from phantom_arbiter.errors import (
    BadAnswer,
    ConfigError,
    EndpointDown,
    EndpointError,
    RateLimited,
    RpcRefused,
    RpcTimeout,
)
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc_pool.wire import denied, error_in

MAX_ERROR_BYTES = 64 << 10
"""Bytes of a failed request's body that are read, for the error in it."""
_CHUNK_BYTES = 256 << 10


class Transport:
    """Posts requests; an asynchronous context manager that holds the connections."""

    def __init__(self, tls: ssl.SSLContext | None = None, max_connections: int = 32) -> None:
        """Verify certificates with `tls`, by default with the machine's authorities."""
        self._tls = tls
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit_per_host=self._max_connections, ssl=True if self._tls is None else self._tls
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self, endpoint: Endpoint, body: bytes, *, timeout_s: float, max_bytes: int, wanted_slot: int | None
    ) -> bytes:
        """Return the body of an answer with status 200.

        Args:
            endpoint: Whom to ask; it has an `http_url`.
            body: The request.
            timeout_s: Seconds until the last byte must have come.
            max_bytes: Longest answer that is read, unpacked.
            wanted_slot: The request's `minContextSlot`, for the message of its refusal.

        Raises:
            EndpointError: No such answer came: one of its kinds.
            ConfigError: The endpoint has no HTTP address, or the transport is not open.
        """
        return await self._exchange("POST", endpoint, body, timeout_s, max_bytes, wanted_slot)

    async def get(self, endpoint: Endpoint, *, timeout_s: float, max_bytes: int) -> bytes:
        """Return what stands at an endpoint's `http_url`; as `post` otherwise.

        Raises:
            EndpointError: No answer with status 200 came: one of its kinds.
            ConfigError: The endpoint has no HTTP address, or the transport is not open.
        """
        return await self._exchange("GET", endpoint, None, timeout_s, max_bytes, None)

    async def _exchange(
        self,
        method: str,
        endpoint: Endpoint,
        body: bytes | None,
        timeout_s: float,
        max_bytes: int,
        wanted_slot: int | None,
    ) -> bytes:
        url = endpoint.http_url
        if url is None or self._session is None:
            raise ConfigError(f"endpoint {endpoint.name} has no http_url, or its connections are closed")
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method,
                    URL(url.without_userinfo, encoded=True),
                    data=body,
                    allow_redirects=False,
                    auth=_auth(url),
                ) as response,
            ):
                if response.status != 200:
                    raise await _failed(response, endpoint, wanted_slot)
                return await _read(response, endpoint, max_bytes)
        except TimeoutError:
            raise RpcTimeout(endpoint.name, f"no answer within {timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            # Their texts may hold the URL: only the kind of error is told, and the cause is cut off.
            raise EndpointDown(endpoint.name, f"{url} {_plain(error)}") from None
        except (OSError, ValueError) as error:
            raise EndpointDown(endpoint.name, f"{url} cannot be asked: {type(error).__name__}") from None


def _auth(url: SecretUrl) -> aiohttp.BasicAuth | None:
    return None if url.userinfo is None else aiohttp.BasicAuth(*url.userinfo)


async def _read(response: aiohttp.ClientResponse, endpoint: Endpoint, max_bytes: int) -> bytes:
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        raise BadAnswer(endpoint.name, f"an answer of {announced} bytes, at most {max_bytes} are read")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise BadAnswer(endpoint.name, f"an answer of more than {max_bytes} bytes")
    return bytes(body)


async def _failed(
    response: aiohttp.ClientResponse, endpoint: Endpoint, wanted_slot: int | None
) -> EndpointError:
    status = response.status
    words = endpoint.scrub(response.reason or "", limit=60)
    text = f"HTTP {status} {words}".rstrip()
    if 300 <= status < 400:
        return RpcRefused(
            endpoint.name,
            f"{text}: redirects are refused, the key would go along",
            code=status,
            hint="configure the address it leads to",
        )
    body = await response.content.read(MAX_ERROR_BYTES)
    if status == 429:
        return RateLimited(
            endpoint.name, text, retry_after_s=retry_after(response.headers.get("Retry-After"))
        )
    if status in (401, 402, 403):
        return denied(endpoint, text, status)
    found = error_in(body, endpoint, wanted_slot)
    if found is not None:
        return found
    if status in (408, 425) or status >= 500:
        return EndpointDown(endpoint.name, text)
    return RpcRefused(endpoint.name, text, code=status)


def retry_after(text: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header means, None without a sensible one."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None


def _plain(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "has no certificate that can be verified"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "cannot be reached: there is no such host"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot be reached: {error.os_error.strerror or 'no connection'}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed the connection"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "broke off in the middle of an answer"
    return f"gave no HTTP answer ({type(error).__name__})"
