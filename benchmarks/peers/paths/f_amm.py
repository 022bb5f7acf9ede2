"""Path f: exact quotes: constant product in columns and one by one, a tick pool, a bin pool.

The tick pool is the suite's own, given to us as the bytes of a Whirlpool and its tick arrays; the bin pool is
the recorded Meteora DLMM pair of the peer's own fixture.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

from phantom_core import Address, Clock, Pool, find_program_address, quote_constant_product

WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ADDRESS = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
TICKS = 88


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return the timed call of one work of path f."""
    if work == "constant product, 1M quotes":
        columns = (data["rx"], data["ry"], data["amount"], data["fee_num"], data["fee_den"])
        return lambda: quote_constant_product(*columns)
    if work == "constant product, one quote per call":
        rows = [(x, y, a, data["fee_num"], data["fee_den"]) for x, y, a in data["quotes"]]
        return lambda: [quote_constant_product(*row) for row in rows]
    if work.startswith("CLMM quote"):
        quote, amount, a_to_b = whirlpool(data["pool"]).quote, data["amount"], data["a_to_b"]
        return lambda: quote(amount, a_to_b=a_to_b)
    if work.startswith("DLMM quote"):
        fixture = data["fixture"]
        quote, amount, a_to_b = pair(fixture).quote, data["amount"], bool(fixture["swapForY"])
        # The peer counts no compute units, and the largest of these swaps empties every bin of the fixture.
        return lambda: quote(amount, a_to_b=a_to_b, partial_fill=True).amount_out
    return None


def whirlpool(spec: dict[str, Any]) -> Pool:
    """Return the suite's tick pool as a Whirlpool with all its tick arrays."""
    spacing, ticks = spec["spacing"], dict(spec["ticks"])
    pool = bytearray(653)
    pool[:8] = bytes.fromhex("3f95d10ce1806309")
    struct.pack_into("<HHHH", pool, 41, spacing, spacing, spec["fee_rate"], 0)
    struct.pack_into("<QQ", pool, 49, spec["liquidity"] % 2**64, spec["liquidity"] >> 64)
    sqrt_price = int(1.0001**0.5 * 2**64)
    struct.pack_into("<QQi", pool, 65, sqrt_price % 2**64, sqrt_price >> 64, spec["tick"])
    for offset, byte in ((101, 1), (133, 3), (181, 2), (213, 4)):
        pool[offset : offset + 32] = bytes([byte]) * 32
    accounts = {}
    for start in range(-4 * TICKS * spacing, 4 * TICKS * spacing, TICKS * spacing):
        array = bytearray(9988)
        array[:8] = bytes.fromhex("4561bdbe6e0742bb")
        struct.pack_into("<i", array, 8, start)
        for index in range(TICKS):
            net = ticks.get(start + index * spacing)
            if net is not None:
                array[12 + 113 * index] = 1
                array[13 + 113 * index : 29 + 113 * index] = net.to_bytes(16, "little", signed=True)
        array[9956:9988] = key(ADDRESS)
        address, _ = find_program_address([b"tick_array", key(ADDRESS), str(start).encode()], WHIRLPOOL)
        accounts[address] = (WHIRLPOOL, bytes(array))
    return Pool(ADDRESS, WHIRLPOOL, bytes(pool), accounts=accounts, assume_plain_mints=True, complete=True)


def pair(fixture: dict[str, Any]) -> Pool:
    """Return the fixture's bin pool; its vaults, which the fixture lacks, hold more than any bin."""
    data = base64.b64decode(fixture["lbPairB64"])
    accounts = {each["pubkey"]: (DLMM, base64.b64decode(each["data"])) for each in fixture["binArraysB64"]}
    clock = Clock(slot=0, epoch=0, unix_timestamp=int(fixture["clockTs"]))
    pool = Pool(fixture["pool"], DLMM, data, accounts=accounts, clock=clock, assume_plain_mints=True)
    vaults = [address for address, what, _ in pool.dependencies if what == "vault"]
    for mint, vault in zip(pool.mints, vaults, strict=True):
        account = bytearray(165)
        account[:32] = key(mint)
        struct.pack_into("<Q", account, 64, 2**62)
        account[108] = 1
        pool.update(vault, TOKEN, bytes(account))
    while pool.missing:
        for address in pool.missing:
            pool.update(address, None)
    return pool


def key(address: str) -> bytes:
    """Return the 32 bytes of an address."""
    return bytes(Address(address))
