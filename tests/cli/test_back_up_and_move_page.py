"""The page "Back up, restore, and move": every command on it does what it says, as somebody would type it."""

import pytest
from page_shell import PageShell, command_of, lines_of, page_text


@pytest.fixture(scope="module")
def said(tmp_path_factory, postgresql):
    """What was printed by each line of the page, by line, in order; a line may come again."""
    url = postgresql.make()
    run = PageShell(tmp_path_factory.mktemp("move"))
    run(f'install -m 600 /dev/null server.url; echo "{url}" > server.url')
    given = ""
    steps = {}
    for line in lines_of(page_text("back-up-and-move")):
        if command_of(line).startswith("export "):
            given += command_of(line) + "; "
            continue
        steps.setdefault(command_of(line), []).append(run(given + line))
    yield steps
    postgresql.drop(url)


def test_a_backup_is_the_owners(said):
    """It says what it has, and nobody else may read it."""
    assert "monday.backup: " in said["yetictl db backup monday.backup"][0]
    assert said["ls -l monday.backup"][0].startswith("-rw-------")


def test_a_restore_asks_and_compares(said):
    """Without --force it refuses; with it, the old is kept, and what storage knows more is named."""
    assert "is not empty: it has 25 observables" in said["yetictl db restore monday.backup"][0]
    forced = said["yetictl db restore monday.backup --force"][0]
    assert "what the database held is in monday.backup.before-" in forced
    assert "firewall: storage has version 2, published after the backup; the database has version 1." in forced
    assert "The next run publishes version 3; type: yetictl export run firewall" in forced


def test_the_next_version_is_a_new_one(said):
    """Version 3 follows what storage had; then both agree."""
    assert "current 3  " in said["yetictl export versions firewall"][0]
    assert "storage holds the versions that the database knows, and no others\n" == said["yetictl db check"][0]


def test_on_the_server_all_is_the_same(said):
    """Nothing differs from storage there, and a run publishes nothing new."""
    assert "copied " in said["yetictl db copy --to-file server.url"][0]
    assert "unchanged" in said["yetictl export run firewall"][3]
    first, second = said["yetictl export verify firewall"]
    assert first == second
