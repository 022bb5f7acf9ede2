"""What the journal holds of a signed transaction: into columns and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from phantom_arbiter.domain import OnChain
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.settlement import Terms, Unresolved
from phantom_arbiter.journal.schema import attempts, dispatches, runs
from phantom_arbiter.journal.texts import hops_from_text


def submission_values(submission: Submission, signed_unix: int | None) -> dict[str, Any]:
    """Return the columns of a signed transaction."""
    return {
        "signature": submission.signature,
        "wire": submission.wire,
        "blockhash": submission.blockhash,
        "nonce_account": submission.nonce_account,
        "wallet": submission.wallet,
        "base_account": submission.base_account,
        "accounts_created": " ".join(f"{address}:{rent}" for address, rent in submission.accounts_created),
        "last_valid_block_height": submission.last_valid_block_height,
        "tip_offered_lamports": submission.tip_lamports,
        "compute_unit_limit": submission.compute_unit_limit,
        "compute_unit_price_micro_lamports": submission.compute_unit_price_micro_lamports,
        "signed_unix": signed_unix,
    }


def chain_values(chain: OnChain | None) -> dict[str, int | None]:
    """Return the columns of what the chain says; none if it never landed."""
    if chain is None:
        return {}
    return {
        "landed_slot": chain.slot,
        "landed_unix": chain.unix_time,
        "units_consumed": chain.units_consumed,
        "fee_paid_lamports": chain.fee_lamports,
        "tip_paid_lamports": chain.tip_lamports,
        "rent_paid_lamports": chain.rent_lamports,
        "wallet_change_lamports": chain.wallet_change_lamports,
        "base_change": chain.base_change,
    }


def read_unresolved(connection: Connection, account: str) -> list[Unresolved]:
    """Return the attempts of live runs of `account` that have no outcome, oldest first."""
    rows = connection.execute(
        select(attempts)
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.state == "intent", runs.c.mode != "paper", runs.c.account == account)
        .order_by(attempts.c.id)
    )
    return [_unresolved(row) for row in rows]


def _unresolved(row: Row[Any]) -> Unresolved:
    return Unresolved(
        attempt_id=row.id,
        run_id=row.run_id,
        booked_slot=row.booked_slot,
        terms=Terms(
            hops=hops_from_text(row.hops),
            base_mint=row.base_mint,
            amount_in=row.amount_in,
            min_amount_out=row.min_amount_out,
            cost=row.cost,
            fee_lamports=row.network_fee_lamports + row.priority_fee_lamports + row.tip_lamports,
            is_swap=row.kind == "swap",
            basis=row.basis or 0,
        ),
        submission=None if row.signature is None else _submission(row),
    )


def _submission(row: Row[Any]) -> Submission:
    created = (entry.rsplit(":", 1) for entry in row.accounts_created.split())
    return Submission(
        signature=row.signature,
        wire=row.wire,
        blockhash=row.blockhash,
        last_valid_block_height=row.last_valid_block_height,
        nonce_account=row.nonce_account,
        wallet=row.wallet,
        base_account=row.base_account,
        tip_lamports=row.tip_offered_lamports,
        compute_unit_limit=row.compute_unit_limit,
        compute_unit_price_micro_lamports=row.compute_unit_price_micro_lamports,
        accounts_created=tuple((address, int(rent)) for address, rent in created),
    )


def write_answers(connection: Connection, answers: Iterable[tuple[str, DispatchAnswer]]) -> None:
    """Write answers by signature, inside the caller's transaction; unknown signatures are passed over."""
    for signature, answer in answers:
        found = connection.execute(
            select(attempts.c.id).where(attempts.c.signature == signature)
        ).scalar_one_or_none()
        if found is None:
            continue
        connection.execute(
            insert(dispatches).values(
                attempt_id=found,
                target=answer.target,
                kind=answer.kind,
                latency_us=answer.latency_us,
                code=answer.code,
            )
        )
        if answer.bundle_id is not None:
            connection.execute(
                update(attempts).where(attempts.c.id == found).values(bundle_id=answer.bundle_id)
            )
