"""Host names of CDNs and patterns of origins."""

import pytest

from balancer.core.errors import InvalidInput
from balancer.core.urls.hosts import OriginHosts, parse_cdn_host
from balancer.idn import to_ascii


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param("cdn.example.com", "cdn.example.com", id="name"),
        pytest.param("CDN.Example.COM", "cdn.example.com", id="upper case"),
        pytest.param("cdn.example.com:8080", "cdn.example.com:8080", id="port"),
        pytest.param("cdn_1", "cdn_1", id="one label"),
        pytest.param("192.0.2.7:81", "192.0.2.7:81", id="IPv4"),
        pytest.param("Bücher.example", "xn--bcher-kva.example", id="internationalised"),
        pytest.param("cdn。example", "cdn.example", id="ideographic dot"),
        pytest.param("straße.example:80", "xn--strae-oqa.example:80", id="sharp s as browsers have it"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="punycode"),
    ],
)
def test_cdn_host(given: str, stored: str) -> None:
    """A host name is stored in lower-case ASCII, with its port."""
    assert stored == parse_cdn_host(given, to_ascii)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(":80", "is empty", id="only a port"),
        pytest.param("http://cdn.example.com", "scheme", id="scheme"),
        pytest.param("cdn.example.com/a", "path", id="path"),
        pytest.param("cdn.example.com?a", "query", id="query"),
        pytest.param("cdn.example.com#a", "fragment", id="fragment"),
        pytest.param("u@cdn.example.com", "user info", id="user info"),
        pytest.param(" cdn.example.com", "white space", id="space before"),
        pytest.param("cdn.example.com\n", "white space", id="newline after"),
        pytest.param("cdn.example.com:", "port", id="empty port"),
        pytest.param("cdn.example.com:0", "port", id="port zero"),
        pytest.param("cdn.example.com:65536", "port", id="port too great"),
        pytest.param("cdn.example.com:80:80", "port", id="two ports"),
        pytest.param("[::1]", "port", id="IPv6"),
        pytest.param("cdn..example.com", "not a host name", id="empty label"),
        pytest.param("cdn.example.com.", "not a host name", id="root dot"),
        pytest.param("cdn%2eexample.com", "not a host name", id="escape"),
        pytest.param("cdn\\example.com", "not a host name", id="backslash"),
        pytest.param("cdn\x00.example.com", "not a host name", id="null"),
        pytest.param("a" * 64 + ".example", "not a host name", id="label too long"),
        pytest.param(".".join(["a" * 60] * 5), "not a host name", id="too long"),
        pytest.param("xn--a.example", "not a host name", id="punycode of nothing"),
        pytest.param("a℀b.example", "ASCII form", id="a character that becomes a slash"),
        pytest.param("\ud800.example", "ASCII form", id="lone surrogate"),
        pytest.param("300.1.1.1", "IPv4", id="IPv4 out of range"),
        pytest.param("cdn.0x7f", "IPv4", id="number in hex"),
        pytest.param("2130706433", "IPv4", id="one number"),
    ],
)
def test_not_a_cdn_host(given: str, fault: str) -> None:
    """What is not a host name with an optional port is refused, and the error names the field and the fault."""
    with pytest.raises(InvalidInput, match=fault) as caught:
        parse_cdn_host(given, to_ascii)
    assert "cdn_host" == caught.value.field


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        pytest.param("origin-cluster", "a label before the domain", id="one label"),
        pytest.param("*", "a label before the domain", id="star alone"),
        pytest.param("s*.origin-cluster", "one whole label", id="star in a label"),
        pytest.param("**.origin-cluster", "one whole label", id="two stars"),
        pytest.param("http://s1.origin-cluster", "port", id="scheme"),
        pytest.param("*.origin-cluster:99999", "port", id="port"),
        pytest.param("*.origin cluster", "labels", id="space"),
        pytest.param("*.168.0.1", "IP address", id="address"),
        pytest.param("s1.\ud800", "internationalised", id="lone surrogate"),
    ],
)
def test_bad_patterns(pattern: str, fault: str) -> None:
    """A pattern that cannot be read is an error that names it."""
    with pytest.raises(ValueError, match=fault) as caught:
        OriginHosts(["*.origin-cluster", pattern], to_ascii)
    assert repr(pattern) in str(caught.value)


def test_long_names_are_not_converted() -> None:
    """A name that is too long for any host is refused before it is converted, which may take long for long ones."""
    converted = []

    def convert(host: str) -> str:
        converted.append(host)
        return host

    for name in ("ü" * 60_000, "ü." * 30_000, "xn--" + "a" * 60_000):
        with pytest.raises(InvalidInput, match="longer than the 253 characters"):
            parse_cdn_host(name, convert)
        with pytest.raises(ValueError, match="longer than the 253 characters"):
            OriginHosts([f"*.{name}"], convert)
    assert [] == converted


def test_converter_takes_no_long_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls the converter, it hands no long name to the library."""
    monkeypatch.setattr("idna.encode", lambda *_args, **_more: pytest.fail("converted"))
    with pytest.raises(ValueError, match="more than 1024 characters"):
        to_ascii("ü" * 1_025)


def test_no_patterns() -> None:
    """An allow-list that allows nothing is a mistake."""
    with pytest.raises(ValueError, match="at least one"):
        OriginHosts([], to_ascii)


def test_pattern_of() -> None:
    """The first pattern that allows a host is named in the form that hosts are compared in."""
    hosts = OriginHosts(["*.Origin-Cluster", "s1.bücher.example:8080"], to_ascii)
    assert "*.origin-cluster" == hosts.pattern_of("http", "s1.origin-cluster", None)
    assert "s1.xn--bcher-kva.example:8080" == hosts.pattern_of("https", "s1.xn--bcher-kva.example", 8080)
    assert hosts.pattern_of("https", "s1.xn--bcher-kva.example", None) is None
