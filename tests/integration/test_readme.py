"""The README's examples give what the README shows, in English and in Russian."""

import http.client
import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.factories import KEY
from tests.integration.conftest import Start

ROOT = Path(__file__).parents[2]

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^(?:<!-- not run: (.+) -->\n)?```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
"""Commands without output, and why they are not run, if a comment above them says so."""
LOOP = re.compile(r"for i in \$\(seq (\d+)\); do (curl .*); done \|( sort \|)? uniq -c")
COMMAND_LINE = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
"""Where the commands of the documents are found; no setting of ours is among what they get."""
PLAYLIST = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000\nlow.m3u8\n"
LEFT_OUT = "[…]"
"""Stands in the documents for a flat list that would be too long to show."""
CHANGING = re.compile(
    r"vbk_[\w.-]+|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=date: )[^\r\n]+|(?<=x-request-id: )\w+"
    r'|(?<="age_seconds":)[\d.]+|(?<="latency_ms":)[\d.]+'
)


def curl(command: str, base: str) -> str:  # noqa: C901  a case for each option
    """Return what curl would print for one of the README's commands, asked of another address.

    A bare machine has no curl; these commands use `-i`, `-s`, `-o /dev/null`, `-w`, `-X`, `-H` and `-d` only.
    """
    words = iter(shlex.split(command.replace("$BALANCER_API_KEY", KEY))[1:])
    method, body, headers, shown, address = "GET", None, {}, "body", ""
    for word in words:
        match word:
            case "-i":
                shown = "all"
            case "-s":
                continue
            case "-o":
                assert next(words) == "/dev/null"
            case "-w":
                shown = {r"%{redirect_url}\n": "location", r"%{http_code}\n": "status"}[next(words)]
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                address = word
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request(method, address.removeprefix("http://127.0.0.1:8000"), body and body.encode(), headers)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    if shown == "location":
        return f"{answer.headers['location']}\n"
    if shown == "status":
        return f"{answer.status}\n"
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.getheaders())]
    return ("\n".join(head) + "\n\n" + content) if shown == "all" else content


def run(command: str, base: str) -> str:
    """Return what one of the README's command lines prints."""
    loop = LOOP.fullmatch(command)
    if not loop:
        return curl(command, base)
    lines = [curl(loop[2], base) for _ in range(int(loop[1]))]
    if loop[3]:
        lines.sort()
    return "".join(f"{len(list(same)):7d} {line}" for line, same in groupby(lines))


def as_pattern(shown: str) -> str:
    """Return the regular expression that the real output has to match."""
    return re.escape(CHANGING.sub("…", shown).strip()).replace(re.escape(LEFT_OUT), r"\[[^\[\]]*\]")


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "docs/api.md", "docs/loop.md", "docs/quickstart.ru.md"])
def test_examples(start: Start, name: str) -> None:
    """Each command, in the order of a document and after a first start, prints what stands below it, but for dates."""
    base = start().url
    examples = [block for block in BLOCK.findall((ROOT / name).read_text()) if block.startswith(("$ curl", "$ for"))]
    assert len(examples) >= 5
    for example in examples:
        for part in re.split(r"^\$ ", example, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            printed = CHANGING.sub("…", run(command, base)).strip()
            assert re.fullmatch(as_pattern(shown), printed), f"{command}\n{printed}\n!= {shown}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if COMMANDS.search(page.read_text())], ids=lambda page: page.name
)
def test_commands(start: Start, tmp_path: Path, page: Path) -> None:
    """Each command without output works, but for those of which the page says why they are not run."""
    (tmp_path / "docker").symlink_to(ROOT / "docker")
    (tmp_path / "master.m3u8").write_text(PLAYLIST)
    balancer = None
    for reason, block in COMMANDS.findall(page.read_text()):
        if reason:
            continue
        if not block.startswith("curl "):
            # As a first start leaves the folder.
            subprocess.run(["balancer", "migrate"], cwd=tmp_path, timeout=60, check=True, env=COMMAND_LINE)
            subprocess.run(["bash", "-eu", "-c", block], cwd=tmp_path, timeout=60, check=True, env=COMMAND_LINE)
            continue
        balancer = balancer or start()
        for command in block.splitlines():
            printed = curl(command, balancer.url)
            assert printed
            assert "urn:video-balancer:problem:" not in printed


def test_the_command_line(start: Start, tmp_path: Path) -> None:
    """The README's commands for a running service work with the two variables that it names."""
    (block,) = [block for _, block in COMMANDS.findall((ROOT / "README.md").read_text()) if "BALANCER_URL" in block]
    script = block.replace("http://127.0.0.1:8000", start().url).replace(".venv/bin/balancer", "balancer")
    variables = {**COMMAND_LINE, "BALANCER_API_KEY": KEY}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=tmp_path, timeout=60, check=True, capture_output=True, text=True, env=variables
    )
    for told in ("would change:", "Config 1 at revision 2: policy exact", "0 redirects"):
        assert told in done.stdout


def test_both_languages_show_the_same() -> None:
    """The Russian README has the same commands, examples and settings as the English one."""
    english, russian = ((ROOT / name).read_text() for name in ("README.md", "README.ru.md"))
    blocks = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)

    def bare(text: str) -> list[str]:
        return [re.sub(r"\s+#.*", "", CHANGING.sub("…", block)) for block in blocks.findall(text)]

    assert bare(english) == bare(russian)
    settings = re.compile(r"^\| `(BALANCER_\w+)` ", re.MULTILINE)
    assert settings.findall(english) == settings.findall(russian)
    assert english.count("\n## ") == russian.count("\n## ")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link in the documents leads to a file of the repository."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target
