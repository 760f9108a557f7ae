"""What lines of the log say, and what they never say."""

import io
import json
import logging
import re
import sys
import threading

import pytest
import structlog
from typing_extensions import override

from balancer.telemetry.logs import HIDDEN, Lines, Scrubber, make_formatter
from balancer.telemetry.players import request_id_of, shown
from tests.logged import logged
from tests.unit.apps import make_test_app, test_client

VIDEO = "video=http://s1.origin-cluster/a.ts"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("key vbk_PLANTED-planted", id="our key"),
        pytest.param("token eyJPLANTED0.PLANTED.PLANTED", id="token"),
        pytest.param("Authorization: Bearer PLANTED", id="bearer"),
        pytest.param("postgresql://user:PLANTED@host/database", id="password in a URL"),
        pytest.param("http://cdn.example.com/a?x=1&hdnts=PLANTED", id="signed URL"),
        pytest.param("/?video=http%3A%2F%2Fs1.origin-cluster%2Fa%3Ftoken%3DPLANTED", id="escaped signed URL"),
        pytest.param("wrong password 'correct horse PLANTED'", id="password by itself"),
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    """Whatever form a secret has, and wherever it stands in a line, it is not written."""
    scrub = Scrubber(["correct horse PLANTED"])
    event = scrub(None, "info", {"event": text, "deep": [{"er": (text, text.encode())}], text: 1, "exception": text})
    values = json.dumps({name: value for name, value in event.items() if name != text})
    assert "PLANTED" not in values
    assert HIDDEN in values


def test_what_is_no_secret_stays() -> None:
    """Ordinary lines are as they were."""
    text = "GET /config 200, http://s1.origin-cluster/video/1/a.m3u8 at 12:30, basic"
    assert text == Scrubber(["short"]).text(text)


def written(style: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a logger of structlog and one of `logging` write, errors with their traceback."""
    handler = Lines()
    handler.setFormatter(make_formatter(style, ["a planted secret"]))  # type: ignore[arg-type]  # one of the styles
    loggers = [logging.getLogger(name) for name in ("tested", "tested.foreign")]
    loggers[0].addHandler(handler)
    loggers[0].setLevel("INFO")
    structlog.stdlib.get_logger("tested").info("happened", place="here", secret="a planted secret")
    try:
        raise ValueError("a planted secret")
    except ValueError:
        loggers[1].exception("failed %s", "there")
    handler.close()
    loggers[0].removeHandler(handler)
    make_formatter("json", ())
    return capsys.readouterr().err


def test_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Each event is one line of JSON with its time, level and logger, whichever library wrote it."""
    lines = [json.loads(line) for line in written("json", capsys).splitlines()]
    assert [("happened", "info", "tested"), ("failed there", "error", "tested.foreign")] == [
        (line["event"], line["level"], line["logger"]) for line in lines
    ]
    assert ("here", HIDDEN) == (lines[0]["place"], lines[0]["secret"])
    assert lines[1]["exception"].startswith("Traceback")
    assert lines[1]["exception"].endswith(f"ValueError: {HIDDEN}")


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the same is told for people."""
    text = written("console", capsys)
    assert "happened" in text
    assert "place=here" in text
    assert "Traceback" in text
    assert "planted" not in text


def test_times_for_people_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a line has its time to milliseconds, in JSON to microseconds."""
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[", written("console", capsys))
    assert json.loads(written("json", capsys).splitlines()[0])["time"].endswith("Z")


class _Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        pytest.param({"TERM": "xterm"}, True, id="terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": ""}, True, id="empty"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "0"}, False, id="NO_COLOR"),
        pytest.param({"TERM": "dumb"}, False, id="dumb"),
    ],
)
def test_colours_of_the_log(variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are coloured on a terminal that can, unless `NO_COLOR` has a value, whatever it is."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", _Terminal())
    record = logging.makeLogRecord({"msg": "happened", "levelname": "INFO", "levelno": logging.INFO, "name": "tested"})
    assert coloured == ("\x1b[" in make_formatter("console", ()).format(record))
    make_formatter("json", ())


def test_a_reader_that_does_not_read_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While standard error takes nothing, lines wait; those above the bound are dropped and counted."""
    gate, begun = threading.Event(), threading.Event()

    class Stuck(io.StringIO):
        @override
        def write(self, text: str) -> int:
            begun.set()
            gate.wait()
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Stuck())
    monkeypatch.setattr("balancer.telemetry.logs.WAITING", 10)
    handler, before = Lines(), Lines.dropped
    for number in range(31):
        handler.emit(logging.makeLogRecord({"msg": str(number)}))
        if not number:
            begun.wait()
    assert 20 == Lines.dropped - before
    gate.set()
    handler.close()


def test_each_admin_request_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A request of an admin is told in one line with its id; a change of a config in one more."""
    caplog.set_level(logging.INFO)
    with test_client(make_test_app()) as client:
        given = client.get("/config?id=1", headers={"x-request-id": "from-the-proxy"})
        made = client.patch("/config", json={"id": 1, "distribution_rate": 7, "reason": "Because."})
        client.patch("/config", json={"id": 1, "distribution_rate": 7})
        client.get("/health/live")
    assert "from-the-proxy" == given.headers["x-request-id"]
    requests = logged(caplog, "request")
    assert [("GET", "/config", 200), ("PATCH", "/config", 200), ("PATCH", "/config", 200)] == [
        (line["method"], line["path"], line["status"]) for line in requests
    ]
    assert ["from-the-proxy", made.headers["x-request-id"]] == [line["request_id"] for line in requests[:2]]
    change = logged(caplog, "config")[0]
    assert (1, 2, 7, "Because.", "changed") == tuple(
        change[name] for name in ("config_id", "revision", "distribution_rate", "reason", "action")
    )
    assert made.headers["x-request-id"] == change["request_id"]


@pytest.mark.parametrize(
    ("access_log", "redirects", "refusals"), [("off", 0, 0), ("errors", 0, 1), ("sample:0", 0, 1), ("all", 9, 1)]
)
def test_access_log(caplog: pytest.LogCaptureFixture, access_log: str, redirects: int, refusals: int) -> None:
    """Players get no lines, those of refusals, or all; a line has the target and no signature."""
    caplog.set_level(logging.INFO)
    with test_client(make_test_app(access_log=access_log)) as client:
        for _ in range(9):
            client.get(f"/?{VIDEO}?token=PLANTED&hdnts=PLANTED", follow_redirects=False)
        client.get("/?video=http://example.com/a?token=PLANTED")
    assert (redirects, refusals) == (len(logged(caplog, "redirect")), len(logged(caplog, "refusal")))
    if redirects:
        line = logged(caplog, "redirect")[0]
        assert ("cdn", "s1.origin-cluster/a.ts") == (line["target"], line["video"])
    assert "PLANTED" not in str([record.msg for record in caplog.records if record.name.startswith("balancer")])


@pytest.mark.parametrize("given", ["", "a b", "a\x00", "x" * 129, "a\u00e9"])
def test_ids_that_cannot_be_taken(given: str) -> None:
    """An id that could not stand in a line or a header is not taken."""
    assert given != request_id_of(given)
    assert 32 == len(request_id_of(given))


MD5 = "9b1f6c0c1d1f8f4a0c7f4e2b8f7a3d5e"
MD5_64 = "_e4Nc3iduzkWRm01TBBNYw"
SHA1 = "4492f25946a2e8e1414a8bb53dab8a6ba1cf4615"
SHA256_64 = "lVJFPF1bqaP3RYSqm8kDCi2WQ6Iy9Fo4N3hYTzGKx0U"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param(f"/hls/{MD5}/1598024587/a.m3u8", "/hls/***/***/a.m3u8", id="nginx secure_link, hexadecimal"),
        pytest.param(f"/hls/{MD5_64}/1598024587/a.m3u8", "/hls/***/***/a.m3u8", id="nginx secure_link, base64"),
        pytest.param(f"/hls/1598024587/{MD5_64}/a.m3u8", "/hls/***/***/a.m3u8", id="nginx secure_link, expiry first"),
        pytest.param(f"/p/{MD5}/top.html", "/p/***/top.html", id="nginx secure_link_secret"),
        pytest.param(f"/dl/{MD5}/5f3f4c8b/a.ts", "/dl/***/***/a.ts", id="lighttpd mod_secdownload, MD5"),
        pytest.param(f"/dl/{SHA256_64}/5f3f4c8b/a.ts", "/dl/***/***/a.ts", id="lighttpd mod_secdownload, HMAC"),
        pytest.param(f"/exp=1598024587~acl=/*~hmac={SHA1}/a.m3u8", "/***/***/a.m3u8", id="Akamai in the path"),
        pytest.param(f"/hdntl=exp=1598024587~acl=%2f*~hmac={SHA1}/a.ts", "/***/a.ts", id="Akamai long token"),
        pytest.param(
            "/Expires=1598024587&Signature=abc__&Key-Pair-Id=K1/a.ts", "/***/a.ts", id="CloudFront moved to the path"
        ),
        pytest.param("/wowzatokenhash=abc-_,wowzatokenendtime=1/a.ts", "/***/a.ts", id="Wowza SecureToken"),
        pytest.param(f"/1441307151_{SHA1}/a.ts", "/***/a.ts", id="Fastly token"),
        pytest.param(
            f"/bcdn_token={SHA256_64}&expires=1598024587&token_path=%2F/a.ts", "/***/a.ts", id="BunnyCDN directory"
        ),
        pytest.param(f"/{MD5_64},1598024587/a.ts", "/***/a.ts", id="CDN77"),
        pytest.param(f"/201508150800/{MD5}/a.flv", "/***/***/a.flv", id="Alibaba Cloud, type B"),
        pytest.param(f"/{MD5}/55CE8100/a.flv", "/***/***/a.flv", id="Alibaba Cloud, type C"),
        pytest.param("/edge-cache-token=Expires=1~Signature=ab/a.ts", "/***/a.ts", id="Google Media CDN"),
        pytest.param("/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.abc/a.ts", "/***/a.ts", id="Cloudflare Stream"),
        pytest.param(f"/a%3D{MD5}/a.ts", "/***/a.ts", id="escaped"),
        pytest.param(f"/{'a' * 191}/{MD5}/a.ts", f"/{'a' * 191}/***/a.t", id="where the path is cut"),
        pytest.param("/video/1488/xcg2djHckad.m3u8", "/video/1488/xcg2djHckad.m3u8", id="an ordinary video"),
        pytest.param("/vod/1598024587/seg-00001-v1.ts", "/vod/1598024587/seg-00001-v1.ts", id="a number of ten digits"),
        pytest.param(
            "/films/the-long-way-home-again/1080p/index.m3u8", "/films/the-long-way-home-again/1080p/index.m3u8",
            id="names of people",
        ),
    ],
)  # fmt: skip
def test_tokens_in_paths(path: str, told: str) -> None:
    """A segment that may be a token or a signature is not shown, nor the expiry beside it; ordinary ones are."""
    assert told == shown(path)


def test_long_paths() -> None:
    """Long paths are cut, and take no time."""
    assert 200 == len(shown("/a" * 8_000))
    assert 200 == len(shown("a" * 300))


HOSTILE = "a\x1b[2J\x07\x7f\x9b31m\u202e\u2066\u2028\ud800z"


@pytest.mark.parametrize("style", ["json", "console"])
def test_lines_do_not_command_a_terminal(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that a terminal would obey or reorder is written, in no part of a line; JSON keeps the values."""
    handler = Lines()
    handler.setFormatter(make_formatter(style, ()))  # type: ignore[arg-type]  # one of the styles
    loggers = [logging.getLogger(name) for name in ("tested", "tested.foreign")]
    loggers[0].addHandler(handler)
    loggers[0].setLevel("INFO")
    # What the runner captures of it, it could not hand on.
    loggers[0].propagate = False
    structlog.stdlib.get_logger("tested").info(HOSTILE, plain=HOSTILE, spaced=f"a {HOSTILE}", deep=[{HOSTILE: HOSTILE}])
    try:
        raise ValueError(f"one\ntwo {HOSTILE}")
    except ValueError:
        loggers[1].exception("failed\nforged %s", HOSTILE)
    handler.close()
    loggers[0].removeHandler(handler)
    loggers[0].propagate = True
    make_formatter("json", ())
    text = capsys.readouterr().err
    assert set() == set(HOSTILE[1:-1]) - set("[2J31m") & set(text)
    assert text.replace("\n", "").isprintable()
    if style == "json":
        first, second = map(json.loads, text.splitlines())
        assert (HOSTILE, HOSTILE, [{HOSTILE: HOSTILE}]) == (first["event"], first["plain"], first["deep"])
        assert f"failed\nforged {HOSTILE}" == second["event"]
    else:
        assert "plain=a\\x1b[2J\\x07\\x7f\\x9b31m\\u202e\\u2066\\u2028\\ud800z" in text
        assert "\nforged" not in text
        assert "\nTraceback" in text
