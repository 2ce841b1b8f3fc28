"""What a version lists, a page at a time: just what is published, in the order in which it came."""

import pytest
from export_samples import LATER, NOW, claim

from core.exports.run import run_export
from core.schemas.export import Selection
from core.schemas.instant import DAY
from core.store import carve_outs, versions
from core.store.ledger import collections
from core.store.ledger.collections import START
from core.values.types import TYPES

DAY_2 = LATER + DAY
NETWORK = "203.0.113.0/28"


@pytest.fixture
def read(store):
    """Read the current version of the first export in pages of that size."""

    def all_of(size, **more):
        number = versions.current_version(store, "x").number
        found, after = [], START
        while page := collections.page(store, 1, number, after=after, limit=size, **({"types": TYPES} | more)):
            assert len(page) <= size
            found += page
            after = page[-1].place
        return found

    return all_of


@pytest.fixture
def two_versions(store, settings, define, fill, published):
    """A list of addresses and a network, around an address that was carved out; a day later some of it changed."""
    define(
        "x",
        Selection(types=("ipv4", "cidr")),
        format="list",
        limits={"allow": "documentation", "split": "split", "loss": "off"},
    )
    feed = [claim(f"198.51.100.{n}", "ipv4", "c2") for n in range(1, 31)]
    fill(*feed, claim(NETWORK, "cidr", "c2"))
    carve_outs.carve_out(store, "ipv4", "203.0.113.7", "ours", NOW + 1)
    run_export(store, "x", settings, now=LATER)
    fill(claim("192.0.2.1", "ipv4", "c2"), claim("198.51.100.5", "ipv4", "new-tag"), now=DAY_2 - 1)
    fill(claim("198.51.100.9", "ipv4", "c2", valid_until=DAY_2 - 1), now=DAY_2 - 1)
    run_export(store, "x", settings, now=DAY_2)
    return sorted(published("x.txt").decode().split())


@pytest.mark.parametrize("size", [1, 3, 10, 1_000])
def test_pages_are_the_published_list(two_versions, read, size):
    """Each entry once, parts of networks among them, and nothing that left."""
    found = read(size)

    assert two_versions == sorted(entry.value for entry in found)
    assert found == read(1_000)
    assert [entry.place for entry in found] == sorted(entry.place for entry in found)
    assert [entry.added_at for entry in found] == sorted(entry.added_at for entry in found)
    assert 4 == sum(entry.value.startswith("203.0.113.") and entry.place.part != "" for entry in found)


@pytest.mark.parametrize("size", [1, 1_000])
def test_only_what_came_later(two_versions, read, store, size):
    """What the second version added, and what became known better."""
    first = read(1_000)[0].added_at

    assert ["192.0.2.1", "198.51.100.5"] == sorted(entry.value for entry in read(size, added_after=first))
    assert ["cidr", "ipv4"] == sorted({entry.type for entry in read(size)})
    assert [] == read(size, types=["url"])


def test_an_older_version_is_as_it_was(two_versions, store):
    """Whoever reads on while a new version comes still knows where it stood."""
    before = collections.page(store, 1, 1, types=TYPES, limit=1_000)

    assert "192.0.2.1" not in [entry.value for entry in before]
    assert "198.51.100.9" in [entry.value for entry in before]
