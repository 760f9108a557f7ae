"""Settings: what the operator may say, and what he is told when it is wrong."""

import re
from pathlib import Path

import pytest

from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.store_urls import read_database_url

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder without any setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_defaults() -> None:
    """Without any setting the embedded default is served on the loopback address."""
    settings = read_settings()
    assert ("127.0.0.1", 8000, 1) == (settings.host, settings.port, settings.workers)
    assert f"sqlite:///{Path('data/balancer.db')}" == settings.database_url.get_secret_value()
    assert settings.redis_url is None
    assert (("*.origin-cluster",), "cdn.example.com", 10) == (
        settings.origin_hosts,
        settings.cdn_host,
        settings.distribution_rate,
    )


def test_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in `.env` is a setting, the environment goes before it, and the command line before both."""
    Path(".env").write_text("BALANCER_PORT=1000\nBALANCER_HOST=::1\nBALANCER_CDN_HOST=Bücher.example\nOTHER=1\n")
    monkeypatch.setenv("BALANCER_PORT", "2000")
    assert ("::1", 2000, "xn--bcher-kva.example") == (
        read_settings().host,
        read_settings().port,
        read_settings().cdn_host,
    )
    assert 3000 == read_settings(port=3000, host=None).port


def test_empty_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as not given."""
    monkeypatch.setenv("BALANCER_REDIS_URL", "")
    monkeypatch.setenv("BALANCER_PORT", "")
    assert (None, 8000) == (read_settings().redis_url, read_settings().port)


def test_origin_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns of origins are separated by commas, with or without space around."""
    monkeypatch.setenv("BALANCER_ORIGIN_HOSTS", "*.origin-cluster, vod.example.com:8080 ,")
    assert ("*.origin-cluster", "vod.example.com:8080") == read_settings().origin_hosts


def test_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wrong value is named, in one go, and no password is repeated."""
    wrong = {
        "PORT": "99999",
        "WORKERS": "none",
        "DISTRIBUTION_RATE": "-1",
        "CDN_HOST": "http://cdn.example.com",
        "ORIGIN_HOSTS": "origin-cluster",
        "DATABASE_URL": "mysql://u:secret@h/d",
        "REDIS_URL": "http://:secret@h",
        "POLL_INTERVAL": "0",
        "LOG_LEVEL": "loud",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(WrongSettings) as caught:
        read_settings()
    assert {PREFIX + name for name in wrong} == {name for name, _ in caught.value.faults}
    assert "BALANCER_CDN_HOST: has a scheme" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("DATABASE_URL", "postgresql://u:secret@@h:no/d", "cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h:99999/d", "port"),
        ("DATABASE_URL", "postgresql:u:secret", "cannot be read"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?timeout=1&color=red", "not know: color, timeout"),
        ("DATABASE_URL", "postgresql://u:secret@h/d?sslmode=on", "an ssl that is none of allow, disable"),
        ("DATABASE_URL", "sqlite:///x?secret=1&color=red", "not know: color, secret"),
        ("REDIS_URL", "redis://:secret@h:no/0", "cannot be read"),
        ("REDIS_URL", "redis://:sec#ret@h/0", "must be escaped"),
        ("REDIS_URL", "redis://:secret@[::1/0", "cannot be read"),
        ("REDIS_URL", "redis://:secret@h/0?db=x", "cannot be read"),
        ("REDIS_URL", "redis://:secret@h/0?color=red", "does not know"),
        ("REDIS_URL", "rediss://:secret@h/0?ssl_cert_reqs=never", "does not know"),
    ],
)
def test_urls_that_no_store_can_have(monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str) -> None:
    """A URL that a library could not connect by is named at the start, and nothing of its password is repeated."""
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(WrongSettings, match=fault) as caught:
        read_settings()
    assert [PREFIX + name] == [variable for variable, _ in caught.value.faults]
    assert not re.search(r"sec#?ret@|:sec", str(caught.value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://u:p%23w@h/d?ssl=require"),
        ("DATABASE_URL", "postgresql:///d?host=/run/postgresql&user=u&password=p%23w"),
        ("DATABASE_URL", "postgresql+psycopg://u:p#w@h:5432/d?sslmode=verify-full&statement_cache_size=0"),
        ("REDIS_URL", "rediss://:p%23w@h/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "unix://:p%23w@/run/redis.sock?db=1"),
        ("REDIS_URL", "redis://h/0?password=p%23w"),
    ],
)
def test_passwords_are_known(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """However a URL brings its password, it is known as it is and as it is escaped, so that no line tells it."""
    monkeypatch.setenv(PREFIX + name, value)
    assert {"p#w", "p%23w"} == set(read_settings().secrets)


def test_sslmode() -> None:
    """What libpq calls `sslmode`, as the URLs of hosted databases do, the driver is told as `ssl`."""
    url = read_database_url("postgres://u:p@h/d?sslmode=require&statement_cache_size=0")
    assert {"ssl": "require", "statement_cache_size": "0"} == dict(url.query)
    assert "postgresql+asyncpg" == url.drivername


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings can be printed without a password in them."""
    monkeypatch.setenv("BALANCER_DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("BALANCER_REDIS_URL", "redis://:secret@h")
    assert "secret" not in repr(read_settings())


def test_example_lists_all() -> None:
    """`.env.example` has a line for every setting, and its values are the defaults."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = dict(line.lstrip("# ").split("=", 1) for line in lines if "=" in line and "BALANCER_" in line)
    assert {PREFIX + name.upper() for name in Settings.model_fields} == set(listed)
    Path(".env").write_text("\n".join(f"{name}={value}" for name, value in listed.items()))
    assert Settings(_env_file=None) == read_settings()  # type: ignore[call-arg]  # pydantic-settings adds it
