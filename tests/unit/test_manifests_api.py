"""Manifests with steering over the real application, with fake origins."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.configs.documents import PolicyName
from balancer.core.configs.targets import Kind, Scheme, Target
from tests.factories import ConfigFactory, cdn
from tests.fakes import FakeManifests
from tests.unit.apps import make_test_app, test_client

PLAYLIST = "http://s1.origin-cluster/video/1488/a.m3u8"
MPD = "http://s1.origin-cluster/video/1488/a.mpd"
MEDIA = "http://s1.origin-cluster/video/1488/media.m3u8"

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

TARGETS = (
    Target("origin", Kind.ORIGIN, weight=1),
    Target("cdn-a", Kind.CDN, "a.example", Scheme.KEEP, weight=1),
    cdn("drained", 0),
    cdn("off", enabled=False),
)


@pytest.fixture
def origins() -> FakeManifests:
    """Return origins with a manifest of each kind."""
    return FakeManifests(**{PLAYLIST: HLS_BODY, MPD: DASH_BODY, MEDIA: b"#EXTM3U\n#EXTINF:4,\na.ts\n"})


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
