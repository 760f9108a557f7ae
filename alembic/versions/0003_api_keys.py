"""API keys: who may change what.

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What `downgrade` loses, and the statement that counts its rows.
LOSES = [("table api_keys", "SELECT count(*) FROM api_keys")]


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "api_keys",
        # The program records the first key with id 1 itself.
        sa.Column("id", sa.Integer(), sa.Identity(start=2), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_by", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="ck_api_keys_role"),
    )


def downgrade() -> None:
    """Drop the table of keys."""
    op.drop_table("api_keys")
