"""Several processes on one database: nobody is told that it is locked, and each reader sees one state."""

import subprocess
import sys
from contextlib import closing

from withdrawn_claims import reinstate, withdraw

from core.schemas.export import Selection
from core.schemas.instant import SECOND
from core.store import observables, open_store
from core.store.rebuild import verify
from core.store.snapshot import Column
from tests.store.conftest import NOW, claim

WRITER = """
import sys
from core.schemas.claim import Claim
from core.store import imports, open_store
imports.BATCH = 500
url, source = sys.argv[1:]
with open_store(url) as store:
    for turn in range(3):
        with store.import_session({now}) as session:
            session.add(
                Claim(type="hostname", value=f"h{{number}}.com", source=source, tags=("a", f"t{{number % 5}}"))
                for number in range(4_000)
            )
            session.end_unlisted(source)
    print(session.report.unchanged, session.report.ended)
"""


def test_two_writers_and_a_long_reader(url, store, take):
    """Two importing processes and a reader that lasts work at once; the reader's state does not move."""
    take(*(claim(f"r{number}.com") for number in range(2_000)))
    command = [sys.executable, "-c", WRITER.format(now=NOW)]
    with store.snapshot() as snapshot:
        writers = [
            subprocess.Popen([*command, url, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for source in ("one", "two")
        ]
        seen = set()
        while any(writer.poll() is None for writer in writers):
            seen.add("".join(snapshot.lines(Selection(), NOW + 99, (Column.VALUE, "\n"))))
            seen.add("".join(f"{row.value}\n" for batch in snapshot.rows(Selection(), NOW + 99) for row in batch))
        said = [writer.communicate() for writer in writers]

    assert [("4000 0\n", "")] * 2 == said
    assert 1 == len(seen)
    assert 2_000 == next(iter(seen)).count("\n")
    assert {"hostname": 6_000} == observables.count(store)
    assert [] == verify(store)
    with closing(store.connect()) as connection:
        assert 18_000 == connection.execute("SELECT count(*) FROM assertion").fetchone()[0]


def test_sessions_at_once_in_one_process(url, store):
    """Sessions that overlap have different instants; the one that began later has the last word."""
    with open_store(url) as other, store.import_session(NOW) as early, other.import_session(NOW) as late:
        assert late.instant == early.instant + 1
        late.add([claim("one.com", "a", confidence=2)])
        late.flush()
        early.add([claim("one.com", "a", confidence=1, first_seen=NOW)])
        early.flush()
    (row,) = observables.find(store, "one.com", NOW)

    assert (2, "2026-01-01T00:00:00Z") == (row.tags[0].confidence, row.tags[0].first_seen)


def test_two_default_lifetimes_at_once(url, store):
    """A process with an old setting, which goes on importing, makes no promise that the new setting does not keep."""
    with open_store(url, lifetime_s=10) as shorter, store.import_session(NOW) as session:
        with shorter.import_session(NOW) as other:
            other.add([claim("one.com", "a")])
        session.add([claim("two.com", "a")])
        session.flush()
        with shorter.import_session(NOW) as other:
            other.add([claim("three.com", "a")])

    with open_store(url, lifetime_s=10) as shorter, shorter.snapshot() as snapshot:
        assert 3 == snapshot.count(Selection(), NOW + 9 * SECOND)
        assert 0 == snapshot.count(Selection(), NOW + 11 * SECOND)
    assert [] == verify(store)


def test_reinstated_under_another_default_lifetime(url):
    """A bound made by hand under one setting is no promise under another."""
    with open_store(url, lifetime_s=10) as shorter:
        with shorter.import_session(NOW) as session:
            session.add([claim("one.com", "a")])
        withdraw(shorter, "one.com", "a mistake", NOW)
        with open_store(url) as longer:
            reinstate(longer, "one.com", NOW)
        with shorter.snapshot() as snapshot:
            assert 1 == snapshot.count(Selection(), NOW + 9 * SECOND)
            assert 0 == snapshot.count(Selection(), NOW + 11 * SECOND)
