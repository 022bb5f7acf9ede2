"""Reads and rewrites little-endian fields of account data by offset."""

from __future__ import annotations


def get(data: bytes | bytearray, offset: int, size: int, signed: bool = False) -> int:
    """Return the integer of `size` bytes at `offset`."""
    return int.from_bytes(data[offset : offset + size], "little", signed=signed)


def u8(data: bytes | bytearray, offset: int) -> int:
    return data[offset]


def u16(data: bytes | bytearray, offset: int) -> int:
    return get(data, offset, 2)


def u32(data: bytes | bytearray, offset: int) -> int:
    return get(data, offset, 4)


def i32(data: bytes | bytearray, offset: int) -> int:
    return get(data, offset, 4, signed=True)


def u64(data: bytes | bytearray, offset: int) -> int:
    return get(data, offset, 8)


def u128(data: bytes | bytearray, offset: int) -> int:
    return get(data, offset, 16)


def put(data: bytes | bytearray, offset: int, size: int, value: int) -> bytes:
    """Return `data` with the integer of `size` bytes at `offset` replaced; negatives in two's complement."""
    written = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(data[:offset]) + written + bytes(data[offset + size :])


def arguments(*values: tuple[int, int]) -> bytes:
    """Return the concatenation of (value, size) pairs, as instruction data holds them."""
    return b"".join(value.to_bytes(size, "little") for value, size in values)
