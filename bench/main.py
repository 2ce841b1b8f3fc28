"""Measure importing and exporting beside what SQLite does for the same rows and the same bytes.

Each step runs in a process of its own, so that its peak memory is its own.  Times of
exports are the best of three; what the ``sqlite3`` command line writes is compared by SHA-256 with what was published.
"""

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.steps import EXPORTS

_TAGS = (
    "(SELECT group_concat(name, ';') FROM (SELECT t.name FROM assertion a JOIN tag t ON t.id = a.tag_id"
    " WHERE a.observable_id = o.id ORDER BY t.name))"
)
_ONE = "FROM assertion a JOIN source s ON s.id = a.source_id WHERE a.observable_id = o.id LIMIT 1"
_DATE = "COALESCE(strftime('%Y-%m-%dT%H:%M:%SZ', {} / 1000000, 'unixepoch'), '')"
_ORDERED = "FROM observable o ORDER BY o.type, o.value"
SAME_BYTES = {
    "list": f"SELECT o.value {_ORDERED}",
    "csv": "SELECT 'value,type,tags,sources,first_seen,last_seen' || char(13) UNION ALL SELECT * FROM (SELECT o.value"
    f" || ',' || o.type || ',' || {_TAGS} || ',' || (SELECT s.name || ',' || {_DATE.format('a.first_seen')}"
    f" || ',' || {_DATE.format('a.last_seen')} {_ONE}) || char(13) {_ORDERED})",
    "jsonl": """SELECT '{"type":"' || o.type || '","value":' || json_quote(o.value) || ',"assertions":' || o.assertions"""
    f""" || ',"context":' || o.context || '}}' {_ORDERED}""",
    "template": f"SELECT o.value || ',' || o.type || ',' || {_TAGS} {_ORDERED}",
}
"""What the same bytes are in SQL: every observable of the store is exported, so that nothing is selected here."""

SAFETY: dict[str, tuple[str, float | None]] = {
    "look": ("all observables against the lists that are carried, once", None),
    "first version": ("a whole run: list, changes, ledger, archive", None),
    "unchanged": ("the same run again; bar 2 s", 2.0),
    "changed": ("a run; one entry in a hundred went, as many came", None),
    "gate": ("keep off, compare, measure, judge; nothing has changed", None),
    "diff": ("of the two versions", None),
    "explain": ("the slowest of some values; bar 1 s", 1.0),
    "sweep": ("addresses against 100,000 networks; bar 10 s", 10.0),
}
"""Steps, what they are, and how many seconds they may take."""

BARS = {"list": 2.0, "jsonl": 2.0, "csv": 3.0, "template": 5.0}
IMPORT_BAR = 0.30
JUDGED_ROWS = 1_000_000
"""The bars are for a million rows; with fewer, what a run costs whatever its size is most of its time."""

MEMORY_BAR_MIB = 300
HELP_BAR_S = 0.2


def step(name: str, folder: Path, rows: int) -> dict[str, float]:
    """Run a step, and return its time and the most memory it had."""
    command = [sys.executable, "-m", "bench.steps", name, str(folder), str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def by_sqlite(database: Path, query: str, target: Path, times: int) -> float:
    """Write the rows of *query* to *target* with the ``sqlite3`` command line, or a raw cursor without it."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        if program := shutil.which("sqlite3"):
            with target.open("wb") as file:
                subprocess.run(
                    [program, "-batch", "-noheader", "-list", str(database), query], stdout=file, check=True
                )
        else:
            connection = sqlite3.connect(database)
            with target.open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"{text}\n" for (text,) in connection.execute(query))
            connection.close()
        best = min(best, time.perf_counter() - began)
    return best


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(rows: int, folder: Path, times: int) -> list[dict[str, object]]:
    """Return one result per line of the table."""
    results: list[dict[str, object]] = []

    def add(
        what: str,
        ours: dict[str, float],
        theirs_s: float,
        ratio: float,
        is_met: bool,
        note: str,
        is_right: bool = True,
    ) -> None:
        is_met = is_met and ours["peak_mib"] <= MEMORY_BAR_MIB
        results.append(
            {
                "rows": rows,
                "what": what,
                "seconds": round(ours["seconds"], 3),
                "rows_per_s": round(rows / ours["seconds"]),
                "engine_s": round(theirs_s, 3),
                "ratio": round(ratio, 2),
                "peak_mib": round(ours["peak_mib"]),
                "met": is_right and (is_met or rows < JUDGED_ROWS),
                "note": note,
            }
        )

    step("write csv", folder, rows)
    claims = step("import claims", folder, rows)
    raw_s = step("raw", folder, rows)["seconds"]
    from_file = step("import csv", folder, rows)
    again = step("import again", folder, rows)
    for what, ours in (("import claims", claims), ("import csv file", from_file), ("import again", again)):
        speed = raw_s / ours["seconds"]
        add(what, ours, raw_s, speed, speed >= IMPORT_BAR, f"of a raw insert's speed; bar {IMPORT_BAR}")

    def safe(name: str) -> None:
        note, bar = SAFETY[name]
        ours = step(name, folder, rows)
        add(f"safety: {name}", ours, 0.0, 0.0, bar is None or ours["seconds"] <= bar, note)

    step("define", folder, rows)
    safe("look")  # before the first run would do it
    for name, file_name in EXPORTS.items():
        ours = step(f"run {name}", folder, rows)
        target = folder / f"engine-{file_name}"
        theirs_s = by_sqlite(folder / "main.db", SAME_BYTES[name], target, times)
        is_same = sha256(target) == sha256(folder / "exports" / file_name)
        ratio = ours["seconds"] / theirs_s
        note = f"x the engine's time; bar {BARS[name]:g}; " + ("same bytes" if is_same else "BYTES DIFFER")
        add(f"export {name}", ours, theirs_s, ratio, ratio <= BARS[name], note, is_same)
        target.unlink()
    for name in list(SAFETY)[1:]:
        safe(name)
    return results


def help_seconds(times: int) -> float:
    """Return how long ``yetictl --help`` takes."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "core", "--help"], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - began)
    return best


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="observables; a tenth is measured, too")
    parser.add_argument("--times", type=int, default=3, help="runs of the sqlite3 program; the best counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    results: list[dict[str, object]] = []
    for rows in dict.fromkeys((max(1, options.rows // 10), options.rows)):
        with tempfile.TemporaryDirectory(prefix="yeti-bench-") as name:
            print(f"measuring {rows:,} rows ...", file=sys.stderr)
            results += measure(rows, Path(name), options.times)
    help_s = help_seconds(5)
    if options.json:
        print(json.dumps({"results": results, "help_s": round(help_s, 3), "cpus": os.cpu_count()}, indent=1))
    else:
        show(results, help_s)
    is_judged = options.rows >= JUDGED_ROWS  # a quick look may be had on a busy machine
    return 0 if (help_s <= HELP_BAR_S or not is_judged) and all(item["met"] for item in results) else 1


def _verdict(item: dict[str, object]) -> str:
    if not item["met"]:
        return "MISSED"
    return "met" if int(str(item["rows"])) >= JUDGED_ROWS else "-"


def show(results: list[dict[str, object]], help_s: float) -> None:
    print(
        f"{'rows':>9}  {'what':<16} {'seconds':>8} {'rows/s':>9} {'engine s':>9} {'ratio':>6} {'peak MiB':>9}  bar"
    )
    for item in results:
        print(
            f"{item['rows']:>9,}  {item['what']:<16} {item['seconds']:>8} {item['rows_per_s']:>9,}"
            f" {item['engine_s']:>9} {item['ratio']:>6} {item['peak_mib']:>9}"
            f"  {_verdict(item):6} {item['note']}"
        )
    verdict = "met" if help_s <= HELP_BAR_S else "MISSED"
    print(f"yetictl --help: {help_s * 1000:.0f} ms; bar {HELP_BAR_S * 1000:.0f} ms {verdict}")
