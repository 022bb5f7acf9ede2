"""The journal's tables, as the newest migration leaves them (a test compares the two).

Amounts of the base mint are INTEGER columns: SQLite adds and compares them exactly up to 2^63 - 1. An
amount above that (a u64 can be) is refused with a `JournalError` before anything is written; the
configuration refuses such trade limits in the first place. Hop amounts may be of any mint, so they are
decimal strings inside JSON text and cover the whole of u64. Limits and values of verdicts, and values in
lamports, are decimal strings too: they are sums that nothing bounds, and nobody adds them up in SQL.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

APPLICATION_ID = 0x5048414E
"""Marks the file as ours ("PHAN" in ASCII), in SQLite's header field of that name."""

SCHEMA_REVISION = "0005"
"""The newest migration in `migrations/versions/`."""

MAX_AMOUNT = 2**63 - 1
"""The largest INTEGER of SQLite."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("settings_sha256", Text, nullable=False),
    Column("version", Text, nullable=False),
    # Whose limits a live run's attempts count towards; null for a replay, which shares nothing.
    Column("account", Text),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("state", Text, nullable=False),
    # The intent, written and committed before anything is submitted.
    Column("opening_id", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("base_mint", Text, nullable=False),
    Column("hops", Text, nullable=False),
    Column("amount_in", Integer, nullable=False),
    Column("amount_out", Integer, nullable=False),
    Column("min_amount_out", Integer, nullable=False),
    Column("gross_profit", Integer, nullable=False),
    Column("cost", Integer, nullable=False),
    Column("net_profit", Integer, nullable=False),
    Column("network_fee_lamports", Integer, nullable=False),
    Column("priority_fee_lamports", Integer, nullable=False),
    Column("tip_lamports", Integer, nullable=False),
    # The outcome, written once it is known.
    Column("reason", Text),
    Column("filled_hops", Text),
    Column("filled_amount_in", Integer),
    Column("filled_amount_out", Integer),
    Column("charged_cost", Integer),
    Column("realised_net_profit", Integer),
    # What risk booked, so that its state can be rebuilt; see `risk.records.Booked`.
    Column("kind", Text, nullable=False, server_default="cycle"),
    Column("booked_slot", Integer),
    Column("stake", Integer),
    Column("max_loss", Integer),
    Column("value_lamports", Text),
    Column("venues", Text),
    Column("basis", Integer),
    Column("exit_cost", Integer),
    # When the outcome became known, and its place in the order of outcomes.
    Column("settled_slot", Integer),
    Column("settled_number", Integer),
    # What the scorer knew of a cycle; null for a single swap.
    Column("age_slots", Integer),
    Column("expected_value_lamports", Integer),
    # The signed transaction, in the same commit as the intent; null on paper. Who has it can find out what
    # became of the attempt, whatever else was lost.
    Column("signature", Text),
    Column("wire", LargeBinary),
    Column("blockhash", Text),
    Column("last_valid_block_height", Integer),
    Column("nonce_account", Text),
    Column("wallet", Text),
    Column("base_account", Text),
    Column("tip_offered_lamports", Integer),
    Column("compute_unit_limit", Integer),
    Column("compute_unit_price_micro_lamports", Integer),
    # Address and deposit in lamports of each account it creates, as in "ADDRESS:2039280 ADDRESS:2039280".
    Column("accounts_created", Text),
    Column("signed_unix", Integer),
    # What was heard on the way, and what the chain says of it once it has landed; see `domain.OnChain`.
    Column("bundle_id", Text),
    Column("sends", Integer),
    # 1 where it was proven never to land, or never left the process; null otherwise.
    Column("is_dead", Integer),
    Column("landed_slot", Integer),
    Column("landed_unix", Integer),
    Column("units_consumed", Integer),
    Column("fee_paid_lamports", Integer),
    Column("tip_paid_lamports", Integer),
    Column("rent_paid_lamports", Integer),
    Column("wallet_change_lamports", Integer),
    Column("base_change", Integer),
    CheckConstraint("state IN ('intent', 'filled', 'failed', 'unresolved')", name="attempts_state"),
    Index("attempts_run_id", "run_id"),
    Index("attempts_unresolved", "state"),
    Index("attempts_signature", "signature", unique=True, sqlite_where=text("signature IS NOT NULL")),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("attempt_id", Integer, ForeignKey("attempts.id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("latency_us", Integer),
    Column("code", Integer),
    Index("dispatches_attempt_id", "attempt_id"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_slot", Integer, nullable=False),
    Column("first_limit", Text),
    Column("first_value", Text),
    Column("last_slot", Integer, nullable=False),
    Column("last_limit", Text),
    Column("last_value", Text),
    UniqueConstraint("run_id", "reason", name="verdicts_reason"),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("base_mint", Text, nullable=False),
    Column("amount_in", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("limit", Text),
    Column("value", Text),
    Index("refusals_run_id", "run_id"),
)

risk_changes = Table(
    "risk_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index("risk_changes_run_id", "run_id"),
)

# How a run ended, as `phantom run --json` prints it, and the mints that it knew. The only table that holds
# what clocks and endpoints had a part in: two replays of one recording differ here and nowhere else.
run_summaries = Table(
    "run_summaries",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id"), primary_key=True),
    Column("ended_unix", Integer, nullable=False),
    Column("summary", Text, nullable=False),
)
