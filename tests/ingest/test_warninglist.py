"""Warninglists become allow-lists."""

import json

import pytest

from core.errors import UnreadableFile

LIST = {
    "name": "Own networks",
    "description": "ours",
    "version": 7,
    "type": "cidr",
    "matching_attributes": ["ip-src", "ip-dst"],
    "list": ["192.0.2.0/24", " 203.0.113.1 ", "192.0.2.0/24"],
}


def test_a_warninglist_is_an_allow_list(parse):
    """Name, type, version and entries are kept, entries stripped and each once; nothing of it is a claim."""
    parsed = parse(json.dumps(LIST), "list.json")

    assert parsed.format == "warninglist"
    assert parsed.claims == []
    kept = parsed.allow_lists[0]
    assert (kept.name, kept.list_type, kept.version, kept.description) == ("Own networks", "cidr", "7", "ours")
    assert kept.matching_attributes == ("ip-src", "ip-dst")
    assert kept.entries == ("192.0.2.0/24", "203.0.113.1")


def test_a_long_list_is_known_by_its_end(parse):
    """Name and type may stand behind more entries than the head of the file holds."""
    long = {"description": "x", "list": [f"host{number}.example" for number in range(10_000)]}
    parsed = parse(json.dumps({**long, "name": "n", "type": "hostname", "version": 1}, indent=2), "list.json")

    assert len(parsed.allow_lists[0].entries) == 10_000


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        (["192.0.2.0/24", "2001:db8::1"], "cidr"),
        (["good.example", ".also.example"], "hostname"),
        (["good.example", "anything", "192.0.2.0/24"], "values"),
    ],
)
def test_a_plain_array_is_an_allow_list_if_the_user_says_so(parse, entries, kind):
    """Texts in an array are taken under the file's name, with the list type that fits them all."""
    kept = parse(json.dumps(entries), "own.json", format="warninglist").allow_lists[0]

    assert (kept.name, kept.list_type, kept.entries) == ("own", kind, tuple(entries))
    assert parse(json.dumps(entries), "own.json").allow_lists == []


def test_an_array_of_words_asks_what_it_is(parse):
    """Neither list nor allow-list is guessed."""
    with pytest.raises(UnreadableFile, match="--format warninglist"):
        parse('["apple", "banana", "evil.example"]', "own.json")


def test_entries_that_are_no_text_are_refused(parse):
    """One strange entry keeps the others from nothing."""
    parsed = parse(json.dumps({**LIST, "list": ["192.0.2.1", None, {"a": 1}, True]}), "list.json")

    assert parsed.allow_lists[0].entries == ("192.0.2.1",)
    assert [reason for _, reason in parsed.refused] == ["an entry that is no text"] * 3


@pytest.mark.parametrize(
    "text", [json.dumps(LIST)[:-5], json.dumps({**LIST, "type": "colour"}), "{}", "[" * 100_000, "[]", "3"]
)
def test_a_list_that_is_not_whole_is_not_taken(parse, text):
    """Half an allow-list lets through what it should keep: all or nothing."""
    with pytest.raises(UnreadableFile):
        parse(text, "list.json", format="warninglist")
