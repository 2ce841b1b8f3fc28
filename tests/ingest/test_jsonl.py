"""JSON lines: our own export read back, and the lines of others."""

import json

import pytest

from core.errors import UnreadableFile
from core.schemas.claim import TLP, Kind
from core.values.dates import instant

OWN = {
    "type": "hostname",
    "value": "evil.example",
    "assertions": [
        {"tag": "C2", "source": "CERT", "kind": "malicious", "first_seen": "2024-01-02T03:04:05Z",
         "last_seen": "2024-02-03T00:00:00.000001Z", "valid_from": "2024-01-01T00:00:00Z",
         "valid_until": "2025-01-01T00:00:00Z", "confidence": 85, "tlp": "amber+strict"},
        {"tag": "seen", "source": "Sensor", "kind": "info"},
    ],
    "context": [{"source": "CERT", "note": "a"}, {"source": "CERT", "note": ["b"]}, {"source": "Sensor", "n": 1}],
}  # fmt: skip


def lines(*objects):
    return "".join(json.dumps(item) + "\n" for item in objects)


def test_our_own_lines_come_back(parse):
    """Each assertion is a claim with all it said, each fact is one of its source."""
    parsed = parse(lines(OWN), "export.jsonl")

    assert parsed.format == "jsonl"
    first, again, second = parsed.claims
    assert (first.type, first.value, first.source, first.tags) == ("hostname", "evil.example", "CERT", ("C2",))
    assert (first.first_seen, first.last_seen) == (instant("2024-01-02T03:04:05Z"), instant("2024-02-03") + 1)
    assert (first.valid_from, first.valid_until) == (instant("2024-01-01"), instant("2025-01-01"))
    assert (first.kind, first.confidence, first.tlp) == (Kind.MALICIOUS, 85, TLP.AMBER_STRICT)
    assert [claim.context for claim in parsed.claims] == [{"note": "a"}, {"note": ["b"]}, {"n": 1}]
    assert again.tags == first.tags
    assert (second.source, second.tags, second.kind) == ("Sensor", ("seen",), Kind.INFO)


def test_a_withdrawn_assertion_comes_back_withdrawn(parse):
    """What its source took back is made known and taken back again."""
    stated = {"tag": "C2", "source": "CERT", "kind": "malicious", "withdrawn_at": "2024-01-02T00:00:00Z"}
    parsed = parse(lines({"type": "ipv4", "value": "192.0.2.1", "assertions": [stated], "context": []}), "a.jsonl")

    assert [claim.withdrawn for claim in parsed.claims] == [False, True]


def test_facts_of_a_source_that_claims_nothing_stay(parse):
    """A fact whose source has no assertion is kept under one that has, with its own source named."""
    item = {"type": "ipv4", "value": "192.0.2.1", "assertions": [], "context": [{"source": "X", "a": 1}]}
    parsed = parse(lines(item), "a.jsonl")

    assert parsed.claims[0].context == {"a": 1, "listed_source": "X"}


def test_lines_of_others(parse):
    """Keys are read like the names of columns; lists and numbers are understood."""
    parsed = parse(
        lines(
            {
                "value": "192.0.2.1",
                "type": "ip",
                "tags": ["c2", "a, b"],
                "first_seen": 1700000000,
                "confidence": 0.5,
            },
            {"indicator": "hxxp://evil[.]example", "labels": "x;y", "more": {"a": 1}},
            {"domain": "evil.example", "md5": "A" * 32},
            {"ip": ["192.0.2.2", "192.0.2.3"]},
        ),
        "feed.jsonl",
    )

    assert parsed.found == [
        ("ipv4", "192.0.2.1"),
        ("url", "http://evil.example"),
        ("hostname", "evil.example"),
        ("md5", "a" * 32),
        ("ipv4", "192.0.2.2"),
        ("ipv4", "192.0.2.3"),
    ]
    assert parsed.claims[0].tags == ("c2", "a, b")
    assert (parsed.claims[0].first_seen, parsed.claims[0].confidence) == (instant("1700000000"), 50)
    assert (parsed.claims[1].tags, parsed.claims[1].context) == (("x", "y"), {"more": '{"a":1}'})


def test_an_array_of_objects(parse):
    """A JSON array of such objects is read as well."""
    parsed = parse(json.dumps([{"value": "192.0.2.1"}, {"value": "192.0.2.2"}], indent=1), "feed.json")

    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]


def test_a_broken_line_costs_itself_only(parse):
    """Broken JSON, nesting without end, values that are none: each is refused alone."""
    deep = '{"value":' + "[" * 100_000 + "]" * 100_000 + "}\n"
    text = (
        lines({"value": "192.0.2.1"})
        + '{"value":\n'
        + deep
        + "[1]\n"
        + lines({"value": "x y"}, {"value": "192.0.2.2"})
    )
    parsed = parse(text, "feed.jsonl")

    assert parsed.found == [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")]
    assert [line for line, _ in parsed.refused] == [2, 3, 4, 5]


def test_characters_no_database_takes_are_replaced_in_facts(parse):
    """NUL in a tag or a fact becomes U+FFFD; in a value it is refused."""
    parsed = parse(
        lines({"value": "192.0.2.1", "tags": ["a\0b"], "note": "c\0d"}, {"value": "e\0.com"}), "feed.jsonl"
    )

    assert parsed.claims[0].tags == ("a\N{REPLACEMENT CHARACTER}b",)
    assert parsed.claims[0].context == {"note": "c\N{REPLACEMENT CHARACTER}d"}
    assert len(parsed.claims) == 1


def test_what_is_not_json_is_refused(parse):
    """A file named as JSON lines of which no line is any could not be read."""
    with pytest.raises(UnreadableFile, match="no line of it is JSON"):
        parse("one\ntwo\n", "a.jsonl", format="jsonl")


def test_what_is_not_quite_json_loses_no_value(parse):
    """NaN is nothing said, and half a surrogate pair in a tag costs the tag its character, not the row."""
    parsed = parse(
        '{"ip": "192.0.2.1", "confidence": NaN, "a\\ud800b": "x"}\n{"ip": "192.0.2.2", "tags": ["a\\ud800b"]}\n'
    )

    assert parsed.refusals == []
    assert [(claim.value, claim.confidence, claim.tags, claim.context) for claim in parsed.claims] == [
        ("192.0.2.1", None, (), {"a\N{REPLACEMENT CHARACTER}b": "x"}),
        ("192.0.2.2", None, ("a\N{REPLACEMENT CHARACTER}b",), None),
    ]


def test_a_line_that_breaks_off_marks_the_file(parse):
    """A file that was cut is damaged, so that a snapshot of it ends nothing."""
    assert parse('{"ip": "192.0.2.1"}\n{"ip": "192.0').is_damaged
    assert not parse('{"ip": "192.0.2.1"}\n{"ip": "192.0.2.300"}\n').is_damaged
