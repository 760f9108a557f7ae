"""The documentation as a site, and the pages that must have something for everything in the code."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typing_extensions import override

from balancer.core.health.fallbacks import Fallback
from balancer.core.refusals import RefusalReason
from balancer.core.routing.schedules import lay_out
from balancer.problems import TABLE, TYPES
from balancer.settings import PREFIX, Settings, read_settings
from tests.pages import hooks, settings, sizing

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

LOADING = {"src", "srcset", "data", "poster", "action", "background"}
"""Attributes by which a page loads something or sends something somewhere."""

QUIET = {"canonical", "next", "prev", "alternate"}
"""Links in the head of a page that only name another page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "BALANCER_REPOSITORY": "https://git.example.com/balancer"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stdout + done.stderr)
    return folder


class Loaded(HTMLParser):
    """Gathers what a page loads by itself.

    Attributes:
        urls: What it loads.
        classes: The classes of its elements: the theme fetches a program from elsewhere for `mermaid`.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.classes: set[str] = set()
        self.feed(page.read_text())

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in LOADING or (tag == "link" and name == "href" and dict(attrs).get("rel") not in QUIET):
                self.urls.append(value or "")
            elif name == "style":
                self.urls += re.findall(r"url\(([^)]+)\)", value or "")
            elif name == "class":
                self.classes |= set((value or "").split())


def is_elsewhere(url: str) -> bool:
    """Return whether a URL leads to another host; pictures that stand in the file itself do not."""
    return bool(re.match(r"\s*['\"]?(?:[a-z][a-z0-9+.-]*:)?//", url, re.IGNORECASE))


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """The site is complete: no page, style or picture loads from another host, and no links are left broken."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        loaded = Loaded(page)
        assert [] == [url for url in loaded.urls if is_elsewhere(url)], page
        assert "mermaid" not in loaded.classes
    for file in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        found = re.findall(r"(?:url\(|@import\s|href=)\s*['\"]?([^'\")\s]+)", file.read_text())
        assert [] == [url for url in found if is_elsewhere(url)], file


def test_links_to_the_source_lead_to_the_repository(site: Path) -> None:
    """Where the repository is known, a link to a file beyond the pages leads to that file there."""
    page = (site / "settings.html").read_text()
    assert 'href="https://git.example.com/balancer/src/balancer/settings.py"' in page
    assert 'href="start.html"' in (site / "index.html").read_text()


@pytest.mark.parametrize(
    ("text", "led"),
    [
        pytest.param("[a](../README.md#use)", "[a](start.md#use)", id="a page of the top folder"),
        pytest.param("[a](limits.md)", "[a](limits.md)", id="a page beside it"),
        pytest.param(
            "[a](adr/0001-tickets-in-leased-pages.md)", "[a](adr/0001-tickets-in-leased-pages.md)", id="below"
        ),
        pytest.param("[`a`](../src/balancer/app.py)", "`a`", id="the source, where no repository is known"),
        pytest.param("![a](edge.svg)", "![a](edge.svg)", id="a picture"),
        pytest.param("[a](https://example.com/)", "[a](https://example.com/)", id="elsewhere"),
        pytest.param("[a](#here)", "[a](#here)", id="in the page"),
        pytest.param("[a](nowhere.md)", "[a](nowhere.md)", id="nowhere, which MkDocs tells"),
        pytest.param("```\n[a](../README.md)\n```", "```\n[a](../README.md)\n```", id="in a block of code"),
        pytest.param("```mermaid\nx\n```", f"![{hooks.PICTURE}](process.svg)", id="a picture in words"),
    ],
)
def test_links(text: str, led: str) -> None:
    """Each link leads to the page of the site that shows the file to which it leads on GitHub."""
    known = {"limits.md", "api.md", "edge.svg", "process.svg", "adr/0001-tickets-in-leased-pages.md"}
    assert led == hooks.relinked(text, "docs/api.md", "api.md", known, "")


def test_a_section_is_a_page() -> None:
    """A page that is a section of another one has its own heading, and ends where the next section begins."""
    assert (
        "# Two\n\nb\n\n### Deep\n"
        == hooks.section("# One\n\n## Two\n\nb\n\n### Deep\n\n## Three\n", "Two").rstrip() + "\n"
    )


def test_settings_are_those_of_the_code() -> None:
    """The page of settings is what `make docs` writes, and says of each setting what it does."""
    assert settings.page() == settings.PAGE.read_text()
    assert list(Settings.model_fields) == list(settings.meanings())


def test_pages_name_settings_that_there_are() -> None:
    """Each variable that a page names is a setting, or one of those of the tests, the containers and the commands."""
    others = {f"BALANCER_{name}" for name in ("API_KEY", "PROFILE", "PUBLISH", "REPOSITORY", "URL")}
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        named = set(re.findall(r"BALANCER_[A-Z_]*[A-Z]\b(?!…)", page.read_text()))
        unknown = named - others - {PREFIX + name.upper() for name in Settings.model_fields}
        assert set() == {name for name in unknown if not name.startswith("BALANCER_TEST_")}, page


@pytest.mark.parametrize("page", ["systemd.md", "quickstart.ru.md"])
def test_examples_of_settings_can_be_used(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that a page shows for a file can be read, all at once."""
    examples = re.findall(r"^(BALANCER_\w+)=(.+)$", (DOCS / page).read_text(), re.MULTILINE)
    assert len(examples) >= 3
    for name, value in examples:
        monkeypatch.setenv(name, value)
    assert read_settings().origin_hosts


def test_sizes_go_by_the_last_benchmarks() -> None:
    """The page of sizes has the figures of the page of benchmarks."""
    page = sizing.PAGE.read_text()
    assert page == sizing.with_figures(page, sizing.BENCHMARKS.read_text())


def sections(page: str) -> Iterator[tuple[str, str]]:
    """Yield each section of the second level with its heading."""
    for part in re.split(r"^## ", (DOCS / page).read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        yield heading, text


def test_every_problem_has_a_section() -> None:
    """Each type of a problem has a section under its name, with its status and title, and there is no other one."""
    told = dict(sections("problems.md"))
    assert {name.rpartition("problem:")[2] for name in TYPES} == set(told)
    for row in TABLE.values():
        assert f"**{row.status.value}, " in told[row.name]
        assert row.title in told[row.name]
    assert [] == [
        reason
        for reason in RefusalReason
        if reason != RefusalReason.TOO_LONG and f"`{reason}`" not in told["invalid-video"]
    ]


def test_every_fallback_is_in_the_runbook() -> None:
    """The runbook says of each way to go on without a store what is missing meanwhile."""
    told = dict(sections("runbook.md"))["BalancerStoreDown"]
    assert [] == [fallback for fallback in Fallback if f"| `{fallback}` |" not in told]


def test_every_decision_is_listed() -> None:
    """The page of decisions lists each record by its number and title."""
    records = sorted((DOCS / "adr").glob("0*.md"))
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (DOCS / "adr" / "README.md").read_text(), re.MULTILINE)
    titles = [re.fullmatch(r"# (\d+)\. (.+)", path.read_text().partition("\n")[0]) for path in records]
    assert [(title[1], title[2], path.name) for title, path in zip(titles, records, strict=True) if title] == listed


def test_the_picture_of_shares_is_the_schedule() -> None:
    """The picture of tickets shows the very order in which the program gives them to targets."""
    names = ["origin", "cdn-a", "cdn-b"]
    slots = lay_out([1, 6, 3]).slots
    drawn = [node.get("data-target") for node in ET.parse(DOCS / "shares.svg").iter() if node.get("data-target")]
    expected = [names[slots[ticket % 10]] for ticket in range(1, 21)]
    assert expected + expected == drawn
