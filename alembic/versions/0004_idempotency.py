"""Idempotency keys: a repeated request finds the revision that its first attempt made.

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What `downgrade` loses, and the statement that counts its rows.
LOSES = [
    (
        "column config_revisions.idempotency_key",
        "SELECT count(*) FROM config_revisions WHERE idempotency_key IS NOT NULL",
    ),
    (
        "column config_revisions.request_digest",
        "SELECT count(*) FROM config_revisions WHERE request_digest IS NOT NULL",
    ),
]


def upgrade() -> None:
    """Keep with each revision which request made it."""
    with op.batch_alter_table("config_revisions") as revisions:
        revisions.add_column(sa.Column("idempotency_key", sa.String(255)))
        revisions.add_column(sa.Column("request_digest", sa.String(64)))
        revisions.create_unique_constraint("uq_config_revisions_actor", ["actor", "idempotency_key"])


def downgrade() -> None:
    """Forget which requests made the revisions; a repeated one makes another."""
    with op.batch_alter_table("config_revisions") as revisions:
        revisions.drop_constraint("uq_config_revisions_actor", type_="unique")
        revisions.drop_column("request_digest")
        revisions.drop_column("idempotency_key")
