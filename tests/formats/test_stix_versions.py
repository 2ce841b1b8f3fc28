"""Bundles as they are published: what a consumer is told when time passes, and when something is withdrawn."""

from dataclasses import replace
from pathlib import Path

import pytest
from stix_reader import bundle_of, check_indicator, tlp_of

from core.exports.definitions import definition
from core.exports.run import run_export
from core.exports.settings import Settings
from core.ingest.reader import InputFile, Options
from core.ingest.stix import read
from core.schemas.claim import TLP, Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import carve_outs, clearing, definitions, open_store

NOW = 1_790_000_000 * SECOND
OFF = {"loss": "off"}


class Installation:
    """A store, exports of it, and their bundles."""

    def __init__(self, store, settings):
        self.store, self.settings = store, settings

    def define(self, name="x", **fields):
        selection = fields.pop("selection", Selection(include=("c2",)))
        given = {"format": "stix", "default_destination": self.settings.export_path, "now": NOW, "limits": {}}
        definitions.add_export(
            self.store, definition.make(self.store, name, selection=selection, **(given | fields))
        )

    def say(self, day, *values, tags=("c2",), type_="hostname", source="feed", **fields):
        with self.store.import_session(NOW + day * DAY) as session:
            session.add(Claim(type=type_, value=value, source=source, tags=tags, **fields) for value in values)

    def path(self, name="x"):
        return Path(self.settings.export_path) / f"{name}.json"

    def run(self, day, name="x"):
        """Run the export, and return the outcome and its indicators by value; of several that of the latest."""
        result = run_export(self.store, name, self.settings, now=NOW + day * DAY)
        assert "completed" == result.status, result.message
        objects = bundle_of(self.path(name).read_text())
        for item in objects:
            check_indicator(item)
        return result.outcome, {item["name"]: item for item in sorted(objects, key=lambda item: item["modified"])}


@pytest.fixture
def here(new_databases, tmp_path):
    """An installation with nothing in it."""
    settings = Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")
    with open_store(str(new_databases.at(tmp_path / "yeti.db", made=True))) as store:
        yield Installation(store, settings)


def test_a_renewal_moves_the_end_and_is_a_new_version_of_the_object(here):
    """A consumer that knows the old one would let it expire; where nothing happens nothing is published."""
    here.say(0, "bad.example", "bad.org")
    here.define()
    _, before = here.run(0)
    assert ("unchanged", before) == here.run(1)

    here.say(2, "bad.org")
    outcome, after = here.run(2)

    assert "replaced" == outcome
    assert before["bad.example"] == after["bad.example"]
    assert before["bad.org"]["id"] == after["bad.org"]["id"]
    assert before["bad.org"]["created"] == after["bad.org"]["created"]
    for name in ("modified", "valid_until"):
        assert before["bad.org"][name] < after["bad.org"][name]


def test_the_end_is_of_what_the_export_asks_for(here):
    """Another tag lives on, and is no reason to be on this list; what a grace or a greatest age says counts.

    Where no end is asked for, it is the one that the sources state.
    """
    here.say(0, "bad.example", tags=("c2",), valid_until=NOW + 5 * DAY)
    here.say(0, "bad.example", tags=("seen",), valid_until=NOW + 50 * DAY, source="other")
    here.define()
    here.define("graced", selection=Selection(include=("C2",), grace_s=DAY // SECOND))
    here.define("young", selection=Selection(include=("c2",), max_age_s=3 * DAY // SECOND))
    here.define("all", selection=Selection())
    here.define("any", selection=Selection(any_freshness=True))

    ends = {
        name: here.run(0, name)[1]["bad.example"].get("valid_until")
        for name in ("x", "graced", "young", "all", "any")
    }

    assert {
        "x": "2026-09-26T14:13:20.000Z",
        "graced": "2026-09-27T14:13:20.000Z",
        "young": "2026-09-24T14:13:20.001Z",
        "all": "2026-11-10T14:13:20.000Z",
        "any": "2026-11-10T14:13:20.000Z",  # as the source states it, though the list does not go by it
    } == ends


def test_an_assertion_that_ends_changes_the_object(here):
    """Its tag is gone from the labels, and ``modified`` says since when."""
    here.say(0, "bad.example", tags=("c2",))
    here.say(0, "bad.example", tags=("rat",), valid_until=NOW + 3 * DAY, source="other")
    here.define(selection=Selection())
    _, before = here.run(0)
    _, after = here.run(4)

    assert [["c2", "rat"], ["c2"]] == [sorted(found["bad.example"]["labels"]) for found in (before, after)]
    assert "2026-09-24T14:13:20.000Z" == after["bad.example"]["modified"]


def test_what_is_withdrawn_is_revoked_and_stays_so(here):
    """Each later bundle says the same; what merely expires is not revoked."""
    here.say(0, "bad.example", "bad.org", "good.example", tlp=TLP.GREEN)
    here.say(0, "short.example", valid_until=NOW + DAY // 2)
    here.define(limits=OFF)
    _, before = here.run(0)
    clearing.clear(here.store, "hostname", "good.example", "false alarm", NOW + DAY)
    outcome, after = here.run(1)

    left = after["good.example"]
    assert "replaced" == outcome
    assert {"bad.example", "bad.org", "good.example"} == set(after)
    assert [None, None, True] == [
        after[name].get("revoked") for name in ("bad.example", "bad.org", "good.example")
    ]
    assert before["good.example"]["id"] == left["id"]
    assert before["good.example"]["created"] == left["created"]
    assert before["good.example"]["modified"] < left["modified"] == "2026-09-22T14:13:20.000Z"
    assert "green" == tlp_of(left)
    assert ("unchanged", after) == here.run(2)


def test_what_comes_back_has_another_id_for_ever(here):
    """Also when retention has forgotten the version that it was withdrawn from."""
    here.say(0, "bad.example", "good.example")
    here.define(limits=OFF)
    _, before = here.run(0)
    clearing.clear(here.store, "hostname", "good.example", "false alarm", NOW + DAY)
    here.run(1)
    clearing.undo(here.store, "hostname", "good.example", NOW + 2 * DAY)
    _, after = here.run(2)
    ids = [item["id"] for item in bundle_of(here.path().read_text()) if item["name"] == "good.example"]

    assert before["good.example"]["id"] in ids
    assert 2 == len(set(ids))
    here.settings = replace(here.settings, keep_last=1, keep_daily=0, keep_weekly=0)
    for day in (3, 4, 5):
        here.say(day, f"bad{day}.example")
        here.run(day)
    objects = bundle_of(here.path().read_text())
    now = {item["id"]: item.get("revoked") for item in objects if item["name"] == "good.example"}
    assert {before["good.example"]["id"]: True, after["good.example"]["id"]: None} == now


def test_a_held_run_revokes_all_the_same(here):
    """A withdrawal leaves at once, whatever the gate says of the rest."""
    here.say(0, *(f"bad{number}.example" for number in range(40)))
    here.define(limits={"loss": "10%"})
    here.run(0)
    clearing.clear(here.store, "hostname", "bad0.example", "false alarm", NOW + DAY)
    here.say(1, *(f"bad{number}.example" for number in range(1, 30)), valid_until=NOW + DAY + 1)

    result = run_export(here.store, "x", here.settings, now=NOW + 2 * DAY)

    assert "held" == result.status
    objects = {item["name"]: item for item in bundle_of(here.path().read_text())}
    assert objects["bad0.example"]["revoked"]
    assert 40 == len(objects)


def test_what_is_left_of_a_network_is_objects_of_its_own(here):
    """With ids of their own, and the network is none any more."""
    here.say(0, "8.8.8.0/24", type_="cidr")
    here.define(limits=OFF | {"split": "split"})
    _, before = here.run(0)
    carve_outs.carve_out(here.store, "cidr", "8.8.8.128/25", "ours", NOW + DAY)
    _, after = here.run(1)

    assert {"8.8.8.0/24"} == set(before)
    assert {"8.8.8.0/25"} == {name for name, item in after.items() if "revoked" not in item}
    assert "[ipv4-addr:value ISSUBSET '8.8.8.0/25']" == after["8.8.8.0/25"]["pattern"]
    assert ("unchanged", after) == here.run(2)


def test_a_bundle_can_be_imported(here):
    """What was exported is what comes in, with its tags, window and marking."""
    values = {
        ("hostname", "bad.example"),
        ("ipv4", "8.8.9.7"),
        ("cidr", "8.8.4.0/24"),
        ("url", "http://a.example/x'y"),
        ("sha256", "ab" * 32),
        ("certificate", "cd" * 20),
        ("user_agent", "evil\\agent/1.0"),
        ("asn", "AS64496"),
        ("imphash", "ef" * 16),
        ("mutex", "Global\\'x'"),
    }
    for type_, value in values:
        here.say(0, value, type_=type_, tlp=TLP.AMBER, confidence=70, valid_until=NOW + 9 * DAY)
    here.define()
    here.run(0)

    claims = [item for item in read(InputFile(here.path(), "x.json"), Options()) if isinstance(item, Claim)]

    assert values == {(claim.type, claim.value) for claim in claims}
    assert {(TLP.AMBER, 70, NOW + 9 * DAY)} == {
        (claim.tlp, claim.confidence, claim.valid_until) for claim in claims
    }
    assert all("c2" in claim.tags for claim in claims)
