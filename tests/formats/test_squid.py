"""ACLs of Squid: read by a parser of its documentation, parsed by Squid, and asked through a Squid that runs."""

from contextlib import contextmanager
from itertools import pairwise

import address_reading as reading
import pytest
from dns_servers import free_port
from name_readers import checked, hostile, outermost, written
from real_names import real_names
from web_programs import LISTED, PASSED, origin, running, statuses

from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value

CONSUMER = "Squid, acl dstdomain and dst"
NAMES, ADDRESSES = "export-names.acl", "export-addresses.acl"
HALVES = [Value("cidr", half) for half in ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "::fffe:0:0/95")]
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


class TestSquid(FormatConformance):
    """A name begins with a dot and is below no other; no network is in another, whatever comes first."""

    format = "squid"

    def read(self, files):
        assert {NAMES, ADDRESSES} == set(files)
        names = self.names(reading.lines(files[NAMES]))
        addresses = reading.lines(files[ADDRESSES])
        networks = [reading.network(line) for line in addresses]
        for version in (4, 6):
            some = sorted(item for item in networks if item.version == version)
            assert not any(first.overlaps(second) for first, second in pairwise(some))
        return [*names, *addresses]

    def names(self, lines):
        assert all(line.startswith(".") for line in lines)
        names = [checked(line[1:]) for line in lines]
        assert outermost(names) == set(names)
        return names

    def entry(self, type, value):
        return value if type == "hostname" else reading.one(type, value)

    def meaning(self, entries):
        names = {entry for entry in entries if _is_name(entry)}
        return self.names_meant(names), reading.addresses(entry for entry in entries if entry not in names)

    def names_meant(self, names):
        return outermost(names)


class TestNamesAlone(TestSquid):
    """A name without a dot is itself alone."""

    options = {"subdomains": "no"}

    def names(self, lines):
        return [checked(line) for line in lines]

    def names_meant(self, names):
        return names


def _is_name(text):
    return text.count(".") and text[-1].isalpha() and ":" not in text and "/" not in text


def put(made, folder):
    """Write the files of a set and return their paths in order."""
    folder.mkdir(exist_ok=True)
    paths = []
    for name in (NAMES, ADDRESSES):
        paths.append(folder / name)
        paths[-1].write_bytes(made.files[name])
    return paths


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
        assert [] == check(put(made, tmp_path / f"files {number}"), options)


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
    paths = put(written(TestSquid(), [], tmp_path / "made"), tmp_path / "files")
    (tmp_path / "files" / name).write_text(text)

    assert fault in "".join(get_format("squid").check(paths, True))


@pytest.mark.intel
@pytest.mark.parametrize("kit", [TestSquid, TestNamesAlone])
@pytest.mark.proof("squid", CONSUMER, "asked", tool="squid")
def test_squid_turns_listed_requests_away(tmp_path, intel, kit):
    """403 for what is listed, and what is not reaches the server behind: real names and addresses."""
    names, real = real_names(intel), reading.real(intel)
    made = written(kit(), [*names.listed, *real], tmp_path / "made")
    paths = put(made, tmp_path / "files")
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
