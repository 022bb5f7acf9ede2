"""Runs and attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("settings_sha256", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opening_id", sa.Integer, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("base_mint", sa.Text, nullable=False),
        sa.Column("hops", sa.Text, nullable=False),
        sa.Column("amount_in", sa.Integer, nullable=False),
        sa.Column("amount_out", sa.Integer, nullable=False),
        sa.Column("min_amount_out", sa.Integer, nullable=False),
        sa.Column("gross_profit", sa.Integer, nullable=False),
        sa.Column("cost", sa.Integer, nullable=False),
        sa.Column("net_profit", sa.Integer, nullable=False),
        sa.Column("network_fee_lamports", sa.Integer, nullable=False),
        sa.Column("priority_fee_lamports", sa.Integer, nullable=False),
        sa.Column("tip_lamports", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("filled_hops", sa.Text),
        sa.Column("filled_amount_in", sa.Integer),
        sa.Column("filled_amount_out", sa.Integer),
        sa.Column("charged_cost", sa.Integer),
        sa.Column("realised_net_profit", sa.Integer),
        sa.CheckConstraint("state IN ('intent', 'filled', 'failed', 'unresolved')", name="attempts_state"),
    )
    op.create_index("attempts_run_id", "attempts", ["run_id"])
    op.create_index("attempts_unresolved", "attempts", ["state"])
