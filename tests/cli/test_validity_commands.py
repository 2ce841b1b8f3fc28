"""``yetictl tag``, ``source`` and ``type``, and the options of exports that say when a claim counts, and for whom."""

import json

import pytest

FEED = """value,type,tags,tlp,confidence,first_seen
192.0.2.1,ip,c2,clear,90,2026-01-01
192.0.2.2,ip,c2,green,90,
192.0.2.3,ip,c2,amber,10,
192.0.2.4,ip,c2,amber+strict,90,
192.0.2.5,ip,c2,red,90,
192.0.2.6,ip,noise,,,
"""


@pytest.fixture
def entries(yetictl, tmp_path):
    """Define an export of a store with six addresses, run it, and return the last numbers of what it published."""
    (tmp_path / "feed.csv").write_text(FEED)
    yetictl("import", "feed.csv", "--source", "feed")

    def published(*options):
        yetictl("export", "add", "x", "--format", "list", "--type", "ip", *options)
        yetictl("export", "run", "x")
        text = (tmp_path / "home/exports/x.txt").read_text()
        yetictl("export", "remove", "x", "--purge")
        return "".join(line.rpartition(".")[2] for line in text.splitlines())

    return published


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "1236"),
        (("--public",), "16"),
        (("--public", "--tlp", "green"), "126"),
        (("--tlp", "TLP:WHITE"), "16"),
        (("--tlp", "amber+strict"), "12346"),
        (("--tlp", "red"), "123456"),
        (("--min-confidence", "50"), "12"),
    ],
)
def test_how_far_an_export_goes(entries, options, expected):
    """Nothing above TLP:AMBER is taken, or above TLP:CLEAR where anybody may fetch it, unless it is said."""
    assert entries(*options) == expected


def test_what_is_left_out_is_said(yetictl, entries):
    """A run says how many are above the ceiling, and the option that sets it."""
    yetictl("export", "add", "x", "--format", "list", "--type", "ip")

    result = yetictl("export", "run", "x")
    preview = yetictl("export", "preview", "x")

    for said in (result.out + result.err, preview.out + preview.err):
        assert "2 left out: marked above TLP:AMBER; --tlp sets how far an export may go" in said


def test_definitions_show_it(yetictl, entries):
    """What was said is shown, can be changed, and cleared."""
    yetictl(
        *("export", "add", "x", "--format", "list", "--type", "ip", "--public", "--tlp", "green"),
        *("--min-confidence", "50", "--grace", "6h", "--undated", "drop"),
    )
    shown = yetictl("export", "show", "x").out
    for words in (
        "up to TLP:GREEN",
        "at least 50 sure",
        "for 6h after its end",
        "not without a date",
        "for anybody",
    ):
        assert words in shown

    yetictl("export", "edit", "x", "--tlp", "", "--min-confidence", "", "--grace", "", "--not-public")
    found = yetictl("export", "show", "x", "--json").json
    assert found["public"] is False
    kept = {name: found["selection"][name] for name in ("most_tlp", "least_confidence", "grace_s", "undated")}
    assert kept == {"most_tlp": None, "least_confidence": None, "grace_s": 0, "undated": "drop"}


def test_for_anybody_and_above_is_warned_of(yetictl, entries):
    """To publish for anybody what is marked for few is allowed, and said."""
    result = yetictl("export", "add", "x", "--format", "list", "--public", "--tlp", "amber")

    assert "anybody may fetch it, and it takes what is marked TLP:AMBER" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tlp", "purple"), "no level of the Traffic Light Protocol"),
        (("--min-confidence", "many"), "not a whole number"),
        (("--min-confidence", "101"), "a confidence is 0 to 100"),
        (("--undated", "maybe"), "keep"),
    ],
)
def test_what_is_no_level(yetictl, options, message):
    """A level, number or policy that does not exist is named."""
    result = yetictl("export", "add", "x", "--format", "list", *options, status=1 if "101" in options else 2)

    assert message in result.err


def test_lifetimes(yetictl, entries):
    """Tags, sources and types have lifetimes of their own; '' is the default again."""
    yetictl("tag", "set", "NOISE", "--lifetime", "0")
    assert entries() == "123"
    yetictl("tag", "set", "noise", "--lifetime", "")
    yetictl("type", "set", "ipv4", "--lifetime", "0")
    assert entries() == ""
    yetictl("source", "set", "feed", "--lifetime", "forever")
    assert entries() == "1236"
    yetictl("source", "set", "feed", "--lifetime", "1d", "--confidence", "60")
    assert entries("--min-confidence", "60") == "126"

    assert json.loads(yetictl("tag", "list", "--json").out)[1] == {
        "name": "noise",
        "lifetime_s": None,
        "sticky": False,
    }
    assert yetictl("source", "list", "--json").json == [
        {"name": "feed", "lifetime_s": 86400, "count_from": "receipt", "confidence": 60}
    ]
    assert {"type": "ipv4", "lifetime_s": 0} in yetictl("type", "list", "--json").json
    for noun in ("tag", "source", "type"):
        assert "lifetime" in yetictl(noun, "list").out.splitlines()[0]


def test_a_setting_leaves_the_others(yetictl, entries):
    """What is not given stays as it was set before."""
    yetictl("tag", "set", "c2", "--lifetime", "2d", "--exclusion", "sticky")
    yetictl("tag", "set", "c2", "--exclusion", "by-name")
    assert yetictl("tag", "list", "--json").json[0] == {"name": "c2", "lifetime_s": 172800, "sticky": False}

    yetictl("source", "set", "feed", "--confidence", "60")
    yetictl("source", "set", "feed", "--count-from", "last-seen")
    assert yetictl("source", "list", "--json").json == [
        {"name": "feed", "lifetime_s": None, "count_from": "last-seen", "confidence": 60}
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("tag", "set", "nobody", "--lifetime", "1d"), 1, "no tag 'nobody'"),
        (("tag", "set", "c2"), 2, "--exclusion"),
        (("source", "set", "nobody", "--confidence", "1"), 1, "no source 'nobody'"),
        (("source", "set", "feed"), 2, "--count-from"),
        (("source", "set", "feed", "--confidence", "101"), 2, "0 to 100"),
        (("type", "set", "ip", "--lifetime", "1d"), 1, "no type 'ip'"),
        (("type", "set", "ipv4", "--lifetime", "long"), 2, "not a duration"),
    ],
)
def test_settings_that_cannot_be(yetictl, entries, arguments, status, message):
    """What does not exist, or says nothing, is refused in words."""
    result = yetictl(*arguments, status=status)

    assert message in result.err


def test_undated_is_counted(yetictl, entries):
    """Where nothing tells an end, the run says how many were kept or left out."""
    yetictl("source", "set", "feed", "--lifetime", "forever")
    yetictl("export", "add", "x", "--format", "list", "--type", "ip")
    kept = yetictl("export", "run", "x")
    yetictl("export", "edit", "x", "--undated", "drop")
    dropped = yetictl("export", "run", "x")

    assert "3 kept that have neither a date nor a lifetime" in kept.out + kept.err
    assert "3 left out that have neither a date nor a lifetime" in dropped.out + dropped.err
