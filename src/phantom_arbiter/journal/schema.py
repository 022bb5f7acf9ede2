"""The journal's tables, as the newest migration leaves them (a test compares the two).

Amounts of the base mint are INTEGER columns: SQLite adds and compares them exactly up to 2^63 - 1. An
amount above that (a u64 can be) is refused with a `JournalError` before anything is written; the
configuration refuses such trade limits in the first place. Hop amounts may be of any mint, so they are
decimal strings inside JSON text and cover the whole of u64.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, Text

APPLICATION_ID = 0x5048414E
"""Marks the file as ours ("PHAN" in ASCII), in SQLite's header field of that name."""

SCHEMA_REVISION = "0001"
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
    CheckConstraint("state IN ('intent', 'filled', 'failed', 'unresolved')", name="attempts_state"),
    Index("attempts_run_id", "run_id"),
    Index("attempts_unresolved", "state"),
)
