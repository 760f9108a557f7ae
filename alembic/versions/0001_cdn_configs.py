"""Configs: where requests may go and in which shares.

Revision: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What `downgrade` loses, and the statement that counts its rows.
LOSES = [("table cdn_configs", "SELECT count(*) FROM cdn_configs")]


def upgrade() -> None:
    """Make the table of configs."""
    op.create_table(
        "cdn_configs",
        # The program records the first config with id 1 itself.
        sa.Column("id", sa.Integer(), sa.Identity(start=2), nullable=False),
        sa.Column("cdn_host", sa.String(260), nullable=False),
        sa.Column("distribution_rate", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_cdn_configs"),
        sa.CheckConstraint("distribution_rate BETWEEN 0 AND 1000000", name="ck_cdn_configs_distribution_rate_range"),
    )


def downgrade() -> None:
    """Drop the table of configs."""
    op.drop_table("cdn_configs")
