"""A log or a list against an export: what would have been hit, by which entry, and how."""

import bz2
import gzip
import json
import lzma
import random
import subprocess
import sys
from ipaddress import ip_address, ip_network

import pytest
from export_samples import NOW, claim
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnreadableFile
from core.exports.answers import against as against_module
from core.exports.answers import log_lines, log_values
from core.exports.answers.against import against
from core.exports.answers.listed import Listed
from core.exports.answers.log_values import Finder
from core.exports.preview import preview
from core.schemas.export import Selection

SHA256 = "ab" * 32
LIST = Listed(
    [
        ("ipv4", "192.0.2.1"),
        ("ipv4", "198.51.100.7"),
        ("ipv6", "2001:db8::7"),
        ("cidr", "203.0.113.0/24"),
        ("cidr", "2001:db8:ffff::/48"),
        ("hostname", "evil.example.org"),
        ("hostname", "xn--bcher-kva.example"),
        ("hostname", "c2.corpnet"),
        ("url", "http://bad.example.net/a/b.exe?x=1,2"),
        ("email", "boss@example.com"),
        ("sha256", SHA256),
        ("mutex", "Global\\evil mutex"),
        ("mutex", "evilmutex"),
        ("user_agent", "EvilBot 1.0 (bad)"),
        ("ssdeep", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"),
    ]
)


def hits(*lines, listed=LIST):
    """Return (value, entry, relation) of what is found, with a mark where the value is the host of a URL."""
    return [
        (hit.match.value, hit.match.entry, hit.match.relation + (" url" if hit.match.in_url else ""))
        for hit in against(lines, listed).hits
    ]


def equal(value):
    return [(value, value, "equal")]


# --- one value ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("192.0.2.1", equal("192.0.2.1")),
        ("  192.0.2.1\r", equal("192.0.2.1")),
        ("192.0.2.1:443", equal("192.0.2.1")),
        ("192[.]0[.]2[.]1", equal("192.0.2.1")),
        ("2001:DB8:0:0::7", equal("2001:db8::7")),
        ("[2001:db8::7]:443", equal("2001:db8::7")),
        ("::ffff:192.0.2.1", equal("192.0.2.1")),
        ("203.0.113.9", [("203.0.113.9", "203.0.113.0/24", "inside")]),
        ("2001:db8:ffff:1::1", [("2001:db8:ffff:1::1", "2001:db8:ffff::/48", "inside")]),
        ("203.0.113.0/24", equal("203.0.113.0/24")),
        ("203.0.113.128/25", [("203.0.113.128/25", "203.0.113.0/24", "inside")]),
        ("EVIL.example.org.", equal("evil.example.org")),
        ("evil[.]example[.]org", equal("evil.example.org")),
        ("bücher.example", equal("xn--bcher-kva.example")),
        ("c2.corpnet", equal("c2.corpnet")),
        ("www.evil.example.org", [("www.evil.example.org", "evil.example.org", "below")]),
        ("a.b.evil.example.org", [("a.b.evil.example.org", "evil.example.org", "below")]),
        ("example.org", []),
        ("notevil.example.org", []),
        ("HTTP://BAD.example.net/a/b.exe?x=1,2", equal("http://bad.example.net/a/b.exe?x=1,2")),
        ("http://bad.example.net/A/b.exe?x=1,2", []),
        ("https://evil.example.org:8443/x", [("evil.example.org", "evil.example.org", "equal url")]),
        ("evil.example.org/path", [("evil.example.org", "evil.example.org", "equal url")]),
        ("ftp://u:p@203.0.113.9/x", [("203.0.113.9", "203.0.113.0/24", "inside url")]),
        ("http://[2001:db8::7]/", [("2001:db8::7", "2001:db8::7", "equal url")]),
        ("http://x.evil.example.org/", [("x.evil.example.org", "evil.example.org", "below url")]),
        ("boss@EXAMPLE.com", equal("boss@example.com")),
        (SHA256.upper(), equal(SHA256)),
        ("Global\\evil mutex", equal("Global\\evil mutex")),
        ("EvilBot 1.0 (bad)", equal("EvilBot 1.0 (bad)")),
        ("3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", equal("3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C")),
        ("evilmutex", equal("evilmutex")),
        ("# 192.0.2.1", []),
        ("", []),
    ],
)
def test_a_line_of_one_value(line, found):
    """Equal, inside a network, below a name, or the host of a URL; spelled in any way."""
    assert found == hits(line)


@pytest.mark.parametrize(
    ("network", "entry", "entries"),
    [
        ("203.0.0.0/16", "203.0.113.0/24", 1),
        ("192.0.2.0/30", "192.0.2.1", 1),
        ("192.0.2.0/31", "192.0.2.1", 1),
        ("192.0.0.0/2", "203.0.113.0/24", 3),
        ("2001:db8::/32", "2001:db8:ffff::/48", 2),
        ("10.0.0.0/8", None, 0),
    ],
)
def test_a_network_of_ones_own_that_holds_entries(network, entry, entries):
    """It is reported apart, once, with how many there are."""
    found = against([network], LIST)

    assert [(entry, "contains", entries)] * bool(entries) == [
        (hit.match.entry, hit.match.relation, hit.match.entries) for hit in found.apart
    ]
    assert () == found.direct


def test_a_url_and_its_host_are_both_entries():
    """The URL is one hit, and the list's name another."""
    listed = Listed([("url", "http://evil.example.org/x"), ("hostname", "evil.example.org")])

    assert [
        ("http://evil.example.org/x", "http://evil.example.org/x", "equal"),
        ("evil.example.org", "evil.example.org", "equal url"),
    ] == hits("GET http://evil.example.org/x", listed=listed)


# --- logs -----------------------------------------------------------------------------------------------------

APACHE = (
    '{} - frank [10/Oct/2026:13:55:36 -0700] "GET /192.0.2.1/evil.example.org HTTP/1.1" 200 2326 '
    '"http://evil.example.org/" "Mozilla/5.0 Chrome/203.0.113.0"'
)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (APACHE.format("192.0.2.1"), equal("192.0.2.1")),
        (APACHE.format("10.0.0.1"), []),
        (APACHE.format("www.example.com:443 192.0.2.1"), equal("192.0.2.1")),
        ('192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "-" 408 - "-" "-"', equal("192.0.2.1")),
        (
            '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "CONNECT evil.example.org:443 HTTP/1.1" 200 1 "-" "-"',
            equal("evil.example.org"),
        ),
        (
            "1286536308.779    180 10.0.0.4 TCP_MISS/200 411 GET http://evil.example.org/x - DIRECT/192.0.2.1 text/html",
            [("evil.example.org", "evil.example.org", "equal url"), *equal("192.0.2.1")],
        ),
        (
            "1700000000.123456\tCHhAvVGS1DHFjwGM9\t10.0.0.1\t5353\t203.0.113.53\t53\tudp\tdns\t-\tevil.example.org\t-",
            [("203.0.113.53", "203.0.113.0/24", "inside"), *equal("evil.example.org")],
        ),
        ("Nov 25 10:00:00 gw dnsmasq[123]: query[A] evil.example.org from 192.168.1.5", equal("evil.example.org")),
        ("Nov 25 10:00:00 gw dnsmasq[123]: reply x.example is 192.0.2.1", equal("192.0.2.1")),
        ("[1700000000] unbound[1:0] info: 192.168.1.5 evil.example.org. A IN", equal("evil.example.org")),
        (
            "client @0x7f 192.0.2.1#5353 (www.evil.example.org): query: www.evil.example.org IN A +E(0)K (10.0.0.1)",
            [*equal("192.0.2.1"), ("www.evil.example.org", "evil.example.org", "below")],
        ),
        ("kernel: IN=eth0 OUT= SRC=192.0.2.1 DST=10.0.0.1 LEN=60 PROTO=TCP SPT=1", equal("192.0.2.1")),
        ("%ASA-6-302013: Built outbound TCP connection for outside:192.0.2.1/443", equal("192.0.2.1")),
        ("sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2", equal("192.0.2.1")),
        ('"2026-11-25","192.0.2.1","evil.example.org"', [*equal("192.0.2.1"), *equal("evil.example.org")]),
        (f"0.0.0.0 {SHA256}  /tmp/x", equal(SHA256)),
        (
            json.dumps({"src_ip": "10.0.0.1", "dest_ip": "192.0.2.1", "dns": {"rrname": ["evil.example.org"]}}),
            [*equal("evil.example.org"), *equal("192.0.2.1")],
        ),
        (json.dumps({"192.0.2.1": 1, "n": 3}), []),
        (json.dumps({"message": "from 192.0.2.1, mutex evilmutex"}), [*equal("192.0.2.1"), *equal("evilmutex")]),
        ('{"broken": "192.0.2.1"', equal("192.0.2.1")),
        ("\x00\x00\x00192.0.2.1\x00", equal("192.0.2.1")),
        ("192.0.2.1, 192.0.2.1; 192.0.2.1", equal("192.0.2.1")),
        ("10:00:00 1.5.3 v1.2.3.4.5 999.0.2.1 192.0.2.1.5", []),
    ],
)
def test_a_line_of_a_log(line, found):
    """Of a web server the client counts; elsewhere every word, whatever stands around it."""
    assert found == hits(line)


def test_a_path_of_ones_own_site_is_no_path_of_a_host():
    """What a web server was asked for is not looked up; the same words elsewhere are."""
    listed = Listed([("path", "/bin/evil.sh")])

    assert [] == hits('10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /bin/evil.sh HTTP/1.1" 200 1', listed=listed)
    assert equal("/bin/evil.sh") == hits("exec /bin/evil.sh", listed=listed)


def test_words_that_come_again_are_remembered_up_to_a_number(monkeypatch):
    """A log of nothing but new words does not fill the memory."""
    monkeypatch.setattr(log_values, "MOST_REMEMBERED", 10)
    finder = Finder(LIST)

    for number in range(1_000):
        finder.find(f"host{number}.example.org")

    assert 10 >= len(finder._known)


def test_hits_are_counted_by_line():
    """How many lines, which is the first, and a piece of it; lines without a value are counted, too."""
    found = against(["nothing here", "a 192.0.2.1 b", "10.0.0.1", "192.0.2.1 192.0.2.1", None, ""], LIST)

    (hit,) = found.hits
    assert (2, 2, "a 192.0.2.1 b") == (hit.lines, hit.first_line, hit.excerpt)
    assert (6, 2, 2, 1) == (found.lines, found.hit_lines, found.without_value, found.too_long)


def test_an_excerpt_is_short_and_printable():
    """Around the value; a log may hold anything."""
    (hit,) = against(["\x1b[31m" + "x" * 5_000 + " 192.0.2.1 \x07" + "y" * 5_000], LIST).hits

    assert "192.0.2.1" in hit.excerpt
    assert len(hit.excerpt) < 110
    assert hit.excerpt.isprintable()


def test_different_hits_are_bounded(monkeypatch):
    """Beyond the bound they are counted, and known ones go on counting."""
    monkeypatch.setattr(against_module, "MOST_HITS", 2)

    found = against(["192.0.2.1", "203.0.113.1", "203.0.113.2", "192.0.2.1"], LIST)

    assert [2, 1] == [hit.lines for hit in found.hits]
    assert (4, 1) == (found.hit_lines, found.beyond)


@given(
    st.lists(st.ip_addresses(v=4).map(str), max_size=8),
    st.lists(st.tuples(st.ip_addresses(v=4), st.integers(1, 31)), max_size=8),
    st.lists(st.ip_addresses(v=4), max_size=8),
)
def test_addresses_are_hit_as_networks_say(singles, pairs, asked):
    """Whatever the list: an address is hit exactly if it is an entry or in a network of the standard library."""
    networks = [ip_network((address, length), strict=False) for address, length in pairs]
    listed = Listed([*(("ipv4", value) for value in singles), *(("cidr", str(network)) for network in networks)])
    asked = [*asked, *(ip_address(value) for value in singles), *(network[-1] for network in networks)]

    found = against(map(str, asked), listed)

    expected = {str(one) for one in asked if str(one) in singles or any(one in network for network in networks)}
    assert expected == {hit.match.value for hit in found.hits}
    assert all(
        ip_address(hit.match.value) in ip_network(hit.match.entry)
        for hit in found.hits
        if hit.match.relation == "inside"
    )


@given(st.text(max_size=200))
def test_no_line_is_a_surprise(line):
    """Whatever is in it."""
    assert 1 == against([line], LIST).lines


@pytest.mark.parametrize(
    "line",
    [
        "[" * 900_000,
        "{" * 900_000,
        '{"a":' * 100_000,
        "a." * 450_000,
        "1.1.1.1," * 100_000,
        "http://" * 100_000,
        "::" * 450_000,
        "a:" * 450_000,
        "x" * 1_000_000,
        '] "' * 300_000,
        "1 " * 450_000 + '] "',
        "[.]" * 300_000,
        "hxxp" * 250_000,
    ],
    ids=range(13),
)
@pytest.mark.timeout(20)
def test_no_line_takes_for_ever(line):
    """The longest line that is looked at, in the forms that patterns fear."""
    assert () == against([line], Listed([("ipv4", "192.0.2.1")])).hits


# --- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_file_is_read_compressed_or_not(tmp_path, pack):
    """By what is in it, not by its name; several parts of gzip, too."""
    path = tmp_path / "log"
    path.write_bytes(pack(b"one\n192.0.2.1\r\n") + pack(b"last"))
    told = []

    assert ["one", "192.0.2.1\r", "last"] == list(log_lines.read(path, told.append))
    assert path.stat().st_size == sum(told) == log_lines.size_bytes(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_with_a_mark_is_read_as_it_says(tmp_path, encoding):
    """As Windows writes them."""
    path = tmp_path / "log"
    path.write_bytes("192.0.2.1\nbücher.example\n".encode(encoding))

    assert ["192.0.2.1", "xn--bcher-kva.example"] == [
        hit.match.value for hit in against(log_lines.read(path), LIST).hits
    ]


def test_what_is_no_text_is_no_error(tmp_path):
    """Bytes that are no UTF-8 are marked; a binary file has lines like any other."""
    path = tmp_path / "log"
    path.write_bytes(random.Random(1).randbytes(100_000) + b"\n192.0.2.1\n\xff 198.51.100.7\xff\n")

    assert equal("192.0.2.1") == hits(*log_lines.read(path))[:1]


def test_a_line_that_is_too_long_is_passed_over(tmp_path):
    """Five megabytes without an end; the line behind it has its number."""
    path = tmp_path / "log"
    path.write_text("10.0.0.1\n" + "192.0.2.1 " * 500_000 + "\n198.51.100.7\n" + "y" * (5 << 20))

    found = against(log_lines.read(path), LIST)

    assert [("198.51.100.7", 3)] == [(hit.match.value, hit.first_line) for hit in found.hits]
    assert (4, 2) == (found.lines, found.too_long)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"192.0.2.1\n" * 1_000, mtime=0)[:-20], "is damaged, or not whole"),
        (b"\x1f\x8bnonsense", "is damaged, or not whole"),
        (lzma.compress(b"x" * 1_000)[:40], "is damaged, or not whole"),
        (bz2.compress(b"x" * 1_000)[:20], "is damaged, or not whole"),
        (b"BZhnonsense", "is damaged, or not whole"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(tmp_path, content, reason):
    """Missing, cut off, or not what it says."""
    path = tmp_path / "log"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableFile, match=reason):
        list(log_lines.read(path))


def test_memory_is_bounded(tmp_path):
    """A million entries and a compressed gigabyte without a line end take less than 300 MiB."""
    path = tmp_path / "log.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(1_000):
            stream.write(b"x" * (1 << 20))
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from core.exports.answers import log_lines\n"
        "from core.exports.answers.against import against\n"
        "from core.exports.answers.listed import Listed\n"
        "entries = (('ipv4', f'{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}.1') if n % 2 else"
        " ('hostname', f'host{n}.example.org') for n in range(1_000_000))\n"
        "found = against(log_lines.read(Path(sys.argv[1])), Listed(entries))\n"
        # Not what the system says of the process: that begins with the size of the one that started it.
        "peak_kib = int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "print(found.listed, found.too_long, peak_kib // 1024)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120, check=True
    )

    listed, too_long, mebibytes = map(int, done.stdout.split())
    assert (1_000_000, 1) == (listed, too_long)
    assert mebibytes < 300


# --- of an export ---------------------------------------------------------------------------------------------


def test_what_a_preview_lists_is_asked(fill, define, store, settings):
    """What the next run would publish: what is selected and not kept off; not what is merely known."""
    fill(
        claim("8.8.4.1", "ipv4", "c2"),
        claim("8.8.6.0/24", "cidr", "c2"),
        claim("9.9.4.1", "ipv4", "other"),
        claim("evil.test", "hostname", "c2"),
    )
    define("c2", Selection(include=("c2",)), format="list", limits={"never": "8.8.6.9"})

    seen = preview(store, "c2", settings, now=NOW, with_listed=True)

    found = hits("8.8.4.1 8.8.6.7 8.8.6.9 9.9.4.1 www.evil.test", listed=seen.listed)
    assert ["8.8.4.1", "8.8.6.7", "www.evil.test"] == [value for value, _, _ in found]
    assert None is preview(store, "c2", settings, now=NOW).listed


def test_real_lists_hit_themselves(intel):
    """Every hundredth address of a real list, which has a score behind each, is hit on its own line and no other."""
    (path,) = sorted((intel / "lists" / "ipsum").glob("*ipsum*"))[:1]
    lines = [line for line in log_lines.read(path) if line and not line.startswith("#")]
    addresses = [line.split("\t")[0] for line in lines]
    listed = set(addresses[::100])

    found = against(lines, Listed(("ipv4", address) for address in listed))

    assert len(listed) > 100
    assert listed == {hit.match.value for hit in found.hits}
    assert len(listed) == found.hit_lines
    assert 0 == found.without_value
