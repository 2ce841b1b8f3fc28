"""``yetictl`` as a whole: help, exit statuses, what an error looks like."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from core.cli import main
from core.cli.main import COMMANDS
from core.cli.main import yetictl as root


def walk(command, path=()):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in walk(root)], ids=" ".join)
def test_every_command_explains_itself(yetictl, path):
    """``--help`` works everywhere, says what the command is for, and explains every option."""
    done = yetictl(*path, "--help")

    command = dict(walk(root))[path]
    assert command.help
    assert "\\b" not in done.out
    assert [] == [o.name for o in command.params if isinstance(o, click.Option) and not o.help]


def test_every_command_is_in_the_help(yetictl):
    """The help lists every command with one line on each."""
    text = yetictl("--help").out

    assert [] == [name for name, meaning in COMMANDS.items() if f"{name} " not in text or meaning not in text]


def test_help_loads_nothing_heavy():
    """``yetictl --help`` is quick because it imports neither database, storage nor terminal libraries."""
    code = "import sys; from core.cli.main import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.splitlines()[-1].split())
    assert set() == loaded & {"sqlalchemy", "boto3", "rich", "alembic", "minijinja", "msgspec", "core.store"}


def test_local_work_loads_no_cloud_library(tmp_path):
    """boto3 is imported when an ``s3://`` path is used, not before."""
    code = (
        "import sys; from core.cli.main import run; run(['storage', 'put', 'place', 'name.txt', sys.argv[1]]);"
        "print('boto3' in sys.modules)"
    )
    (tmp_path / "file").write_text("x")
    environ = os.environ | {"YETI_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code, "file"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )

    assert "False" == done.stdout.splitlines()[-1]
    assert "x" == (tmp_path / "place/name.txt").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["imprt"],
        ["import"],
        ["export", "run"],
        ["export", "run", "x", "--all"],
        ["import", "--no-such-option", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(yetictl, arguments):
    """A command line that cannot be understood exits with 2 and shows how it is meant."""
    done = yetictl(*arguments, status=2)

    assert "Usage:" in done.err
    assert "" == done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "show", "nope"], "no export 'nope'"),
        (["export", "run", "nope"], "no export 'nope'"),
        (["template", "show", "nope"], "no template 'nope'"),
        (["observable", "show", "192.0.2.1"], "no observable '192.0.2.1'"),
        (["storage", "get", "place", "nope.txt"], "nope.txt"),
        (["storage", "put", "place", "../x", "/dev/null"], "../x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_failure_is_status_1_in_one_line(yetictl, arguments, words):
    """What fails says so in one line on standard error, without a traceback."""
    done = yetictl(*arguments, status=1)

    assert words in done.err
    assert "Traceback" not in done.err
    assert "" == done.out


def test_database_that_is_none_is_said(yetictl, tmp_path, monkeypatch):
    """A file that is no database of ours gives a message, not a traceback, and stays as it is."""
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at as one, surely\n" * 20)
    monkeypatch.setenv("YETI_DATABASE_URL", f"sqlite:///{tmp_path}/notes.txt")

    done = yetictl("observable", "count", status=1)

    assert "notes.txt" in done.err
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")


def test_fault_of_the_program_shows_no_traceback(yetictl, monkeypatch):
    """Even what nobody foresaw is one line, which says how to report it."""
    monkeypatch.setattr("core.store.observables.count", lambda store: 1 / 0)

    done = yetictl("observable", "count", status=1)

    assert "a fault in the program itself: ZeroDivisionError" in done.err
    assert "Traceback" not in done.err


def test_interrupt_ends_quietly(yetictl, monkeypatch):
    """Ctrl-C is no fault."""

    def interrupt(store):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.store.observables.count", interrupt)

    assert "interrupted" in yetictl("observable", "count", status=1).err


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_end_by_a_signal_leaves_nothing_behind(tmp_path, sent):
    """What was being written when ``kill`` or Ctrl-C came is gone, and what was there before stands."""
    (tmp_path / "a.txt").write_text("old")
    command = [sys.executable, "-m", "core", "storage", "put", str(tmp_path), "a.txt", "-"]
    environ = os.environ | {"YETI_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"x" * (3 << 20))
    process.stdin.flush()
    while not any(path.is_file() and path.stat().st_size >= 1 << 20 for path in tmp_path.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(sent)
    _, said = process.communicate()

    assert (1, b"yetictl: interrupted") == (process.returncode, said.strip())
    assert ["a.txt"] == [path.name for path in tmp_path.iterdir()]
    assert "old" == (tmp_path / "a.txt").read_text()


def test_reader_that_stops_early_is_no_error(tmp_path):
    """``yetictl … | head`` ends without a word."""
    environ = os.environ | {"YETI_HOME": str(tmp_path)}
    command = f"{sys.executable} -m core --help | true"
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=True)

    assert "" == done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(tmp_path, closed):
    """Whoever starts us without input, output or error gets a status, no traceback, and no number of theirs is reused."""
    environ = os.environ | {"YETI_HOME": str(tmp_path)}
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.txt").write_text("x\n")
    command = f"{sys.executable} -m core storage get exports a.txt {closed}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )

    assert (
        ("x\n", 0) == (done.stdout, done.returncode)
        if ">&-" not in closed.replace("2>&-", "")
        else done.returncode == 1
    )
    assert done.stderr in ("", "yetictl: Bad file descriptor\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_a_failure(tmp_path):
    """A full disk behind ``>`` is told and is status 1."""
    environ = os.environ | {"YETI_HOME": str(tmp_path)}
    command = f"{sys.executable} -m core format list >/dev/full"
    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False)

    assert (1, "yetictl: No space left on device\n") == (done.returncode, done.stderr)


def test_letters_that_the_locale_has_not_are_escaped(tmp_path):
    """On a terminal that knows Latin-1 alone, other letters are escaped; JSON stays JSON."""
    environ = os.environ | {"YETI_HOME": str(tmp_path), "PYTHONIOENCODING": "latin-1"}

    def call(*arguments):
        command = [sys.executable, "-m", "core", *arguments]
        done = subprocess.run(command, env=environ, capture_output=True, check=False)
        assert 0 == done.returncode, done.stderr
        return done.stdout.decode("latin-1")

    call("observable", "add", "fox.example", "--tag", "ü 日本 🦊")

    assert r"ü \u65e5\u672c \U0001f98a" in call("observable", "list")
    (row,) = json.loads(call("observable", "list", "--json"))
    assert "ü 日本 🦊" == row["assertions"][0]["tag"]


def test_config_show_names_origins_and_hides_passwords(yetictl, monkeypatch):
    """Every value is shown with where it came from, a password never."""
    monkeypatch.setenv("YETI_SYSTEM_EXPORT_PATH", "webdav://anna:geheim@host/lists")

    done = yetictl("config", "show", "--json")

    shown = {item["name"]: (item["value"], item["origin"]) for item in done.json["settings"]}
    assert ("webdav://anna:***@host/lists", "environment YETI_SYSTEM_EXPORT_PATH") == shown["system.export_path"]
    assert "geheim" not in yetictl("config", "show").out + done.out


def test_named_configuration_file_is_used(yetictl, tmp_path):
    """``--config`` reads that file and no other."""
    (tmp_path / "mine.conf").write_text("[system]\nexport_path = lists\n")

    done = yetictl("--config", "mine.conf", "config", "show", "--json")

    shown = {item["name"]: item["value"] for item in done.json["settings"]}
    assert str(tmp_path / "lists") == shown["system.export_path"]


def test_doctor_finds_what_is_wrong(yetictl, monkeypatch, tmp_path):
    """``doctor`` is content with a new installation, and fails on a storage that no client knows."""
    yetictl("doctor")
    monkeypatch.setenv("YETI_SYSTEM_EXPORT_PATH", "hdfs://bucket/lists")
    monkeypatch.chdir(tmp_path)

    done = yetictl("doctor", "--json", status=1)

    failed = [item["detail"] for item in json.loads(done.out) if item["status"] == "failed"]
    assert 1 == len(failed)
    assert "hdfs://bucket/lists" in failed[0]
    assert "s3://" in failed[0]


def test_doctor_tries_the_storage_though_the_store_is_away(yetictl, new_databases, tmp_path):
    """One fault hides no other, and is told by one check."""
    with new_databases.away(tmp_path / "home" / "yeti.db"):
        findings = json.loads(yetictl("doctor", "--json", status=1).out)

    assert ["store", "exports"] == [item["check"] for item in findings if item["status"] == "failed"]
    assert "ok" in [item["status"] for item in findings if item["check"] == "storage"]


@pytest.mark.parametrize("place", ["home/exports", "home/exports/versions", "lists/old", "link/x"])
def test_doctor_fails_on_versions_that_consumers_may_read(place, yetictl, tmp_path, monkeypatch):
    """Versions say which sources and allow-lists decided what: they may lie below no place of publication."""
    (tmp_path / "home" / "exports").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "home" / "exports")
    yetictl("export", "add", "x", "--format", "list", "--to", "lists")
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / place))

    found = yetictl("doctor", "--json", status=1).json

    (failed,) = [item for item in found if item["status"] == "failed"]
    assert "versions" == failed["check"]
    assert str((tmp_path / place).resolve()) in failed["detail"]
    assert failed["detail"].endswith("set system.versions_path to a place that is not below that")


def test_doctor_is_content_with_versions_beside_what_is_published(yetictl, tmp_path, monkeypatch):
    """A folder whose name merely begins like that of the published files is another folder."""
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home" / "exports-kept"))

    assert f"{tmp_path}/home/exports-kept can keep versions" in yetictl("doctor").out


def test_doctor_warns_of_a_plugin_folder_open_to_others(yetictl, tmp_path):
    """Whoever can write into the plug-in folder can run code as this program."""
    folder = tmp_path / "home" / "plugins"
    folder.mkdir(parents=True)
    folder.chmod(0o777)

    done = yetictl("doctor", "--json")

    assert [str(folder)] == [
        item["detail"].split(" ", 1)[0] for item in json.loads(done.out) if item["status"] == "warning"
    ]


def test_module_is_the_command():
    """``python -m core`` is ``yetictl``."""
    done = subprocess.run([sys.executable, "-m", "core", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("yetictl, version ")
    assert main.__name__ == "core.cli.main"
