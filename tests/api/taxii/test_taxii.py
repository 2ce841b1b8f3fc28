"""Read-only TAXII 2.1: as ``taxii2-client`` asks, and as the standard says."""

import re
import uuid

import pytest
from publishing import addresses
from taxii2client.v21 import as_pages

from core.store import fetches
from core.store.standings import NO_VERSION

MEDIA = "application/taxii+json;version=2.1"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z")
VALUES = addresses(25)
INDICATOR = {
    "type",
    "spec_version",
    "id",
    "created",
    "modified",
    "name",
    "indicator_types",
    "pattern",
    "pattern_type",
    "pattern_version",
    "valid_from",
    "valid_until",
    "description",
    "labels",
}


def check_indicator(item):
    """The rules of STIX 2.1 for what is in it."""
    assert INDICATOR == set(item)
    assert ("indicator", "2.1", "stix") == (item["type"], item["spec_version"], item["pattern_type"])
    kind, _, key = item["id"].partition("--")
    assert ("indicator", 5, uuid.RFC_4122) == (kind, uuid.UUID(key).version, uuid.UUID(key).variant)
    for name in ("created", "modified", "valid_from"):
        assert STAMP.fullmatch(item[name])
    assert item["created"] <= item["modified"]
    assert item["valid_from"] < item["valid_until"]


def values_of(envelope):
    return [item["name"] for item in envelope.get("objects", [])]


def test_objects_are_what_the_version_lists(collection):
    """Each an indicator by the rules of STIX, with a pattern that matches the value."""
    envelope = collection.get_objects()

    for item in envelope["objects"]:
        check_indicator(item)
    assert sorted(VALUES) == sorted(values_of(envelope))
    assert {f"[ipv4-addr:value = '{value}']" for value in VALUES} == {
        item["pattern"] for item in envelope["objects"]
    }
    assert "more" not in envelope


def test_pages_are_walked_to_the_end(collection):
    """Each object once, whatever the size of a page."""
    for size in (1, 7, 24, 25, 26):
        pages = list(as_pages(collection.get_objects, per_request=size))

        assert -(-25 // size) == len(pages)
        assert sorted(VALUES) == sorted(name for page in pages for name in values_of(page))
        assert [True] * (len(pages) - 1) == [page["more"] for page in pages[:-1]]


def test_the_manifest_says_when_what_came(collection):
    """Ids, versions and dates are those of the objects, in the order in which they came."""
    objects = {item["id"]: item for item in collection.get_objects()["objects"]}
    records = collection.get_manifest()["objects"]

    assert set(objects) == {record["id"] for record in records}
    for record in records:
        assert {"id", "date_added", "version", "media_type"} == set(record)
        assert objects[record["id"]]["modified"] == record["version"]
        assert STAMP.fullmatch(record["date_added"])
    assert [record["date_added"] for record in records] == sorted(record["date_added"] for record in records)


def test_one_object_and_its_versions(collection, ask):
    """By its id, which is the same for the same observable; one that there is not is 404."""
    wanted = collection.get_objects()["objects"][7]
    missing = f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, 'x')}"

    assert [wanted] == collection.get_object(wanted["id"])["objects"]
    assert {"versions": [wanted["modified"]]} == collection.object_versions(wanted["id"])
    assert 404 == ask(f"collections/{collection.id}/objects/{missing}/").status_code
    assert 404 == ask(f"collections/{collection.id}/objects/{missing}/versions/").status_code


def test_filters(collection, ask):
    """Each alone and together, as the standard names them."""
    everything = collection.get_objects()["objects"]
    two = [everything[3], everything[20]]

    def names(**query):
        return sorted(values_of(ask(f"collections/{collection.id}/objects/", **query).json()))

    chosen = sorted(item["name"] for item in two)
    assert chosen == names(**{"match[id]": ",".join(item["id"] for item in two)})
    assert sorted(VALUES) == names(**{"match[type]": "indicator,malware"})
    assert [] == names(**{"match[type]": "malware"})
    assert [] == names(**{"match[spec_version]": "2.0"})
    assert sorted(VALUES) == names(**{"match[spec_version]": "2.0,2.1"})
    for word in ("first", "last", "all", "last,2000-01-01T00:00:00Z"):
        assert sorted(VALUES) == names(**{"match[version]": word})
    assert sorted(VALUES) == names(**{"match[version]": everything[0]["modified"]})
    assert [] == names(**{"match[version]": "2000-01-01T00:00:00Z"})
    assert [] == names(**{"match[id]": two[0]["id"], "match[type]": "malware"})
    limited = ask(f"collections/{collection.id}/objects/", **{"match[type]": "indicator"}, limit=2).json()
    assert (2, True) == (len(limited["objects"]), limited["more"])


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "x"},
        {"next": "nonsense"},
        {"next": "MS4y"},
        {"added_after": "yesterday"},
        {"match[version]": "newest"},
    ],
)
def test_what_is_not_of_its_form_is_400(collection, ask, query):
    """With an error as the standard has it."""
    answer = ask(f"collections/{collection.id}/objects/", **query)

    assert (400, MEDIA) == (answer.status_code, answer.headers["content-type"])
    assert {"title", "description", "http_status"} == set(answer.json())
    assert "400" == answer.json()["http_status"]


@pytest.mark.parametrize(
    ("accepted", "status"),
    [
        (MEDIA, 200),
        ("application/taxii+json; version=2.1", 200),
        ('application/taxii+json;version="2.1"', 200),
        ("application/taxii+json", 200),
        ("*/*", 200),
        ("text/html, application/*;q=0.5", 200),
        ("application/taxii+json;version=2.0", 406),
        ("application/json", 406),
        ("text/html", 406),
        ("*/*;q=0", 406),
    ],
)
def test_the_media_type_is_negotiated(ask, accepted, status):
    """TAXII 2.1, or nothing."""
    answer = ask("collections/", headers={"Accept": accepted})

    assert (status, MEDIA) == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize(
    ("asked", "has_version"),
    [
        ({}, True),
        ({"limit": 25}, True),
        ({"added_after": "2099-01-01T00:00:00Z"}, True),
        ({"limit": 24}, False),
        ({"match[type]": "malware"}, False),
        ({"match[spec_version]": "2.0"}, False),
        ({"match[id]": "indicator--5b1a2ff9-7ba4-4f4c-8d0b-111111111111"}, False),
        ({"match[version]": "2020-01-01T00:00:00Z"}, False),
        ({"match[type]": "indicator", "match[version]": "last", "match[spec_version]": "2.1"}, True),
    ],
)
def test_who_got_the_last_page_has_the_version(publisher, collection, ask, asked, has_version):
    """Who got a page before, or some objects alone, has asked, and has no version by that."""

    before = counted(publisher)
    size_bytes = len(ask(f"collections/{collection.id}/objects/", **asked).content)
    after = counted(publisher)

    (version,) = [version for version in after if after[version] != before.get(version)]
    assert has_version == (version != NO_VERSION)
    assert size_bytes == after[version][1] - before.get(version, (0, 0))[1]


@pytest.mark.parametrize("what", ["manifest/", "objects/{}/", "objects/{}/versions/"])
def test_who_asks_for_less_has_asked(publisher, collection, ask, what):
    """And has not stopped asking."""
    (item, *_) = collection.get_objects(limit=1)["objects"]
    before = counted(publisher)[NO_VERSION]
    assert 200 == ask(f"collections/{collection.id}/{what.format(item['id'])}").status_code

    assert before[0] + 1 == counted(publisher)[NO_VERSION][0]


def counted(publisher):
    """How often which version was asked for, and what was sent."""
    publisher.api.app.state.files.fetches.write()
    with publisher.api.services.store() as store:
        found = fetches.fetches(store, "c2")
    return {item.version: (item.full + item.unchanged, item.size_bytes) for item in found}
