"""Run the measurements and print their tables."""

import argparse
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.services import due, faults, load, places
from bench.services.programs import Failed

STEPS = ("load", "due", "faults")


def main() -> int:
    """Measure what was asked for, and return 1 if something was lost, doubled, torn or not explained."""
    options = _options()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}")
    status = 0
    for step in options.only:
        with tempfile.TemporaryDirectory(prefix="yeti-soak-") as folder:
            try:
                status |= _STEPS[step](Path(folder), options)
            except Failed as error:
                print(f"{step}: {error}", file=sys.stderr)
                status = 1
    return status


def _load(folder: Path, options: argparse.Namespace) -> int:
    rows = load.ROWS_OF_50_MB // 10 if options.quick else load.ROWS_OF_50_MB
    columns = f"{'requests/s':>11} {'MiB/s':>8} {'p50 ms':>9} {'p99 ms':>9} {'errors':>7} {'peak MiB':>9}"
    print(f"\n{'who answers, and what':42} {columns}")
    for server, steps in load.measure(folder, rows=rows, seconds=3 if options.quick else 15).items():
        for step, found in steps.items():
            print(
                f"{server + ', ' + step:42} {found.requests_per_s:11,.0f} {found.mib_per_s:8,.0f} {found.p50_ms:9.2f} "
                f"{found.p99_ms:9.2f} {found.errors:7} {found.peak_mib:9.0f}"
            )
    return 0


def _due(folder: Path, options: argparse.Namespace) -> int:
    with places.postgresql(folder / "postgresql") as database:
        number = 40 if options.quick else 200
        found = due.measure(folder, database.url, exports=number, workers=4, rows=20_000)
    print(f"\n{number} exports due at once, 4 workers on PostgreSQL")
    for name, value in asdict(found).items():
        print(f"  {name.replace('_', ' '):16} {value}")
    return int(bool(found.twice or found.failed))


def _faults(folder: Path, options: argparse.Namespace) -> int:
    seconds = options.seconds or (60 if options.quick else 300)
    found = faults.measure(folder, seconds=seconds)
    print(f"\nparts killed in turn for {seconds} s")
    for name, value in asdict(found).items():
        if isinstance(value, list):
            print(f"  {name:12} {len(value)}{''.join(chr(10) + '    ' + line for line in value[:20])}")
        else:
            print(f"  {name:12} {', '.join(f'{key} {count}' for key, count in sorted(value.items()))}")
    return int(not found.is_good)


_STEPS = {"load": _load, "due": _due, "faults": _faults}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.services", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=STEPS, default=STEPS, help="these steps alone")
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--seconds", type=int, default=0, help="how long parts are killed")
    return parser.parse_args()
