"""ACLs of Squid: read by a parser of its documentation, parsed by Squid, and asked through a Squid that runs."""

from contextlib import contextmanager

import address_reading as reading
import pytest
from list_pairs import HALVES, Pair
from name_readers import checked, hostile, written
from ports import free_port
from real_names import real_names
from web_programs import LISTED, PASSED, origin, running, statuses

from core.exports.formats import get_format, parse_options
from core.testing.formats import Value

CONSUMER = "Squid, acl dstdomain and dst"
NAMES, ADDRESSES = "export-names.acl", "export-addresses.acl"
CONFIGURATION = """
http_port 127.0.0.1:{port} name=by_name
http_port 127.0.0.1:{address_port} name=by_address
visible_hostname localhost
cache deny all
cache_mem 0 MB
access_log none
cache_log {folder}/log
pid_filename {folder}/pid
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
max_filedescriptors 1024
cache_peer 127.0.0.1 parent {origin} 0 no-query no-digest originserver
never_direct allow all
acl by_name myportname by_name
acl names dstdomain "{names}"
acl addresses dst "{addresses}"
http_access deny by_name names
http_access allow by_name
http_access deny addresses
http_access allow all
"""


class TestSquid(Pair):
    """A name begins with a dot and is below no other; no network is in another, whatever comes first."""

    format = "squid"
    suffix = ".acl"

    def name_of(self, line):
        assert line.startswith(".")
        return checked(line[1:])


class TestNamesAlone(TestSquid):
    """A name without a dot is itself alone."""

    options = {"subdomains": "no"}
    has_subdomains = False

    def name_of(self, line):
        return checked(line)


def test_what_is_written(tmp_path):
    """A name for all below it; the fewest networks."""
    some = [
        Value("cidr", "192.0.2.0/24"), Value("hostname", "a.bad.example"), Value("hostname", "bad.example"),
        Value("ipv4", "192.0.2.1"), Value("ipv6", "2001:db8::1"),
    ]  # fmt: skip
    found = written(TestSquid(), some, tmp_path)

    assert {NAMES: b".bad.example\n", ADDRESSES: b"192.0.2.0/24\n2001:db8::1\n"} == found.files
    assert 5 == found.entries


def test_a_network_around_all_ipv4_addresses_is_refused(tmp_path):
    """To Squid ``192.0.2.1`` is ``::ffff:192.0.2.1``, and that is in ``::/1``."""
    found = written(TestSquid(), HALVES, tmp_path)

    assert {"::/1", "::fffe:0:0/95"} == {value.value for value in found.refused}
    assert b"0.0.0.0/1\n128.0.0.0/1\n8000::/1\n" == found.files[ADDRESSES]


@pytest.mark.parametrize("kit", [TestSquid, TestNamesAlone])
@pytest.mark.proof("squid", CONSUMER, "loaded", tool="squid")
def test_it_is_checked_before_it_is_published(tmp_path, kit):
    """``squid -k parse`` takes what is hostile, also nothing and every address, and has no word of warning."""
    options = parse_options(get_format("squid"), kit.options)
    check = get_format("squid").check
    for number, made in enumerate(
        [
            hostile(kit(), tmp_path / "hostile"),
            written(kit(), [], tmp_path / "nothing"),
            written(kit(), HALVES, tmp_path / "halves"),
        ]
    ):
        assert [] == check(kit().put(made, tmp_path / f"files {number}"), options)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (NAMES, ".a.bad.example\n.bad.example\n", "is a subdomain of"),
        (NAMES, ".bad.example\n.a.bad.example\n", "is a subdomain of"),
        (ADDRESSES, "192.0.2.1\n192.0.2.0/24\n", "is ignored"),
        (ADDRESSES, "192.0.2.1/24\n", "masks away part"),
        (ADDRESSES, "192.0.2.300\n", "FATAL"),
    ],
)
@pytest.mark.proof("squid", CONSUMER, "loaded", tool="squid")
def test_the_check_finds_what_squid_would(tmp_path, name, text, fault):
    """Also what it warns of, since it leaves something out then."""
    paths = TestSquid().put(written(TestSquid(), [], tmp_path / "made"), tmp_path / "files")
    (tmp_path / "files" / name).write_text(text)

    assert fault in "".join(get_format("squid").check(paths, True))


@pytest.mark.intel
@pytest.mark.parametrize("kit", [TestSquid, TestNamesAlone])
@pytest.mark.proof("squid", CONSUMER, "asked", tool="squid")
def test_squid_turns_listed_requests_away(tmp_path, intel, kit):
    """403 for what is listed, and what is not reaches the server behind: real names and addresses."""
    names, real = real_names(intel), reading.real(intel)
    made = written(kit(), [*names.listed, *real], tmp_path / "made")
    paths = kit().put(made, tmp_path / "files")
    listed = {value.value for value in made.accepted if value.type == "hostname"}
    caught = names.caught_by(made.accepted) if kit is TestSquid else sorted({*names.some} & listed)
    passing = names.passing if kit is TestSquid else [*names.passing, *names.below]
    addresses, others = reading.asked(real, 150)

    with squid(tmp_path, paths) as (by_name, by_address):
        assert [LISTED] * len(caught) == statuses(by_name, map(proxied, caught))
        assert [PASSED] * len(passing) == statuses(by_name, map(proxied, passing))
        assert [LISTED] * len(addresses) == statuses(by_address, map(proxied, addresses))
        assert [PASSED] * len(others) == statuses(by_address, map(proxied, others))


def proxied(host):
    """Return the request to a proxy for the first page of a host."""
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}/", {"Host": place}


@contextmanager
def squid(folder, paths):
    """Run a Squid with two files; give its ports, that of names and that of addresses."""
    port, address_port = free_port(), free_port()
    configuration = folder / "squid.conf"
    with origin() as behind:
        configuration.write_text(
            CONFIGURATION.format(
                port=port,
                address_port=address_port,
                folder=folder,
                origin=behind,
                names=paths[0],
                addresses=paths[1],
            )
        )
        with running("squid", ["-N", "-f", configuration], folder, port):
            yield port, address_port
