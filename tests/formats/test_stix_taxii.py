"""The collections of read-only TAXII 2.1: what a client of OASIS finds in them is what the export lists."""

import sys
from pathlib import Path

import pytest
from stix_reader import bundle_of, comparison_of

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from publishing import Publisher
from served import served_installation
from taxii2client.v21 import Server, as_pages

from core.schemas.claim import Claim
from core.schemas.export import Selection


@pytest.fixture
def publisher(tmp_path, new_databases):
    """An installation that serves what it publishes."""
    with served_installation(tmp_path, new_databases) as api:
        yield Publisher(api)


@pytest.mark.proof("stix", "TAXII 2.1 client", "asked", tool="taxii2-client")
def test_a_client_finds_what_the_bundle_has(publisher):
    """The same ids for the same observables, page by page; what is not listed is not there."""
    listed = {("hostname", f"bad{number}.org") for number in range(30)}
    listed |= {("url", "http://a.org/it's\\here"), ("cidr", "8.8.4.0/24"), ("sha256", "ab" * 32)}
    with publisher.api.services.store() as store, store.import_session(publisher.api.clock.now) as session:
        session.add(Claim(type=type_, value=value, source="s", tags=("c2",)) for type_, value in listed)
        session.add([Claim(type="hostname", value="other.org", source="s", tags=("rat",))])
    publisher.define("c2", format="stix", selection=Selection(include=("c2",)))
    publisher.run("c2")
    token = publisher.consumer("siem", "c2")
    with publisher.client(token) as client:
        bundle = {item["id"]: item for item in bundle_of(client.get("/exports/c2.json").text)}

    server = Server(f"{publisher.api.url}/taxii2/", user="siem", password=token)
    (collection,) = server.default.collections
    found = {
        item["id"]: item for page in as_pages(collection.get_objects, per_request=7) for item in page["objects"]
    }

    assert {value for _, value in listed} == {item["name"] for item in found.values()}
    assert set(bundle) == set(found)
    for key, item in found.items():
        path, _, value = comparison_of(item["pattern"])
        assert (path, value) == comparison_of(bundle[key]["pattern"])[::2]
        assert item["created"] == bundle[key]["created"]
