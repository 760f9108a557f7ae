"""Hooks of MkDocs: bring the pages of the top folder into the site, and lead links where they lead on GitHub."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]

WHOLE = {
    "start.md": "README.md",
    "start.ru.md": "README.ru.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""Pages of the site that are files of the top folder, by their names in the site."""

PARTS = {
    "glossary.md": ("docs/architecture.md", "Glossary"),
    "metrics.md": ("docs/operating.md", "Metrics"),
}
"""Pages of the site that are one section of another page, with that page and the section's heading."""

PICTURE = "Edge, core, API, background and adapters of one process, with players, admins and stores around it"
"""What the picture shows that stands for a flow chart in words: the theme would fetch a program to draw that."""

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|#")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file of their own below `docs`."""
    texts = {name: (ROOT / source).read_text() for name, source in WHOLE.items()}
    texts |= {name: section((ROOT / source).read_text(), heading) for name, (source, heading) in PARTS.items()}
    for name, text in texts.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead each link of a page to where it leads on GitHub, as far as that is known."""
    name = page.file.src_uri
    source = WHOLE.get(name) or PARTS.get(name, (f"docs/{name}", ""))[0]
    known = {file.src_uri for file in files}
    return relinked(markdown, source, name, known, str(config.extra["repository"]))


def section(text: str, heading: str) -> str:
    """Return one section of a page as a page of its own, without the sections beside it."""
    lines = text.splitlines()
    (begin,) = [number for number, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line)]
    depth = lines[begin].index(" ")
    following = (number for number, line in enumerate(lines) if number > begin and re.match(rf"#{{1,{depth}}} ", line))
    return "\n".join([f"# {heading}", *lines[begin + 1 : next(following, len(lines))]]) + "\n"


def relinked(text: str, source: str, name: str, known: set[str], repository: str) -> str:
    """Return a page's text with its links as the site needs them.

    Args:
        text: Markdown.
        source: Its file from the top folder on: `docs/api.md`, `README.md`.
        name: Its name in the site: `api.md`, `start.md`.
        known: The names of all pages and pictures of the site.
        repository: The address of the repository's files, "" where it is not known: links to the source are then none.
    """
    pages = {f"docs/{page}": page for page in known} | {original: page for page, original in WHOLE.items()}
    pages |= {"docs": "index.md", "docs/adr": "adr/README.md"}

    def lead(link: re.Match[str]) -> str:
        mark, label, target = link.groups()
        if _OUTSIDE.match(target):
            return link[0]
        path, hash_, anchor = target.partition("#")
        full = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if page := pages.get(full):
            return f"{mark}[{label}]({posixpath.relpath(page, posixpath.dirname(name) or '.')}{hash_}{anchor})"
        if not (ROOT / full).exists():
            # MkDocs says that it leads nowhere.
            return link[0]
        return f"[{label}]({repository.rstrip('/')}/{full}{hash_}{anchor})" if repository else label

    parts, end = [], 0
    for code in _FENCED.finditer(text):
        drawn = f"![{PICTURE}](process.svg)" if code[0].startswith("```mermaid") else code[0]
        parts += [_LINK.sub(lead, text[end : code.start()]), drawn]
        end = code.end()
    return "".join([*parts, _LINK.sub(lead, text[end:])])
