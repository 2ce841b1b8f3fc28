"""Measure how long a store of observables takes to become each format; print tables, or write the page.

Each format is made in a process of its own, so that its peak memory is its own.  Exit status 1: a bar is missed at a
million observables, or, with fewer, that of memory or a fifth of that beside a library; or what was made is not valid.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.formats import pages
from bench.formats.beside import BOTH, Beside
from bench.formats.cases import Case, all_of_them, lists, tables
from bench.formats.making import Made, make
from bench.formats.results import Results
from bench.formats.stores import KINDS, MIXED, SCATTERED

MOST_BESIDE, COMPARED = 100_000, 2_000
"""How many objects are made here at most, and how many the libraries are given; a millisecond each."""


def main() -> int:
    """Measure what was asked for."""
    options = _options()
    cases = [case for case in (*lists(), *tables()) if not options.only or case.format in options.only]
    results = Results(options.rows, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="yeti-bench-formats-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for store in (*KINDS, MIXED, SCATTERED):
            if not options.only or any(case.store == store for case in cases):
                tell(f"{options.rows:,} observables: {store}")
                _run("bench.formats.stores", (name, store, str(options.rows)))
        results.lists = _measured(folder, [case for case in cases if case.store in KINDS], options.times)
        results.tables = _measured(folder, [case for case in cases if case.store not in KINDS], 1)
        if not options.only:
            tell("all formats")
            results.all_of_them = _all_of_them(folder, results, options.times)
        for one in BOTH:
            if not options.only or one in options.only:
                tell(f"{one}, beside the library")
                words = (one, str(folder), str(min(options.rows, MOST_BESIDE)), str(min(options.rows, COMPARED)))
                results.beside.append(Beside(**_asked("bench.formats.beside", words)))
    if options.page:
        pages.PAGE.write_text(pages.page(results, datetime.now(UTC)), encoding="utf-8")
    print(json.dumps(results.plain(), indent=1) if options.json else pages.text(results))
    return 0 if results.are_good else 1


def tell(text: str) -> None:
    """Say what is done now."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _measured(folder: Path, cases: Sequence[Case], times: int) -> dict[Case, Made]:
    found = {}
    for number, case in enumerate(cases, 1):
        found[case] = _made(folder, case, times)
        tell(f"{number:>3}/{len(cases)} {found[case].seconds:6.2f} s  {case.title} ({case.store})")
    return found


def _made(folder: Path, case: Case, times: int) -> Made:
    return Made(**_asked("bench.formats.making", (str(folder), *case, str(times))))


def _all_of_them(folder: Path, results: Results, times: int) -> float:
    """Return how long two processes take to make every format once, one after the other, as workers do.

    The fastest of so many *times* counts: the machine may be busy with others.
    """
    known = {case.format: made.seconds for case, made in results.tables.items() if case.store == MIXED}
    # Those that take longest first, so that none of them is left alone at the end.
    cases = sorted(all_of_them(), key=lambda case: known.get(case.format, 0.0), reverse=True)
    found = []
    for _ in range(times):
        began = time.perf_counter()
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            list(pool.map(partial(make, folder, times=1), cases))
        found.append(time.perf_counter() - began)
        tell(f"{found[-1]:6.2f} s  all formats")
    return min(found)


def _asked(module: str, words: Sequence[str]) -> dict[str, Any]:
    return dict(json.loads(_run(module, words).splitlines()[-1]))


def _run(module: str, words: Sequence[str]) -> str:
    """Run a module in a process of its own, and return what it printed.

    This process itself stays small: the peak memory that the system tells of a process is never below what its
    parent had when it began.
    """
    done = subprocess.run([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.formats", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="observables of each store")
    parser.add_argument(
        "--times", type=int, default=2, help="how often each list, and all, is made; the fastest counts"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="FORMAT", help="these formats alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--page", action="store_true", help="write docs/reference/format-benchmarks.md")
    return parser.parse_args()
