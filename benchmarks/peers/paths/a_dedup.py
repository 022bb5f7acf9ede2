"""Path a: 1000 notifications from three endpoints, parsed and filtered.

The peers keep the first arrival of every (subject, slot, data) in whatever order it comes, and the
workload's addresses are random letters, most of them no address. That is the work of
`DuplicateFilter`; `WssAggregator` would refuse the addresses and hold back what is out of order.

`A_DEDUP_CALL=one` pushes the frames one by one, as a live engine does; the default is one call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import compress, count
from typing import Any

from phantom_core import DuplicateFilter


def get(work: str, data: Any) -> Callable[[], list[int]] | None:
    """Return the filter run over `data["messages"]`: the indices of what is new."""
    if work != "parse+dedup":
        return None
    messages = data["messages"]
    names = {endpoint: str(endpoint) for endpoint, _ in messages}
    filter_ = DuplicateFilter()
    number = {endpoint: filter_.endpoint(name) for endpoint, name in names.items()}
    for (endpoint, subscription), address in data["submap"].items():
        filter_.subscribed(number[endpoint], subscription, address)
    endpoints = bytes(number[endpoint] for endpoint, _ in messages)
    frames = [frame for _, frame in messages]

    def in_one_call() -> list[int]:
        filter_.forget()
        return filter_.push_many(endpoints, frames)

    def one_by_one() -> list[int]:
        filter_.forget()
        return list(compress(count(), map(filter_.push, endpoints, frames)))

    return one_by_one if os.environ.get("A_DEDUP_CALL") == "one" else in_one_call
