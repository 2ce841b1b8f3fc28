"""Several processes on one database: nobody is told that it is locked, and each reader sees one state."""

import sqlite3
import subprocess
import sys

from core.schemas.export import Selection
from core.store import observables, open_store
from core.store.rebuild import rebuild, verify
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
    assert [] == verify(store, NOW + 99)
    with sqlite3.connect(store.path) as connection:
        assert 18_000 == connection.execute("SELECT count(*) FROM assertion").fetchone()[0]
    connection.close()


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


def test_verify_finds_and_rebuild_mends(store, take):
    """What is derived can be checked against the assertions, and made anew from them."""
    take(claim("one.com", "a"), claim("two.com", "a"), claim("three.com", "a"))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE observable SET assertions = '[]' WHERE value = 'one.com'")
        connection.execute("UPDATE observable SET sure_until = sure_until + 1 WHERE value = 'two.com'")
        connection.execute("UPDATE observable SET sure_until = 0 WHERE value = 'three.com'")
    connection.close()
    assert 2 == len(verify(store, NOW))
    rebuild(store, NOW)

    assert [] == verify(store, NOW)
    assert ["a"] == [item.tag for item in observables.find(store, "one.com", NOW)[0].tags]
