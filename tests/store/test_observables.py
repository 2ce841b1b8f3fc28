"""Observables one at a time."""

import pytest

from core.errors import NotFound, RefusedValue
from core.store import observables
from tests.store.conftest import NOW, claim


@pytest.fixture
def three(store, take):
    take(
        claim("b.com", "c2"),
        claim("a.com", "C2", source="other"),
        claim("1.2.3.4", "tor", type="ipv4"),
        claim("a.com", "x", type="generic"),
    )


def names(rows):
    return [(row.type, row.value) for row in rows]


def test_count(store, three):
    """How many of each type."""
    assert {"generic": 1, "hostname": 2, "ipv4": 1} == observables.count(store)


def test_find(store, three):
    """A value is found under every type it is known as, or under one."""
    assert [("generic", "a.com"), ("hostname", "a.com")] == names(observables.find(store, "a.com", NOW))
    assert [("hostname", "a.com")] == names(observables.find(store, "a.com", NOW, type="hostname"))
    assert [] == observables.find(store, "nope", NOW)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["generic a.com", "hostname a.com", "hostname b.com", "ipv4 1.2.3.4"]),
        ({"types": ["hostname", "ipv4"]}, ["hostname a.com", "hostname b.com", "ipv4 1.2.3.4"]),
        ({"tags": ["c2"]}, ["hostname a.com", "hostname b.com"]),
        ({"tags": ["tor", "x"]}, ["generic a.com", "ipv4 1.2.3.4"]),
        ({"sources": ["other"]}, ["hostname a.com"]),
        ({"text": "a.c"}, ["generic a.com", "hostname a.com"]),
        ({"text": "%"}, []),
        ({"limit": 1}, ["generic a.com"]),
        ({"after": ("hostname", "a.com"), "limit": 1}, ["hostname b.com"]),
        ({"after": ("hostname", "b.com"), "tags": ["C2", "tor"]}, ["ipv4 1.2.3.4"]),
    ],
)
def test_list(store, three, filters, expected):
    """Filters and pages, in the order of type and value."""
    assert expected == [" ".join(name) for name in names(observables.list_(store, NOW, **filters))]


def test_add_and_tag(store):
    """One can be added, and tagged when it is known; what cannot be kept is refused."""
    assert 1 == observables.add(store, [claim("a.com", "x")], NOW).new
    assert 1 == observables.tag(store, "hostname", "a.com", ["y", "z"], "me", NOW).updated
    assert [("x", "feed"), ("y", "me"), ("z", "me")] == [
        (item.tag, item.source) for item in observables.find(store, "a.com", NOW)[0].tags
    ]
    with pytest.raises(NotFound, match=r"no observable 'b.com' of type hostname"):
        observables.tag(store, "hostname", "b.com", ["y"], "me", NOW)
    with pytest.raises(RefusedValue, match="NUL"):
        observables.add(store, [claim("\0")], NOW)
