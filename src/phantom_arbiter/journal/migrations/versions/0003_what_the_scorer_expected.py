"""What the scorer expected of an attempt: how old its market was, and what it was worth on average."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

COLUMNS = ("age_slots", "expected_value_lamports")


def upgrade() -> None:
    """Add the columns; older attempts have nothing in them."""
    for name in COLUMNS:
        op.add_column("attempts", sa.Column(name, sa.Integer))


def downgrade() -> None:
    """Drop the columns, and with them what they hold."""
    for name in reversed(COLUMNS):
        op.drop_column("attempts", name)
