"""``yetictl db``, and the other commands on a database that lies on a server."""

import pytest


@pytest.fixture
def empty_url(postgresql, monkeypatch, yetictl, tmp_path):
    """An empty database on a server, which the commands use; the address has a password, which nothing may show."""
    made = postgresql.make()
    url = made.replace("postgres@", "postgres:hunter2secret@")
    monkeypatch.setenv("YETI_DATABASE_URL", url)
    monkeypatch.setenv("YETI_SYSTEM_VERSIONS_PATH", str(tmp_path / "home/versions"))
    yield url
    postgresql.drop(made)


def test_an_empty_database_is_made_by_upgrade(yetictl, empty_url):
    """Commands refuse it and say what to do; after that they work; a second upgrade has nothing to do."""
    refused = yetictl("observable", "list", status=1)
    made, again = yetictl("db", "upgrade"), yetictl("db", "upgrade")

    assert "the database is empty; bring it up to date with: yetictl db upgrade" in refused.err
    assert "it was empty" in made.err
    assert "the database is up to date" in again.err
    assert ("", "") == (made.out, again.out)
    assert [] == yetictl("observable", "list", "--json").json


def test_an_export_from_a_server(yetictl, empty_url, tmp_path):
    """What is imported into a server is published from there, and the doctor finds nothing to mend."""
    (tmp_path / "list.txt").write_text("evil.example\n192.0.2.7\n")
    yetictl("db", "upgrade")
    yetictl("import", "list.txt", "--tag", "c2")
    yetictl("export", "add", "c2", "--format", "list", "--include", "c2")
    yetictl("export", "run", "c2")
    doctor = yetictl("doctor")

    assert "evil.example\n192.0.2.7\n" == (tmp_path / "home/exports/c2.txt").read_text()
    assert "2 observables in PostgreSQL" in doctor.out


@pytest.mark.parametrize("command", [("config", "show"), ("doctor",), ("observable", "list")])
def test_no_command_shows_the_password(yetictl, empty_url, command):
    """Neither the settings, nor the doctor, nor an error has it."""
    said = yetictl(*command, status=0 if command[0] == "config" else 1)

    assert "postgresql://postgres" in said.out + said.err
    assert "hunter2secret" not in said.out + said.err


@pytest.mark.sqlite
def test_upgrade_of_a_file(yetictl, tmp_path):
    """A file is up to date as soon as it is opened; one that is not there is made."""
    assert "the database is up to date" in yetictl("db", "upgrade").err
    (tmp_path / "home" / "yeti.db").unlink()

    assert "it was empty" in yetictl("db", "upgrade").err
    assert (tmp_path / "home" / "yeti.db").is_file()
