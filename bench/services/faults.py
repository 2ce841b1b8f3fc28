"""Everything dies in turn, again and again, while exports run and are fetched; afterwards it is counted what came of it."""

import hashlib
import itertools
import os
import random
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.services import places
from bench.services.programs import Failed, Program, yetictl
from bench.synthetic import claims, tag_names
from core.schemas.instant import SECOND

EXPORTS, WORKERS = 20, 4
EVERY_S = 5
_CALM_WITHIN_S = 180


class Part(Protocol):
    """What can be killed and started again."""

    name: str

    def kill(self) -> None:
        """Kill it."""

    def start(self) -> None:
        """Start it again."""


@dataclass
class Outcome:
    """What came of it; every count but of kills, runs and reads has to be 0.

    Attributes:
        kills: Of each part.
        runs: How many there were, by status.
        reads: How many files were read whole, by where.
        lost: Exports that did not run any more after all was well again, and jobs that nobody has.
        doubled: Runs of one export that went on at once, and versions that are there twice.
        torn: Files that were read and are no version.
        unexplained: Failures without a reason that a person understands.
        wrong: What `export verify` says.
    """

    kills: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or torn, and all that failed says why."""
        return not (self.lost or self.doubled or self.torn or self.unexplained or self.wrong)


def measure(folder: Path, *, seconds: int, seed: int = 1) -> Outcome:
    """Return what came of killing everything in turn for some time.

    Raises:
        Failed: It could not begin, or did not come to rest.
    """
    outcome = Outcome()
    with (
        places.postgresql(folder / "postgresql") as database,
        places.seaweedfs(folder / "seaweedfs") as storage,
        ExitStack() as stack,
    ):
        environ = _environ(folder, database.url, storage)
        yetictl(environ, "db", "upgrade")
        _define(environ)
        programs = _programs(folder, environ, stack)
        urls = {p.name: p.wait_for(r"listening on (http://\S+?);") for p in programs if p.name.startswith("api")}
        seen: set[tuple[str, str]] = set()
        with _reading(list(urls.values()), storage, seen, outcome), _importing(database.url):
            _kill_in_turn([database, storage, *programs], seconds, random.Random(seed), outcome)
            _wait_for_calm(database.url)
        _judge(environ, database.url, seen, outcome)
        for program in programs:
            _read_log(program, outcome)
    return outcome


def _environ(folder: Path, database_url: str, storage: places.SeaweedFS) -> dict[str, str]:
    return {
        **os.environ,
        **storage.environ,
        "YETI_HOME": str(folder / "home"),
        "YETI_DATABASE_URL": database_url,
        "YETI_SYSTEM_EXPORT_PATH": f"s3://{storage.bucket}/lists",
        "YETI_SYSTEM_VERSIONS_PATH": f"s3://{storage.bucket}/versions",
        "YETI_VERSIONS_KEEP_LAST": "10000",  # every version that is read can be found again
    }


def _define(environ: Mapping[str, str]) -> None:
    file = Path(environ["YETI_HOME"]) / "exports.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "\n".join(
            f'[[export]]\nname = "list {number}"\nformat = "list"\ninclude = ["{tag}"]\npublic = true\n'
            f'tlp = "green"\nevery = "{EVERY_S}s"\n'
            'limit = { dropped = "off", loss = "off", growth = "off", space = "off" }\n'
            for number, tag in zip(range(EXPORTS), tag_names(), strict=False)
        )
    )
    yetictl(environ, "export", "apply", str(file), "--yes")


def _programs(folder: Path, environ: Mapping[str, str], stack: ExitStack) -> list[Program]:
    found = []
    for kind, number in (*(("tasks", n) for n in range(WORKERS)), ("api", 0), ("api", 1)):
        name = f"{kind} {number}"
        # A port that stays the same, so that whoever asks finds it again.
        more = ["--port", str(18_100 + number)] if kind == "api" else []
        command = [sys.executable, "-m", "core", kind, *more]
        found.append(stack.enter_context(Program(name, command, environ, folder / f"{kind}-{number}.log")))
    return found


def _kill_in_turn(parts: list[Part], seconds: int, chance: random.Random, outcome: Outcome) -> None:
    end = time.monotonic() + seconds
    for part in itertools.cycle(parts):
        time.sleep(chance.uniform(1.0, 4.0))
        if time.monotonic() > end:
            return
        part.kill()
        outcome.kills[part.name.split()[0]] += 1
        time.sleep(chance.uniform(0.5, 3.0))
        part.start()


@contextmanager
def _reading(
    urls: list[str], storage: places.SeaweedFS, seen: set[tuple[str, str]], outcome: Outcome
) -> Iterator[None]:
    """Read published files for a block, from the api and from the bucket; what cannot be read just now is left."""
    stop = threading.Event()

    def ask() -> None:
        chance = random.Random(2)
        while not stop.wait(0.02):
            name = f"list_{chance.randrange(EXPORTS)}.txt"
            try:
                with urllib.request.urlopen(f"{chance.choice(urls)}/exports/{name}", timeout=10) as answer:
                    body, etag = answer.read(), answer.headers["ETag"].strip('"')
                    size = int(answer.headers["Content-Length"])
            except OSError:
                continue  # whoever fetches asks again later
            sha256 = hashlib.sha256(body).hexdigest()
            outcome.reads["api"] += 1
            if len(body) != size or sha256 != etag:
                outcome.torn.append(f"api: {name} has {len(body)} of {size} bytes, and is not what its ETag says")
            seen.add((name, sha256))

    def look() -> None:
        client = storage._server.client
        chance = random.Random(3)
        while not stop.wait(0.02):
            name = f"list_{chance.randrange(EXPORTS)}.txt"
            try:
                body = client.get_object(Bucket=storage.bucket, Key=f"lists/{name}")["Body"].read()
            except Exception:
                continue
            outcome.reads["bucket"] += 1
            seen.add((name, hashlib.sha256(body).hexdigest()))

    threads = [threading.Thread(target=target, daemon=True) for target in (ask, look)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


@contextmanager
def _importing(database_url: str) -> Iterator[None]:
    """Bring new observables for a block, so that every run has something to publish."""
    from core.errors import YetiError
    from core.store import open_store

    stop = threading.Event()

    def bring() -> None:
        number = 0
        while not stop.wait(1.0):
            number += 1
            try:
                with open_store(database_url) as store, store.import_session(time.time_ns() // 1_000) as session:
                    session.add(itertools.islice(claims(200 * (number + 1)), 200 * number, None))
            except YetiError:
                continue  # the database is dead just now

    thread = threading.Thread(target=bring, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def _wait_for_calm(database_url: str) -> None:
    """Wait until every export has been run once more."""
    from core.errors import StoreError
    from core.store import definitions, open_store, runs

    since = time.time_ns() // 1_000
    give_up_at = time.monotonic() + _CALM_WITHIN_S
    while time.monotonic() < give_up_at:
        time.sleep(1)
        try:
            with open_store(database_url) as store:
                last = [runs.last_run(store, item.name) for item in definitions.exports(store)]
        except StoreError:
            continue
        if all(run is not None and run.started_at > since and run.status == "completed" for run in last):
            return


def _judge(environ: Mapping[str, str], database_url: str, seen: set[tuple[str, str]], outcome: Outcome) -> None:
    from core.store import definitions, jobs, open_store, runs, versions

    now = time.time_ns() // 1_000
    published: set[tuple[str, str]] = set()
    with open_store(database_url) as store:
        for item in definitions.exports(store):
            found = runs.runs(store, item.name, limit=100_000)
            outcome.runs.update(run.status for run in found)
            finished = sorted(
                (run.started_at, run.finished_at or now) for run in found if run.status == "completed"
            )
            outcome.doubled += [
                f"{item.name}: two runs at once"
                for (_, end), (begin, _) in itertools.pairwise(finished)
                if begin < end
            ]
            outcome.unexplained += [
                f"{item.name}: {run.message!r}"
                for run in found
                if run.status == "failed" and (not run.message or "fault in the program" in run.message)
            ]
            made = versions.versions(store, item.name)
            if len({version.number for version in made}) != len(made):
                outcome.doubled.append(f"{item.name}: a version is there twice")
            published |= {(file.name, file.sha256) for version in made for file in version.files}
            last = found[0] if found else None
            if last is None or now - last.started_at > _CALM_WITHIN_S * SECOND:
                outcome.lost.append(f"{item.name}: it ran no more")
        outcome.lost += [
            f"{job.export}: the job {job.id} is {job.state} since long"
            for job in jobs.find(store, states=(jobs.RUNNING,), limit=10_000)
            if now - (job.started_at or now) > _CALM_WITHIN_S * SECOND
        ]
        names = [item.name for item in definitions.exports(store)]
    outcome.torn += [f"{name}: {sha256} is no version" for name, sha256 in sorted(seen - published)]
    for name in names:
        try:
            yetictl(environ, "export", "verify", name)
        except Failed as error:
            outcome.wrong.append(f"{name}: {error}")


def _read_log(program: Program, outcome: Outcome) -> None:
    for line in program.log.read_text(errors="replace").splitlines():
        if "Traceback" in line or "fault in the program" in line or "met a fault" in line:
            outcome.unexplained.append(f"{program.name}: {line[:200]}")
