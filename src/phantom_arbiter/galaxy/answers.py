"""Small things that every answer of the API shares."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_NUMBER = re.compile(r"[0-9]{1,18}")


class Sorry(Exception):  # noqa: N818 - it is an answer
    """An answer in words: HTTP status and one sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def json_answer(content: Any, status: int = 200) -> Response:
    """Return `content` as JSON."""
    return json_bytes(msgspec.json.encode(content), status)


def json_bytes(body: bytes, status: int = 200) -> Response:
    """Return JSON that is already text."""
    return Response(body, status_code=status, media_type="application/json")


def sorry_answer(status: int, why: str) -> Response:
    """Return an error."""
    return json_answer({"error": why}, status)


def number(request: Request, name: str, default: int | None = None, *, least: int = 0, most: int) -> int:
    """Return a number from the query.

    Raises:
        Sorry: It is missing and has no default, or it is none, or out of bounds.
    """
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    return checked_number(name, text or "", least=least, most=most)


def checked_number(name: str, text: str, *, least: int = 0, most: int) -> int:
    """Return `text` as a number.

    Raises:
        Sorry: It is none, or out of bounds.
    """
    if not _NUMBER.fullmatch(text) or not text.isascii() or not least <= int(text) <= most:
        raise Sorry(400, f"{name} is a number from {least} to {most}")
    return int(text)
