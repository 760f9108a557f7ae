"""How rules look to clients."""

import asyncio

import msgspec

from balancer.api.openapi.operations import Time
from balancer.core.rules.differences import rule_differences
from balancer.core.rules.documents import RuleList, as_items, rules_from
from balancer.core.rules.revisions import RuleEntry, RuleRevision
from balancer.core.urls.hosts import ToAscii, read_pattern

MAX_BODY = 4 * 1024 * 1024
"""Bytes in a body that has rules."""


class Parameter(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A parameter that must stand beside `video`.

    Attributes:
        name: Its name.
        values: Values of which it must have one, decoded; without any, every value will do.
    """

    name: str
    values: list[str] = msgspec.field(default_factory=list)


class HeaderField(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A header field that a request must have, with a value that one of the texts fits.

    Attributes:
        name: Its name, such as `User-Agent`.
        contains: Texts of which the value must contain one, whatever their case.
        equals: Texts of which the value must be one.
    """

    name: str
    contains: list[str] = msgspec.field(default_factory=list)
    equals: list[str] = msgspec.field(default_factory=list)


class When(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule asks of a request: all of this must hold. Of several values in one list one is enough.

    Attributes:
        hosts: Hosts of origins, with `*` for exactly one label. One without a port stands for every port.
        paths: Paths of videos: `/live/` with all that is below, `/live` with itself as well, or a glob such as
            `/live/**/*.m3u8`, where `*` stays within a segment and `**` is any number of them.
        networks: Networks of clients, IPv4 and IPv6.
        countries: Countries of clients, as codes of two letters. Needs `BALANCER_GEO_DATABASE`.
        asns: Numbers of the clients' autonomous systems. Needs `BALANCER_GEO_DATABASE`.
        query: Parameters beside `video`; each must be there.
        headers: Header fields; each must be there.
    """

    hosts: list[str] = msgspec.field(default_factory=list)
    paths: list[str] = msgspec.field(default_factory=list)
    networks: list[str] = msgspec.field(default_factory=list)
    countries: list[str] = msgspec.field(default_factory=list)
    asns: list[int] = msgspec.field(default_factory=list)
    query: list[Parameter] = msgspec.field(default_factory=list)
    headers: list[HeaderField] = msgspec.field(default_factory=list)


class RuleItem(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One rule: the requests that match get a config.

    Attributes:
        name: Unique among the rules: 1 to 64 of a to z, 0 to 9 and `-`.
        config_id: Which config.
        when: The conditions. Without any the rule matches every request, and must stand last.
        enabled: Whether it is asked at all.
    """

    name: str
    config_id: int
    when: When = msgspec.field(default_factory=When)
    enabled: bool = True


class Rules(msgspec.Struct):
    """All rules, in order, at one revision. The first one that a request matches decides.

    Attributes:
        revision: Its number; each change adds one. 0 while there never was a rule.
        rules: The rules.
        actor: Who made this revision; null for revision 0, like all that follow.
        made_at: When, as RFC 3339 in UTC.
        reason: Why; null also when no reason was given.
        restored: Number of the revision that a rollback went back to; null for any other change.
    """

    revision: int
    rules: list[RuleItem]
    actor: str | None
    made_at: Time | None
    reason: str | None
    restored: int | None


class RuleChange(msgspec.Struct):
    """One field in which a rule differs; `position` only of a rule that has moved among the others.

    Attributes:
        rule: Its name.
        field: `config_id`, `enabled`, `position`, or a condition such as `when.hosts`.
        before: Null where there was no such rule or condition; several values in one text.
        after: Null where there is no such rule or condition.
    """

    rule: str
    field: str
    before: str | int | bool | None
    after: str | int | bool | None


class RulesEntry(msgspec.Struct):
    """A revision of the rules in their history; `GET /rules/revision` shows what it says.

    Attributes:
        revision: Its number, from 1.
        actor: Who made it: `key:3 deployment`, `token:alice`.
        made_at: When, as RFC 3339 in UTC.
        reason: Why; null when no reason was given.
        restored: Number of the revision that a rollback went back to; null for any other change.
    """

    revision: int
    actor: str
    made_at: Time
    reason: str | None
    restored: int | None

    @classmethod
    def of(cls, entry: RuleEntry) -> "RulesEntry":
        """Return what clients see of an entry."""
        return cls(entry.number, entry.signed.actor, entry.signed.at, entry.signed.reason, entry.restored)


async def shown(revision: RuleRevision) -> Rules:
    """Return what clients see of a revision."""
    signed = revision.entry.signed if revision.entry else None
    return Rules(
        revision.number,
        await asyncio.to_thread(items_of, revision.rules),
        signed.actor if signed else None,
        signed.at if signed else None,
        signed.reason if signed else None,
        revision.entry.restored if revision.entry else None,
    )


async def read_rules(items: list[RuleItem], to_ascii: ToAscii) -> RuleList:
    """Return the rules that a client gives, which may be many: reading them holds up no request.

    Raises:
        InvalidInput: When they are wrong; names the rule and the field.
    """
    return await asyncio.to_thread(_rules, items, to_ascii)


async def changes_between(before: RuleList, after: RuleList) -> list[RuleChange]:
    """Return how two lists of rules differ."""
    found = await asyncio.to_thread(rule_differences, before, after)
    return [RuleChange(*difference) for difference in found]


def items_of(rules: RuleList) -> list[RuleItem]:
    """Return what clients see of rules."""
    return msgspec.convert(as_items(rules), list[RuleItem])


def _rules(items: list[RuleItem], to_ascii: ToAscii) -> RuleList:
    for item in items:
        item.when.hosts = [host if host.isascii() else _in_ascii(host, to_ascii) for host in item.when.hosts]
    return rules_from(msgspec.to_builtins(items))


def _in_ascii(host: str, to_ascii: ToAscii) -> str:
    """Return a pattern with its internationalised labels in ASCII; one that cannot be read is left to be refused."""
    try:
        labels, port = read_pattern(host, to_ascii)
    except ValueError:
        return host
    return ".".join(labels) + port
