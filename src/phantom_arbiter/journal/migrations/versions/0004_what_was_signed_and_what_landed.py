"""The signed transaction of an attempt, who was given it, and what the chain says of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS = (
    ("signature", sa.Text),
    ("wire", sa.LargeBinary),
    ("blockhash", sa.Text),
    ("last_valid_block_height", sa.Integer),
    ("nonce_account", sa.Text),
    ("wallet", sa.Text),
    ("base_account", sa.Text),
    ("tip_offered_lamports", sa.Integer),
    ("compute_unit_limit", sa.Integer),
    ("compute_unit_price_micro_lamports", sa.Integer),
    ("accounts_created", sa.Text),
    ("signed_unix", sa.Integer),
    ("bundle_id", sa.Text),
    ("sends", sa.Integer),
    ("is_dead", sa.Integer),
    ("landed_slot", sa.Integer),
    ("landed_unix", sa.Integer),
    ("units_consumed", sa.Integer),
    ("fee_paid_lamports", sa.Integer),
    ("tip_paid_lamports", sa.Integer),
    ("rent_paid_lamports", sa.Integer),
    ("wallet_change_lamports", sa.Integer),
    ("base_change", sa.Integer),
)


def upgrade() -> None:
    """Add the columns, empty for older attempts and on paper, and a table."""
    for name, kind in COLUMNS:
        op.add_column("attempts", sa.Column(name, kind))
    op.create_index(
        "attempts_signature",
        "attempts",
        ["signature"],
        unique=True,
        sqlite_where=sa.text("signature IS NOT NULL"),
    )
    op.create_table(
        "dispatches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("attempts.id"), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("latency_us", sa.Integer),
        sa.Column("code", sa.Integer),
    )
    op.create_index("dispatches_attempt_id", "dispatches", ["attempt_id"])


def downgrade() -> None:
    """Drop the columns and the table, and with them what they hold."""
    op.drop_index("dispatches_attempt_id", "dispatches")
    op.drop_table("dispatches")
    op.drop_index("attempts_signature", "attempts")
    for name, _ in reversed(COLUMNS):
        op.drop_column("attempts", name)
