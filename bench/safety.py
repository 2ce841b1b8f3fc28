"""What safety costs: steps of ``bench.steps``, each in a process of its own.

They follow each other on one store: a first version, then one of which one entry in a hundred is another.
"""

import random
import time
from pathlib import Path

from bench.store import LATER, settings_of, store_of
from core.exports.run import run_export
from core.schemas.claim import Claim
from core.schemas.export import ExportDefinition
from core.schemas.instant import SECOND
from core.store import archives, definitions, ledger
from core.store.allow_lists.entries import ListEntries
from core.store.allow_lists.kinds import PLAIN, Kind
from core.store.allow_lists.matching import Matcher
from core.store.store import Store
from core.values.special_purpose import CLASSES

NETWORKS = 100_000
ASKED = 20
EVERY = 100
"""One entry in so many changes between the versions."""

EVERYTHING = {"allow": ",".join(CLASSES)}
"""The values are made up: some are of ranges that a real list must not hold."""


def first_version(folder: Path, rows: int) -> float:
    """Run an export for the first time: everything is added, and put down in the ledger."""
    with store_of(folder, "main") as store:
        definitions.add_export(
            store, ExportDefinition(name="safe", file_name="safe.txt", format="list", limits=EVERYTHING)
        )
        return _timed_run(store, folder, LATER)


def unchanged(folder: Path, rows: int) -> float:
    """Run it again."""
    with store_of(folder, "main") as store:
        return min(_timed_run(store, folder, LATER + number) for number in range(3))


def changed(folder: Path, rows: int) -> float:
    """Run it after one entry in a hundred was withdrawn by its source, and as many came in."""
    with store_of(folder, "main") as store:
        gone = _some(store, EVERY)
        with store.import_session(LATER + SECOND) as session:
            session.add([Claim(type=t, value=v, source=s, tags=(tag,), withdrawn=True) for t, v, s, tag in gone])
            new = range(rows // EVERY)
            session.add(
                [Claim(type="hostname", value=f"new-{n}.example.net", source="Feed 0", tags=("c2",)) for n in new]
            )
        return _timed_run(store, folder, LATER + 2 * SECOND)


def gate(folder: Path, rows: int) -> float:
    """Keep off, compare with the ledger, measure and judge: all that stands between rendering and publishing."""
    from core.exports.gate import limits
    from core.exports.gate import rules as gates
    from core.exports.gate.keeping_off import keep_off
    from core.exports.gate.measure import space_of
    from core.exports.select import resolved

    with store_of(folder, "main") as store, store.snapshot() as snapshot:
        definition = definitions.get_export(store, "safe")
        selection, instant = resolved(definition), LATER + 3 * SECOND
        began = time.perf_counter()
        bounds = limits.parse(definition.limits)
        keep_off(snapshot, selection, instant, bounds)
        snapshot.kept_off(selection, instant)
        key = ledger.export_key(snapshot.connection, "safe")
        found = ledger.compare(snapshot, key, selection, instant, lambda *_: None)
        space = space_of(snapshot, selection, instant)
        count = snapshot.count(selection, instant)
        facts = gates.Candidate(count, count, 0, is_complete=True, space=space, lost=found.lost)
        verdict = gates.judge(facts, gates.History(count, space), bounds)
        took = time.perf_counter() - began
    if verdict.is_held or found.added or found.removed.total():
        raise SystemExit(f"the list has changed: {found} {verdict.message}")
    return took


def diff(folder: Path, rows: int) -> float:
    """Tell how the two versions differ."""
    with store_of(folder, "main") as store, store.snapshot() as snapshot:
        key = ledger.export_key(snapshot.connection, "safe")
        began = time.perf_counter()
        count = sum(1 for _ in ledger.changes_between(snapshot.connection, key, 1, 2))
        took = time.perf_counter() - began
    if not count:
        raise SystemExit("the versions do not differ")
    return took


def explain(folder: Path, rows: int) -> float:
    """Explain values that are listed, were listed, and never were; the slowest counts."""
    from core.exports.answers.explain import explain as why

    with store_of(folder, "main") as store:
        number = archives.current(store, "safe").number  # type: ignore[union-attr]
        asked = [value for _, value, _, _ in _some(store, max(1, rows // ASKED))]
        asked += [f"new-{n}.example.net" for n in range(3)] + ["203.0.113.77", "unknown.example.org"]
        slowest = 0.0
        for value in asked:
            for version in (None, number - 1):
                began = time.perf_counter()
                why(store, "safe", value, version=version, now=LATER + 4 * SECOND)
                slowest = max(slowest, time.perf_counter() - began)
    return slowest


def sweep(folder: Path, rows: int) -> float:
    """Find the networks of 100,000 that *rows* addresses lie in, the networks taken in, too."""
    chance = random.Random(3)
    networks = [
        f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24" for _ in range(NETWORKS)
    ]
    addresses = [
        f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
        for _ in range(rows)
    ]
    began = time.perf_counter()
    matcher = Matcher([ListEntries(1, "cidr", Kind(PLAIN), (), list(enumerate(networks)))])
    look = matcher.of_type("ipv4")
    hits = sum(1 for address in addresses if look(address))
    took = time.perf_counter() - began
    if not hits:
        raise SystemExit("nothing was found")
    return took


def look(folder: Path, rows: int) -> float:
    """Compare all observables of the store with every allow-list that the program carries, for the first time."""
    from core.store.allow_lists import hits as allow_hits

    with store_of(folder, "main") as store:
        began = time.perf_counter()
        allow_hits.refresh(store, LATER)
        return time.perf_counter() - began


STEPS = {
    "look": look,
    "first version": first_version,
    "unchanged": unchanged,
    "changed": changed,
    "gate": gate,
    "diff": diff,
    "explain": explain,
    "sweep": sweep,
}


def _timed_run(store: Store, folder: Path, now: int) -> float:
    began = time.perf_counter()
    result = run_export(store, "safe", settings_of(folder), now=now)
    took = time.perf_counter() - began
    if result.status != "completed":
        raise SystemExit(f"not published: {result.message}")
    return took


def _some(store: Store, every: int) -> list[tuple[str, str, str, str]]:
    """Return type, value, source and tag of one observable in so many."""
    connection = store.connect()
    try:
        return connection.execute(
            "SELECT o.type, o.value, s.name, t.name FROM observable o JOIN assertion a ON a.observable_id = o.id"
            " JOIN source s ON s.id = a.source_id JOIN tag t ON t.id = a.tag_id WHERE o.id % ? = 0",
            (every,),
        ).fetchall()
    finally:
        connection.close()
