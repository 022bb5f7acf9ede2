"""One attempt of the journal as a person reads it: what was planned, what was sent, what the chain says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.journal import AttemptRow, DispatchRow, LiveRow, RunRow
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain, print_tidy


def render_attempt(row: AttemptRow, run: RunRow, answers: Sequence[DispatchRow], console: Console) -> None:
    """Print one attempt."""
    print_tidy(Group(*_sections(row, run, answers)), console)


def _sections(row: AttemptRow, run: RunRow, answers: Sequence[DispatchRow]) -> Iterable[RenderableType]:
    reason = f": {plain(row.reason)}" if row.reason else ""
    yield Text(f"attempt {row.id}, {row.state}{reason}", style="bold", overflow="fold")
    yield Text(f"run {run.id}, {run.mode}; slot {row.slot:,}; {row.kind} by {plain(row.strategy)}")
    yield Text(f"base mint {row.base_mint}; amounts in its base units", overflow="fold")
    yield Text()
    yield _hops(row)
    yield Text()
    yield _comparison(row)
    if row.live is not None:
        yield Text()
        yield from _signed(row.live)
    if answers:
        yield Text()
        yield _answers(answers)


def _table(*columns: str, left: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return table


def _hops(row: AttemptRow) -> Table:
    table = _table("pool", "from", "to", "amount in", "amount out", left=("pool", "from", "to"))
    for hop in row.hops:
        mints = (short(hop.mint_in), short(hop.mint_out))
        table.add_row(short(hop.pool), *mints, f"{hop.amount_in:,}", f"{hop.amount_out:,}")
    return table


def _comparison(row: AttemptRow) -> Table:
    """What was expected beside what came of it."""
    table = _table("", "expected", "realised", "difference", left=("",))
    gross = None
    if row.realised_net_profit is not None and row.charged_cost is not None:
        gross = row.realised_net_profit + row.charged_cost
    pairs = (
        ("gross profit", row.net_profit + row.cost, gross),
        ("costs", row.cost, row.charged_cost),
        ("net profit", row.net_profit, row.realised_net_profit),
    )
    for name, expected, realised in pairs:
        difference = "-" if realised is None else f"{realised - expected:+,}"
        table.add_row(name, f"{expected:,}", _number(realised), difference)
    return table


def _signed(live: LiveRow) -> Iterable[Text]:
    limit = "no height: it holds a durable nonce"
    if live.last_valid_block_height is not None:
        limit = f"height {live.last_valid_block_height:,}"
    price = f"{live.compute_unit_price_micro_lamports:,} micro-lamports"
    facts = [
        ("signature", live.signature),
        ("wallet", live.wallet),
        ("base account", live.base_account),
        ("blockhash", f"{live.blockhash}, good until {limit}"),
        ("nonce account", live.nonce_account),
        ("bundle", live.bundle_id),
        ("compute units", f"{live.compute_unit_limit:,} asked for at {price}, {_used(live)}"),
        ("tip offered", f"{live.tip_offered_lamports:,} lamports"),
        ("signed", _time(live.signed_unix)),
        ("sent", _sends(live.sends)),
        ("landed", _landed(live)),
        ("fee paid", _lamports(live.fee_paid_lamports)),
        ("tip paid", _lamports(live.tip_paid_lamports)),
        ("rent deposited", _lamports(live.rent_paid_lamports)),
        ("wallet change", _lamports(live.wallet_change_lamports, signed=True)),
        ("base change", _change(live.base_change)),
    ]
    for name, value in facts:
        if value is not None:
            yield Text(f"{name:16}{plain(value)}", overflow="fold")


def _answers(answers: Sequence[DispatchRow]) -> Table:
    table = _table("sent to", "answer", "after", "code", left=("sent to", "answer"))
    for each in answers:
        after = "-" if each.latency_us is None else f"{each.latency_us / 1_000:,.1f} ms"
        table.add_row(plain(each.target), plain(each.kind), after, _number(each.code))
    return table


def _sends(sends: int | None) -> str | None:
    if sends is None or sends == 1:
        return None if sends is None else "once"
    return f"{sends} times, the same bytes"


def _used(live: LiveRow) -> str:
    return "not used" if live.units_consumed is None else f"{live.units_consumed:,} used"


def _landed(live: LiveRow) -> str | None:
    if live.landed_slot is None:
        return None
    at = "" if live.landed_unix is None else f", {_time(live.landed_unix)}"
    return f"slot {live.landed_slot:,}{at}"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _change(units: int | None) -> str | None:
    return None if units is None else f"{units:+,} base units"


def _lamports(lamports: int | None, *, signed: bool = False) -> str | None:
    if lamports is None:
        return None
    return f"{lamports:+,} lamports" if signed else f"{lamports:,} lamports"


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
