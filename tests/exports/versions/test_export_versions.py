"""Versions: what is kept of each publication, how they hang together, and what is removed."""

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim, manifest_name

from core.exports.run import run_export
from core.exports.versions.verify import verify
from core.schemas.instant import DAY, SECOND
from core.schemas.version import from_manifest
from core.store import archives, definitions, versions
from core.store.archives import KEPT, REMOVED


@pytest.fixture
def kept(settings):
    """What lies under the versions path, by name."""
    return lambda: {path.name: path.read_bytes() for path in Path(settings.versions_path).iterdir()}


@pytest.fixture
def run(store, settings):
    """Run an export: ``run("x")``, at ``LATER`` and a day later each time."""
    instants = iter(range(LATER, LATER + 1_000 * DAY, DAY))

    def once(name="x", **fields):
        return run_export(store, name, settings, **({"now": next(instants)} | fields))

    return once


def addresses(first, last, *tags):
    """Claims on addresses of a documentation network."""
    return [claim(f"192.0.2.{number}", "ipv4", *(tags or ("c2",))) for number in range(first, last)]


@pytest.fixture
def export(define):
    """An export of addresses that may hold documentation ranges."""
    return define("x", format="list", limits={"allow": "documentation"})


def test_a_version_is_kept_with_its_manifest(export, fill, run, kept, store):
    """The file, the changes and the manifest are kept; names tell what they hold."""
    fill(*addresses(1, 4))

    result = run()

    objects = kept()
    key = definitions.get_export(store, "x").versions_key
    content = b"192.0.2.1\n192.0.2.2\n192.0.2.3\n"
    file = f"{key}.{hashlib.sha256(content).hexdigest()}.file"
    assert 1 == result.version
    assert content == objects[file]
    digest = archives.get(store, "x", 1).manifest_sha256
    name = f"{key}.v1.{digest[:12]}.json"
    assert digest == hashlib.sha256(objects[name]).hexdigest()
    manifest = from_manifest(objects[name])
    (changes,) = [item for item in manifest.objects if item.role == "changes"]
    assert {name, file, changes.name} == set(objects)
    lines = [json.loads(line) for line in gzip.decompress(objects[changes.name]).splitlines()]
    assert [("added", "192.0.2.1"), ("added", "192.0.2.2"), ("added", "192.0.2.3")] == [
        (line["change"], line["value"]) for line in lines
    ]
    assert 1 == len({line["why"]["by"] for line in lines})
    assert (1, "run", LATER, 0, "") == (
        manifest.number,
        manifest.cause,
        manifest.instant,
        manifest.base,
        manifest.previous_sha256,
    )
    assert (3, {"added": 3, "removed": 0, "changed": 0}) == (manifest.entries, manifest.changed)
    assert "x" == manifest.definition["name"]
    assert manifest.software.startswith("yeti-exports ")
    assert not manifest.verdict["held"]


def test_the_same_content_is_no_new_version(export, fill, run, kept):
    """A run that changes nothing keeps nothing."""
    fill(*addresses(1, 4))
    run()
    before = kept()

    again = run()

    assert ("unchanged", 1) == (again.outcome, again.version)
    assert before == kept()


def test_manifests_are_a_chain(export, fill, run, kept):
    """Each manifest has the SHA-256 of the one before."""
    for last in (3, 4, 5):
        fill(*addresses(1, last), now=NOW + last)
        run()

    objects = kept()
    manifests = [objects[manifest_name(objects, number)] for number in (1, 2, 3)]

    digests = [hashlib.sha256(data).hexdigest() for data in manifests]
    assert ["", *digests[:2]] == [from_manifest(data).previous_sha256 for data in manifests]
    assert [0, 1, 2] == [from_manifest(data).base for data in manifests]


def test_content_that_comes_back_is_kept_once(export, fill, run, kept):
    """Two versions with the same file share the object."""
    fill(*addresses(1, 4))
    run()
    fill(claim("192.0.2.9", "ipv4", "c2"), now=NOW + 1)
    run()
    fill(claim("192.0.2.9", "ipv4", "c2", withdrawn=True), now=NOW + 2)

    third = run()

    assert 3 == third.version
    assert 2 == len([name for name in kept() if name.endswith(".file")])


def test_what_is_private_is_not_published(export, fill, run, settings):
    """Beside the published file there is nothing but its checksum."""
    fill(*addresses(1, 4))

    run()

    assert {"x.txt", "SHA256SUMS"} == {path.name for path in Path(settings.export_path).iterdir()}
    assert "feed" not in (Path(settings.export_path) / "SHA256SUMS").read_text()


def test_old_versions_are_forgotten(define, fill, store, settings, kept):
    """Retention removes versions, their objects that no other has, and nothing else."""
    define("x", format="list", limits={"allow": "documentation"})
    define("y", format="list", file_name="y.txt", limits={"allow": "documentation"})
    few = replace(settings, keep_last=2, keep_daily=0, keep_weekly=0)
    fill(*addresses(1, 3))
    run_export(store, "y", few, now=LATER)
    stranger = Path(settings.versions_path) / "somebody-elses.txt"
    stranger.write_text("mine")
    others = set(kept())
    for number in range(5):
        fill(claim(f"192.0.2.{100 + number}", "ipv4", "c2"), now=NOW + 10 + number)
        run_export(store, "x", few, now=LATER + number * 60 * SECOND)

    assert [4, 5] == [item.number for item in archives.find(store, "x", KEPT)]
    assert [1, 2, 3] == [item.number for item in archives.find(store, "x", REMOVED)]
    own = set(kept()) - others
    assert {manifest_name(own, number) for number in (4, 5)} <= own
    assert 6 == len(own)
    assert others <= set(kept())
    assert [] == [item for item in verify(store, "x", few) if item.fault]


def definition_of(store, name):
    """The definition as it is kept."""
    return definitions.get_export(store, name)


def test_the_current_version_is_never_forgotten(export, fill, store, settings):
    """A clock that stepped back makes the current version the oldest; it stays."""
    few = replace(settings, keep_last=1, keep_daily=0, keep_weekly=0)
    for number in range(3):
        fill(claim(f"192.0.2.{100 + number}", "ipv4", "c2"), now=NOW + number)
        run_export(store, "x", few, now=LATER - number * DAY // 4)

    current = versions.current_version(store, "x")

    assert 3 == current.number
    assert 3 in {item.number for item in archives.find(store, "x", KEPT)}


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.unlink(), "it is gone"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b" "), "SHA-256"),
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".file", ".changes.jsonl.gz"])
def test_verify_finds_what_is_wrong(export, fill, run, store, settings, suffix, damage, fault):
    """An object or a manifest that is gone or was altered is found, and nothing else is said to be wrong."""
    fill(*addresses(1, 4))
    run()
    assert [] == [item for item in verify(store, "x", settings) if item.fault]
    (path,) = [path for path in Path(settings.versions_path).iterdir() if path.name.endswith(suffix)]

    damage(path)

    (wrong,) = [item for item in verify(store, "x", settings) if item.fault]
    assert str(path) == wrong.what
    assert fault in wrong.fault


def test_verify_finds_a_published_file_that_was_altered(export, fill, run, store, settings):
    """The published file is compared, too; the next run puts it back."""
    fill(*addresses(1, 4))
    run()
    published = Path(settings.export_path) / "x.txt"
    published.write_text("192.0.2.200\n")

    (wrong,) = [item for item in verify(store, "x", settings) if item.fault]
    run()

    assert (0, str(published)) == (wrong.version, wrong.what)
    assert b"192.0.2.1\n192.0.2.2\n192.0.2.3\n" == published.read_bytes()
    assert [] == [item for item in verify(store, "x", settings) if item.fault]


def test_verify_finds_a_broken_chain(export, fill, run, store, settings):
    """A manifest in the place of another is not the one that the store knows."""
    for last in (3, 4):
        fill(*addresses(1, last), now=NOW + last)
        run()
    folder = Path(settings.versions_path)
    first, second = (folder / manifest_name([path.name for path in folder.iterdir()], number) for number in (1, 2))
    second.write_bytes(first.read_bytes())

    faults = [(item.version, item.fault) for item in verify(store, "x", settings) if item.fault]

    assert [(2, "it was altered: its SHA-256 is not the one that the store knows")] == faults


def test_a_network_that_was_split_becomes_whole_again(define, fill, store, settings):
    """What was forbidden inside of it no longer is: its parts go, and it comes."""
    name = define("x", format="list", limits={"allow": "documentation", "never": "198.51.100.5"}).name
    fill(claim("198.51.100.4/30", "cidr", "c2", "botnet"))
    run_export(store, name, settings, now=LATER)
    place = Path(settings.export_path) / "x.txt"
    assert ["198.51.100.6/31", "198.51.100.4"] == place.read_text().split()
    definition = definition_of(store, name)
    definitions.replace_export(store, replace(definition, limits={"allow": "documentation"}))

    result = run_export(store, name, settings, now=LATER + 1)

    assert "completed" == result.status
    assert ["198.51.100.4/30"] == place.read_text().split()
