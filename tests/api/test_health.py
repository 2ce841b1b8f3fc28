"""Whether a process lives, and whether it can do its work, as whoever watches it asks."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from databases import Databases
from served import Api
from servers import black_hole

from core.api import kept, readiness
from core.clients.persistient_storage.s3 import connection
from core.schemas.export import ExportDefinition
from core.schemas.instant import SECOND
from core.store import definitions, jobs, workers
from core.store.schema import export


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are kept for two seconds, which tests would have to wait for."""
    monkeypatch.setattr(readiness, "KEPT_S", 0.0)


def asked(api: Api) -> httpx.Response:
    """What /readyz says to somebody whom nobody knows."""
    with api.client(None) as client:
        return client.get("/readyz")


def make_due(api: Api, late_s: int) -> None:
    """Let a run wait that should have begun so many seconds ago."""
    with api.services.store() as store:
        definitions.add_export(store, ExportDefinition("x", "x.txt", format="list"))
        jobs.request(store, "x", by="test", now=api.clock.now, due_at=api.clock.now - late_s * SECOND)


def test_a_process_that_lives_says_so(api: Api, new_databases: Databases) -> None:
    """``/healthz`` needs nobody's name and no store: a database that is gone is no reason to begin it anew."""
    with new_databases.away(api.database), api.client(None) as client:
        answer, head = client.get("/healthz"), client.head("/healthz")

    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())
    assert (200, b"") == (head.status_code, head.content)


def test_a_new_installation_is_ready(api: Api) -> None:
    """Nothing was published, so that there need be no folder; nothing is due, so that nobody need be at work."""
    answer = asked(api)

    fine = {"ok": True, "message": ""}
    assert 200 == answer.status_code
    assert {"status": "ready", "checks": {"store": fine, "storage": fine, "queue": fine}} == answer.json()


def test_a_database_of_another_version_is_not_ready(api: Api) -> None:
    """A newer program brought it up to date while this one was running: 503, and what is wrong."""
    assert 200 == asked(api).status_code
    with api.services.store() as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = asked(api)

    assert (503, "not ready") == (answer.status_code, answer.json()["status"])
    said = answer.json()["checks"]["store"]
    assert {"ok": False, "message": "the schema of the store is not this program's"} == said
    assert "the store cannot be asked" == answer.json()["checks"]["queue"]["message"]


@pytest.mark.sqlite  # a server makes no database by the way
def test_a_database_that_is_gone_is_not_ready_nor_made_anew(api: Api) -> None:
    """An empty new one would look well, and be worse than none."""
    assert 200 == asked(api).status_code
    api.database.unlink()
    answer = asked(api)

    assert (503, False) == (answer.status_code, answer.json()["checks"]["store"]["ok"])
    assert not api.database.exists()


def test_ready_again_when_it_is_mended(api: Api, new_databases: Databases) -> None:
    """What was wrong is not remembered."""
    with new_databases.away(api.database):
        away = asked(api)

    assert (503, 200) == (away.status_code, asked(api).status_code)


def test_a_storage_that_cannot_be_reached_is_not_ready(
    make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, with words that tell a stranger neither the bucket nor the server nor a key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    api = make_api(system_export_path="s3://hidden-bucket/lists")
    answer = asked(api)

    assert (503, "not ready") == (answer.status_code, answer.json()["status"])
    assert {"ok": False, "message": "the storage cannot be reached"} == answer.json()["checks"]["storage"]
    assert not any(word in answer.text for word in ("hidden-bucket", "127.0.0.1", "nobody", "lists"))


def test_a_storage_that_never_answers_holds_nobody_up(
    make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is told after a while, though the request to the storage is still on its way."""
    monkeypatch.setattr(readiness, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 60)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    before = set(threading.enumerate())
    with black_hole() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        api = make_api(system_export_path="s3://bucket/lists")
        asked(api)
        answer = asked(api)
        probes = [thread for thread in set(threading.enumerate()) - before if thread.name == "storage probe"]

    assert "the storage does not answer" == answer.json()["checks"]["storage"]["message"]
    assert 1 == len(probes)


def test_a_folder_that_was_a_file_all_along_is_not_ready(make_api: Callable[..., Api], tmp_path: Path) -> None:
    """Nothing can be published into what is no folder."""
    (tmp_path / "lists").write_text("no folder")
    answer = asked(make_api(system_export_path=str(tmp_path / "lists")))

    assert (503, False) == (answer.status_code, answer.json()["checks"]["storage"]["ok"])
    assert str(tmp_path) not in answer.text


def test_nobody_who_runs_what_is_due_is_said_and_takes_nothing_offline(api: Api) -> None:
    """What is published can be fetched all the same: a balancer that asks here goes on sending requests."""
    make_due(api, late_s=61)
    answer = asked(api)

    assert (200, "degraded") == (answer.status_code, answer.json()["status"])
    message = "runs are due, and nobody was seen in the last minute who does them"
    assert {"ok": False, "message": message} == answer.json()["checks"]["queue"]


def test_a_schedule_that_nobody_looks_at_is_said(api: Api) -> None:
    """Workers make jobs of schedules: without any there is not even a job that waits."""
    make_due(api, late_s=0)
    with api.services.store() as store:
        jobs.cancel(store, "x", api.clock.now, by="test")
        with store.writing() as connection:
            connection.execute(export.update().values(schedule="every:3600", modified_at=api.clock.now))
    soon = asked(api).json()["status"]
    api.clock.now += 61 * SECOND

    assert ("ready", "degraded") == (soon, asked(api).json()["status"])


def test_a_worker_that_was_seen_is_enough(api: Api) -> None:
    """One that died, or was seen longer than a minute ago, is none."""
    make_due(api, late_s=61)
    with api.services.store() as store:
        workers.seen(store, "host:1:2", api.clock.now, api.clock.now - 59 * SECOND)
    seen = asked(api).json()["status"]
    api.clock.now += 2 * SECOND
    long_ago = asked(api).json()["status"]

    assert ("ready", "degraded") == (seen, long_ago)


def test_what_is_due_just_now_needs_nobody_yet(api: Api) -> None:
    """Whoever calls ``tasks --once`` every minute is in time."""
    make_due(api, late_s=50)

    assert "ready" == asked(api).json()["status"]


def test_asking_often_is_looking_once(
    make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For two seconds the answer stays: strangers cannot hammer the storage through us."""
    now = [0.0]
    monkeypatch.setattr(readiness, "KEPT_S", 2.0)
    monkeypatch.setattr(kept, "time", SimpleNamespace(monotonic=lambda: now[0]))
    api = make_api(system_export_path=str(tmp_path / "lists"))
    first = asked(api).status_code
    (tmp_path / "lists").write_text("no folder any more")
    now[0] = 1.9
    again = asked(api).status_code
    now[0] = 2.1

    assert (200, 200, 503) == (first, again, asked(api).status_code)


def test_definitions_are_not_touched(api: Api, new_databases: Databases) -> None:
    """Nothing is written by looking."""
    before = new_databases.content(api.database)
    asked(api)

    assert before == new_databases.content(api.database)
    with api.services.store() as store:
        assert [] == definitions.exports(store)
