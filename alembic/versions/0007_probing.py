"""Who probes the targets of a fleet without Redis, and what it found.

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What `downgrade` loses. The row is worth nothing a minute later, so nobody need be asked about it.
LOSES = [("table probing", "SELECT 0")]


def upgrade() -> None:
    """Make the table; the first process that probes makes its row."""
    op.create_table(
        "probing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(100)),
        sa.Column("held_until", sa.DateTime(timezone=True)),
        sa.Column("verdicts", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probing")),
    )


def downgrade() -> None:
    """Drop it; a process of an older release probes nothing."""
    op.drop_table("probing")
