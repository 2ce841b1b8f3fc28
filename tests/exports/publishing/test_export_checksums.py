"""``SHA256SUMS`` beside published files: what it holds, who reads it, and several writers at once."""

import hashlib
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import ConfigError, FileMissing, PartlyStored, StorageError
from core.exports.publishing import beside, checksums, places
from core.exports.publishing.checksums import sums_of, write_checksums
from core.exports.publishing.minisign_key import new_key
from core.exports.remove import remove_export
from core.exports.run import run_export
from core.exports.versions import deltas
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify as verify_export
from core.schemas.export import ExportDefinition, PublishedFile, Selection
from core.schemas.instant import SECOND
from core.store import archives, clearing, definitions, pins
from core.store.published import Publication, publications

FIVE_METHODS = """
class Box:
    PREFIX = "box://"
    BOXES = {}

    def __init__(self, path):
        self.box = self.BOXES.setdefault(path, {})

    def file_path(self, file_name):
        return "box:" + file_name

    def get_file(self, file_name):
        if file_name not in self.box:
            raise FileNotFoundError(file_name)
        return self.box[file_name]

    def put_file(self, file_name, contents):
        self.box[file_name] = contents

    def delete_file(self, file_name):
        self.box.pop(file_name, None)
"""

RUN = """
import os
import sys
from pathlib import Path
from core.exports.run import run_export
from core.exports.settings import Settings
from core.store import open_store

folder, name, now = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
settings = Settings(export_path=str(folder / "published"), spool_path=folder / "spool")
with open_store(os.environ["YETI_DATABASE_URL"]) as store:
    sys.stdin.readline()
    run_export(store, name, settings, now=now)
"""


@pytest.fixture
def run(store, settings, fill):
    """Run an export whose list is one more host name each time."""
    instants = iter(range(LATER, LATER + 1_000))

    def once(name, **fields):
        now = next(instants)
        fill(claim(f"h{now - LATER}.{name}.example", "hostname", name), now=now)
        return run_export(store, name, replace(settings, **fields), now=now)

    return once


@pytest.fixture
def export(define):
    """Define a list of what has the tag of its name."""
    return lambda name, **fields: define(name, Selection(include=(name,)), format="list", **fields)


def verify(folder, *options):
    """Let the program of others check a folder."""
    done = subprocess.run(
        ["sha256sum", "--strict", *options, "-c", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.splitlines()


def names_in(folder):
    """The names that ``SHA256SUMS`` of a folder lists."""
    return [line[66:] for line in (Path(folder) / "SHA256SUMS").read_text("utf-8").splitlines()]


def files_in(folder):
    """The names of the files there."""
    return sorted(path.name for path in Path(folder).iterdir())


# --- what it holds --------------------------------------------------------------------------------------------


def test_every_published_file_has_a_line(export, run, settings, published):
    """In the form of ``sha256sum``, sorted by name; of all exports of the place, whoever wrote last."""
    export("b")
    export("a", file_name="c.txt")
    run("a")
    run("b")

    lines = "".join(f"{hashlib.sha256(published(name)).hexdigest()}  {name}\n" for name in ("b.txt", "c.txt"))
    assert lines == published("SHA256SUMS").decode()
    assert ["b.txt: OK", "c.txt: OK"] == verify(settings.export_path)


def test_a_new_version_has_its_line_anew(export, run, settings):
    """And a file that somebody altered is found."""
    export("a")
    run("a")
    run("a")

    assert ["a.txt: OK"] == verify(settings.export_path)
    (Path(settings.export_path) / "a.txt").write_text("x\n")
    with pytest.raises(AssertionError, match=r"a\.txt: FAILED"):
        verify(settings.export_path)


NAMES = ["-", "*star", " in front", "two  spaces", "behind ", "#hash", "мир/ü.txt", "a/b/c", "%0a", "x.SHA256SUMS"]


def test_any_name_that_a_file_can_have_is_checked(export, run, settings):
    """What means something to ``sha256sum`` does not mean it here."""
    for number, name in enumerate(NAMES):
        export(f"x{number}", file_name=name)
        run(f"x{number}")

    assert sorted(f"{'./-' if name == '-' else name}: OK" for name in NAMES) == sorted(
        verify(settings.export_path)
    )


@pytest.mark.parametrize("other", ["{path}/", "{path}/../published", "link", "~/published"])
def test_a_place_is_one_however_it_is_spelled(other, export, run, settings, tmp_path, monkeypatch):
    """The lines of both exports are in the one file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path(settings.export_path).mkdir()
    (tmp_path / "link").symlink_to(settings.export_path)
    export("a")
    export("b", destination=other.format(path=settings.export_path))

    run("a")
    run("b")

    assert ["a.txt: OK", "b.txt: OK"] == verify(settings.export_path)


def test_other_places_have_their_own(export, run, settings, tmp_path):
    """A place that lies within another is another place."""
    export("a")
    export("b", destination=settings.export_path + "/below")
    run("a")
    run("b")

    assert ["a.txt"] == names_in(settings.export_path)
    assert ["b.txt"] == names_in(settings.export_path + "/below")


def test_it_is_not_written_where_nobody_wants_it(export, run, settings):
    """``publish.sha256sums = no``."""
    export("a")
    run("a", sha256sums=False)

    assert ["a.txt"] == files_in(settings.export_path)


def test_it_is_left_alone_while_nothing_changes(export, run, store, settings):
    """And put back when it is gone or was altered, by a run that changes nothing else."""
    export("a")
    run("a")
    file = Path(settings.export_path) / "SHA256SUMS"
    before = file.stat()

    run_export(store, "a", settings, now=LATER + 500)
    after = file.stat()
    file.write_text("0  a.txt\n")
    run_export(store, "a", settings, now=LATER + 501)

    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert ["a.txt: OK"] == verify(settings.export_path)


def test_an_export_that_is_removed_takes_its_line_along(export, run, store, settings):
    """And the last one the file, its signature and all else that stood beside."""
    signed = replace(settings, signing_key=Path(settings.export_path).parent / "k")
    new_key(signed.signing_key)
    for name in ("a", "b"):
        export(name)
        run(name, signing_key=signed.signing_key)

    remove_export(store, "a", signed, purge=True, now=LATER + 500)
    left = files_in(settings.export_path), names_in(settings.export_path)
    remove_export(store, "b", signed, purge=True, now=LATER + 501)

    assert (["SHA256SUMS", "SHA256SUMS.minisig", "b.txt", "b.txt.minisig"], ["b.txt"]) == left
    assert [] == files_in(settings.export_path)


def test_a_list_of_that_name_is_never_written_over(store, settings, run, caplog):
    """Such a name is refused today; an export that has it from before keeps its file, and the log says why."""
    for name, file_name in (("a", "sha256sums"), ("b", "b.txt")):
        selection = Selection(include=(name,))
        definitions.add_export(
            store, ExportDefinition(name, file_name, selection, format="list", created_at=NOW, modified_at=NOW)
        )

    with caplog.at_level(logging.WARNING):
        run("b")
        run("a")
        run("b")

    assert ["SHA256SUMS", "b.txt", "sha256sums"] == files_in(settings.export_path)
    assert ["b.txt"] == names_in(settings.export_path)
    said = [record for record in caplog.records if "no checksums written" in record.getMessage()]
    assert ["a", "a"] == [record.export for record in said]


def file(name, sha256="0" * 64):
    return PublishedFile(name, "text/plain", 1, sha256, 1)


def test_an_export_that_moved_leaves_its_line_until_it_is_made_anew(settings):
    """Its file is still where the version was published; one that took its name there goes before it."""
    moved = Publication("a", "/new", "/old", 7, (file("a.txt", "a" * 64), file("x.txt", "a" * 64)))
    taker = Publication("b", "/old", "/old", 9, (file("x.txt", "b" * 64),))

    both = sums_of([taker, moved], "/old/", settings)

    assert f"{'a' * 64}  a.txt\n{'b' * 64}  x.txt\n" == both.text
    assert both.text == sums_of([moved, taker], "/old", settings).text
    assert (9, 7) == (both.made_at, sums_of([moved], "/new", settings).made_at)
    assert ["a.txt", "x.txt"] == [line[66:] for line in sums_of([moved], "/new", settings).text.splitlines()]
    assert "" == sums_of([replace(moved, place="/new")], "/old", settings).text


def test_places_of_servers_are_compared_without_options_and_passwords(settings):
    """What a version says of its place has no password in it."""
    one = Publication("a", "webdav://u:secret@host/lists", "webdav://u:***@host/lists", 1, (file("a.txt"),))
    other = Publication("b", "s3://bucket/lists/?storage-class=STANDARD_IA", "", 1, (file("b.txt"),))

    assert ["a.txt\n"] == [sums_of([one, other], "webdav://u:secret@host/lists/", settings).text[66:]]
    assert ["b.txt\n"] == [sums_of([one, other], "s3://bucket/lists", settings).text[66:]]
    assert "" == sums_of([one, other], "s3://bucket", settings).text


def test_what_is_published_is_told_for_all_exports_at_once(export, run, store, settings):
    """By name, with where each was published; an export without a version has none."""
    for name in ("b", "a", "never"):
        export(name, destination="" if name == "a" else f"{settings.export_path}-{name}")
    run("b")
    run("a")

    found = publications(store)

    assert [("a", ""), ("b", f"{settings.export_path}-b")] == [(item.export, item.destination) for item in found]
    assert [settings.export_path, f"{settings.export_path}-b"] == [item.place for item in found]
    assert [["a.txt"], ["b.txt"]] == [[one.name for one in item.files] for item in found]


def test_the_name_of_a_delta_is_known_to_who_keeps_names_free():
    """What is published beside a file has no other names than those that are kept free."""
    assert {"x", f"x{deltas.SUFFIX}", "x.minisig", f"x{deltas.SUFFIX}.minisig"} == places.with_companions(["x"])


# --- signed ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    shutil.which("minisign") is None, reason="minisign is not installed (Debian: apt-get install minisign)"
)
def test_files_and_checksums_are_signed(export, run, store, settings, tmp_path):
    """Every file has a signature that says what it is; a second run, and another writer, change none of them."""
    key = new_key(tmp_path / "k")
    export("a", file_name="lists/a.txt", deltas=True)
    export("b")
    run("b", signing_key=tmp_path / "k")
    run("a", signing_key=tmp_path / "k")
    run("a", signing_key=tmp_path / "k")
    made_at = archives.current(store, "a").record.made_at
    folder = Path(settings.export_path)

    def look():
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*.minisig")}

    before = look()
    run_export(store, "b", replace(settings, signing_key=tmp_path / "k"), now=LATER + 500)

    signed = {str(path.relative_to(folder)).removesuffix(".minisig") for path in before}
    assert {"lists/a.txt", "lists/a.txt.delta.jsonl", "b.txt", "SHA256SUMS"} == signed
    assert before == look()
    for name in signed:
        done = subprocess.run(
            ["minisign", "-V", "-P", key.public_text, "-m", folder / name],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"file:{name}" in done.stdout
    said = f"timestamp:{made_at // SECOND}\tfile:lists/a.txt\texport:a\tversion:2\n"
    assert said in (folder / "lists" / "a.txt.minisig").read_text()


def test_a_signature_that_is_gone_comes_back(export, run, store, settings, tmp_path):
    """By the next run, though that changes nothing."""
    new_key(tmp_path / "k")
    export("a")
    run("a", signing_key=tmp_path / "k")
    file = Path(settings.export_path) / "a.txt.minisig"
    before = file.read_bytes()
    file.unlink()

    run_export(store, "a", replace(settings, signing_key=tmp_path / "k"), now=LATER + 500)

    assert before == file.read_bytes()


def test_without_its_key_a_run_publishes_nothing(export, run, settings, tmp_path):
    """A new list beside an old signature would be refused by whoever verifies."""
    new_key(tmp_path / "k")
    export("a")
    run("a", signing_key=tmp_path / "k")
    folder = Path(settings.export_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "k").unlink()

    with pytest.raises(ConfigError, match=r"the signing key .* cannot be read"):
        run("a", signing_key=tmp_path / "k")

    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_without_its_key_nothing_is_rolled_back(export, run, store, settings, published, tmp_path):
    """What a person publishes is signed, too, or not published; the export is not pinned either."""
    export("a")
    run("a")
    run("a")
    before = published("a.txt")
    signed = replace(settings, signing_key=tmp_path / "nothing")

    with pytest.raises(ConfigError, match="cannot be read"):
        roll_back(store, "a", 1, signed, by="anna", reason="bad", now=LATER + 100)

    assert (before, 2) == (published("a.txt"), archives.current(store, "a").number)
    assert pins.pinned(store, "a") is None


def test_a_withdrawal_leaves_though_the_key_is_gone(export, run, store, settings, published, tmp_path):
    """What is known to be wrong does not wait for a signature; the run fails and says why."""
    new_key(tmp_path / "k")
    export("a")
    run("a", signing_key=tmp_path / "k")
    run("a", signing_key=tmp_path / "k")
    key = (tmp_path / "k").read_bytes()
    (tmp_path / "k").unlink()
    clearing.clear(store, "hostname", "h1.a.example", "ours", LATER + 100)

    with pytest.raises(ConfigError):
        run_export(store, "a", replace(settings, signing_key=tmp_path / "k"), now=LATER + 200)

    assert b"h0.a.example\n" == published("a.txt")
    # No signature is better than that of the list before, which who checks it would stay with.
    assert ["SHA256SUMS", "a.txt"] == files_in(settings.export_path)
    assert ["a.txt: OK"] == verify(settings.export_path)

    (tmp_path / "k").write_bytes(key)
    run("a", signing_key=tmp_path / "k")
    assert {"SHA256SUMS.minisig", "a.txt.minisig"} < set(files_in(settings.export_path))


def test_what_is_signed_no_more_has_no_old_signature(export, run, settings, tmp_path):
    """Signing is switched off: signatures of before would belong to no file that is there."""
    new_key(tmp_path / "k")
    export("a")
    run("a", signing_key=tmp_path / "k")

    run("a")

    assert ["SHA256SUMS", "a.txt"] == files_in(settings.export_path)
    assert ["a.txt: OK"] == verify(settings.export_path)


def test_checksums_that_are_not_wanted_any_more_are_deleted(export, run, settings, store):
    """They would be wrong from the next version on; also a run that changes nothing deletes them."""
    export("a")
    run("a")

    run("a", sha256sums=False)

    assert ["a.txt"] == files_in(settings.export_path)


def test_verify_looks_at_what_consumers_look_at(export, run, store, settings, tmp_path):
    """Checksums, signatures and the delta: each that is gone or another's is a fault; a run puts it back."""
    new_key(tmp_path / "k")
    here = replace(settings, signing_key=tmp_path / "k")
    export("a", deltas=True)
    run("a", signing_key=tmp_path / "k")
    run("a", signing_key=tmp_path / "k")
    names = ["SHA256SUMS", "a.txt.delta.jsonl", "a.txt.delta.jsonl.minisig", "a.txt.minisig"]
    folder = Path(settings.export_path)
    assert [] == [item for item in verify_export(store, "a", here) if item.fault]

    for name in names:
        (folder / name).write_text("something else\n")

    assert sorted(str(folder / name) for name in names) == sorted(
        item.what for item in verify_export(store, "a", here) if item.fault
    )
    run_export(store, "a", here, now=LATER + 1_000)
    assert [] == [item for item in verify_export(store, "a", here) if item.fault]
    (tmp_path / "k").unlink()
    (fault,) = [item for item in verify_export(store, "a", here) if item.fault]
    assert str(tmp_path / "k") == fault.what


# --- any storage ----------------------------------------------------------------------------------------------


def test_five_methods_are_enough(export, run, store, settings, storage_plugins, tmp_path):
    """Checksums and signatures are text."""
    (storage_plugins / "box.py").write_text(FIVE_METHODS)
    new_key(tmp_path / "k")
    export("a", destination="box://lists")
    run("a", signing_key=tmp_path / "k")

    stored = type(get_client("box://lists")).BOXES["box://lists"]

    assert {"a.txt", "a.txt.minisig", "SHA256SUMS", "SHA256SUMS.minisig"} == set(stored)
    assert f"{hashlib.sha256(stored['a.txt'].encode()).hexdigest()}  a.txt\n" == stored["SHA256SUMS"]


def test_a_client_that_changes_checksums_is_caught(export, run, store, settings, storage_plugins):
    """What a client of five methods stored is read back and compared."""
    (storage_plugins / "box.py").write_text(FIVE_METHODS.replace("] = contents", "] = contents.upper()"))
    export("A", file_name="A", destination="box://lists")

    with pytest.raises(StorageError, match="box:SHA256SUMS holds"):
        run_export(store, "A", settings, now=LATER)


def test_what_stands_beside_is_withdrawn_alone(settings, tmp_path):
    """The file itself, and what merely begins like it, stay."""
    for name in ("x", "x.minisig", "x.delta.jsonl", "x.delta.jsonl.minisig", "x.txt", "xy.minisig"):
        (tmp_path / name).write_text("")

    beside.withdraw_beside(str(tmp_path), ["x"])

    assert ["x", "x.txt", "xy.minisig"] == files_in(tmp_path)


@pytest.mark.s3
def test_a_bucket_has_them_too(export, run, s3_bucket, store, settings):
    """The place is the prefix, with or without options."""
    export("a", destination=f"s3://{s3_bucket}/lists")
    export("b", destination=f"s3://{s3_bucket}/lists/?storage-class=STANDARD")
    run("a")
    run("b")
    storage = Storage(get_client(f"s3://{s3_bucket}/lists"))

    assert ["a.txt", "b.txt"] == [line[66:] for line in storage.read_text("SHA256SUMS").splitlines()]
    remove_export(store, "a", settings, purge=True, now=LATER + 500)
    assert ["b.txt"] == [line[66:] for line in storage.read_text("SHA256SUMS").splitlines()]
    remove_export(store, "b", settings, purge=True, now=LATER + 501)
    with pytest.raises(FileMissing):
        storage.stat("SHA256SUMS")


def test_each_of_several_places_has_its_own(export, run, tmp_path):
    """``tee://``: another export that publishes to one of them has its line there alone."""
    export("a", destination=f"tee://{tmp_path}/one,{tmp_path}/two")
    export("b", destination=f"{tmp_path}/two")
    run("a")
    run("b")

    assert ["a.txt"] == names_in(tmp_path / "one")
    assert ["a.txt", "b.txt"] == names_in(tmp_path / "two")


def test_a_place_that_fails_keeps_no_other_from_its_checksums(export, run, store, settings, tmp_path):
    """What failed is said; the others have theirs."""
    export("a", destination=f"tee://{tmp_path}/one,{tmp_path}/two")
    run("a")
    (tmp_path / "one" / "SHA256SUMS").unlink()
    (tmp_path / "one" / "SHA256SUMS").mkdir()
    (tmp_path / "two" / "SHA256SUMS").unlink()

    with pytest.raises(PartlyStored, match=r"done: .*two; not done: .*one"):
        write_checksums(store, f"tee://{tmp_path}/one,{tmp_path}/two", settings)

    assert ["a.txt"] == names_in(tmp_path / "two")
    with pytest.raises(StorageError):
        write_checksums(store, f"{tmp_path}/one", settings)


# --- several at once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2], ids=["before the checksums", "before their signature"])
def test_a_writer_that_was_overtaken_writes_once_more(at, export, run, store, settings, tmp_path, monkeypatch):
    """Another run comes to its end between what this one reads and what it writes; no line is lost."""
    new_key(tmp_path / "k")
    export("a")
    export("b")
    puts, put = [], checksums.put

    def slow(storage, name, data):
        if name.startswith("SHA256SUMS"):
            puts.append(name)
            if len(puts) == at:
                run("b", signing_key=tmp_path / "k")
        return put(storage, name, data)

    monkeypatch.setattr(checksums, "put", slow)
    run("a", signing_key=tmp_path / "k")

    last = {path.name: path.read_bytes() for path in Path(settings.export_path).iterdir()}
    assert ["a.txt: OK", "b.txt: OK"] == verify(settings.export_path)
    write_checksums(store, settings.export_path, replace(settings, signing_key=tmp_path / "k"))
    assert last == {path.name: path.read_bytes() for path in Path(settings.export_path).iterdir()}


def test_a_store_that_never_rests_is_left_to_who_changes_it(export, run, store, settings, monkeypatch, caplog):
    """It gives up after a while, and says so; whoever changed the store last writes, too."""
    export("a")
    run("a")
    real, calls = publications(store), []

    def restless(_):
        calls.append(1)
        return [replace(item, made_at=len(calls)) for item in real]

    monkeypatch.setattr(checksums, "publications", restless)
    with caplog.at_level(logging.WARNING):
        write_checksums(store, settings.export_path, settings)

    assert 21 == len(calls)
    assert "checksums written while exports changed all the time" in caplog.text


@pytest.mark.parametrize("left", ["lines of before", ""], ids=["written", "deleted"])
def test_checksums_that_another_process_stored_in_between_are_stored_again(left, export, run, storage_plugins):
    """A client of five methods is read back; what is found then may be another process's, which was slower."""
    once = f"""
        self.box[file_name] = contents
        if file_name == "SHA256SUMS" and not self.BOXES.setdefault("times", []):
            self.BOXES["times"].append(1)
            self.box[file_name] = {left!r}
            if not self.box[file_name]:
                del self.box[file_name]
"""
    (storage_plugins / "box.py").write_text(
        FIVE_METHODS.replace("\n        self.box[file_name] = contents\n", once)
    )
    export("a", destination="box://lists")
    run("a")

    stored = type(get_client("box://lists")).BOXES["box://lists"]

    assert f"{hashlib.sha256(stored['a.txt'].encode()).hexdigest()}  a.txt\n" == stored["SHA256SUMS"]


def test_processes_that_publish_at_once_lose_no_line(export, fill, settings, tmp_path):
    """Four processes, each with an export of its own, start at one word, twice."""
    names = [f"x{number}" for number in range(4)]
    for name in names:
        export(name)
    for turn in range(2):
        fill(*(claim(f"h{turn}.{name}.example", "hostname", name) for name in names), now=LATER + turn)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", RUN, tmp_path, name, str(LATER + turn)],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]

        assert [("", 0)] * len(names) == ended
        assert [f"{name}.txt: OK" for name in names] == verify(settings.export_path)
