"""A small bank and how tests ask it: shared by the tests of the local net's HTTP methods."""

from __future__ import annotations

import json
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from phantom_arbiter.localnet.accounts import TOKEN_PROGRAM, AccountState, rent_exempt_minimum
from phantom_arbiter.localnet.bank import Bank, BankSettings
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.rpc.view import View

FIRST = 1_000
PAYER = Keypair.from_seed(bytes([1]) * 32)
PAYEE = Keypair.from_seed(bytes([2]) * 32).pubkey()
MINT, HOLDER = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (7, 8))
OWNER, PROGRAM = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (9, 10))
NOBODY = str(Pubkey.from_bytes(bytes([99]) * 32))


def mint_data(decimals: int, supply: int) -> bytes:
    return bytes(36) + supply.to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)


def holder_data(amount: int) -> bytes:
    return bytes([7]) * 32 + bytes([9]) * 32 + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)


def small_view() -> View:
    """Return a bank with a payer, a mint, a token account and a program's account."""
    bank = Bank(BankSettings(first_slot=FIRST))
    bank.load(str(PAYER.pubkey()), AccountState("1" * 32, 10**9, b""))
    bank.load(MINT, AccountState(TOKEN_PROGRAM, rent_exempt_minimum(82), mint_data(6, 10**12)))
    bank.load(HOLDER, AccountState(TOKEN_PROGRAM, rent_exempt_minimum(165), holder_data(1_500_000)))
    bank.load(OWNER, AccountState(PROGRAM, 5, bytes(range(200))))
    return View(bank, Machine(bank))


def ask(view: View, method: str, *params: Any) -> Any:
    """Return what stands in `result`."""
    answer = raw(view, {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)})
    assert "error" not in answer, answer
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == 7
    return answer["result"]


def refusal(view: View, method: str, *params: Any) -> dict[str, Any]:
    """Return what stands in `error`."""
    error: dict[str, Any] = raw(view, {"id": 1, "method": method, "params": list(params)})["error"]
    return error


def raw(view: View, request: Any) -> Any:
    text = request if isinstance(request, str) else json.dumps(request)
    answer = dispatch.answer(text, lambda method, params: dispatch.call(view, method, params))
    return None if answer is None else json.loads(answer)
