"""What only reads the database: `balancer audit export`, and `balancer config show` where no service is named."""

from contextlib import aclosing
from datetime import datetime
from typing import Any

import click
import msgspec
from dishka import AsyncContainer

from balancer.api.access.keys import RoleName
from balancer.api.configs.configs import Config
from balancer.api.configs.documents import Document
from balancer.api.configs.loops import Loop
from balancer.api.rules.shapes import RuleItem, items_of
from balancer.cli.endings import check_output, show
from balancer.cli.loops import bounds_lines, state
from balancer.cli.program import run_on_record
from balancer.core.access.keys import ApiKey, AuditEntry
from balancer.core.access.ports import AuditTrail
from balancer.core.configs.documents import CdnConfig, ConfigDocument, PolicyName
from balancer.core.configs.ports import CdnConfigs
from balancer.core.configs.revisions import Revision
from balancer.core.routing.policies import policy_of
from balancer.core.routing.usable import usable
from balancer.core.rules.revisions import RuleRevision


class ChangedConfig(msgspec.Struct):
    """What a change has made of a config, by the names of `GET /config/history`."""

    id: int
    revision: int
    document: Document | None
    restored: int | None

    @classmethod
    def of(cls, revision: Revision) -> "ChangedConfig":
        """Return what is shown of a revision."""
        return cls(
            revision.config_id,
            revision.number,
            Document.of(revision.document) if revision.document else None,
            revision.restored,
        )


class ChangedKey(msgspec.Struct):
    """The key that was made or revoked, by the names of `GET /keys`."""

    id: int
    name: str
    role: RoleName
    expires_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ChangedKey":
        """Return what is shown of a key."""
        return msgspec.convert(
            {**{name: getattr(key, name) for name in cls.__struct_fields__}, "role": key.role.label}, cls
        )


class ChangedRules(msgspec.Struct):
    """What a change has made of the rules, by the names of `GET /rules`."""

    revision: int
    rules: list[RuleItem]
    restored: int | None

    @classmethod
    def of(cls, revision: RuleRevision) -> "ChangedRules":
        """Return what is shown of a revision."""
        return cls(revision.number, items_of(revision.rules), revision.entry.restored if revision.entry else None)


class AuditLine(msgspec.Struct):
    """One change, of which all of `config`, `key` and `rules` but one are null."""

    made_at: datetime
    actor: str
    action: str
    reason: str | None
    config: ChangedConfig | None
    key: ChangedKey | None
    rules: ChangedRules | None

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditLine":
        """Return what is shown of a change."""
        changed = ChangedConfig.of(entry.revision) if entry.revision else None
        key = ChangedKey.of(entry.key) if entry.key else None
        rules = ChangedRules.of(entry.rules) if entry.rules else None
        return cls(entry.at, entry.actor, entry.action, entry.reason, changed, key, rules)


def show_on_record(config_id: int | None, *, as_table: bool) -> None:
    """Print a config of this machine's database, as JSON or as a table."""

    async def read(parts: AsyncContainer) -> CdnConfig:
        configs: CdnConfigs = await parts.get(CdnConfigs)
        return await (configs.default() if config_id is None else configs.get(config_id))

    found = run_on_record(read)
    show(_table(found) if as_table else msgspec.json.format(msgspec.json.encode(Config.of(found)), indent=2))


HEADINGS = ("TARGET", "KIND", "HOST", "SCHEME", "PATH", "CHECK", "TIER", "WEIGHT", "SHARE")


def _table(config: CdnConfig) -> str:
    """Return a config as one line about all of it and one for each target, with its share while all are healthy."""
    name = f" '{config.name}'" if config.name else ""
    lines = [f"Config {config.id}{name} at revision {config.revision}: {_policy(config.document)}", ""]
    rows = [HEADINGS, *_rows(config.document)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if bounds := bounds_lines(_loop(config.document)):
        lines += ["", *bounds]
    return "\n".join(lines)


def _policy(document: ConfigDocument) -> str:
    by = f" by {document.sticky_key}" if document.policy is PolicyName.STICKY else ""
    panic = f", panic threshold {document.panic_threshold} %" if document.panic_threshold else ""
    slow = f", slow start {document.slow_start:g} s" if document.slow_start else ""
    return f"policy {document.policy.value}{by}{panic}{slow}, loop {state(_loop(document))}"


def _loop(document: ConfigDocument) -> Any:
    return msgspec.to_builtins(Loop.of(document.loop))


def _rows(document: ConfigDocument) -> list[tuple[str, ...]]:
    healthy = usable(document, {})
    shares = policy_of(document, healthy).shares
    return [
        (
            *(target.name, target.kind.value, target.host or "-", target.scheme.value, target.path or "-"),
            *(target.check.url if target.check else "-", str(target.tier), str(target.weight)),
            healthy.skipped[index].value
            if index in healthy.skipped
            else f"{share:.6%}".rstrip("0%").rstrip(".") + " %",
        )
        for index, (target, share) in enumerate(zip(document.targets, shares, strict=True))
    ]


@click.group()
def audit() -> None:
    """Look at who changed what."""


@audit.command("export")
def export_audit() -> None:
    """Print every change of configs, rules and keys, the oldest first, as JSON Lines."""

    async def export(parts: AsyncContainer) -> None:
        trail: AuditTrail = await parts.get(AuditTrail)
        async with aclosing(trail.read()) as entries:
            async for entry in entries:
                show(msgspec.json.encode(AuditLine.of(entry)))

    check_output()
    run_on_record(export)
