"""A rollback: an older version again as a new one, and the export stays with it until somebody says otherwise."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim, manifest_name
from withdrawn_claims import withdraw

from core.errors import GateError, NotFound, StorageError
from core.exports.run import run_export
from core.exports.versions.release import candidate
from core.exports.versions.rollback import roll_back
from core.exports.versions.verify import verify
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.schemas.version import from_manifest
from core.store import archives, clearing, definitions, kept_templates, ledger, pins, runs
from core.store.archives import KEPT

ALLOWED = {"allow": "documentation"}
TEMPLATE = "{% for row in data %}block {{ row.value }}\n{% endfor %}"


def addresses(*numbers, **fields):
    """Claims on addresses of a documentation network."""
    return [claim(f"192.0.2.{number}", "ipv4", "c2", **fields) for number in numbers]


def listed(*numbers):
    """The lines of a list of these addresses."""
    return "".join(sorted(f"192.0.2.{number}\n" for number in numbers)).encode()


@pytest.fixture
def export(define):
    """An export of addresses."""
    return define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER, **fields: run_export(store, "x", settings, **({"now": now} | fields))


@pytest.fixture
def back(store, settings):
    """Roll it back: ``back(2)``, by Lena, because it was a bad day."""

    def to(number, now=LATER + 10 * DAY, **fields):
        return roll_back(
            store, "x", number, settings, **({"by": "lena", "reason": "a bad day", "now": now} | fields)
        )

    return to


@pytest.fixture
def three(export, fill, run):
    """Three versions: 1 and 2; with 3; with 4 and without 1, which its source withdrew."""
    fill(*addresses(1, 2))
    run(LATER)
    fill(*addresses(3), now=LATER + 1)
    run(LATER + DAY)
    fill(*addresses(4), *addresses(1, withdrawn=True), now=LATER + DAY + 1)
    run(LATER + 2 * DAY)


@pytest.fixture
def state(store):
    """What the ledger says that a version lists, and keeps off."""

    def at(number, name="x"):
        with store.snapshot() as snapshot:
            ids = set(ledger.listed_ids(snapshot, name, number))
            found = snapshot.connection.execute("SELECT id, value FROM observable")
            return {value for key, value in found if key in ids}, list(ledger.kept_off(snapshot, name, number))

    return at


def values(*numbers):
    """The values of addresses."""
    return {f"192.0.2.{number}" for number in numbers}


def good(store, settings):
    """Say what `verify` finds wrong."""
    return [(item.version, item.what, item.fault) for item in verify(store, "x", settings) if item.fault]


def test_an_older_version_becomes_a_new_one(three, back, store, settings, published, state):
    """Version 2 again, byte for byte, is version 4; who and why is kept; the chain and the ledger go on."""
    # What was withdrawn since is a test of its own: here nothing was.
    fourth = published("x.txt")
    assert listed(2, 3, 4) == fourth

    done = back(3)
    assert (3, 3, ()) == (done.version, done.of, done.files)  # see below: that is published already

    done = back(2, exact=True)

    assert (4, 2, 0) == (done.version, done.of, done.left_out)
    assert listed(1, 2, 3) == published("x.txt")
    record = archives.get(store, "x", 4).record
    assert ("rollback", 3, {"added": 1, "removed": 1, "changed": 0}) == (
        record.cause,
        record.base,
        dict(record.changed),
    )
    assert {"of": "2", "by": "lena", "reason": "a bad day", "exact": "yes"} == dict(record.note)
    second = archives.get(store, "x", 2).record
    assert [item.name for item in second.files] == [item.name for item in record.files]
    assert archives.get(store, "x", 3).manifest_sha256 == record.previous_sha256
    assert [] == good(store, settings)
    assert state(2) == state(4) == (values(1, 2, 3), [])
    assert state(3) == (values(2, 3, 4), [])
    last = runs.last_run(store, "x")
    assert ("completed", "replaced", 4, 3) == (last.status, last.outcome, last.version, last.entries)
    assert "rolled back to version 2 by lena: a bad day" == last.message


def test_how_much_it_changes_is_told(three, back):
    """How many entries were published before and are now, and how many came and went."""
    done = back(1, exact=True)

    assert (3, 2, {"added": 1, "removed": 2, "changed": 0}) == (done.before, done.entries, done.changed)
    again = back(4, exact=True)
    assert (2, 2, {"added": 0, "removed": 0, "changed": 0}) == (again.before, again.entries, again.changed)


def test_an_empty_version_is_a_typing_error(define, fill, run, back, store, published):
    """It would wipe the list: it is refused, no run has failed, and nothing is pinned; ``--exact`` publishes it."""
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    run(NOW)
    fill(*addresses(1, 2), now=NOW + 1)
    run(LATER)
    before = runs.last_run(store, "x")

    with pytest.raises(
        GateError, match=r"version 1 of 'x' is empty: .* all 2 entries off the list; --exact publishes"
    ):
        back(1)

    assert listed(1, 2) == published("x.txt")
    assert before == runs.last_run(store, "x")
    assert None is pins.pinned(store, "x")
    done = back(1, exact=True)
    assert (2, 0, 2) == (done.before, done.entries, done.changed["removed"])
    assert b"" == published("x.txt")
    assert 3 == back(1).version, "what is empty already is not wiped"


def test_a_version_that_nothing_is_left_of_is_refused(export, fill, run, back, store, settings, published):
    """Everything on it was withdrawn since: that would be an empty list, too."""
    fill(*addresses(1))
    run(LATER)
    fill(*addresses(2, 3), now=LATER + 1)
    run(LATER + DAY)
    clearing.clear(store, "ipv4", "192.0.2.1", "ours", LATER + DAY + 1)
    run(LATER + 2 * DAY)

    with pytest.raises(
        GateError, match=r"nothing is left of version 1 of 'x' .1 withdrawn.: .* all 2 entries off"
    ):
        back(1)

    assert listed(2, 3) == published("x.txt")
    assert None is pins.pinned(store, "x")
    assert [] == good(store, settings)
    assert listed(1) == (back(1, exact=True), published("x.txt"))[1]


def test_the_content_is_kept_once(three, back, settings):
    """A rollback stores its changes and its manifest, and not the file again."""
    before = {path.name for path in Path(settings.versions_path).iterdir()}

    back(2, exact=True)

    new = {path.name.partition(".")[2] for path in Path(settings.versions_path).iterdir()} - {
        name.partition(".")[2] for name in before
    }
    assert 2 == len(new)
    (changes,) = [name for name in new if not name.startswith("v4.")]
    assert ".changes.jsonl.gz" == changes[64:]


def test_what_was_withdrawn_since_is_left_out(three, back, store, settings, published, state):
    """The older version less what was withdrawn, whether it is listed now or not; the rest is written again."""
    clearing.clear(store, "ipv4", "192.0.2.3", "a customer's", LATER + 3 * DAY)

    done = back(2)

    assert (4, 2) == (done.version, done.left_out)
    assert listed(2) == published("x.txt")
    assert (values(2), []) == state(4)
    record = archives.get(store, "x", 4).record
    assert (1, {"added": 0, "removed": 2, "changed": 0}) == (record.entries, dict(record.changed))
    assert [] == good(store, settings)
    assert None is candidate(store, "x")


def test_why_entries_came_and_went(three, back, store):
    """The changes say what was withdrawn, and what left because of the rollback; what came back is added."""
    clearing.clear(store, "ipv4", "192.0.2.3", "a customer's", LATER + 3 * DAY)
    back(1, exact=True)

    with store.snapshot() as snapshot:
        key = ledger.export_key(snapshot.connection, "x")
        found = [json.loads(line) for line in ledger.changes_between(snapshot.connection, key, 3, 4)]
        onward = [json.loads(line) for line in ledger.changes_between(snapshot.connection, key, 2, 4)]

    assert [
        ("added", "192.0.2.1", None),
        ("removed", "192.0.2.3", "rolled-back"),
        ("removed", "192.0.2.4", "rolled-back"),
    ] == [(line["change"], line["value"], line["why"].get("reason")) for line in found]
    assert [("removed", "192.0.2.3")] == [(line["change"], line["value"]) for line in onward]


def test_with_exact_what_was_withdrawn_before_stays(three, fill, back, run, store, published):
    """What was withdrawn before the rollback stays on it, run after run; what is withdrawn later leaves."""
    clearing.clear(store, "ipv4", "192.0.2.3", "a customer's", LATER + 3 * DAY)
    back(2, exact=True, now=LATER + 4 * DAY)
    assert listed(1, 2, 3) == published("x.txt")

    again = run(LATER + 5 * DAY)

    assert ("pinned", 4) == (again.outcome, again.version)
    assert listed(1, 2, 3) == published("x.txt")
    clearing.clear(store, "ipv4", "192.0.2.2", "another customer's", LATER + 6 * DAY)

    after = run(LATER + 7 * DAY)

    assert ("completed", "pinned", 5) == (after.status, after.outcome, after.version)
    assert listed(1, 3) == published("x.txt")
    assert "version 5 is published: the one before without 1 withdrawn" in after.notes
    assert (5, "unchanged") == (run(LATER + 8 * DAY).version, run(LATER + 8 * DAY).files[0].outcome)


def test_with_exact_it_stays_though_a_run_is_held_or_fails(define, fill, back, run, store, published):
    """The export is pinned, and what a run comes to changes nothing about what was wanted exactly."""
    kept_templates.put_template(store, "t", TEMPLATE, NOW)
    define("x", Selection(types=("ipv4",)), template="t", limits=ALLOWED)
    fill(*addresses(*range(1, 101)))
    run(LATER)
    clearing.clear(store, "ipv4", "192.0.2.7", "a customer's", LATER + 1)
    run(LATER + DAY)
    back(1, exact=True, now=LATER + 2 * DAY)
    fill(*addresses(*range(11, 101), valid_until=LATER + 3 * DAY - 1), now=LATER + 2 * DAY + 1)

    assert ("held", 3) == (run(LATER + 3 * DAY).status, run(LATER + 3 * DAY).version)

    assert b"block 192.0.2.7\n" in published("x")
    kept_templates.put_template(store, "t", "{% for row in data %}{{ row.a.b }}{% endfor %}", NOW, replace=True)
    with pytest.raises(Exception, match="template t"):
        run(LATER + 4 * DAY)
    assert b"block 192.0.2.7\n" in published("x")
    clearing.clear(store, "ipv4", "192.0.2.8", "another customer's", LATER + 5 * DAY)
    with pytest.raises(Exception, match="template t"):
        run(LATER + 6 * DAY)
    assert b"block 192.0.2.7\n" in published("x")
    assert b"block 192.0.2.8\n" not in published("x")


def test_runs_publish_nothing_until_it_is_unpinned(three, back, run, fill, store, published):
    """A run says what it would change; after `unpin` it does."""
    back(1, exact=True)
    fill(*addresses(5), now=LATER + 10 * DAY + 1)

    pinned = run(LATER + 11 * DAY)

    assert ("completed", "pinned", 4) == (pinned.status, pinned.outcome, pinned.version)
    # The clock of a run goes on while it lasts, so the seconds are not known beforehand.
    said = (
        r"pinned to version 4 since 2026-10-02T14:\d\d:\d\dZ by lena: a bad day; "
        "it would change it: 3 added, 1 removed, 0 changed"
    )
    assert re.fullmatch(said, pinned.message), pinned.message
    assert listed(1, 2) == published("x.txt")
    assert 4 == len(archives.find(store, "x", KEPT))
    assert "pinned" == runs.last_run(store, "x").outcome

    pins.unpin(store, "x")
    free = run(LATER + 12 * DAY)

    assert ("replaced", 5) == (free.outcome, free.version)
    assert listed(2, 3, 4, 5) == published("x.txt")
    with pytest.raises(NotFound, match="'x' is not pinned"):
        pins.unpin(store, "x")


def test_a_run_that_would_change_nothing_says_so(three, back, run):
    """The pin is told all the same."""
    back(3)

    assert run(LATER + 11 * DAY).message.endswith("; it would change nothing")


def test_what_is_gone_is_put_back_though_it_is_pinned(three, back, run, published, settings):
    """A published file that somebody deleted or altered is that of the current version after the next run."""
    back(2, exact=True)
    path = Path(settings.export_path) / "x.txt"
    path.unlink()
    assert "created" == run(LATER + 11 * DAY).files[0].outcome
    assert listed(1, 2, 3) == published("x.txt")
    path.write_text("192.0.2.200\n")

    again = run(LATER + 12 * DAY)

    assert ("pinned", "replaced", 4) == (again.outcome, again.files[0].outcome, again.version)
    assert listed(1, 2, 3) == published("x.txt")


def test_a_rollback_to_what_is_published_only_pins(three, back, store, settings, published):
    """Nothing is written; the export stays with what it has."""
    before = {path.name: path.read_bytes() for path in Path(settings.versions_path).iterdir()}

    done = back(3)

    assert (3, 3, (), 0) == (done.version, done.of, done.files, done.left_out)
    assert before == {path.name: path.read_bytes() for path in Path(settings.versions_path).iterdir()}
    pin = pins.pinned(store, "x")
    assert (3, "lena", "a bad day", False) == (pin.number, pin.by, pin.reason, pin.exact)
    assert ("unchanged", 3) == (runs.last_run(store, "x").outcome, runs.last_run(store, "x").version)


def test_a_version_that_is_not_kept(three, back, store, published):
    """It says which there are, and does nothing."""
    with pytest.raises(NotFound, match=r"version 9 of 'x' is not kept; there is 1, 2, 3$"):
        back(9)

    assert None is pins.pinned(store, "x")
    assert listed(2, 3, 4) == published("x.txt")


def test_a_version_that_retention_removed(three, fill, store, settings):
    """Its number is known and its content is not; the version that one is pinned to is spared."""
    few = replace(settings, keep_last=1, keep_daily=0, keep_weekly=0)
    fill(*addresses(9), now=LATER + 3 * DAY)
    run_export(store, "x", few, now=LATER + 4 * DAY)

    with pytest.raises(NotFound, match=r"version 1 of 'x' is not kept; there is 4$"):
        roll_back(store, "x", 1, few, by="lena", reason="so", now=LATER + 5 * DAY)


def test_by_the_template_of_that_version(define, fill, store, run, back, published):
    """The template was edited since: the old bytes are the old bytes, and what is written again is by the old text."""
    kept_templates.put_template(store, "t", TEMPLATE, NOW)
    define("x", Selection(types=("ipv4",)), template="t", limits=ALLOWED)
    fill(*addresses(1, 2, 3))
    run(LATER)
    kept_templates.put_template(store, "t", TEMPLATE.replace("block", "deny"), NOW, replace=True)
    run(LATER + DAY)
    assert b"deny 192.0.2.1\ndeny 192.0.2.2\ndeny 192.0.2.3\n" == published("x")

    back(1, now=LATER + 2 * DAY)
    assert b"block 192.0.2.1\nblock 192.0.2.2\nblock 192.0.2.3\n" == published("x")
    clearing.clear(store, "ipv4", "192.0.2.2", "a customer's", LATER + 3 * DAY)

    back(1, now=LATER + 4 * DAY)
    assert b"block 192.0.2.1\nblock 192.0.2.3\n" == published("x")
    assert TEMPLATE == archives.get(store, "x", 4).record.template

    back(1, now=LATER + 5 * DAY, exact=True)
    assert b"block 192.0.2.1\nblock 192.0.2.2\nblock 192.0.2.3\n" == published("x")
    assert 5 == archives.current(store, "x").number


def test_in_the_format_of_that_version(three, back, store, export, published, settings):
    """The export is a CSV by now; its version 2 was a list, and is that again."""
    definitions.replace_export(store, replace(export, format="csv"))
    run_export(store, "x", settings, now=LATER + 3 * DAY)
    assert published("x.txt").startswith(b"value,type")

    back(2)

    assert listed(2, 3) == published("x.txt")


def test_kept_off_entries_come_back_with_it(define, fill, store, run, back, state, published):
    """What was kept off the older version is kept off the new one, for the reason of then."""
    made = define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED | {"never": "192.0.2.2"})
    fill(*addresses(1, 2))
    run(LATER)
    definitions.replace_export(store, replace(made, limits=ALLOWED))
    run(LATER + DAY)
    assert (values(1, 2), []) == state(2)

    back(1)

    assert listed(1) == published("x.txt")
    assert state(1) == state(3)
    assert ["192.0.2.2"] == [value for _, value, _ in state(3)[1]]
    assert {"never": 1} == dict(archives.get(store, "x", 3).record.kept_off)


def test_pieces_come_back_with_it(define, fill, store, run, back, published, settings):
    """A network that was listed in pieces is that again, also if something else was withdrawn."""
    made = define(
        "x", Selection(types=("cidr", "ipv4")), format="list", limits=ALLOWED | {"never": "198.51.100.0/25"}
    )
    fill(claim("198.51.100.0/24", "cidr", "c2"), *addresses(1, 2))
    run(LATER)
    first = published("x.txt")
    assert b"198.51.100.128/25\n" in first
    definitions.replace_export(store, replace(made, limits=ALLOWED))
    run(LATER + DAY)
    assert b"198.51.100.0/24\n" in published("x.txt")
    clearing.clear(store, "ipv4", "192.0.2.2", "a customer's", LATER + 2 * DAY)

    done = back(1)

    assert 1 == done.left_out
    assert first.replace(b"192.0.2.2\n", b"") == published("x.txt")
    assert [] == good(store, settings)
    clearing.clear(store, "cidr", "198.51.100.0/24", "a customer's", LATER + 11 * DAY)
    assert ("pinned", 4) == (run(LATER + 12 * DAY).outcome, run(LATER + 12 * DAY).version)
    assert listed(1) == published("x.txt")


def test_what_another_source_still_says_comes_back(three, fill, back, store, published):
    """One source withdrew it, another reports it: it is on the older version by right."""
    withdraw(store, "192.0.2.3", "wrong", LATER + 3 * DAY)
    fill(*addresses(3, source="another"), now=LATER + 3 * DAY + 1)

    done = back(2)

    assert 1 == done.left_out  # that of version 1, which nobody else reports
    assert listed(2, 3) == published("x.txt")


def test_a_held_candidate_goes(export, fill, back, run, store, published):
    """Whoever rolls back does not want what is held; a pinned export may hold a new one, which stays pinned."""
    fill(*addresses(*range(1, 101)))
    run(LATER)
    fill(*addresses(101), now=LATER + 1)
    run(LATER + DAY)
    fill(*addresses(*range(11, 102), valid_until=LATER + 2 * DAY - 1), now=LATER + DAY + 1)
    assert "held" == run(LATER + 2 * DAY).status

    back(1)

    assert None is candidate(store, "x")
    assert listed(*range(1, 101)) == published("x.txt")
    assert "held" == run(LATER + 11 * DAY).status
    assert listed(*range(1, 101)) == published("x.txt")


def test_under_the_name_of_today(three, back, define, fill, store, export, run, settings, published):
    """The file has another name since, and another export has the old one: nothing of that is touched."""
    definitions.replace_export(store, replace(export, file_name="x-new.txt"))
    run(LATER + 3 * DAY)
    define("y", Selection(types=("hostname",)), format="list", file_name="x.txt")
    fill(claim("y.example", "hostname", "c2"), now=LATER + 3 * DAY)
    run_export(store, "y", settings, now=LATER + 4 * DAY)

    done = back(2, exact=True)

    assert ["x-new.txt"] == [file.name for file in done.files]
    assert listed(1, 2, 3) == published("x-new.txt")
    assert b"y.example\n" == published("x.txt")
    assert [] == good(store, settings)
    clearing.clear(store, "ipv4", "192.0.2.2", "a customer's", LATER + 11 * DAY)
    assert 6 == run(LATER + 12 * DAY).version
    assert listed(1, 3) == published("x-new.txt")
    assert b"y.example\n" == published("x.txt")


def test_at_the_place_of_today(three, back, store, export, tmp_path, published):
    """The export moved since: its older version is published where it is fetched now, and the manifest says so."""
    place = str(tmp_path / "moved")
    definitions.replace_export(store, replace(export, destination=place))

    back(2, exact=True)

    assert listed(1, 2, 3) == (tmp_path / "moved" / "x.txt").read_bytes()
    assert listed(2, 3, 4) == published("x.txt")
    assert place == archives.get(store, "x", 4).record.place


# --- when it is cut off ----------------------------------------------------------------------------------------


class Stop(StorageError):
    """The fault of a test."""


def _fail(*_args, **_fields):
    raise Stop("it failed on purpose")


@pytest.mark.parametrize(
    "step", ["core.store.archives.make_current", "core.exports.publishing.beside.publish_beside"]
)
def test_a_rollback_that_consumers_saw_is_pinned(three, back, run, store, settings, published, monkeypatch, step):
    """The name had moved when the process died: the next run must not publish the fault again."""
    with monkeypatch.context() as patch:
        patch.setattr(step, _fail)
        with pytest.raises(Stop):
            back(2, exact=True)
    assert listed(1, 2, 3) == published("x.txt")
    assert "failed" == runs.last_run(store, "x").status

    result = run(LATER + 11 * DAY)

    assert ("pinned", 4) == (result.outcome, result.version)
    assert listed(1, 2, 3) == published("x.txt")
    pin = pins.pinned(store, "x")
    assert (4, "lena", "a bad day", True) == (pin.number, pin.by, pin.reason, pin.exact)
    assert [] == good(store, settings)


def test_a_rollback_that_nobody_saw_is_undone(three, back, run, store, settings, published, monkeypatch):
    """The name had not moved: the next run goes on as if nobody had asked for it."""
    with monkeypatch.context() as patch:
        patch.setattr("core.exports.versions.versioning.Versions.put_names", _fail)
        with pytest.raises(Stop):
            back(2, exact=True)

    result = run(LATER + 11 * DAY)

    assert ("unchanged", 3) == (result.outcome, result.version)
    assert None is pins.pinned(store, "x")
    assert listed(2, 3, 4) == published("x.txt")
    assert [] == good(store, settings)


def test_a_version_whose_file_is_damaged(three, back, store, settings, published):
    """It is not published: what is kept of it is not what was."""
    second = archives.get(store, "x", 2).record.files[0]
    path = Path(settings.versions_path) / second.name
    path.write_bytes(path.read_bytes()[:-1] + b" ")

    with pytest.raises(StorageError, match="not the 30 with"):
        back(2, exact=True)

    assert listed(2, 3, 4) == published("x.txt")
    assert None is pins.pinned(store, "x")


def test_the_manifest_of_a_rollback(three, back, export, settings):
    """Whoever has only the storage reads of which version it is the content, and by whose definition."""
    back(2, exact=True, now=LATER + 10 * DAY)

    folder = Path(settings.versions_path)
    manifest = from_manifest((folder / manifest_name([path.name for path in folder.iterdir()], 4)).read_bytes())

    assert ("rollback", "2", LATER + DAY) == (manifest.cause, manifest.note["of"], manifest.instant)
    assert 0 <= manifest.made_at - (LATER + 10 * DAY) < 60 * SECOND
