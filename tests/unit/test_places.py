"""Databases of clients' places: what they say, and how new ones are taken."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from balancer.adapters.files.places import MaxMindPlaces
from balancer.jobs.placing import Placing
from tests.logged import logged
from tests.places import countries, database, systems

pytestmark = pytest.mark.anyio

NOT_TAKEN = "a database of places is not taken"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database of countries."""
    path = tmp_path / "country.mmdb"
    path.write_bytes(countries(DE="192.0.2.0/24", FR="2001:db8::/32"))
    return path


def put(file: Path, data: bytes) -> None:
    """Replace a file by another one."""
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


async def test_countries_and_systems(file: Path) -> None:
    """Each database answers what it knows, for addresses of both kinds, and nothing for any other text."""
    others = file.with_name("asn.mmdb")
    others.write_bytes(systems(AS64496="192.0.2.0/25"))
    places = MaxMindPlaces([file, others])
    assert places.has_countries
    assert places.has_asns
    found = {address: (places.country(address), places.asn(address)) for address in ("192.0.2.7", "192.0.2.200")}
    assert {"192.0.2.7": ("DE", 64496), "192.0.2.200": ("DE", None)} == found
    assert ("FR", None) == (places.country("2001:db8::1"), places.asn("2001:db8::1"))
    assert {None} == {places.country(text) for text in ("198.51.100.1", "", "local", "2001:db8::/64", "fe80::1%eth0")}


@pytest.mark.parametrize(
    ("kind", "record", "country", "asn"),
    [
        ("GeoIP2-Enterprise", {"country": {"iso_code": "DE"}, "autonomous_system_number": 7}, "DE", 7),
        ("Own", {"country": "DE"}, "DE", None),
        ("Own", "text", None, None),
        ("GeoLite2-ASN", {"autonomous_system_number": "text", "country": "DE"}, None, None),
        ("GeoLite2-Country", {"country": {"iso_code": 7}}, None, None),
    ],
)
async def test_other_databases(tmp_path: Path, kind: str, record: Any, country: str | None, asn: int | None) -> None:
    """A database of another make answers what it can, and is never taken at its word on the type of a value."""
    path = tmp_path / "a.mmdb"
    path.write_bytes(database(kind, {"192.0.2.0/24": record}))
    places = MaxMindPlaces([path])
    assert (country, asn) == (places.country("192.0.2.7"), places.asn("192.0.2.7"))


async def test_a_new_file_is_taken_once_it_is_whole(file: Path) -> None:
    """A file that has changed is taken at the second look that finds it the same, and the edition tells so."""
    places = MaxMindPlaces([file])
    edition = places.edition
    await places.look()
    assert (edition, "DE") == (places.edition, places.country("192.0.2.7"))
    put(file, countries(AT="192.0.2.0/24"))
    await places.look()
    assert (edition, "DE") == (places.edition, places.country("192.0.2.7"))
    await Placing(places, 0).step()
    assert (edition + 1, "AT") == (places.edition, places.country("192.0.2.7"))


def cut(file: Path) -> None:
    """Leave half of a file, in place, as a copying program does that has failed."""
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(cut, id="cut off"),
        pytest.param(lambda file: file.write_bytes(b""), id="empty"),
        pytest.param(lambda file: file.write_bytes(b"x" * 100), id="another file"),
        pytest.param(lambda file: file.unlink(), id="gone"),
    ],
)
async def test_a_damaged_file_is_reported_once_and_the_old_one_goes_on(
    file: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever becomes of the file, what was read from it before is answered, and one line tells why."""
    places = MaxMindPlaces([file])
    spoil(file)
    for _ in range(4):
        await places.look()
    assert [str(file)] == [line["file"] for line in logged(caplog, NOT_TAKEN)]
    assert ("DE", "FR") == (places.country("192.0.2.7"), places.country("2001:db8::1"))
    put(file, countries(AT="192.0.2.0/24"))
    for _ in range(2):
        await places.look()
    assert "AT" == places.country("192.0.2.7")


async def test_a_file_that_comes_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is not there at the start is reported, and taken when it comes."""
    path = tmp_path / "a.mmdb"
    places = MaxMindPlaces([path])
    assert ["No such file or directory"] == [line["fault"] for line in logged(caplog, NOT_TAKEN)]
    assert not places.has_countries
    assert places.country("192.0.2.7") is None
    path.write_bytes(countries(DE="192.0.2.0/24"))
    for _ in range(2):
        await places.look()
    assert places.has_countries
    assert "DE" == places.country("192.0.2.7")
