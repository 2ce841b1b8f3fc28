"""Feeds of MISP: read by a strict parser, by PyMISP, and pulled by what does as an instance does."""

import hashlib
import json
import random

import pytest
from misp_reader import Instance, events_of, loads
from name_readers import hostile, written
from pymisp import MISPEvent
from pymisp.tools import feed_meta_generator
from real_names import real_addresses, real_names

from core.errors import DefinitionError
from core.exports.definitions import definition
from core.exports.formats import Gone, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import SpoolOutput
from core.schemas.claim import TLP
from core.store.rows import Row, RowAssertion
from core.testing.formats import INSTANT, FormatConformance, Value

PYMISP = "PyMISP, and what is built on it"
SECOND = 1_000_000
DAY = 86_400 * SECOND
NAMES = {
    **dict.fromkeys(("ipv4", "ipv6", "cidr"), "ip-dst"),
    "ja3": "ja3-fingerprint-md5",
    "jarm": "jarm-fingerprint",
    "file": "filename",
    "path": "filename",
    "registry_key": "regkey",
    "named_pipe": "named pipe",
    "user_agent": "user-agent",
    "mac_address": "mac-address",
    "asn": "AS",
}


class TestMispFeed(FormatConformance):
    """Each observable is one attribute of one event."""

    format = "misp-feed"
    events = 16

    def read(self, files):
        events = events_of(files)
        assert len(events) <= self.events
        items = [item for event in events.values() for item in event["Attribute"]]
        return [f"{item['type']} {item['value']}" for item in items if not item["deleted"]]

    def entry(self, type, value):
        if type == "hostname":
            return f"{'domain' if value.count('.') == 1 else 'hostname'} {value}"
        if type == "certificate":
            return f"x509-fingerprint-{ {32: 'md5', 40: 'sha1', 64: 'sha256'}[len(value)] } {value}"
        if type == "wallet":
            return value.replace(":", " ")
        said = {"tlsh": value.lower(), "asn": value.removeprefix("AS")}.get(type, value)
        return f"{NAMES.get(type, type)} {said}"


class TestOneEvent(TestMispFeed):
    """All in one event, marked at least so."""

    options = {"events": "1", "tlp": "red", "org": "CERT \u00c4", "threat_level": "1"}
    events = 1


# --- what it writes ---------------------------------------------------------------------------------------------


class Left(Memory):
    """A memory that something has left."""

    def __init__(self, *items, key=""):
        super().__init__()
        self.items, self.key = items, key

    def gone(self):
        return iter(self.items)


def gone(value, since, *, type_="hostname", tlp=None):
    return Gone(type_, value, "expired", since, INSTANT - 9 * DAY, tlp)


def tag(name="c2", kind="malicious", **fields):
    return RowAssertion(tag=name, source="feed", kind=kind, **({"fresh": True, "counts": True} | fields))


def row(value, *tags, type_="hostname", modified_at=INSTANT - DAY, listed_at=INSTANT - DAY):
    return Row(type_, value, INSTANT - 9 * DAY, modified_at, list(tags), "[]", listed_at)


def made(folder, rows, *items, key="", file_name="x/manifest.json", **options):
    """Return the files of a feed in its folder, and what was said."""
    form = get_format("misp-feed")
    folder.mkdir(exist_ok=True)
    out = SpoolOutput(
        folder, file_name, form.MEDIA_TYPE, export="x", instant=INSTANT, memory=Left(*items, key=key)
    )
    form.render(iter([rows]), out, parse_options(form, options))
    found = out.finish(is_complete=True)
    return {file.name.rpartition("/")[2]: file.path.read_bytes() for file in found.files}, found


def attributes(folder, rows, *items, **options):
    """Return the attributes of a feed, checked."""
    content, _ = made(folder, rows, *items, **options)
    return [item for event in events_of(content).values() for item in event["Attribute"]]


def test_a_feed_byte_for_byte(tmp_path):
    """Manifest first, hashes, then events; all in the folder of the manifest."""
    seen = {"first_seen": "2026-09-01T00:00:00Z", "last_seen": "2026-09-02T00:00:00.5Z", "tlp": "green"}
    content, found = made(tmp_path, [row("bad.example", tag(**seen))], events="1")
    (key,) = loads(content["manifest.json"])
    attribute = loads(content[f"{key}.json"])["Event"]["Attribute"][0]["uuid"]

    assert ["x/manifest.json", "x/hashes.csv", f"x/{key}.json"] == [file.name for file in found.files]
    assert ["application/json", "text/csv; charset=utf-8", "application/json"] == [
        file.media_type for file in found.files
    ]
    assert f"{hashlib.md5(b'bad.example').hexdigest()},{key}\n" == content["hashes.csv"].decode()
    assert (
        '{"Event":{"Attribute":[\n'
        f'{{"uuid":"{attribute}","type":"domain","category":"Network activity","value":"bad.example","to_ids":true,'
        '"timestamp":"1789913600","deleted":false,"first_seen":"2026-09-01T00:00:00.000000+00:00",'
        '"last_seen":"2026-09-02T00:00:00.500000+00:00","Tag":[{"name":"c2"},'
        '{"name":"tlp:green","colour":"#33ff00","local":false,"relationship_type":""}]}\n'
        '],"Orgc":{"name":"Yeti Exports","uuid":"ORG"},'
        '"Tag":[{"name":"tlp:green","colour":"#33ff00","local":false,"relationship_type":""}],'
        '"info":"x, 1 of 1","date":"2026-09-20","analysis":"2","threat_level_id":"4","timestamp":"1789913600",'
        f'"uuid":"{key}","publish_timestamp":"1789913600","published":true}}}}\n'
    ) == content[f"{key}.json"].decode().replace(loads(content["manifest.json"])[key]["Orgc"]["uuid"], "ORG")


def test_nothing_is_an_empty_manifest(tmp_path):
    """And no hash."""
    assert {"manifest.json": b"{}\n", "hashes.csv": b""} == made(tmp_path, [])[0]


def test_one_more_entry_moves_none(tmp_path):
    """Each stays in its event, with its UUID, whatever else comes."""
    some = [row(f"h{number:03}.example") for number in range(200)]
    before, after = [
        {
            item["uuid"]: (key, item["value"])
            for key, event in events_of(made(tmp_path / name, rows)[0]).items()
            for item in event["Attribute"]
        }
        for name, rows in (("a", some[::2]), ("b", some))
    ]

    assert before.items() <= after.items()
    assert 16 == len({key for key, _ in after.values()})


def test_ids_are_of_the_export(tmp_path):
    """Two feeds of one observable are two attributes: MISP blocks one that it has from another event."""
    one, two, again = (
        attributes(tmp_path / name, [row("a.example")], key=key)[0]["uuid"]
        for name, key in (("a", "first"), ("b", "second"), ("c", "first"))
    )

    assert one == again
    assert one != two


@pytest.mark.parametrize(
    ("assertion", "fields", "seconds"),
    [
        (tag(), {}, 1_789_913_600),
        (tag(), {"modified_at": INSTANT - 9 * SECOND + 1}, 1_789_999_992),
        (tag(), {"listed_at": INSTANT - 5 * SECOND}, 1_789_999_995),
        (tag(), {"listed_at": None}, 1_790_000_000),
        (tag(fresh=False, counts=False, expires_at=INSTANT - 3 * SECOND), {}, 1_789_999_997),
        (tag(expires_at=INSTANT + DAY, counts_until=INSTANT + DAY, received_at=INSTANT - 5), {}, 1_789_913_600),
    ],
    ids=["nothing", "modified", "listed", "new", "ended", "renewed"],
)
def test_the_timestamp_rises_with_whatever_changes_the_attribute(tmp_path, assertion, fields, seconds):
    """Rounded up to the second; a renewal changes nothing that MISP is told."""
    (found,) = attributes(tmp_path, [row("a.example", tag("other"), assertion, **fields)])

    assert str(seconds) == found["timestamp"]


def test_what_left_is_told_as_deleted(tmp_path):
    """In the event that it was in, later than anything of it, and without a hash."""
    (before,) = attributes(tmp_path / "a", [row("b.example", tag())])
    content, found = made(
        tmp_path / "b", [row("a.example", tag())], gone("b.example", INSTANT - SECOND + 1, tlp=TLP.AMBER)
    )
    items = {item["value"]: item for event in events_of(content).values() for item in event["Attribute"]}

    assert before["uuid"] == items["b.example"]["uuid"]
    assert (True, False, "1790000000") == tuple(
        items["b.example"][name] for name in ("deleted", "to_ids", "timestamp")
    )
    assert 1 == len(content["hashes.csv"].splitlines()) == found.entries


def test_what_cannot_be_an_attribute_is_not_told_as_gone(tmp_path):
    """An older version of this program may have listed it."""
    assert [] == attributes(
        tmp_path, [], gone("x", INSTANT, type_="generic"), gone("a..b", INSTANT), gone("a.b", INSTANT)
    )


def test_detection_is_for_what_is_suspected(tmp_path):
    """And of a type that MISP detects by."""
    kinds = ("malicious", "suspicious", "info", "benign")
    rows = [row(f"{kind}.example", tag(kind=kind)) for kind in kinds]
    found = {
        item["value"]: item["to_ids"] for item in attributes(tmp_path, [*rows, row("AS5", tag(), type_="asn")])
    }

    assert {"malicious.example": True, "suspicious.example": True} | dict.fromkeys(
        ("info.example", "benign.example", "5"), False
    ) == found


def test_one_marking_and_no_more(tmp_path):
    """The strictest, whatever the tags say of their own; of the event that of its strictest attribute."""
    rows = [
        row("a.example", tag("TLP:RED", tlp="amber+strict"), tag("tlp:clear", tlp="clear"), tag("C2"), tag("c2"))
    ]
    content, _ = made(tmp_path, [*rows, row("b.example", tag(tlp="green"))], events="1")
    (event,) = events_of(content).values()

    assert [["C2", "tlp:amber+strict"], ["c2", "tlp:green"]] == [
        [item["name"] for item in attribute["Tag"]] for attribute in event["Attribute"]
    ]
    assert ["tlp:amber+strict"] == [item["name"] for item in event["Tag"]]


def test_a_tag_that_misp_would_cut_is_left_out(tmp_path):
    """And said."""
    content, found = made(tmp_path, [row("a.example", tag("x" * 256), tag("y" * 255))])

    assert "y" * 255 in str(content)
    assert "x" * 256 not in str(content)
    assert ("1 tags are longer than 255 characters and left out: MISP would cut them",) == found.notes


def test_dates_that_contradict_each_other(tmp_path):
    """Of two sources, one with each: MISP takes no attribute that was last seen before it was first seen."""
    one, two = tag(first_seen="2026-09-03T00:00:00Z"), tag("x", last_seen="2026-09-01T00:00:00Z")
    (found,) = attributes(tmp_path, [row("a.example", one, two)])

    assert "first_seen" in found
    assert "last_seen" not in found


@pytest.mark.parametrize(
    ("type_", "value", "reason"),
    [
        ("file", "a/b.exe", "a file name with a folder in it; that is a path"),
        ("path", "b.exe", "a path without a folder; that is a file name"),
        ("file", "\U0001f600.exe", "a character beyond U+FFFF, which MISP replaces"),
        ("hostname", "a.b", "a name whose last label is one letter, which MISP does not take"),
        (
            "certificate",
            "0123",
            "neither a fingerprint of MD5, SHA-1 nor SHA-256; MISP has no type for serial numbers",
        ),
        ("wallet", "eth:0x" + "0" * 40, "a wallet of a currency that MISP has no type for"),
        ("md5", "zz", "not 32 hexadecimal digits in lower case, as MD5 has"),
        ("ipv4", "300.1.1.1", "not an IPv4 address"),
    ],
)
def test_values_are_looked_at(tmp_path, type_, value, reason):
    """PyMISP would take each of them."""
    found = written(TestMispFeed(), [Value(type_, value)], tmp_path).refused

    assert reason in found[Value(type_, value)]


def test_large_events_are_told(tmp_path, monkeypatch):
    """With what to do."""
    monkeypatch.setattr("core.exports.formatting.misp_events.MANY_ATTRIBUTES", 2)
    _, found = made(tmp_path, [row(f"{letter}.example") for letter in "abc"], events="1")

    assert "the largest event has 3 attributes" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": "0"}, "the option events is a number of 1 to 256"),
        ({"threat_level": "5"}, "the option threat_level is a number of 1 to 4"),
        ({"org": " "}, "the option org has 1 to 255 characters"),
        ({"tlp": "ambre"}, "did you mean 'amber'"),
    ],
)
def test_other_options_are_refused(options, message):
    """With what there is."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("misp-feed"), options)


def test_it_has_a_folder_of_its_own():
    """The folder of the name of the export; another file name has to be a manifest, too."""
    assert "my_feed/manifest.json" == definition.default_file_name("My Feed", "misp-feed")


# --- loaded -----------------------------------------------------------------------------------------------------


def check_by_pymisp(content, folder):
    """Raise unless PyMISP makes the same manifest and hashes of the events, and reads each attribute as it is."""
    folder.mkdir()
    deleted = []
    for name, data in content.items():
        if name not in ("manifest.json", "hashes.csv"):
            (folder / name).write_bytes(data)
            event = MISPEvent()
            event.load_file(str(folder / name))
            items = {item["uuid"]: item for item in loads(data)["Event"]["Attribute"]}
            assert len(items) == len(event.attributes)
            for item in event.attributes:
                mine = items[item.uuid]
                assert (mine["type"], mine["category"], mine["value"], mine["to_ids"], mine["deleted"]) == (
                    item.type,
                    item.category,
                    item.value,
                    item.to_ids,
                    bool(item.deleted),
                )
                assert [tag["name"] for tag in mine.get("Tag", ())] == [tag.name for tag in item.tags]
            deleted += [f"{item.hash_values('md5')[0]},{event.uuid}" for item in event.attributes if item.deleted]
    feed_meta_generator(folder)

    assert json.loads((folder / "manifest.json").read_text()) == loads(content["manifest.json"])
    hashes = (folder / "hashes.csv").read_text().splitlines()
    assert sorted(hashes) == sorted([*deleted, *content["hashes.csv"].decode().splitlines()])


@pytest.mark.proof("misp-feed", PYMISP, "loaded", tool="pymisp")
@pytest.mark.parametrize("kit", [TestMispFeed, TestOneEvent])
def test_pymisp_makes_the_same_of_it(tmp_path, kit):
    """Manifest and hashes, of what is hostile, of nothing, and of what has left."""
    check_by_pymisp(hostile(kit(), tmp_path / "hostile").files, tmp_path / "a")
    check_by_pymisp(made(tmp_path / "nothing", [])[0], tmp_path / "b")
    check_by_pymisp(
        made(tmp_path / "gone", [row("a.example", tag())], gone("b.example", INSTANT))[0], tmp_path / "c"
    )


@pytest.mark.intel
@pytest.mark.proof("misp-feed", PYMISP, "loaded", tool="pymisp")
def test_pymisp_takes_real_intelligence(tmp_path, intel):
    """Names and addresses of real lists."""
    some = random.Random(4)
    values = [*some.sample(real_names(intel).listed, 1_500), *some.sample(real_addresses(intel), 1_500)]
    found = written(TestMispFeed(), values, tmp_path / "made")

    assert not found.refused
    check_by_pymisp(found.files, tmp_path / "read")
    assert len(values) == len(Instance().pull(found.files))
