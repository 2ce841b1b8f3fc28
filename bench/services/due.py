"""Exports that are due at once: how long until all have run, and whether each ran once."""

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.services.programs import Failed, Program, yetictl
from bench.synthetic import NOW, claims
from core.schemas.instant import SECOND

_GIVES_UP_AFTER_S = 900


@dataclass(frozen=True)
class Figures:
    """How it went.

    Attributes:
        exports: How many were due.
        took_s: From the instant they were due until the last had run.
        last_waited_s: How long the last one waited for its worker.
        twice: Exports that ran more than once.
        failed: Runs that did not complete.
        by_worker: Runs of the worker that did most, and of the one that did fewest.
    """

    exports: int
    took_s: float
    last_waited_s: float
    twice: int
    failed: int
    by_worker: tuple[int, int]


def measure(folder: Path, database_url: str, *, exports: int, workers: int, rows: int) -> Figures:
    """Return how long so many exports take that are due at once, by so many processes.

    Raises:
        Failed: They were not done in time.
    """
    from core.store import definitions, jobs, open_store, runs

    environ = {
        **os.environ,
        "YETI_HOME": str(folder / "home"),
        "YETI_DATABASE_URL": database_url,
        "YETI_SYSTEM_VERSIONS_PATH": str(folder / "versions"),
    }
    if database_url.startswith("postgres"):
        yetictl(environ, "db", "upgrade")
    with open_store(database_url) as store:
        with store.import_session(NOW) as session:
            session.add(claims(rows))
        _define(environ, exports)
        due_at = time.time_ns() // 1_000 + 15 * SECOND
        for item in definitions.exports(store):
            jobs.request(store, item.name, by="bench", now=due_at, due_at=due_at)
        with ExitStack() as stack:
            for number in range(workers):
                command = [sys.executable, "-m", "core", "tasks"]
                stack.enter_context(Program(f"tasks {number}", command, environ, folder / f"tasks-{number}.log"))
            give_up_at = time.monotonic() + _GIVES_UP_AFTER_S
            while jobs.find(store, states=(jobs.WAITING, jobs.RUNNING), limit=1):
                if time.monotonic() > give_up_at:
                    raise Failed(f"after {_GIVES_UP_AFTER_S} s not all exports had run")
                time.sleep(0.2)
        done = jobs.find(store, limit=2 * exports)
        of_export = {item.name: runs.runs(store, item.name) for item in definitions.exports(store)}
    finished = [run for found in of_export.values() for run in found]
    begun = [_begun(folder, number) for number in range(workers)]
    return Figures(
        exports,
        (max(item.finished_at or 0 for item in done) - due_at) / SECOND,
        (max(item.started_at or 0 for item in done) - due_at) / SECOND,
        sum(len(found) > 1 for found in of_export.values()),
        sum(run.status != "completed" for run in finished),
        (max(begun), min(begun)),
    )


def _define(environ: dict[str, str], exports: int) -> None:
    definitions = Path(environ["YETI_HOME"]) / "exports.toml"
    definitions.parent.mkdir(parents=True, exist_ok=True)
    words = "\n".join(
        f'[[export]]\nname = "due {number}"\nformat = "list"\ninclude = ["c2:family-{number % 50 * 10}"]\n'
        'limit = { dropped = "off" }\n'
        for number in range(exports)
    )
    definitions.write_text(words)
    yetictl(environ, "export", "apply", str(definitions), "--yes")


def _begun(folder: Path, number: int) -> int:
    """Return how many jobs a worker says it began."""
    return (folder / f"tasks-{number}.log").read_text().count("job begun")
