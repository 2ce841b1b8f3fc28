"""On PostgreSQL: what becomes of the queue when its connections are lost while a run goes on."""

import time

import psycopg
import pytest

from core.store import jobs, open_store
from tests.tasks.test_procrastinate import home, place, service, yetictl  # noqa: F401 - fixtures
from tests.tasks.test_service import until


@pytest.mark.parametrize("away_s", [0, 8, 33])
def test_idle_workers_go_on_beside_a_run(home, place, postgresql, away_s):  # noqa: F811
    """Every connection is cut while one of two workers is in the middle of a run: the other does what is due then."""
    plugins = home / "home/plugins/storage"
    (plugins / "wait").touch()
    yetictl(home, place, "export", "add", "y", "--format", "list", "--include", "c2")
    name = place.partition("@/")[2].partition("?")[0]
    with (
        service(home, place, "--workers", "2"),
        psycopg.connect(postgresql.url("postgres"), autocommit=True) as admin,
    ):
        until((plugins / "at-work").exists)
        if away_s:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(away_s)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        time.sleep(12)
        with open_store(place) as store:
            asked, _ = jobs.request(store, "y", by="lena", now=time.time_ns() // 1_000)
            until(lambda: jobs.get(store, asked.id).state == jobs.DONE, 40)
            (running,) = jobs.find(store, "x")
            assert ("running", 1) == (running.state, running.attempt)
