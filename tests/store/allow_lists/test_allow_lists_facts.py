"""The real lists of MISP against real feeds: what blocks, what informs, and how many they are."""

from contextlib import closing

import pytest

from core.ingest.reader import Options
from core.ingest.run import import_paths
from core.schemas.export import Selection
from core.store import open_store
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.lists import allow_lists, set_allow_list
from tests.store.conftest import NOW


@pytest.fixture(scope="module")
def full(intel, databases, tmp_path_factory):
    """ipsum, blackbook and every MISP warninglist, looked at."""
    with open_store(databases.at(tmp_path_factory.mktemp("facts") / "yeti.db")) as store:
        import_paths(store, [intel / "warninglists/lists"], now=NOW)
        import_paths(store, [intel / "lists/ipsum/ipsum.txt"], Options("ipsum"), now=NOW)
        import_paths(store, [intel / "lists/blackbook/blackbook.csv"], Options("blackbook"), now=NOW)
        allow_hits.refresh(store, NOW)
        yield store


@pytest.fixture
def count(full):
    """How many observables of a type something keeps off, or some lists are met by."""

    def counted(condition, *values):
        with closing(full.connect()) as connection:
            (number,) = connection.execute(
                "SELECT count(DISTINCT h.observable_id) FROM allow_hit h JOIN allow_list l ON l.id = h.allow_list_id"
                f" JOIN observable o ON o.id = h.observable_id WHERE {condition}",
                values,
            ).fetchone()
        connection.close()
        return number

    return counted


def test_how_many_lists_do_what(full):
    """Of 101 lists of MISP those of special addresses and names, resolvers, empty hashes and suffixes block."""
    found = [item for item in allow_lists(full) if not item.kind.is_carried]
    families = {}
    for item in found:
        families.setdefault(item.kind.family, set()).add(item.name)

    assert len(found) == 101
    assert 12 == len(found) - len(families.pop("misp"))
    assert families == {
        "special-purpose": {
            "List of IPv6 link local blocks",
            "List of RFC 1918 CIDR blocks",
            "List of RFC 3849 CIDR blocks",
            "List of RFC 5735 CIDR blocks",
            "List of RFC 5771 multicast CIDR blocks",
            "List of RFC 6598 CIDR blocks",
            "List of RFC 6761 Special-Use Domain Names",
        },
        "resolver": {"List of known IPv4 public DNS resolvers", "List of known IPv6 public DNS resolvers"},
        "empty-hash": {"List of known hashes for empty files"},
        "public-suffix": {"TLDs as known by IANA", "Second level TLDs as known by Mozilla Foundation"},
    }
    assert all((item.action == "inform") == (item.kind.family == "misp") for item in found)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("List of known Amazon AWS IP address ranges", 3_167),
        ("Censys IP Ranges Used for Scanning", 419),
        ("Shodan IP-Ranges, pot. used for Scanning", 36),
        ("List of known IPv4 public DNS resolvers", 48),
        ("List of known Stackpath CDN IP ranges", 0),
        ("List of known Cloudflare IP ranges", 0),
        ("List of RFC 1918 CIDR blocks", 0),
    ],
)
def test_p22_addresses_inside(full, count, name, inside):
    """As many addresses of ipsum lie in a list as were counted by other means."""
    assert name in [item.name for item in allow_lists(full)]
    assert inside == count("l.name = ? AND o.type = 'ipv4'", name)


@pytest.mark.parametrize("name", ["List of known URL Shorteners domains", "List of known bank domains"])
def test_p22_names(full, count, name):
    """No name of blackbook is on these lists, or below an entry."""
    assert name in [item.name for item in allow_lists(full)]
    assert 0 == count("l.name = ? AND o.type = 'hostname' AND h.relation IN ('equal', 'inside')", name)


def test_every_network_list_as_a_blocker(full):
    """8,885 of the 120,430 addresses of ipsum lie in one of them; what blocks by default keeps 48 off."""
    assert (120_430, 48) == kept_off(full)
    informing = [item.name for item in allow_lists(full) if item.list_type == "cidr" and item.action == "inform"]
    for name in informing:
        set_allow_list(full, name, action="block")
    try:
        assert (120_430, 8_885) == kept_off(full)
    finally:
        for name in informing:
            set_allow_list(full, name, action=None)


def kept_off(store):
    """How many addresses ipsum has, and how many are kept off."""
    selection = Selection(types=("ipv4",), sources=("ipsum",))
    with store.snapshot() as snapshot:
        assert allow_hits.is_up_to_date(snapshot)
        whole = snapshot.count(selection, NOW)
        snapshot.keep_off(allow_hits.blocked(snapshot, ()))
        return whole, whole - snapshot.count(selection, NOW)


def test_what_is_told_of_them(full):
    """The lists that say most, by number."""
    with full.snapshot() as snapshot:
        snapshot.keep_off(allow_hits.blocked(snapshot, ()))
        informed, *_ = allow_hits.worth_telling(snapshot, Selection(types=("ipv4",), sources=("ipsum",)), NOW)

    assert "List of known Amazon AWS IP address ranges 3,167" in informed
