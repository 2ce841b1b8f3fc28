"""Exports that are due at once: how long until all have run, and whether each ran once, and to its end."""

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.services import judging
from bench.services.programs import Failed, Program, yetictl
from bench.synthetic import claims
from core.schemas.instant import SECOND, Instant

if TYPE_CHECKING:
    from core.store import Store

_GIVES_UP_AFTER_S = 900


@dataclass(frozen=True)
class Figures:
    """How it went.

    Attributes:
        exports: How many were due.
        took_s: From the instant they were due until the last had run.
        last_waited_s: How long the last one waited for its worker.
        lost: What did not run, or not to its end.
        doubled: What ran more than once.
        by_worker: Runs of the worker that did most, and of the one that did fewest.
    """

    exports: int
    took_s: float
    last_waited_s: float
    lost: list[str]
    doubled: list[str]
    by_worker: tuple[int, int]

    @property
    def is_good(self) -> bool:
        """Whether each ran once, and to its end."""
        return not (self.lost or self.doubled)


def measure(folder: Path, database_url: str, *, exports: int, workers: int, rows: int) -> Figures:
    """Return how long so many exports take that are due at once, by so many processes.

    Raises:
        Failed: They were not done in time.
    """
    from core.store import definitions, jobs, open_store

    environ = {
        **os.environ,
        "YETI_HOME": str(folder / "home"),
        "YETI_DATABASE_URL": database_url,
        "YETI_SYSTEM_VERSIONS_PATH": str(folder / "versions"),
    }
    if database_url.startswith("postgres"):
        yetictl(environ, "db", "upgrade")
    with open_store(database_url) as store:
        with store.import_session(time.time_ns() // 1_000) as session:  # what is older may have expired
            session.add(claims(rows))
        _define(environ, exports)
        due_at = time.time_ns() // 1_000 + 20 * SECOND
        for item in definitions.exports(store):
            jobs.request(store, item.name, by="bench", now=time.time_ns() // 1_000, due_at=due_at)
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
        lost, doubled = _judged(store, due_at)
    begun = [_begun(folder, number) for number in range(workers)]
    return Figures(
        exports,
        (max(item.finished_at or 0 for item in done) - due_at) / SECOND,
        (max(item.started_at or 0 for item in done) - due_at) / SECOND,
        lost,
        doubled,
        (max(begun), min(begun)),
    )


def _judged(store: "Store", due_at: Instant) -> tuple[list[str], list[str]]:
    """Return what is lost and what is doubled: of each export there is to be one run, which began and ended well."""
    from core.store import definitions, jobs, runs, versions

    lost, doubled, now = [], [], time.time_ns() // 1_000
    for item in definitions.exports(store):
        of_export, of_jobs = runs.runs(store, item.name), jobs.find(store, item.name)
        if any(run.entries == 0 for run in of_export):
            lost.append(f"{item.name}: it had no entries, which is no measure of anything")
        lost += judging.lost(item.name, of_export, of_jobs, since=due_at, now=now, within_s=0)
        doubled += judging.doubled(of_export, of_jobs, versions.versions(store, item.name), now)
        if len(of_export) > 1:
            told = ", ".join(f"{run.id} ({run.status})" for run in of_export)
            doubled.append(f"{item.name}: it was due once, and ran as {told}")
    return lost, doubled


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
