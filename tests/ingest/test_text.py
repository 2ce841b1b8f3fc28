"""Lists, one value a line, in the dialects of blockers and resolvers."""

import pytest

from core.errors import UnreadableFile
from core.schemas.claim import Kind


def test_one_value_a_line_of_any_type(parse):
    """Each line is a claim of this source, with its line, without tags of its own."""
    parsed = parse("192.0.2.1\r\nevil.example\n\nhxxp://evil[.]example/a\nD41D8CD98F00B204E9800998ECF8427E\n")

    assert parsed.format == "text"
    assert parsed.found == [
        ("ipv4", "192.0.2.1"),
        ("hostname", "evil.example"),
        ("url", "http://evil.example/a"),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e"),
    ]
    assert [claim.line for claim in parsed.claims] == [1, 2, 4, 5]
    assert {claim.source for claim in parsed.claims} == {"list.txt"}
    assert {claim.tags for claim in parsed.claims} == {()}
    assert {claim.kind for claim in parsed.claims} == {Kind.MALICIOUS}


def test_the_user_names_source_tags_and_kind(parse):
    """What the user says holds for every line."""
    claim = parse("192.0.2.1\n", source="Ours", tags=("C2", "apt"), kind=Kind.BENIGN).claims[0]

    assert (claim.source, claim.tags, claim.kind) == ("Ours", ("C2", "apt"), Kind.BENIGN)


def test_comments_before_and_behind(parse):
    """Comments are no values; one behind a value is kept with it."""
    parsed = parse(
        "# head 192.0.2.9\n; also\n// and\n! so\n========\n"
        "192.0.2.1 # scanner\n192.0.2.2;note\n192.0.2.0/24 ; SBL1\nevil.example // seen\nhttp://a.example/#top\n"
        "http://b.example/x // note\n192.0.2.3#bare\n"
    )

    assert parsed.refusals == []
    assert [(claim.value, claim.context) for claim in parsed.claims] == [
        ("192.0.2.1", {"comment": "scanner"}),
        ("192.0.2.2", {"comment": "note"}),
        ("192.0.2.0/24", {"comment": "SBL1"}),
        ("evil.example", {"comment": "seen"}),
        ("http://a.example/#top", None),
        ("http://b.example/x", {"comment": "note"}),
        ("192.0.2.3", {"comment": "bare"}),
    ]


def test_score_columns(parse):
    """A number beside the value is its score; a number before it is a rank."""
    parsed = parse("192.0.2.1\t7\n192.0.2.2 3\n1\tevil.example\n")

    assert [(claim.value, claim.context) for claim in parsed.claims] == [
        ("192.0.2.1", {"score": 7}),
        ("192.0.2.2", {"score": 3}),
        ("evil.example", {"score": 1}),
    ]


def test_hosts_files(parse):
    """Names behind a sink address are taken, also several, also of unknown top levels; those of the host are not."""
    parsed = parse(
        "127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost\n0.0.0.0 0.0.0.0\n"
        "0.0.0.0 evil.example c2.evil.example # two\n127.0.0.1\tmy.domain\n:: v6.example\n0.0.0.0 nodot\n"
    )

    assert parsed.found == [
        ("hostname", "evil.example"),
        ("hostname", "c2.evil.example"),
        ("hostname", "my.domain"),
        ("hostname", "v6.example"),
    ]
    assert parsed.refused == [(7, "not a domain name: there is no dot in it")]


def test_dnsmasq(parse):
    """Names between slashes are taken; forwarding and exceptions are not."""
    parsed = parse(
        "address=/evil.example/0.0.0.0\naddress=/a.example/b.example/#\nserver=/c.example/\nlocal=/d.example/\n"
        "ipset=/e.example/set\nserver=/ok.example/#\nserver=/corp.example/192.0.2.53\naddress=/#/0.0.0.0\n"
    )

    assert [value for _, value in parsed.found] == [
        "evil.example", "a.example", "b.example", "c.example", "d.example", "e.example"
    ]  # fmt: skip
    assert [line for line, _ in parsed.refused] == [6, 7, 8]


def test_unbound(parse):
    """Zones that block and records that point nowhere are taken; transparent zones are exceptions."""
    parsed = parse(
        'server:\n  local-zone: "evil.example." always_nxdomain\nlocal-zone: b.example redirect\n'
        'local-data: "b.example A 0.0.0.0"\nlocal-zone: "ok.example" transparent\nlocal-data: "t.example TXT x"\n'
    )

    assert [value for _, value in parsed.found] == ["evil.example", "b.example", "b.example"]
    assert [line for line, _ in parsed.refused] == [5, 6]


def test_adblock(parse):
    """Rules for whole domains are taken; exceptions, paths, patterns and rules for parts of a page are not."""
    parsed = parse(
        "[Adblock Plus 2.0]\n! Title: x\n||evil.example^\n||third.example^$third-party,important\n||192.0.2.1^\n"
        "||bare.example\n|https://url.example/x|\nplain.example\n||not.example^$domain=~own.example\n"
        "@@||ok.example^\n||evil.example/path^\n||ev*l.example^\n##.ad\nexample.com##.ad\n/banner/ads.js\n"
        "||some.example^$domain=a.example\n||pattern.example.\n"
    )

    assert [value for _, value in parsed.found] == [
        "evil.example", "third.example", "192.0.2.1", "bare.example", "https://url.example/x", "plain.example",
        "not.example",
    ]  # fmt: skip
    assert [line for line, _ in parsed.refused] == [10, 11, 12, 14, 15, 16, 17]
    assert "exception" in parsed.refused[0][1]


def test_ipset_and_netset(parse):
    """``ipset save`` is read as what it adds; headers and set-up lines are no refusals."""
    parsed = parse(
        "#\n# name\n#\ncreate bad hash:net family inet hashsize 1024\nadd bad 192.0.2.0/25\nadd bad 192.0.2.200\n"
        "add bad 192.0.2.128/26 nomatch\nadd ports 192.0.2.7,tcp:80 timeout 60\n203.0.113.0/24\n"
    )

    assert [value for _, value in parsed.found] == ["192.0.2.0/25", "192.0.2.200", "192.0.2.7", "203.0.113.0/24"]
    assert parsed.refused == [(7, "an exception (nomatch), not a value to block")]


def test_networks_and_ranges(parse):
    """Host bits are masked and said; masks are understood; ranges become the networks that cover them."""
    parsed = parse(
        "192.0.2.9/24\n198.51.100.0 255.255.255.0\n203.0.113.0-203.0.113.5\n203.0.113.8-11\n192.0.2.5-192.0.2.1\n"
        "2001:db8::1/128\n0.0.0.0/0\n"
    )

    assert [(claim.type, claim.value) for claim in parsed.claims] == [
        ("cidr", "192.0.2.0/24"),
        ("cidr", "198.51.100.0/24"),
        ("cidr", "203.0.113.0/30"),
        ("cidr", "203.0.113.4/31"),
        ("cidr", "203.0.113.8/30"),
        ("ipv6", "2001:db8::1"),
    ]
    assert parsed.claims[0].context == {"as_listed": "192.0.2.9/24"}
    assert parsed.claims[2].context == {"range": "203.0.113.0-203.0.113.5"}
    assert [line for line, _ in parsed.refused] == [5, 7]


def test_ports_are_kept_beside_the_host(parse):
    """``host:port`` is the host; the port is a fact about it."""
    parsed = parse("192.0.2.1:443\nevil[.]example:8080\n[2001:db8::1]:53\n")

    assert [(claim.value, claim.context) for claim in parsed.claims] == [
        ("192.0.2.1", {"port": 443}),
        ("evil.example", {"port": 8080}),
        ("2001:db8::1", {"port": 53}),
    ]


def test_wildcards_and_bare_urls_say_how_they_were_listed(parse):
    """``*.name`` and ``.name`` are the name; ``host/path`` is a URL over http; the spelling is kept."""
    parsed = parse("*.evil.example\n.squid.example\nevil.example/gate.php\n")

    assert [(claim.value, claim.context) for claim in parsed.claims] == [
        ("evil.example", {"as_listed": "*.evil.example"}),
        ("squid.example", {"as_listed": ".squid.example"}),
        ("http://evil.example/gate.php", {"as_listed": "evil.example/gate.php"}),
    ]


def test_several_values_on_a_line(parse):
    """Values parted by blanks or commas are each taken."""
    parsed = parse("192.0.2.1 192.0.2.2 evil.example\n192.0.2.3,192.0.2.4\n'192.0.2.5',\n")

    assert [claim.value for claim in parsed.claims] == [
        "192.0.2.1", "192.0.2.2", "evil.example", "192.0.2.3", "192.0.2.4", "192.0.2.5"
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_encodings_of_windows(parse, encoding):
    """UTF-16, a byte order mark and the code page of Windows are read."""
    parsed = parse("evil.example # café\n192.0.2.1\n".encode(encoding))

    assert parsed.found == [("hostname", "evil.example"), ("ipv4", "192.0.2.1")]
    assert parsed.claims[0].context == {"comment": "café"}


def test_line_ends_of_old_macs(parse):
    """A file whose lines end in CR alone has lines."""
    assert parse(b"192.0.2.1\r192.0.2.2\r").found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]


def test_a_word_list_yields_nothing(parse):
    """A list of words is refused in one sentence; a name among words is no host name."""
    words = "\n".join(f"word{number}" for number in range(500))
    parsed = parse(words + "\ncom.apple.some.events\n")

    assert parsed.claims == []
    assert parsed.refused == [(0, "none of its 501 lines is a value: is it a list of words?")]


def test_prose_yields_nothing(parse):
    """Sentences that name a site do not put it on a list."""
    parsed = parse("Copyright 2024 Some Body\nexample.com is a nice site that you should read.\n192.0.2.1\n")

    assert parsed.found == [("ipv4", "192.0.2.1")]
    assert [line for line, _ in parsed.refused] == [1, 2]


def test_a_list_of_names_may_hold_an_unknown_top_level(parse):
    """Among host names a name whose top level is not known is a host name too; alone it is a word."""
    names = "".join(f"host{number}.example\n" for number in range(30))

    assert parse(names + "odd.toplevel9\nodd.lab\n").found[-1] == ("hostname", "odd.lab")
    assert parse("odd.lab\n").found == []


def test_a_broken_line_costs_itself_only(parse):
    """Control characters, halves of values and lines without end are refused; their neighbours go in."""
    parsed = parse(b"192.0.2.1\nev\x01il.example\n" + b"x" * (1 << 21) + b"\n256.1.1.1\n192.0.2.2")

    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]
    assert [line for line, _ in parsed.refused] == [2, 3, 4]
    assert all(len(refusal.excerpt) <= 80 and refusal.excerpt.isprintable() for refusal in parsed.refusals)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"PK\x03\x04xxxx", "zip"),
        (b"\x1f\x8b\x08\x00xxxx", "gzip"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "not text"),
        (b'["aardvark", "baboon"]', "--format warninglist"),
        (b'{"some": {"thing": [1]}}', "JSON of no form"),
    ],
)
def test_what_is_no_list_is_named(parse, content, reason):
    """A web page served as a list, an archive, or an empty file is refused as what it is."""
    with pytest.raises(UnreadableFile, match=reason):
        parse(content, "download")


def test_a_comment_with_commas_makes_no_table(parse):
    """Commas and semicolons in comments behind values do not turn a list into a table."""
    parsed = parse(
        "# Addresses.  Own, short.\n198.51.100.7   # here, and there: two, three\n198.51.100[.]23 ; defanged\n"
        "203.0.113.5 // brute force\n203.0.113.32-203.0.113.39\n"
    )

    assert parsed.format == "text"
    assert [claim.value for claim in parsed.claims] == [
        "198.51.100.7", "198.51.100.23", "203.0.113.5", "203.0.113.32/29"
    ]  # fmt: skip


def test_comments_of_spamhaus_make_no_table(parse):
    """``network ; reference`` in every line is a list with comments."""
    parsed = parse("; DROP\n192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2\n")

    assert parsed.format == "text"
    assert parsed.found == [("cidr", "192.0.2.0/24"), ("cidr", "198.51.100.0/24")]
    assert parsed.claims[0].context == {"comment": "SBL1"}


@pytest.mark.parametrize(
    "text",
    [
        "; DROP\n192.0.2.0/24;SBL1\n198.51.100.0/24;SBL2\n",
        "192.0.2.0/24 ;SBL1, a\n198.51.100.0/24 ;SBL2, b\n",
        "# list, with commas; and more\n192.0.2.0/24 # a, b\n198.51.100.0/24 // c; d, e\n",
        "192.0.2.0/24\t3\n198.51.100.0/24\t5\n",
        "192.0.2.0/24 # x;y\n198.51.100.0/24 # x;y\n",
    ],
)
def test_comments_and_scores_make_no_table(parse, text):
    """However regular the separators in its comments are, a list is a list."""
    parsed = parse(text)

    assert parsed.format == "text"
    assert parsed.found == [("cidr", "192.0.2.0/24"), ("cidr", "198.51.100.0/24")]
    assert parsed.refusals == []


def test_an_array_of_values_is_a_list(parse):
    """A JSON array of texts is read like the lines of a list; what is no text or no value in it is refused."""
    parsed = parse(
        '[\n "192.0.2.1", "hxxp://evil.example/a", "word",\n 5, {"a": "b.example"}, "evil[.]example:443"]'
    )

    assert parsed.format == "text"
    assert parsed.found == [
        ("ipv4", "192.0.2.1"),
        ("url", "http://evil.example/a"),
        ("hostname", "evil.example"),
    ]
    assert parsed.claims[2].context == {"port": 443}
    assert [reason for _, reason in parsed.refused] == ["not a value", *2 * ["an entry that is no text"]]


def test_an_array_that_is_cut_gives_what_stands_before(parse):
    """The values before the cut go in, and the file counts as damaged."""
    parsed = parse('["192.0.2.1", "192.0.2.2", "192.0.')

    assert [value for _, value in parsed.found] == ["192.0.2.1", "192.0.2.2"]
    assert parsed.is_damaged
    assert len(parsed.refusals) == 1


def test_an_array_on_one_line_is_no_table(parse):
    """Commas between texts of an array part no cells, whatever the file is called."""
    assert [value for _, value in parse('["192.0.2.1","192.0.2.2","192.0.2.3"]', "a.csv").found] == [
        "192.0.2.1", "192.0.2.2", "192.0.2.3"
    ]  # fmt: skip


def test_a_value_in_front_of_commas_is_taken(parse):
    """Lines with commas among lines without: the first cell is the value, the rest is kept."""
    parsed = parse(
        "192.0.2.1\n192.0.2.2,10\n192.0.2.3|seen by x, y and z\n192.0.2.0-192.0.2.1 , 5 , Example\n"
        "evil.example, C2 of the group\nword, evil.example\n"
    )

    assert [(claim.value, claim.context) for claim in parsed.claims] == [
        ("192.0.2.1", None),
        ("192.0.2.2", {"score": 10}),
        ("192.0.2.3", {"note": "seen by x, y and z"}),
        ("192.0.2.0/31", {"note": "5 , Example", "range": "192.0.2.0-192.0.2.1"}),
        ("evil.example", {"note": "C2 of the group"}),
    ]
    assert parsed.refused == [(6, "not a value")]


def test_a_control_character_costs_its_own_line(parse):
    """A NUL in one line does not make the file unreadable."""
    parsed = parse("192.0.2.1\n\0evil.example\nx\0y.example\n192.0.2.2\n" + "192.0.2.3\n" * 10)

    assert parsed.refused == [(2, "not a value"), (3, "not a value")]
    assert parsed.found[:2] == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]


def test_ranges_in_sets(parse):
    """``ipset`` understands ranges, so do we."""
    assert parse("create bl hash:ip\nadd bl 192.0.2.4-192.0.2.7\n").found == [("cidr", "192.0.2.4/30")]
