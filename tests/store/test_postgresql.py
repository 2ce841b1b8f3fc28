"""A store on PostgreSQL: the same bytes as from a file, one state for each reader, one writer at a time."""

import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert
from withdrawn_claims import withdraw

from core.errors import AlreadyExists, StoreAway, StoreBusy, StoreError, StoreSchemaError
from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.ingest.run import import_paths
from core.schemas.claim import TLP, Kind
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import DAY
from core.store import (
    definitions,
    fetches,
    health,
    job_claims,
    jobs,
    kept_templates,
    leases,
    migrate,
    observables,
    open_store,
    schema,
)
from core.store.databases import postgresql as module
from core.store.databases.interface import Lock
from core.store.databases.postgresql_words import spelt
from core.store.fetches import NOBODY, Fetched, FetchKey
from core.store.rebuild import verify
from core.store.snapshot import Column
from tests.store.conftest import NOW, claim

FORMATS = ("list", "csv", "jsonl", "template")
# A sorting for people puts these in another order than that of their code points, all of them.
AWKWARD = (
    "a",
    "B",
    "_c",
    "-d",
    ".e",
    "É",
    "é",
    "ß",
    "Z",
    "z",
    "\uff10",
    "😀",
    "\ufffd",
    "a b",
    "a-b",
    "ab",
    '"\\/',
    "\t\x01\x7f",
)


@pytest.fixture
def url(postgresql):
    """An empty database with the schema of the program."""
    made = postgresql.make("migrated")
    yield made
    postgresql.drop(made)


@pytest.fixture
def store(url):
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def two_stores(postgresql, tmp_path):
    """A store in a file and one on a server, both with the allow-lists that the program carries."""
    made = postgresql.make("made")
    with open_store(f"sqlite:///{tmp_path}/yeti.db") as file, open_store(made) as server:
        yield file, server
    postgresql.drop(made)


def published(store, folder, selection):
    """What each format publishes of a store, by format."""
    settings = Settings(export_path=str(folder / "published"), spool_path=folder / "spool")
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row|tojson }}\n{% endfor %}", NOW)
    found = {}
    for form in FORMATS:
        chosen = {"template": "t"} if form == "template" else {"format": form}
        made = definition.make(
            store,
            form,
            file_name=f"{form}.out",
            selection=selection,
            default_destination=settings.export_path,
            now=NOW,
            limits={"allow": "documentation", "empty": "publish"},
            **chosen,
        )
        definitions.add_export(store, made)
        run_export(store, form, settings, now=NOW + DAY)
        found[form] = (folder / "published" / f"{form}.out").read_bytes()
    return found


def generated(chance):
    """Claims of every kind on values that are sorted in many ways."""
    tags = ["c2", "C2", "phishing", "é", "false-positive", "tlp:amber", 'q"uote']
    for number in range(1_200):
        word = chance.choice(AWKWARD)
        yield claim(
            f"{word}{number % 300}{chance.choice(AWKWARD)}",
            *chance.sample(tags, chance.randrange(3)),
            type=chance.choice(["generic", "file", "user_agent", "registry_key"]),
            source=chance.choice(["one", "Two", "drei"]),
            kind=chance.choice([*Kind, Kind.MALICIOUS]),
            tlp=chance.choice([None, None, *TLP]),
            confidence=chance.choice([None, 0, 55, 100]),
            first_seen=chance.choice([None, NOW - 9 * DAY]),
            last_seen=chance.choice([None, NOW - DAY]),
            valid_until=chance.choice([None, None, NOW + 9 * DAY, NOW + 1]),
            context=chance.choice([None, {"note": word, "n": number % 3}]),
        )
    for number in range(300):
        yield claim(f"198.51.{number % 100}.{number % 256}", "c2", type="ipv4", source="one")
        yield claim(f"2001:db8::{number:x}", "c2", type="ipv6", source="one")
        yield claim(f"Mixed-{number}.example", "phishing", source="Two")


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(include=("c2",), with_info=True),
        Selection(exclude=("phishing",), untagged=True, most_tlp=TLP.GREEN),
        Selection(sources=("one", "drei"), least_confidence=50),
    ],
    ids=["all", "included", "excluded", "of sources"],
)
def test_the_same_bytes_as_from_a_file(two_stores, tmp_path, selection):
    """Whatever is claimed of whatever values: every format publishes the same bytes from either database."""
    chance = random.Random(7)
    first, second = list(generated(chance)), list(generated(chance))
    found = []
    for name, store in zip(("file", "server"), two_stores, strict=True):
        for turn, claims in enumerate((first, second, first[:300])):
            with store.import_session(NOW + turn) as session:
                session.add(claims)
        withdraw(store, first[0].value, "wrong", NOW + 5)
        found.append((published(store, tmp_path / name, selection), observables.count(store)))
        assert [] == verify(store)

    file, server = found
    assert file[1] == server[1]
    for form in FORMATS:
        assert file[0][form] == server[0][form], form
    assert file[0]["jsonl"].count(b"\n") > 200


@pytest.mark.intel
def test_the_same_bytes_of_real_intelligence(two_stores, tmp_path, intel):
    """Real lists and events, imported the same way, give the same bytes from either database."""
    names = ("lists/ipsum/ipsum.txt", "lists/blackbook/blackbook.csv")
    found = []
    for name, store in zip(("file", "server"), two_stores, strict=True):
        folder = tmp_path / f"{name}-samples"
        folder.mkdir()
        for sample in names:
            lines = (intel / sample).read_text("utf-8").splitlines(keepends=True)
            (folder / Path(sample).name).write_text("".join(lines[:1_500]), "utf-8")
        import_paths(store, [folder], now=NOW)
        found.append(published(store, tmp_path / name, Selection()))

    for form in FORMATS:
        assert found[0][form] == found[1][form], form
    assert found[0]["list"].count(b"\n") > 1_500


def test_rows_leave_by_code_point(postgresql, store):
    """In a database that sorts as people do, rows leave by code point all the same."""
    if postgresql.locale is None:
        pytest.skip("this system has no locale that sorts otherwise; install the package locales")
    values = [f"{word}x" for word in AWKWARD]
    with store.import_session(NOW) as session:
        session.add([claim(value, "c2", type="generic") for value in values])
    with closing(store.connect()) as connection:
        by_people = connection.execute("SELECT value FROM unnest(?::text[]) v(value) ORDER BY value", (values,))
        assert sorted(values) != [value for (value,) in by_people]
    with store.snapshot() as snapshot:
        picked = [row.value for batch in snapshot.rows(Selection(include=("c2",)), NOW) for row in batch]
        scanned = "".join(snapshot.lines(Selection(), NOW, (Column.VALUE, "\n"))).split("\n")[:-1]

    assert sorted(values) == picked == scanned


def test_every_text_is_compared_by_code_point(store):
    """No text column, present or to come, has the collation that the database has by default."""
    query = (
        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_collation l ON l.oid = a.attcollation"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND l.collname <> 'C'"
        " AND c.relname <> 'alembic_version'"
    )
    with closing(store.connect()) as connection:
        assert [] == connection.execute(query).fetchall()


def test_migrated_equals_metadata(url):
    """A migrated database has the tables, columns, keys and indexes of ``core.store.schema``."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), schema.metadata)
    engine.dispose()


def test_a_reader_sees_one_state(url, store):
    """What is written and committed while an export is read is not in it; the next one has it."""
    with store.import_session(NOW) as session:
        session.add([claim(f"h{number:04}.com", "c2") for number in range(3_000)])
    with store.snapshot() as snapshot:
        batches = snapshot.rows(Selection(), NOW + 9)
        first = next(batches)
        with open_store(url) as other, other.import_session(NOW + 1) as session:
            session.add([claim(f"h{number:04}.com", "c2", withdrawn=True) for number in range(1_500)])
            session.add([claim(f"n{number:04}.com", "c2") for number in range(100)])
        rest = [row.value for batch in batches for row in batch]
        count = snapshot.count(Selection(), NOW + 9)

    assert 3_000 == len(first) + len(rest) == count
    with store.snapshot() as snapshot:
        assert 1_600 == snapshot.count(Selection(), NOW + 9)


WRITER = """
import sys
from core.schemas.claim import Claim
from core.store import imports, open_store
imports.BATCH = 500
url, source, turns = sys.argv[1:]
with open_store(url) as store:
    print("ready", flush=True)
    for turn in range(int(turns)):
        with store.import_session({now}) as session:
            session.add(
                Claim(type="hostname", value=f"h{{number}}.com", source=source, tags=("a", f"t{{(number + turn) % 5}}"))
                for number in range(3_000)
            )
"""


def writer(url, source, turns):
    command = [sys.executable, "-c", WRITER.format(now=NOW), url, source, str(turns)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_writers_at_once(url, store):
    """Two importing processes, of the same values and tags, come to what one after the other would."""
    said = [process.communicate() for process in [writer(url, "one", 2), writer(url, "two", 2)]]

    assert [("ready\n", "")] * 2 == said
    assert {"hostname": 3_000} == observables.count(store)
    assert [] == verify(store)
    with closing(store.connect()) as connection:
        # In the second turn each observable gets another of the five tags besides.
        assert 18_000 == connection.execute("SELECT count(*) FROM assertion").fetchone()[0]
        assert 6 == connection.execute("SELECT count(*) FROM tag").fetchone()[0]


def test_a_killed_writer_leaves_nothing_half_done(url, store):
    """A process that is killed while it imports holds nobody up; what it had not committed is not there."""
    process = writer(url, "one", 50)
    process.stdout.readline()
    deadline = time.monotonic() + 30
    while not observables.count(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    began = time.monotonic()
    with store.import_session(NOW + DAY) as session:
        session.add([claim("after.com", "a")])

    assert time.monotonic() - began < 10
    assert 1 == session.report.new
    assert 0 == (observables.count(store)["hostname"] - 1) % 500
    assert [] == verify(store)


def test_claims_are_renewed_while_data_is_written(url, store):
    """Whoever writes for long keeps no run from holding its claim, and no worker from its job."""
    definitions.add_export(store, ExportDefinition("x", "x.txt", format="list"))
    lease = leases.claim(store, "x", "me", NOW)
    jobs.request(store, "x", by="me", now=NOW)
    with open_store(url) as other, closing(other.connect()) as connection, other.database.writing(connection):
        began = time.monotonic()
        leases.renew(store, lease, NOW + 1)
        leases.release(store, lease)
        job = job_claims.claim(store, "worker", NOW + 2)
        job_claims.renew(store, job, NOW + 3, 10)

        assert time.monotonic() - began < 5


def test_a_claim_cannot_be_taken_while_its_version_is_recorded(url, store, monkeypatch):
    """Between the last look at a claim and the commit nobody else gets it, though its time is over."""
    definitions.add_export(store, ExportDefinition("x", "x.txt", format="list"))
    lease = leases.claim(store, "x", "me", NOW)
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 1)
    with open_store(url) as other, store.writing() as connection:
        leases.lease_held(connection, lease)
        with pytest.raises(StoreBusy):
            leases.claim(other, "x", "you", NOW + DAY)

    assert "you" == leases.claim(store, "x", "you", NOW + DAY).owner


def test_fetches_wait_for_no_removal(store):
    """Of an export that is being removed they are recorded another time, or never; others go on."""
    for name in ("a", "b"):
        definitions.add_export(store, ExportDefinition(name, f"{name}.txt", format="list"))
    fetched = [(FetchKey(NOBODY, key, 1), Fetched(NOW, NOW, full=1)) for key in (1, 2)]
    with closing(store.connect()) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM export WHERE name = 'a'")
        began = time.monotonic()
        left = fetches.record(store, fetched)
        took_s = time.monotonic() - began
        other.execute("ROLLBACK")
    assert took_s < 5
    assert fetched[:1] == left
    assert ["b"] == [item.export for item in fetches.fetches(store)]

    assert [] == fetches.record(store, left)
    assert ["a", "b"] == [item.export for item in fetches.fetches(store)]


def test_older_services_stop_when_the_database_is_upgraded(url, store):
    """One that has the store open says that it cannot be used any more, and so does whoever opens it."""
    health.check_schema(store)
    with closing(store.connect()) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreSchemaError, match="the schema of the database is 9999"):
        health.check_schema(store)
    with pytest.raises(StoreSchemaError, match="a newer version wrote it"):
        open_store(url)


def test_a_writer_that_waits_too_long(url, monkeypatch):
    """Who waits for another writer longer than the bound is told so, and nothing was written."""
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 1)
    with open_store(url) as one, open_store(url) as two, one.writing():
        with pytest.raises(StoreBusy, match="another process has been writing to the database for 1 s; try again"):
            kept_templates.put_template(two, "t", "", NOW)
        assert [] == kept_templates.templates(two)


def test_what_was_set_for_the_whole_server_does_not_matter(url):
    """A writer sees what was committed while it waited for its lock, and a reader may take its time."""
    name = url.partition("@/")[2].partition("?")[0]
    with module.PostgresqlDatabase(url).connect().raw as raw:
        raw.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
        raw.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = 100")
    said = []

    def keep_it_too(other):
        try:
            kept_templates.put_template(other, "one", "", NOW)
        except AlreadyExists as error:
            said.append(str(error))

    with open_store(url) as store, open_store(url) as other:
        thread = threading.Thread(target=keep_it_too, args=(other,))
        with store.writing() as connection:
            thread.start()
            time.sleep(0.5)
            connection.execute(insert(schema.template).values(name="one", text="", created_at=1, modified_at=1))
        thread.join()
        with store.snapshot() as snapshot:
            time.sleep(0.3)
            assert 0 == snapshot.count(Selection(), NOW)

    assert ["there is a template 'one' already; --replace replaces it"] == said


def test_sums_are_whole_numbers(store):
    """What is added up is what it is in a file."""
    with closing(store.connect()) as connection, store.reading() as small:
        query = "SELECT sum(x), avg(x) FROM (VALUES (1::bigint), (2)) v(x)"
        found = [connection.execute(query).fetchone(), tuple(small.exec_driver_sql(query).one())]

    assert [(3, 1.5)] * 2 == found
    assert [int, float] == [type(number) for number in found[0]]


def test_what_is_there_already(store):
    """A key that is taken is an error of ours."""
    twice = "INSERT INTO template (name, text, created_at, modified_at) VALUES ('x', '', 1, 1), ('x', '', 1, 1)"
    with pytest.raises(AlreadyExists, match="there is one like that already"), store.writing() as connection:
        connection.exec_driver_sql(twice)


# --- connections ------------------------------------------------------------------------------------------------


def state(connection):
    """What a transaction of the small tables is like, and which process of the server sees to it."""
    asked = "current_setting('transaction_isolation'), current_setting('transaction_read_only'), pg_backend_pid()"
    return tuple(connection.exec_driver_sql(f"SELECT {asked}").one())


def test_readers_see_one_state_and_writers_what_was_committed(store):
    """On one connection, whichever comes after which; by the driver's connection under it, too."""
    found = []
    for _ in range(2):
        with store.reading() as connection:
            found.append(state(connection))
        with store.writing() as connection:
            found.append(state(connection))
    with store.reading() as connection:
        query = "SELECT current_setting('transaction_isolation')"
        under = store.database.under(connection).execute(query).fetchone()

    pid = found[0][2]
    assert [("repeatable read", "on", pid), ("read committed", "off", pid)] * 2 == found
    assert ("repeatable read",) == under


@pytest.fixture
def pings(store, monkeypatch):
    """How often it was asked whether a connection is there."""
    with store.reading() as connection:
        dialect = connection.dialect
    asked, ping = [], dialect.do_ping

    def asking(raw):
        asked.append(1)
        return ping(raw)

    monkeypatch.setattr(dialect, "do_ping", asking)
    return asked


def test_a_connection_that_was_just_used_is_not_asked_for(store, pings, monkeypatch):
    """One that rested is, each time."""
    monkeypatch.setattr(module, "RESTED_S", 3600)
    for _ in range(3):
        state_of(store)
    assert [] == pings

    monkeypatch.setattr(module, "RESTED_S", 0)
    for _ in range(3):
        state_of(store)
    assert [1] * 3 == pings


def state_of(store):
    with store.reading() as connection:
        return state(connection)


def cut(postgresql, url):
    """End every connection to a database, as a server does that is started anew."""
    with postgresql.closed(url):
        pass


@pytest.mark.parametrize("said", [True, False], ids=["said", "rested"])
def test_a_server_that_was_started_anew_is_not_noticed(postgresql, url, store, pings, monkeypatch, said):
    """The server said so, or the connection rested: another one is used."""
    before = state_of(store)
    if not said:
        monkeypatch.setattr(module, "RESTED_S", 0)
        monkeypatch.setattr(module.select, "poll", Silent)
    cut(postgresql, url)
    after = state_of(store)

    assert [1] == pings
    assert before[:2] == after[:2]
    assert before[2] != after[2]


class Silent:
    """A poll that sees nothing: the other end was lost without a word."""

    def register(self, *_):
        pass

    def poll(self, *_):
        return []


@pytest.mark.parametrize("opened", ["reading", "writing"])
def test_a_connection_that_was_lost_just_now(postgresql, url, store, pings, monkeypatch, opened):
    """Nobody could tell: who uses it first is to try again, and then it works."""
    monkeypatch.setattr(module, "RESTED_S", 3600)
    monkeypatch.setattr(module.select, "poll", Silent)
    state_of(store)
    cut(postgresql, url)
    with pytest.raises(StoreAway, match="try again"), getattr(store, opened)() as connection:
        state(connection)
    with getattr(store, opened)() as connection:
        state(connection)

    assert [] == pings


def process_of(snapshot):
    (pid,) = snapshot.connection.execute("SELECT pg_backend_pid()").fetchone()
    return pid


def temporary(snapshot):
    """What temporary tables there are, but for those that every snapshot has."""
    query = "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
    return {name for (name,) in snapshot.connection.execute(query)} - {"kept_off", "kept_off_reason"}


def test_a_snapshot_begins_where_the_last_one_ended(store):
    """The process of the server is the same, and nothing is left: no table, nothing that is kept off, no old state."""
    few, every = Selection(include=("few",)), Selection()
    with store.import_session(NOW) as session:
        session.add([claim(f"h{number:04}.com", "c2", *(["few"] * (number < 9))) for number in range(100)])
    with store.snapshot() as snapshot:
        process = process_of(snapshot)
        snapshot.keep_off([(1, "{}")])
        snapshot.add_pieces([(1, "cidr", "9.9.8.0/23")])
        assert 8 == snapshot.count(few, NOW)
        assert temporary(snapshot)
        with store.import_session(NOW) as session:
            session.add([claim("new.com", "few")])
    with store.snapshot() as snapshot:
        assert process == process_of(snapshot)
        assert set() == temporary(snapshot)
        assert [] == list(snapshot.pieces) == snapshot.kept_off(every, NOW)
        assert (10, 101) == (snapshot.count(few, NOW), snapshot.count(every, NOW))
        snapshot.choose([2])
    with store.snapshot() as snapshot:
        assert process == process_of(snapshot)
        assert 101 == snapshot.count(every, NOW)


def test_two_snapshots_at_once(store):
    """Each has a connection of its own; one of them is kept."""
    with store.snapshot() as one, store.snapshot() as two:
        processes = {process_of(one), process_of(two)}
        assert 2 == len(processes)
    with store.snapshot() as one, store.snapshot() as two:
        assert 1 == len(processes & {process_of(one), process_of(two)})


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_left_half_read_is_in_no_way_of_the_next_snapshot(store, fails):
    """Read on, it says that its connection is closed; dropped, it drops nothing of others."""
    with store.import_session(NOW) as session:
        session.add([claim(f"h{number:05}.com", "c2") for number in range(9_000)])
    with suppress(StoreError), store.snapshot() as snapshot:
        pid = process_of(snapshot)
        scanned, not_begun, chosen = (snapshot.rows(Selection(), NOW) for _ in range(3))
        table = snapshot.selected(Selection(), NOW)
        table.__enter__()
        next(scanned)
        if fails:
            with store.database.errors():
                snapshot.connection.execute("SELECT 1 / 0")
    with store.snapshot() as snapshot, snapshot.selected(Selection(), NOW) as mine:
        assert pid == process_of(snapshot)
        for left in (scanned, not_begun):
            with pytest.raises((psycopg.Error, StoreError)):
                next(left)
        for left in (scanned, chosen, table.gen):
            left.close()
        assert (9_000,) == snapshot.connection.execute(f"SELECT count(*) FROM {mine}").fetchone()
        assert 9_000 == sum(map(len, snapshot.rows(Selection(), NOW)))


def test_a_snapshot_after_the_server_was_started_anew(postgresql, url, store):
    """The connection that the last one left is lost, or is lost while it is used: the next snapshot has another."""
    with store.import_session(NOW) as session:
        session.add([claim("one.com", "c2")])
    with store.snapshot() as snapshot:
        before = process_of(snapshot)
    cut(postgresql, url)
    with store.snapshot() as snapshot:
        assert before != process_of(snapshot)
        assert 1 == snapshot.count(Selection(), NOW)
    with store.snapshot() as snapshot:
        cut(postgresql, url)
        with pytest.raises(StoreAway, match="try again"):
            snapshot.count(Selection(), NOW)
    with store.snapshot() as snapshot:
        assert 1 == snapshot.count(Selection(), NOW)


def test_a_store_that_is_closed_has_no_connection(postgresql, url):
    """Those that were kept for the next one are closed with it."""
    with open_store(url) as store:
        with store.snapshot() as snapshot:
            raw = snapshot.connection.raw
        state_of(store)
        assert not raw.closed
    assert raw.closed
    with store.snapshot() as snapshot:  # it may be used again, as connections are made when they are needed
        assert 0 == snapshot.count(Selection(), NOW)
    store.close()


# --- addresses and schemas --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "postgresql://me:hunter2secret@127.0.0.1:1/db",
            r"postgresql://me@127\.0\.0\.1:1/db: the server cannot be reached",
        ),
        (
            "postgres://me:hunter2secret@/db?host=/nowhere",
            r"postgresql://me@/nowhere/db: the server cannot be reached",
        ),
        (
            "postgresql://me:hunter2secret/x@127.0.0.1:1/db",
            r"what is no letter or digit in a user or a password is written as %XX",
        ),
        (
            "postgresql://me:x@hunter2secret@127.0.0.1:1/db",
            r"in a user or a password is written as %XX \(@ as %40\)",
        ),
        ("postgresql://me:x@y@hunter2secret@/db", r"in a user or a password is written as %XX \(@ as %40\)"),
        ("postgresql://127.0.0.1:1/db?password=hunter2secret", "the server cannot be reached"),
        ("postgresql://127.0.0.1:1/db?no_such_option=hunter2secret", "database.url: "),
    ],
)
def test_a_server_that_cannot_be_reached(address, said):
    """The message says where the server should be and what to look at, and no password."""
    with pytest.raises(StoreError, match=said) as caught:
        open_store(address)

    assert "hunter2secret" not in str(caught.value)


def test_no_such_database(postgresql):
    """A database that is not there says how to make it."""
    with pytest.raises(StoreError, match="there is no such database on the server"):
        open_store(postgresql.url("nothing"))


@pytest.fixture
def empty_url(postgresql):
    made = postgresql.make()
    yield made
    postgresql.drop(made)


def test_an_empty_database_is_refused_until_it_is_upgraded(empty_url):
    """Opening makes no tables on a server; the upgrade does, and again is nothing."""
    with pytest.raises(
        StoreSchemaError, match="the database is empty; bring it up to date with: yetictl db upgrade"
    ):
        open_store(empty_url)

    assert (None, migrate.REVISIONS[-1]) == migrate.upgrade(empty_url)
    assert (migrate.REVISIONS[-1],) * 2 == migrate.upgrade(empty_url)
    open_store(empty_url).close()


@pytest.mark.parametrize(
    ("revision", "said"),
    [("0004", r"has the schema 0004.*yetictl db upgrade"), ("9999", r"9999.*a newer version wrote it")],
)
def test_another_schema_is_refused(url, store, revision, said):
    """Neither an older nor a newer database is used, or changed."""
    with closing(store.connect()) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        with pytest.raises(StoreSchemaError, match=said):
            open_store(url)

        assert (revision,) == connection.execute("SELECT version_num FROM alembic_version").fetchone()


def test_a_database_of_another_program(empty_url):
    """Where another program has its tables nothing is made; a queue may be there."""
    with module.PostgresqlDatabase(empty_url).connect().raw as raw:
        raw.execute("CREATE TABLE procrastinate_jobs (x int)")
        raw.execute("CREATE TABLE theirs (x int)")
    for act in (open_store, migrate.upgrade):
        with pytest.raises(StoreError, match="a database of another program"):
            act(empty_url)
    with module.PostgresqlDatabase(empty_url).connect().raw as raw:
        raw.execute("DROP TABLE theirs")

    assert migrate.upgrade(empty_url)[0] is None


def test_two_upgrades_at_once(empty_url):
    """Of several that upgrade at once one does it; the others wait, and find it done."""
    code = f"from core.store.migrate import upgrade; print(upgrade({empty_url!r})[0])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(process.communicate() for process in processes)

    assert [(f"{migrate.REVISIONS[-1]}\n", "")] * 2 + [("None\n", "")] == said
    open_store(empty_url).close()


def test_the_locks_are_different_ones(store):
    """Writers of data and of claims do not wait for each other; two of one kind do."""
    assert 3 == len({module._NUMBERS[lock] for lock in Lock})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("SELECT '?' || \"?\" WHERE a = ? AND b = ?", "SELECT '?' || \"?\" WHERE a = $1 AND b = $2"),
        ("SELECT 'it''s temp.x?' FROM temp.x", "SELECT 'it''s temp.x?' FROM pg_temp.x"),
        ("FROM a INDEXED BY i CROSS JOIN b ON b.x IS NOT a.x", "FROM a JOIN b ON b.x IS DISTINCT FROM a.x"),
        (
            "a IS ? AND b IS NOT NULL AND c IS NOT TRUE",
            "a IS NOT DISTINCT FROM $1 AND b IS NOT NULL AND c IS NOT TRUE",
        ),
        (
            "CREATE TEMP TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
            'CREATE TEMP TABLE t (id BIGINT PRIMARY KEY, x TEXT COLLATE "C")',
        ),
        ("SELECT 'CROSS JOIN' AS INTEGER", "SELECT 'CROSS JOIN' AS INTEGER"),
    ],
)
def test_spelling(said, expected):
    """What is only spelt in another way is put right, outside of texts."""
    assert expected == spelt(said)
