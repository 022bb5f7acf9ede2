"""One Raydium AMM v4 pool as frames of JSON-RPC, for tests of what an engine makes of them."""

from __future__ import annotations

import base64
import json

SOL = "So11111111111111111111111111111111111111112"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
AMM_V4 = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
POOL = "8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj"
VAULTS = ("9wFFyRfZBsuAha4YcuxcXLKwMxJR43S7fPfQLusDBzvT", "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN")
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def key_bytes(address: str) -> bytes:
    number = 0
    for letter in address:
        number = number * 58 + ALPHABET.index(letter)
    return number.to_bytes(32, "big")


def pool_data() -> bytes:
    data = bytearray(752)
    fields = {0: 6, 176: 25, 184: 10_000}
    for offset, value in fields.items():
        data[offset : offset + 8] = value.to_bytes(8, "little")
    for offset, address in {336: VAULTS[0], 368: VAULTS[1], 400: SOL, 432: MINT}.items():
        data[offset : offset + 32] = key_bytes(address)
    return bytes(data)


def vault_data(mint: str, amount: int) -> bytes:
    data = bytearray(165)
    data[:32] = key_bytes(mint)
    data[64:72] = amount.to_bytes(8, "little")
    data[108] = 1
    return bytes(data)


def account(owner: str, data: bytes) -> dict[str, object]:
    text = base64.b64encode(data).decode()
    return {"lamports": 1, "data": [text, "base64"], "owner": owner, "executable": False, "rentEpoch": 0}


def heartbeat(slot: int) -> bytes:
    result = {"slot": slot, "parent": slot - 1, "root": slot - 32}
    params = {"result": result, "subscription": 1}
    return json.dumps({"jsonrpc": "2.0", "method": "slotNotification", "params": params}).encode()
