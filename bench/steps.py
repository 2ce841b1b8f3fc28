"""The things that are measured, each in a process of its own: ``python -m bench.steps STEP FOLDER ROWS``.

A step prints one JSON object: how many seconds the measured part took, and the most memory the process had.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

from bench import safety
from bench.store import LATER, settings_of, store_of
from bench.synthetic import NOW, claims
from core.schemas.export import ExportDefinition
from core.schemas.instant import to_text
from core.store import definitions, kept_templates
from core.store.databases import sqlite

TEMPLATE = '{% for row in data %}{{ row.value }},{{ row.type }},{{ row.tags|map(attribute="name")|join(";") }}\n{% endfor %}'
EXPORTS = {"list": "list.txt", "csv": "csv.csv", "jsonl": "jsonl.jsonl", "template": "template.txt"}
BATCH = 50_000


def write_csv(folder: Path, rows: int) -> float:
    """Write the claims as a file, for the import of one."""
    with (folder / "feed.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("value,type,tags,source,first_seen,last_seen,confidence,tlp\r\n")
        for claim in claims(rows):
            dates = [to_text(date) if date is not None else "" for date in (claim.first_seen, claim.last_seen)]
            confidence = "" if claim.confidence is None else claim.confidence
            tlp = "" if claim.tlp is None else claim.tlp.name.lower()
            cells = (claim.value, claim.type, ";".join(claim.tags), claim.source, *dates, confidence, tlp)
            file.write(",".join(map(str, cells)) + "\r\n")
    return 0.0


def import_claims(folder: Path, rows: int) -> float:
    """Merge the claims into an empty store; making them up is not counted."""
    return _merge(folder, rows)[0]


def import_again(folder: Path, rows: int) -> float:
    """Merge the same claims once more: everything is unchanged."""
    took, unchanged = _merge(folder, rows)
    if unchanged != rows:
        raise SystemExit(f"only {unchanged} were unchanged")
    return took


def _merge(folder: Path, rows: int) -> tuple[float, int]:
    source = claims(rows)
    took = 0.0
    with store_of(folder, "main") as store, store.import_session(NOW) as session:
        while batch := list(islice(source, BATCH)):
            began = time.perf_counter()
            session.add(batch)
            session.flush()
            took += time.perf_counter() - began
    return took, session.report.unchanged


def import_csv(folder: Path, rows: int) -> float:
    """Read the file into an empty store, as ``yetictl import`` does."""
    from core.ingest.run import import_paths

    with store_of(folder, "file") as store:
        began = time.perf_counter()
        report = import_paths(store, [folder / "feed.csv"], now=NOW)
        took = time.perf_counter() - began
    if (report.new, report.refused) != (rows, 0):
        raise SystemExit(f"the file was not read whole: {report}")
    return took


def raw(folder: Path, rows: int) -> float:
    """Insert the finished rows into the same tables, with nothing to work out."""
    store_of(folder, "raw").close()
    took = 0.0
    with (
        closing(sqlite.connect(folder / "main.db")) as source,
        closing(sqlite.connect(folder / "raw.db")) as target,
    ):
        for table in ("source", "tag"):
            took += _insert(target, table, source.execute(f"SELECT * FROM {table}").fetchall())
        first = 1
        while batch := source.execute(
            "SELECT * FROM observable WHERE id >= ? ORDER BY id LIMIT ?", (first, BATCH)
        ).fetchall():
            last = batch[-1][0]
            assertions = source.execute(
                "SELECT * FROM assertion WHERE observable_id BETWEEN ? AND ? ORDER BY 1, 2, 3", (first, last)
            ).fetchall()
            took += _insert(target, "observable", batch, "assertion", assertions)
            first = last + 1
    return took


def _insert(connection, *tables_and_rows) -> float:
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for table, rows in zip(tables_and_rows[::2], tables_and_rows[1::2], strict=True):
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.execute("COMMIT")
    return time.perf_counter() - began


def define(folder: Path, rows: int) -> float:
    """Define the exports."""
    with store_of(folder, "main") as store:
        kept_templates.put_template(store, "bench", TEMPLATE, NOW)
        for name, file_name in EXPORTS.items():
            is_template = name == "template"
            definitions.add_export(
                store,
                ExportDefinition(
                    name=name,
                    file_name=file_name,
                    format="" if is_template else name,
                    template="bench" if is_template else "",
                    limits=safety.EVERYTHING,
                ),
            )
    return 0.0


def run(folder: Path, name: str, rows: int) -> float:
    """Run an export from nothing to the published file; the best of three, since the first imports half the program."""
    from core.exports.run import run_export

    settings = settings_of(folder)
    best = float("inf")
    for _ in range(3):
        (folder / "exports" / EXPORTS[name]).unlink(missing_ok=True)
        with store_of(folder, "main") as store:
            began = time.perf_counter()
            result = run_export(store, name, settings, now=LATER)
            best = min(best, time.perf_counter() - began)
        if result.entries != rows:
            raise SystemExit(f"{name}: {result}")
    return best


STEPS: dict[str, Callable[[Path, int], float]] = {
    "write csv": write_csv,
    "import claims": import_claims,
    "import again": import_again,
    "import csv": import_csv,
    "raw": raw,
    "define": define,
    **safety.STEPS,
    **{f"run {name}": lambda folder, rows, name=name: run(folder, name, rows) for name in EXPORTS},
}


def main() -> None:
    step, folder, rows = sys.argv[1:]
    took = STEPS[step](Path(folder), int(rows))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"seconds": took, "peak_mib": max(own, children) / 1024}))


if __name__ == "__main__":
    main()
