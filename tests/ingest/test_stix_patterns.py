"""Indicator patterns of STIX 2: which observables they give, and what is said of the rest."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies

from core.ingest import stix_grammar
from core.ingest.stix_patterns import read_pattern

SHA256 = "0123456789abcdef" * 4
MD5 = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ipv4-addr:value = '192.0.2.1']", [("ipv4", "192.0.2.1")]),
        ("[ipv4-addr:value = '192.0.2.0/24']", [("cidr", "192.0.2.0/24")]),
        ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", [("cidr", "192.0.2.0/24")]),
        ("[ipv6-addr:value = '2001:0DB8::1']", [("ipv6", "2001:db8::1")]),
        ("[domain-name:value='Example.COM']", [("hostname", "example.com")]),
        ("[domain-name:value = 'example[.]com']", [("hostname", "example.com")]),
        (r"[url:value = 'http://example.com/it\'s']", [("url", "http://example.com/it's")]),
        (r"[file:name = 'a\\b.exe']", [("path", r"a\b.exe")]),
        (r"[windows-registry-key:key = 'HKLM\\Software\\X']", [("registry_key", r"HKLM\Software\X")]),
        ("[email-addr:value = 'a@example.com']", [("email", "a@example.com")]),
        ("[email-message:from_ref.value = 'a@example.com']", [("email", "a@example.com")]),
        ("[email-message:sender_ref.value = 'a@mail.nosuchtop']", [("email", "a@mail.nosuchtop")]),
        ("[email-message:to_refs[*].value = 'a@example.com']", [("email", "a@example.com")]),
        ("[network-traffic:dst_ref.value = '192.0.2.1']", [("ipv4", "192.0.2.1")]),
        ("[network-traffic:dst_ref.value = 'example.com']", [("hostname", "example.com")]),
        ("[domain-name:resolves_to_refs[0].value = '2001:db8::1']", [("ipv6", "2001:db8::1")]),
        ("[mutex:name = 'Global\\\\x']", [("mutex", "Global\\x")]),
        ("[autonomous-system:number = 64496]", [("asn", "AS64496")]),
        ("[mac-addr:value = '00-00-5E-00-53-01']", [("mac_address", "00:00:5e:00:53:01")]),
        ("[process:command_line = 'cmd /c x']", [("generic", "cmd /c x")]),
        ("[x509-certificate:serial_number = '0A:0B']", [("certificate", "0a0b")]),
        (f"[x509-certificate:hashes.'SHA-256' = '{SHA256}']", [("certificate", SHA256)]),
        (
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'evil/1.0']",
            [("user_agent", "evil/1.0")],
        ),
        ("[app:id = 'com.example.app']", [("package", "com.example.app")]),
        ("[x-opencti-hostname:value = 'host.example.com']", [("hostname", "host.example.com")]),
    ],
)
def test_one_comparison(pattern, expected):
    """Each property that is an observable gives it, refanged and in its one form."""
    reading = read_pattern(pattern)

    assert expected == reading.observables
    assert [] == reading.refusals
    assert reading.is_single


@pytest.mark.parametrize(
    ("key", "text", "kind"),
    [
        ("MD5", MD5, "md5"),
        ("md5", MD5, "md5"),
        ("'MD5'", MD5, "md5"),
        ("'SHA-1'", "0" * 40, "sha1"),
        ("sha1", "0" * 40, "sha1"),
        ("'SHA-256'", SHA256, "sha256"),
        ("sha256", SHA256, "sha256"),
        ("SHA256", SHA256, "sha256"),
        ("'sha-512'", "0" * 128, "sha512"),
        ("SSDEEP", "3:abc:def", "ssdeep"),
        ("TLSH", "T1" + "0" * 70, "tlsh"),
    ],
)
def test_every_spelling_of_a_hash(key, text, kind):
    """Algorithms are known in the spellings of both versions and of those who write neither."""
    assert [(kind, text)] == read_pattern(f"[file:hashes.{key} = '{text}']").observables


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", ["192.0.2.1", "192.0.2.2"]),
        ("[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']", ["192.0.2.1", "192.0.2.2"]),
        ("[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value = '192.0.2.2']", ["192.0.2.1", "192.0.2.2"]),
        (
            "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [domain-name:value = 'example.com']",
            ["192.0.2.1", "example.com"],
        ),
        ("([url:value = 'http://a.example/'] AND [file:name = 'x']) WITHIN 5 SECONDS", ["http://a.example/", "x"]),
        (f"[file:name = 'x.exe' AND file:hashes.MD5 = '{MD5}']", ["x.exe", MD5]),
        (f"[file:hashes.MD5 = '{MD5}' AND file:size = 5 AND file:name MATCHES '^x']", [MD5]),
        ("[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]", ["192.0.2.1"]),
        ("[domain-name:value = 'example.com' AND domain-name:value != 'www.example.com']", ["example.com"]),
        ("[(file:name = 'a' OR file:size = 1) AND file:name = 'b']", ["a", "b"]),
        ("[domain-name:value NOT != 'example.com']", ["example.com"]),
        ("[file:name = 'x'] START t'2024-01-01T00:00:00Z' STOP t'2024-01-02T00:00:00Z'", ["x"]),
        ("[file:name = 'x' OR file:name = 'x']", ["x"]),
    ],
)
def test_combined_comparisons(pattern, expected):
    """Every ``=`` gives its value, in OR and AND alike; inside AND what no value can say only narrows."""
    reading = read_pattern(pattern)

    assert expected == [value for _, value in reading.observables]
    assert [] == reading.refusals
    assert not reading.is_single or "OR" not in pattern


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[domain-name:value LIKE '%.example.com']", "domain-name:value LIKE: no value can express it"),
        ("[domain-name:value MATCHES '^a']", "domain-name:value MATCHES: no value can express it"),
        ("[domain-name:value != 'example.com']", "domain-name:value !=: no value can express it"),
        ("[domain-name:value NOT = 'example.com']", "domain-name:value !=: no value can express it"),
        ("[domain-name:value NOT IN ('example.com')]", "domain-name:value NOT IN: no value can express it"),
        ("[file:name ISSUBSET '192.0.2.0/24']", "file:name ISSUBSET: no value can express it"),
        ("[EXISTS file:name]", "file:name EXISTS: no value can express it"),
        ("[file:size > 5]", "file:size >: not an observable"),
        ("[user-account:user_id = 'x']", "user-account:user_id: not an observable"),
        (f"[file:hashes.'SHA3-256' = '{SHA256}']", "file:hashes.SHA3-256: not an observable"),
        (
            "[file:size = 5 AND file:name LIKE 'x%']",
            "no value can express the pattern (file:size, file:name LIKE)",
        ),
        ("[ipv4-addr:value = '300.1.1.1']", "ipv4-addr:value: not an IPv4 address"),
        ("[file:hashes.MD5 = 'zz']", "file:hashes.MD5: not an MD5 hash"),
        ("[ipv4-addr:value = ]", "not a STIX pattern (1:19:"),
        ("ipv4-addr:value = '192.0.2.1'", "not a STIX pattern (1:0:"),
        ("[ipv4-addr:value = '192.0.2.1'] and so on", "not a STIX pattern"),
        ("[" + "(" * 5000 + "file:name = 'x'" + ")" * 5000 + "]", "a pattern that is nested too deeply"),
        ("[file:name = '" + "x" * (1 << 20) + "']", "a pattern of more than 1,048,576 characters"),
    ],
)
def test_what_cannot_be_taken_is_said(pattern, reason):
    """One reason that names the comparison; nothing is guessed."""
    reading = read_pattern(pattern)

    assert [] == reading.observables
    assert [reason] == [refusal.reason[: len(reason)] for refusal in reading.refusals]


def test_a_broken_value_does_not_cost_its_neighbours():
    """In an OR each comparison stands for itself."""
    reading = read_pattern("[ipv4-addr:value = '300.1.1.1' OR ipv4-addr:value = '192.0.2.1' OR file:size = 1]", 7)

    assert [("ipv4", "192.0.2.1")] == reading.observables
    assert [(7, "300.1.1.1"), (7, "1")] == [(refusal.line, refusal.excerpt) for refusal in reading.refusals]


def test_a_long_chain_is_read():
    """A pattern of thousands of ORs is deep as a tree; it is read like a short one."""
    addresses = [f"198.51.{number // 250}.{number % 250}" for number in range(3000)]
    pattern = "[" + " OR ".join(f"ipv4-addr:value = '{address}'" for address in addresses) + "]"

    assert [("ipv4", address) for address in addresses] == read_pattern(pattern).observables


def test_a_name_that_2_1_reserved_is_a_name():
    """What only the grammar of 2.0 takes is read by that."""
    reading = read_pattern("[x-custom:EXISTS = 1 AND file:name = 'x']")

    assert [("file", "x")] == reading.observables


LITERALS = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=12)
PATHS = strategies.sampled_from(["file:name", "url:value", "x:a.'b c'.d[0]", "file:hashes.'SHA-256'", "x:'q'"])


@given(
    strategies.lists(
        strategies.tuples(PATHS, LITERALS, strategies.sampled_from([" AND ", " OR ", "] OR ["])),
        min_size=1,
        max_size=4,
    )
)
def test_literals_come_back_as_they_were(comparisons):
    """Whatever a literal holds, quotes, brackets and words of the grammar among it."""
    escaped = [
        f"{path} = '" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" + word
        for path, text, word in comparisons
    ]
    pattern = "[" + "".join(escaped).removesuffix(comparisons[-1][2]) + "]"

    assert [text for _, text, _ in comparisons] == [term.values[0] for term in stix_grammar.terms(pattern)]
    assert [replace(term, values=()) for term in stix_grammar._parsed(pattern)] == [
        replace(term, values=()) for term in stix_grammar.terms(pattern)
    ]


def test_a_shape_is_parsed_once():
    """Feeds repeat a few shapes; the parser sees each of them once."""
    stix_grammar._of_shape.cache_clear()
    for number in range(50):
        assert [("ipv4", f"192.0.2.{number}")] == read_pattern(
            f"[ipv4-addr:value = '192.0.2.{number}']"
        ).observables

    assert 1 == stix_grammar._of_shape.cache_info().misses


def test_the_shape_of_a_broken_pattern_is_not_blamed():
    """The message is about the text that was given."""
    (refusal,) = read_pattern("[file:name = 'abc' 'def']").refusals

    assert "'def'" in refusal.reason


def test_an_endless_number_is_not_given_to_the_parser():
    """It would take minutes; the pattern is refused at once."""
    for text in ("0" * 1_000_000, f"[file:size = {'0' * 30_000}]"):
        assert ["not a STIX pattern (a word of more than 250 characters)"] == [
            refusal.reason for refusal in read_pattern(text).refusals
        ]
