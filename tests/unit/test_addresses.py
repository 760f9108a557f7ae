"""Whose request it is, behind proxies and not."""

import pytest

from balancer.core.clients.addresses import TrustedProxies, client_key

PROXIES = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8:0:0:ffff::9", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"), ("::1", "::/64"), ("", "local"), ("testclient", "local"),
    ],
)  # fmt: skip
def test_keys(address: str, key: str) -> None:
    """IPv4 addresses count one by one, IPv6 addresses by their /64."""
    assert key == client_key(address)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "forwarded", "client"),
    [
        pytest.param("203.0.113.9", "1.1.1.1", "for=1.1.1.1", "203.0.113.9", id="spoofed without a proxy"),
        pytest.param("10.0.0.1", "", "", "10.0.0.1", id="proxy itself"),
        pytest.param("10.0.0.1", "203.0.113.9", "", "203.0.113.9", id="one hop"),
        pytest.param("10.0.0.1", "1.1.1.1, 203.0.113.9", "", "203.0.113.9", id="spoofed before the proxy"),
        pytest.param("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.9.9.9,192.0.2.1", "", "203.0.113.9", id="several hops"),
        pytest.param("10.0.0.1", "10.1.1.1, 10.2.2.2", "", "10.1.1.1", id="all trusted"),
        pytest.param("10.0.0.1", "203.0.113.9:4711", "", "203.0.113.9", id="with a port"),
        pytest.param("10.0.0.1", "[2001:db8::7]:4711", "", "2001:db8::7", id="IPv6 with a port"),
        pytest.param("10.0.0.1", "2001:db8::7", "", "2001:db8::7", id="bare IPv6"),
        pytest.param("2001:db8:1::5", "::ffff:203.0.113.9", "", "203.0.113.9", id="mapped IPv4"),
        pytest.param("10.0.0.1", "203.0.113.9, unknown", "", "10.0.0.1", id="unreadable next to the proxy"),
        pytest.param("10.0.0.1", "unknown, 10.3.3.3", "", "10.3.3.3", id="unreadable behind a proxy"),
        pytest.param("10.0.0.1", "1.1.1.1,", "", "10.0.0.1", id="empty at the end"),
        pytest.param("10.0.0.1", "300.1.1.1", "", "10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", "", "for=203.0.113.9", "203.0.113.9", id="Forwarded"),
        pytest.param("10.0.0.1", "", 'by=10.0.0.1;FOR="[2001:db8::7]:80";proto=http', "2001:db8::7", id="quoted"),
        pytest.param("10.0.0.1", "", "for=1.1.1.1, for=203.0.113.9;by=_x", "203.0.113.9", id="two elements"),
        pytest.param("10.0.0.1", "", "for=_hidden", "10.0.0.1", id="hidden"),
        pytest.param("10.0.0.1", "", "xfor=1.1.1.1", "10.0.0.1", id="another parameter"),
        pytest.param("10.0.0.1", "203.0.113.9", "for=203.0.113.9", "203.0.113.9", id="both agree"),
        pytest.param("10.0.0.1", "203.0.113.9", "for=1.1.1.1", "10.0.0.1", id="both and one is spoofed"),
    ],
)
def test_clients(peer: str, forwarded_for: str, forwarded: str, client: str) -> None:
    """Only a trusted peer's word counts, read from the right, up to the first address that is not trusted."""
    assert client == PROXIES.client_of(peer, forwarded_for, forwarded)


def test_no_proxies() -> None:
    """Without any trusted proxy the connection tells."""
    assert "127.0.0.1" == TrustedProxies([]).client_of("127.0.0.1", "1.1.1.1", "")


def test_networks() -> None:
    """What is no network is an error."""
    with pytest.raises(ValueError, match=r"10\.0\.0"):
        TrustedProxies(["10.0.0"])
