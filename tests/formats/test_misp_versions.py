"""Feeds as they are published: an instance that pulls them has what is listed, and no more."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from misp_reader import Instance, events_of, loads
from test_misp_feed import PYMISP, check_by_pymisp

from core.errors import DefinitionError
from core.exports.definitions import definition, keeping
from core.exports.run import run_export
from core.exports.settings import Settings
from core.schemas.claim import Claim
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import carve_outs, clearing, definitions, open_store

NOW = 1_790_000_000 * SECOND


class Installation:
    """A store, a feed of it, and an instance of MISP that pulls the published folder."""

    def __init__(self, store, settings):
        self.store, self.settings, self.misp = store, settings, Instance()

    def define(self, name="x", **fields):
        given = {"format": "misp-feed", "default_destination": self.settings.export_path, "now": NOW}
        given |= {"selection": Selection(include=("c2",)), "limits": {"loss": "off"}, "options": {"events": "4"}}
        definitions.add_export(self.store, definition.make(self.store, name, **(given | fields)))

    def say(self, day, *values, type_="hostname", tags=("c2",), **fields):
        with self.store.import_session(NOW + day * DAY) as session:
            session.add(Claim(type=type_, value=value, source="feed", tags=tags, **fields) for value in values)

    def content(self, name="x"):
        """Return the published files of the folder."""
        folder = Path(self.settings.export_path) / name
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def pulled(self, day, name="x"):
        """Run the export, let the instance pull it, and return the outcome and the names that it detects."""
        result = run_export(self.store, name, self.settings, now=NOW + day * DAY)
        assert "completed" == result.status, result.message
        return result.outcome, {value for _, value in self.misp.pull(self.content(name))}


@pytest.fixture
def here(new_databases, tmp_path):
    """An installation with nothing in it."""
    settings = Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")
    with open_store(str(new_databases.at(tmp_path / "yeti.db", made=True))) as store:
        yield Installation(store, settings)


def test_what_leaves_leaves_the_instance(here):
    """Withdrawn or expired; and comes back with it."""
    here.say(0, "a.example", "b.example", "c.example")
    here.say(0, "short.example", valid_until=NOW + 3 * DAY)
    here.define()
    everything = {"a.example", "b.example", "c.example", "short.example"}
    assert ("created", everything) == here.pulled(0)

    clearing.clear(here.store, "hostname", "b.example", "false alarm", NOW + DAY)
    assert ("replaced", everything - {"b.example"}) == here.pulled(1)
    assert ("unchanged", everything - {"b.example"}) == here.pulled(2)
    assert ("replaced", {"a.example", "c.example"}) == here.pulled(4)

    clearing.undo(here.store, "hostname", "b.example", NOW + 5 * DAY)
    assert {"a.example", "b.example", "c.example"} == here.pulled(5)[1]
    here.say(6, "short.example")
    assert everything == here.pulled(6)[1]


def test_what_was_known_for_long_arrives_when_it_is_listed(here):
    """Nothing of it changed, but that it is on this list: its event must look newer all the same."""
    here.say(0, *(f"old{number}.example" for number in range(8)), tags=("rat",))
    here.say(1, *(f"new{number}.example" for number in range(8)))
    here.define()
    assert 8 == len(here.pulled(2)[1])
    wider = replace(definitions.get_export(here.store, "x"), selection=Selection(include=("c2", "rat")))
    definitions.replace_export(here.store, wider)

    assert 16 == len(here.pulled(3)[1])


def test_only_what_changed_is_fetched(here):
    """Of several events one, with a later timestamp; the others are the same bytes."""
    here.say(0, *(f"h{number}.example" for number in range(40)))
    here.define()
    here.pulled(0)
    before = here.content()
    here.say(1, "one-more.example")
    here.pulled(1)
    after = here.content()

    changed = {name for name in after if before.get(name) != after[name]}
    (event,) = changed - {"manifest.json", "hashes.csv"}
    assert 5 == here.misp.pulled
    key = event.removesuffix(".json")
    times = [int(loads(content["manifest.json"])[key]["timestamp"]) for content in (before, after)]
    assert [1_790_000_000, 1_790_086_400] == times


def test_tags_reach_the_instance(here):
    """One that is added, and one that nobody renewed."""
    here.say(0, "a.example")
    here.say(0, "a.example", tags=("rat",), valid_until=NOW + 2 * DAY)
    here.define()

    def tags(day):
        here.pulled(day)
        return [tag["name"] for tag in here.misp.attribute("a.example")["Tag"]]

    assert ["c2", "rat"] == tags(0)
    here.say(1, "a.example", tags=("apt",))
    assert ["apt", "c2", "rat"] == tags(1)
    assert ["apt", "c2"] == tags(3)


def test_a_renamed_export_is_the_same_feed(here):
    """The UUIDs stay, so that the instance does not have everything twice."""
    here.say(0, "a.example", "b.example")
    here.define()
    here.pulled(0)
    was = definitions.get_export(here.store, "x")
    keeping.keep(here.store, replace(was, name="y", modified_at=NOW + DAY), here.settings, seen=was)
    here.say(2, "c.example")
    run_export(here.store, "y", here.settings, now=NOW + 2 * DAY)

    assert {("domain", f"{letter}.example") for letter in "abc"} == here.misp.pull(here.content())
    assert 3 == sum(len(event["attributes"]) for event in here.misp.events.values())


def test_two_feeds_share_nothing(here):
    """The same names in both, and neither is blocked by the other."""
    here.say(0, "a.example", "b.example")
    here.define("x")
    here.define("y")
    here.pulled(0, "x")
    here.pulled(0, "y")

    assert 4 == sum(len(event["attributes"]) for event in here.misp.events.values())


def test_what_is_left_of_a_network_arrives(here):
    """And the network leaves."""
    here.say(0, "8.8.8.0/24", type_="cidr")
    here.define()
    assert {"8.8.8.0/24"} == here.pulled(0)[1]
    carve_outs.carve_out(here.store, "cidr", "8.8.8.128/25", "ours", NOW + DAY)

    assert {"8.8.8.0/25"} == here.pulled(1)[1]
    assert ("unchanged", {"8.8.8.0/25"}) == here.pulled(2)


def test_it_is_published_as_a_manifest_or_not_at_all(here):
    """Since nobody would find it under another name."""
    with pytest.raises(DefinitionError, match=r"--file-name FOLDER/manifest\.json"):
        here.define(file_name="feed.json")


@pytest.mark.proof("misp-feed", PYMISP, "loaded", tool="pymisp")
def test_pymisp_reads_every_version(here, tmp_path):
    """Also with what has left."""
    here.say(0, *(f"h{number}.example" for number in range(20)))
    here.define()
    for day in range(3):
        clearing.clear(here.store, "hostname", f"h{day}.example", "false alarm", NOW + day * DAY)
        here.pulled(day)
        check_by_pymisp(here.content(), tmp_path / str(day))
        assert 20 - day - 1 == sum(
            not item["deleted"] for event in events_of(here.content()).values() for item in event["Attribute"]
        )
    assert hashlib.md5(b"h0.example").hexdigest() not in here.content()["hashes.csv"].decode()
