"""Deduplication, negative cycles and scoring as a Python user would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence


def fresh_frames(frames: Sequence[tuple[int, bytes]], pubkeys: dict[tuple[int, int], str]) -> list[int]:
    """Return the indices of frames that are news: parse the JSON, keep a set of identities."""
    seen: set[tuple[str, int, int]] = set()
    fresh = []
    for i, (endpoint, frame) in enumerate(frames):
        params = json.loads(frame)["params"]
        result = params["result"]
        identity = (
            pubkeys[endpoint, params["subscription"]],
            result["context"]["slot"],
            hash(result["value"]["data"][0]),
        )
        if identity not in seen:
            seen.add(identity)
            fresh.append(i)
    return fresh


def negative_cycle(nodes: int, edges: Sequence[tuple[int, int, float]]) -> list[int] | None:
    """Return a negative cycle's nodes in order, by Bellman-Ford with early exit."""
    distance = [0.0] * nodes
    before = [-1] * nodes
    last = -1
    for _ in range(nodes):
        last = -1
        for source, target, weight in edges:
            reached = distance[source] + weight
            if reached < distance[target] - 1e-12:
                distance[target] = reached
                before[target] = source
                last = target
        if last < 0:
            return None
    for _ in range(nodes):
        last = before[last]
    cycle = [last]
    node = before[last]
    while node != last:
        cycle.append(node)
        node = before[node]
    return cycle[::-1]


def score(
    amount_in: int, gross_profit: int, cost: int, min_net_profit: int, age_slots: int, min_net_bps: float
) -> list[str]:
    """Return the reasons against a candidate."""
    reasons = []
    net = gross_profit - cost
    if age_slots > 8:
        reasons.append("stale")
    if net <= 0:
        reasons.append("costs_exceed_profit")
    if net < min_net_profit:
        reasons.append("below_min_profit")
    if net * 1e4 / amount_in < min_net_bps:
        reasons.append("below_min_bps")
    return reasons
