"""The whole life of versions on storages of any kind: five methods, a bucket, memory."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from export_samples import LATER, NOW, claim, manifest_name

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageCorrupt, StorageError
from core.exports.remove import remove_export
from core.exports.run import run_export
from core.exports.versions.release import release
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.schemas.version import from_manifest
from core.store import archives, clearing, pins, versions
from core.store.archives import HELD, KEPT, PUBLISHING, REMOVED, REMOVING, WRITING

BOX = """
class Box:
    PREFIX = "box://"
    BOXES = {}
    FAIL_AT = []   # ends of names that cannot be put
    MANGLE = []

    def __init__(self, path):
        self.path = path
        self.box = self.BOXES.setdefault(path, {})

    def file_path(self, file_name):
        return f"{self.path}/{file_name}"

    def get_file(self, file_name):
        if file_name not in self.box:
            raise FileNotFoundError(file_name)
        return self.box[file_name]

    def put_file(self, file_name, contents):
        if any(file_name.endswith(end) for end in self.FAIL_AT):
            raise OSError("no route to host")
        self.box[file_name] = contents.replace("\\n", "\\r\\n") if self.MANGLE else contents

    def delete_file(self, file_name):
        self.box.pop(file_name, None)
"""
ALLOWED = {"allow": "documentation"}


@pytest.fixture
def box(storage_plugins):
    """A client with nothing but the five methods, its places empty."""
    (storage_plugins / "box.py").write_text(BOX)
    client = type(get_client("box://any"))
    client.BOXES.clear()
    return client


@pytest.fixture(params=["five methods", pytest.param("bucket", marks=pytest.mark.s3), "memory", "folder"])
def places(request, tmp_path):
    """Where versions are kept and where files are published, and how to see what is there by name."""
    if request.param == "five methods":
        box = request.getfixturevalue("box")
        return "box://versions", "box://lists", lambda place: {k: v.encode() for k, v in box.BOXES[place].items()}
    if request.param == "bucket":
        bucket = request.getfixturevalue("s3_bucket")
        return f"s3://{bucket}/private", f"s3://{bucket}/public", stored
    if request.param == "memory":
        return f"memory://{uuid4()}", f"memory://{uuid4()}", stored
    return str(tmp_path / "private"), str(tmp_path / "public"), stored


def stored(place):
    """What is stored at a place whose client can list."""
    storage = Storage(get_client(place))
    return {item.name: storage.read_bytes(item.name) for item in storage.list()}


def addresses(*numbers, **fields):
    """Claims on addresses of a documentation network."""
    return [claim(f"198.51.100.{number}", "ipv4", "c2", **fields) for number in numbers]


def listed(*numbers):
    """The list of these addresses."""
    return "".join(sorted(f"198.51.100.{number}\n" for number in numbers)).encode()


def named(store, settings, name="x"):
    """The names of all objects that the store says are kept."""
    found = set()
    for item in archives.find(store, name, KEPT, HELD):
        found.update(known.name for known in item.record.objects)
        if item.number:
            key = item.record.objects[0].name.partition(".")[0]
            found.add(f"{key}.v{item.number}.{item.manifest_sha256[:12]}.json")
    return found


def test_the_whole_life(places, define, fill, store, settings):
    """Run, unchanged, held, released, withdrawn, rolled back, verified, forgotten, removed: all of it, anywhere."""
    versions_path, export_path, seen = places
    few = replace(settings, versions_path=versions_path, export_path=export_path, keep_daily=0, keep_weekly=0)
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED, default_destination=export_path)
    public = {"x.txt", "SHA256SUMS"}
    hour = DAY // 24

    def run(now, keep_last=10):
        result = run_export(store, "x", replace(few, keep_last=keep_last), now=now)
        assert public == set(seen(export_path))
        assert set(seen(versions_path)) == named(store, few)
        return result.status, result.outcome, result.version

    def good():
        return [] == [item for item in verify(store, "x", few) if item.fault]

    fill(*addresses(*range(1, 101)))
    assert ("completed", "created", 1) == run(LATER)
    kept = seen(versions_path)
    assert ("completed", "unchanged", 1) == run(LATER + hour)
    assert kept == seen(versions_path)
    fill(*addresses(101), now=LATER + hour + 1)
    assert ("completed", "replaced", 2) == run(LATER + 2 * hour)
    fill(*addresses(*range(11, 102), valid_until=LATER + 3 * hour - 1), now=LATER + 2 * hour + 1)
    clearing.clear(store, "ipv4", "198.51.100.50", "a customer's", LATER + 2 * hour + 2)

    # Held; what was withdrawn leaves all the same.
    assert ("held", "", 3) == run(LATER + 3 * hour)
    assert listed(*range(1, 50), *range(51, 102)) == seen(export_path)["x.txt"]
    assert good()
    number, _, _ = release(store, "x", few, by="lena", reason="so it is", now=LATER + 4 * hour)
    assert 4 == number
    assert listed(*range(1, 11)) == seen(export_path)["x.txt"]

    done = roll_back(store, "x", 1, few, by="lena", reason="so it is not", now=LATER + 5 * hour)
    assert (5, 1) == (done.version, done.left_out)
    assert listed(*range(1, 50), *range(51, 101)) == seen(export_path)["x.txt"]
    done = roll_back(store, "x", 2, few, by="lena", reason="exactly", exact=True, now=LATER + 6 * hour)
    assert listed(*range(1, 102)) == seen(export_path)["x.txt"]
    assert good()

    # The chain can be read from the storage alone.
    objects = seen(versions_path)
    manifests = [from_manifest(objects[manifest_name(objects, number)]) for number in range(1, 7)]
    assert ["run", "run", "withdrawal", "release", "rollback", "rollback"] == [item.cause for item in manifests]

    assert ("held", "", 6) == run(LATER + 7 * hour)
    pins.unpin(store, "x")
    release(store, "x", replace(few, keep_last=2), by="lena", reason="now it is", now=LATER + 8 * hour)
    assert [6, 7] == [item.number for item in archives.find(store, "x", KEPT)]
    assert [1, 2, 3, 4, 5] == [item.number for item in archives.find(store, "x", REMOVED)]
    assert set(seen(versions_path)) == named(store, few)
    assert good()

    remove_export(store, "x", few, purge=True, now=LATER + 9 * hour)
    assert {} == seen(versions_path) == seen(export_path)


def test_of_five_methods_all_is_plain_text(box, define, fill, store, settings):
    """Changes can be read with the eye; where bytes can be stored they are compressed."""
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    fill(*addresses(1, 2))

    run_export(store, "x", replace(settings, versions_path="box://versions"), now=LATER)

    (changes,) = [item for item in archives.get(store, "x", 1).record.objects if item.role == "changes"]
    assert changes.name.endswith(".changes.jsonl")
    lines = box.BOXES["box://versions"][changes.name].splitlines()
    assert ["198.51.100.1", "198.51.100.2"] == [json.loads(line)["value"] for line in lines]


def test_nothing_is_ever_listed(places, define, fill, store, settings, monkeypatch):
    """A storage of a million objects costs what one of ten costs; nor must a client be able to list."""
    versions_path, export_path, _ = places

    def never(*_given):
        raise AssertionError("something was listed")

    for place in (versions_path, export_path):
        if hasattr(type(get_client(place)), "list"):
            monkeypatch.setattr(type(get_client(place)), "list", never)
    few = replace(settings, versions_path=versions_path, export_path=export_path, keep_last=1, keep_daily=0)
    few = replace(few, keep_weekly=0)
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED, default_destination=export_path)
    for number in range(1, 4):
        fill(*addresses(number), now=NOW + number)
        run_export(store, "x", few, now=LATER + number)
    roll_back(store, "x", 3, few, by="lena", reason="so", exact=True, now=LATER + DAY)

    assert [] == [item for item in verify(store, "x", few) if item.fault]
    assert [3] == [item.number for item in archives.find(store, "x", KEPT)]


def test_what_a_client_altered_is_no_version(box, define, fill, store, settings):
    """A client of five methods that changes line ends is found out when it stores, not on the day of a rollback."""
    here = replace(settings, versions_path="box://versions")
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    fill(*addresses(1, 2))
    box.MANGLE.append("on")

    with pytest.raises(StorageError, match=r"box://versions/x-.* holds"):
        run_export(store, "x", here, now=LATER)

    assert None is versions.current_version(store, "x")
    box.MANGLE.clear()
    assert ("created", 1) == (run_export(store, "x", here, now=LATER + 1).outcome, 1)
    assert [] == [item for item in verify(store, "x", here) if item.fault]


@pytest.mark.parametrize("end", [".file", ".changes.jsonl", ".json", "x.txt"])
def test_a_storage_that_fails_anywhere(box, define, fill, store, settings, end):
    """Whichever object cannot be put: the old version stays, and the next run leaves nothing behind."""
    here = replace(settings, versions_path="box://versions", export_path="box://lists")
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED, default_destination="box://lists")
    fill(*addresses(1, 2))
    run_export(store, "x", here, now=LATER)
    fill(*addresses(3), now=LATER + 1)
    box.FAIL_AT.append(end)

    with pytest.raises(StorageError, match="no route to host"):
        run_export(store, "x", here, now=LATER + DAY)

    assert listed(1, 2) == box.BOXES["box://lists"]["x.txt"].encode()
    assert 1 == versions.current_version(store, "x").number
    box.FAIL_AT.clear()
    result = run_export(store, "x", here, now=LATER + DAY)
    assert ("replaced", 2) == (result.outcome, result.version)
    assert listed(1, 2, 3) == box.BOXES["box://lists"]["x.txt"].encode()
    assert set(box.BOXES["box://versions"]) == named(store, here)
    assert [] == archives.find(store, "x", WRITING, PUBLISHING, REMOVING)


def test_versions_that_cannot_be_read_are_not_rolled_back_to(box, define, fill, store, settings):
    """What is kept was altered at its place: nothing is published, the message says what is there."""
    here = replace(settings, versions_path="box://versions")
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    for number in (1, 2):
        fill(*addresses(number), now=NOW + number)
        run_export(store, "x", here, now=LATER + number)
    first = archives.get(store, "x", 1).record.files[0].name
    box.BOXES["box://versions"][first] = "198.51.100.77\n"

    with pytest.raises(StorageCorrupt, match=r"holds 14 bytes with SHA-256 .*, not the 13 with"):
        roll_back(store, "x", 1, here, by="lena", reason="so", now=LATER + DAY)

    assert 2 == versions.current_version(store, "x").number


def test_two_exports_share_a_place(places, define, fill, store, settings):
    """Each deletes what is its own: of one name before and after it was made anew, too."""
    versions_path, export_path, seen = places
    few = replace(settings, versions_path=versions_path, export_path=export_path, keep_last=1, keep_daily=0)
    few = replace(few, keep_weekly=0)
    fill(*addresses(1))
    for name in ("x", "X!"):
        define(
            name,
            Selection(types=("ipv4",)),
            format="list",
            limits=ALLOWED,
            default_destination=export_path,
            file_name=f"of-{'a' if name == 'x' else 'b'}.txt",
        )
        run_export(store, name, few, now=LATER)
    others = {name: data for name, data in seen(versions_path).items() if name in named(store, few, "X!")}
    assert 3 == len(others)

    fill(*addresses(2), now=LATER + 1)
    run_export(store, "x", few, now=LATER + 2)
    remove_export(store, "x", few, purge=True, now=LATER + 3)

    assert others == seen(versions_path)
    assert [] == [item for item in verify(store, "X!", few) if item.fault]


def test_manifests_name_their_objects(places, define, fill, store, settings):
    """Whoever has the storage alone finds each object that a manifest lists, with its size and SHA-256."""
    import hashlib

    versions_path, export_path, seen = places
    here = replace(settings, versions_path=versions_path, export_path=export_path)
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED, default_destination=export_path)
    fill(*addresses(1, 2))
    run_export(store, "x", here, now=LATER)
    objects = seen(versions_path)

    record = from_manifest(objects[manifest_name(objects, 1)])

    assert ["changes", "file"] == sorted(item.role for item in record.objects)
    for item in record.objects:
        data = objects[item.name]
        assert (item.size_bytes, item.sha256) == (len(data), hashlib.sha256(data).hexdigest())
