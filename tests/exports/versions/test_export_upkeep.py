"""What keeps an export alive on a bad day: files that are put back, storages that delete nothing, an upgrade."""

from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, claim, feed

from core.errors import ConfigError, GateError, StorageError
from core.exports.run import run_export
from core.exports.versions.archive import Archive
from core.exports.versions.release import candidate as waiting_of
from core.exports.versions.release import release
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.instant import DAY
from core.store import archives, clearing, definitions, pins, runs
from core.store.archives import HELD, KEPT, REMOVED, REMOVING

DAY_2, DAY_3, DAY_4, DAY_5, DAY_6 = (LATER + number * DAY for number in range(1, 6))


@pytest.fixture
def no_deletes(monkeypatch):
    """A storage of versions that lets nobody delete; returns what ends that."""

    def refuse(self, name):
        raise StorageError(f"AccessDenied: DeleteObject {name}")

    monkeypatch.setattr(Archive, "delete", refuse)
    return monkeypatch.undo


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_text("tampered\n")], ids=["gone", "altered"]
)
def test_a_held_run_puts_back_what_consumers_had(hundred, shrink, run, settings, store, lines, damage):
    """Consumers keep what they have, and get it back where it is gone or was altered."""
    shrink(3, DAY_2)
    damage(Path(settings.export_path) / "x.txt")

    held = run(DAY_2)

    assert "held" == held.status
    assert 100 == len(lines())
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_text("tampered\n")], ids=["gone", "altered"]
)
def test_a_failed_run_puts_it_back_too(hundred, run, settings, store, lines, damage, monkeypatch):
    """It cannot be made, and what is published is there all the same."""
    damage(Path(settings.export_path) / "x.txt")
    monkeypatch.setattr("core.exports.budget.render", lambda *_, **__: (_ for _ in ()).throw(StorageError("full")))

    with pytest.raises(StorageError, match="full"):
        run(DAY_2)

    assert 100 == len(lines())


def test_a_held_run_publishes_nothing_at_a_new_place(hundred, shrink, run, settings, store, tmp_path):
    """Where the export moved to, nobody has seen anything yet."""
    shrink(3, DAY_2)
    definition = definitions.get_export(store, "x")
    definitions.replace_export(store, replace(definition, destination=str(tmp_path / "elsewhere")))

    assert "held" == run(DAY_2).status

    assert not (tmp_path / "elsewhere/x.txt").exists()


def test_a_place_that_fails_leaves_a_held_run_held(hundred, shrink, run, monkeypatch):
    """That the file cannot be looked at is a note of the run, which is held and kept."""
    shrink(3, DAY_2)
    monkeypatch.setattr(
        "core.exports.versions.versioning.publish_files",
        lambda *_, **__: (_ for _ in ()).throw(StorageError("down")),
    )

    held = run(DAY_2)

    assert ("held", True) == (held.status, held.can_be_released)
    assert any("cannot be seen, or mended: down" in note for note in held.notes)


def test_what_cannot_be_deleted_stops_nothing(hundred, fill, run, settings, store, lines, no_deletes):
    """Runs, withdrawals and rollbacks go on; each says what it could not remove; when it can be, it is."""
    small = replace(settings, keep_last=1, keep_daily=0, keep_weekly=0)
    fill(*feed(101, first=101), now=DAY_2 - 1)
    second = run_export(store, "x", small, now=DAY_2)
    assert ("completed", 101) == (second.status, len(lines()))
    assert any("could not be removed: AccessDenied" in note for note in second.notes)

    fill(*feed(102, first=102), now=DAY_3 - 1)
    third = run_export(store, "x", small, now=DAY_3)
    assert ("completed", 102) == (third.status, len(lines()))
    clearing.clear(store, "ipv4", "198.51.100.9", "ours", DAY_4)
    run_export(store, "x", small, now=DAY_4)
    assert 101 == len(lines())
    back = roll_back(store, "x", archives.current(store, "x").number, small, by="lena", reason="so", now=DAY_5)
    assert any("could not be removed" in note for note in back.notes)
    assert [1, 2, 3] == [item.number for item in archives.find(store, "x", REMOVING)]

    no_deletes()
    run_export(store, "x", small, now=DAY_6)

    assert [1, 2, 3] == [item.number for item in archives.find(store, "x", REMOVED)]
    assert [] == archives.find(store, "x", REMOVING)
    assert [] == [item for item in verify(store, "x", small) if item.fault]


def test_an_old_candidate_that_cannot_be_deleted_stops_nothing(
    hundred, shrink, fill, run, store, lines, no_deletes
):
    """It can be released no more, and the run that is back in bounds is completed."""
    shrink(3, DAY_2)
    assert "held" == run(DAY_2).status
    fill(*feed(100, valid_until=DAY_6), now=DAY_3 - 1)

    back = run(DAY_3)

    assert ("completed", 100) == (back.status, len(lines()))
    assert any("a candidate that is not needed" in note for note in back.notes)

    no_deletes()
    after = run(DAY_4)

    assert "the removal of a candidate that is not needed, which was cut off, is finished" in after.notes
    assert None is waiting_of(store, "x")


def test_a_version_that_was_undone_keeps_its_number(
    hundred, fill, run, store, settings, lines, no_deletes, monkeypatch
):
    """Its manifest cannot be deleted: the next version takes another number and leaves that object alone."""
    fill(*feed(101, first=101), now=DAY_2 - 1)
    with monkeypatch.context() as patch:
        patch.setattr(
            "core.exports.versions.versioning.Versions.put_names", lambda *_: (_ for _ in ()).throw(KeyError)
        )
        with pytest.raises(KeyError):
            run(DAY_2)

    done = run(DAY_3)

    assert (3, 101) == (done.version, len(lines()))
    no_deletes()
    assert "unchanged" == run(DAY_4).outcome
    assert [1, 3] == [item.number for item in archives.find(store, "x", KEPT)]
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


@pytest.fixture
def upgraded(hundred, store):
    """What was published before versions were kept: the store knows how many entries it had, and no more."""
    with store.writing() as connection:
        for table in ("archive", "ledger", "ledger_piece"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_the_first_run_after_an_upgrade_has_a_history(upgraded, shrink, run, lines):
    """A list that lost nearly everything is held, as it would have been with all that is known."""
    shrink(1, DAY_2)

    held = run(DAY_2)

    assert ("the list would lose 99 of its 100 entries: more than 50%, and more than 20",) == held.reasons
    assert any("only the number of entries is known" in note for note in held.notes)
    assert 100 == len(lines())


def test_an_upgrade_is_held_when_nothing_is_left_and_when_far_too_much_comes(
    upgraded, shrink, fill, run, settings, store
):
    """Also emptiness and growth are seen by the number alone."""
    shrink(0, DAY_2)
    assert ["the list would be empty; now it has 100 entries"] == [*run(DAY_2).reasons]

    fill(*(claim(f"44.0.{n >> 8}.{n & 255}", "ipv4", "c2") for n in range(1_200)), now=DAY_3 - 1)
    assert [
        "the list would grow from 100 to 1,200 entries: more than 5 times as many, and more than 1,000 more"
    ] == [*run(DAY_3).reasons]


def test_the_first_run_after_an_upgrade_goes_out_if_it_looks_right(upgraded, fill, run, lines):
    """From then on there is a version."""
    fill(*feed(101, first=101), now=DAY_2 - 1)

    assert ("completed", 2) == (run(DAY_2).status, run(DAY_3).version)
    assert 101 == len(lines())


def test_a_list_that_was_emptied_has_a_history(export, fill, run, store, lines, published):
    """Both entries were withdrawn; a network of sixteen million addresses is no first run."""
    fill(*feed(2))
    run()
    for number in (1, 2):
        clearing.clear(store, "ipv4", f"198.51.100.{number}", "ours", DAY_2 - 1)
    assert "completed" == run(DAY_2).status
    assert [] == lines()
    fill(claim("44.0.0.0/9", "cidr", "c2"), now=DAY_3 - 1)

    held = run(DAY_3)

    assert ("held", []) == (held.status, lines())
    assert "before it was emptied" in held.message
    assert "8,388,608" in held.message

    fill(claim("44.0.0.0/9", "cidr", "c2", valid_until=DAY_4 - 1), now=DAY_4 - 1)
    fill(*(claim(f"45.0.{n >> 8}.{n & 255}", "ipv4", "c2") for n in range(1_100)), now=DAY_4 - 1)
    assert "grow from 2, which it had before it was emptied, to 1,100 entries" in run(DAY_4).message


def test_a_pinned_run_lets_nothing_wait(hundred, shrink, fill, run, store, settings, lines):
    """A healthy run is the newer judgement: the candidate of the bad day can be released no more."""
    fill(*feed(101, first=101), now=DAY_2 - 1)
    run(DAY_2)
    roll_back(store, "x", 1, settings, by="lena", reason="so", now=DAY_3)
    shrink(3, DAY_4)
    assert "held" == run(DAY_4).status
    fill(*feed(100, valid_until=DAY_6 + DAY), now=DAY_5 - 1)

    assert "pinned" == run(DAY_5).outcome

    assert [] == archives.find(store, "x", HELD)
    assert 100 == len(lines())


def test_what_is_held_of_a_pinned_export_waits_for_the_pin_to_end(hundred, shrink, run, store, settings, lines):
    """A release would leave a pin that is not true."""
    roll_back(store, "x", 1, settings, by="lena", reason="a bad day", now=DAY_2)
    shrink(3, DAY_3)
    run(DAY_3)

    with pytest.raises(
        GateError, match="pinned to version 1 by lena: a bad day; yetictl export unpin x ends that"
    ):
        release(store, "x", settings, by="lena", reason="so", now=DAY_4)
    assert 100 == len(lines())

    pins.unpin(store, "x")
    release(store, "x", settings, by="lena", reason="so", now=DAY_4)
    assert 3 == len(lines())


def test_versions_are_never_kept_among_what_consumers_read(hundred, fill, run, store, settings):
    """Not by a run, not by a rollback: reasons and definitions would be public."""
    public = replace(settings, versions_path=f"{settings.export_path}/versions")
    fill(*feed(101, first=101), now=DAY_2 - 1)

    with pytest.raises(ConfigError, match=r"consumers may read .*; set system\.versions_path"):
        run_export(store, "x", public, now=DAY_2)
    with pytest.raises(ConfigError, match="consumers may read"):
        roll_back(store, "x", 1, public, by="lena", reason="so", now=DAY_2)

    assert "failed" == runs.last_run(store, "x").status
    assert ["SHA256SUMS", "x.txt"] == sorted(path.name for path in Path(settings.export_path).iterdir())


def test_the_checksums_of_a_place_that_was_left_are_mended(hundred, fill, run, store, settings, tmp_path):
    """They vouch for that file until a version is published elsewhere; then they do no more."""
    sums = Path(settings.export_path) / "SHA256SUMS"
    assert "x.txt" in sums.read_text()
    moved = replace(definitions.get_export(store, "x"), destination=str(tmp_path / "elsewhere"))
    definitions.replace_export(store, moved)
    fill(*feed(101, first=101), now=DAY_2 - 1)

    run(DAY_2)

    assert not sums.exists()
    assert "x.txt" in (tmp_path / "elsewhere/SHA256SUMS").read_text()
