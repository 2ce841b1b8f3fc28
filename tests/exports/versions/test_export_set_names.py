"""Names of the files of a set: what the next version has not vanishes, and no export writes another's file."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from export_samples import LATER, feed

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import DefinitionError, StorageError
from core.exports.definitions import keeping
from core.exports.run import run_export
from core.exports.versions.rollback import roll_back
from core.exports.versions.set_names import SetNames
from core.exports.versions.verify import verify
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import archives, clearing, definitions
from core.store.archives import PUBLISHING

SPLIT, TOGETHER = {"family": "split"}, {"family": "both"}
HOUR = DAY // 24


@pytest.fixture(params=[pytest.param("bucket", marks=pytest.mark.s3), "memory", "folder", "two folders"])
def public(request, tmp_path):
    """Where files are published."""
    if request.param == "bucket":
        return f"s3://{request.getfixturevalue('s3_bucket')}/public"
    return {
        "memory": f"memory://{uuid4()}",
        "folder": str(tmp_path / "public"),
        "two folders": f"tee://{tmp_path / 'public'},{tmp_path / 'more'}",
    }[request.param]


@pytest.fixture
def x(define, fill):
    """An export of addresses in two files, and addresses."""
    fill(*feed(20))
    return define("x", Selection(types=("ipv4",)), format="addresses", options=SPLIT)


@pytest.fixture
def change(store, settings):
    """Change the definition of x: ``change(options=…)``."""

    def to(now=LATER, **fields):
        seen = definitions.get_export(store, "x")
        return keeping.keep(store, replace(seen, modified_at=now, **fields), settings, seen=seen)

    return to


@pytest.fixture
def run(store, settings):
    """Run an export."""
    return lambda name="x", now=LATER: run_export(store, name, settings, now=now)


@pytest.fixture
def there(settings):
    """The names that are published, but for the checksums."""
    return lambda: {path.name for path in Path(settings.export_path).iterdir()} - {"SHA256SUMS"}


def _fail(*_, **__):
    raise StorageError("the power is gone")


def names_at(place):
    """The names of all files at a place that can be listed."""
    return {item.name for item in Storage(get_client(place)).list()}


def test_what_the_next_version_has_not_vanishes(public, x, store, settings, tmp_path):
    """From every place; checksums say what is there."""
    here = replace(settings, export_path=public)
    read = [str(tmp_path / "public"), str(tmp_path / "more")] if public.startswith("tee:") else [public]
    run_export(store, "x", here, now=LATER)
    assert [{"x-ipv4.txt", "x-ipv6.txt", "SHA256SUMS"}] * len(read) == [*map(names_at, read)]

    seen = definitions.get_export(store, "x")
    keeping.keep(store, replace(seen, options=TOGETHER, modified_at=LATER), here, seen=seen)
    run_export(store, "x", here, now=LATER + HOUR)

    assert [{"x.txt", "SHA256SUMS"}] * len(read) == [*map(names_at, read)]
    assert [] == [item for item in verify(store, "x", here) if item.fault]


def test_a_rollback_brings_the_names_back(x, change, run, store, settings, there):
    """Those of the version that is published again, and no others."""
    run()
    change(options=TOGETHER)
    run(now=LATER + HOUR)

    roll_back(store, "x", 1, settings, by="me", reason="a test", now=LATER + 2 * HOUR)

    assert {"x-ipv4.txt", "x-ipv6.txt"} == there()


def test_what_stands_beside_vanishes_too(x, change, run, settings, there):
    """Signatures, and the changes since the version before."""
    run()
    for name in (
        "x-ipv6.txt.minisig",
        "x-ipv4.txt.delta.jsonl",
        "x-ipv4.txt.delta.jsonl.minisig",
        "y.txt.minisig",
    ):
        (Path(settings.export_path) / name).touch()
    change(options=TOGETHER)
    run(now=LATER + HOUR)

    assert {"x.txt", "y.txt.minisig"} == there()


@pytest.mark.parametrize("step", ["put_names", "delete", "make_current"])
def test_a_run_that_is_cut_off_is_finished(step, x, change, run, store, settings, there, monkeypatch):
    """Before the names moved, before the old ones went, and after: the next run leaves the new names and no others."""
    run()
    change(options=TOGETHER)
    place = {
        "put_names": "core.exports.versions.versioning.Versions.put_names",
        "delete": "core.exports.versions.set_names.Storage.delete",
        "make_current": "core.store.archives.make_current",
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(place, _fail)
        with pytest.raises(StorageError, match="the power is gone"):
            run(now=LATER + HOUR)
    assert 1 == archives.current(store, "x").number

    run(now=LATER + 2 * HOUR)

    assert {"x.txt"} == there()
    assert (2, []) == (archives.current(store, "x").number, archives.find(store, "x", PUBLISHING))
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


def test_a_name_that_an_export_is_given_leaves_the_old_files(x, change, run, there):
    """Consumers may still fetch them, and whoever gave it was told."""
    run()
    change(file_name="z.txt", options=TOGETHER)
    run(now=LATER + HOUR)

    assert {"x-ipv4.txt", "x-ipv6.txt", "z.txt"} == there()


def test_a_set_does_not_write_the_file_of_another(x, define, run, published):
    """It is said whose it is and what helps, and nothing of the set is published."""
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv6.txt")
    run("y")
    before = published("x-ipv6.txt")

    with pytest.raises(DefinitionError) as caught:
        run("x")

    assert "the file x-ipv6.txt would be in the way of x-ipv6.txt, which the export 'y' publishes" in str(
        caught.value
    )
    assert "--file-name" in str(caught.value)
    assert before == published("x-ipv6.txt")
    with pytest.raises(FileNotFoundError):
        published("x-ipv4.txt")


@pytest.mark.parametrize("file_name", ["x-ipv4.txt", "X-IPV4.TXT", "x-ipv6.txt.minisig"])
def test_no_other_writes_a_file_of_a_set(file_name, x, define, run, there):
    """Neither under another spelling, nor as what may stand beside it."""
    run("x")
    define("y", Selection(types=("ipv4",)), format="list", file_name=file_name)

    with pytest.raises(DefinitionError, match="which the export 'x' publishes"):
        run("y")

    assert {"x-ipv4.txt", "x-ipv6.txt"} == there()


def test_with_another_name_it_is_published(x, define, change, run, there):
    """What was said helps."""
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv6.txt")
    run("y")
    with pytest.raises(DefinitionError):
        run("x")

    change(file_name="z.txt")
    run("x", LATER + HOUR)

    assert {"x-ipv6.txt", "z-ipv4.txt", "z-ipv6.txt"} == there()


def test_a_name_is_free_when_its_set_has_it_no_longer(x, define, change, run, there):
    """The next version of the one lets go of it, then the other may have it; and keeps it."""
    run("x")
    change(options=TOGETHER)
    run("x", LATER + HOUR)
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv4.txt")
    run("y", LATER + HOUR)
    run("x", LATER + 2 * HOUR)

    assert {"x.txt", "x-ipv4.txt"} == there()


def test_what_was_withdrawn_leaves_all_the_same(x, define, change, run, fill, store, published):
    """A clash is no reason to go on listing it."""
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv6.txt")
    run("y")
    change(options=TOGETHER)
    run("x")
    assert b"198.51.100.7\n" in published("x.txt")
    clearing.clear(store, "ipv4", "198.51.100.7", "a customer's", LATER + 1)
    change(options=SPLIT)

    with pytest.raises(DefinitionError):
        run("x", LATER + HOUR)

    assert b"198.51.100.7\n" not in published("x.txt")


def test_of_two_at_once_neither_overwrites(x, define, run, store, there, monkeypatch):
    """The one that announces last sees the other, though both found the name free; the next run undoes what it kept."""
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv6.txt")
    announce = archives.announce

    def late(*given):
        monkeypatch.undo()
        run("y")
        return announce(*given)

    monkeypatch.setattr(archives, "announce", late)
    with pytest.raises(DefinitionError, match="which the export 'y' publishes"):
        run("x")
    assert {"x-ipv6.txt"} == there()

    with pytest.raises(DefinitionError):
        run("x", LATER + HOUR)
    assert ({"x-ipv6.txt"}, []) == (there(), archives.find(store, "x", PUBLISHING))


def test_one_that_was_cut_off_holds_its_names(x, define, run, there, monkeypatch):
    """Its files may be there already, though it is no version yet."""
    with monkeypatch.context() as patch:
        patch.setattr("core.store.archives.make_current", _fail)
        with pytest.raises(StorageError):
            run("x")
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv4.txt")

    with pytest.raises(DefinitionError, match="which the export 'x' publishes"):
        run("y")

    run("x")
    assert {"x-ipv4.txt", "x-ipv6.txt"} == there()


def test_a_file_of_another_does_not_vanish(x, define, change, run, there, monkeypatch):
    """Two exports of an older version of this program may have one file by now."""
    run("x")
    define("y", Selection(types=("ipv4",)), format="list", file_name="x-ipv4.txt")
    with monkeypatch.context() as patch:
        patch.setattr(SetNames, "check", lambda *_: None)
        run("y", LATER + 1)
    change(options=TOGETHER)
    run("x", LATER + HOUR)

    assert {"x.txt", "x-ipv4.txt"} == there()
