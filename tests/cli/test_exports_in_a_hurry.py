"""What a person does in a hurry, at the command line: while a run goes on, of exports switched off, moved or removed."""

import time
from types import SimpleNamespace

import pytest

from core.cli import patience
from core.store import leases, open_store


@pytest.fixture
def published(yetictl, tmp_path):
    """An export of three addresses that was run; returns the lines of its file."""
    (tmp_path / "feed.txt").write_text("198.51.100.1\n198.51.100.2\n198.51.100.3\n")
    yetictl("import", "feed.txt", "--source", "feed", "--tag", "c2")
    yetictl("export", "add", "fw", "--format", "list", "--type", "ipv4", "--include", "c2")
    yetictl("export", "run", "fw")
    return lambda folder="exports", name="fw.txt": (tmp_path / f"home/{folder}/{name}").read_text().splitlines()


@pytest.fixture
def busy(tmp_path, new_databases):
    """Let another process run the export, for a minute, or until what is returned is called."""

    def claim():
        url = new_databases.at(tmp_path / "home" / "yeti.db")
        with open_store(url) as store:
            lease = leases.claim(store, "fw", "elsewhere:1:1", time.time_ns() // 1000, lease_s=60)

        def done():
            with open_store(url) as store:
                leases.release(store, lease)

        return done

    return claim


def test_of_an_export_that_is_switched_off_nothing_else_goes_out(yetictl, published, tmp_path):
    """The value leaves; what came in since does not go out, and that is said."""
    yetictl("export", "edit", "fw", "--disable")
    (tmp_path / "more.txt").write_text("198.51.100.4\n")
    yetictl("import", "more.txt", "--source", "feed", "--tag", "c2")

    done = yetictl("observable", "withdraw", "198.51.100.2", "--reason", "ours")

    assert published() == ["198.51.100.1", "198.51.100.3"]
    assert "it is switched off: nothing else of it was published" in done.err


def test_a_file_that_was_left_elsewhere_is_told(yetictl, published, tmp_path):
    """No run brings it up to date; the command that deletes it is said, and works."""
    yetictl("export", "edit", "fw", "--to", tmp_path / "home/elsewhere")
    yetictl("export", "run", "fw")

    done = yetictl("observable", "withdraw", "198.51.100.2", "--reason", "ours")

    assert published("elsewhere") == ["198.51.100.1", "198.51.100.3"]
    assert f"fw.txt at {tmp_path}/home/exports is of version 1, and may list it still" in done.err
    yetictl("storage", "rm", tmp_path / "home/exports", "fw.txt")
    again = yetictl("observable", "withdraw", "198.51.100.3", "--reason", "ours")
    assert "may list it still" not in again.err


def test_a_file_that_a_removed_export_left_is_told(yetictl, published):
    """Nothing changes it any more; a withdrawal does not say that nothing published holds the value."""
    removed = yetictl("export", "remove", "fw")

    assert "no run and no withdrawal changes it any more" in removed.err
    assert "no export holds it" in yetictl("observable", "withdraw", "198.51.100.2", "--reason", "ours").err


@pytest.mark.parametrize("command", ["rollback", "release"])
def test_what_cannot_wait_waits_for_a_run(yetictl, published, busy, tmp_path, monkeypatch, command):
    """A run that is going on is no reason to refuse it."""
    if command == "rollback":
        (tmp_path / "more.txt").write_text("198.51.100.4\n")
        yetictl("import", "more.txt", "--source", "feed", "--tag", "c2")
        yetictl("export", "run", "fw")
        arguments = ("rollback", "fw", "1")
    else:
        yetictl("export", "edit", "fw", "--limit", "allow=documentation", "--limit", "least=4")
        yetictl("observable", "add", "198.51.100.5", "--tag", "x")
        yetictl("export", "edit", "fw", "--include", "x")
        yetictl("export", "run", "fw", status=3)
        arguments = ("release", "fw")
    done, slept = busy(), []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda pause_s: (slept.append(pause_s), done()))
    monkeypatch.setattr(patience, "time", clock)

    said = yetictl("export", *arguments, "--reason", "a bad day").err

    assert slept == [1]
    assert "waiting: fw is being run by elsewhere:1:1" in said
    assert published() == (
        ["198.51.100.1", "198.51.100.2", "198.51.100.3"] if command == "rollback" else ["198.51.100.5"]
    )


def test_it_does_not_wait_for_ever(yetictl, published, busy, monkeypatch):
    """Who has it is said then."""
    monkeypatch.setattr(patience, "PATIENCE_S", 1)
    busy()

    done = yetictl("export", "rollback", "fw", "1", "--reason", "a bad day", status=1)

    assert "fw is being run by elsewhere:1:1" in done.err.splitlines()[-1]


def test_versions_are_not_kept_among_what_consumers_read(yetictl, published, tmp_path, monkeypatch):
    """No export can be defined, changed or applied so, and none runs."""
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/exports/versions"))
    said = "consumers may read what is in"

    assert said in yetictl("export", "add", "other", "--format", "list", status=1).err
    assert said in yetictl("export", "edit", "fw", "--description", "x", status=1).err
    assert said in yetictl("export", "run", "fw", status=1).err
    (tmp_path / "e.toml").write_text('[[export]]\nname = "another"\nformat = "list"\n')
    assert said in yetictl("export", "apply", "e.toml", "--yes", status=1).err
    assert ["fw"] == [item["name"] for item in yetictl("export", "list", "--json").json]
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/elsewhere"))
    assert said in yetictl("export", "add", "other", "--format", "list", "--to", tmp_path / "home", status=1).err


def test_versions_that_are_kept_elsewhere_are_told(yetictl, published, tmp_path, monkeypatch):
    """The setting was changed and the files were not moved: there is nothing to go back to."""
    assert "is not kept in" not in yetictl("doctor").out
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/elsewhere"))

    said = yetictl("doctor").out

    assert f"fw: version 1 is not kept in {tmp_path}/home/elsewhere; if system.versions_path was changed" in said
    (tmp_path / "home/versions").rename(tmp_path / "home/moved")
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/moved"))
    assert "is not kept in" not in yetictl("doctor").out
