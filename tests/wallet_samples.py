"""Key files, mints and token accounts for tests, and the forms in which a key may leak."""

from __future__ import annotations

import json
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from phantom_arbiter.key_source import KeySource
from svm_chain import WALLET

RENT = (128 + 165) * 6_960


def key(number: int) -> str:
    return str(Pubkey.from_bytes(number.to_bytes(32, "big")))


def raw(address: str) -> bytes:
    return bytes(Pubkey.from_string(address))


def mint_data(*kinds: int) -> bytes:
    """Return a mint, with these extensions if there are any."""
    plain = bytes(36) + (10**12).to_bytes(8, "little") + bytes([6, 1]) + bytes(36)
    if not kinds:
        return plain
    lengths = {1: 108, 3: 32, 9: 0, 12: 32, 14: 64, 18: 64, 26: 33}
    tail = b"".join(
        kind.to_bytes(2, "little") + lengths[kind].to_bytes(2, "little") + bytes(lengths[kind])
        for kind in kinds
    )
    return plain + bytes(165 - 82) + b"\1" + tail


def token_data(
    mint: str, amount: int, *, owner: str = WALLET, state: int = 1, closer: str | None = None
) -> bytes:
    close = bytes(36) if closer is None else (1).to_bytes(4, "little") + raw(closer)
    amounts = amount.to_bytes(8, "little") + bytes(36) + bytes([state]) + bytes(12) + bytes(8)
    return raw(mint) + raw(owner) + amounts + close


def key_file(path: Path, text: str | bytes, mode: int = 0o600) -> KeySource:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return KeySource("file", str(path))


def secrets_of(pair: Keypair) -> list[str]:
    """Return the forms in which a key may leak: whole, and its seed alone."""
    raw = bytes(pair)
    seed = raw[:32]
    arrays = [json.dumps(list(part), separators=(",", gap)) for part in (raw, seed) for gap in ("", " ")]
    arrays = [text.strip("[]") for text in (*arrays, json.dumps(list(raw)), json.dumps(list(seed)))]
    return [str(pair), raw.hex(), seed.hex(), str(Pubkey.from_bytes(seed)), *arrays]
