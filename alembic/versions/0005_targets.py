"""Targets: a config's document becomes a list of targets and a policy; its whole history is turned into that.

The columns of one CDN host and one rate stay for the processes of the last release that run beside those of this one.
Of a config that they cannot express the rate is -1, which those processes refuse: they go on with what they have.

Revision: 0005
Revises: 0004
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOST = 1_000_000
SIMPLE, TARGETS = 1, 2
AT_ONCE = 1000

Document = dict[str, Any]

# SQL's null, and not that of JSON, says that a revision deleted its config.
JSON = sa.JSON(none_as_null=True)

configs = sa.table(
    "cdn_configs",
    sa.column("id", sa.Integer),
    sa.column("cdn_host", sa.String),
    sa.column("distribution_rate", sa.Integer),
    sa.column("name", sa.String),
    sa.column("revision", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("updated_at", sa.DateTime(timezone=True)),
    sa.column("deleted_at", sa.DateTime(timezone=True)),
)
revisions = sa.table(
    "config_revisions",
    sa.column("config_id", sa.Integer),
    sa.column("number", sa.Integer),
    sa.column("format", sa.Integer),
    sa.column("document", JSON),
    sa.column("actor", sa.String),
    sa.column("made_at", sa.DateTime(timezone=True)),
    sa.column("reason", sa.String),
)
LATEST = sa.and_(revisions.c.config_id == configs.c.id, revisions.c.number == configs.c.revision)


def count_lost(connection: sa.Connection) -> int:
    """Return how many revisions say more than one CDN host and one rate can."""
    documents = (row.document for rows in pages(connection, TARGETS) for row in rows)
    return sum(document is not None and simple(document)[1] for document in documents)


# What `downgrade` loses, and the statement that counts its rows.
LOSES = [
    ("targets and policy in config_revisions.document", count_lost),
    # It says no more than the document.
    ("column config_revisions.format", "SELECT 0"),
]


def upgrade() -> None:
    """Turn one CDN host and one rate into two targets, in the whole history."""
    # In the order in which a change locks the two tables, so that neither waits for the other.
    allow_rates_from(-1)
    with op.batch_alter_table("config_revisions") as table:
        table.add_column(sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    complete()
    turn(SIMPLE, TARGETS, full)


def downgrade() -> None:
    """Turn targets into one CDN host and one rate: the first serving CDN, and the origin's share as near as can be."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # What a running service adds now would stay as it is; an SQLite file is locked already.
        connection.execute(sa.text("LOCK TABLE cdn_configs, config_revisions IN SHARE ROW EXCLUSIVE MODE"))
    turn(TARGETS, SIMPLE, lambda document: simple(document)[0])
    latest = sa.select(configs.c.id, revisions.c.document).outerjoin(revisions, LATEST)
    for config_id, document in connection.execute(latest.where(configs.c.distribution_rate < 0)).all():
        # A deleted config has none.
        said = {name: value for name, value in (document or {"distribution_rate": 0}).items() if name != "name"}
        connection.execute(sa.update(configs).where(configs.c.id == config_id).values(said))
    allow_rates_from(0)
    with op.batch_alter_table("config_revisions") as table:
        table.drop_column("format")


def allow_rates_from(least: int) -> None:
    """Let a config have a rate from `least` up."""
    with op.batch_alter_table("cdn_configs") as table:
        table.drop_constraint("ck_cdn_configs_distribution_rate_range", type_="check")
        table.create_check_constraint(
            "ck_cdn_configs_distribution_rate_range", f"distribution_rate BETWEEN {least} AND {MOST}"
        )


def complete() -> None:
    """Record the present state of configs that were changed without a revision, by hand or by the first release."""
    connection = op.get_bind()
    unknown = sa.select(configs).outerjoin(revisions, LATEST).where(revisions.c.number.is_(None))
    for row in connection.execute(unknown).all():
        document = {"cdn_host": row.cdn_host, "distribution_rate": row.distribution_rate, "name": row.name}
        connection.execute(
            sa.insert(revisions).values(
                config_id=row.id,
                number=row.revision,
                format=SIMPLE,
                document=None if row.deleted_at else document,
                actor="migration",
                made_at=row.updated_at or row.created_at,
                reason="The state when the targets came.",
            )
        )


def turn(form: int, other: int, turned: Callable[[Document], Document]) -> None:
    """Give all revisions that are in a format their documents in another one."""
    this = (revisions.c.config_id == sa.bindparam("this_id"), revisions.c.number == sa.bindparam("this_number"))
    statement = sa.update(revisions).where(*this).values(format=other, document=sa.bindparam("turned", type_=JSON))
    for rows in pages(op.get_bind(), form):
        documents = [row.document and turned(row.document) for row in rows]
        values = [
            {"this_id": row.config_id, "this_number": row.number, "turned": document}
            for row, document in zip(rows, documents, strict=True)
        ]
        op.get_bind().execute(statement, values)


def pages(connection: sa.Connection, form: int) -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield all revisions that are in a format, some at a time: a history can be longer than the memory."""
    key = sa.tuple_(revisions.c.config_id, revisions.c.number)
    columns = [revisions.c[name] for name in ("config_id", "number", "document")]
    statement = sa.select(*columns).where(revisions.c.format == form).order_by(*key).limit(AT_ONCE)
    last = (0, 0)
    while rows := connection.execute(statement.where(key > last)).all():
        yield rows
        last = (rows[-1].config_id, rows[-1].number)


def full(document: Document) -> Document:
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


def simple(document: Document) -> tuple[Document, bool]:
    """Return the document as one CDN host and one rate, and whether that loses anything."""
    serving = [target for target in document["targets"] if target["enabled"] and target["weight"]]
    tier = min(target["tier"] for target in serving)
    first = [target for target in serving if target["tier"] == tier]
    if document["policy"] == "failover":
        first = first[:1]
    # Rather one that serves than one that stands by.
    cdns = [target for target in [*first, *serving, *document["targets"]] if target["kind"] == "cdn"]
    origin = sum(target["weight"] for target in first if target["kind"] == "origin")
    whole = sum(target["weight"] for target in first)
    rate = min(MOST, max(1, round(whole / origin))) if origin else 0
    host = cdns[0]["host"] if cdns else "cdn.invalid"
    made = {"cdn_host": host, "distribution_rate": rate if cdns else 1, "name": document["name"]}
    # What later releases have added counts where it says something.
    return made, {"loop": None, **full(made)} != {"loop": None, **document}
