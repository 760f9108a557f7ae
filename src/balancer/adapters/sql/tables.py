"""The tables of the database; the migrations in `alembic/` make them."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from typing_extensions import override

from balancer.core.access.keys import MAX_KEY_NAME, Role
from balancer.core.configs.documents import MAX_DISTRIBUTION_RATE, MAX_NAME
from balancer.core.configs.revisions import MAX_ACTOR, MAX_IDEMPOTENCY_KEY, MAX_REASON

MAX_ID = 2**31 - 1
"""The greatest id that a column can hold; a greater one is simply not found."""

PASSING = "passing"
"""Marks a table whose rows are in no backup."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also where the database, as SQLite, knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC) if value else None


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    },
)

cdn_configs = Table(
    "cdn_configs",
    metadata,
    # The first start records id 1 by name, so that two of them at once make one config; numbering goes on from 2.
    Column("id", Integer, primary_key=True),
    # The processes of the last release read these two and the name; the document is that of the latest revision. A
    # rate of -1 stands for what they cannot express, and they refuse it.
    Column("cdn_host", String(260), nullable=False),
    Column("distribution_rate", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
    Column("name", String(MAX_NAME)),
    # A deleted config keeps its row, so that it can be rolled back to and its id is never given again.
    Column("deleted_at", UtcDateTime),
    CheckConstraint(f"distribution_rate BETWEEN -1 AND {MAX_DISTRIBUTION_RATE}", name="distribution_rate_range"),
)

config_revisions = Table(
    "config_revisions",
    metadata,
    Column("config_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Of the document; what the last release writes has none, and is in format 1.
    Column("format", Integer, nullable=False, server_default="1"),
    # The whole document as JSON, null when the revision deleted the config.
    Column("document", JSON(none_as_null=True)),
    Column("actor", String(MAX_ACTOR), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("reason", String(MAX_REASON)),
    Column("restored", Integer),
    # By these a request that is sent again finds what it has made.
    Column("idempotency_key", String(MAX_IDEMPOTENCY_KEY)),
    Column("request_digest", String(64)),
    UniqueConstraint("actor", "idempotency_key"),
)

rule_revisions = Table(
    "rule_revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Of the document, which is the whole list of rules as JSON.
    Column("format", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("actor", String(MAX_ACTOR), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("reason", String(MAX_REASON)),
    Column("restored", Integer),
    Column("idempotency_key", String(MAX_IDEMPOTENCY_KEY)),
    Column("request_digest", String(64)),
    UniqueConstraint("actor", "idempotency_key"),
)

api_keys = Table(
    "api_keys",
    metadata,
    # The first start records id 1 by name, as with configs.
    Column("id", Integer, primary_key=True),
    Column("name", String(MAX_KEY_NAME), nullable=False),
    Column("role", String(20), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(MAX_ACTOR), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", String(MAX_ACTOR)),
    CheckConstraint(f"role IN ({', '.join(repr(role.label) for role in Role)})", name="role"),
)

probing = Table(
    "probing",
    metadata,
    # There is one row. What is in it is worth nothing a minute later, and so it is in no backup.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(100)),
    Column("held_until", UtcDateTime),
    Column("verdicts", LargeBinary),
    Column("loops", LargeBinary),
    info={PASSING: True},
)
