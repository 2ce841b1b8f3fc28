"""A list of addresses in two files, IPv4 and IPv6 apart: published, counted and cleared away as one version."""

from pathlib import Path

import pytest
from export_samples import LATER, NOW, claim

from core.exports.remove import remove_export
from core.exports.run import run_export
from core.schemas.instant import DAY


@pytest.fixture
def mixed(fill):
    """Addresses and networks of both versions."""
    fill(
        claim("198.51.100.7", "ipv4", "c2"),
        claim("198.51.100.8/29", "cidr", "c2"),
        claim("2001:db8::7", "ipv6", "c2"),
        claim("2001:db8:7::/48", "cidr", "c2"),
    )


def test_both_files_are_one_version(mixed, define, store, settings, published):
    """Named after the file of the export; entries add up over both, and what is unchanged is not published again."""
    define("x", format="addresses", options={"device": "pf"})

    first, again = (run_export(store, "x", settings, now=now) for now in (LATER, LATER + DAY // 24))

    assert ("created", 4) == (first.outcome, first.entries)
    assert "unchanged" == again.outcome
    assert b"198.51.100.8/29\n198.51.100.7\n" == published("x-ipv4.txt")
    assert b"2001:db8:7::/48\n2001:db8::7\n" == published("x-ipv6.txt")
    assert not (Path(settings.export_path) / "x.txt").exists()


def test_a_list_put_together_is_not_held(mixed, define, store, settings, published):
    """Observables are counted, not lines, so that nothing seems lost."""
    define("x", format="addresses", options={"collapse": "yes", "family": "split"})

    result = run_export(store, "x", settings, now=LATER)

    assert ("created", 4) == (result.outcome, result.entries)
    assert b"198.51.100.7\n198.51.100.8/29\n" == published("x-ipv4.txt")


def test_what_leaves_empties_its_file(fill, mixed, define, store, settings, published):
    """A file without entries is published, so that the device forgets what it had."""
    define("x", format="addresses", options={"family": "split"})
    run_export(store, "x", settings, now=LATER)
    fill(
        claim("2001:db8::7", "ipv6", "c2", withdrawn=True),
        claim("2001:db8:7::/48", "cidr", "c2", withdrawn=True),
        now=NOW + DAY // 24,
    )

    run_export(store, "x", settings, now=LATER)

    assert b"" == published("x-ipv6.txt")
    assert b"198.51.100.8/29\n198.51.100.7\n" == published("x-ipv4.txt")


def test_both_files_go_with_the_export(mixed, define, store, settings):
    """Nothing stays behind that somebody could still fetch."""
    define("x", format="addresses", options={"family": "split"})
    run_export(store, "x", settings, now=LATER)

    remove_export(store, "x", settings, purge=True, now=LATER)

    assert [] == [path.name for path in Path(settings.export_path).rglob("x*")]
