"""Indexes of rules, one for each kind of condition: given a value, they return the rules that it lets through.

A set of rules is an integer with a bit for each, the first rule's the highest. So sets of ten thousand rules are joined
and cut in a tenth of a microsecond, and the first rule of a set is as quickly found as its length.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from balancer.core.rules.documents import Rule
from balancer.core.rules.paths import Glob, is_glob, plain_path

MAX_HOSTS = 4096
"""Hosts whose rules are remembered; hostile ones could otherwise fill the memory where the allow-list has a `*`."""

MAX_HEADERS = 1024
"""Values of one header field whose rules are remembered."""

SEARCHED = 1024
"""Bytes of a header field that are searched at most: players' names are far shorter, and hostile ones far longer."""

REMEMBERED = 512
"""Bytes of the longest value of a header field that is remembered."""

Key = TypeVar("Key")

_Labels = dict[str, Any]
"""A tree of host labels from the right: what stands before a label, and under the empty one the rules."""


class Numbering:
    """Which bit stands for which rule.

    Args:
        rules: All, in order; those that are not enabled are in no set.

    Attributes:
        count: How many there are.
        enabled: The rules that can match, with their positions.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        given = list(rules)
        self.count = len(given)
        self.enabled = [(position, rule) for position, rule in enumerate(given) if rule.enabled]

    def set_of(self, positions: Iterable[int]) -> int:
        """Return the set of the rules at these positions."""
        found = 0
        for position in positions:
            found |= 1 << (self.count - 1 - position)
        return found

    def sets(self, values_of: Callable[[Rule], Iterable[Key] | None]) -> tuple[dict[Key, int], int]:
        """Return for each value the rules that ask for it, and those that do not ask.

        Args:
            values_of: Returns what a rule asks for, None when it does not ask.
        """
        by_value: defaultdict[Key, list[int]] = defaultdict(list)
        others = []
        for position, rule in self.enabled:
            values = values_of(rule)
            if values is None:
                others.append(position)
            else:
                for value in values:
                    by_value[value].append(position)
        return {value: self.set_of(positions) for value, positions in by_value.items()}, self.set_of(others)


class HostIndex:
    """Finds rules by the origin's host."""

    def __init__(self, numbering: Numbering) -> None:
        patterns, self._others = numbering.sets(lambda rule: rule.when.hosts or None)
        # By port, empty for patterns without one.
        self._trees: dict[str, _Labels] = {}
        for pattern, rules in patterns.items():
            name, _, port = pattern.partition(":")
            tree = self._trees.setdefault(port, {})
            for label in reversed(name.split(".")):
                tree = tree.setdefault(label, {})
            tree[""] = rules
        self._known: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._trees)

    def of(self, host: str) -> int:
        """Return the rules for a host: `s1.origin-cluster`, with `:8080` where its URL has a port."""
        found = self._known.get(host)
        if found is None:
            name, _, port = host.partition(":")
            labels = name.split(".")
            found = self._others
            for tree in filter(None, map(self._trees.get, {"", port})):
                found |= _below(tree, labels, len(labels))
            if len(self._known) >= MAX_HOSTS:
                self._known.clear()
            self._known[host] = found
        return found


def _below(tree: _Labels, labels: list[str], left: int) -> int:
    """Return the rules of all patterns below a place in the tree that fit the labels that are left."""
    if not left:
        rules: int = tree.get("", 0)
        return rules
    found = 0
    for label in (labels[left - 1], "*"):
        if label in tree:
            found |= _below(tree[label], labels, left - 1)
    return found


class Segments(NamedTuple):
    """What rules say of paths by their first segments: mostly that is all.

    Attributes:
        second: By first segment, the second ones that rules name below it; None where a glob may match anything there.
        are_few: Whether that is all there is to know: no glob may match anything anywhere.
    """

    second: Mapping[bytes, frozenset[bytes] | None]
    are_few: bool

    def below(self, path: bytes) -> frozenset[bytes] | None:
        """Return the second segments that rules name below the first one of a path without escapes.

        Whatever has another second segment has the same rules as this path.

        Returns:
            None where the rules of this path depend on more than its first segment.
        """
        _, first, *more = path.split(b"/", 3)
        if not self.are_few or not more:
            return None
        below = self.second.get(first, _NOTHING)
        return None if below is None or more[0] in below else below


_NOTHING: frozenset[bytes] = frozenset()

NO_SEGMENTS = Segments({}, are_few=True)
"""What rules say that name no path."""


class PathIndex:
    """Finds rules by the path of the video."""

    def __init__(self, numbering: Numbering) -> None:
        paths, self._others = numbering.sets(lambda rule: rule.when.paths or None)
        # A prefix without a slash at its end is a path itself too.
        self._whole: dict[str, int] = {}
        prefixes: defaultdict[str, int] = defaultdict(int)
        globs: defaultdict[str, list[tuple[Glob, int]]] = defaultdict(list)
        for path, rules in paths.items():
            if is_glob(path):
                glob = Glob(path)
                globs[glob.head].append((glob, rules))
            elif path.endswith("/"):
                prefixes[path] |= rules
            else:
                self._whole[path] = rules
                prefixes[path + "/"] |= rules
        # Every beginning of every prefix, so that a path is followed only as far as there is something, with the rules
        # of all prefixes on the way there, so that they are not joined again for each path.
        self._tree: dict[str, tuple[int, tuple[tuple[Glob, int], ...]]] = {}
        for path in [*prefixes, *globs]:
            end, found = 0, self._others
            while end := path.find("/", end) + 1:
                begun = path[:end]
                if begun not in self._tree:
                    self._tree[begun] = found | prefixes.get(begun, 0), tuple(globs.get(begun, ()))
                found = self._tree[begun][0]
        self.segments = self._segments()

    def __bool__(self) -> bool:
        return bool(self._tree)

    def _segments(self) -> Segments:
        second: dict[bytes, set[bytes]] = {}
        with_globs = {begun.encode() for begun, (_, globs) in self._tree.items() if globs}
        for begun in self._tree:
            _, *segments, _ = begun.encode().split(b"/")
            if segments:
                second.setdefault(segments[0], set()).update(segments[1:2])
        first = {
            name: None if b"/%b/" % name in with_globs else frozenset(segments) for name, segments in second.items()
        }
        return Segments(first, b"/" not in with_globs)

    def of(self, path: str) -> int:
        """Return the rules for a path, which begins with a slash."""
        if "%" in path:
            path = plain_path(path)
        found, more, end = self._others, self._whole.get(path, 0), 1
        while end and (entry := self._tree.get(path[:end])):
            found, globs = entry
            for glob, rules in globs:
                if glob.matches(path):
                    more |= rules
            end = path.find("/", end) + 1
        return found | more if more else found


class QueryIndex:
    """Finds rules by the parameters beside the video."""

    def __init__(self, numbering: Numbering) -> None:
        names = {test.name for _, rule in numbering.enabled for test in rule.when.query}
        self._tests: dict[bytes, tuple[Mapping[bytes | None, int], int]] = {}
        for name in sorted(names):

            def values_of(rule: Rule, name: str = name) -> list[bytes | None] | None:
                test = next((test for test in rule.when.query if test.name == name), None)
                if test is None:
                    return None
                # Under None stands who asks for any value.
                return [value.encode() for value in test.values] or [None]

            self._tests[name.encode()] = numbering.sets(values_of)

    def __bool__(self) -> bool:
        return bool(self._tests)

    def of(self, carried: bytes) -> int:
        """Return the rules for parameters as they were sent: `region=eu&session=7`."""
        given = {name: others for name, (_, others) in self._tests.items()}
        for parameter in carried.split(b"&") if carried else ():
            name, _, value = parameter.partition(b"=")
            if b"%" in name:
                name = unquote_to_bytes(name)
            if name in given:
                values, _ = self._tests[name]
                value = unquote_to_bytes(value) if b"%" in value else value
                given[name] |= values.get(None, 0) | values.get(value, 0)
        found = -1
        for rules in given.values():
            found &= rules
        return found


class NetworkIndex:
    """Finds rules by the client's address."""

    def __init__(self, numbering: Numbering) -> None:
        networks, self._others = numbering.sets(lambda rule: rule.when.networks or None)
        # By version and by the number of bits that are cut off.
        self._by_shift: dict[int, dict[int, dict[int, int]]] = {4: {}, 6: {}}
        for text, rules in networks.items():
            network = ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            by_prefix = self._by_shift[network.version].setdefault(shift, {})
            by_prefix[int(network.network_address) >> shift] = rules

    def __bool__(self) -> bool:
        return any(self._by_shift.values())

    def of(self, client: str) -> int:
        """Return the rules for a client's address; what is no address is in no network."""
        found = self._others
        try:
            address = ip_address(client)
        except ValueError:
            return found
        bits = int(address)
        for shift, by_prefix in self._by_shift[address.version].items():
            found |= by_prefix.get(bits >> shift, 0)
        return found


class HeaderIndex:
    """Finds rules by one header field."""

    def __init__(self, numbering: Numbering, name: str) -> None:
        def texts_of(rule: Rule) -> list[tuple[str, bytes]] | None:
            test = next((test for test in rule.when.headers if test.name == name), None)
            if test is None:
                return None
            searched = [("contains", text.encode().lower()) for text in test.contains]
            return searched + [("equals", text.encode()) for text in test.equals]

        texts, self._others = numbering.sets(texts_of)
        self._contains = [(text, rules) for (kind, text), rules in texts.items() if kind == "contains"]
        self._equals = {text: rules for (kind, text), rules in texts.items() if kind == "equals"}
        self._known: dict[bytes, int] = {}

    def of(self, value: bytes) -> int:
        """Return the rules for a value, empty where a request does not have the field."""
        found = self._known.get(value)
        if found is None:
            found = self._others | self._equals.get(value, 0)
            searched = value[:SEARCHED].lower()
            for text, rules in self._contains:
                if text in searched:
                    found |= rules
            if len(value) <= REMEMBERED:
                if len(self._known) >= MAX_HEADERS:
                    self._known.clear()
                self._known[value] = found
        return found
