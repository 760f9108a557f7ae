"""The part of the report that is about the edge."""

import statistics

from tests.bench.edges import BARE, HAPROXY, HEADS, IDLE, LAST, OURS, PACED, Edges, cpu_ratio, rate_ratio


def sections(edges: Edges) -> list[str]:
    """Return the sections, each a heading with what stands below it."""
    if not edges.single:
        return [f"## One connection for each request\n\nNot measured: {'; '.join(edges.missing)}."]
    return [_single(edges), _kept(edges), _answers(edges), _idle(edges), _tls(edges)]


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _single(edges: Edges) -> str:
    ratios = ["ours / HAProxy", "ours / last"]
    rows = [["Client", *(f"{peer}, µs" for peer in (OURS, LAST, HAPROXY, BARE)), *ratios, "connections/s", "p99"]]
    for head in HEADS:
        found = edges.single[head]
        cpu = [f"{statistics.median(cost.cpu for cost in found[peer]):.1f}" for peer in (OURS, LAST, HAPROXY, BARE)]
        rate = statistics.median(cost.rate for cost in found[OURS])
        theirs = statistics.median(cost.rate for cost in found[HAPROXY])
        p99 = statistics.median(cost.p99 for cost in found[OURS]) / 1000
        rows.append(
            [
                head,
                *cpu,
                *(f"{cpu_ratio(edges, head, peer):.2f}" for peer in (HAPROXY, LAST)),
                f"{rate:,.0f} ({rate / theirs:.2f})",
                f"{p99:.1f} ms",
            ]
        )
    worst = max(edges.corpus, key=lambda client: edges.corpus[client])
    middle = statistics.median(edges.corpus.values())
    return (
        "## One connection for each request, as players ask\n\n"
        "CPU time of the server's process per redirect, so that a slow load generator cannot hide it; everything is on that\n"
        "production has: allow-list, exact tickets from Redis, metrics, a limit for each client.\n\n"
        + _table(rows)
        + f"\n\nOver the {len(edges.corpus)} heads of real clients in `tests/data/heads.json` the ratio to HAProxy, each at its\n"
        f"best of four short rounds, has the median {middle:.2f}; the worst is {edges.corpus[worst]:.2f} ({worst})."
    )


def _kept(edges: Edges) -> str:
    ratios = ["ours / HAProxy", "ours / last"]
    rows = [["Client", *(f"{peer}, requests/s" for peer in (OURS, LAST, HAPROXY, BARE)), *ratios]]
    for head in HEADS:
        found = edges.kept[head]
        rates = [f"{statistics.median(found[peer]):,.0f}" for peer in (OURS, LAST, HAPROXY, BARE)]
        rows.append([head, *rates, *(f"{rate_ratio(found, peer):.2f}" for peer in (HAPROXY, LAST))])
    unique = [f"{statistics.median(edges.unique[peer]):,.0f}" for peer in (OURS, LAST, HAPROXY)]
    both = [f"{rate_ratio(edges.unique, peer):.2f}" for peer in (HAPROXY, LAST)]
    rows.append(["Chrome, no video twice", *unique, "", *both])
    return "## Kept connections\n\n" + _table(rows)


def _answers(edges: Edges) -> str:
    rows = [["Answer", "a connection each", "kept connections"]]
    rows += [[kind, f"{edges.answers[kind]:.2f}", f"{edges.kept_answers[kind]:.2f}"] for kind in edges.answers]
    return "## Answers that are no redirects\n\nAnswers per second, as parts of the redirects per second.\n\n" + _table(
        rows
    )


def _idle(edges: Edges) -> str:
    each, alone, beside = edges.idle
    return (
        f"## {IDLE:,} idle connections\n\nEach takes {each:,.0f} bytes of the process's memory. At {PACED:,} requests a second over other "
        f"connections p99 is {alone / 1000:.2f} ms\nwithout them, and {beside / 1000:.2f} ms with them."
    )


def _tls(edges: Edges) -> str:
    if not edges.tls:
        return f"## TLS\n\nNot measured: {'; '.join(edges.missing)}."
    rows = [["Handshake", f"{OURS}, connections/s", f"{HAPROXY}, connections/s", "ours / HAProxy"]]
    for kind, found in edges.tls.items():
        rates = [f"{statistics.median(found[peer]):,.0f}" for peer in (OURS, HAPROXY)]
        rows.append([kind, *rates, f"{rate_ratio(found):.2f}"])
    return (
        "## TLS\n\nA connection with one redirect each, by `openssl s_time`, with a certificate for ECDSA P-256. Its client "
        "works at the\nhandshake as hard as the server and is the limit beside both. Each round has other processes of both.\n\n"
        + _table(rows)
    )


def plot(edges: Edges) -> str:
    """Return the plot, an SVG: for each client a bar of CPU time per redirect for this program and for its peers."""
    left, width, bar, gap, top = 120, 460, 16, 14, 48
    colours = {OURS: "#1f6feb", HAPROXY: "#9aa4b2", BARE: "#d0d7de"}
    cpu = {
        head: {peer: statistics.median(cost.cpu for cost in edges.single[head][peer]) for peer in colours}
        for head in edges.single
    }
    most = max(max(found.values()) for found in cpu.values())
    step = bar * len(colours) + gap
    height = top + step * len(cpu) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 160} {height}" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="CPU time per redirect, a connection each">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="15" font-weight="bold" fill="#1a1a1a">'
        "Microseconds of CPU per redirect, a connection for each request (less is better)</text>",
    ]
    for row, (head, found) in enumerate(cpu.items()):
        y = top + step * row
        parts.append(f'<text x="{left - 10}" y="{y + bar * 2}" text-anchor="end" fill="#1a1a1a">{head}</text>')
        for number, (peer, value) in enumerate(found.items()):
            length, at = value / most * width, y + number * bar
            parts += [
                f'<rect x="{left}" y="{at}" width="{length:.1f}" height="{bar - 2}" rx="2" fill="{colours[peer]}"/>',
                f'<text x="{left + length + 6:.1f}" y="{at + bar - 4}" font-size="11" fill="#1a1a1a">'
                f"{value:.1f} {peer}</text>",
            ]
    return "\n".join([*parts, "</svg>", ""])
