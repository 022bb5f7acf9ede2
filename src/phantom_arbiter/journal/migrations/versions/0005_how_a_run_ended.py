"""The summary of a run as it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table; older runs have nothing in it."""
    op.create_table(
        "run_summaries",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("ended_unix", sa.Integer, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the table, and with it what it holds."""
    op.drop_table("run_summaries")
