"""Answers the player's paths, `/` and `/to/…`: one decision for every request, however its head was read."""

from itertools import cycle
from time import monotonic, time

from balancer.core.clients.quotas import Throttle
from balancer.core.errors import BalancerError
from balancer.core.quality.hearing import PARAMETER, Hearing
from balancer.core.refusals import Refusal
from balancer.core.routing.decisions import Asked, Decision, Plan, decide
from balancer.core.routing.popular import Popular
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import NOBODY, Route
from balancer.core.rules.matching import RuleBook
from balancer.core.urls.plain import SOUND, Plain, is_sound
from balancer.core.urls.videos import PATH_FORM, Origin, tail_of
from balancer.edge.answers import CLOSE
from balancer.edge.asking import NO_WAY, Asker, PlayerGate, Way, client_of, who_asks
from balancer.edge.heads import Head, Start
from balancer.edge.refusing import Preflight, Refusals, Refused
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, PlayerWatch, request_id_of

POPULAR = 20_000
"""Requests whose destinations are remembered."""

LONGEST = 512
"""Bytes of the longest request that is remembered, up to its version."""

NOTED = 8
"""Of so many redirects to videos that are not remembered one is noted: what is asked for often is noted soon enough."""

TURNS = 1021
"""Redirects after which the order in which they are noted repeats: a prime, so no rotation of videos keeps step."""

WAYS = 8192
"""Ways that are known; hostile origins could otherwise fill the memory where the allow-list has a `*`."""

# From where on the path of a video is looked for: behind `GET /?video=http%3A%2F%2F`, and behind `GET /?video=https://`,
# which is in the middle of a host behind `GET /to/http/`.
_ENCODED_PATH, _RAW_PATH = 25, 20

_GET, _HEAD = b"GET ", b"HEAD "
_PLAIN = b"GET /?"
_BY_PATH = _GET + PATH_FORM
_REQUEST_ID = REQUEST_ID.encode()
_END, _END_AND_CLOSE = b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"

Found = Asked | Refused | Preflight
"""What a method and a target come to."""


class Players:
    """Answers players from memory alone.

    Args:
        redirects: Decides.
        gate: Says which clients ask too often.
        meters: Count what happens.
        watch: Sees each request.
        hearing: Takes in what players report with their requests; None where nobody is heard.
        page: What a person is shown who asks for no video.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - made by the table of parts alone
        self,
        redirects: Redirects,
        gate: PlayerGate,
        meters: Meters,
        watch: PlayerWatch,
        hearing: Hearing | None = None,
        page: bytes = b"",
    ) -> None:
        self._redirects = redirects
        self._throttle, self._proxies = gate
        self._meters = meters
        self._watch = watch
        self._hearing = hearing
        self._refusals = Refusals(meters, watch, self._proxies, page)
        self._plan: Plan | None = None
        # By all of a request up to the path of its video and with the first byte of it, as a slash counts only as it is
        # spelled there: the origin that the careful way has found, and the way that it goes. With rules, by all up to
        # the second slash of the path and by the group of the client.
        self._origins: dict[bytes, Origin] = {}
        self._ways: dict[bytes, Way] = {}
        self._ways_by_rules: dict[tuple[bytes, int], Way] = {}
        # The route that all requests take, where nothing but their tickets decides, and nobody watches them.
        self._lone: Route | None = None
        # The rules, where nothing but them, the client's address and its tickets decides, and nobody watches.
        self._rules: RuleBook | None = None
        # By method and target: what is asked for, read by this plan, and what is refused.
        self._popular: Popular[Found] = Popular(POPULAR)
        # Whether a redirect to a video that is not remembered is noted.
        self._notes = cycle([turn * turn % TURNS * NOTED < TURNS for turn in range(TURNS)])

    def answer_quickly(self, start: bytes, head: Head, asker: Asker) -> bytes | None:  # noqa: C901, PLR0911, PLR0912, PLR0915  see below
        """Answer a request that is well known, or plain; None leaves it to `answer`.

        Nearly all requests are answered here. So this has in one piece, to save their calls, what has a name elsewhere:
        `Popular.get`, `PlainVideos.read_plain`, `Plan.route_once`, `Throttle.charge`, `Plan.settle`, `decide`,
        `Meters.redirected` and `Answers.redirect`. Property tests compare its answers with those made by these.

        Args:
            start: Its method and target, as they were sent.
            head: The rest of its head.
            asker: Who asks.
        """
        if self._redirects.plan is not self._plan:
            self._forget()
        begun = monotonic()
        popular, rules, throttle = self._popular, self._rules, self._throttle
        route, found = None, popular.young.get(start)
        if found is None and start in popular.old:
            found = popular.get(start)
        if found is None:
            # A video that was not asked for lately, and may never be again: nothing is kept of the request.
            plan, beginning, slash, path, below, route, ends = asker.way
            rest = start.removeprefix(beginning)
            if plan is not self._plan or rest is start:
                if not start.startswith(_PLAIN) and not start.startswith(_BY_PATH):
                    return None
                _, beginning, slash, path, below, route, ends = self._way_of(start, asker)
                rest = start.removeprefix(beginning)
            if route is not None:
                rest = rest.replace(slash, b"/")
                path += rest
                if (
                    not rest
                    or path.translate(SOUND) is not path
                    or path.partition(b"/.")[1]
                    or (below and rest.partition(b"/")[0] in below)
                    or head.cmcd
                ):
                    route = None
            if route is None:
                met = self._meet(start, head, asker, begun)
                if not isinstance(met, Asked):
                    return met
                found = met
        if throttle is not None:
            bucket = asker.bucket
            if asker.buckets is throttle.young and bucket.full_at <= begun:
                bucket.full_at = begun + throttle.interval
                if throttle.on_due:
                    bucket.untold += 1
                    if bucket.untold >= throttle.told_at:
                        throttle.tell(asker.client or "", bucket)
            elif (wait := self._charge(throttle, head, asker, begun)) > 0:
                found, route = self._refusals.for_haste(throttle, wait), None
        asked = None
        if route is None:
            if isinstance(found, Refused):
                is_head = start.startswith(_HEAD)
                return self._refusals.tell(found, head, asker, begun, is_head=is_head, keep_alive=head.keep_alive)
            if not isinstance(found, Asked):
                return self._refusals.permit(head, asker, keep_alive=head.keep_alive)
            asked = found
            if self._lone is None or self._hearing is not None:
                if rules is not None and asked.reading is not None:
                    group = asker.group if asker.groups is rules.groups else self._group_of(rules, asker)
                    asked = asked.latest if asked.group == group else asked.by_group.get(group) or asked
                if (
                    asked.asks_client
                    or asked.route.needs_key
                    or self._watch.is_on
                    or (self._hearing is not None and (head.cmcd or asked.carried.find(PARAMETER) >= 0))
                ):
                    return self._redirect(asked, head, asker, begun) + (_END if head.keep_alive else _END_AND_CLOSE)
            route = asked.route
        index = route.slots[(next(route.book.tickets, 0) or route.book.turn_page()) % route.cycle]
        cells, meters = route.cells, self._meters
        if cells is None or begun >= meters.due:
            cells = meters.find_cells(route, begun)
        meters.words[cells[index]] += 1
        answers = asker.answers
        begin = answers.moved if answers.dated is answers.state.default_headers else answers.redirect()
        if asked is not None:
            location = asked.locations[index] or asked.location(index)
            return begin + location + (_END if head.keep_alive else _END_AND_CLOSE)
        if next(self._notes):
            self._remember(start)
        before, behind, behind_and_close = ends[index]
        return begin + before + path + (behind if head.keep_alive else behind_and_close)

    def _remember(self, start: bytes) -> None:
        """Remember a plain request if it was seen lately."""
        if len(start) <= LONGEST and not self._popular.is_new(start):
            read = self._read_plain(start)
            if read is not None and self._plan is not None:
                self._popular.put(start, self._plan.read(*read))

    def _meet(self, start: bytes, head: Head, asker: Asker, begun: float) -> bytes | Asked | None:
        """Read a plain request for a video that was not asked for lately.

        Args:
            start: Its method and target.
            head: The rest of its head.
            asker: Who asks.
            begun: When it came.

        Returns:
            The answer where nothing need be kept of the request, else what it asks for; None where it is not plain.
        """
        at = _path_in(start)
        beginning, path = start[: at + 1], start[at:].replace(b"%2F", b"/")
        origin = self._origins.get(beginning)
        read = (origin, path, b"") if origin is not None and is_sound(path) else self._read_plain(start)
        plan = self._plan
        if read is None or plan is None:
            return None
        is_new = len(start) > LONGEST or self._popular.is_new(start)
        if is_new and (self._hearing is None or not (head.cmcd or read[2].find(PARAMETER) >= 0)):
            route = self._lone or self._route_once(plan, read, head, asker)
            if route is not None:
                if read[1:] == (path, b""):
                    # What stands before the path of the video is known from now on.
                    self._learn(beginning, read[0], path, route, asker)
                return self._redirect_once(route, read, head, asker, begun)
        asked = plan.read(*read)
        if not is_new:
            self._popular.put(start, asked)
        return asked

    def _read_plain(self, start: bytes) -> Plain | None:
        """Read a request that is plain: in its query or its path, every character is sound."""
        if start.startswith(_PLAIN):
            return self._redirects.videos.read_plain(start, len(_PLAIN))
        path, _, query = start[len(_GET) :].partition(b"?")
        return self._redirects.videos.read_plain_path(path, query)

    def _way_of(self, start: bytes, asker: Asker) -> Way:
        """Return which way a plain request goes, as far as its beginning tells, and keep that at hand."""
        at, rules = _path_in(start), self._rules
        if rules is None:
            way = asker.way = self._ways.get(start[: at + 1], NO_WAY)
            return way
        group = asker.group if asker.groups is rules.groups else self._group_of(rules, asker)
        second = start.find(b"%2F" if start.startswith(b"%2F", at) else b"/", at + 1)
        # A path of one segment goes no way that is known by its first one.
        way = self._ways_by_rules.get((start[:second], group), NO_WAY) if second > 0 else NO_WAY
        if rules.has_fixed_groups:
            asker.way = way
        return way

    def _learn(self, beginning: bytes, origin: Origin, path: bytes, route: Route, asker: Asker) -> None:
        """Keep which origin a request has by what stands before the path, and which way it goes."""
        for known in (self._origins, self._ways, self._ways_by_rules):
            if len(known) >= WAYS:
                known.clear()
        self._origins[beginning] = origin
        slash = b"%2F" if beginning.endswith(b"%") else b"/"
        begun, rules = beginning[:-1] + slash, self._rules
        ends = [(before, after + _END, after + _END_AND_CLOSE) for before, after in route.ends(origin)]
        if self._lone is not None:
            self._ways[beginning] = Way(self._plan, begun, slash, route=route, ends=ends)
        elif rules is not None and (below := rules.segments.below(path)) is not None:
            first = path.split(b"/", 2)[1]
            self._ways_by_rules[begun + first, self._group_of(rules, asker)] = Way(
                self._plan, begun + first + slash, slash, b"/" + first + b"/", below, route, ends
            )

    @staticmethod
    def _group_of(rules: RuleBook, asker: Asker) -> int:
        """Return the group of a client; that of a connection is at hand from then on, where it cannot change."""
        group = rules.group_of(asker.peer)
        if rules.has_fixed_groups:
            asker.groups, asker.group = rules.groups, group
        return group

    def answer(self, start: Start, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        """Answer any request at the player's path."""
        begun = monotonic()
        found = self._admit(head, asker, begun) or self._find(start)
        if isinstance(found, Refused):
            is_head = start.method == b"HEAD"
            return self._refusals.tell(found, head, asker, begun, is_head=is_head, keep_alive=keep_alive)
        if not isinstance(found, Asked):
            return self._refusals.permit(head, asker, keep_alive=keep_alive)
        return self._redirect(found, head, asker, begun) + (_END if keep_alive else _END_AND_CLOSE)

    def _find(self, start: Start) -> Found:
        """Return what is asked for, or why it is refused, and remember it."""
        method, path, query = start
        if method not in {b"GET", b"HEAD", b"OPTIONS"}:
            return self._refusals.for_method(method.decode(), "/" if path == b"/" else PATH_FORM.decode())
        found: Found = Preflight.ASKED
        try:
            if method != b"OPTIONS":
                found = self._redirects.find(query) if path == b"/" else self._redirects.find_by_path(path, query)
        except Refusal as error:
            found = self._refusals.for_video(error)
        except BalancerError as error:
            # It may be over in a moment, and is not remembered.
            return self._refusals.for_fault(error)
        if len(path) + len(query) <= LONGEST:
            if self._redirects.plan is not self._plan:
                self._forget()
            target = b"%b?%b" % (path, query) if query else path
            self._popular.offer(b"%b %b" % (method, target), found)
        return found

    def _redirect(self, asked: Asked, head: Head, asker: Asker, begun: float) -> bytes:
        """Decide, count, and return the answer up to the end of its location."""
        client = who_asks(self._proxies, head, asker) if asked.asks_client else NOBODY
        asked, choice, ticket = decide(asked, client)
        route, index = asked.route, choice.target_index
        self._meters.redirected(route, index, begun)
        if self._watch.is_on:
            given = head.joined(_REQUEST_ID)
            request_id = request_id_of(given) if given else None
            self._watch.redirected(
                Decision(asked, choice, ticket), client_of(self._proxies, head, asker), request_id, begun
            )
        if self._hearing is not None and (head.cmcd or asked.carried.find(PARAMETER) >= 0):
            address, target = self._proxies.address_of(asker.peer, head.joined), route.config.document.targets[index]
            self._hearing.hear_request(asked.carried, head.cmcd, target.name, address, int(time()))
        return asker.answers.redirect() + asked.location(index)

    def _redirect_once(self, route: Route, read: Plain, head: Head, asker: Asker, begun: float) -> bytes:
        """Answer a plain request that may never come again, with nothing kept of it.

        To keep what is asked for takes as long as all the rest, and most videos of a long tail are asked for once.
        """
        refused = self._admit(head, asker, begun)
        if refused is not None:
            return self._refusals.tell(refused, head, asker, begun, is_head=False, keep_alive=head.keep_alive)
        origin, path, carried = read
        index = route.slots[route.book.take() % route.cycle]
        self._meters.redirected(route, index, begun)
        before, after = route.ends(origin)[index]
        location = before + path + after + tail_of(b"", carried)
        return asker.answers.redirect() + location + (_END if head.keep_alive else _END_AND_CLOSE)

    def _admit(self, head: Head, asker: Asker, begun: float) -> Refused | None:
        """Count a request and return None, or return what its client is told that has to wait."""
        throttle = self._throttle
        wait = self._charge(throttle, head, asker, begun) if throttle is not None else 0.0
        return self._refusals.for_haste(throttle, wait) if throttle is not None and wait > 0 else None

    def _charge(self, throttle: Throttle, head: Head, asker: Asker, begun: float) -> float:
        """Do what `Throttle.charge` does; the bucket of a connection that asks again is at hand from then on."""
        client = asker.client
        if not client:
            return throttle.charge(client_of(self._proxies, head, asker), begun)
        wait = throttle.charge(client, begun)
        asker.buckets, asker.bucket = throttle.young, throttle.young[client]
        return wait

    def _route_once(self, plan: Plan, read: Plain, head: Head, asker: Asker) -> Route | None:
        """Return the route of a plain request that nobody need look at again, None where more has to be known."""
        if self._watch.is_on:
            return None
        address = asker.peer if not self._proxies.are_named else self._proxies.address_of(asker.peer, head.joined)
        return plan.route_once(*read, address)

    def _forget(self) -> None:
        plan = self._plan = self._redirects.plan
        self._lone = self._rules = None
        if plan is not None and not self._watch.is_on:
            self._lone = plan.default if plan.rules is None and not plan.default.needs_key else None
            self._rules = plan.rules if not self._proxies.are_named else None
        self._popular.clear()
        self._origins.clear()
        self._ways.clear()
        self._ways_by_rules.clear()


def _path_in(start: bytes) -> int:
    """Return where the path of the video may begin in a plain request."""
    at = start.find(b"%2F", _ENCODED_PATH)
    return at if at >= 0 else start.find(b"/", _RAW_PATH)
