"""Rules: which config a request gets, as one list with a history of its own.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What `downgrade` loses, and the statement that counts its rows.
LOSES = [("table rule_revisions", "SELECT count(*) FROM rule_revisions")]


def upgrade() -> None:
    """Make a table for the revisions of the rules; there are no rules yet."""
    op.create_table(
        "rule_revisions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(300), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("restored", sa.Integer()),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_digest", sa.String(64)),
        sa.PrimaryKeyConstraint("number", name="pk_rule_revisions"),
        sa.UniqueConstraint("actor", "idempotency_key", name="uq_rule_revisions_actor"),
    )


def downgrade() -> None:
    """Forget all rules: every request gets the default config."""
    op.drop_table("rule_revisions")
