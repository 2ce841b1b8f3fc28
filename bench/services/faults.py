"""Everything dies in turn, again and again, while exports run and are fetched; afterwards it is counted what came of it."""

import itertools
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.services import judging, places
from bench.services.explaining import explain, said_in
from bench.services.outcome import Death, Outcome, Reads
from bench.services.places import free_port
from bench.services.programs import Failed, Program, tell, yetictl
from bench.services.reading import reading
from bench.synthetic import claims, tag_names
from core.schemas.export import Run
from core.schemas.instant import Instant

EVERY_S = 5
_CALM_WITHIN_S = 180


@dataclass(frozen=True)
class Size:
    """How much of it."""

    seconds: int = 300
    exports: int = 20
    workers: int = 4
    seed: int = 1


class Part(Protocol):
    """What can be killed and started again."""

    name: str

    def kill(self) -> None:
        """Kill it."""

    def start(self) -> None:
        """Start it again."""


def measure(folder: Path, size: Size) -> Outcome:
    """Return what came of killing everything in turn for some time.

    Raises:
        Failed: It could not begin, or did not come to rest.
    """
    with (
        places.postgresql(folder / "postgresql") as database,
        places.seaweedfs(folder / "seaweedfs") as storage,
        ExitStack() as stack,
    ):
        environ = _environ(folder, database.url, storage)
        yetictl(environ, "db", "upgrade")
        _define(environ, size.exports)
        programs = _programs(folder, environ, stack, size.workers)
        urls = [p.wait_for(r"listening on (http://[^; \"]+)") for p in programs if p.name.startswith("api")]
        names = [f"list_{number}.txt" for number in range(size.exports)]
        with (
            reading(names, urls, storage) as reads,
            _importing(database.url) as faults,
            _looked_after(programs) as ends,
        ):
            chance = random.Random(size.seed)
            tell(f"killing parts in turn for {size.seconds} s")
            deaths = _kill_in_turn(_mixed([*programs, database, storage]), size.seconds, chance)
            well_since = _now()
            tell(f"{len(deaths)} died; waiting until every export has run once more")
            if late := _wait_for_calm(database.url, well_since):
                tell(f"{_CALM_WITHIN_S} s after the last death these had not run again: {', '.join(late)}")
        tell("comparing what is kept with what it should be")
        outcome = _judged(environ, database.url, reads, deaths, well_since)
        outcome.wrong += faults
        outcome.errors.update(explain(where, text, at, deaths) for at, where, text in ends)
    # All have ended, so that nothing is said any more.
    for program in programs:
        _read_log(program, deaths, outcome)
    return outcome


def _now() -> Instant:
    return time.time_ns() // 1_000


def _environ(folder: Path, database_url: str, storage: places.SeaweedFS) -> dict[str, str]:
    return {
        **os.environ,
        **storage.environ,
        "YETI_HOME": str(folder / "home"),
        "YETI_DATABASE_URL": database_url,
        "YETI_SYSTEM_EXPORT_PATH": f"s3://{storage.bucket}/lists",
        "YETI_SYSTEM_VERSIONS_PATH": f"s3://{storage.bucket}/versions",
        "YETI_VERSIONS_KEEP_LAST": "10000",  # every version that is read can be found again
        "YETI_LOG_FORMAT": "json",
    }


def _define(environ: Mapping[str, str], exports: int) -> None:
    file = Path(environ["YETI_HOME"]) / "exports.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "\n".join(
            f'[[export]]\nname = "list {number}"\nformat = "list"\ninclude = ["{tag}"]\npublic = true\n'
            f'tlp = "green"\nevery = "{EVERY_S}s"\n'
            'limit = { dropped = "off", loss = "off", growth = "off", space = "off" }\n'
            for number, tag in zip(range(exports), tag_names(), strict=False)
        )
    )
    yetictl(environ, "export", "apply", str(file), "--yes")


def _programs(folder: Path, environ: Mapping[str, str], stack: ExitStack, workers: int) -> list[Program]:
    # Ports that stay the same, so that whoever asks finds them again.
    services = [
        *((f"tasks {number}", ("tasks",)) for number in range(workers)),
        *((f"api {number}", ("api", "--port", str(free_port()))) for number in range(2)),
    ]
    return [
        stack.enter_context(
            Program(
                name, [sys.executable, "-m", "core", *words], environ, folder / f"{name.replace(' ', '-')}.log"
            )
        )
        for name, words in services
    ]


def _mixed(parts: Sequence[Part]) -> list[Part]:
    """Return the parts in an order in which one of each kind comes before the second of any."""
    seen: Counter[str] = Counter()
    turns = []
    for part in parts:
        kind = part.name.split()[0]
        turns.append((seen[kind], part))
        seen[kind] += 1
    return [part for _, part in sorted(turns, key=lambda turn: turn[0])]


def _kill_in_turn(parts: list[Part], seconds: int, chance: random.Random) -> list[Death]:
    deaths: list[Death] = []
    end = time.monotonic() + seconds
    for part in itertools.cycle(parts):
        time.sleep(chance.uniform(1.0, 4.0))
        if time.monotonic() > end:
            break
        killed_at = _now()
        part.kill()
        time.sleep(chance.uniform(0.5, 3.0))
        part.start()
        deaths.append(Death(part.name, killed_at, _now()))
    return deaths


@contextmanager
def _looked_after(programs: list[Program]) -> Iterator[list[tuple[Instant, str, str]]]:
    """Begin anew for a block what ends by itself, as systemd and Compose do; give when that was, of what, and how."""
    stop, ends = threading.Event(), list[tuple[Instant, str, str]]()

    def look() -> None:
        while not stop.wait(0.5):
            for program in programs:
                if (status := program.restarted()) is not None:
                    ends.append((_now(), f"end of {program.name.split()[0]}", f"status {status}"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield ends
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def _importing(database_url: str) -> Iterator[list[str]]:
    """Bring new observables for a block, so that every run has something to publish; give what made that end."""
    from core.errors import StoreError
    from core.store import open_store

    stop, faults = threading.Event(), list[str]()

    def bring() -> None:
        number = 0
        while not stop.wait(1.0):
            number += 1
            try:
                with open_store(database_url) as store, store.import_session(_now()) as session:
                    session.add(itertools.islice(claims(200 * (number + 1)), 200 * number, None))
            except StoreError:
                continue  # the database is dead just now
            except Exception as error:
                faults.append(f"the import ended: {type(error).__name__}: {error}")
                return

    thread = threading.Thread(target=bring, daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        stop.set()
        thread.join(30)


def _wait_for_calm(database_url: str, since: Instant) -> list[str]:
    """Wait until every export has run to its end once more, and return those that have not in time."""
    from core.errors import StoreError
    from core.store import definitions, open_store, runs

    give_up_at = time.monotonic() + _CALM_WITHIN_S
    while True:
        time.sleep(1)
        try:
            with open_store(database_url) as store:
                names = [item.name for item in definitions.exports(store)]
                late = [name for name in names if not _has_run(runs.runs(store, name, limit=100), since)]
        except StoreError:
            late = ["all"]
        if not late or time.monotonic() >= give_up_at:
            return late


def _has_run(found: Sequence[Run], since: Instant) -> bool:
    # Any of them: where exports run every few seconds the latest is going on as a rule.
    return any(run.started_at >= since and run.status == "completed" for run in found)


def _judged(
    environ: Mapping[str, str], database_url: str, reads: Reads, deaths: list[Death], well_since: Instant
) -> Outcome:
    from core.store import definitions, jobs, open_store, runs, versions

    outcome = Outcome(reads=reads.whole, torn=reads.broken, wrong=reads.faults)
    outcome.kills.update(death.part.split()[0] for death in deaths)
    made = []
    with open_store(database_url) as store:
        names = [item.name for item in definitions.exports(store)]
        for name in names:
            now = _now()
            found = runs.runs(store, name, limit=100_000)
            of_jobs = jobs.find(store, name, limit=100_000)
            of_export = versions.versions(store, name)
            made += of_export
            outcome.runs.update(run.status for run in found)
            outcome.doubled += judging.doubled(found, of_jobs, of_export, now)
            outcome.lost += judging.lost(name, found, of_jobs, since=well_since, now=now, within_s=_CALM_WITHIN_S)
            said = [(run.finished_at or now, "runs", run.message) for run in found if run.status == "failed"]
            outcome.errors.update(explain(where, text, at, deaths) for at, where, text in said)
    outcome.torn += judging.torn(reads.contents, made)
    outcome.errors.update(explain(where, text, at, deaths) for at, where, text in reads.errors)
    for name in names:
        try:
            yetictl(environ, "export", "verify", name)
        except Failed as error:
            outcome.wrong.append(f"{name}: {error}")
    return outcome


def _read_log(program: Program, deaths: list[Death], outcome: Outcome) -> None:
    where = f"log of {program.name.split()[0]}"
    with program.log.open(errors="replace") as lines:
        for at, text in said_in(lines):
            if text.startswith(judging.LOST_WHILE_IT_LIVED):
                outcome.doubled.append(f"{program.name}: {text}")
            outcome.errors[explain(where, text, at, deaths)] += 1
