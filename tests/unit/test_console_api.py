"""What the console is served by: its files, the stream of events, who asks, and the settings."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from balancer.api.console.pages import FILES, policy_of
from balancer.api.console.streams import MAX_STREAMS, Streams
from balancer.core.access.keys import Role
from balancer.core.access.masking import MASK, shown
from balancer.core.access.providers import SignIn
from balancer.core.errors import TooManyStreams
from balancer.settings import Settings, WrongSettings, read_settings
from tests.factories import CREATED, KEY, VIDEO, KeyFactory
from tests.fakes import FakeApiKeys, FakeSharedStats
from tests.unit.apps import make_test_app, test_client

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

SECRET = "S3CRET-S3CRET-S3CRET-S3CRET-S3CRET"

SIGN_IN: dict[str, Any] = {
    "jwt_issuer": "https://id.example.com/realm",
    "jwt_audience": "video-balancer",
    "jwt_jwks": "jwks.json",
    "jwt_client_id": "console",
}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """Return an admin's client of an application that the tests of a module share."""
    with test_client(make_test_app()) as client:
        client.follow_redirects = False
        yield client


# Its files.


def test_the_page_is_its_own(client: TestClient[Litestar]) -> None:
    """The page may load its own files and ask this service, and nothing stands inline in it."""
    page = client.get("/console", headers={"authorization": ""})
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    policy = page.headers["content-security-policy"]
    for part in (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"),
    ):
        assert part in policy.split("; ")
    assert ("no-referrer", "nosniff") == (page.headers["referrer-policy"], page.headers["x-content-type-options"])
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert page.text.count("<script") == page.text.count('<script type="module" src=')


def test_nothing_is_asked_for_late(client: TestClient[Litestar]) -> None:
    """The page itself names all files that its first script imports, and shows something before that runs."""
    page = client.get("/console").text
    imported: set[str] = set()
    waiting = ["app.js"]
    while waiting:
        text = FILES[waiting.pop()].read_text()
        new = set(re.findall(r'^import [^"]*"\./([\w.]+)";$', text, re.MULTILINE)) - imported
        imported |= new
        waiting += new
    assert imported == set(re.findall(r'modulepreload" href="console/([\w.]+)"', page))
    assert '<div id="app"></div>' not in page


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_need_no_other_host(client: TestClient[Litestar], name: str) -> None:
    """Each file is there, names no other host but those of namespaces and examples, and never makes text to markup."""
    file = client.get(f"/console/{name}")
    assert 200 == file.status_code
    hosts = {part.split("/")[0] for part in file.text.split("://")[1:]}
    assert hosts <= {"www.w3.org", "s1.origin-cluster"}
    assert "innerHTML" not in file.text
    assert "eval(" not in file.text


def test_files_are_revalidated_and_packed(client: TestClient[Litestar]) -> None:
    """A file is asked for again each time, answered 304 while it is the same, and packed for those who take that."""
    plain = client.get("/console/app.js", headers={"accept-encoding": "gzip;q=0"})
    packed = client.get("/console/app.js", headers={"accept-encoding": "br, gzip"})
    assert ("no-cache", "accept-encoding") == (plain.headers["cache-control"], plain.headers["vary"])
    assert (None, "gzip") == tuple(answer.headers.get("content-encoding") for answer in (plain, packed))
    assert plain.content == packed.content
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert plain.headers["etag"] != packed.headers["etag"]
    again = client.get("/console/app.js", headers={"if-none-match": packed.headers["etag"]})
    assert (304, b"") == (again.status_code, again.content)


@pytest.mark.parametrize("path", ["/console/nothing.js", "/console/__init__.py", "/console/..%2fpages.py"])
def test_other_files_are_not_there(client: TestClient[Litestar], path: str) -> None:
    """Whatever is no file of the page is not found."""
    assert 404 == client.get(path).status_code


def test_it_is_there_where_the_api_is() -> None:
    """A process for players alone has no console."""
    with test_client(make_test_app(role="edge")) as client:
        assert 404 == client.get("/console").status_code


# The page for people.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_person_is_told_what_this_is(client: TestClient[Litestar], method: str) -> None:
    """Who opens the player's path in a browser sees a page with ways on; styles and all stand in it."""
    page = client.request(method, "/", headers=BROWSER)
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert "no-store" == page.headers["cache-control"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    if method == "GET":
        assert 'href="console"' in page.text
        assert 'href="docs"' in page.text


@pytest.mark.parametrize("accept", ["*/*", "", "application/json, text/html", "video/*"])
def test_players_are_told_the_problem(client: TestClient[Litestar], accept: str) -> None:
    """Who does not ask for a page before all else gets the problem, as ever."""
    answer = client.get("/", headers={"accept": accept})
    assert (422, "application/problem+json") == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize("query", [f"video={VIDEO}", "video=http://example.com/a"])
def test_a_person_with_a_video_is_a_player(client: TestClient[Litestar], query: str) -> None:
    """With a video, a browser is answered as any player."""
    answer = client.get(f"/?{query}", headers=BROWSER)
    assert answer.status_code in {301, 422}


def test_a_port_without_the_api_links_nothing() -> None:
    """Where players alone are served, the page says what it is, and links nothing that is not there."""
    with test_client(make_test_app(role="edge")) as client:
        page = client.get("/", headers=BROWSER)
    assert 200 == page.status_code
    assert 'href="console"' not in page.text


def test_a_port_without_players_shows_the_page_alone() -> None:
    """Where admins alone are served, people get the page, and whoever else asks gets 404 as before."""
    with test_client(make_test_app(role="admin")) as client:
        assert 'href="console"' in client.get("/", headers=BROWSER).text
        assert 404 == client.get("/").status_code


# The stream.


def events(text: str) -> list[tuple[str, Any]]:
    """Return the events of a stream by name and data."""
    lines = [block.split("\n") for block in text.removesuffix("\n\n").split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in lines]


def test_events_tell_what_statistics_tell() -> None:
    """The stream has the numbers of `/stats` and the targets of `/targets`, with those of other hosts."""
    shared = FakeSharedStats()
    step = int(CREATED.timestamp()) // 10
    with test_client(make_test_app(shared_stats=shared)) as client:
        now = int(client.get("/live?events=1").text.split('"begin":')[-1].split(",")[0]) // 10
        shared.told[now - 1] = {"other/0": {"redirected 1 cdn": 100, "refused not-a-url": 7}}
        shared.told[step] = {"other/0": {"redirected 1 cdn": 1}}
        client.follow_redirects = False
        client.get(f"/?video={VIDEO}")
    with test_client(make_test_app(shared_stats=shared)) as client:
        client.follow_redirects = False
        for _ in range(3):
            client.get(f"/?video={VIDEO}")
        answer = client.get("/live?events=2")
        stats, targets = client.get("/stats").json(), client.get("/targets").json()["targets"]
    assert ("text/event-stream; charset=utf-8", "no-store") == (
        answer.headers["content-type"],
        answer.headers["cache-control"],
    )
    (first_name, first), (_, second) = events(answer.text)
    assert "live" == first_name
    assert stats == second["stats"]
    assert targets == second["targets"]
    assert 103 == second["stats"]["redirects"]
    assert 61 == len(first["steps"])
    assert first["steps"][-3:] == second["steps"]
    assert {"cdn": 100} == second["steps"][-2]["redirects"]["1"]
    assert 7 == second["steps"][-2]["refusals"]
    (config,) = first["configs"]
    assert (1, 1, "exact", {"origin": 0.1, "cdn": 0.9}) == tuple(
        config[name] for name in ("id", "revision", "policy", "shares")
    )


def test_a_stream_ends_with_its_key() -> None:
    """When the key is revoked, the stream says why and ends by itself."""
    keys = FakeApiKeys()
    keys.rows[1] = KeyFactory.build()
    asked = 0
    working = keys.find

    async def find(digest: bytes) -> Any:
        nonlocal asked
        asked += 1
        if asked > 1:
            keys.rows[1] = KeyFactory.build(revoked_at=CREATED, revoked_by="key:1 first")
        return await working(digest)

    keys.find = find  # type: ignore[method-assign]  # revoked while the stream goes on
    with test_client(make_test_app(keys=keys)) as client:
        told = events(client.get("/live").text)
    assert ["live", "live", "end"] == [name for name, _ in told]
    assert (401, "urn:video-balancer:problem:unauthenticated") == (told[-1][1]["status"], told[-1][1]["type"])


def test_a_stream_outlives_the_database() -> None:
    """While the keys cannot be read none can be revoked: the stream goes on, and shows what is missing."""
    keys = FakeApiKeys()
    keys.rows[1] = KeyFactory.build()
    working = keys.find

    async def find(digest: bytes) -> Any:
        found = await working(digest)
        keys.down = True
        return found

    keys.find = find  # type: ignore[method-assign]  # away while the stream goes on
    with test_client(make_test_app(keys=keys)) as client:
        assert ["live"] * 4 == [name for name, _ in events(client.get("/live?events=4").text)]


@pytest.mark.parametrize("given", ["0", "x", "1000001", "1&events=2"])
def test_how_many_events(client: TestClient[Litestar], given: str) -> None:
    """A number of events that cannot be is refused before anything is sent."""
    assert 422 == client.get(f"/live?events={given}").status_code


@pytest.mark.anyio
async def test_streams_are_bounded() -> None:
    """A process has so many streams and no more, none when it is about to end, and all of them end then."""
    streams = Streams()
    for _ in range(MAX_STREAMS):
        streams.begin()
    with pytest.raises(TooManyStreams, match="32 live streams"):
        streams.begin()
    streams.end()
    streams.begin()
    streams.end()
    assert not await streams.is_closing(0)
    streams.close()
    assert await streams.is_closing(60)
    with pytest.raises(TooManyStreams):
        streams.begin()


def test_a_stream_that_ended_makes_room(client: TestClient[Litestar]) -> None:
    """However many streams there have been, another one begins."""
    assert {200} == {client.get("/live?events=1").status_code for _ in range(MAX_STREAMS + 1)}


# Who asks, and the settings.


@pytest.mark.parametrize("role", list(Role))
def test_identity(role: Role) -> None:
    """Whoever asks is told who they are and what they may do."""
    keys = FakeApiKeys()
    keys.rows[1] = KeyFactory.build(name="Robin", role=role)
    with test_client(make_test_app(keys=keys)) as client:
        assert {"actor": "key:1 Robin", "role": role.label} == client.get("/identity").json()


def test_settings_have_no_secrets() -> None:
    """Every secret is masked, in whatever setting it stands, and so are users and passwords in URLs."""
    secrets = {
        "bootstrap_api_key": SECRET,
        "steering_key": SECRET,
        "database_url": f"postgresql://user:{SECRET}@db.example.com/balancer",
        "redis_url": f"redis://:{SECRET}@redis.example.com/0",
    }
    kinds = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert kinds == set(secrets)
    given: dict[str, Any] = {**secrets, "jwt_jwks": f"https://me:{SECRET}@id.example.com/jwks"}
    settings = Settings(_env_file=None, **{**SIGN_IN, **given})  # type: ignore[call-arg]  # pydantic-settings adds it
    found = {one.name.removeprefix("BALANCER_").lower(): one for one in settings.in_force.settings}
    assert set(Settings.model_fields) == set(found)
    assert SECRET not in str(found)
    assert dict.fromkeys(kinds, MASK) == {name: found[name].value for name in kinds}
    assert f"https://{MASK}@id.example.com/jwks" == found["jwt_jwks"].value
    assert isinstance(settings.database_url, SecretStr)


def test_settings_are_shown_as_they_are_written() -> None:
    """Each setting that is no secret is shown as it could be written, and read again means the same."""
    given: dict[str, Any] = {
        "access_log": "sample:0.01",
        "player_rate": "600/m",
        "trusted_proxies": "10.0.0.0/8, unix",
    }
    settings = Settings(_env_file=None, **given)  # type: ignore[call-arg]  # pydantic-settings adds it
    found = {one.name.removeprefix("BALANCER_").lower(): one for one in settings.in_force.settings}
    again: dict[str, Any] = {name: found[name].value for name in given}
    assert set(again) == {name for name, one in found.items() if not one.is_default}
    assert settings.model_dump() == Settings(_env_file=None, **again).model_dump()  # type: ignore[call-arg]  # as above
    assert ("off", "true", "60") == tuple(
        next(one.value for one in read_settings(**{name: given}).in_force.settings if one.name.endswith(name.upper()))
        for name, given in (("admin_rate", "off"), ("fast_lane", True), ("worker_start_time", 60.0))
    )


def test_settings_route(client: TestClient[Litestar]) -> None:
    """The route answers what the settings say of themselves."""
    found = {one["name"]: one for one in client.get("/settings").json()["settings"]}
    key = found["BALANCER_STEERING_KEY"]
    assert (MASK, True, False) == (key["value"], key["secret"], key["default"])
    assert KEY not in client.get("/settings").text


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("plain", "plain"),
        ("https://id.example.com/jwks", "https://id.example.com/jwks"),
        ("https://a:b@id.example.com:8443/jwks?x=1", f"https://{MASK}@id.example.com:8443/jwks?x=1"),
        ("https://[broken@a", MASK),
    ],
)
def test_masking(value: str, masked: str) -> None:
    """Only a user and a password are hidden of what is no secret; what cannot be read is hidden whole."""
    assert masked == shown("X", value, is_secret=False, is_default=False).value


# Signing in at a provider.


def test_the_policy_names_the_provider() -> None:
    """The page may ask the hosts of the provider's metadata and of its tokens, and no path makes it a longer list."""
    sign_in = SignIn("https://id.example.com/realm", "c", "a", "openid", None, "https://tokens.example.com:8443/t;x")
    assert "connect-src 'self' https://id.example.com https://tokens.example.com:8443;" in policy_of(sign_in)
    assert "connect-src 'self';" in policy_of(None)


def test_how_people_sign_in() -> None:
    """The page is told how to sign people in; where there is no provider, null."""
    with test_client(make_test_app()) as client:
        assert client.get("/console/sign-in").json() is None
    with test_client(make_test_app(**SIGN_IN)) as client:
        assert {
            "issuer": "https://id.example.com/realm",
            "client_id": "console",
            "audience": "video-balancer",
            "scope": "openid",
            "authorize_url": None,
            "token_url": None,
        } == client.get("/console/sign-in").json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwt_client_id": "console"},
        {**SIGN_IN, "jwt_token_url": "https://id.example.com/token"},
        {**SIGN_IN, "jwt_issuer": "no url"},
        {**SIGN_IN, "jwt_issuer": "https://id.example.com; script-src *", "jwt_authorize_url": "https://a/b"}
        | {"jwt_token_url": "https://a/c"},
        {**SIGN_IN, "jwt_token_url": "https://id.example.com; script-src *", "jwt_authorize_url": "https://a/b"},
        {**SIGN_IN, "jwt_token_url": "javascript:alert(1)", "jwt_authorize_url": "https://a/b"},
    ],
)
def test_what_cannot_be_signed_in_by(wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Settings by which nobody could sign in, or that would break the page's policy, are refused at the start."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongSettings):
        read_settings(**wrong)


def test_packed_bytes_are_the_same_each_time(client: TestClient[Litestar]) -> None:
    """Two processes pack alike, so that a tag of one counts at the other."""
    data = FILES["style.css"].read_bytes()
    assert gzip.compress(data, mtime=0) == gzip.compress(data, mtime=0)
    assert client.get("/console/style.css").content == data
