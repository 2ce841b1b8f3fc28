"""Measure the services: load, exports due at once, and what survives when parts die; print the tables.

Exit status 1: something was lost, doubled, torn or not explained, or could not be measured.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.services import due, faults, load, pages, places
from bench.services.programs import Failed, tell
from bench.services.tables import Table, of_due, of_faults, of_load, text
from bench.services.versions import versions

WORKERS = 4
Measured = tuple[list[Table], bool]
"""Tables, and whether all was as it should be."""


def main() -> int:
    """Measure what was asked for, and print it, or write the page."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: nothing is left running
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}")
    found: dict[str, Sequence[Table] | str] = {}
    is_good = True
    try:
        for step in options.only:
            found[step], is_right = _measured(step, options)
            is_good &= is_right
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    if options.page:
        pages.PAGE.write_text(pages.page(found, versions(), datetime.now(UTC)), encoding="utf-8")
    return 0 if is_good else 1


def _measured(step: str, options: argparse.Namespace) -> tuple[Sequence[Table] | str, bool]:
    """Measure one step, and print what came of it, or why nothing did."""
    tell(f"measuring: {step}")
    with tempfile.TemporaryDirectory(prefix="yeti-soak-", ignore_cleanup_errors=True) as folder:
        try:
            tables, is_good = STEPS[step](Path(folder), options)
        except Failed as error:
            print(f"{step}: {error}", file=sys.stderr)
            return str(error), False
    print("\n".join(map(text, tables)))
    return tables, is_good


def _load(folder: Path, options: argparse.Namespace) -> Measured:
    rows = load.ROWS_OF_50_MB // 10 if options.quick else load.ROWS_OF_50_MB
    seconds = 3 if options.quick else 15
    found = load.measure(folder, rows=rows, seconds=seconds)
    return of_load(found, seconds), found.is_good


def _due(folder: Path, options: argparse.Namespace) -> Measured:
    number = 40 if options.quick else 200
    with places.postgresql(folder / "postgresql") as database:
        found = due.measure(folder, database.url, exports=number, workers=WORKERS, rows=20_000)
    return of_due(found, WORKERS), found.is_good


def _faults(folder: Path, options: argparse.Namespace) -> Measured:
    size = faults.Size(seconds=20, exports=6, workers=2) if options.quick else faults.Size(workers=WORKERS)
    seconds = options.seconds or size.seconds
    found = faults.measure(folder, replace(size, seconds=seconds))
    return of_faults(found, seconds), found.is_good


STEPS: dict[str, Callable[[Path, argparse.Namespace], Measured]] = {"load": _load, "due": _due, "faults": _faults}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.services", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), help="these steps alone")
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--seconds", type=int, default=0, help="how long parts are killed")
    parser.add_argument("--page", action="store_true", help="write docs/reference/service-benchmarks.md")
    return parser.parse_args()
