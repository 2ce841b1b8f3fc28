"""The collections of read-only TAXII 2.1: what a client of OASIS finds in them is what the export lists."""

import sys
import time
from pathlib import Path

import pytest
from address_reading import real as real_networks
from name_readers import hostile
from real_hashes import real_hashes
from real_names import real_names
from real_urls import real_urls
from stix_reader import bundle_of, comparison_of
from test_stix_bundle import TestStix as Bundle

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from publishing import Publisher
from requests import HTTPError
from served import served_installation
from taxii2client.v21 import Server, as_pages

from core.exports.formats import Value
from core.schemas.claim import TLP, Claim, Kind
from core.schemas.export import Selection
from core.schemas.instant import DAY, SECOND
from core.store import carve_outs, clearing

CLIENT = "TAXII 2.1 client"
NO_GATE = {"allow": "documentation", "dropped": "off", "broadest-ipv4": "/1", "broadest-ipv6": "/1"}


@pytest.fixture
def publisher(tmp_path, new_databases):
    """An installation that serves what it publishes."""
    with served_installation(tmp_path, new_databases) as api:
        yield Publisher(api)


class Reader:
    """A consumer: what it finds in the collection, and in the bundle."""

    def __init__(self, publisher):
        self._publisher, self._token = publisher, publisher.consumer("siem", "c2")

    def bundle(self):
        """Return the indicators of the bundle that are not revoked, by their ids."""
        with self._publisher.client(self._token) as client:
            found = bundle_of(client.get("/exports/c2.json").text)
        return {item["id"]: item for item in found if "revoked" not in item}

    @property
    def collection(self):
        """The collection, as a client sees it."""
        server = Server(f"{self._publisher.api.url}/taxii2/", user="siem", password=self._token)
        (found,) = server.default.collections
        return found

    def objects(self, per_request=7):
        """Return the objects of the collection by their ids, read in pages."""
        pages = as_pages(self.collection.get_objects, per_request=per_request)
        return {item["id"]: item for page in pages for item in page.get("objects", [])}

    def wait_for(self, ids):
        """Wait until the collection has just these: a new version counts within a second."""
        for _ in range(30):
            if (found := self.objects()).keys() == ids:
                return found
            time.sleep(0.1)
        return found


@pytest.fixture
def take(publisher):
    """Take claims in."""

    def taken(*claims):
        with publisher.api.services.store() as store, store.import_session(publisher.api.clock.now) as session:
            session.add([Claim(**({"source": "s", "tags": ("c2",)} | fields)) for fields in claims])

    return taken


@pytest.mark.proof("stix", CLIENT, "asked", tool="taxii2-client")
def test_a_client_finds_what_the_bundle_has(publisher, take):
    """The same objects for the same observables, page by page; what is not listed is not there."""
    now = publisher.api.clock.now
    take(*({"type": "hostname", "value": f"bad{number}.org"} for number in range(30)))
    take(
        {"type": "url", "value": "http://a.org/it's\\here", "valid_until": now + 9 * DAY},
        {"type": "cidr", "value": "8.8.4.0/24", "kind": Kind.SUSPICIOUS, "confidence": 30},
        {"type": "cidr", "value": "2a02:7::/48", "tlp": TLP.GREEN},
        {"type": "sha256", "value": "ab" * 32, "valid_from": now - 3 * DAY},
        {"type": "sha256", "value": "ab" * 32, "tags": ("rat",), "source": "t", "tlp": TLP.RED, "confidence": 99},
        {"type": "registry_key", "value": "HKLM\\Software\\Bad"},
        {"type": "registry_key", "value": "Software\\without its hive"},
        {"type": "hostname", "value": "other.org", "tags": ("rat",)},
    )
    publisher.define("c2", format="stix", selection=Selection(include=("c2",)))
    publisher.run("c2")
    reader = Reader(publisher)

    bundle = reader.bundle()
    assert 35 == len(bundle)
    assert {"ISSUBSET"} == {
        comparison_of(item["pattern"])[1] for item in bundle.values() if item["name"].endswith(("/24", "/48"))
    }
    assert bundle == reader.objects()


def said_by(objects):
    """Return what indicators say: path, operator and value of the pattern, and the name."""
    return {"{} {} {}\0{}".format(*comparison_of(item["pattern"]), item["name"]) for item in objects.values()}


@pytest.fixture
def found(publisher, take):
    """Publish values, and return what a client finds, which is what the bundle has."""

    def read(values):
        take(*({"type": value.type, "value": value.value} for value in values))
        publisher.define("c2", format="stix", selection=Selection(include=("c2",)), limits=NO_GATE)
        publisher.run("c2")
        reader = Reader(publisher)
        objects = reader.objects(per_request=250)
        assert reader.bundle() == objects
        return objects

    return read


@pytest.mark.proof("stix", CLIENT, "asked", tool="taxii2-client")
def test_a_client_finds_what_is_hostile(found, tmp_path):
    """Each value that the bundle has, as it is, and nothing else."""
    kit = Bundle()
    values = hostile(kit, tmp_path / "made").accepted

    assert {kit.entry(*value) for value in values} == said_by(found(values))


@pytest.mark.intel
@pytest.mark.proof("stix", CLIENT, "asked", tool="taxii2-client")
def test_a_client_finds_what_is_real(found, intel):
    """Names, addresses, networks, URLs and hashes; a name below which anybody can have one is kept off both."""
    every = [*real_names(intel).listed, *real_networks(intel), *real_hashes(intel)]
    every += [Value("url", url) for url in real_urls(intel)]
    values = every[::9]

    said = said_by(found(values))

    assert said < {Bundle().entry(*value) for value in values}
    assert len(said) > 0.95 * len(values) > 1_000


def test_what_came_back_has_the_id_that_the_bundle_gives_it(publisher, take):
    """Its old one is revoked for ever, and so nowhere in the collection: not under its id, nor in the manifest."""
    take(*({"type": "cidr", "value": f"8.8.{number}.0/24"} for number in range(9)))
    publisher.define("c2", format="stix", selection=Selection(include=("c2",)))
    publisher.run("c2")
    reader = Reader(publisher)
    (old,) = (key for key, item in reader.bundle().items() if item["name"] == "8.8.4.0/24")
    clock = publisher.api.clock
    with publisher.api.services.store() as store:
        clearing.clear(store, "cidr", "8.8.4.0/24", "false alarm", clock.now)
        publisher.run("c2")
        clearing.undo(store, "cidr", "8.8.4.0/24", clock.now + SECOND)
    publisher.run("c2")

    bundle = reader.bundle()
    assert bundle == reader.wait_for(bundle.keys())
    assert old not in bundle
    (new,) = (key for key, item in bundle.items() if item["name"] == "8.8.4.0/24")
    assert [bundle[new]] == reader.collection.get_object(new)["objects"]
    assert {(key, item["modified"]) for key, item in bundle.items()} == {
        (record["id"], record["version"]) for record in reader.collection.get_manifest()["objects"]
    }
    assert {"versions": [bundle[new]["modified"]]} == reader.collection.object_versions(new)
    with pytest.raises(HTTPError, match="404"):
        reader.collection.get_object(old)


def test_what_is_left_of_a_network_is_the_same_in_both(publisher, take):
    """Each part is an object of its own."""
    take({"type": "cidr", "value": "8.8.8.0/24"}, {"type": "cidr", "value": "8.8.9.0/24"})
    limits = {"loss": "off", "split": "split"}
    publisher.define("c2", format="stix", selection=Selection(include=("c2",)), limits=limits)
    with publisher.api.services.store() as store:
        carve_outs.carve_out(store, "cidr", "8.8.8.192/26", "ours", publisher.api.clock.now)
    publisher.run("c2")
    reader = Reader(publisher)

    bundle = reader.bundle()
    assert {"8.8.8.0/25", "8.8.8.128/26", "8.8.9.0/24"} == {item["name"] for item in bundle.values()}
    assert bundle == reader.objects()


@pytest.mark.parametrize(
    "options",
    [{"networks": "equal"}, {"tlp": "green"}, {"identity": "Some CERT", "revoked": "no"}],
    ids=lambda options: " ".join(options),
)
def test_options_of_the_bundle_are_those_of_the_collection(publisher, take, options):
    """A consumer that knows nothing but ``=`` gets that from both, and what is marked is marked in both."""
    take({"type": "cidr", "value": "8.8.8.0/24"}, {"type": "hostname", "value": "bad.org"})
    publisher.define("c2", format="stix", selection=Selection(include=("c2",)), options=options)
    publisher.run("c2")
    reader = Reader(publisher)

    bundle = {key: item for key, item in reader.bundle().items() if item["type"] == "indicator"}
    assert 2 == len(bundle)
    assert bundle == reader.objects()


def test_options_of_another_format_mean_nothing_to_the_collection(publisher, take):
    """The list has an option of the same name as the bundle: a collection has no other markings for it."""
    take({"type": "cidr", "value": "8.8.8.0/24"})
    publisher.define("c2", format="misp-feed", selection=Selection(include=("c2",)), options={"tlp": "red"})
    publisher.run("c2")

    (found,) = Reader(publisher).objects().values()
    assert "object_marking_refs" not in found
