"""Deltas: what a version added and removed, beside the file, for consumers that have the version before."""

import itertools
import json
import shutil
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.exports.definitions import definition
from core.exports.publishing.minisign_key import new_key
from core.exports.run import run_export
from core.exports.settings import Settings
from core.exports.versions.release import release
from core.exports.versions.rollback import roll_back
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import archives, clearing, definitions, open_store

ALLOWED = {"allow": "documentation"}
NETWORK = "198.51.100.0/24"


@pytest.fixture
def export(define):
    """An export with deltas."""
    return define("x", Selection(types=("cidr", "ipv4")), format="list", limits=ALLOWED, deltas=True)


@pytest.fixture
def run(store, settings):
    """Run it, at a time of one's own."""
    return lambda now=LATER: run_export(store, "x", settings, now=now)


@pytest.fixture
def delta(settings):
    """The published delta: its first line, and the others as they are."""

    def read(name="x.txt"):
        text = (Path(settings.export_path) / f"{name}.delta.jsonl").read_text()
        head, *lines = map(json.loads, text.splitlines())
        return head, lines

    return read


def addresses(*numbers, **fields):
    """Claims on addresses of a documentation network."""
    return [claim(f"192.0.2.{number}", "ipv4", "c2", **fields) for number in numbers]


def told(lines):
    """What lines tell, in short."""
    return [(line["change"], line["value"]) for line in lines]


def test_what_a_version_added_and_removed(export, fill, run, delta, settings, store):
    """The first line says between which versions and what the file holds then; then entries, in their order."""
    fill(*addresses(1, 2))
    run()
    fill(*addresses(10, 3), *addresses(1, withdrawn=True), now=NOW + 1)

    run(LATER + DAY)

    head, lines = delta()
    sha256 = archives.get(store, "x", 2).record.files[0].sha256
    assert {"from": 1, "to": 2, "file": "x.txt", "sha256": sha256} == head
    assert [
        {"change": "removed", "type": "ipv4", "value": "192.0.2.1"},
        {"change": "added", "type": "ipv4", "value": "192.0.2.10"},
        {"change": "added", "type": "ipv4", "value": "192.0.2.3"},
    ] == lines


def test_it_tells_no_source_no_tag_and_no_reason(define, fill, store, settings, delta):
    """What is private is in the changes that are kept, and nowhere in what is published."""
    made = define("x", Selection(types=("ipv4",)), format="jsonl", file_name="x.txt", limits=ALLOWED, deltas=True)
    fill(
        claim("192.0.2.1", "ipv4", "secret-tag", source="secret-source"), *addresses(2, 3, source="secret-source")
    )
    run_export(store, "x", settings, now=LATER)
    definitions.replace_export(store, replace(made, limits=ALLOWED | {"never": "192.0.2.2"}))
    clearing.clear(store, "ipv4", "192.0.2.3", "secret-reason", LATER + 1)
    fill(claim("192.0.2.1", "ipv4", "another-secret-tag", source="secret-source"), now=LATER + 1)
    for number in (1, 2):
        _, lines = delta()
        assert all({"change", "type", "value"} == set(line) for line in lines)
        text = (Path(settings.export_path) / "x.txt.delta.jsonl").read_text()
        for word in ("secret", "never", "withdrawn", "allow", "kept"):
            assert word not in text
        run_export(store, "x", settings, now=LATER + number * DAY)
    assert [("removed", "192.0.2.2"), ("removed", "192.0.2.3")] == told(lines)


def test_the_first_version_adds_all(export, fill, run, delta):
    """It starts from nothing."""
    fill(*addresses(1, 2))

    run()

    head, lines = delta()
    assert (0, 1) == (head["from"], head["to"])
    assert [("added", "192.0.2.1"), ("added", "192.0.2.2")] == told(lines)


def test_however_many_lines(define, fill, store, settings, delta):
    """Each of thousands once, in order."""
    define("x", Selection(types=("hostname",)), format="list", deltas=True)
    names = [f"{number:04}.example" for number in range(2_500)]
    fill(*(claim(name, "hostname", "c2") for name in names))

    run_export(store, "x", settings, now=LATER)

    assert [("added", name) for name in names] == told(delta()[1])


def test_a_run_without_other_content_leaves_it(export, fill, run, delta, settings):
    """It is of the current version; one that is gone is put back."""
    fill(*addresses(1, 2))
    run()
    before = delta()
    run(LATER + DAY)
    assert before == delta()
    (Path(settings.export_path) / "x.txt.delta.jsonl").unlink()

    run(LATER + 2 * DAY)

    assert before == delta()


def test_where_it_is_switched_off_nothing_is_published(define, fill, store, settings):
    """The default: a file, its checksums, no delta."""
    define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    fill(*addresses(1, 2))

    run_export(store, "x", settings, now=LATER)

    assert {"x.txt", "SHA256SUMS"} == {path.name for path in Path(settings.export_path).iterdir()}


@pytest.mark.parametrize("has_new_content", [False, True])
def test_switched_on_and_off(define, fill, store, settings, delta, tmp_path, has_new_content):
    """The next run publishes it, and the next run after that deletes it: an old one would mislead."""
    new_key(tmp_path / "key")
    signed = replace(settings, signing_key=tmp_path / "key")
    made = define("x", Selection(types=("ipv4",)), format="list", limits=ALLOWED)
    fill(*addresses(1, 2))
    run_export(store, "x", signed, now=LATER)
    without = {path.name for path in Path(settings.export_path).iterdir()}
    definitions.replace_export(store, replace(made, deltas=True))

    run_export(store, "x", signed, now=LATER + DAY)
    assert 1 == delta()[0]["to"]
    assert {"x.txt.delta.jsonl", "x.txt.delta.jsonl.minisig"} == {
        path.name for path in Path(settings.export_path).iterdir()
    } - without

    fill(*addresses(3), now=LATER + DAY)
    run_export(store, "x", signed, now=LATER + 2 * DAY)
    definitions.replace_export(store, made)
    if has_new_content:
        fill(*addresses(4), now=LATER + 2 * DAY)
    run_export(store, "x", signed, now=LATER + 3 * DAY)
    assert without == {path.name for path in Path(settings.export_path).iterdir()}


def test_of_a_release_a_withdrawal_and_a_rollback(export, fill, run, store, settings, delta, published):
    """Each starts from the version that was published before it, not from the one that was looked at."""
    fill(*addresses(*range(1, 101)))
    run()
    seen = [_set(published)]
    fill(*addresses(*range(11, 101), valid_until=LATER + DAY - 1), *addresses(150), now=NOW + 1)
    clearing.clear(store, "ipv4", "192.0.2.50", "a customer's", LATER + 1)

    assert "held" == run(LATER + DAY).status
    assert ({"from": 1, "to": 2}, [("removed", "192.0.2.50")]) == _short(delta())
    seen.append(_set(published))
    release(store, "x", settings, by="lena", reason="so", now=LATER + 2 * DAY)
    seen.append(_set(published))
    assert applied(seen[1], delta()[1]) == seen[2]
    assert ({"from": 2, "to": 3}, 90) == (_short(delta())[0], len(delta()[1]))

    roll_back(store, "x", 1, settings, by="lena", reason="no", now=LATER + 3 * DAY)
    assert {"from": 3, "to": 4} == _short(delta())[0]
    assert applied(seen[2], delta()[1]) == _set(published) == seen[1]


def _short(found):
    head, lines = found
    return {"from": head["from"], "to": head["to"]}, told(lines)


def _set(published):
    return set(published("x.txt").decode().split())


def applied(before, lines):
    """What a consumer has that applies a delta to what it has; each line must change something."""
    after = set(before)
    for change, value in told(lines):
        if change == "added":
            assert value not in after
            after.add(value)
        else:
            after.remove(value)
    return after


# --- whatever happens between two versions ----------------------------------------------------------------------

VALUES = tuple(f"192.0.2.{number}" for number in range(1, 6))
STATES = ("listed", "ended", "withdrawn", "never")
states = st.fixed_dictionaries(
    {value: st.sampled_from(STATES) for value in VALUES} | {NETWORK: st.sampled_from((*STATES, "split"))}
)
NO_GATE = {"empty": "publish", "loss": "off", "growth": "off", "space": "off", "dropped": "off"}
_NUMBERS = itertools.count()


def bring(store, made, state, now):
    """Bring observables and limits into a state: what is not claimed again has ended by the next day."""
    claims = [
        claim(
            value,
            "cidr" if "/" in value else "ipv4",
            "c2",
            f"day-{now // DAY}",
            **({"withdrawn": True} if word == "withdrawn" else {"valid_until": now + DAY // 2}),
        )
        for value, word in state.items()
        if word != "ended"
    ]
    with store.import_session(now - 1) as session:
        session.add(claims)
    never = [value for value, word in state.items() if word == "never"]
    never += ["198.51.100.77"] if state[NETWORK] == "split" else []
    limits = ALLOWED | NO_GATE | ({"never": " ".join(never)} if never else {})
    definitions.replace_export(store, replace(made, limits=limits))


@hypothesis_settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example is small, and takes a second
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(states, min_size=2, max_size=4))
def test_it_is_the_difference_of_the_files(new_databases, tmp_path, history):
    """From whatever to whatever: the lines make the set of one file of that of the file before; none is idle."""
    home = tmp_path / str(next(_NUMBERS))
    home.mkdir()
    settings = Settings(export_path=str(home / "published"), spool_path=home / "spool")
    selection = Selection(types=("cidr", "ipv4"))
    before: set[str] = set()
    with open_store(new_databases.at(home / "yeti.db", made=True)) as store:
        made = definition.make(
            store,
            "x",
            selection=selection,
            format="list",
            deltas=True,
            default_destination=settings.export_path,
            now=NOW,
        )
        definitions.add_export(store, made)
        for number, state in enumerate(history, 1):
            bring(store, made, state, LATER + number * DAY)

            result = run_export(store, "x", settings, now=LATER + number * DAY)

            assert "completed" == result.status
            after = set((home / "published" / "x.txt").read_text().split())
            assert {value for value, word in state.items() if word == "listed"} == after & {*VALUES, NETWORK}
            assert (state[NETWORK] == "split") == ("198.51.100.128/25" in after)
            head, *lines = map(json.loads, (home / "published" / "x.txt.delta.jsonl").read_text().splitlines())
            assert result.version == head["to"]
            if after != before or number == 1:
                assert after == applied(before, lines)
                assert sorted(lines, key=itemgetter("type", "value")) == lines
            before = after
    new_databases.drop(home / "yeti.db")
    shutil.rmtree(home)
