"""An export gets another name: everything that there is of it stays with it."""

from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, feed

from core.errors import AlreadyExists, ChangedMeanwhile, DefinitionError, ExportBusy
from core.exports.answers.explain import explain
from core.exports.definitions import keeping
from core.exports.lease import Clock, held
from core.exports.run import run_export
from core.exports.versions.release import candidate, release
from core.exports.versions.restored import differences
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.instant import DAY, SECOND
from core.schemas.notice import HELD as IS_HELD
from core.schemas.notice import STALE_CONSUMER, Condition
from core.store import archives, consumers, definitions, job_claims, jobs, notices, pins, runs
from core.store.archives import KEPT
from core.store.audit import entries
from core.store.task_states import task_states


def add_consumer(store):
    """A consumer of the export."""
    consumers.add_consumer(
        store, "fw", description="", networks=(), all_exports=False, exports=("x",), by="me", now=NOW
    )


@pytest.fixture
def rename(store, settings):
    """Rename an export: ``rename("x", "y")``."""

    def to(old, new, now=LATER + 1, **fields):
        seen = definitions.get_export(store, old)
        return keeping.keep(store, replace(seen, name=new, modified_at=now, **fields), settings, seen=seen)

    return to


def test_all_of_it_stays(hundred, store, settings, rename, fill):
    """Id, file name, versions and their key, history and the rights of consumers are what they were."""
    add_consumer(store)
    before, key = task_states(store, NOW)["x"], definitions.get_export(store, "x").versions_key
    objects = {path.name for path in Path(settings.versions_path).iterdir()}
    rename("x", "y", description="new")
    fill(*feed(101))
    result = run_export(store, "y", settings, now=LATER + DAY)

    after = definitions.get_export(store, "y")
    assert ["y"] == [item.name for item in definitions.exports(store)]
    assert ("x.txt", key, "new") == (after.file_name, after.versions_key, after.description)
    assert before.id == task_states(store, NOW)["y"].id
    assert [2, 1] == [item.version for item in runs.runs(store, "y")]
    assert (2, "replaced") == (result.version, result.outcome)
    assert objects < {path.name for path in Path(settings.versions_path).iterdir()}
    assert {key} == {path.name.partition(".")[0] for path in Path(settings.versions_path).iterdir()}
    assert ["x.txt"] == [path.name for path in Path(settings.export_path).iterdir() if path.suffix == ".txt"]
    assert ("y",) == next(item.exports for item in consumers.consumers(store) if item.name == "fw")
    assert {""} == {item.fault for item in verify(store, "y", settings)}
    assert [] == differences(store, settings)


def test_what_was_is_still_answered(hundred, store, settings, rename, lines, fill, run):
    """Why a value is listed is said from the ledger; an older version comes back, and the pin goes along."""
    fill(*feed(102, first=101))
    run(LATER + 1)
    rename("x", "y", now=LATER + 2)
    answer = explain(store, "y", "198.51.100.7", settings, now=LATER + 3)
    roll_back(store, "y", 1, settings, now=LATER + 4, by="me", reason="why not")
    rename("y", "z", now=LATER + 5)

    assert [True] == [item.is_listed for item in answer.standings]
    assert 100 == len(lines())
    assert 3 == pins.pinned(store, "z").number
    assert [1, 2, 3] == [item.number for item in archives.find(store, "z", KEPT)]


def test_what_is_held_can_be_released(hundred, store, settings, rename, shrink, lines):
    """The candidate of a held run is that of the export, whatever it is called by now."""
    shrink(10, LATER + 1)
    assert "held" == run_export(store, "x", settings, now=LATER + DAY).status
    rename("x", "y", now=LATER + DAY + 1)

    item = candidate(store, "y")
    release(store, "y", settings, now=LATER + DAY + 2, by="me", reason="the feed is right")
    assert item is not None
    assert 10 == len(lines())


def test_the_audit_log_says_both_names(hundred, store, rename):
    """Under the old name, what it is called now; under the new one what else was changed with it."""
    rename("x", "y")
    rename("y", "z", description="new")

    found = [(item.action, item.subject, dict(item.detail)) for item in entries(store) if "rename" in item.action]
    assert [("export renamed", "y", {"to": "z"}), ("export renamed", "x", {"to": "y"})] == found
    assert ("export changed", "z") in [(item.action, item.subject) for item in entries(store)]


def test_what_is_wrong_goes_along(hundred, store, rename):
    """Nobody is told that it recovered under one name and is held under another."""
    add_consumer(store)
    with store.writing() as connection:
        for kind, subject in ((IS_HELD, "x"), (STALE_CONSUMER, "fw: x"), (IS_HELD, "fw: x")):
            notices.put(connection, Condition(kind, subject, kind, NOW, {}, "a key"))
    rename("x", "y")

    with store.reading() as connection:
        found = notices.conditions(connection)
    assert {(IS_HELD, "y"), (STALE_CONSUMER, "fw: y"), (IS_HELD, "fw: x")} == {*found}


def test_a_name_that_is_taken(hundred, store, define, rename):
    """It is refused, and so is one that is none; the export can be run as before."""
    define("y", format="list")
    with pytest.raises(AlreadyExists, match="there is an export 'y' already"):
        rename("x", "y")
    with pytest.raises(DefinitionError, match="name"):
        rename("x", " ")

    with held(store, "x", Clock(LATER + 2)):
        assert ["x", "y"] == [item.name for item in definitions.exports(store)]


def test_not_while_it_runs(hundred, store, rename):
    """Neither while somebody has the right to run it, nor while a worker has its job."""
    with held(store, "x", Clock(LATER)), pytest.raises(ExportBusy, match="x is being run by"):
        rename("x", "y")
    jobs.request(store, "x", by="me", now=LATER)
    item = job_claims.claim(store, "a worker", LATER)
    with pytest.raises(ExportBusy, match="x is being run; give it another name when that is done"):
        rename("x", "y")
    job_claims.finish(store, item, jobs.DONE, LATER, message="", run_id=None)
    rename("x", "y")

    with held(store, "y", Clock(LATER + 60 * SECOND)) as lease:
        assert "y" == lease.export


def test_not_what_somebody_changed_meanwhile(hundred, store, settings):
    """Who decided on what is not there any more looks again."""
    seen = definitions.get_export(store, "x")
    definitions.toggle_export(store, "x", LATER)

    with pytest.raises(ChangedMeanwhile, match="somebody changed the export 'x' meanwhile"):
        keeping.keep(store, replace(seen, name="y", modified_at=LATER + 1), settings, seen=seen)
    assert ["x"] == [item.name for item in definitions.exports(store)]


def test_another_export_gets_the_old_name(hundred, store, settings, rename, define):
    """It has another id, other versions and another key, though it were made at the same instant."""
    old = task_states(store, NOW)["x"].id
    rename("x", "y")
    define("x", format="list", file_name="other.txt")
    first, second = (definitions.get_export(store, name) for name in ("x", "y"))
    result = run_export(store, "x", settings, now=LATER + DAY)

    assert first.created_at == second.created_at
    assert first.versions_key != second.versions_key
    assert old != task_states(store, NOW)["x"].id
    assert 1 == result.version
    assert [] == differences(store, settings)
