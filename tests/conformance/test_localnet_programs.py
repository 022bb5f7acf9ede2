"""A real program on the local net: a swap sent as a transaction gives what the pool's quote says.

Needs PHANTOM_PROGRAMS_DIR, a folder with the programs' bytecode named after their venue.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

pytest.importorskip("solders")

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import TOKEN_PROGRAM, AccountState, native_lamports
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.simulator import Simulator, SimulatorSettings
from phantom_core import Address, find_program_address

ELF = Path(os.environ.get("PHANTOM_PROGRAMS_DIR", "")) / "orca_whirlpool.so"
PROGRAM = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
POOL = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
WSOL = "So11111111111111111111111111111111111111112"
TRADER = Keypair.from_seed(bytes([5]) * 32)
SWAP = bytes.fromhex("f8c69e91e17587c8")
TICKS_PER_ARRAY = 88

pytestmark = pytest.mark.skipif(
    not os.environ.get("PHANTOM_PROGRAMS_DIR") or not ELF.is_file(),
    reason="needs PHANTOM_PROGRAMS_DIR naming a folder with orca_whirlpool.so",
)


def token_account(mint: bytes, amount: int) -> AccountState:
    """Return a token account of the trader."""
    data = bytearray(165)
    data[0:32], data[32:64], data[64:72] = mint, bytes(TRADER.pubkey()), amount.to_bytes(8, "little")
    data[108] = 1
    if mint == bytes(Address(WSOL)):
        data[109:113] = (1).to_bytes(4, "little")
        data[113:121] = (2_039_280).to_bytes(8, "little")
    return AccountState(TOKEN_PROGRAM, native_lamports(TOKEN_PROGRAM, bytes(data)), bytes(data))


def amount_of(net: LocalNet, key: str) -> int:
    held = net.bank.accounts.latest(key)
    assert held is not None
    assert held[1] is not None
    return int.from_bytes(held[1].data[64:72], "little")


@pytest.mark.parametrize("a_to_b", [True, False])
@pytest.mark.parametrize("amount", [1_000, 10**8, 3 * 10**9])
def test_a_swap_by_the_program_is_the_quote_of_the_simulated_pool(a_to_b: bool, amount: int) -> None:
    settings = NetSettings(programs={PROGRAM: ELF}, autostart=False)
    simulator = Simulator(SimulatorSettings(seed=1))
    net = LocalNet(settings, simulator)
    for _ in range(500):
        for key, state in simulator.step():
            net.bank.write(key, state)
    pool = next(each for each in simulator.pools if each.address == POOL)
    data = pool.accounts()[POOL].data
    spacing, tick = int.from_bytes(data[41:43], "little"), int.from_bytes(data[81:85], "little", signed=True)
    start = tick // (TICKS_PER_ARRAY * spacing)
    steps = (0, -1, -2) if a_to_b else (0, 1, 2)
    starts = [str((start + step) * TICKS_PER_ARRAY * spacing).encode() for step in steps]
    arrays = [
        find_program_address([b"tick_array", bytes(Address(POOL)), each], PROGRAM)[0] for each in starts
    ]
    oracle = find_program_address([b"oracle", bytes(Address(POOL))], PROGRAM)[0]
    mine = [str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (21, 22)]
    for key, mint in zip(mine, pool.pool.mints, strict=True):
        net.bank.write(key, token_account(bytes(mint), 10**12))
    net.bank.write(str(TRADER.pubkey()), AccountState("1" * 32, 10**9, b""))
    writable = [POOL, mine[0], pool.vaults[0], mine[1], pool.vaults[1], *arrays]
    metas = [
        AccountMeta(Pubkey.from_string(TOKEN_PROGRAM), False, False),
        AccountMeta(TRADER.pubkey(), True, False),
        *(AccountMeta(Pubkey.from_string(key), False, True) for key in writable),
        AccountMeta(Pubkey.from_string(oracle), False, False),
    ]
    arguments = amount.to_bytes(8, "little") + bytes(8) + bytes(16) + bytes([1, a_to_b])
    blockhash = Hash.from_string(net.bank.blockhash_at(net.bank.slot)[0])
    swap = Instruction(Pubkey.from_string(PROGRAM), SWAP + arguments, metas)
    message = Message.new_with_blockhash([swap], TRADER.pubkey(), blockhash)
    text = base64.b64encode(bytes(VersionedTransaction(message, [TRADER]))).decode()
    view = net.endpoints[0].view
    limit = {"commitment": "processed"}
    before = [amount_of(net, key) for key in mine]

    quote = pool.pool.quote(amount, a_to_b=a_to_b)
    signature = dispatch.call(view, "sendTransaction", [text, {"encoding": "base64"}])

    status = dispatch.call(view, "getSignatureStatuses", [[signature]])["value"][0]
    assert status["err"] is None, dispatch.call(view, "getTransaction", [signature, limit])
    paid, got = (0, 1) if a_to_b else (1, 0)
    after = [amount_of(net, key) for key in mine]
    assert before[paid] - after[paid] == quote.amount_in
    assert after[got] - before[got] == quote.amount_out
    pool.swap(amount, a_to_b=a_to_b)
    held = net.bank.accounts.latest(POOL)
    assert held is not None
    assert held[1] is not None
    # Rewards are the only part of the pool that a simulated swap leaves as it was.
    assert held[1].data[:261] == pool.accounts()[POOL].data[:261]
