"""``yetictl notify``: try the channels; what is wrong now, and what was told."""

import json
import logging
import re
import subprocess
import sys

import pytest
from ports import free_port
from receivers import mail_server

from core.cli.main import run as run_yetictl

# What Apprise imports when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def yetictl(tmp_path, monkeypatch, capsys, place):
    """Run a command on the store of the test, and return its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YETI_HOME", str(tmp_path))
    monkeypatch.setenv("YETI_DATABASE_URL", place)
    monkeypatch.setenv("YETI_NOTIFY_INSTALLATION", "here")
    monkeypatch.delenv("YETI_CONFIG", raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def call(*arguments):
        capsys.readouterr()
        status = run_yetictl(list(arguments))
        return (status, *capsys.readouterr())

    yield call
    root.handlers[:] = handlers
    root.setLevel(level)


def test_every_channel_is_tried(yetictl, monkeypatch, hook):
    """A test arrives at each, and it is said where."""
    monkeypatch.setenv("YETI_NOTIFY_WEBHOOK_URL", f"{hook.url}/secret-path")
    with mail_server() as box:
        for name, text in {"HOST": "127.0.0.1", "PORT": box.port, "TLS": "none", "TO": "ann@example.org"}.items():
            monkeypatch.setenv(f"YETI_NOTIFY_SMTP_{name}", str(text))
        monkeypatch.setenv("YETI_NOTIFY_SMTP_FROM", "yeti@example.org")
        status, out, err = yetictl("notify", "test")

    assert (0, "") == (status, out)
    assert f"webhook: told, {hook.url}\nmail: told, 127.0.0.1:{box.port} for ann@example.org\n" == err
    assert [("test", "", "test")] == hook.told
    assert "[Yeti Exports, here] a test" == box.mails[0][2]["Subject"]


def test_one_that_fails_is_a_failure(yetictl, monkeypatch, hook):
    """Status 1, and why, without what is secret in the address; the other one is told all the same."""
    port = free_port()
    monkeypatch.setenv("YETI_NOTIFY_WEBHOOK_URL", f"http://127.0.0.1:{port}/secret-path")
    monkeypatch.setenv("YETI_NOTIFY_APPRISE_URLS", hook.url.replace("http:", "json:"))
    status, out, err = yetictl("notify", "test", "--json")

    assert 1 == status
    why = f"the webhook at http://127.0.0.1:{port} was not reached: Connection refused"
    assert [
        {"channel": "webhook", "place": f"http://127.0.0.1:{port}", "told": False, "why": why},
        {"channel": "chat", "place": "json://…", "told": True, "why": ""},
    ] == json.loads(out)
    assert "secret-path" not in out + err
    assert 1 == len(hook.posted)

    assert 0 == yetictl("notify", "test", "--channel", "chat")[0]
    status, _, err = yetictl("notify", "test", "--channel", "mail")
    assert 2 == status
    assert "no channel 'mail' is set up; there is webhook, chat" in err


def test_without_a_channel_it_is_said_how_to_set_one_up(yetictl):
    """Status 1, and the settings."""
    status, _, err = yetictl("notify", "test")

    assert 1 == status
    assert "no channel is set up; set notify.webhook_url, or notify.smtp_host" in err


def test_secrets_are_not_shown(yetictl, monkeypatch):
    """Neither by ``config show`` nor by ``doctor``."""
    for name in ("WEBHOOK_URL", "WEBHOOK_SECRET", "SMTP_PASSWORD", "APPRISE_URLS"):
        monkeypatch.setenv(f"YETI_NOTIFY_{name}", "https://geheim/")
    _, out, err = yetictl("config", "show")

    assert "geheim" not in out + err
    assert "notify.webhook_url" in out


def test_what_is_wrong_and_what_was_told(yetictl, define, fill, run, tell, hook, telling):
    """Before anybody looked, after it was told, and when it is over."""
    status, out, err = yetictl("notify", "list")
    assert (0, "", "all is as it should be\n") == (status, out, err)
    define("x", limits={"least": "3"})
    fill(1)
    run("x")
    found = json.loads(yetictl("notify", "list", "--json")[1])
    assert [("held", "x", "")] == [(item["kind"], item["subject"], item["told_by"]) for item in found["now"]]
    assert [] == found["told"]

    hook.statuses.append(500)
    tell()
    _, out, _ = yetictl("notify", "list")
    # The clock of a run goes on while it lasts, so the seconds are not known beforehand.
    said = r"The list x is held since 2026-09-21 14:\d\d:\d\d UTC: the list would have 1 entry; the least is 3\."
    assert re.search(said, out), out
    assert f"x is held  webhook: waiting (the webhook at {hook.url} answered 500 Internal Server Error)" in out
    fill(2, 3)
    run("x")
    assert "held" not in yetictl("notify", "list")[1].partition("told")[0]
    found = json.loads(yetictl("notify", "list", "--json")[1])
    (notice,) = found["told"]
    assert ("held", "x", "waiting", 1) == (
        notice["kind"],
        notice["subject"],
        notice["deliveries"][0]["state"],
        notice["deliveries"][0]["attempts"],
    )


def test_a_setting_that_cannot_be_used_ends_the_service_at_once(tmp_path):
    """It is said with the setting's name, before anything runs."""
    done = subprocess.run(
        [sys.executable, "-m", "core", "tasks", "--once"],
        env={"YETI_HOME": str(tmp_path), "YETI_NOTIFY_WEBHOOK_URL": "hooks.example.org/geheim", "PATH": "/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 1 == done.returncode
    assert "notify.webhook_url must be an address such as" in done.stderr
    assert "geheim" not in done.stderr
