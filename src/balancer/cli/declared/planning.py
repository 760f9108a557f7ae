"""What has to be done to make configs and rules what a file says; everything is tried out by previews first."""

from collections import Counter
from typing import NamedTuple

from balancer.cli.declared.files import IDENTITY, Declared, item, reference
from balancer.cli.declared.shapes import Json
from balancer.cli.declared.steps import Change, Chosen, Create, Delete, Replace, Step, told
from balancer.cli.endings import CONFLICT
from balancer.cli.remote.remedies import CannotDo
from balancer.cli.remote.rules import differences
from balancer_client import Balancer, InvalidRequest, each
from balancer_client.models import Config, PreviewRequest, RuleItem, RuleList, RulesPreviewRequest

Row = tuple[object, ...]

_USUAL = {"policy": "exact", "sticky_key": "video", "panic_threshold": 0, "slow_start": 0}
"""What a new config has where the file does not say; the preview would take what another config has."""


class Found(NamedTuple):
    """What there is.

    Attributes:
        configs: By id, so the default one comes first.
        rules: With their revision.
    """

    configs: list[Config]
    rules: RuleList


def look(balancer: Balancer) -> Found:
    """Return what there is."""
    return Found(list(each(balancer.list_configs)), balancer.read_rules())


class Plan(NamedTuple):
    """What is to be done.

    Attributes:
        steps: In order: configs come before the rules that name them, and go after them.
        before: The rules that there are.
        after: Those that there will be; a config that is to be made has the id 0.
    """

    steps: list[Step]
    before: list[RuleItem]
    after: list[RuleItem]


def plan(balancer: Balancer, declared: Declared, found: Found, *, prune: bool) -> Plan:
    """Return the steps that lead from what there is to what a file says.

    Raises:
        CannotDo: When the file names what there is not, or what there is twice.
        ProblemError: When the service would refuse something of it.
    """
    wanted = declared.configs or []
    matched = _matched(wanted, found.configs)
    steps: list[Step] = []
    for place, (fields, config) in enumerate(zip(wanted, matched, strict=True)):
        changed = {name: value for name, value in fields.items() if name not in IDENTITY}
        if config is None:
            _try_new(balancer, place, changed, found.configs[0])
            steps.insert(sum(isinstance(step, Create) for step in steps), Create(place, changed))
        elif changed and (step := _change(balancer, place, changed, config)):
            steps.append(step)
    after = found.rules.rules
    if declared.rules is not None:
        chosen = [(rule, _choice(number, rule, wanted, matched, found)) for number, rule in enumerate(declared.rules)]
        after = [item(rule, choice.id or 0) for rule, choice in chosen]
        trial = [item(rule, choice.id or found.configs[0].id) for rule, choice in chosen]
        balancer.preview_rules(RulesPreviewRequest(rules=trial, requests=[]))
        if rows := differences(found.rules.rules, after):
            steps.append(Replace(found.rules, chosen, _readable(rows, declared.rules, found.configs)))
    if prune:
        steps += _pruned(declared, matched, found.configs, after)
    return Plan(steps, found.rules.rules, after)


def _matched(wanted: list[Json], configs: list[Config]) -> list[Config | None]:
    """Return for each config of a file the one that there is, None for one that is to be made."""
    matched = [_match(place, fields, configs) for place, fields in enumerate(wanted)]
    twice = [id_ for id_, count in Counter(config.id for config in matched if config).items() if count > 1]
    names = Counter(fields["name"] for fields, config in zip(wanted, matched, strict=True) if config is None)
    doubled = [name for name, count in names.items() if count > 1]
    if twice or doubled:
        raise CannotDo(f"The file has {f'config {twice[0]}' if twice else f'the config {doubled[0]!r}'} twice.")
    return matched


def _match(place: int, fields: Json, configs: list[Config]) -> Config | None:
    here = f"configs[{place}]"
    if "id" in fields:
        found = [config for config in configs if config.id == fields["id"]]
        if not found:
            raise CannotDo(f"{here}: there is no config with id {fields['id']}. Leave the id out to make one.")
        return found[0]
    if fields.get("default"):
        return configs[0]
    name = fields.get("name")
    if not name:
        raise CannotDo(f"{here}: say which config it is, by 'name', 'id' or 'default: true'.")
    found = [config for config in configs if config.name == name]
    if len(found) > 1:
        raise CannotDo(f"{here}: {len(found)} configs have the name '{name}'. Say which, by 'id'.")
    return found[0] if found else None


def _change(balancer: Balancer, place: int, fields: Json, config: Config) -> Change | None:
    try:
        preview = balancer.preview_config(PreviewRequest.from_dict({**fields, "id": config.id}))
    except InvalidRequest as error:
        raise _named(place, error) from error
    if preview.revision != config.revision:
        raise CannotDo(f"Somebody is changing {told(config)} at the moment. Repeat the command.", CONFLICT)
    return Change(config, fields, preview) if preview.changes or preview.target_changes else None


def _try_new(balancer: Balancer, place: int, fields: Json, other: Config) -> None:
    """See that the service would take a new config, by a preview of it in the place of another one."""
    has_simple = "cdn_host" in fields and "distribution_rate" in fields
    if ("targets" in fields) == has_simple:
        raise CannotDo(f"configs[{place}]: a new config needs 'targets', or 'cdn_host' and 'distribution_rate'.")
    trial = {
        **_USUAL,
        **{name: value for name, value in fields.items() if name not in {"cdn_host", "distribution_rate"}},
    }
    if has_simple:
        trial["targets"] = [{"name": "origin", "kind": "origin"}, {"name": "cdn", "host": fields["cdn_host"]}]
    try:
        balancer.preview_config(PreviewRequest.from_dict({**trial, "id": other.id}))
    except InvalidRequest as error:
        raise _named(place, error) from error


def _named(place: int, error: InvalidRequest) -> CannotDo:
    """Return an error that says which config of the file is at fault."""
    lines = [f"configs[{place}].{fault.field} {fault.reason}." for fault in error.errors]
    return CannotDo("\n  ".join(lines) or f"configs[{place}]: {error}")


def _choice(number: int, rule: Json, wanted: list[Json], matched: list[Config | None], found: Found) -> Chosen:
    """Return the config that a rule names, by its name in the file or there, or by its id."""
    named = rule["config"]
    if isinstance(named, int):
        if named not in {config.id for config in found.configs}:
            raise CannotDo(f"rules[{number}].config: there is no config with id {named}.")
        return Chosen(named)
    places = [place for place, fields in enumerate(wanted) if fields.get("name") == named]
    choices = [Chosen(config.id) if (config := matched[place]) else Chosen(None, place) for place in places]
    if not choices:
        choices = [Chosen(config.id) for config in found.configs if config.name == named]
    if len(choices) != 1:
        how_many = "no config has" if not choices else f"{len(choices)} configs have"
        raise CannotDo(f"rules[{number}].config: {how_many} the name '{named}'.")
    return choices[0]


def _readable(rows: list[tuple[str, str, str, str]], rules: list[Json], configs: list[Config]) -> list[Row]:
    """Return differences with configs as the file names them, and not by ids."""
    old = {str(config.id): str(reference(config, configs)) for config in configs}
    new = {rule["name"]: str(rule["config"]) for rule in rules}
    made: list[Row] = []
    for rule, field, before, after in rows:
        if field == "config_id":
            made.append((f"{rule}.config", old.get(before, before), "-" if after == "-" else new[rule]))
        else:
            made.append((f"{rule}.{field}", before, after))
    return made


def _pruned(
    declared: Declared, matched: list[Config | None], configs: list[Config], after: list[RuleItem]
) -> list[Delete]:
    """Return the deletions of all that the file does not name; the default config is never deleted."""
    if declared.configs is None:
        raise CannotDo("The file has no 'configs', so --prune would delete all of them. Leave --prune out.")
    kept = {config.id for config in matched if config} | {configs[0].id}
    gone = [config for config in configs if config.id not in kept]
    for rule in after:
        for config in gone:
            if rule.config_id == config.id:
                raise CannotDo(f"{told(config).capitalize()} is not in the file, but the rule '{rule.name}' names it.")
    return [Delete(config) for config in gone]
