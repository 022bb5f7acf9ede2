"""Path g: a transaction built, signed and serialised; program-derived addresses.

What the peers hold ready (addresses, key, lookup table) is held ready here too; every instruction is made
anew in each call, as theirs are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phantom_core import (
    Instruction,
    LookupTable,
    Signer,
    compile_transaction,
    find_program_address,
    find_program_addresses,
    pay_tip,
    set_compute_unit_limit,
    set_compute_unit_price,
)


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return the timed call of one work of path g."""
    if work == "build+sign+serialise":
        return _three_swaps(data)
    if work == "PDA, one":
        owner, token, program, mint = data["owner"], data["tok"], data["program"], data["mint"]
        return lambda: find_program_address([owner, token, mint], program)
    if work == "PDA, 10k distinct":
        owner, token, program, mints = data["owner"], data["tok"], data["program"], data["mints"]
        return lambda: find_program_addresses([[owner, token, mint] for mint in mints], program)
    return None


def _three_swaps(data: Any) -> Callable[[], bytes]:
    keys, metas, blockhash = data["keys"], data["metas"], data["blockhash"]
    signer = Signer.from_bytes(data["seed"])
    wallet, tip_account = bytes(signer.address), keys[3]
    tables = [LookupTable(keys[-1], keys[4 : 4 + 3 * metas])]

    def build() -> bytes:
        instructions = [set_compute_unit_limit(400_000), set_compute_unit_price(50_000)]
        for swap in range(3):
            accounts = [(wallet, True, True)]
            first = 4 + swap * metas
            accounts += [(keys[first + i], False, i % 2 == 0) for i in range(metas - 1)]
            amounts = (10**9 + swap).to_bytes(8, "little") + (99 * 10**7).to_bytes(8, "little")
            instructions.append(Instruction(keys[swap], accounts, b"\x09" + amounts))
        instructions.append(pay_tip(wallet, tip_account, 10_000))
        return compile_transaction(instructions, signer, blockhash, tables).wire

    return build
