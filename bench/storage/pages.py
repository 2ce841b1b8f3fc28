"""The figures as a page of docs/reference and as the short table of the README."""

import os
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from inspect import getdoc

from bench.storage.bars import Verdict
from bench.storage.environments import ROOT
from bench.storage.figures import Figures
from bench.storage.subjects import subject
from bench.storage.tables import NONE, Column, cell, label, tables

PAGE = ROOT / "docs" / "reference" / "storage-benchmarks.md"
README = ROOT / "README.md"
_MARKED = re.compile(r"(<!-- storage-benchmark -->\n).*?(<!-- /storage-benchmark -->)", re.DOTALL)

_INTRODUCTION = """\
# Storage clients, measured

<!-- Written by `python -m bench.storage --page`. -->

`make bench-storage` measures them again in a quarter of an hour; `make bench-storage ARGS=--quick` is for a look.
It fails if a bar is missed, or if what is stored or fetched is not what was sent.

Measured {when} on {cpus} cores, {kernel}, Python {python}, over the loopback interface.
{versions}.

All subjects take turns, round by round, in one run; a figure is the median of the rounds, memory is the most of them.
Memory is the peak of a process of its own above that of a bare interpreter; CPU is that of the client only,
where small objects are concerned the mean of a round.
The bare sink throws away what it is sent and serves what lies ready: the time that is left is the client's.
"x boto3" is the median of the ratios of the same round.
"boto3, our client" is boto3 used directly, but with the client that yeti-exports makes;
"boto3, joined" puts the whole text at once.
"""


def write_page(figures: Figures, verdicts: list[Verdict]) -> None:
    """Write the page of everything."""
    PAGE.write_text(page(figures, verdicts, datetime.now(UTC)), encoding="utf-8")


def page(figures: Figures, verdicts: list[Verdict], now: datetime) -> str:
    """Return the page of everything."""
    lines = [
        _INTRODUCTION.format(
            when=f"{now:%Y-%m-%d}",
            cpus=os.cpu_count(),
            kernel=platform.system(),
            python=platform.python_version(),
            versions=_versions(figures),
        ),
        "## Bars\n",
        *markdown([["", "found", "at most", ""], *([v.what, v.found, v.most, v.word] for v in verdicts)]),
    ]
    for table in tables(figures):
        lines += [f"\n## {table.heading[0].upper()}{table.heading[1:]}\n", *markdown(table.rows)]
    lines += ["\n## How each is used\n"]
    names = [*figures.bare_mib, *figures.missing]
    lines += [f"- {label(name)}: {_used(name)}" for name in names]
    return "\n".join(lines) + "\n"


def write_readme(figures: Figures) -> None:
    """Write the short table between the marks in README.md.

    Raises:
        SystemExit: There are no marks.
    """
    text = README.read_text(encoding="utf-8")
    if not _MARKED.search(text):
        raise SystemExit("README.md has no <!-- storage-benchmark --> … <!-- /storage-benchmark -->")
    table = short(figures, datetime.now(UTC))
    README.write_text(_MARKED.sub(lambda found: f"{found[1]}{table}{found[2]}", text), encoding="utf-8")


def short(figures: Figures, now: datetime) -> str:
    """Return the short table."""
    columns = [
        ("seaweedfs", Column("put 1 KiB, ms", "put 1 KiB", "wall_s", 1000)),
        ("seaweedfs", Column("CPU ms", "put 1 KiB", "cpu_s", 1000)),
        ("seaweedfs", Column("get 1 KiB, ms", "get 1 KiB", "wall_s", 1000)),
        ("seaweedfs", Column("CPU ms", "get 1 KiB", "cpu_s", 1000)),
        ("sink", Column("requests a put", "put 1 KiB", "requests")),
        ("seaweedfs", Column("300 MB of text, s", "text", "wall_s")),
        ("seaweedfs", Column("CPU s", "text", "cpu_s")),
        ("seaweedfs", Column("peak MiB", "text", "peak_mib")),
        ("seaweedfs", Column("start-up, ms", "start", "wall_s", 1000)),
    ]
    names = [name for name in [*figures.bare_mib, *figures.missing] if name not in ("socket", "boto3-joined")]
    rows = [["", *(column.title for _, column in columns)]]
    for name in names:
        cells = [cell(figures, place, column, name) for place, column in columns]
        rows.append([label(name), *(["missing", *cells[1:]] if name in figures.missing else cells)])
    note = (
        f"Measured {now:%Y-%m-%d} on {os.cpu_count()} cores against SeaweedFS, Python {platform.python_version()}; "
        f"{_versions(figures)}."
    )
    return "\n".join([*markdown(rows), "", note, ""])


def _versions(figures: Figures) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(figures.versions.items()))


def _used(name: str) -> str:
    return (getdoc(subject(name)) or NONE).splitlines()[0]


def markdown(rows: Iterable[list[str]]) -> list[str]:
    """Return the lines of a table; the first row is that of the columns."""
    first, *others = rows
    lines = [first, ["---", *(["---:"] * (len(first) - 1))], *others]
    return ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in lines]
