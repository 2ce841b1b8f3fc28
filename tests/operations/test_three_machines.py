"""What run-on-three-machines.md says, with three home folders in place of machines, on a server of PostgreSQL."""

import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from databases import PostgresqlServer
from running import ROOT, new_key, service, until, yetictl

from core.config import load
from core.store import figures, health, open_store, runs, workers
from core.store.jobs import DONE, find

PAGE = (ROOT / "docs/how-to/run-on-three-machines.md").read_text("utf-8")


def printed_settings() -> dict[str, str]:
    """The variables of the page."""
    return dict(word.split("=", 1) for word in shlex.split(env_file()))


def env_file() -> str:
    """What goes into ``/etc/yeti/yeti.env``."""
    return "".join(re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL))


def test_the_settings_are_settings(tmp_path: Path) -> None:
    """Every one can be read, and none is taken for a slip."""
    config = load(printed_settings(), tmp_path, tmp_path)

    assert () == config.warnings
    assert "s3://bucket/lists" == config["system.export_path"]
    assert "PASSWORD" not in config.values["database.url"].shown


def test_commands_get_what_services_get(tmp_path: Path) -> None:
    """systemd reads the file word by word, and a shell that reads it hands on the same."""
    (tmp_path / "yeti.env").write_text(env_file())
    script = "set -a; . ./yeti.env; set +a; env -0"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    got = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)

    assert "set -a; . /etc/yeti/yeti.env; set +a" in PAGE
    assert printed_settings().items() <= got.items()
    assert '"' not in "".join(printed_settings().values())


@pytest.mark.timeout(600)
def test_two_machines_share_a_database_and_a_storage(postgresql: PostgresqlServer, tmp_path: Path) -> None:
    """Refused before ``db upgrade``; then each knows the other's users, an export runs once, and figures are the same."""
    printed = {"api_processes": "2", "log_format": "json"}
    assert {f"YETI_{name.upper()}": value for name, value in printed.items()}.items() <= printed_settings().items()
    places = {name: str(tmp_path / name) for name in ("lists", "versions")}
    shared = {"system_export_path": places["lists"], "system_versions_path": places["versions"]}
    shared |= {"database_url": postgresql.make(), **printed}
    one, two = tmp_path / "one", tmp_path / "two"
    with service(one, "api", **shared) as early:
        assert 1 == early.ends()
    assert "yetictl db upgrade" in early.text

    yetictl(one, "db", "upgrade", **shared)
    (tmp_path / "feed.txt").write_text("8.8.4.1\n")
    yetictl(two, "import", str(tmp_path / "feed.txt"), "--tag", "c2", **shared)
    key = new_key(one, **shared)
    yetictl(two, "export", "add", "x", "--format", "list", "--include", "c2", "--every", "1h", **shared)
    with (
        service(one, "api", **shared) as first,
        service(two, "api", **shared) as second,
        service(one, "tasks", **shared) as worker,
        service(two, "tasks", **shared),
        open_store(shared["database_url"]) as store,
    ):
        urls = [first.answers(), second.answers()]
        token = httpx.post(f"{urls[0]}/api/v2/auth/api-token", headers={"x-yeti-apikey": key}).json()[
            "access_token"
        ]
        me = httpx.get(f"{urls[1]}/api/v2/auth/me", headers={"Authorization": f"Bearer {token}"})
        until(lambda: find(store, states=(DONE,)), within_s=60)
        until(lambda: 2 == len(workers.lately(store, time.time_ns() // 1_000)))
        asking = {"Authorization": f"Bearer {key}"}
        pages = [httpx.get(f"{url}/metrics", headers=asking).text for url in urls]
        ready = [httpx.get(f"{url}/readyz").json()["status"] for url in urls]
        assert 0 == worker.ends(signal.SIGTERM)
        now = time.time_ns() // 1_000
        assert 1 == len(workers.lately(store, now))
        assert 1 == len(runs.runs(store, "x"))
        assert [1] == [item.entries for item in figures.exports(store)]
        assert 0 == health.queue(store, now).due

    assert "somebody" == me.json()["username"]
    assert ["ready", "ready"] == ready
    for text in ('yeti_export_entries{export="x"} 1.0', "yeti_workers 2.0", 'status="completed"} 1.0'):
        assert [True, True] == [text in page for page in pages]
    assert "8.8.4.1\n" == (tmp_path / "lists/x.txt").read_text()
