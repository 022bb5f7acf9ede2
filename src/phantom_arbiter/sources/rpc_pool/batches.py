"""How the addresses of many accounts are put into requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence


def pack(addresses: Iterable[str], together: Iterable[Sequence[str]], size: int) -> list[list[str]]:
    """Return all addresses once each in batches of at most `size`, groups unbroken where they fit.

    What several groups hold stays with the first of them.
    """
    left = dict.fromkeys(addresses)
    batches: list[list[str]] = [[]]
    groups = ([each for each in dict.fromkeys(group) if each in left] for group in together)
    for group in itertools.chain(groups, ([each] for each in left.copy())):
        unread = [each for each in group if each in left]
        for each in unread:
            del left[each]
        for first in range(0, len(unread), size):
            part = unread[first : first + size]
            if len(batches[-1]) + len(part) > size:
                batches.append([])
            batches[-1] += part
    return [batch for batch in batches if batch]
