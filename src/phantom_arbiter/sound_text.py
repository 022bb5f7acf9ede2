"""Texts that are not UTF-8, such as the name of a file, made fit to be sent and stored."""

from __future__ import annotations

from typing import Any


def sound(value: Any) -> Any:
    """Return plain values with the same texts, in which what UTF-8 cannot hold is written as escapes."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {sound(key): sound(each) for key, each in value.items()}
        case list() | tuple():
            return [sound(each) for each in value]
        case _:
            return value
