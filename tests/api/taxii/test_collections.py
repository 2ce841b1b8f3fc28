"""Collections that change, and who may read them."""

import re
import time
import uuid

import pytest
from publishing import Publisher, addresses
from taxii2client.exceptions import AccessError
from taxii2client.v21 import Collection, Server

from core.exports.stable_ids import NAMESPACE
from core.schemas.claim import TLP, Claim
from core.schemas.export import Selection
from core.schemas.instant import SECOND
from core.store import definitions

MEDIA = "application/taxii+json;version=2.1"
VALUES = addresses(25)


@pytest.fixture
def publisher(api):
    """An installation for each test."""
    return Publisher(api)


@pytest.fixture
def token(publisher):
    """The token of a consumer of ``c2``."""
    publisher.publish("c2", VALUES, description="for the SIEM")
    return publisher.consumer("siem", "c2")


def values_of(envelope):
    return [item["name"] for item in envelope.get("objects", [])]


def test_the_client_finds_what_it_may_read(publisher, token, collection):
    """Discovery, API root and collection, with what they must say; nothing can be written."""
    publisher.publish("secret", addresses(3))
    server = Server(f"{publisher.api.url}/taxii2/", user="siem", password=token)

    assert [f"{publisher.api.url}/taxii2/api/"] == [root.url for root in server.api_roots]
    assert [MEDIA] == server.default.versions
    assert server.default.max_content_length > 0
    assert ["c2"] == [item.title for item in server.default.collections]
    assert ("c2", "for the SIEM", True, False) == (
        collection.alias,
        collection.description,
        collection.can_read,
        collection.can_write,
    )
    assert ["application/stix+json;version=2.1"] == collection.media_types
    assert 5 == uuid.UUID(collection.id).version
    with pytest.raises(AccessError):
        collection.add_objects({"objects": []})


def test_discovery_names_no_host(publisher, token):
    """Whoever asks may have named any: where the API root is does not depend on it."""
    headers = {"Host": "evil.example", "Accept": MEDIA}
    with publisher.client(token) as client:
        found = client.get("/taxii2/", headers=headers).json()

    assert ("/taxii2/api/", ["/taxii2/api/"]) == (found["default"], found["api_roots"])


def test_only_what_was_added_later(publisher, collection, ask):
    """A platform asks for what came since; what left the list is not there any more."""
    first = ask(f"collections/{collection.id}/objects/").headers["x-taxii-date-added-last"]
    publisher.run("c2", [*VALUES[5:], "198.19.0.1"])
    publisher.api.clock.now += SECOND
    later = wait_for(lambda: ask(f"collections/{collection.id}/objects/", added_after=first))
    whole = ask(f"collections/{collection.id}/objects/")
    manifest = ask(f"collections/{collection.id}/manifest/", added_after=first)

    assert "198.19.0.1" in values_of(later.json())
    assert sorted([*VALUES[5:], "198.19.0.1"]) == sorted(values_of(whole.json()))
    dates = [whole.headers["x-taxii-date-added-first"], whole.headers["x-taxii-date-added-last"]]
    assert first < dates[1]
    assert dates == sorted(dates)
    assert all(re.fullmatch(r".*\.\d{6}Z", date) for date in dates)
    assert [item["id"] for item in later.json()["objects"]] == [item["id"] for item in manifest.json()["objects"]]


def wait_for(get):
    """Ask until there is something: a new version counts within a second."""
    for _ in range(20):
        answer = get()
        if answer.json():
            return answer
        time.sleep(0.1)
    return answer


def test_access_is_that_of_files(publisher, token, collection):
    """Nobody, whoever has another token, users, and anybody where the export is open."""
    publisher.publish("other", addresses(3))
    other = publisher.consumer("elsewhere", "other")
    path = f"/taxii2/api/collections/{collection.id}/objects/"

    def status(headers, path=path):
        with publisher.client() as client:
            return client.get(path, headers=headers).status_code

    strange = {"Authorization": "Bearer fetch_00000000_" + "x" * 43}
    key = {"Authorization": f"Bearer {publisher.api.key('reader')}"}
    assert [401, 401, 404, 200] == [
        status(headers) for headers in ({}, strange, {"Authorization": f"Bearer {other}"}, key)
    ]
    assert [401, 401] == [status({}, "/taxii2/"), status({}, "/taxii2/api/collections/")]
    publisher.edit("c2", is_public=True)
    assert [200, 200, 200] == [status({}), status(strange), status({}, "/taxii2/")]


def test_what_no_pattern_can_say_is_left_out(publisher, token, collection):
    """All else is escaped as patterns want it, and marked as its sources do; a network matches what lies in it."""
    with publisher.api.services.store() as store, store.import_session(publisher.api.clock.now) as session:
        session.add(
            [
                Claim(type="generic", value="x'y\\z", source="s", tags=("mixed",)),
                Claim(type="file", value="it's \\here", source="s", tags=("mixed",)),
                Claim(type="cidr", value="198.18.0.0/24", source="s", tags=("mixed",)),
                Claim(type="sha256", value="ab" * 32, source="s", tags=("mixed",), tlp=TLP.CLEAR),
            ]
        )
    publisher.define("mixed", selection=Selection(include=("mixed",)), is_public=True)
    publisher.run("mixed")
    with publisher.api.services.store() as store:
        key = definitions.get_export(store, "mixed").versions_key
    found = Collection(
        f"{publisher.api.url}/taxii2/api/collections/{uuid.uuid5(NAMESPACE, f'collection:{key}')}/"
    ).get_objects()

    assert {
        "[file:name = 'it\\'s \\\\here']",
        "[ipv4-addr:value ISSUBSET '198.18.0.0/24']",
        "[file:hashes.'SHA-256' = '" + "ab" * 32 + "']",
    } == {item["pattern"] for item in found["objects"]}
    assert {"ab" * 32: ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]} == {
        item["name"]: item["object_marking_refs"] for item in found["objects"] if "object_marking_refs" in item
    }
