"""The path by which admins see what other rules would change: `/rules/preview`."""

import asyncio
from ipaddress import ip_address

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest, read_body
from balancer.api.rules.rules import BAD_RULE, TOO_LONG
from balancer.api.rules.shapes import MAX_BODY, RuleChange, RuleItem, changes_between, read_rules
from balancer.core.access.keys import Role
from balancer.core.configs.ports import CdnConfigs
from balancer.core.control.rule_changes import RuleChanges
from balancer.core.errors import InvalidInput
from balancer.core.refusals import Refusal, RefusalReason
from balancer.core.rules.matching import RuleBook
from balancer.core.rules.ports import ClientPlaces, RuleRecord
from balancer.core.urls.hosts import OriginHosts, ToAscii
from balancer.core.urls.videos import OriginUrl, parse_video

ENDPOINTS = _preview = Endpoints("rules")

MAX_REQUESTS = 100
"""Requests in one preview."""


class SampleRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request to look at.

    Attributes:
        video: The video's URL at its origin.
        query: The parameters beside `video`, as they would be sent: `region=eu`.
        client: The client's address; without one it is in no network and no country.
        headers: Its header fields.
    """

    video: str
    query: str = ""
    client: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class RulesPreviewRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Rules to look at, and the requests to show them with.

    Attributes:
        rules: As for `PUT /rules`; without them the present ones.
        requests: At most 100.
    """

    rules: list[RuleItem] | None = None
    requests: list[SampleRequest] = msgspec.field(default_factory=list)


class Chosen(msgspec.Struct):
    """Which config a request gets.

    Attributes:
        rule: The rule that chooses it; null where none does, and the default config serves.
        config_id: The config.
    """

    rule: str | None
    config_id: int


class RequestPreview(msgspec.Struct):
    """What one request gets by the present rules and by others.

    Attributes:
        video: As it was given.
        client: As it was given.
        refusal: Why it would be refused; null when it would be redirected.
        before: By the present rules; null when it would be refused.
        after: By the rules that were given; null when it would be refused.
    """

    video: str
    client: str
    refusal: RefusalReason | None
    before: Chosen | None
    after: Chosen | None


class RulesPreview(msgspec.Struct):
    """What other rules would change.

    Attributes:
        revision: The one that the change would follow.
        changes: How the rules differ.
        requests: What each request gets, in the order in which they were asked about.
    """

    revision: int
    changes: list[RuleChange]
    requests: list[RequestPreview]


@_preview.endpoint(
    "POST /rules/preview",
    Role.VIEWER,
    body=RulesPreviewRequest,
    example={
        "rules": [{"name": "live", "when": {"paths": ["/live/"], "networks": ["192.0.2.0/24"]}, "config_id": 1}],
        "requests": [{"video": "http://s1.origin-cluster/live/xcg2djHckad.m3u8", "client": "192.0.2.7"}],
    },
    status=200,
    answer="What would differ.",
    errors=[BAD_RULE],
    details=TOO_LONG,
    route={"request_max_body_size": MAX_BODY},
)
async def preview_rules(  # noqa: PLR0913, PLR0917  each parameter is a part
    request: AnyRequest,
    changes: FromDishka[RuleChanges],
    record: FromDishka[RuleRecord],
    configs: FromDishka[CdnConfigs],
    places: FromDishka[ClientPlaces],
    origins: FromDishka[OriginHosts],
    to_ascii: FromDishka[ToAscii],
) -> RulesPreview:
    """Preview the rules.

    Tells which rule and which config requests get by the present rules and by those given, and changes nothing.
    """
    body = await read_body(request, RulesPreviewRequest)
    _check(body.requests)
    present, default = await record.latest(), (await configs.default()).id
    after = present.rules if body.rules is None else await read_rules(body.rules, to_ascii)
    changes.check_places(after)
    books = [await asyncio.to_thread(RuleBook, rules, places) for rules in (present.rules, after)]
    found = []
    for sample in body.requests:
        try:
            video = parse_video(sample.video.encode(), origins)
        except Refusal as error:
            found.append(RequestPreview(sample.video, sample.client, error.reason, None, None))
        else:
            chosen = [_chosen(book, sample, video, default) for book in books]
            found.append(RequestPreview(sample.video, sample.client, None, *chosen))
    return RulesPreview(present.number, await changes_between(present.rules, after), found)


def _check(samples: list[SampleRequest]) -> None:
    if len(samples) > MAX_REQUESTS:
        raise InvalidInput("requests", f"must be at most {MAX_REQUESTS}")
    for index, sample in enumerate(samples):
        try:
            _ = sample.client and ip_address(sample.client)
        except ValueError:
            raise InvalidInput(f"requests[{index}].client", "must be an IPv4 or IPv6 address") from None


def _chosen(book: RuleBook, sample: SampleRequest, video: OriginUrl, default: int) -> Chosen:
    headers = {name.lower().encode(): value.encode().decode("latin-1") for name, value in sample.headers.items()}
    reading = book.read(video.origin.host, video.path.decode(), sample.query.encode())
    position = book.choose(reading, sample.client, lambda name: headers.get(name, ""))
    if position is None:
        return Chosen(None, default)
    return Chosen(book.rules[position].name, book.rules[position].config_id)
