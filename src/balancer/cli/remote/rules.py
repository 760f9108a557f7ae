"""`balancer rules …`."""

import json
from typing import Any

import click
import yaml
from rich.console import RenderableType
from rich.text import Text

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import Manner, change_options, confirm, given
from balancer.cli.remote.output import cell, plain, table
from balancer.cli.remote.remedies import CannotDo
from balancer_client import etag
from balancer_client.models import NewRules, RuleItem, RuleList, RulesPreviewRequest, RulesRollback

MAX_FILE = 4 * 1024 * 1024
"""Bytes of a file of rules, as many as the service takes."""

Json = dict[str, Any]


@click.group()
def rules() -> None:
    """Look at the rules and replace them."""


@rules.command("show")
@asks
def show_rules(asking: Asking) -> None:
    """Show the rules in their order; as YAML it is a file for 'set'."""
    found = asking.balancer.read_rules()
    data = {"rules": [rule.to_dict() for rule in found.rules]}
    asking.show(data, lambda: _table(found))


@rules.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@change_options
@asks
def set_rules(asking: Asking, file: str, how: Manner) -> None:
    """Replace all rules by those in FILE, YAML or JSON; '-' is standard input.

    The change is made only if nobody else has changed the rules since they were read.
    """
    wanted = read_file(file)
    found = asking.balancer.read_rules()
    # Refused here, before anybody is asked.
    asking.balancer.preview_rules(RulesPreviewRequest(rules=wanted, requests=[]))
    rows = differences(found.rules, wanted)
    if how.dry_run:
        data = [dict(zip(("rule", "field", "before", "after"), row, strict=True)) for row in rows]
        asking.show(data, lambda: difference_table(rows))
        return
    if not how.yes:
        confirm_rest(found.rules, wanted)
    done = asking.balancer.replace_rules(NewRules(rules=wanted, reason=given(how.reason)), if_match=etag(found))
    asking.show(done.to_dict(), lambda: _table(done))


@rules.command("history")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Revisions, the newest first."
)
@asks
def history(asking: Asking, limit: int) -> None:
    """List the revisions of the rules, with when, by whom and why."""
    page = asking.balancer.read_rules_history(limit=limit)
    rows = [
        (one.revision, f"{one.made_at:%Y-%m-%d %H:%M:%S}", one.actor, one.restored, one.reason) for one in page.items
    ]
    headings = ("REVISION", "MADE, UTC", "BY", "RESTORED", "REASON")
    asking.show([one.to_dict() for one in page.items], lambda: table(headings, rows, right=("REVISION", "RESTORED")))


@rules.command("diff")
@click.argument("before", type=int)
@click.argument("after", type=int)
@asks
def diff(asking: Asking, before: int, after: int) -> None:
    """Compare revision BEFORE of the rules with revision AFTER."""
    found = asking.balancer.compare_rules(from_=before, to=after)
    rows = [(one.rule, one.field, plain(one.before), plain(one.after)) for one in found.changes]
    asking.show(found.to_dict(), lambda: difference_table(rows))


@rules.command("rollback")
@click.argument("revision", type=int)
@change_options
@asks
def rollback(asking: Asking, revision: int, how: Manner) -> None:
    """Make the rules what they were at REVISION, by a new revision; 0 is no rules."""
    found = asking.balancer.read_rules()
    then = asking.balancer.read_rules_revision(revision=revision).rules if revision else []
    rows = differences(found.rules, then)
    if how.dry_run:
        data = [dict(zip(("rule", "field", "before", "after"), row, strict=True)) for row in rows]
        asking.show(data, lambda: difference_table(rows))
        return
    if not how.yes:
        confirm_rest(found.rules, then)
    request = RulesRollback(revision=revision, reason=given(how.reason))
    done = asking.balancer.roll_back_rules(request, if_match=etag(found))
    asking.show(done.to_dict(), lambda: _table(done))


def read_file(path: str) -> list[RuleItem]:
    """Return the rules in a file.

    Raises:
        CannotDo: When it is not of that shape.
    """
    with click.open_file(path, "rb") as opened:
        data = opened.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise CannotDo(f"{path} is longer than {MAX_FILE} bytes.")
    try:
        told = yaml.safe_load(data)
    except (RecursionError, ValueError):
        raise CannotDo(f"{path} is not YAML.") from None
    items = told.get("rules") if isinstance(told, dict) else told
    if not isinstance(items, list):
        raise CannotDo(f"{path} has no list 'rules'.")
    return [_item(place, each) for place, each in enumerate(items)]


def _item(place: int, told: Any) -> RuleItem:
    known = {"name", "config_id", "when", "enabled"}
    if not isinstance(told, dict):
        raise CannotDo(f"rules[{place}] is no object.")
    if unknown := sorted(map(str, told.keys() - known)):
        raise CannotDo(f"rules[{place}] has no field '{unknown[0]}'; it has: {', '.join(sorted(known))}.")
    try:
        return RuleItem.from_dict(told)
    except KeyError as error:
        raise CannotDo(f"rules[{place}] needs the field {error}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise CannotDo(f"rules[{place}] cannot be like this: {error}.") from None


def as_told(rule: RuleItem) -> Json:
    """Return what a rule says, without what is at its default."""
    told = rule.to_dict()
    told["when"] = {name: value for name, value in (told.get("when") or {}).items() if value not in (None, [])}
    told.setdefault("enabled", True)
    return told


def differences(before: list[RuleItem], after: list[RuleItem]) -> list[tuple[str, str, str, str]]:
    """Return a row for each difference: of which rule, in which field, before and after."""
    old, new = ({rule.name: as_told(rule) for rule in rules} for rules in (before, after))
    rows = []
    for name in {**old, **new}:
        for field in ("config_id", "when", "enabled"):
            one, other = (plain(side[name][field]) if name in side else "-" for side in (old, new))
            if one != other:
                rows.append((name, field, one, other))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        rows.append(("(all)", "order", ", ".join(old), ", ".join(new)))
    return rows


def confirm_rest(before: list[RuleItem], after: list[RuleItem]) -> None:
    """Ask about rules that send elsewhere what no condition is asked of.

    Raises:
        Declined: When it is not wanted.
    """
    old, new = _rest(before), _rest(after)
    if old != new:
        now, then = ("the default config" if one is None else f"config {one}" for one in (old, new))
        confirm(f"All requests that match no other rule would get {then}, and not {now}.")


def _rest(rules: list[RuleItem]) -> int | None:
    """Return the config of the rule without conditions, None where there is none."""
    told = [as_told(rule) for rule in rules]
    return next((one["config_id"] for one in told if one["enabled"] and not one["when"]), None)


def difference_table(rows: list[Any]) -> RenderableType:
    """Return differences for people."""
    return table(("RULE", "FIELD", "BEFORE", "AFTER"), rows) if rows else Text("They are the same.")


def _table(found: RuleList) -> RenderableType:
    rows = [
        (place, one["name"], one["config_id"], _conditions(one["when"]), None if one["enabled"] else "not asked")
        for place, one in enumerate(map(as_told, found.rules), 1)
    ]
    if not rows:
        return Text(f"There are no rules, at revision {found.revision}.")
    return table(("", "RULE", "CONFIG", "WHEN", ""), rows, right=("", "CONFIG"))


def _conditions(when: Json) -> Any:
    told = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in when.items()]
    return cell("; ".join(told) or "always")
