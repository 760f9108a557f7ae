"""Targets: a config's document becomes a list of targets and a policy; its whole history is turned into that.

The columns of one CDN host and one rate stay for the processes of the last release that run beside those of this one.
Of a config that they cannot express the rate is -1, which those processes refuse: they go on with what they have.

Revision: 0005
Revises: 0004
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOST = 1_000_000
SIMPLE, TARGETS = 1, 2

revisions = sa.table(
    "config_revisions",
    sa.column("config_id", sa.Integer),
    sa.column("number", sa.Integer),
    sa.column("format", sa.Integer),
    sa.column("document", sa.JSON),
)


def count_lost(connection: sa.Connection) -> int:
    """Return how many revisions say more than one CDN host and one rate can."""
    rows = connection.execute(sa.select(revisions.c.document).where(revisions.c.format == TARGETS))
    return sum(document is not None and simple(document)[1] for (document,) in rows)


# What `downgrade` loses, and the statement that counts its rows.
LOSES = [
    ("targets and policy in config_revisions.document", count_lost),
    # It says no more than the document.
    ("column config_revisions.format", "SELECT 0"),
]


def upgrade() -> None:
    """Turn one CDN host and one rate into two targets, in the whole history."""
    with op.batch_alter_table("config_revisions") as table:
        table.add_column(sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    with op.batch_alter_table("cdn_configs") as table:
        table.drop_constraint("ck_cdn_configs_distribution_rate_range", type_="check")
        table.create_check_constraint(
            "ck_cdn_configs_distribution_rate_range", f"distribution_rate BETWEEN -1 AND {MOST}"
        )
    for row in rows_of(SIMPLE):
        put(row, TARGETS, row.document and full(row.document))


def downgrade() -> None:
    """Turn targets into one CDN host and one rate: the first CDN, and the origin's share as near as can be."""
    for row in rows_of(TARGETS):
        put(row, SIMPLE, row.document and simple(row.document)[0])
    connection = op.get_bind()
    latest = connection.execute(
        sa.text(
            "SELECT c.id, r.document FROM cdn_configs c JOIN config_revisions r ON r.config_id = c.id "
            "AND r.number = c.revision WHERE c.distribution_rate < 0"
        )
    ).all()
    for config_id, document in latest:
        found = json.loads(document) if isinstance(document, str) else document
        connection.execute(
            sa.text("UPDATE cdn_configs SET cdn_host = :host, distribution_rate = :rate WHERE id = :id"),
            {"host": found["cdn_host"], "rate": found["distribution_rate"], "id": config_id},
        ) if found else None
    connection.execute(sa.text("UPDATE cdn_configs SET distribution_rate = 0 WHERE distribution_rate < 0"))
    with op.batch_alter_table("cdn_configs") as table:
        table.drop_constraint("ck_cdn_configs_distribution_rate_range", type_="check")
        table.create_check_constraint(
            "ck_cdn_configs_distribution_rate_range", f"distribution_rate BETWEEN 0 AND {MOST}"
        )
    with op.batch_alter_table("config_revisions") as table:
        table.drop_column("format")


def rows_of(form: int) -> list[sa.Row[Any]]:
    """Return all revisions whose documents are in a format."""
    return list(op.get_bind().execute(sa.select(revisions).where(revisions.c.format == form)))


def put(row: sa.Row[Any], form: int, document: dict[str, Any] | None) -> None:
    """Give a revision its document in another format."""
    this = (revisions.c.config_id == row.config_id, revisions.c.number == row.number)
    # SQL's null, and not that of JSON, says that the revision deleted the config.
    value = sa.null() if document is None else document
    op.get_bind().execute(sa.update(revisions).where(*this).values(format=form, document=value))


def full(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document of one CDN host and one rate as targets."""
    rate = document["distribution_rate"]
    common = {"scheme": "keep", "tier": 0, "enabled": True, "check": None}
    origin = {"name": "origin", "kind": "origin", "host": None, "path": None, "weight": 1 if rate else 0, **common}
    host, weight = document["cdn_host"], rate - 1 if rate else 1
    cdn = {"name": "cdn", "kind": "cdn", "host": host, "path": "/{server}{path}", "weight": weight, **common}
    return {
        "targets": [origin, cdn],
        "policy": "exact",
        "sticky_key": "video",
        "panic_threshold": 0,
        "slow_start": 0.0,
        "name": document.get("name"),
    }


def simple(document: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the document as one CDN host and one rate, and whether that loses anything."""
    in_use = [target for target in document["targets"] if target["enabled"]] or document["targets"]
    cdns = [target for target in [*in_use, *document["targets"]] if target["kind"] == "cdn"]
    origin = sum(target["weight"] for target in in_use if target["kind"] == "origin")
    whole = sum(target["weight"] for target in in_use) or 1
    rate = min(MOST, max(1, round(whole / origin))) if origin else 0
    host = cdns[0]["host"] if cdns else "cdn.invalid"
    made = {"cdn_host": host, "distribution_rate": rate if cdns else 1, "name": document["name"]}
    return made, full(made) != document
