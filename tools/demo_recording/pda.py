"""Base58 and program-derived addresses in plain Python: the tool derives a few hundred."""

from hashlib import sha256

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT = {letter: value for value, letter in enumerate(_ALPHABET)}
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
"""The constant of the edwards25519 curve (RFC 8032, section 5.1)."""


def base58_encode(data: bytes) -> str:
    """Return `data` in base58; every leading zero byte is a `1`."""
    value, text = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text: str) -> bytes:
    """Return the 32 bytes of an address.

    Raises:
        ValueError: `text` is no base58 of 32 bytes.
    """
    value = 0
    for letter in text:
        if letter not in _DIGIT:
            raise ValueError(f"`{text}` is not base58")
        value = value * 58 + _DIGIT[letter]
    if value >= 1 << 256:
        raise ValueError(f"`{text}` is longer than 32 bytes")
    return value.to_bytes(32, "big")


def find_program_address(seeds: list[bytes], program: bytes) -> tuple[bytes, int]:
    """Return the first address off the curve and its bump, counting down from 255.

    Raises:
        ValueError: No bump gives one (never seen).
    """
    for bump in range(255, -1, -1):
        material = b"".join([*seeds, bytes([bump]), program, b"ProgramDerivedAddress"])
        address = sha256(material).digest()
        if not _is_on_curve(address):
            return address, bump
    raise ValueError("no bump gives an address off the curve")


def _is_on_curve(point: bytes) -> bool:
    """Whether `point` decompresses: y below 2^255, and x^2 = (y^2 - 1) / (d y^2 + 1) has a root."""
    y = int.from_bytes(point, "little") & (1 << 255) - 1
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return square == 0 or pow(square, (_P - 1) // 2, _P) == 1
