"""What block engines are asked: do they answer, and are their tip accounts those we know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from phantom_arbiter.doctor.report import Check
from phantom_arbiter.errors import EndpointError, InvalidInput, RateLimited
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc_pool.wire import decode, encode
from phantom_core import TIP_ACCOUNTS, Address

TIP_ACCOUNTS_PATH: Final = "/api/v1/getTipAccounts"
TIMEOUT_S: Final = 5.0
MAX_BYTES: Final = 16 << 10


class Posts(Protocol):
    """Posts one bounded request, as `Transport` does."""

    async def post(
        self, endpoint: Endpoint, body: bytes, *, timeout_s: float, max_bytes: int, wanted_slot: int | None
    ) -> bytes:
        """Return the body of an answer with status 200."""
        ...


@dataclass(frozen=True, slots=True)
class BlockEngine:
    """A region of a block engine.

    Attributes:
        name: Stands for it in messages.
        url: Its root.
        uuid: What it knows us by, a secret; None if it does not.
    """

    name: str
    url: SecretUrl
    uuid: str | None = None

    def endpoint(self) -> Endpoint:
        """Return where its tip accounts are told; the UUID goes as `uuid=`, which messages mask."""
        base, _, query = self.url.reveal().partition("?")
        words = [word for word in (query, "" if self.uuid is None else f"uuid={self.uuid}") if word]
        tail = f"?{'&'.join(words)}" if words else ""
        return Endpoint(name=self.name, http_url=SecretUrl(f"{base.rstrip('/')}{TIP_ACCOUNTS_PATH}{tail}"))


async def check_engines(posts: Posts, engines: Sequence[BlockEngine]) -> list[Check]:
    """Return how the block engines are; none that answers as it should is a failure."""
    found = list(await asyncio.gather(*(_check(posts, engine) for engine in engines)))
    if engines and not any(check.state == "ok" for check in found):
        detail = f"none of {len(engines)} block engines answers as it should"
        found.append(
            Check("block_engines", "", "fail", detail, "bundles cannot land: look at [[block_engines]]")
        )
    return found


async def _check(posts: Posts, engine: BlockEngine) -> Check:
    try:
        endpoint = engine.endpoint()
        body = await posts.post(
            endpoint,
            encode(1, "getTipAccounts", []),
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
            wanted_slot=None,
        )
        told = _addresses(decode(body, 1, endpoint))
    except RateLimited as error:
        cure = "lower its requests_per_second, or ask Jito for more"
        return Check("block_engine", engine.name, "warn", str(error), cure)
    except (EndpointError, ValueError) as error:
        cure = "look at its URL and auth; another region may answer"
        return Check("block_engine", engine.name, "warn", str(error), cure)
    strange = sorted(told - frozenset(TIP_ACCOUNTS))
    if strange:
        detail = (
            f"{len(strange)} of its {len(told)} tip accounts are not known here: {', '.join(strange[:2])}"
        )
        cure = "compare with Jito's documentation before tipping through it"
        return Check("block_engine", engine.name, "fail", detail, cure)
    return Check("block_engine", engine.name, "ok", f"answers, all {len(told)} tip accounts are known")


def _addresses(result: Any) -> set[str]:
    if not isinstance(result, list) or not 1 <= len(result) <= 64:
        raise ValueError("what it sent is no list of tip accounts")
    try:
        return {str(Address(str(each))) for each in result}
    except (InvalidInput, TypeError):
        raise ValueError("what it sent is no list of tip accounts") from None


__all__ = ["BlockEngine", "check_engines"]
