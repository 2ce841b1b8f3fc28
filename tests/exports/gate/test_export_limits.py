"""Limits as they are typed: what each key takes, what it refuses, and what holds if nothing is said."""

from dataclasses import fields
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DefinitionError
from core.exports.gate.limits import LIMITS, Limits, parse

KEYS = [limit.key for limit in LIMITS]


def field_of(key):
    """Return the name of a key's attribute."""
    return key.replace("-", "_")


def test_every_limit_has_a_key_and_every_key_a_limit():
    """What the gate goes by can be set, and what can be set is there."""
    assert {field.name for field in fields(Limits)} == set(map(field_of, KEYS))
    assert len(KEYS) == len(set(KEYS))


@pytest.mark.parametrize("limit", LIMITS, ids=KEYS)
def test_the_default_that_is_told_is_the_one_that_holds(limit):
    """Saying a limit's default explicitly changes nothing; a limit without one bounds nothing."""
    held = getattr(Limits(), field_of(limit.key))

    if limit.default:
        assert held == limit.read(limit.default)
    else:
        assert held in (None, ())


def test_the_defaults_protect_who_configured_nothing():
    """More than half and more than 20; fivefold and 1,000; double and 65,536 or a /32; 5 % dropped; empty."""
    limits = parse({})

    assert (Fraction("0.5"), 20) == (limits.loss, limits.loss_entries)
    assert (5, 1_000) == (limits.growth, limits.growth_entries)
    assert (2, 65_536, 2**96) == (limits.space, limits.space_ipv4, limits.space_ipv6)
    assert (Fraction("0.05"), 0) == (limits.dropped, limits.dropped_entries)
    assert ("hold", True, "split") == (limits.empty, limits.check, limits.split)
    assert (8, 16) == (limits.broadest_ipv4, limits.broadest_ipv6)
    assert ("score", "recency", "sources") == limits.rank
    assert ((), (), (), None) == (limits.allow, limits.require, limits.never, limits.budget_entries)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("empty", "publish", "publish"),
        ("empty", "Hold", "hold"),
        ("loss", "0%", 0),
        ("loss", "12.5%", Fraction(1, 8)),
        ("loss", "100 %", 1),
        ("loss", "OFF", None),
        ("loss-entries", "0", 0),
        ("loss-entries", "300k", 300_000),
        ("growth", "1", 1),
        ("growth", "2.5", Fraction(5, 2)),
        ("growth", "off", None),
        ("growth-entries", "2M", 2_000_000),
        ("space", "off", None),
        ("space-ipv4", "256", 256),
        ("space-ipv4", "/24", 256),
        ("space-ipv4", "/0", 2**32),
        ("space-ipv4", "/32", 1),
        ("space-ipv6", "/48", 2**80),
        ("space-ipv6", "/128", 1),
        ("dropped", "off", None),
        ("dropped", "0.1%", Fraction(1, 1000)),
        ("dropped-entries", "5", 5),
        ("least", "1", 1),
        ("least", "off", None),
        ("most", "10", 10),
        ("check", "no", False),
        ("allow", "Documentation", ("documentation",)),
        ("allow", "private-use, documentation,private-use", ("documentation", "private-use")),
        ("split", "drop", "drop"),
        ("broadest-ipv4", "24", 24),
        ("broadest-ipv4", "/32", 32),
        ("broadest-ipv4", "off", 1),
        ("broadest-ipv6", "/128", 128),
        ("budget-entries", "300k", 300_000),
        ("budget-bytes", "300000", 300_000),
        ("budget-bytes", "10 MiB", 10 * 2**20),
        ("budget-bytes", "500kB", 500_000),
        ("budget-bytes", "7b", 7),
        ("budget-bytes", "off", None),
        ("rank", "recency", ("recency",)),
        ("rank", "sources, score", ("sources", "score")),
        ("loss", " 50% ", Fraction(1, 2)),
    ],
)
def test_a_limit_is_read(key, text, value):
    """Shares, multiples, numbers, prefixes, sizes and words each have one plain form."""
    assert value == getattr(parse({key: text}), field_of(key))


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("empty", "off", "hold or publish"),
        ("loss", "50", "a share such as 50%"),
        ("loss", "0.5", "a share such as 50%"),
        ("loss", "-1%", "a share such as 50%"),
        ("loss", "100.1%", "more than everything"),
        ("loss", "\N{ARABIC-INDIC DIGIT FIVE}%", "a share such as 50%"),
        ("loss-entries", "off", "off belongs to the limit that this one is a part of"),
        ("loss-entries", "2.5", "a whole number"),
        ("loss-entries", "1,000", "a whole number"),
        ("growth", "0.9", "less than once"),
        ("growth", "5x", "a multiple such as 5"),
        ("growth-entries", "-1", "a whole number"),
        ("space-ipv4", "/33", "0 to 32"),
        ("space-ipv4", "off", "off belongs to the limit that this one is a part of"),
        ("space-ipv6", "/129", "0 to 128"),
        ("dropped", "five", "a share such as 50%"),
        ("least", "some", "a whole number such as 1000 or 300k, or off"),
        ("check", "perhaps", "yes or no"),
        ("allow", "privat-use", "'privat-use' is none, did you mean 'private-use'?"),
        ("allow", "documentation, xyzzy", "'xyzzy' is none; known: this-network, private-use,"),
        ("allow", ",", "separated by commas"),
        ("split", "off", "split or drop"),
        ("broadest-ipv4", "0", "1 to 32"),
        ("broadest-ipv4", "33", "1 to 32"),
        ("broadest-ipv6", "129", "1 to 128"),
        ("budget-bytes", "10TB", "a size such as"),
        ("budget-bytes", "1.5MB", "a size such as"),
        ("rank", "age", "score, recency, sources"),
        ("rank", "score,score", "score, recency, sources"),
        ("require", "192.0.2.1 10.0.0.256", "'10.0.0.256' is none of these"),
        ("never", "0.0.0.0/0", "'0.0.0.0/0' is none of these"),
    ],
)
def test_another_form_is_refused_with_the_right_one(key, text, part):
    """The message names the limit, what it must look like, and what was written."""
    with pytest.raises(DefinitionError) as caught:
        parse({key: text})

    message = str(caught.value)
    assert message.startswith(f"the limit {key} is ")
    assert part in message
    assert repr(text) in message
    assert "\n" not in message


@pytest.mark.parametrize("key", KEYS)
def test_an_empty_text_is_the_default(key):
    """``KEY=`` says nothing."""
    assert Limits() == parse({key: " "})


@pytest.mark.parametrize(("key", "near"), [("los", "loss"), ("broadest_ipv4", "broadest-ipv4"), ("Loss", "loss")])
def test_an_unknown_limit_is_refused_with_the_nearest(key, near):
    """A limit that nothing would apply may not look as if it protected."""
    with pytest.raises(DefinitionError) as caught:
        parse({key: ""})

    assert f"there is no limit {key!r}, did you mean {near!r}?; yetictl export limits" in str(caught.value)


def test_values_are_brought_into_their_one_form():
    """Required and forbidden values are compared in canonical form, so they are read as it, each once."""
    typed = "192.0.2.1 Example.COM hxxps://example[.]net/a 198.51.100.7/24 *.corp.lan example.com host.own.zone"

    assert (
        ("ipv4", "192.0.2.1"),
        ("hostname", "example.com"),
        ("url", "https://example.net/a"),
        ("cidr", "198.51.100.0/24"),
        ("hostname", "corp.lan"),
        ("hostname", "host.own.zone"),
    ) == parse({"never": typed}).never
    assert parse({"never": typed}).never == parse({"require": typed}).require


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        ({"least": "11", "most": "10"}, "at least 11 entries (least) and at most 10 (most)"),
        ({"least": "11", "budget-entries": "10"}, "at least 11 entries (least) and at most 10 (budget-entries)"),
        (
            {"require": "192.0.2.1", "never": "192.0.2.2 192.0.2.1"},
            "192.0.2.1 is required (require) and forbidden (never)",
        ),
    ],
)
def test_what_no_list_could_meet_is_refused(limits, part):
    """Two limits that exclude each other would hold every run."""
    with pytest.raises(DefinitionError) as caught:
        parse(limits)

    assert part in str(caught.value)


def test_a_list_of_one_size_is_possible():
    """At least and at most may be the same."""
    assert 10 == parse({"least": "10", "most": "10", "budget-entries": "10"}).least


@given(st.dictionaries(st.sampled_from([*KEYS, "no-such"]), st.text(max_size=12), max_size=4))
def test_whatever_is_typed_is_read_or_refused_in_one_line(typed):
    """No text makes anything but limits or a refusal."""
    said = ""
    try:
        parse(typed)
    except DefinitionError as error:
        said = str(error)

    assert len(said.splitlines()) <= 1
