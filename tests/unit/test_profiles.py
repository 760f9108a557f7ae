"""Which service a command asks, and how a key is kept."""

import stat
from pathlib import Path

import pytest

from balancer.cli.remote.profiles import Profiles, Service, find
from balancer.cli.remote.remedies import CannotDo

ONE, OTHER = Service("https://one.example", "vbk_one"), Service("https://other.example", "vbk_other")
BY_ENVIRONMENT = {"BALANCER_URL": ONE.url, "BALANCER_API_KEY": ONE.api_key}


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    """Return an empty place for profiles, in a folder that is not there yet."""
    return Profiles(tmp_path / "new" / "profiles.yaml")


def test_kept_for_its_owner_alone(profiles: Profiles) -> None:
    """A service is kept in a file and a folder that only its owner can open, and is the usual one from then on."""
    profiles.keep("one", ONE)
    profiles.keep("other", OTHER)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (profiles.path, profiles.path.parent)]
    assert [0o600, 0o700] == modes
    assert (OTHER, ONE, ["one", "other"]) == (profiles.get(None), profiles.get("one"), profiles.names())
    assert [profiles.path] == list(profiles.path.parent.iterdir())


def test_a_file_that_others_read(profiles: Profiles) -> None:
    """A file whose keys others can read is not used, and the line says how to mend it."""
    profiles.keep("one", ONE)
    profiles.path.chmod(0o644)
    with pytest.raises(CannotDo, match="chmod 600") as caught:
        profiles.get(None)
    assert ONE.api_key not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "profiles: 3\ndefault: a",
        "{",
        "profiles: {a: {url: 3, api_key: b}}\ndefault: a",
        "profiles: {}",
        "\0",
        "&a [*a]",
    ],
)
def test_a_file_of_something_else(profiles: Profiles, text: str) -> None:
    """A file that was not written by `balancer login` is told in one line."""
    profiles.keep("one", ONE)
    profiles.path.write_text(text)
    with pytest.raises(CannotDo, match="log in again"):
        profiles.get(None)


def test_where_a_service_comes_from(profiles: Profiles) -> None:
    """Options come before the environment, that before the file; with nothing at all there is no service."""
    assert find(None, None, {}, profiles) is None
    profiles.keep("other", OTHER)
    assert OTHER == find(None, None, {}, profiles)
    assert ONE == find(None, None, BY_ENVIRONMENT, profiles)
    assert ONE == find(None, None, {**BY_ENVIRONMENT, "BALANCER_PROFILE": "other"}, profiles)
    assert OTHER == find(None, None, {"BALANCER_PROFILE": "other"}, profiles)
    assert OTHER == find(None, "other", BY_ENVIRONMENT, profiles)
    assert Service("http://c.example", ONE.api_key) == find("http://c.example", None, BY_ENVIRONMENT, profiles)


def test_no_key_goes_elsewhere(profiles: Profiles) -> None:
    """A URL without a key of its own gets none of a profile's."""
    profiles.keep("other", OTHER)
    with pytest.raises(CannotDo, match=r"no key for http://c\.example"):
        find("http://c.example", None, {}, profiles)
    with pytest.raises(CannotDo, match="Leave one of them out"):
        find("http://c.example", "other", BY_ENVIRONMENT, profiles)
    with pytest.raises(CannotDo, match=r"no profile 'third' \(there are: other\)"):
        find(None, "third", BY_ENVIRONMENT, profiles)
