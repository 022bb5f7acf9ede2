"""What block engines are asked: do they answer, and are their tip accounts those we know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from phantom_arbiter.doctor.report import Check
from phantom_core import TIP_ACCOUNTS, DispatchError, NetworkSubmitter, Target

TIMEOUT_MS: Final = 5_000.0


async def check_engines(targets: Sequence[Target]) -> list[Check]:
    """Return how the block engines are, asked as a run asks them; none that answers is a failure.

    Raises:
        InvalidInput: They cannot be targets together.
    """
    if not targets:
        return []
    with NetworkSubmitter(targets) as submitter:
        found = list(await asyncio.gather(*(_check(submitter, each.name) for each in targets)))
    if not any(check.state == "ok" for check in found):
        detail = f"none of {len(targets)} block engines answers as it should"
        found.append(
            Check("block_engines", "", "fail", detail, "bundles cannot land: look at [[block_engines]]")
        )
    return found


async def _check(submitter: NetworkSubmitter, name: str) -> Check:
    try:
        told = (await submitter.tip_accounts(targets=[name], deadline_ms=TIMEOUT_MS)).accounts
    except DispatchError as error:
        cure = "look at its URL and auth; another region may answer"
        if "rate_limit" in str(error):
            cure = "lower its requests_per_second, or ask Jito for more"
        return Check("block_engine", name, "warn", str(error), cure)
    strange = sorted(set(told) - set(TIP_ACCOUNTS))
    if strange:
        detail = (
            f"{len(strange)} of its {len(told)} tip accounts are not known here: {', '.join(strange[:2])}"
        )
        cure = "compare with Jito's documentation before tipping through it"
        return Check("block_engine", name, "fail", detail, cure)
    return Check("block_engine", name, "ok", f"answers, all {len(told)} tip accounts are known")


__all__ = ["check_engines"]
