"""STIX bundles: read by a strict parser, by OASIS's validator, and by its library."""

import json
import random
import re
import uuid

import pytest
import stix2
from name_readers import hostile, written
from real_names import real_addresses, real_names
from stix2.pattern_visitor import create_pattern_object
from stix2patterns.exceptions import ParseException
from stix2validator import ValidationOptions, validate_string
from stix_reader import bundle_of, check_id, check_indicator, comparison_of, tlp_of

from core.errors import DefinitionError
from core.exports.formats import Gone, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import SpoolOutput
from core.schemas.claim import TLP
from core.store.rows import Row, RowAssertion
from core.testing.formats import INSTANT, FormatConformance, Value

LIBRARY = "OASIS stix2 library, and what is built on it"
SECOND = 1_000_000
DAY = 86_400 * SECOND
NAMESPACE = uuid.UUID("7c2b4f3e-0d59-5c57-9f0e-4d1f6a3c8b21")
PATHS = {
    "ipv4": "ipv4-addr:value",
    "ipv6": "ipv6-addr:value",
    "hostname": "domain-name:value",
    "url": "url:value",
    "email": "email-addr:value",
    "md5": "file:hashes.MD5",
    "sha1": "file:hashes.'SHA-1'",
    "sha256": "file:hashes.'SHA-256'",
    "sha512": "file:hashes.'SHA-512'",
    "ssdeep": "file:hashes.SSDEEP",
    "tlsh": "file:hashes.TLSH",
    "imphash": "file:extensions.'windows-pebinary-ext'.imphash",
    "file": "file:name",
    "mutex": "mutex:name",
    "mac_address": "mac-addr:value",
    "user_agent": "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
    "asn": "autonomous-system:number",
    "registry_key": "windows-registry-key:key",
}


class TestStix(FormatConformance):
    """Indicators whose pattern says the value, whose name is the value, and nothing else."""

    format = "stix"
    operator, creator, least = "ISSUBSET", "", ""

    def read(self, files):
        objects = bundle_of(files["export.json"].decode())
        if self.creator:
            identity = objects.pop(0)
            check_id(identity["id"], "identity")
            assert self.creator == identity["name"]
            assert {identity["id"]} >= {item["created_by_ref"] for item in objects}
        found = []
        for item in objects:
            path, operator, value = check_indicator(item)
            assert tlp_of(item) == (self.least or "green")
            assert bool(self.creator) == ("created_by_ref" in item)
            found.append(f"{path} {operator} {value}\0{item['name']}")
        return found

    def entry(self, type, value):
        operator, said = "=", value
        if type == "cidr":
            path, operator = ("ipv6" if ":" in value else "ipv4") + "-addr:value", self.operator
        elif type == "certificate":
            path = {40: "x509-certificate:hashes.'SHA-1'", 64: "x509-certificate:hashes.'SHA-256'"}.get(len(value))
            path = {32: "x509-certificate:hashes.MD5", 128: "x509-certificate:hashes.'SHA-512'"}.get(
                len(value), path
            )
            path = path or "x509-certificate:serial_number"
        else:
            path = PATHS[type]
        if type == "asn":
            said = value[2:]
        if type == "registry_key":
            said = value.replace("HKLM\\", "HKEY_LOCAL_MACHINE\\", 1)
        return f"{path} {operator} {said}\0{value}"


class TestStixOfSomebody(TestStix):
    """With a creator, a least marking, and networks for consumers that know one operator."""

    options = {"identity": 'CERT "X"', "networks": "equal", "tlp": "amber+strict"}
    operator, creator, least = "=", 'CERT "X"', "amber+strict"


class TestStixForSentinel(TestStix):
    """Networks by the one operator that it knows."""

    options = {"networks": "equal"}
    operator = "="


# --- what it writes ---------------------------------------------------------------------------------------------


class Withdrawn(Memory):
    """A memory that something was withdrawn from."""

    def __init__(self, *items):
        super().__init__()
        self.items = items

    def withdrawals(self):
        return iter(self.items)


def gone(value, since, *, type_="hostname", tlp=None):
    return Gone(type_, value, "withdrawn", since, INSTANT - 9 * DAY, tlp)


def row(value, *tags, type_="hostname", modified_at=INSTANT - DAY):
    return Row(type_, value, INSTANT - 9 * DAY, modified_at, list(tags), "[]")


def tag(name="c2", kind="malicious", until=None, **fields):
    given = {"fresh": True, "counts": True, "expires_at": until, "counts_until": until}
    return RowAssertion(tag=name, source="feed", kind=kind, **(given | fields))


def text_of(folder, rows, *items, **options):
    """Return the bundle of rows."""
    form = get_format("stix")
    folder.mkdir(exist_ok=True)
    out = SpoolOutput(folder, "x.json", form.MEDIA_TYPE, export="x", instant=INSTANT, memory=Withdrawn(*items))
    form.render(iter([rows]), out, parse_options(form, options))
    (file,) = out.finish(is_complete=True).files
    return file.path.read_text()


def objects_of(folder, rows, *items, **options):
    """Return the objects of the bundle of rows, checked."""
    objects = bundle_of(text_of(folder, rows, *items, **options))
    for item in objects:
        check_indicator(item)
    return objects


def only(folder, *tags, **fields):
    """Return the indicator of one row."""
    (found,) = objects_of(folder, [row("a.example", *tags, **fields)])
    return found


def test_a_bundle_byte_for_byte(tmp_path):
    """One object a line."""
    until = INSTANT + 3 * DAY
    rows = [row("bad.example", tag("c2", until=until, confidence=80, tlp="green"), tag("botnet", until=until))]
    own = uuid.uuid5(NAMESPACE, "hostname:bad.example")

    assert (
        '{"type":"bundle","objects":[\n'
        '{"type":"indicator","spec_version":"2.1","id":"indicator--'
        f'{own}",'
        '"created":"2026-09-12T14:13:20.000Z","modified":"2026-09-20T14:13:20.000Z",'
        '"indicator_types":["malicious-activity"],"description":"listed for c2, botnet","name":"bad.example",'
        '"pattern":"[domain-name:value = \'bad.example\']","pattern_type":"stix","pattern_version":"2.1",'
        '"valid_from":"2026-09-12T14:13:20.000Z","valid_until":"2026-09-24T14:13:20.000Z",'
        '"labels":["c2","botnet"],"confidence":80,'
        '"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}\n'
        '],"id":"bundle--'
    ) == text_of(tmp_path, rows)[: -len("54e9ebb2-6b4c-5d2d-a5ac-3a1ba8e4b1f0") - 3]


def test_an_id_is_uuid5_of_type_and_value(tmp_path):
    """In the namespace that all exports share, so that two of them speak of one indicator."""
    assert f"indicator--{uuid.uuid5(NAMESPACE, 'hostname:a.example')}" == only(tmp_path)["id"]


def test_nothing_is_a_bundle_without_objects(tmp_path):
    """The list of objects must not be there at all."""
    assert {"type", "id"} == set(json.loads(text_of(tmp_path, [])))


def test_the_id_of_the_bundle_is_that_of_its_contents(tmp_path):
    """The same contents, the same id; others, another."""
    ids = [
        json.loads(text_of(tmp_path / str(number), rows))["id"]
        for number, rows in enumerate([[row("a.example")], [row("a.example")], [row("b.example")], []])
    ]

    assert ids[0] == ids[1]
    assert 3 == len(set(ids))


def test_it_is_valid_until_the_last_of_those_ends_that_let_it_in(tmp_path):
    """Another assertion that ends later does not count; one that never ends is for ever."""
    short, long = tag(until=INSTANT + DAY), tag("rat", until=INSTANT + 2 * DAY)
    other = tag("seen", until=INSTANT + 9 * DAY, counts=False)

    assert "2026-09-23T14:13:20.000Z" == only(tmp_path / "a", short, long, other)["valid_until"]
    assert "valid_until" not in only(tmp_path / "b", short, tag("rat", until=None), other)


def test_an_end_is_later_than_the_beginning(tmp_path):
    """Of less than a millisecond it is rounded up; what was over before it was known begins just before that."""
    began = "2026-09-21T14:13:20.000100Z"
    found = only(tmp_path / "a", tag(until=INSTANT + 200, valid_from=began))
    assert ("2026-09-21T14:13:20.000Z", "2026-09-21T14:13:20.001Z") == (found["valid_from"], found["valid_until"])

    found = only(tmp_path / "b", tag(until=INSTANT - 99 * DAY, fresh=False))
    assert ("2026-06-14T14:13:19.999Z", "2026-06-14T14:13:20.000Z") == (found["valid_from"], found["valid_until"])


def test_the_strictest_marking_counts(tmp_path):
    """Of all that stand; TLP 2.0 by the ids that everybody knows."""
    for word in ("clear", "green", "amber", "amber+strict", "red"):
        assert word == tlp_of(only(tmp_path / word, tag(tlp="clear"), tag("x", tlp=word)))
    gone_long_ago = tag("x", tlp="red", fresh=False, counts=False, withdrawn_at="2026-01-01T00:00:00Z")
    assert "green" == tlp_of(only(tmp_path / "gone", tag(tlp="green"), gone_long_ago))
    assert "" == tlp_of(only(tmp_path / "none", tag()))


def test_the_worst_kind_and_the_highest_confidence_count(tmp_path):
    """Of those that let it in."""
    found = only(
        tmp_path,
        tag(kind="suspicious", confidence=10),
        tag("y", kind="info", confidence=40),
        tag("z", kind="malicious", confidence=99, counts=False),
    )

    assert (["anomalous-activity"], 40) == (found["indicator_types"], found["confidence"])


@pytest.mark.parametrize(
    ("assertion", "modified"),
    [
        (tag(until=None), "2026-09-20T14:13:20.000Z"),
        (tag(until=INSTANT + DAY, received_at=INSTANT - 5), "2026-09-21T14:13:19.999Z"),
        (
            tag(until=INSTANT + DAY, received_at=INSTANT - 5, valid_until="2026-09-22T14:13:20Z"),
            "2026-09-20T14:13:20.000Z",
        ),
        (tag(until=INSTANT - 3 * SECOND, fresh=False, counts=False), "2026-09-21T14:13:17.000Z"),
        (tag(until=None, valid_from="2026-09-21T10:00:00Z"), "2026-09-21T10:00:00.000Z"),
        (tag(until=INSTANT - 9, fresh=False, withdrawn_at="2026-09-21T01:00:00Z"), "2026-09-20T14:13:20.000Z"),
    ],
    ids=["nothing", "renewed", "stated", "ended", "begun", "withdrawn"],
)
def test_modified_rises_with_whatever_changes_the_object(tmp_path, assertion, modified):
    """Also where time alone does, or a source that says the same again and so moves the end."""
    assert modified == only(tmp_path, tag("other", until=None), assertion)["modified"]


def test_what_was_withdrawn_is_revoked(tmp_path):
    """It has the dates that it had, and is modified by the run that left it out."""
    listed, left = objects_of(
        tmp_path, [row("a.example")], gone("b'\\x", INSTANT - SECOND, type_="file", tlp=TLP.AMBER)
    )

    assert "revoked" not in listed
    assert (True, "amber") == (left["revoked"], tlp_of(left))
    assert ("2026-09-12T14:13:20.000Z", "2026-09-21T14:13:19.000Z") == (left["created"], left["modified"])
    assert left["modified"] == left["valid_until"]
    assert ("file:name", "=", "b'\\x") == comparison_of(left["pattern"])
    assert only(tmp_path / "other", type_="hostname")["id"] == listed["id"]


def test_what_comes_back_is_another_indicator(tmp_path):
    """What is revoked is revoked for ever, each of them."""
    before = only(tmp_path / "before")["id"]
    times = gone("a.example", INSTANT - 3 * DAY), gone("a.example", INSTANT - DAY)
    live, first, second = objects_of(tmp_path / "after", [row("a.example", tag())], *times)
    (left,) = objects_of(tmp_path / "once", [], times[0])

    assert [None, True, True] == [item.get("revoked") for item in (live, first, second)]
    assert before == first["id"] == left["id"]
    assert 3 == len({live["id"], first["id"], second["id"]})
    assert ["2026-09-18T14:13:20.000Z", "2026-09-20T14:13:20.000Z"] == [first["modified"], second["modified"]]
    assert [second["created"], live["created"]] == [first["modified"], second["modified"]]


def test_who_wants_no_revoked_ones_has_none(tmp_path):
    """And ids are what they always are."""
    found = objects_of(tmp_path / "a", [row("a.example")], gone("a.example", INSTANT - DAY), revoked="no")

    assert [only(tmp_path / "b")["id"]] == [item["id"] for item in found]


@pytest.mark.parametrize("key", ["Software\\Evil", "HKXX\\Evil", "HKLMX"])
def test_a_registry_key_needs_its_hive(tmp_path, key):
    """A pattern without it matches nothing."""
    made = written(TestStix(), [Value("registry_key", key), Value("registry_key", "HKU\\x")], tmp_path)

    assert {
        Value("registry_key", key): "a registry key without its hive, which a pattern has to name"
    } == made.refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"revoked": "perhaps"}, "the option revoked is yes or no"),
        ({"networks": "all"}, "known: subset, equal"),
        ({"tlp": "ambre"}, "did you mean 'amber'"),
        ({"identity": "x" * 201}, "at most 200 characters"),
    ],
)
def test_other_options_are_refused(options, message):
    """With what there is."""
    with pytest.raises(DefinitionError, match=message):
        parse_options(get_format("stix"), options)


# --- loaded -----------------------------------------------------------------------------------------------------


def check_by_oasis(text):
    """Raise unless the validator has nothing to say, and the library reads bundle and patterns.

    What the standard only recommends counts, too, but for random ids, which could not stay the same.
    """
    options = ValidationOptions(
        version="2.1", strict=True, strict_types=True, strict_properties=True, disabled=["uuid-check"]
    )
    found = validate_string(text, options)
    assert found.is_valid, [str(error) for error in found.errors]
    assert not found.warnings
    bundle = stix2.parse(text, version="2.1")
    by_id = {item["id"]: item for item in json.loads(_short(text)).get("objects", ())}
    for item in getattr(bundle, "objects", ()):
        assert by_id[item.id] == json.loads(_short(item.serialize()))


def _short(text):
    """Return *text* with whole seconds as the library writes some of them."""
    return text.replace('.000Z"', 'Z"')


@pytest.mark.proof("stix", LIBRARY, "loaded", tool="stix2-validator")
@pytest.mark.parametrize("kit", [TestStix, TestStixOfSomebody])
def test_oasis_finds_nothing_to_say(tmp_path, kit):
    """Of what is hostile, of nothing, and of what was withdrawn; a broken escape it does see."""
    text = hostile(kit(), tmp_path).files["export.json"].decode()
    check_by_oasis(text)
    check_by_oasis(text_of(tmp_path / "nothing", []))
    check_by_oasis(text_of(tmp_path / "gone", [row("a.example", tag())], gone("a.example", INSTANT - DAY)))

    with pytest.raises((AssertionError, ParseException)):
        check_by_oasis(text.replace("\\\\'", "'"))


@pytest.mark.proof("stix", LIBRARY, "loaded", tool="stix2-validator")
def test_oasis_reads_the_patterns_as_they_are_meant(tmp_path):
    """By the grammar of the standard: path, operator and value."""
    made = hostile(TestStix(), tmp_path)
    for item in bundle_of(made.files["export.json"].decode()):
        comparison = create_pattern_object(item["pattern"], version="2.1").operand
        path, operator, value = comparison_of(item["pattern"])
        assert path == str(comparison.lhs)
        assert operator == comparison.operator
        assert value == re.sub(r"\\(.)", r"\1", str(comparison.rhs.value))  # it leaves escapes as they stand


@pytest.mark.intel
@pytest.mark.proof("stix", LIBRARY, "loaded", tool="stix2-validator")
def test_oasis_takes_real_intelligence(tmp_path, intel):
    """Names and addresses of real lists."""
    some = random.Random(3)
    values = [*some.sample(real_names(intel).listed, 400), *some.sample(real_addresses(intel), 400)]
    made = written(TestStix(), values, tmp_path)

    assert not made.refused
    check_by_oasis(made.files["export.json"].decode())
