"""Manifests with steering over the real application, with fake origins."""

import json
import re
from collections import Counter
from dataclasses import replace
from urllib.parse import quote
from xml.sax.saxutils import unescape

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.configs.documents import PolicyName
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.manifests.ports import Manifest
from tests.factories import ConfigFactory, cdn
from tests.fakes import FakeManifests
from tests.unit.apps import make_test_app, test_client

PLAYLIST = "http://s1.origin-cluster/video/1488/a.m3u8"
MPD = "http://s1.origin-cluster/video/1488/a.mpd"
MEDIA = "http://s1.origin-cluster/video/1488/media.m3u8"
LIVE = "http://s1.origin-cluster/video/1488/live.mpd"

HLS_BODY = b"""#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aud",NAME="en",DEFAULT=YES,URI="audio/en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aud",X-OWN="kept"
low/index.m3u8
"""

DASH_BODY = b"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT60S">
  <Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate media="chunk-$Number$.m4s" initialization="init.mp4"/>
  <Representation id="0" bandwidth="200000"/></AdaptationSet></Period>
</MPD>
"""


def live(location: str = "") -> bytes:
    """Return a live MPD that is to be had anew at a place, by default where it was."""
    changed = DASH_BODY.replace(b'type="static"', b'type="dynamic" minimumUpdatePeriod="PT2S"')
    return changed.replace(b"  <Period>", f"  {location}<Period>".encode())


TARGETS = (
    Target("origin", Kind.ORIGIN, weight=1),
    Target("cdn-a", Kind.CDN, "a.example", Scheme.KEEP, weight=1),
    cdn("drained", 0),
    cdn("off", enabled=False),
)


@pytest.fixture
def origins() -> FakeManifests:
    """Return origins with a manifest of each kind."""
    return FakeManifests(**{PLAYLIST: HLS_BODY, MPD: DASH_BODY, LIVE: live(), MEDIA: b"#EXTM3U\n#EXTINF:4,\na.ts\n"})


def client_of(origins: FakeManifests, policy: PolicyName = PolicyName.EXACT) -> TestClient[Litestar]:
    """Return a client of an application whose config has an origin and a CDN of the same weight."""
    config = ConfigFactory.build()
    document = replace(config.document, targets=TARGETS, policy=policy)
    return test_client(make_test_app(replace(config, document=document), origins=origins))


def test_hls(origins: FakeManifests) -> None:
    """A multivariant playlist comes with each variant at each enabled target, and the first one is the session's."""
    with client_of(origins) as client:
        answers = [client.get(f"/manifest?video={PLAYLIST}&CMCD=sid%3D%221%22&token=x") for _ in range(4)]
        first = answers[0]
        assert (200, "application/vnd.apple.mpegurl") == (first.status_code, first.headers["content-type"])
        assert ("no-store", "*") == (first.headers["cache-control"], first.headers["access-control-allow-origin"])
        assert {f"{PLAYLIST}?token=x"} == set(origins.asked)
        found: Counter[str] = Counter()
        for answer in answers:
            tag = re.search(r'#EXT-X-CONTENT-STEERING:SERVER-URI="([^"]+)",PATHWAY-ID="([^"]+)"', answer.text)
            assert tag
            found[tag[2]] += 1
            told = client.get(tag[1])
            assert tag[2] == json.loads(told.text)["PATHWAY-PRIORITY"][0]
            variants = re.findall(r'#EXT-X-STREAM-INF:[^\n]*X-OWN="kept",PATHWAY-ID="([^"]+)"\n(.+)', answer.text)
            assert tag[2] == variants[0][0]
            assert {
                "origin": "http://s1.origin-cluster/video/1488/low/index.m3u8",
                "cdn-a": "http://a.example/s1/video/1488/low/index.m3u8",
                "drained": "http://drained.example/s1/video/1488/low/index.m3u8",
            } == dict(variants)
        assert {"origin": 2, "cdn-a": 2} == found


def test_dash(origins: FakeManifests) -> None:
    """An MPD comes with a base URL for each enabled target, and the session's URL stands in it as XML has it."""
    with client_of(origins) as client:
        answer = client.get(f"/manifest?video={MPD}")
        assert (200, "application/dash+xml") == (answer.status_code, answer.headers["content-type"])
        tag = re.search(r'<ContentSteering defaultServiceLocation="([^"]+)"[^>]*>([^<]+)<', answer.text)
        assert tag
        assert "&amp;session=" in tag[2]
        told = client.get(tag[2].replace("&amp;", "&"))
        assert tag[1] == json.loads(told.text)["PATHWAY-PRIORITY"][0]
        places = re.findall(r'<BaseURL serviceLocation="([^"]+)">([^<]+)<', answer.text)
        assert ("cdn-a", "http://a.example/s1/video/1488/") in places


def session_of(manifest: str) -> tuple[str, str, str]:
    """Return which pathway an MPD names first, the URL of its steering server, and where it is to be had anew."""
    tag = re.search(r'<ContentSteering defaultServiceLocation="([^"]+)"[^>]*>([^<]+)<', manifest)
    location = re.findall("<Location>([^<]+)</Location>", manifest)
    assert tag
    return tag[1], unescape(tag[2]), unescape(location[0]) if location else ""


def test_live_dash_goes_on_with_its_session(origins: FakeManifests) -> None:
    """Each MPD says where the session gets the next one, which has the same pathways and the same steering server."""
    with client_of(origins) as client:
        for _ in range(2):
            answer = client.get(f"/manifest?video={quote(LIVE, safe='')}&token=x&CMCD=sid%3D%221%22&cmcd&user=%C3%BC'")
            assert 1 == answer.text.count("<Location>")
            first = session_of(answer.text)
            assert first[2].startswith(
                f"{client.base_url}/manifest?video={LIVE}&token=x&user=%C3%BC'&balancer_session="
            )
            assert first[1].endswith("&session=" + first[2].rpartition("balancer_session=")[2])
            for _ in range(3):
                # Players report to the URL that they are given.
                answer = client.get(f"{first[2]}&CMCD=sid%3D%221%22")
                assert first == session_of(answer.text)
        assert {f"{LIVE}?token=x&user=%C3%BC'"} == set(origins.asked)


def test_a_session_moves_with_its_manifest(origins: FakeManifests) -> None:
    """A live MPD names the target of the present shares, and the move is counted when the session asks for it."""
    with client_of(origins) as client:
        sessions = [session_of(client.get(f"/manifest?video={LIVE}").text) for _ in range(4)]
        client.patch("/config/target", json={"id": 1, "name": "cdn-a", "weight": 0})
        for _ in range(2):
            sessions = [session_of(client.get(location).text) for _, _, location in sessions]
        assert ["origin"] * 4 == [first for first, _, _ in sessions]
        for _, server, _ in sessions:
            client.get(client.get(server).json()["RELOAD-URI"])
        counted = re.findall(r'balancer_steering_answers_total{.*event="(\w+)".*} (\S+)', client.get("/metrics").text)
        assert [("kept", "6.0"), ("moved", "2.0")] == sorted(counted)


def test_hls_goes_on_with_its_session(origins: FakeManifests) -> None:
    """A playlist that is asked for with a session names that one to the steering server, whose answers carry it on."""
    with client_of(origins) as client:
        tag = re.search(r'SERVER-URI="([^"]+)"', client.get(f"/manifest?video={PLAYLIST}").text)
        assert tag
        token = tag[1].rpartition("session=")[2]
        assert tag[0] in client.get(f"/manifest?video={PLAYLIST}&balancer_session={token}").text
        assert tag[1] == client.get(tag[1]).json()["RELOAD-URI"]


@pytest.mark.parametrize("token", ["", "%00", "A" * 3000, "A" * 72, "x&balancer_session="])
def test_garbage_begins_a_session(origins: FakeManifests, token: str) -> None:
    """Whatever stands in place of a session's state begins a session, and is passed on to nobody."""
    with client_of(origins) as client:
        found = {session_of(client.get(f"/manifest?video={LIVE}&balancer_session={token}").text)[0] for _ in range(2)}
        assert {"origin", "cdn-a"} == found
        redirect = client.get(f"/manifest?video={MEDIA}&balancer_session={token}", follow_redirects=False)
        assert "balancer_session" not in redirect.headers["location"]
    assert {LIVE, MEDIA} == set(origins.asked)


def test_sessions_of_another_config(origins: FakeManifests) -> None:
    """By the state of a session nobody gets a manifest of a config other than the one that the rules give him."""
    with client_of(origins) as client:
        other = {"targets": [{"name": "secret", "host": "secret.example", "weight": 1}]}
        made = client.post("/configs", json={"name": "other", **other})
        assert 201 == made.status_code
        rule = {"name": "never", "when": {"hosts": ["never.origin-cluster"]}, "config_id": made.json()["id"]}
        edition = {"if-match": client.get("/rules").headers["etag"]}
        assert 200 == client.put("/rules", json={"rules": [rule]}, headers=edition).status_code
        foreign = client.get(f"/steering?config={made.json()['id']}").json()["RELOAD-URI"].rpartition("session=")[2]
        assert "secret" in client.get(f"/steering?session={foreign}").text
        assert "secret" not in client.get(f"/manifest?video={LIVE}&balancer_session={foreign}").text


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        pytest.param(f"<Location>{LIVE}?sid=1&amp;token=x</Location>", f"{LIVE}?sid=1&token=x", id="its own words"),
        pytest.param("<Location>next.mpd</Location>", LIVE.replace("live", "next") + "?token=x", id="relative"),
        pytest.param(
            "<Location>/a%20b/n.mpd#t=1</Location>", "http://s1.origin-cluster/a%20b/n.mpd?token=x", id="its own host"
        ),
        pytest.param(
            "<Location>https://example.com/a.mpd</Location><Location>\n//s2.origin-cluster/b.mpd?c=d </Location>",
            "http://s2.origin-cluster/b.mpd?c=d&token=x",
            id="the first that is an origin",
        ),
        pytest.param("<Location/>", f"{LIVE}?token=x", id="nothing"),
    ],
)
def test_an_origin_that_says_where_the_next_one_is(origins: FakeManifests, location: str, asked: str) -> None:
    """The next MPD is fetched where the origin says, and the session goes on; what an origin repeats is not doubled."""
    origins.found[LIVE] = Manifest(live(location), "")
    origins.found[asked.partition("?")[0]] = Manifest(live(location), "")
    with client_of(origins) as client:
        first = session_of(client.get(f"/manifest?video={LIVE}&token=x").text)
        again = session_of(client.get(first[2]).text)
        assert first[:2] == again[:2]
        assert asked == origins.asked[1]
        client.get(again[2])
        assert asked == origins.asked[2] or "next" in location


def test_an_origin_that_leads_elsewhere(origins: FakeManifests) -> None:
    """A live MPD whose next one only another host has is not steered, but redirected to; a finished one is steered."""
    elsewhere = "<Location>https://example.com/a.mpd</Location>"
    origins.found[LIVE] = Manifest(live(elsewhere), "")
    origins.found[MPD] = Manifest(DASH_BODY.replace(b"<Period>", f"{elsewhere}<Period>".encode()), "")
    with client_of(origins) as client:
        assert 301 == client.get(f"/manifest?video={LIVE}", follow_redirects=False).status_code
        assert "" == session_of(client.get(f"/manifest?video={MPD}").text)[2]


def test_a_url_that_would_be_too_long(origins: FakeManifests) -> None:
    """A live MPD whose next URL would be longer than a request may be is redirected to."""
    origins.found[LIVE] = Manifest(live(f"<Location>?{'a' * 8_000}</Location>"), "")
    with client_of(origins) as client:
        for size, status in ((90, 200), (190, 301)):
            answer = client.get(f"/manifest?video={LIVE}&token={'x' * size}", follow_redirects=False)
            assert status == answer.status_code


@pytest.mark.parametrize("video", [MEDIA, "http://s1.origin-cluster/video/1488/nothing.m3u8"])
def test_what_cannot_be_steered_is_redirected(origins: FakeManifests, video: str) -> None:
    """A bare media playlist, and what the origin does not give, is redirected with exact shares as ever."""
    with client_of(origins) as client:
        answers = [client.get(f"/manifest?video={video}&x=1", follow_redirects=False) for _ in range(4)]
        client.get(f"/manifest?video={PLAYLIST}")
    assert {301} == {answer.status_code for answer in answers}
    path = video.removeprefix("http://s1.origin-cluster")
    assert {f"{video}?x=1": 2, f"http://a.example/s1{path}?x=1": 2} == Counter(
        answer.headers["location"] for answer in answers
    )


def test_refusals(origins: FakeManifests) -> None:
    """What may not be redirected is not fetched either."""
    with client_of(origins) as client:
        answer = client.get("/manifest?video=http://example.com/a.m3u8")
        assert (422, "*") == (answer.status_code, answer.headers["access-control-allow-origin"])
        assert 204 == client.options("/manifest").status_code
    assert [] == origins.asked


def test_opt_in() -> None:
    """Nothing is fetched unless the operator says so."""
    with test_client(make_test_app(manifests=False)) as client:
        assert 404 == client.get(f"/manifest?video={PLAYLIST}").status_code


def test_sticky(origins: FakeManifests) -> None:
    """Under `sticky` all sessions of a video begin at its target."""
    with client_of(origins, PolicyName.STICKY) as client:
        found = {
            re.findall(r'PATHWAY-ID="([^"]+)"', client.get(f"/manifest?video={PLAYLIST}").text)[0] for _ in range(9)
        }
    assert 1 == len(found)


def test_a_change_is_followed(origins: FakeManifests) -> None:
    """A manifest that is remembered has the pathways of the config in force."""
    with client_of(origins) as client:
        client.get(f"/manifest?video={PLAYLIST}")
        client.patch("/config/target", json={"id": 1, "name": "cdn-a", "host": "b.example"})
        assert "http://b.example/s1/video" in client.get(f"/manifest?video={PLAYLIST}").text
