"""What was measured as tables for the terminal, and as a page of docs/reference."""

import platform
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from bench.formats.cases import Case
from bench.formats.making import Made
from bench.formats.results import ALL_BAR_S, LIST_BAR_S, MEMORY_BAR_MIB, STIX_BAR, Results
from bench.services.tables import Table
from bench.services.tables import text as table_text
from bench.storage.environments import ROOT
from bench.storage.pages import markdown

PAGE = ROOT / "docs" / "reference" / "format-benchmarks.md"

_INTRODUCTION = """\
# Formats, measured

<!-- Written by `python -m bench.formats --page`. -->

`make bench-formats` measures them again; `ARGS="--rows 50000"` is for a look, `ARGS="--only rpz unbound"` for some.
It fails if a bar is missed at a million observables.

Measured {when} on {cpus} cores, Python {python}, SQLite {sqlite}.
Each format is made in a process of its own: seconds are from opening the store to the last finished file, hashed on the
way; memory is the most that the process had, Python and all.
"""

_LISTS = """\
## One list

A store of {rows:,} observables of one kind becomes one list; the faster of two.
The bar is {bar:g} s, and {memory} MiB.
"""

_TABLES = """\
## What is known, too

Formats that say more than values: tags, sources, dates, confidence, marking; or rules with numbers that stay.
Both stores have {rows:,} observables of six types, with 2.25 tags each on average.
In "mixed" they share them as those of real feeds do (90 % have one of some hundred sets of assertions, 4 % one of their
own); in "scattered" hardly two have the same.
"""

_ALL = """\
## All formats

Every format once, of the store "mixed", shared by two processes as two workers do, the faster of two: {seconds:.1f} s;
the bar is {bar:g} s.
"""

_BESIDE = """\
## Beside libraries

Up to 100,000 rows that are in memory become a file, and 2,000 of them the library's; microseconds for each, of the
fastest of three turns.
The `stix2` library is given the same indicators, PyMISP the same attributes; the bar is {bar} times its speed for STIX.
"""


def page(results: Results, when: datetime) -> str:
    """Return the page."""
    parts = [
        _INTRODUCTION.format(
            when=f"{when:%Y-%m-%d}",
            cpus=results.cpus,
            python=platform.python_version(),
            sqlite=sqlite3.sqlite_version,
        )
    ]
    for words, rows in _sections(results):
        parts += [words, *(["\n".join(markdown(rows)) + "\n"] if rows else [])]
    return "\n".join(parts)


def text(results: Results) -> str:
    """Return the tables for a terminal."""
    parts = []
    for words, rows in _sections(results):
        heading = words.partition("\n")[0].strip("# ")
        parts.append(
            table_text(Table(heading, rows)) if rows else f"\n{heading}\n{words.rstrip().splitlines()[-1]}"
        )
    if results.missed:
        parts.append("\n".join(["", *(f"MISSED: {line}" for line in results.missed)]))
    return "\n".join(parts)


def _sections(results: Results) -> list[tuple[str, list[list[str]]]]:
    found: list[tuple[str, list[list[str]]]] = []
    if results.lists:
        words = _LISTS.format(rows=results.rows, bar=LIST_BAR_S, memory=MEMORY_BAR_MIB)
        found.append((words, _made(results.lists)))
    if results.tables:
        found.append((_TABLES.format(rows=results.rows), _made(results.tables)))
    if results.all_of_them is not None:
        found.append((_ALL.format(seconds=results.all_of_them, bar=ALL_BAR_S), []))
    if results.beside:
        rows = [["format", "library", "ours, µs", "the library's, µs", "times as fast", "valid"]]
        rows += [
            [
                one.name,
                one.library,
                f"{one.ours_us:.2f}",
                f"{one.theirs_us:,.0f}",
                f"{one.ratio:,.0f}",
                "yes" if one.is_valid else "NO",
            ]
            for one in results.beside
        ]
        found.append((_BESIDE.format(bar=STIX_BAR), rows))
    return found


def _made(found: Mapping[Case, Made]) -> list[list[str]]:
    rows = [["format", "of", "seconds", "entries", "refused", "MB", "peak MiB"]]
    rows += [
        [
            case.title,
            case.store,
            f"{made.seconds:.2f}",
            f"{made.entries:,}",
            f"{made.refused:,}",
            f"{made.size_bytes / 1e6:.1f}",
            f"{made.peak_mib:.0f}",
        ]
        for case, made in found.items()
    ]
    return rows
