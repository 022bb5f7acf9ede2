"""What a transaction pays, read from its message."""

from __future__ import annotations

from typing import Final

from solders.message import Message, MessageV0

LAMPORTS_PER_SIGNATURE: Final = 5_000
_COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"
_DEFAULT_COMPUTE_UNITS: Final = 200_000
_MAX_COMPUTE_UNITS: Final = 1_400_000


def compute_unit_price(message: Message | MessageV0) -> int:
    """Return the micro-lamports per compute unit that a message offers."""
    return _budget(message)[1]


def compute_unit_limit(message: Message | MessageV0) -> int:
    """Return the compute units that a message asks for."""
    return _budget(message)[0]


def transaction_fee(message: Message | MessageV0) -> int:
    """Return what a transaction pays: per signature, and the priority fee on the units asked for."""
    limit, price = _budget(message)
    return message.header.num_required_signatures * LAMPORTS_PER_SIGNATURE + -(-limit * price // 1_000_000)


def _budget(message: Message | MessageV0) -> tuple[int, int]:
    limit, price, others = None, 0, 0
    for instruction in message.instructions:
        if str(message.account_keys[instruction.program_id_index]) != _COMPUTE_BUDGET:
            others += 1
            continue
        data = bytes(instruction.data)
        if data[:1] == b"\x02":
            limit = int.from_bytes(data[1:5], "little")
        elif data[:1] == b"\x03":
            price = int.from_bytes(data[1:9], "little")
    default = min(others * _DEFAULT_COMPUTE_UNITS, _MAX_COMPUTE_UNITS)
    return (default if limit is None else limit), price
