"""The hand-written part of the Python client: what it raises, and when it asks again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx
import pytest

from balancer_client import (
    AsyncBalancer,
    Balancer,
    Conflict,
    FieldFault,
    Forbidden,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    ProblemError,
    RateLimited,
    Retries,
    ServerFault,
    StaleRevision,
    TimedOut,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    each,
    each_async,
    etag,
)
from balancer_client.models import Config, ConfigPatch, KeyRequest, PreviewRequest, RoleName
from balancer_client.retries import retry_after
from balancer_client.transport import AsyncPatient, Patient

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
URN = "urn:video-balancer:problem:"

CONFIG: dict[str, object] = {
    "id": 1, "name": None, "cdn_host": "cdn.example.com", "distribution_rate": 10, "revision": 7,
    "created_at": "2026-11-23T23:48:38Z", "updated_at": None, "policy": "exact", "sticky_key": "video",
    "panic_threshold": 0, "slow_start": 0.0, "targets": [], "loop": None,
}  # fmt: skip

Answer = httpx.Response | Exception


class FakeService:
    """Gives answers in turn, the last one again and again; keeps what it was asked, and the waits between.

    Args:
        answers: What it says; an exception stands for a connection that fails.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Take a request."""
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def sleep(self, seconds: float) -> None:
        """Wait in no time."""
        self.waits.append(seconds)

    def client(self, retries: Retries | None = None) -> Balancer:
        """Return a client that asks this service."""
        client = Balancer("http://balancer.example/prefix", "vbk_secret", transport=httpx.MockTransport(self.answer))
        inner = httpx.MockTransport(self.answer)
        client._http._transport = Patient(inner, retries or Retries(), self.waits.append)
        return client

    def async_client(self) -> AsyncBalancer:
        """Return a client that asks this service and awaits it."""
        client = AsyncBalancer("http://balancer.example/prefix", "k", transport=httpx.MockTransport(self.answer))
        client._http._transport = AsyncPatient(httpx.MockTransport(self.answer), Retries(), self.sleep)
        return client


def problem(status: int, name: str | None = None, **fields: object) -> httpx.Response:
    """Return an answer with a problem of the service's own, or with the status alone."""
    headers = {name.replace("_", "-"): str(fields.pop(name)) for name in ("retry_after",) if name in fields}
    kind = f"{URN}{name}" if name else "about:blank"
    told = {"type": kind, "title": "T", "status": status, "detail": "What happened.", **fields}
    return httpx.Response(status, json=told, headers={**headers, "content-type": "application/problem+json"})


BUSY = problem(503, "store-unavailable", retry_after=1)
DONE = httpx.Response(200, json=CONFIG)


def test_an_answer_is_typed() -> None:
    """A config comes as an object with its fields, asked for below the path of a proxy, with the key."""
    service = FakeService(DONE)
    with service.client() as client:
        config = client.read_config(id=1)
    assert (1, 7, "exact", None) == (config.id, config.revision, config.policy.value, config.name)
    (request,) = service.asked
    assert ("GET", "http://balancer.example/prefix/config?id=1") == (request.method, str(request.url))
    assert "Bearer vbk_secret" == request.headers["authorization"]


def test_the_key_is_not_shown() -> None:
    """Neither a client nor what it is made of prints the key."""
    client = FakeService(DONE).client()
    assert "vbk_secret" not in repr(client) + repr(client._client) + repr(client._http.headers)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "balancer.example",
        "ftp://balancer.example",
        "http://",
        "http://a b",
        "http://b.example/?a=1",
        "http://user:secret@b.example",
        "http://user:secret@b.example:99999",
        "ftp://user:secret@b.example",
        "http://b.example:99999",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    """A URL that cannot be the service's is refused at once, and no password in it is repeated."""
    with pytest.raises(ValueError, match="URL") as caught:
        Balancer(url, "k")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "ключ", "a\nb"])
def test_keys_that_are_none(key: str) -> None:
    """A key that no header can hold is refused without being repeated."""
    with pytest.raises(ValueError, match="API key") as caught:
        Balancer("http://b.example", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(problem(400), InvalidRequest, id="400"),
        pytest.param(problem(401, "unauthenticated"), Unauthenticated, id="401"),
        pytest.param(problem(403, "forbidden"), Forbidden, id="403"),
        pytest.param(problem(404, "config-not-found"), NotFound, id="404"),
        pytest.param(problem(409, "not-simple"), Conflict, id="409"),
        pytest.param(problem(412, "stale-revision", revision=8), StaleRevision, id="412"),
        pytest.param(problem(422, "invalid-input"), InvalidRequest, id="422"),
        pytest.param(problem(418, "of-the-future"), InvalidRequest, id="a kind of the future"),
        pytest.param(problem(429, "rate-limited"), RateLimited, id="429"),
        pytest.param(problem(500, "internal"), ServerFault, id="500"),
        pytest.param(httpx.Response(502, text="<html>"), ServerFault, id="a proxy's page"),
        pytest.param(httpx.Response(599, json=[1]), ServerFault, id="no object"),
        pytest.param(BUSY, Unavailable, id="503"),
        pytest.param(problem(503, "outcome-unknown"), OutcomeUnknown, id="unknown outcome"),
    ],
)
def test_each_problem_is_an_exception(answer: httpx.Response, kind: type[ProblemError]) -> None:
    """Each status is an exception of its own, whatever stands in the body."""
    with pytest.raises(ProblemError) as caught:
        FakeService(answer).client(Retries(attempts=1)).read_config()
    assert (kind, answer.status_code) == (type(caught.value), caught.value.status)
    assert str(caught.value)


def test_a_problem_names_the_fields() -> None:
    """What is at fault is told by field, with the service's words."""
    errors = [{"field": "targets.cdn-a.weight", "reason": "must be from 0 to 10000"}]
    service = FakeService(problem(422, "invalid-input", errors=errors))
    with pytest.raises(InvalidRequest, match=r"What happened\.") as caught:
        service.client().change_config(ConfigPatch(id=1))
    assert (FieldFault("targets.cdn-a.weight", "must be from 0 to 10000"),) == caught.value.errors
    assert f"{URN}invalid-input" == caught.value.type


def test_a_conflict_names_the_revision() -> None:
    """A change of what has changed since says at which revision it is now; the tag was that of what was read."""
    service = FakeService(DONE, problem(412, "stale-revision", revision=8))
    client = service.client()
    with pytest.raises(StaleRevision) as caught:
        client.change_config(ConfigPatch(id=1, distribution_rate=2), if_match=etag(client.read_config()))
    assert 8 == caught.value.revision
    assert '"1-7"' == service.asked[1].headers["if-match"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(httpx.Response(200, text="<html>"), UnexpectedAnswer, id="a page"),
        pytest.param(httpx.Response(200, json={}), UnexpectedAnswer, id="another object"),
        pytest.param(httpx.Response(200, json=[]), UnexpectedAnswer, id="a list"),
        pytest.param(
            httpx.Response(200, json={**CONFIG, "policy": "new"}), UnexpectedAnswer, id="a policy of the future"
        ),
        pytest.param(httpx.Response(204), UnexpectedAnswer, id="nothing"),
        pytest.param(httpx.Response(301, headers={"location": "https://b/"}), UnexpectedAnswer, id="a redirect"),
        pytest.param(httpx.ConnectError("refused"), Unreachable, id="no connection"),
        pytest.param(httpx.ReadTimeout("slow"), TimedOut, id="too slow"),
        pytest.param(httpx.ReadError(""), Unreachable, id="a broken connection"),
    ],
)
def test_what_is_no_answer(answer: Answer, kind: type[Exception]) -> None:
    """What is not understood, or does not come, is an exception of the client."""
    with pytest.raises(kind) as caught:
        FakeService(answer).client().read_config()
    assert kind is type(caught.value)


def test_readiness_is_an_answer() -> None:
    """A service that is not ready says so by a 503, which is what was asked for and is not repeated."""
    told: dict[str, object] = {"status": "unable", "dependencies": {}, "fallbacks": [], "config": None}
    service = FakeService(httpx.Response(503, json=told))
    assert ("unable", 1) == (service.client().ready().status.value, len(service.asked))


def patch(client: Balancer) -> object:
    """Make a change that has a key of its own."""
    return client.change_config(ConfigPatch(id=1, distribution_rate=2))


def make_key(client: Balancer) -> object:
    """Make a change that cannot have one."""
    return client.create_key(KeyRequest(name="a", role=RoleName.VIEWER))


UNKNOWN = problem(503, "outcome-unknown", retry_after=1)
BROKEN = httpx.ReadError("")


@pytest.mark.parametrize(
    ("answers", "act", "attempts", "waits"),
    [
        pytest.param([BUSY, DONE], Balancer.read_config, 2, [1], id="as told"),
        pytest.param([problem(429, "rate-limited", retry_after=7), DONE], patch, 2, [7], id="too often"),
        pytest.param([problem(503), problem(503), DONE], Balancer.read_config, 3, [0.5, 1], id="nothing told"),
        pytest.param([BUSY], Balancer.read_config, 4, [1, 1, 1], id="never"),
        pytest.param([problem(503, retry_after=31), DONE], Balancer.read_config, 1, [], id="too long"),
        pytest.param([problem(503, retry_after=20), DONE], Balancer.read_config, 2, [20], id="long"),
        pytest.param([UNKNOWN, DONE], patch, 2, [1], id="a change with a key of its own"),
        pytest.param([BROKEN, DONE], patch, 2, [0.5], id="a change on a broken connection"),
        pytest.param([BUSY], make_key, 4, [1, 1, 1], id="refused before anything was done"),
        pytest.param([UNKNOWN], make_key, 1, [], id="a key that may be there"),
        pytest.param([httpx.Response(503)], make_key, 1, [], id="a proxy may have sent it on"),
        pytest.param([BROKEN], make_key, 1, [], id="a key on a broken connection"),
        pytest.param([httpx.ConnectError("")], patch, 1, [], id="nobody is there"),
        pytest.param([httpx.ReadTimeout("")], Balancer.read_config, 1, [], id="no answer in time"),
        pytest.param([problem(500, "internal")], Balancer.read_config, 1, [], id="a fault"),
        pytest.param([problem(502)], Balancer.read_config, 1, [], id="a proxy's fault"),
    ],
)
def test_when_it_asks_again(
    answers: Sequence[Answer], act: Callable[[Balancer], object], attempts: int, waits: list[float]
) -> None:
    """It asks again after a 429, a 503 and a broken connection where that is safe, as often and as long as it may."""
    service = FakeService(*answers)
    try:
        act(service.client())
    except (ProblemError, Unreachable):
        assert answers[-1] is not DONE or not waits
    assert (attempts, waits) == (len(service.asked), service.waits)
    # The same change each time, so that it is made once.
    assert 1 == len({request.headers.get("idempotency-key") for request in service.asked})


def test_previews_are_asked_again() -> None:
    """A preview changes nothing, so it is sent again although it is a POST without a key."""
    service = FakeService(httpx.Response(503), problem(400))
    with pytest.raises(InvalidRequest):
        service.client().preview_config(PreviewRequest(id=1))
    assert ["POST", "POST"] == [request.method for request in service.asked]


def test_each_change_has_a_key_of_its_own() -> None:
    """Two changes have two keys, and a key that is given is taken."""
    service = FakeService(DONE)
    client = service.client()
    patch(client)
    patch(client)
    client.change_config(ConfigPatch(id=1), idempotency_key='"mine"')
    first, second, third = (request.headers["idempotency-key"] for request in service.asked)
    assert first != second
    assert '"mine"' == third


async def test_it_asks_again_when_awaited() -> None:
    """The asynchronous client waits and raises as the other one does."""
    service = FakeService(BUSY, DONE)
    async with service.async_client() as client:
        assert 7 == (await client.read_config()).revision
        assert [1] == service.waits
        service._answers = [problem(403, "forbidden")]
        with pytest.raises(Forbidden):
            await client.delete_config(id=2)
        service._answers = [httpx.Response(204)]
        await client.delete_config(id=2)
        service._answers = [httpx.ReadError("")]
        with pytest.raises(Unreachable, match="cannot be reached: ReadError"):
            await client.read_config()


PAGES = [httpx.Response(200, json={"items": [CONFIG, CONFIG], "next": "2"}), httpx.Response(200, json={"items": [CONFIG], "next": None})]  # fmt: skip  # noqa: E501


def test_pages_are_read_on() -> None:
    """A list is read page after page until the last one."""
    service = FakeService(*PAGES)
    found: list[Config] = list(each(service.client().list_configs))
    assert 3 == len(found)
    assert ["limit=200", "limit=200&cursor=2"] == [request.url.query.decode() for request in service.asked]


async def test_pages_are_read_on_when_awaited() -> None:
    """The same of a list that is awaited."""
    async with FakeService(*PAGES).async_client() as client:
        assert [1, 1, 1] == [config.id async for config in each_async(client.list_configs, limit=2)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="at once"),
        pytest.param("Fri, 27 Nov 2026 12:00:30 GMT", 30.0, id="a date"),
        pytest.param("Fri, 27 Nov 2026 12:00:30 -0000", 30.0, id="a date without a zone"),
        pytest.param("Fri, 27 Nov 2026 11:00:00 GMT", 0.0, id="a date that has passed"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1e9", None, id="no integer"),
        pytest.param("9" * 5000, None, id="no number of a sane size"),
        pytest.param("soon", None, id="no date"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """`Retry-After` is seconds or an HTTP date; what is neither says nothing."""
    assert seconds == retry_after(value, NOW)
