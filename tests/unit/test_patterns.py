"""No pattern of the program takes long, whatever it is given."""

import ast
import importlib
import inspect
import pkgutil
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import pytest

import balancer
from balancer.telemetry.logs import Scrubber
from tests.factories import origins

# The library's own parser; it is not public, but it is what our patterns mean.
parser: Any = importlib.import_module("re._parser")

LENGTH = 16 * 1024
BOUND = 0.5
"""Seconds of processor time: a hundred times as much as the slowest takes, and far less than one that goes astray."""

METHODS = {"match", "fullmatch", "search", "sub", "findall"}
Text = str | bytes


class TooSlow(Exception):
    """A pattern has taken longer than it may."""


class Subject(NamedTuple):
    """A pattern, and how the program asks it.

    Attributes:
        name: Where it stands.
        pattern: Itself.
        methods: Those that the program calls; all where that cannot be seen.
    """

    name: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Fail when the block takes more processor time than that, also within a pattern."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def modules() -> Iterator[ModuleType]:
    """Yield every module of the program."""
    for found in pkgutil.walk_packages(balancer.__path__, "balancer."):
        if "__main__" not in found.name and "migrations" not in found.name:
            yield importlib.import_module(found.name)


def compiled(value: object) -> Iterator[re.Pattern[Any]]:
    """Yield the patterns in a value, also in tuples of tuples."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from compiled(part)
    elif isinstance(value, dict):
        yield from compiled(list(value.values()))


def calls_of_re(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """Yield what a module calls of `re`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "re":
                yield node, node.func.attr


def subjects() -> list[Subject]:
    """Return all patterns: of modules, given to a function of `re`, and samples of those that are made at run time."""
    found = []
    for module in modules():
        tree = ast.parse(inspect.getsource(module))
        uses: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(node.value, ast.Name):
                uses.setdefault(node.value.id, set()).add(node.attr)
        for name, value in vars(module).items():
            for pattern in compiled(value):
                methods = frozenset(uses.get(name, METHODS if isinstance(value, re.Pattern) else {"sub"}))
                found.append(Subject(f"{module.__name__}.{name}", pattern, methods))
        for call, method in calls_of_re(tree):
            if method in METHODS and isinstance(call.args[0], ast.Constant):
                pattern = re.compile(call.args[0].value)
                found.append(Subject(f"{module.__name__}:{call.lineno}", pattern, frozenset({method})))
    (origin,) = origins("*.bücher.example:8080")._patterns
    found.append(Subject("origins", origin.regex, frozenset({"fullmatch"})))
    secrets = Scrubber(["a" * 12, "a" * 11 + "b", "ab" * 8])._secrets
    assert secrets
    found.append(Subject("secrets", secrets, frozenset({"sub"})))
    field = re.compile(rb"(?im)^" + re.escape(b"x-forwarded-for") + rb":(.*)\r$")
    found.append(Subject("fields", field, frozenset({"findall"})))
    return found


SUBJECTS = subjects()

DYNAMIC = {"core/urls/hosts.py", "telemetry/logs.py", "edge/heads.py"}
"""Modules with a pattern that is made at run time: each has its sample above."""


def member(node: list[Any]) -> str:
    """Return a character of a class."""
    negated = node[0][0] is parser.NEGATE
    inside = "".join(filter(None, map(chars, node)))
    if not negated:
        return inside[0]
    others = [char for char in "a0 -!\x01\xff" if char not in inside]
    return others[0]


def chars(item: Any) -> str:
    """Return the characters of a part of a class."""
    operator, value = item
    if operator is parser.LITERAL:
        return chr(value)
    if operator is parser.RANGE:
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 0x100) + 1)))
    if operator is parser.CATEGORY:
        return {"DIGIT": "07", "SPACE": " \t", "WORD": "a_0"}.get(str(value).rpartition("_")[2], "a")
    return ""


def shortest(nodes: Any) -> str:
    """Return a short text that a part of a pattern matches, by and large."""
    return "".join(sample(operator, value, least=True) for operator, value in nodes)


def sample(operator: Any, value: Any, *, least: bool) -> str:
    """Return a text that one node matches; empty for one that is only a place, as `^`."""
    found = ""
    match str(operator):
        case "LITERAL":
            found = chr(value)
        case "NOT_LITERAL":
            found = "b" if value == ord("a") else "a"
        case "ANY":
            found = "a"
        case "IN":
            found = member(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            found = shortest(value[2]) * (value[0] if least else max(1, value[0]))
        case "SUBPATTERN":
            found = shortest(value[3])
        case "ATOMIC_GROUP":
            found = shortest(value)
        case "BRANCH":
            found = shortest(value[1][0])
        case _:
            pass
    return found


def pumps(nodes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield what stands before a repetition, and what is repeated there, for every repetition and alternative."""
    for operator, value in nodes:
        match str(operator):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield before, sample(operator, value, least=False)
                yield from pumps(value[2], before)
                # What comes before it may be there more than once.
                yield "", before + sample(operator, value, least=False)
            case "SUBPATTERN":
                yield from pumps(value[3], before)
            case "ATOMIC_GROUP":
                yield from pumps(value, before)
            case "BRANCH":
                for branch in value[1]:
                    yield before, shortest(branch)
                    yield from pumps(branch, before)
            case _:
                pass
        before += sample(operator, value, least=True)


def alphabet(nodes: Any) -> set[str]:
    """Return a character of each literal and each part of a class in a pattern."""
    found: set[str] = set()
    for operator, value in nodes:
        match str(operator):
            case "IN":
                found |= {sample(operator, value, least=True), *(chars(item)[:1] for item in value)}
            case "LITERAL" | "NOT_LITERAL":
                found.add(sample(operator, value, least=True))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                found |= alphabet(value[2])
            case "SUBPATTERN":
                found |= alphabet(value[3])
            case "ATOMIC_GROUP":
                found |= alphabet(value)
            case "BRANCH":
                for branch in value[1]:
                    found |= alphabet(branch)
            case _:
                pass
    return found


def hostile(pattern: re.Pattern[Any]) -> Iterator[Text]:
    """Yield long texts that are made of a pattern's own pieces, and end in what it cannot match."""
    nodes = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else 0)
    whole = shortest(nodes)
    pieces = set(pumps(nodes)) | {("", whole), (whole, whole)}
    letters = sorted(filter(None, alphabet(nodes)), key=str.isalnum)[:6]
    pieces |= {(start, pair) for start in ("", whole) for a in letters for pair in {a, *(a + b for b in letters)}}
    pieces |= {("", whole + letter) for letter in letters}
    for before, repeated in sorted(pieces):
        if not repeated:
            continue
        for end in ("", "\x00", *(letter + "\n" for letter in letters[:3])):
            text = (before + repeated * (LENGTH // len(repeated)))[:LENGTH] + end
            yield text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def ask(subject: Subject, method: str, text: Text) -> None:
    """Ask a pattern as the program does."""
    call: Callable[..., object] = getattr(subject.pattern, method)
    if method == "sub":
        call(type(text)(), text)
    else:
        call(text)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_patterns_take_no_time(subject: Subject) -> None:
    """A pattern is done with 16 KB of what it is made of in no time, whatever comes at the end."""
    for text in hostile(subject.pattern):
        for method in subject.methods:
            try:
                with bounded(BOUND):
                    ask(subject, method, text)
            except TooSlow:
                pytest.fail(f"{subject.name}.{method} takes too long for {text[:40]!r}…{text[-5:]!r}")


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(
            r"[\s,]*(W/)?\"([!#-~\x80-\xff]*)\"(?:\s*,[\s,]*(?:(W/)?\"([!#-~\x80-\xff]*)\")?)*\s*", id="commas for ever"
        ),
        pytest.param(r"(a|b|ab)*c", id="alternatives that overlap"),
        pytest.param(r"([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", id="one border in every place"),
    ],
)
def test_slow_patterns_are_found(pattern: str) -> None:
    """The texts above find the kinds of patterns that do go astray."""
    subject = Subject("slow", re.compile(pattern), frozenset({"fullmatch"}))
    with pytest.raises(pytest.fail.Exception, match="too long"):
        test_patterns_take_no_time(subject)


def test_every_pattern_is_seen() -> None:
    """Patterns are constants of modules or literals where they are used; each of the few others has a sample here."""
    root = Path(balancer.__file__).parent
    dynamic = set()
    for path in root.rglob("*.py"):
        tree = ast.parse(path.read_text())
        statements = [statement for statement in tree.body if isinstance(statement, ast.Assign | ast.AnnAssign)]
        constants = {id(node) for statement in statements for node in ast.walk(statement)}
        for call, method in calls_of_re(tree):
            is_seen = method == "escape" or (method == "compile" and id(call) in constants)
            if not is_seen and not (method in METHODS and isinstance(call.args[0], ast.Constant)):
                dynamic.add(str(path.relative_to(root)))
    assert DYNAMIC == dynamic
    assert 30 < len(SUBJECTS)
