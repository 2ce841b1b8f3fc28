"""MISP events, however they are wrapped; what becomes of their attributes."""

import json

import pytest

from core.errors import UnreadableFile
from core.ingest import misp
from core.ingest.reader import InputFile, Options
from core.ingest.registry import recognise
from core.schemas.claim import TLP, Claim, Kind, Refusal
from core.schemas.instant import to_text
from core.values import misp_types

ATTRIBUTE = {"type": "ip-dst", "category": "Network activity", "to_ids": True, "value": "192.0.2.1"}


def attribute(**changes):
    return ATTRIBUTE | changes


def event(*attributes, **changes):
    return {
        "uuid": "5f0d1c1e-0000-4000-8000-000000000001",
        "info": "A test",
        "date": "2024-03-01",
        "Orgc": {"name": "Example CERT"},
        "Org": {"name": "Owner"},
        "Attribute": list(attributes),
        **changes,
    }


@pytest.fixture
def read(tmp_path):
    def run(document, name="event.json", **options):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return list(misp.read(InputFile(path), Options(**options)))

    return run


def values(items):
    return [(item.type, item.value) for item in items if isinstance(item, Claim)]


def reasons(items):
    return [item.reason for item in items if isinstance(item, Refusal)]


EVENT = event(attribute())


@pytest.mark.parametrize(
    "document",
    [
        {"response": [{"Event": EVENT}]},
        {"response": {"Event": EVENT}},
        {"Event": EVENT},
        EVENT,
        [{"Event": EVENT}],
        [EVENT],
        {"response": [EVENT]},
        {"response": {"Attribute": [attribute(Event={"info": "A test", "Orgc": {"name": "Example CERT"}})]}},
        {"response": {"Attribute": [ATTRIBUTE]}},
        {"Attribute": [ATTRIBUTE]},
        [ATTRIBUTE],
        {"response": [{"Object": {"name": "x", "uuid": "1", "Attribute": [ATTRIBUTE]}}]},
        json.dumps({"Event": EVENT}) + "\n" + json.dumps({"Event": EVENT}) + "\n",
        json.dumps({"Event": EVENT}, indent=2),
    ],
)
def test_every_wrapping_is_understood(read, document, tmp_path):
    """The same attribute comes out of each form, which is recognised as MISP's."""
    items = read(document)

    assert {("ipv4", "192.0.2.1")} == set(values(items))
    assert [] == reasons(items)
    assert misp is recognise(InputFile(tmp_path / "event.json"))


def test_several_events_keep_their_own_facts(read):
    """Organisation, tags and name of an event stay with its attributes, though they stand behind them."""
    first = {"Attribute": [attribute()], "Orgc": {"name": "One"}, "Tag": [{"name": "a"}], "info": "1"}
    second = {"Attribute": [attribute(value="192.0.2.2")], "Orgc": {"name": "Two"}, "Tag": [{"name": "b"}]}
    one, two = read({"response": [{"Event": first}, {"Event": second}]})

    assert ("192.0.2.1", "One", ("a",)) == (one.value, one.source, one.tags)
    assert ("192.0.2.2", "Two", ("b",)) == (two.value, two.source, two.tags)
    assert "1" == one.context["event"]
    assert "event" not in two.context


@pytest.mark.parametrize(
    ("changes", "options", "source"),
    [
        ({}, {}, "Example CERT"),
        ({"Orgc": None}, {}, "Owner"),
        ({"Orgc": {"name": ""}, "Org": None}, {}, "event.json"),
        ({}, {"source": "mine"}, "mine"),
    ],
)
def test_source_is_the_organisation(read, changes, options, source):
    """Who made the event, else who owns it, else the file's name; what the user says beats all."""
    (claim,) = read({"Event": event(attribute(), **changes)}, **options)

    assert source == claim.source


def test_context_says_where_a_value_comes_from(read):
    """Event, category, comment, object and relation are kept for the analyst."""
    inner = attribute(type="url", value="http://example.com/a", object_relation="url", comment="landing\npage")
    (claim,) = read({"Event": event(Object=[{"name": "url", "Attribute": [inner]}])})

    assert {
        "event": "A test",
        "event_date": "2024-03-01",
        "event_uuid": "5f0d1c1e-0000-4000-8000-000000000001",
        "category": "Network activity",
        "attribute": "url",
        "object": "url",
        "relation": "url",
        "comment": "landing page",
    } == claim.context


@pytest.mark.parametrize("stated", [True, 1, "1", "true"])
def test_deleted_is_withdrawn(read, stated):
    """A deleted attribute, and each of a deleted object, is taken back."""
    (own,) = read({"Event": event(attribute(deleted=stated))})
    (inner,) = read({"Event": event(Object=[{"deleted": stated, "Attribute": [attribute()]}])})

    assert own.withdrawn
    assert inner.withdrawn


@pytest.mark.parametrize(
    ("to_ids", "kind"), [(True, Kind.MALICIOUS), ("1", Kind.MALICIOUS), (False, Kind.INFO), ("0", Kind.INFO)]
)
def test_to_ids_decides_the_kind(read, to_ids, kind):
    """What is not for detection is of kind *info*, unless the user says otherwise."""
    document = {"Event": event(attribute(to_ids=to_ids))}

    assert kind is read(document)[0].kind
    assert Kind.BENIGN is read(document, kind=Kind.BENIGN)[0].kind
    assert not read(document)[0].withdrawn


def test_tags_are_inherited(read):
    """Tags of the attribute, of the event, of galaxies, and the user's, each once and as they are spelt."""
    cluster = {"GalaxyCluster": [{"tag_name": 'misp-galaxy:tool="Example RAT"'}]}
    tags = [{"name": "tlp:green"}, {"name": "apt"}]
    (claim,) = read(
        {"Event": event(attribute(Tag=[{"name": "C2"}, {"name": "apt"}]), Tag=tags, Galaxy=[cluster])}, tags=("x",)
    )

    assert ("C2", "apt", "tlp:green", 'misp-galaxy:tool="Example RAT"', "x") == claim.tags
    assert TLP.GREEN is claim.tlp


def test_an_attributes_own_marking_counts(read):
    """TLP is the attribute's if it has one, else the event's; of several the strictest."""
    marked = [{"name": "tlp:white"}, {"name": "tlp:amber+strict"}]
    document = {"Event": event(attribute(Tag=[{"name": "TLP:RED"}]), attribute(value="192.0.2.2"), Tag=marked)}

    assert [TLP.RED, TLP.AMBER_STRICT] == [claim.tlp for claim in read(document)]


def test_confidence_comes_from_the_usual_taxonomies(read):
    """The lowest of what the tags state; none if they state none."""
    names = ['admiralty-scale:information-credibility="2"', 'MISP:confidence-level="completely-confident"']
    tag = [{"name": name} for name in names]
    first, second = read({"Event": event(attribute(Tag=tag), attribute(value="192.0.2.2"))})

    assert (70, None) == (first.confidence, second.confidence)


def test_dates_are_the_values_own(read):
    """First and last seen of the attribute, else of its object; ``timestamp`` is no date of the value."""
    seen = {"first_seen": "2024-01-02T03:04:05.000000+00:00", "last_seen": "2024-02-03T00:00:00+01:00"}
    inner = [attribute(timestamp="1700000000"), attribute(value="192.0.2.2", first_seen="2023-01-01")]
    first, second = read({"Event": event(Object=[{"Attribute": inner, "timestamp": "1700000000", **seen}])})

    assert "2024-01-02T03:04:05Z" == to_text(first.first_seen)
    assert "2024-02-02T23:00:00Z" == to_text(first.last_seen)
    assert "2023-01-01T00:00:00Z" == to_text(second.first_seen)
    assert (None, None) == (first.valid_from, first.valid_until)
    assert read({"Event": event(attribute(timestamp="1700000000"))})[0].first_seen is None


def test_an_impossible_date_costs_the_date_alone(read):
    """The value goes in, the date is reported."""
    claim, refusal = read({"Event": event(attribute(first_seen="2024-02-31"))})

    assert "192.0.2.1" == claim.value
    assert claim.first_seen is None
    assert refusal.reason.startswith("first_seen: ")
    assert "2024-02-31" == refusal.excerpt


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("domain|ip", "Example.com|192.0.2.1", [("hostname", "example.com"), ("ipv4", "192.0.2.1")]),
        ("filename|md5", "a|b.exe|" + "A" * 32, [("file", "a|b.exe"), ("md5", "a" * 32)]),
        ("malware-sample", "x.exe|" + "0" * 32, [("file", "x.exe"), ("md5", "0" * 32)]),
        ("ip-dst|port", "192.0.2.1|443", [("ipv4", "192.0.2.1")]),
        ("ip-src|port", "2001:db8::1|443", [("ipv6", "2001:db8::1")]),
        ("hostname|port", "example.com|8080", [("hostname", "example.com")]),
        ("regkey|value", r"HKLM\Software\X | run", [("registry_key", r"HKLM\Software\X|run")]),
        ("regkey", "HKLM\\Software\\X", [("registry_key", "HKLM\\Software\\X")]),
        ("ip-src", "192.0.2.0/24", [("cidr", "192.0.2.0/24")]),
        ("ip-src", "192.0.2[.]1", [("ipv4", "192.0.2.1")]),
        ("url", "hxxps://example[.]com/A", [("url", "https://example.com/A")]),
        ("email-src", "a@example.com", [("email", "a@example.com")]),
        ("filename", "C:\\Windows\\x.dll", [("path", "C:\\Windows\\x.dll")]),
        ("AS", "64496", [("asn", "AS64496")]),
        ("dash", "XdSrfZRP3gGEbtUpK8o9RV9S7LiGfDmTju", [("wallet", "dash:XdSrfZRP3gGEbtUpK8o9RV9S7LiGfDmTju")]),
        ("named pipe", "\\\\.\\pipe\\x", [("named_pipe", "\\\\.\\pipe\\x")]),
        ("x509-fingerprint-sha1", "AB:" * 19 + "CD", [("certificate", "ab" * 19 + "cd")]),
        ("authentihash", "0" * 64, [("generic", "0" * 64)]),
        ("stix2-pattern", "[url:value = 'http://example.com/']", [("url", "http://example.com/")]),
        ("text", "anything", []),
        ("link", "https://example.com/report", []),
        ("port", "443", []),
    ],
)
def test_types_of_attributes(read, kind, text, expected):
    """Each part that is an observable becomes one; prose, references and ports are passed over in silence."""
    items = read({"Event": event(attribute(type=kind, value=text))})

    assert expected == values(items)
    assert [] == reasons(items)


def test_parts_know_of_each_other(read):
    """The other half of a composite value is context."""
    first, second = read({"Event": event(attribute(type="domain|ip", value="example.com|192.0.2.1"))})
    (port,) = read({"Event": event(attribute(type="ip-dst|port", value="192.0.2.1|443"))})

    assert ("192.0.2.1", "example.com", "443") == (
        first.context["with"],
        second.context["with"],
        port.context["with"],
    )


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("hostname|port", "evil.example:443", ("hostname", "evil.example")),
        ("ip-dst|port", "192.0.2.1:443", ("ipv4", "192.0.2.1")),
        ("ip-dst|port", "[2001:db8::1]:443", ("ipv6", "2001:db8::1")),
    ],
)
def test_a_port_may_stand_behind_a_colon(read, kind, text, found):
    """As it does in half of the world's notes; the port is kept."""
    items = read(event(attribute(type=kind, value=text)))

    assert [found] == values(items)
    assert "443" == items[0].context["with"]


def test_a_broken_part_does_not_cost_the_other(read):
    """Half of a composite value is taken, the other reported."""
    items = read({"Event": event(attribute(type="domain|ip", value="example.com|300.1.1.1"))})

    assert [("hostname", "example.com")] == values(items)
    assert ["domain|ip"] == [reason.partition(":")[0] for reason in reasons(items)]


def test_rules_keep_their_language(read):
    """A YARA attribute is a rule, its language a tag and in the context."""
    (claim,) = read({"Event": event(attribute(type="yara", value="rule a { condition: true }"))})

    assert ("rule", ("yara",), "yara") == (claim.type, claim.tags, claim.context["language"])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"type": "ip-dst", "value": "300.1.1.1"}, "ip-dst: not an IPv4 address"),
        ({"type": "ip-dst", "value": None}, "an attribute without type or value"),
        ({"type": "ip-dst", "value": "  "}, "an attribute without type or value"),
        ({"value": "192.0.2.9"}, "an attribute without type or value"),
        ({"type": "made-up", "value": "x"}, "MISP attribute type 'made-up' is not known"),
        ({"type": "md5", "value": "zz"}, "md5: not an MD5 hash"),
        ({"type": ["md5"], "value": "zz"}, "an attribute without type or value"),
        ({"type": "mutex", "value": "half \ud83d"}, "mutex: a character in it could not be decoded"),
        ("no attribute", "not an attribute or object"),
    ],
)
def test_a_broken_attribute_costs_itself_alone(read, broken, reason):
    """It is reported with its reason; its neighbours go in."""
    items = read({"Event": event(attribute(), broken, attribute(value="192.0.2.2"))})

    assert [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")] == values(items)
    assert 1 == len(reasons(items))
    assert reasons(items)[0].startswith(reason)


def test_a_truncated_file_gives_what_came_before(read, tmp_path):
    """The loss is reported, and the file marked so that a snapshot ends nothing."""
    whole = json.dumps({"Event": {"info": "A test", "Orgc": {"name": "X"}, **event(attribute(), attribute())}})
    path = tmp_path / "cut.json"
    path.write_text(whole[: whole.rindex("192.0.2.1")])
    file = InputFile(path)
    items = list(misp.read(file, Options()))

    assert [("ipv4", "192.0.2.1")] == values(items)
    assert "cut short" in reasons(items)[0]
    assert file.is_damaged


def test_a_file_of_which_nothing_can_be_read_is_refused(read):
    """No event, no attribute before the break, no JSON: each is said."""
    for document in ("{}", '{"Event": {"info": "a", "Attribute": [', "no json", "[]"):
        with pytest.raises(UnreadableFile):
            read(document)


def test_an_event_without_attributes_is_fine(read):
    """Nothing is claimed, nothing refused."""
    assert [] == read({"Event": event()})


# --- feeds ------------------------------------------------------------------------------------------------

UUIDS = ("5f0d1c1e-0000-4000-8000-00000000000a", "5f0d1c1e-0000-4000-8000-00000000000b")


@pytest.fixture
def feed(tmp_path):
    folder = tmp_path / "feed"
    folder.mkdir()
    manifest = {uuid: {"Orgc": {"name": "Example CERT"}, "info": "A test", "timestamp": 1} for uuid in UUIDS}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for number, uuid in enumerate(UUIDS):
        (folder / f"{uuid}.json").write_text(json.dumps({"Event": event(attribute(value=f"192.0.2.{number}"))}))
    (folder / "hashes.csv").write_text("0" * 32 + f",{UUIDS[0]}\n")
    return folder


def test_a_feed_is_read_through_its_manifest(feed):
    """The manifest stands for the events it names; an event left in the folder that it does not name is none."""
    (feed / "5f0d1c1e-0000-4000-8000-00000000000c.json").write_text(json.dumps({"Event": event(attribute())}))
    file = InputFile(feed / "manifest.json")

    assert misp is recognise(file)
    assert misp.recognises_folder(feed)
    assert [("ipv4", "192.0.2.0"), ("ipv4", "192.0.2.1")] == values(misp.read(file, Options()))
    assert not file.is_damaged


def test_a_missing_event_of_a_feed_is_reported(feed):
    """The others are read; the feed counts as damaged."""
    (feed / f"{UUIDS[0]}.json").unlink()
    (feed / f"{UUIDS[1]}.json").write_text("{")
    file = InputFile(feed / "manifest.json")
    items = list(misp.read(file, Options()))

    assert [f"event file {uuid}.json" for uuid in UUIDS] == [reason.partition(":")[0] for reason in reasons(items)]
    assert file.is_damaged


def test_a_refusal_in_a_feed_names_the_event(feed):
    """The user named the folder; the row stands in one of its files."""
    (feed / f"{UUIDS[1]}.json").write_text(json.dumps({"Event": event(attribute(value="300.1.1.1"))}))
    items = list(misp.read(InputFile(feed / "manifest.json"), Options()))

    assert [("ipv4", "192.0.2.0")] == values(items)
    assert reasons(items)[0].startswith(f"event file {UUIDS[1]}.json: ip-dst: not an IPv4 address")


@pytest.mark.parametrize(
    "manifest", ["{}", "[]", "no json", '{"name": "x"}', '{"../x": {"info": "a"}}', '{"a": {"colour": 1}}']
)
def test_another_manifest_is_not_a_feed(tmp_path, manifest):
    """A web app's manifest, and one that names files outside the folder, is none of ours."""
    (tmp_path / "manifest.json").write_text(manifest)

    assert not misp.recognises_folder(tmp_path)


def test_no_type_is_both_read_and_ignored():
    """The two tables do not contradict each other."""
    assert set() == set(misp_types.PARTS) & misp_types.IGNORED
    assert set(misp_types.LANGUAGES) <= set(misp_types.PARTS)
    assert misp_types.CURRENCIES <= set(misp_types.PARTS)
