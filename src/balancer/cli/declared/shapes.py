"""A YAML file against a JSON Schema: every fault with its line and its place."""

import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from typing_extensions import override

MAX_FILE = 4 * 1024 * 1024
"""Bytes of a file."""

MAX_NODES = 200_000
"""Values in a file, where a value that is named again counts each time."""

MAX_DEPTH = 50
"""Values within values."""

Json = dict[str, Any]

_TAG = "tag:yaml.org,2002:"
_TYPES = {
    "string": ("str",),
    "integer": ("int",),
    "number": ("int", "float"),
    "boolean": ("bool",),
    "null": ("null",),
    "array": ("seq",),
    "object": ("map",),
}
_WORDS = {"string": "a text", "integer": "an integer", "number": "a number", "boolean": "true or false", "null": "null",
          "array": "a list", "object": "an object"}  # fmt: skip


class Fault(NamedTuple):
    """What is wrong at a place of a file.

    Attributes:
        line: From 1.
        place: `configs[0].targets[1].weight`; empty for all of the file.
        text: What it must be.
    """

    line: int
    place: str
    text: str

    @override
    def __str__(self) -> str:
        return f"line {self.line}: {self.place or 'the file'} {self.text}{'' if self.text.endswith('?') else '.'}"


class Unreadable(Exception):
    """A file cannot be what it has to be; the faults say why."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


def read(text: bytes, schema: Json, most: int = MAX_NODES) -> Any:
    """Return what a file says.

    Args:
        text: YAML, of which JSON is a part.
        schema: What it may say.
        most: Values that it may have.

    Raises:
        Unreadable: With all of its faults.
    """
    if len(text) > MAX_FILE:
        raise Unreadable([Fault(1, "", f"is longer than {MAX_FILE} bytes")])
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise Unreadable([Fault(1, "", "is empty")])
        faults = list(_Reader(loader, schema, most).faults(node, schema, "", 0))
        if faults:
            raise Unreadable(faults)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable([Fault(mark.line + 1 if mark else 1, "", f"is not YAML: {error.problem}")]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable([Fault(1, "", f"is not YAML: {' '.join(str(error).split())[:200]}")]) from None


class _Reader:
    """Compares the nodes of one file with what may be there.

    Args:
        loader: Of the file.
        schema: Holds what references lead to.
        most: Values that are looked at.
    """

    def __init__(self, loader: yaml.SafeLoader, schema: Json, most: int) -> None:
        self._loader = loader
        self._schemas: Json = schema.get("$defs", {})
        self._left = most

    def faults(self, node: yaml.Node, schema: Json, place: str, depth: int) -> Iterator[Fault]:
        """Yield what is wrong at a node and below."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Unreadable([Fault(_line(node), place, "is one value too many, or too deep")])
        schema = self._fitting(node, schema)
        allowed = [kind for kind in _TYPES if kind in _kinds(schema)]
        tag = node.tag.removeprefix(_TAG)
        if not any(tag in _TYPES[kind] for kind in allowed):
            hint = "; put it in quotes" if "string" in allowed and isinstance(node, yaml.ScalarNode) else ""
            yield Fault(_line(node), place, f"must be {' or '.join(_WORDS[kind] for kind in allowed)}{hint}")
        elif isinstance(node, yaml.MappingNode):
            yield from self._object(node, schema, place, depth)
        elif isinstance(node, yaml.SequenceNode):
            for number, each in enumerate(node.value):
                yield from self.faults(each, schema.get("items", {}), f"{place}[{number}]", depth + 1)
        else:
            yield from self._scalar(node, schema, place)

    def _fitting(self, node: yaml.Node, schema: Json) -> Json:
        """Return what a node is to be, of several things that which it can be."""
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        choices = [self._fitting(node, one) for one in schema.get("anyOf", [])]
        if not choices:
            return schema
        tag = node.tag.removeprefix(_TAG)
        found = [one for one in choices if any(tag in _TYPES[kind] for kind in _kinds(one))]
        return found[0] if found else {"type": [kind for one in choices for kind in _kinds(one)]}

    def _object(self, node: yaml.MappingNode, schema: Json, place: str, depth: int) -> Iterator[Fault]:
        known: Json = schema.get("properties", {})
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                yield Fault(_line(key), _below(place, key.value), "stands there twice")
            seen.add(str(key.value))
        self._loader.flatten_mapping(node)
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            names.add(name)
            if name in known:
                yield from self.faults(value, known[name], _below(place, name), depth + 1)
            elif schema.get("additionalProperties", True) is False:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(sorted(known))}"
                yield Fault(_line(key), _below(place, name), f"is no field; {hint}")
        for name in schema.get("required", []):
            if name not in names:
                yield Fault(_line(node), _below(place, name), "is missing")

    def _scalar(self, node: yaml.Node, schema: Json, place: str) -> Iterator[Fault]:
        value = self._loader.construct_object(node)
        if "enum" in schema and value not in schema["enum"]:
            yield Fault(_line(node), place, f"must be one of {', '.join(map(str, schema['enum']))}")
        least, most = schema.get("minimum"), schema.get("maximum")
        if (least is not None and value < least) or (most is not None and value > most):
            yield Fault(_line(node), place, f"must be from {least} to {most}")


def _kinds(schema: Json) -> list[str]:
    kinds = schema.get("type", list(_TYPES))
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
