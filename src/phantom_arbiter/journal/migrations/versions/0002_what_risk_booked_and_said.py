"""What risk booked for an attempt, what it said of plans, and what changed its rules."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns to both tables, and three tables."""
    op.add_column("runs", sa.Column("account", sa.Text))
    for column in (
        sa.Column("kind", sa.Text, nullable=False, server_default="cycle"),
        sa.Column("booked_slot", sa.Integer),
        sa.Column("stake", sa.Integer),
        sa.Column("max_loss", sa.Integer),
        sa.Column("value_lamports", sa.Text),
        sa.Column("venues", sa.Text),
        sa.Column("basis", sa.Integer),
        sa.Column("exit_cost", sa.Integer),
        sa.Column("settled_slot", sa.Integer),
        sa.Column("settled_number", sa.Integer),
    ):
        op.add_column("attempts", column)
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_slot", sa.Integer, nullable=False),
        sa.Column("first_limit", sa.Text),
        sa.Column("first_value", sa.Text),
        sa.Column("last_slot", sa.Integer, nullable=False),
        sa.Column("last_limit", sa.Text),
        sa.Column("last_value", sa.Text),
        sa.UniqueConstraint("run_id", "reason", name="verdicts_reason"),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("base_mint", sa.Text, nullable=False),
        sa.Column("amount_in", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("limit", sa.Text),
        sa.Column("value", sa.Text),
    )
    op.create_index("refusals_run_id", "refusals", ["run_id"])
    op.create_table(
        "risk_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
    )
    op.create_index("risk_changes_run_id", "risk_changes", ["run_id"])
