"""On PostgreSQL: workers are woken by Procrastinate, in processes of their own, and each run happens once."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StorageError
from core.schemas.instant import SECOND
from core.store import definitions, job_claims, jobs, leases, migrate, open_store, runs, wake_ups
from core.store.databases import queue_schema
from core.store.databases.interface import Lock
from core.store.definitions import export_id
from core.tasks.queues import Crew, procrastinate
from core.tasks.silence import OF_STRANGERS_S
from core.tasks.worker import BUSY_PAUSE_S, Worker
from tests.tasks.test_service import SLOW, program, until

HERE = Path(__file__).parents[2]


@pytest.fixture
def place(postgresql):
    """The address of a store on a server."""
    made = postgresql.make("made")
    yield made
    postgresql.drop(made)


@pytest.fixture
def home(place, tmp_path):
    """A home folder with a list of two addresses that is published through a slow storage, once an hour."""
    plugins = tmp_path / "home/plugins/storage"
    plugins.mkdir(parents=True)
    (plugins / "slow.py").write_text(SLOW)
    (tmp_path / "lists").mkdir()
    (tmp_path / "home/feed.txt").write_text("8.8.4.1\n8.8.4.2\n")
    yetictl(tmp_path, place, "import", tmp_path / "home/feed.txt", "--tag", "c2")
    add = ("export", "add", "x", "--format", "list", "--include", "c2", "--to", f"slow://{tmp_path}/lists")
    yetictl(tmp_path, place, *add, "--every", "1h")
    return tmp_path


def environ(folder, url):
    """What the processes of a test see."""
    home = str(folder / "home")
    own = {"YETI_HOME": home, "YETI_CONFIG": "", "YETI_DATABASE_URL": url}
    return os.environ | own | {"YETI_SYSTEM_VERSIONS_PATH": f"{home}/versions"}


def yetictl(folder, url, *arguments):
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)],
        env=environ(folder, url),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done


FREQUENT_LOOKS = """
from core.tasks.queues import procrastinate

procrastinate.MEND_EVERY_S = 0.5
"""
SELDOM_LOOKS = """
from core.tasks.service import TaskService

TaskService.__init__.__kwdefaults__["look_every_s"] = 600.0
"""

ELSEWHERE = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
"""What makes a program believe that it is on another host."""


@contextmanager
def service(folder, url, *options, on=(), first=""):
    """A running service; killed at the end if it runs still."""
    log = folder / f"tasks-{time.monotonic_ns()}.log"
    with (
        log.open("w") as talk,
        subprocess.Popen(
            [*on, *program(first), "-v", "tasks", *options],
            env=environ(folder, url),
            cwd=HERE,
            stderr=talk,
        ) as process,
    ):
        try:
            until(lambda: "tasks began" in log.read_text() or process.poll() is not None)
            assert None is process.poll(), log.read_text()
            yield process
        finally:
            process.kill()
            process.wait()
            assert "Traceback" not in log.read_text(), log.read_text()


def ended(url):
    """The jobs that ended."""
    with open_store(url) as store:
        return jobs.find(store, states=(jobs.DONE, jobs.FAILED, jobs.CANCELLED))


def woken(store):
    """The wake-ups there are: of which job, in which state, for when."""
    with closing(store.connect()) as connection:
        query = "SELECT args->>'job', status::text, scheduled_at FROM procrastinate_jobs ORDER BY id"
        return [(int(job), state, at) for job, state, at in connection.execute(query).fetchall()]


def add_without_wake_up(store, name):
    """Let a job wait that is due, and that nobody is woken for; return its id."""
    now = time.time_ns() // 1_000
    with store.writing(Lock.BOOKKEEPING) as connection:
        job, _ = jobs.add(connection, export_id(connection, name), cause="request", by="lena", due_at=now, now=now)
        query = "SELECT count(*) FROM procrastinate_jobs"
        before = connection.exec_driver_sql(query).scalar()
        wake_ups.drop(connection, job)
        assert (1, 0) == (before, connection.exec_driver_sql(query).scalar())
    return job


def test_a_job_that_waits_has_a_wake_up(store, define):
    """Asked for later, brought forward, claimed and put back: each time there is one, for that moment."""
    define("x")
    now = time.time_ns() // 1_000
    later, _ = jobs.request(store, "x", by="lena", now=now, due_at=now + 3600 * SECOND)
    ((job, state, at),) = woken(store)
    assert (later.id, "todo", now + 3600 * SECOND) == (job, state, round(at.timestamp() * SECOND))

    jobs.request(store, "x", by="lena", now=now)
    assert [(later.id, "todo", None)] == woken(store)

    claimed = job_claims.claim(store, "somebody", now)
    assert [] == woken(store)

    job_claims.put_back(store, claimed, now + 60 * SECOND, message="not now", counts=True)
    ((job, state, at),) = woken(store)
    assert (later.id, "todo", now + 60 * SECOND) == (job, state, round(at.timestamp() * SECOND))

    jobs.cancel(store, "x", now, by="lena")
    assert [] == woken(store)


def test_a_request_that_is_rolled_back_wakes_nobody(store, define):
    """What a transaction that failed asked for is nowhere."""
    define("x")
    now = time.time_ns() // 1_000
    with store.reading() as connection:
        key = export_id(connection, "x")

    def fail():
        with store.writing(Lock.BOOKKEEPING) as connection:
            jobs.add(connection, key, cause="request", by="lena", due_at=now, now=now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [] == woken(store)
    assert [] == jobs.find(store)


def test_a_missed_schedule_is_one_job(store, define, settings, place):
    """An hourly export that nobody ran for a day is due once, and somebody is woken once."""
    define("x", schedule="every:3600")
    moment = time.time_ns() // 1_000
    assert 1 == Worker(lambda: open_store(place), settings, clock=lambda: moment).plan(store)
    job_claims.finish(store, job_claims.claim(store, "somebody", moment), jobs.DONE, moment)
    worker = Worker(lambda: open_store(place), settings, clock=lambda: moment + 86_400 * SECOND)

    assert [1, 0] == [worker.plan(store), worker.plan(store)]
    assert 1 == len(woken(store))


def test_back_off_is_a_wake_up_later(store, define, fill, settings, place, monkeypatch):
    """A storage that may work again later: the worker puts the job back, and is woken when it is due again."""
    define("x")
    fill(1, 2)
    now = time.time_ns() // 1_000

    def fail(*_, **__):
        error = StorageError("no route")
        error.transient = True
        raise error

    monkeypatch.setattr("core.tasks.worker.run_export", fail)
    asked, _ = jobs.request(store, "x", by="lena", now=now)
    worker = Worker(lambda: open_store(place), settings, clock=lambda: now, chance=lambda: 0.5)

    assert worker.work_on(store, asked.id)
    ((job, state, at),) = woken(store)
    assert (asked.id, "todo", now + 30 * SECOND) == (job, state, round(at.timestamp() * SECOND))
    assert ("waiting", 2) == (jobs.get(store, asked.id).state, jobs.get(store, asked.id).attempt)
    assert not worker.work_on(store, asked.id)


def test_what_is_handed_back_is_given_out_at_once(store, define, fill, settings, place):
    """A worker that ends puts its job back, which counts as no attempt, and another is woken for it."""
    define("x")
    fill(1, 2)
    asked, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
    worker = Worker(lambda: open_store(place), settings)
    worker.leave()

    assert worker.work_on(store, asked.id)
    ((job, state, at),) = woken(store)
    assert (asked.id, "todo") == (job, state)
    assert at.timestamp() <= time.time()
    assert ("waiting", 1) == (jobs.get(store, asked.id).state, jobs.get(store, asked.id).attempt)
    other = Worker(lambda: open_store(place), settings)
    assert other.work_on(store, asked.id)
    assert ("done", []) == (jobs.get(store, asked.id).state, woken(store))


def test_who_comes_too_early_is_woken_again(store, define, settings, place):
    """A job of an export that somebody else runs stays as it is, and its worker is woken again soon."""
    define("x")
    now = time.time_ns() // 1_000
    asked, _ = jobs.request(store, "x", by="lena", now=now)
    lease = leases.claim(store, "x", "somebody", now)
    assert not Worker(lambda: open_store(place), settings).work_on(store, asked.id)
    job_claims.wake_again(store, asked.id, now + 5 * SECOND)

    ((job, state, at),) = woken(store)
    assert (asked.id, "todo", now + 5 * SECOND) == (job, state, round(at.timestamp() * SECOND))
    leases.release(store, lease)
    job_claims.finish(store, job_claims.claim(store, "w", now, only=asked.id), jobs.DONE, now)
    job_claims.wake_again(store, asked.id, now)
    assert [] == woken(store)


def test_a_worker_of_another_host_is_given_half_a_minute(store, define):
    """Whether it lives only its claim tells: as long as that holds nothing is done, then somebody else is woken."""
    define("x")
    now = time.time_ns() // 1_000
    jobs.request(store, "x", by="lena", now=now)
    item = job_claims.claim(store, "elsewhere:1:1", now)
    assert not job_claims.needs_mending(store, now + 29 * SECOND)
    assert job_claims.needs_mending(store, now + 30 * SECOND)

    job_claims.mend(store, now + 30 * SECOND)
    assert [(item.id, "todo", None)] == woken(store)
    assert ("waiting", 2) == (jobs.get(store, item.id).state, jobs.get(store, item.id).attempt)
    assert not job_claims.needs_mending(store, now + 30 * SECOND)


def test_an_older_database_is_refused_and_brought_up_to_date(postgresql, place):
    """One without the queue's tables, or with those of a newer Procrastinate, is refused in words."""
    with open_store(place) as store, closing(store.connect()) as connection:
        schema = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'procrastinate_jobs'"
        ).fetchall()
        assert [("public_queue",)] == schema
        connection.execute("UPDATE yeti_queue_version SET migration = '99.00.00_01'")
    for refused in (open_store, migrate.upgrade):
        with pytest.raises(migrate.StoreSchemaError, match="install the one that the newer installation has"):
            refused(place)
    with closing(store.connect()) as connection:
        connection.execute("DROP SCHEMA public_queue CASCADE")
    with pytest.raises(migrate.StoreSchemaError, match="yetictl db upgrade"):
        open_store(place)
    migrate.upgrade(place)
    open_store(place).close()


def functions(connection):
    """What the queue can do in a database."""
    query = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public_queue'::regnamespace ORDER BY 1"
    return [name for (name,) in connection.execute(query).fetchall()]


def test_its_migrations_are_applied_in_order(place):
    """The tables of an older Procrastinate become those of the one that is installed."""
    folder, known = queue_schema._installed()
    with open_store(place) as store, closing(store.connect()) as connection:
        new = functions(connection)
        connection.execute("DROP SCHEMA public_queue CASCADE; CREATE SCHEMA public_queue")
        connection.execute("SET search_path = public_queue, public")
        for path in queue_schema._files(folder):
            if path.name < "03.02.00":
                connection.raw.execute(path.read_bytes())
        connection.execute("CREATE TABLE yeti_queue_version (migration) AS SELECT '03.01.00_50'")
        old = functions(connection)

        migrate.upgrade(place)

        assert old != new == functions(connection)
        assert (known[-1],) == tuple(connection.execute("SELECT migration FROM yeti_queue_version").fetchone())


def test_nobody_is_waited_for_for_a_minute():
    """Longest for a worker of another host: until its claims ran out, it was silent, and somebody looked, twice."""
    dead_s = max(
        job_claims.LEASE_S + OF_STRANGERS_S,
        leases.LEASE_S + BUSY_PAUSE_S,
        procrastinate.STALLED_AFTER_S + procrastinate.BEAT_EVERY_S,
    )
    assert dead_s + 2 * procrastinate.MEND_EVERY_S < 60


@pytest.mark.parametrize("on", [[], ELSEWHERE], ids=["here", "elsewhere"])
def test_a_killed_run_is_taken_over(home, place, on):
    """SIGKILL in the middle of publishing; another process, which is there already, does it again within a minute."""
    if on and subprocess.run([*on, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a name of another host can be had by root only")
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home, place, on=on) as first:
        until((plugins / "at-work").exists)
        with service(home, place, first=FREQUENT_LOOKS):
            first.send_signal(signal.SIGKILL)
            first.wait(30)
            began = time.monotonic()
            (plugins / "wait").unlink()
            (job,) = until(lambda: ended(place), 120)
            took_s = time.monotonic() - began

    assert ("done", 2) == (job.state, job.attempt)
    assert took_s < 60
    assert not on or took_s > 25  # of another host only claims that ran out tell
    assert "8.8.4.1\n8.8.4.2\n" == (home / "lists/x.txt").read_text()
    with open_store(place) as store:
        assert ["completed", "failed"] == [run.status for run in runs.runs(store, "x")]
        assert [] == [row for row in woken(store) if row[1] == "todo"]


def test_a_signal_lets_the_run_end(home, place):
    """SIGTERM while it publishes: it goes on to its end, and the process ends with 0."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    with service(home, place, "--grace", "60") as first:
        until((plugins / "at-work").exists)
        first.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert None is first.poll()
        (plugins / "wait").unlink()
        assert 0 == first.wait(60)

    (job,) = ended(place)
    assert ("done", 1) == (job.state, job.attempt)


def test_several_services_share_the_work(home, place):
    """Twenty exports are due at once; two processes with two workers each run every one of them once."""
    with open_store(place) as store:
        like = definitions.get_export(store, "x")
        for number in range(20):
            name = f"e{number}"
            definitions.add_export(store, replace(like, name=name, file_name=f"{name}.txt"))
    with service(home, place, "--workers", "2"), service(home, place, "--workers", "2"):
        until(lambda: 21 == len(ended(place)), 120)
        time.sleep(2)

        found = ended(place)
        assert sorted(["x", *(f"e{number}" for number in range(20))]) == sorted(item.export for item in found)
        assert {"done"} == {item.state for item in found}
        assert 2 <= len({item.run_id for item in found})
    with open_store(place) as store:
        assert {1} == {len(runs.runs(store, f"e{number}")) for number in range(20)}
        assert [] == woken(store)


def test_a_request_is_begun_at_once(home, place):
    """Its worker is woken, and does not come by: one that looks every ten minutes only has it."""
    with service(home, place, first=SELDOM_LOOKS), open_store(place) as store:
        until(lambda: ended(place))
        asked, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
        until(lambda: jobs.get(store, asked.id).state == jobs.DONE)


def test_lost_wake_ups_and_cancelling(home, place):
    """One service: a job that lost its wake-up is run all the same, and one is cancelled."""
    plugins = home / "home/plugins/storage"
    with service(home, place), open_store(place) as store:
        until(lambda: ended(place))
        until(lambda: [] == woken(store))
        lost = add_without_wake_up(store, "x")
        until(lambda: jobs.get(store, lost).state == jobs.DONE)

        (plugins / "wait").touch()
        stopped, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
        until(lambda: jobs.get(store, stopped.id).state == jobs.RUNNING)
        waiting, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
        jobs.cancel(store, "x", time.time_ns() // 1_000, by="max")
        (plugins / "wait").unlink()
        until(lambda: jobs.get(store, stopped.id).state not in (jobs.WAITING, jobs.RUNNING))
        assert jobs.CANCELLED == jobs.get(store, waiting.id).state
        until(lambda: [] == woken(store))


def test_a_server_that_is_away_for_a_while(home, place, postgresql):
    """In the middle of a run every connection is cut, and none is let in for some seconds: the run is done, once."""
    import psycopg

    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    name = place.partition("@/")[2].partition("?")[0]
    with service(home, place), psycopg.connect(postgresql.url("postgres"), autocommit=True) as admin:
        until((plugins / "at-work").exists)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(8)
        (plugins / "wait").unlink()
        time.sleep(2)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        (first,) = until(lambda: ended(place), 90)
        assert "done" == first.state
        with open_store(place) as store:
            asked, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
            until(lambda: jobs.get(store, asked.id).state == jobs.DONE)
            until(lambda: [] == woken(store))
    assert "8.8.4.1\n8.8.4.2\n" == (home / "lists/x.txt").read_text()


def test_a_run_outlives_the_connection_it_was_given_out_by(store, define, settings, place, monkeypatch):
    """The only worker is busy with a run that the queue no longer knows of: the next job is woken again, soon."""
    for name in ("x", "y"):
        define(name)
    first, second = (jobs.request(store, name, by="lena", now=time.time_ns() // 1_000)[0] for name in ("x", "y"))
    goes_on, may_end = threading.Event(), threading.Event()

    def run(*_, **__):
        goes_on.set()
        may_end.wait(30)
        raise StorageError("away")

    monkeypatch.setattr("core.tasks.worker.run_export", run)
    worker = Worker(lambda: open_store(place), settings)
    crew = Crew(lambda: open_store(place), [worker], threading.Event(), 1.0)
    queue = procrastinate._Queue(crew, store.database)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(queue._do(first.id), 3))
    try:
        assert goes_on.wait(30)
        asyncio.run(asyncio.wait_for(queue._do(second.id), 10))

        ((job, state, at),) = woken(store)
        assert (second.id, "todo") == (job, state)
        assert time.time() < at.timestamp() < time.time() + 6
    finally:
        may_end.set()
    crew.stops.set()
    queue.work()
    assert (jobs.FAILED, jobs.WAITING) == tuple(jobs.get(store, key).state for key in (first.id, second.id))


def test_a_store_stays_open_from_one_job_to_the_next(
    store, define, settings, place, postgresql, caplog, monkeypatch
):
    """It is checked each time, outlives its connections, is opened anew after an error, and closed in the end."""
    define("x")
    monkeypatch.setattr("core.store.databases.postgresql.RESTED_S", 0)  # it is asked each time whether it is there
    opened = []

    def opens():
        opened.append(open_store(place))
        return opened[-1]

    crew = Crew(opens, [Worker(opens, settings)], threading.Event(), 1.0)
    queue = procrastinate._Queue(crew, store.database)

    def state_after():
        asked, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
        queue._claim_and_run(asked.id)
        return jobs.get(store, asked.id).state

    assert [jobs.DONE] * 2 == [state_after() for _ in range(2)]
    with postgresql.closed(place):
        pass
    assert (jobs.DONE, 1) == (state_after(), len(opened))

    with closing(store.connect()) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        assert jobs.WAITING == state_after()
        assert "the store cannot be used; the job is found again" in caplog.text
        connection.execute("UPDATE alembic_version SET version_num = ?", (migrate.REVISIONS[-1],))
    assert (jobs.DONE, 2) == (state_after(), len(opened))

    assert [False, True] == list(map(in_use, opened))
    crew.stops.set()
    queue.work()
    assert [False, False] == list(map(in_use, opened))


def in_use(store):
    """Whether a store has connections."""
    return "_engine" in store.__dict__


def test_once_works_as_well(home, place):
    """Without a service: what is due is done, and no wake-up is left."""
    assert "1 done\n" == yetictl(home, place, "tasks", "--once").stderr
    assert "nothing is due\n" == yetictl(home, place, "tasks", "--once").stderr
    with open_store(place) as store:
        assert [] == woken(store)


def test_the_wake_up_of_a_dead_worker_is_dropped(place, store, define, settings):
    """One that a worker has who is gone keeps nothing from being run: it goes, and another is made."""
    from procrastinate import App, PsycopgConnector

    from core.tasks.queues import procrastinate as module

    define("x")
    asked, _ = jobs.request(store, "x", by="lena", now=time.time_ns() // 1_000)
    address, parameters = store.database.parameters

    async def die():
        app = App(connector=PsycopgConnector(conninfo=address, kwargs=parameters, configure=module._configure))
        async with app.open_async():
            worker = await app.job_manager.register_worker()
            await app.job_manager.fetch_job(queues=[wake_ups.QUEUE], worker_id=worker)
            await module.drop_stalled(app.job_manager)
            had = woken(store)
            await app.job_manager.unregister_worker(worker)
            await module.drop_stalled(app.job_manager)
            return had

    assert [(asked.id, "doing", None)] == asyncio.run(die())
    assert [] == woken(store)
    Worker(lambda: open_store(place), settings).mend(store)
    assert [(asked.id, "todo", None)] == woken(store)
