"""What the process that probes for a fleet without Redis remembers of shares that follow quality.

Revision: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What `downgrade` loses. It is worth nothing ten minutes later, so nobody need be asked about it.
LOSES = [("column probing.loops", "SELECT 0")]


def upgrade() -> None:
    """Make the column; whoever leads fills it."""
    op.add_column("probing", sa.Column("loops", sa.LargeBinary()))


def downgrade() -> None:
    """Drop it; every loop begins anew."""
    op.drop_column("probing", "loops")
