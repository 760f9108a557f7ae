"""Targets as options change them: `--weight cdn-a=3`, `--target cdn-a.host=a.example`, `--add`, `--remove`."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import attrs
import yaml

from balancer.cli.remote.remedies import CannotDo
from balancer_client.models import Check, Target

_PART = re.compile(r"([a-z0-9-]{1,32})\.([a-z_]+(?:\.[a-z_]+)?)=(.*)", re.DOTALL)
_WEIGHT = re.compile(r"([a-z0-9-]{1,32})=([0-9]{1,9})")
_ADDED = re.compile(r"([a-z0-9-]{1,32})=(?:(https?)://)?([^/\s]+)(/\S*)?")

Json = dict[str, Any]


class Edits(NamedTuple):
    """What is to become of a list of targets.

    Attributes:
        weights: `cdn-a=3`.
        parts: `cdn-a.host=a.example`, `cdn-a.check.url=/health`, `cdn-a.check=null`.
        added: `cdn-b=b.example`, `cdn-b=https://b.example/vod{path}`, or `origin` alone.
        removed: Names.
    """

    weights: Sequence[str] = ()
    parts: Sequence[str] = ()
    added: Sequence[str] = ()
    removed: Sequence[str] = ()

    def apply(self, targets: Iterable[Target]) -> list[Target]:
        """Return the targets as they are to be.

        Raises:
            CannotDo: When an option is not what it has to be, or names a target that there is not.
        """
        made: dict[str, Json] = {target.name: target.to_dict() for target in targets}
        for name in self.removed:
            _named(made, name)
            del made[name]
        for text in self.added:
            target = _added(text)
            if target["name"] in made:
                raise CannotDo(f"There is a target '{target['name']}' already. Change it by --target.")
            made[target["name"]] = target
        for text in self.weights:
            found = _matched(_WEIGHT, text, "--weight", "cdn-a=3")
            _named(made, found[1])["weight"] = int(found[2])
        for text in self.parts:
            found = _matched(_PART, text, "--target", "cdn-a.host=a.example")
            _put(_named(made, found[1]), found[2].split("."), _value(found[3]))
        return [_target(target) for target in made.values()]


def _target(made: Json) -> Target:
    try:
        return Target.from_dict(made)
    except (AttributeError, TypeError, ValueError) as error:
        raise CannotDo(f"The target '{made['name']}' cannot be like this: {error}.") from None


def _matched(pattern: re.Pattern[str], text: str, option: str, example: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if not found:
        raise CannotDo(f"{option} '{text}' is not understood; it looks like {option} {example}.")
    return found


def _named(targets: dict[str, Json], name: str) -> Json:
    if name not in targets:
        raise CannotDo(f"There is no target '{name}'; the targets are: {', '.join(targets) or 'none'}.")
    return targets[name]


def _added(text: str) -> Json:
    if re.fullmatch("[a-z0-9-]{1,32}", text):
        return {"name": text, "kind": "origin"}
    found = _matched(_ADDED, text, "--add", "cdn-b=https://b.example/vod{path}")
    target = {"name": found[1], "host": found[3]}
    return target | {name: value for name, value in (("scheme", found[2]), ("path", found[4])) if value}


def _value(text: str) -> Any:
    """Return a value as YAML reads it: `3`, `false`, `null`, `[200, 204]`, else a text."""
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return text
    return value if isinstance(value, bool | int | float | str | list) or value is None else text


def _put(target: Json, path: list[str], value: Any) -> None:
    """Change a field of a target, or one of its check, which is made where there is none."""
    field = path[0]
    known = known_fields(Target)
    if field not in known or field == "name" or (len(path) > 1 and field != "check"):
        raise CannotDo(f"A target has no field '{'.'.join(path)}' to change; it has: {', '.join(known[1:])}.")
    if len(path) == 1:
        target[field] = value
        return
    if path[1] not in known_fields(Check):
        raise CannotDo(f"A check has no field '{path[1]}'; it has: {', '.join(known_fields(Check))}.")
    target[field] = {**(target.get(field) or {}), path[1]: value}


def known_fields(kind: type[Any]) -> list[str]:
    """Return the names of the fields of a generated class."""
    return [field.name.rstrip("_") for field in attrs.fields(kind) if field.init]
