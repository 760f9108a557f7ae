"""Finds what a newer OpenAPI document breaks for the clients of an older one."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.openapi import operations

Json = dict[str, Any]

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "multipleOf", "uniqueItems", "propertyNames")
"""Nobody can say in general which of two of these allows less, so each other one counts as narrower."""

_UNKNOWN = frozenset(
    {"allOf", "not", "if", "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems"}
)
"""Keywords that the comparison knows nothing of; a document that has them is refused, not waved through."""


def breaking(old: Json, new: Json) -> Iterator[str]:
    """Yield each break in words: what a client of an older document could do or rely on, and cannot with a newer one.

    What is sent may be what it was, and what is answered is what it was. So new operations, new optional fields and
    parameters, and new fields and new enum values in answers are no breaks.

    Args:
        old: The document that clients were written by.
        new: The one that they meet.

    Raises:
        ValueError: For a schema with keywords that are not understood.
    """
    present = dict(operations(new))
    for place, before in operations(old):
        if (after := present.get(place)) is None:
            yield f"{place} is gone"
            continue
        if before.get("operationId") != after.get("operationId"):
            yield f"{place}: operationId {before.get('operationId')} is {after.get('operationId')} now"
        yield from (f"{place}: {fault}" for fault in _security(before, after, old, new))
        sent = _Way(old, new, is_request=True)
        yield from (f"{place}: {fault}" for fault in _parameters(before, after, sent))
        yield from (f"{place}: {fault}" for fault in _body(before, after, sent))
        yield from (f"{place}: {fault}" for fault in _answers(before, after, _Way(new, old, is_request=False)))


class _Way(NamedTuple):
    """Which way values go: all that one side sends must fit what the other one takes.

    Attributes:
        sender: The document of who sends: of requests, the old one.
        taker: The document of who takes it.
        is_request: Whether requests are sent; else answers, in which new enum values may come.
    """

    sender: Json
    taker: Json
    is_request: bool


def _security(before: Json, after: Json, old: Json, new: Json) -> Iterator[str]:
    had: list[Json] = before.get("security", old.get("security")) or [{}]
    needed: list[Json] = after.get("security", new.get("security")) or [{}]
    for one in had:
        if not any(other.keys() <= one.keys() for other in needed):
            lacking = sorted({name for other in needed for name in other.keys() - one.keys()})
            yield f"needs {' or '.join(lacking)}, where {' and '.join(one) or 'nothing'} was enough"


def _parameters(before: Json, after: Json, way: _Way) -> Iterator[str]:
    had, has = _by_name(before, way.sender), _by_name(after, way.taker)
    for key, parameter in has.items():
        if parameter.get("required") and not had.get(key, {}).get("required"):
            yield f"{' '.join(key)} became required"
    for key, parameter in had.items():
        name = " ".join(key)
        if key in has:
            yield from _misfits(name, parameter.get("schema", {}), has[key].get("schema", {}), way)
        else:
            yield f"{name} is gone"


def _by_name(operation: Json, document: Json) -> dict[tuple[str, str], Json]:
    parameters = [_resolved(one, document) for one in operation.get("parameters", [])]
    # Names of header fields have no case (RFC 9110 §5.1).
    names = [one["name"].lower() if one["in"] == "header" else one["name"] for one in parameters]
    return {(one["in"], name): one for one, name in zip(parameters, names, strict=True)}


def _body(before: Json, after: Json, way: _Way) -> Iterator[str]:
    had = _resolved(before.get("requestBody", {}), way.sender)
    has = _resolved(after.get("requestBody", {}), way.taker)
    if has.get("required") and not had.get("required"):
        yield "body became required"
    for kind, media in had.get("content", {}).items():
        if kind in has.get("content", {}):
            yield from _misfits("body", media.get("schema", {}), has["content"][kind].get("schema", {}), way)
        else:
            yield f"body takes no {kind} any more"


def _answers(before: Json, after: Json, way: _Way) -> Iterator[str]:
    for status, answer in before.get("responses", {}).items():
        if status not in after.get("responses", {}):
            yield f"{status} is gone"
            continue
        had = _resolved(answer, way.taker).get("content", {})
        has = _resolved(after["responses"][status], way.sender).get("content", {})
        for kind, media in had.items():
            if kind in has:
                yield from _misfits(status, has[kind].get("schema", {}), media.get("schema", {}), way)
            else:
                yield f"{status} has no {kind} any more"


def _resolved(node: Json, document: Json) -> Json:
    """Return what a reference leads to, or a node itself."""
    while isinstance(reference := node.get("$ref"), str):
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def _choices(schema: Json, document: Json) -> Iterator[Json]:
    """Yield the alternatives of a schema, each with one type, or without one when any will do."""
    schema = _resolved(schema, document)
    if unknown := _UNKNOWN & schema.keys():
        raise ValueError(f"no comparison for {', '.join(sorted(unknown))}")
    for group in ("anyOf", "oneOf"):
        if group in schema:
            for one in schema[group]:
                yield from _choices(one, document)
            return
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    kinds = schema.get("type") or sorted({_kind(value) for value in schema.get("enum", [])}) or [None]
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        values = [value for value in schema.get("enum", []) if kind in {_kind(value), "number"}]
        if values or "enum" not in schema:
            yield {**schema, "type": kind, **({"enum": values} if values else {})}


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _misfits(
    place: str, sent: Json, taken: Json, way: _Way, above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[str]:
    """Yield what may be sent and is not taken.

    Args:
        place: Of the value.
        sent: The schema of the sender.
        taken: The schema of the taker.
        way: Who sends.
        above: Pairs of nodes that are compared already, as a schema may contain itself.
    """
    pair = (id(_resolved(sent, way.sender)), id(_resolved(taken, way.taker)))
    if pair in above:
        return
    above |= {pair}
    choices = list(_choices(taken, way.taker))
    for one in _choices(sent, way.sender):
        fitting = [choice for choice in choices if _is_kind(one["type"], choice["type"])]
        faults = [list(_differences(place, one, choice, way, above)) for choice in fitting]
        if not faults:
            kind = one["type"] or "anything"
            yield f"{place} takes no {kind} any more" if way.is_request else f"{place} may be {kind} now"
        else:
            yield from min(faults, key=len)


def _is_kind(sent: str | None, taken: str | None) -> bool:
    return taken in {None, sent} or (sent, taken) == ("integer", "number")


def _differences(place: str, sent: Json, taken: Json, way: _Way, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Yield why a value of one type may not fit."""
    if sent["type"] == "null":
        return
    if way.is_request:
        yield from _narrower(place, sent, taken)
    if taken.get("format") not in {None, sent.get("format")}:
        yield f"{place}: format {taken['format']} " + ("is demanded" if way.is_request else "is not kept any more")
    yield from _fields(place, sent, taken, way, above)
    for name, label in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(inner := taken.get(name), dict):
            # Whoever says nothing allows everything.
            other = sent.get(name, {})
            if isinstance(other, dict):
                yield from _misfits(f"{place}{label}", other, inner, way, above)
            elif other:
                yield from _misfits(f"{place}{label}", {}, inner, way, above)


def _narrower(place: str, sent: Json, taken: Json) -> Iterator[str]:
    """Yield which values of one type are not allowed any more."""
    if "enum" in taken:
        if "enum" not in sent:
            yield f"{place} takes only {taken['enum']}"
        yield from (f"{place} takes no {one!r} any more" for one in sent.get("enum", []) if one not in taken["enum"])
    for name in (*_LEAST, *_MOST, *_EXACT):
        was, bound = sent.get(name), taken.get(name)
        if bound is None or bound == was:
            continue
        if was is None or name in _EXACT or (bound > was if name in _LEAST else bound < was):
            yield f"{place}: {name} is {bound}, and was {was}"


def _fields(place: str, sent: Json, taken: Json, way: _Way, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """Yield what is wrong with the fields of an object."""
    given, known = sent.get("properties", {}), taken.get("properties", {})
    for name in taken.get("required", []):
        if name in sent.get("required", []):
            continue
        if way.is_request:
            yield f"{place}.{name} became required"
        else:
            yield f"{place}.{name} is " + ("no longer required" if name in given else "gone")
    for name, schema in given.items():
        if name in known:
            yield from _misfits(f"{place}.{name}", schema, known[name], way, above)
        elif way.is_request:
            yield f"{place}.{name} is gone"
