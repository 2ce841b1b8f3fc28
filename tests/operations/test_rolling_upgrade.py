"""A newer version upgrades the database while services of this one run: they go on, or stop with words."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from running import ROOT, Service, environ, new_key, service, until, yetictl
from schema_ahead import ADDS, CHANGES, upgrade_ahead

from core.store import open_store, runs
from core.store.jobs import DONE, find
from core.store.migrate import REVISIONS

HERE, NEXT = REVISIONS[-1], f"{int(REVISIONS[-1]) + 1:04}"
NOTE = "a newer version has upgraded the store, and this one may use it"


@dataclass
class Installation:
    """Services that run, and how to ask them."""

    home: Path
    settings: dict[str, str]
    key: str
    api: Service
    tasks: Service

    def ask(self, method: str, path: str, **given: object) -> httpx.Response:
        """Ask as an admin."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, f"{self.api.url}{path}", headers=headers, timeout=30, **given)  # type: ignore[arg-type]

    def ready(self) -> tuple[int, dict[str, dict[str, object]]]:
        """What ``/readyz`` says."""
        answer = self.ask("GET", "/readyz")
        return answer.status_code, answer.json()["checks"]

    def fails(self, *arguments: str) -> str:
        """Run a command that fails, and return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "core", *arguments],
            env=environ(self.home, **self.settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 1 == done.returncode, done.stderr + done.stdout
        return done.stderr + done.stdout


@contextmanager
def installed(home: Path, url: str) -> Iterator[Installation]:
    """An installation with an export of one address that runs each hour, of services that answer."""
    settings = {
        "database_url": url,
        "system_export_path": str(home / "lists"),
        "system_versions_path": str(home / "versions"),
    }
    home.mkdir()
    yetictl(home, "db", "upgrade", **settings)
    (home / "feed.txt").write_text("8.8.4.1\n")
    yetictl(home, "import", str(home / "feed.txt"), "--tag", "c2", **settings)
    yetictl(home, "export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h", **settings)
    key = new_key(home, **settings)
    with service(home, "api", **settings) as api, service(home, "tasks", **settings) as tasks:
        api.answers()
        yield Installation(home, settings, key, api, tasks)


def done(url: str) -> int:
    """How many jobs were done."""
    with open_store(url) as store:
        return len(find(store, states=(DONE,)))


@pytest.mark.timeout(600)
def test_what_was_only_added_to_goes_on_being_used(database_of_either: str, tmp_path: Path) -> None:
    """Services of the older version stay ready, run exports and take changes, and commands of it can be used."""
    with installed(tmp_path / "home", database_of_either) as here:
        until(lambda: done(database_of_either) == 1)
        upgrade_ahead(database_of_either, tmp_path / "ahead", (ADDS, HERE))
        until(lambda: here.ready()[1]["store"]["message"] == NOTE)
        status, checks = here.ready()
        value = {"value": "new.example.com", "type": "hostname", "tags": ["c2"]}
        added = [
            here.ask("POST", "/api/v2/observables/", json=value | {"value": f"n{n}.example.com"}) for n in range(8)
        ]
        asked = here.ask("POST", "/api/v2/tasks/x/run")
        until(lambda: done(database_of_either) == 2)
        found = here.ask("GET", "/exports/x.txt")
        doctor = json.loads(yetictl(here.home, "doctor", "--json", **here.settings))
        yetictl(here.home, "export", "edit", "x", "--description", "new", **here.settings)
        again = yetictl(here.home, "db", "upgrade", **here.settings)
        refused = here.fails("db", "backup", str(tmp_path / "b.zip"))
        with open_store(database_of_either) as store:
            kept = [item.version for item in runs.runs(store, "x")]

    assert (200, True) == (status, checks["store"]["ok"])
    assert [200] * 8 == [answer.status_code for answer in added]
    assert (200, 200) == (asked.status_code, found.status_code)
    assert {"8.8.4.1"} | {f"n{n}.example.com" for n in range(8)} == {*found.text.split()}
    assert [2, 1] == kept
    (warned,) = [item["detail"] for item in doctor if (item["check"], item["status"]) == ("store", "warning")]
    assert f"a newer version has upgraded the database to schema {NEXT}; this one, which has {HERE}" in warned
    assert "" == again
    assert f"its schema is {NEXT}, and this program knows the tables of {HERE} only" in refused
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.timeout(600)
def test_what_was_changed_stops_the_older_version(database_of_either: str, tmp_path: Path) -> None:
    """Not ready, nothing is begun or taken, and every word says why; what was published stays where it is."""
    with installed(tmp_path / "home", database_of_either) as here:
        until(lambda: done(database_of_either) == 1)
        here.ask("POST", "/api/v2/tasks/x/toggle")
        upgrade_ahead(database_of_either, tmp_path / "ahead", (ADDS, HERE), (CHANGES, f"{int(HERE) + 2:04}"))
        until(lambda: here.ready()[0] == 503)
        checks = here.ready()[1]
        until(lambda: f"schema is {int(HERE) + 2:04}" in here.tasks.text.replace("of the database ", ""))
        answers = [
            here.ask("POST", "/api/v2/tasks/x/run"),
            here.ask("POST", "/api/v2/observables/", json={"value": "n.example.com", "type": "hostname"}),
            here.ask("GET", "/api/v2/exports/definitions/x"),
        ]
        refused = here.fails("export", "list")
        said = here.tasks.text + here.api.text

    assert "the schema of the store is not this program's" == checks["store"]["message"]
    assert [503] * 3 == [answer.status_code for answer in answers]
    assert "Traceback" not in said
    assert (
        f"its schema is {int(HERE) + 2:04}, this program knows up to {HERE}; a newer version wrote it" in refused
    )
    assert "8.8.4.1\n" == (tmp_path / "home/lists/x.txt").read_text()
