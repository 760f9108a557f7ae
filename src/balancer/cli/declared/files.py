"""The file of configs and rules: read by its schema, and written."""

import json
from importlib.resources import files
from typing import Any, NamedTuple

import click
import yaml

from balancer.cli.declared.shapes import MAX_FILE, Json, Unreadable, read
from balancer.cli.remote.edits import known_fields
from balancer.cli.remote.remedies import CannotDo
from balancer.cli.remote.rules import as_told
from balancer_client.models import Config, ConfigPatch, RuleItem, Target

SCHEMA = "balancer.schema.json"
"""The schema of the file, beside this module and in `docs/`."""

IDENTITY = {"id", "default"}
"""Fields of a config in a file that say which one it is; they are nothing that could be changed."""

_NOT_WRITTEN = {"id", "reason", "cdn_host", "distribution_rate"}

_HEAD = f"# yaml-language-server: $schema={SCHEMA}\n"


class Declared(NamedTuple):
    """What a file says.

    Attributes:
        configs: Each as the file has it; None when the file is about rules alone.
        rules: Each as the file has it, with `config` for the config that it chooses; None when they are to stay.
    """

    configs: list[Json] | None
    rules: list[Json] | None


def schema() -> Json:
    """Return the schema of the file."""
    found: Json = json.loads(files("balancer.cli.declared").joinpath(SCHEMA).read_text())
    return found


def read_file(path: str) -> Declared:
    """Return what a file says; `-` is standard input.

    Raises:
        CannotDo: With every fault, its line and its place.
    """
    with click.open_file(path, "rb") as opened:
        text = opened.read(MAX_FILE + 1)
    try:
        said = read(text, schema())
    except Unreadable as error:
        lines = [f"{path}: {fault}" for fault in error.faults[:20]]
        more = len(error.faults) - len(lines)
        raise CannotDo("\n  ".join(lines + ([f"and {more} more."] if more else []))) from None
    return Declared(said.get("configs"), said.get("rules"))


def written(configs: list[Config], rules: list[RuleItem]) -> str:
    """Return the file that says what there is."""
    ids = {config.id: reference(config, configs) for config in configs}
    said = {
        "configs": [_config(config, configs, is_default=number == 0) for number, config in enumerate(configs)],
        "rules": [_rule(rule, ids) for rule in rules],
    }
    return _HEAD + str(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=120))


def reference(config: Config, configs: list[Config]) -> str | int:
    """Return how a file names a config: by its name where no other has it, else by its id."""
    same = [one for one in configs if one.name == config.name]
    return config.name if config.name and len(same) == 1 else config.id


def _config(config: Config, configs: list[Config], *, is_default: bool) -> Json:
    told = config.to_dict()
    made: Json = {"default": True} if is_default else {}
    if not is_default and isinstance(reference(config, configs), int):
        made["id"] = config.id
    for name in known_fields(ConfigPatch):
        if name not in _NOT_WRITTEN and told.get(name) is not None:
            made[name] = told[name]
    made["targets"] = [_target(target) for target in config.targets]
    return made


def _target(target: Target) -> Json:
    """Return what a target says beyond its defaults, with its weight in any case."""
    usual = Target(name=target.name).to_dict() | {"name": None, "weight": None}
    told = target.to_dict()
    made = {name: value for name, value in told.items() if value is not None and value != usual.get(name)}
    if isinstance(made.get("check"), dict):
        made["check"] = {name: value for name, value in made["check"].items() if value is not None}
    return made


def _rule(rule: RuleItem, ids: dict[int, str | int]) -> Json:
    told = as_told(rule)
    made: Json = {"name": told["name"], "config": ids.get(rule.config_id, rule.config_id)}
    if told["when"]:
        made["when"] = told["when"]
    return made if told["enabled"] else {**made, "enabled": False}


def item(rule: Json, config_id: int) -> RuleItem:
    """Return a rule of a file as the service takes it."""
    fields: dict[str, Any] = {name: value for name, value in rule.items() if name != "config"}
    return RuleItem.from_dict({**fields, "config_id": config_id})
