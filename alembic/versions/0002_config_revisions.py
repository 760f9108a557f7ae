"""Revisions: who changed a config, when, why, and what it was before.

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What `downgrade` loses, and the statement that counts its rows.
LOSES = [
    ("table config_revisions", "SELECT count(*) FROM config_revisions"),
    ("deleted configs in cdn_configs", "SELECT count(*) FROM cdn_configs WHERE deleted_at IS NOT NULL"),
    ("column cdn_configs.name", "SELECT count(*) FROM cdn_configs WHERE name IS NOT NULL"),
    ("column cdn_configs.deleted_at", "SELECT count(*) FROM cdn_configs WHERE deleted_at IS NOT NULL"),
]


def upgrade() -> None:
    """Give configs a name and a date of deletion, and begin their history with the state that they are in."""
    with op.batch_alter_table("cdn_configs") as configs:
        configs.add_column(sa.Column("name", sa.String(100)))
        configs.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True)))
    revisions = op.create_table(
        "config_revisions",
        sa.Column("config_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True)),
        sa.Column("actor", sa.String(300), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("restored", sa.Integer()),
        sa.PrimaryKeyConstraint("config_id", "number", name="pk_config_revisions"),
    )
    present = sa.table(
        "cdn_configs",
        sa.column("id", sa.Integer()),
        sa.column("cdn_host", sa.String()),
        sa.column("distribution_rate", sa.Integer()),
        sa.column("revision", sa.Integer()),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("updated_at", sa.DateTime(timezone=True)),
    )
    for row in op.get_bind().execute(sa.select(*present.c)).mappings().all():
        op.get_bind().execute(
            revisions.insert().values(
                config_id=row["id"],
                number=row["revision"],
                document={"cdn_host": row["cdn_host"], "distribution_rate": row["distribution_rate"], "name": None},
                actor="migration",
                made_at=row["updated_at"] or row["created_at"],
                reason="The state when history began.",
            )
        )


def downgrade() -> None:
    """Forget all history, and deleted configs with it."""
    op.execute("DELETE FROM cdn_configs WHERE deleted_at IS NOT NULL")
    op.drop_table("config_revisions")
    with op.batch_alter_table("cdn_configs") as configs:
        configs.drop_column("deleted_at")
        configs.drop_column("name")
