"""STIX 2.0 and 2.1: the forms a file may have, and what its objects claim."""

import json

import pytest

from core.errors import UnreadableFile
from core.ingest import stix
from core.ingest.reader import InputFile, Options
from core.ingest.registry import recognise
from core.schemas.claim import TLP, Claim, Kind, Refusal
from core.schemas.instant import to_text


def id_of(kind, number=1):
    return f"{kind}--00000000-0000-4000-8000-{number:012d}"


def thing(kind, count=1, **properties):
    return {"type": kind, "spec_version": "2.1", "id": id_of(kind, count), **properties}


def indicator(pattern="[ipv4-addr:value = '192.0.2.1']", number=1, **properties):
    return thing(
        "indicator", number, pattern=pattern, pattern_type="stix", valid_from="2024-01-01T00:00:00Z", **properties
    )


def bundle(*things):
    return {"type": "bundle", "id": id_of("bundle"), "objects": list(things)}


@pytest.fixture
def read(tmp_path):
    def run(document, name="feed.json", **options):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return list(stix.read(InputFile(path), Options(**options)))

    return run


def values(items):
    return [(item.type, item.value) for item in items if isinstance(item, Claim)]


def reasons(items):
    return [item.reason for item in items if isinstance(item, Refusal)]


NAMED = thing("identity", name="Example CERT")
MADE = indicator(created_by_ref=NAMED["id"])


@pytest.mark.parametrize(
    "document",
    [
        bundle(MADE, NAMED),
        {"type": "bundle", "id": id_of("bundle"), "spec_version": "2.0", "objects": [MADE, NAMED]},
        {"objects": [MADE, NAMED], "type": "bundle", "id": id_of("bundle")},
        {"more": False, "objects": [MADE, NAMED]},
        [MADE, NAMED],
        [bundle(MADE), bundle(NAMED)],
        json.dumps(MADE) + "\n" + json.dumps(NAMED) + "\n",
        json.dumps(bundle(MADE)) + "\n\n" + json.dumps(bundle(NAMED)),
        json.dumps(bundle(MADE, NAMED), indent=4),
        "\ufeff" + json.dumps(bundle(MADE, NAMED)),
    ],
)
def test_every_form_is_understood(read, document, tmp_path):
    """The indicator comes out of each, with the name of an identity that stands behind it."""
    (claim,) = read(document)

    assert ("ipv4", "192.0.2.1", "Example CERT") == (claim.type, claim.value, claim.source)
    assert stix is recognise(InputFile(tmp_path / "feed.json"))


def test_a_single_object_is_understood(read, tmp_path):
    """Its source is the file where nobody says who made it."""
    (claim,) = read(indicator())

    assert ("192.0.2.1", "feed.json") == (claim.value, claim.source)
    assert stix is recognise(InputFile(tmp_path / "feed.json"))
    assert "mine" == read(MADE, source="mine")[0].source
    assert "feed.json" == read(MADE)[0].source


def test_the_window_is_the_indicators(read):
    """``valid_from`` and ``valid_until``; ``created`` and ``modified`` are no dates of the value."""
    (claim,) = read(indicator(valid_until="2024-02-01T00:00:00.5Z", created="2020-01-01T00:00:00Z"))

    assert "2024-01-01T00:00:00Z" == to_text(claim.valid_from)
    assert "2024-02-01T00:00:00.500000Z" == to_text(claim.valid_until)
    assert (None, None) == (claim.first_seen, claim.last_seen)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"valid_until": "2024-02-31T00:00:00Z"}, "valid_until: "),
        ({"valid_until": "2024-01-01T00:00:00Z"}, "valid_until is not after valid_from"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until is not after valid_from"),
    ],
)
def test_an_impossible_window_does_not_cost_the_value(read, properties, reason):
    """It is reported; an end that can be read still ends the claim."""
    claim, refusal = read(indicator(**properties))

    assert "192.0.2.1" == claim.value
    assert refusal.reason.startswith(reason)
    assert (claim.valid_until is None) == reason.startswith("valid_until: ")
    assert (claim.valid_from is None) == reason.startswith("valid_until is")


def test_revoked_is_withdrawn(read):
    """The creator takes it back."""
    assert read(indicator(revoked=True))[0].withdrawn
    assert not read(indicator(revoked=False))[0].withdrawn


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({}, Kind.MALICIOUS),
        ({"indicator_types": ["malicious-activity"]}, Kind.MALICIOUS),
        ({"indicator_types": ["anomalous-activity"]}, Kind.SUSPICIOUS),
        ({"indicator_types": ["benign"]}, Kind.BENIGN),
        ({"labels": ["Benign", "my-label"]}, Kind.BENIGN),
        ({"indicator_types": ["benign", "anonymization"]}, Kind.SUSPICIOUS),
        ({"indicator_types": ["something"]}, Kind.MALICIOUS),
    ],
)
def test_the_kind_follows_the_indicator_types(read, properties, kind):
    """The worst of the known ones; malicious if none is known; the user's word beats both."""
    assert kind is read(indicator(**properties))[0].kind
    assert Kind.INFO is read(indicator(**properties), kind=Kind.INFO)[0].kind


def test_tags_are_labels_types_and_threats(read):
    """What an indicator indicates is a tag by its name; campaigns, techniques and revoked relations are not."""
    relations = [
        thing("relationship", number, relationship_type=kind, source_ref=id_of("indicator"), target_ref=target)
        for number, (kind, target) in enumerate(
            [
                ("indicates", id_of("malware")),
                ("indicates", id_of("intrusion-set")),
                ("indicates", id_of("campaign")),
                ("indicates", id_of("attack-pattern")),
                ("indicates", id_of("malware", 99)),
                ("mitigates", id_of("tool")),
            ]
        )
    ]
    revoked = relations[0] | {"target_ref": id_of("tool"), "revoked": True}
    names = {"malware": "Example RAT", "intrusion-set": "APT 0", "campaign": "A long title", "tool": "Hammer"}
    threats = [thing(kind, name=name) for kind, name in names.items()]
    labelled = indicator(labels=["c2", "malicious-activity"], indicator_types=["malicious-activity"])
    (claim,) = read(bundle(labelled, *relations, revoked, *threats), tags=("mine",))

    assert ("c2", "malicious-activity", "Example RAT", "APT 0", "mine") == claim.tags


@pytest.mark.parametrize(
    ("ref", "tlp"),
    [
        ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP.CLEAR),
        ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP.GREEN),
        ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLP.AMBER),
        ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP.RED),
        ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", TLP.CLEAR),
        ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP.GREEN),
        ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP.AMBER),
        ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", TLP.AMBER_STRICT),
        ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLP.RED),
        (id_of("marking-definition", 9), None),
    ],
)
def test_markings_of_the_standard_are_known(read, ref, tlp):
    """TLP 1 and TLP 2 by their ids, though the file does not define them; another marking is none."""
    (claim,) = read(indicator(object_marking_refs=[ref]))

    assert tlp is claim.tlp


@pytest.mark.parametrize(
    ("definition", "tlp"),
    [
        ({"definition_type": "tlp", "definition": {"tlp": "amber"}}, TLP.AMBER),
        ({"extensions": {"extension-definition--1": {"tlp_2_0": "amber+strict"}}}, TLP.AMBER_STRICT),
        ({"name": "TLP:RED"}, TLP.RED),
        ({"definition_type": "statement", "definition": {"statement": "Copyright"}}, None),
    ],
)
def test_markings_of_the_file_are_known(read, definition, tlp):
    """In the forms of 2.0 and 2.1; the strictest holds, markings of parts included; a label can mark too."""
    marking = thing("marking-definition", **definition)
    green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    (claim,) = read(bundle(indicator(object_marking_refs=[marking["id"]]), marking))
    parts = [{"marking_ref": marking["id"], "selectors": ["pattern"]}]
    (both,) = read(bundle(indicator(object_marking_refs=[green], granular_markings=parts), marking))

    assert tlp is claim.tlp
    assert (tlp or TLP.GREEN) is both.tlp
    assert TLP.GREEN is read(indicator(labels=["tlp:green"]))[0].tlp


@pytest.mark.parametrize(("stated", "kept"), [(0, 0), (85, 85), (100, 100), (101, None), (-1, None), ("85", None)])
def test_confidence_is_0_to_100(read, stated, kept):
    """Anything else is not stated."""
    assert kept == read(indicator(confidence=stated))[0].confidence


def test_context_is_flat_and_says_why(read):
    """Name, description, phase, links and report; the pattern where it says more than the value."""
    report = thing("report", name="A report", object_refs=[id_of("indicator")])
    found = indicator(
        "[file:name = 'x.exe' AND file:size = 5]",
        name="Dropper",
        description="line 1\nline 2",
        kill_chain_phases=[{"kill_chain_name": "a", "phase_name": "delivery"}],
        external_references=[{"source_name": "blog", "url": "https://example.com/post"}, {"source_name": "x"}],
    )
    (claim,) = read(bundle(found, report))

    assert {
        "name": "Dropper",
        "description": "line 1 line 2",
        "pattern": "[file:name = 'x.exe' AND file:size = 5]",
        "kill_chain": ["delivery"],
        "links": ["https://example.com/post"],
        "report": ["A report"],
    } == claim.context
    assert read(indicator(name="192.0.2.1"))[0].context is None


def test_sightings_give_the_dates(read):
    """The earliest and the latest sighting of an indicator."""
    sightings = [
        thing("sighting", 1, sighting_of_ref=id_of("indicator"), first_seen="2024-03-02T00:00:00Z"),
        thing(
            "sighting",
            2,
            sighting_of_ref=id_of("indicator"),
            first_seen="2024-03-01T00:00:00Z",
            last_seen="2024-03-05T00:00:00Z",
        ),
    ]
    (claim,) = read(bundle(indicator(), *sightings))

    assert ("2024-03-01T00:00:00Z", "2024-03-05T00:00:00Z") == (
        to_text(claim.first_seen),
        to_text(claim.last_seen),
    )


@pytest.mark.parametrize("language", ["yara", "sigma", "snort", "suricata"])
def test_other_languages_are_rules(read, language):
    """The text is kept whole, its language in the context and as a tag."""
    (claim,) = read(thing("indicator", pattern="rule text\r\n  more", pattern_type=language))

    assert ("rule", "rule text\n  more") == (claim.type, claim.value)
    assert (language, (language,)) == (claim.context["language"], claim.tags)


def test_an_indicator_of_2_0_needs_no_pattern_type(read):
    """Version 2.0 knows only its own language."""
    found = {"type": "indicator", "id": id_of("indicator"), "labels": ["malicious-activity"]}
    (claim,) = read(found | {"pattern": "[url:value = 'http://example.com/']"})

    assert ("url", "http://example.com/") == (claim.type, claim.value)


OBJECTS = [
    (thing("ipv4-addr", value="192.0.2.0/24"), [("cidr", "192.0.2.0/24")]),
    (
        thing("domain-name", value="example.com", resolves_to_refs=[id_of("ipv4-addr")]),
        [("hostname", "example.com")],
    ),
    (
        thing("file", name="x.exe", size=5, hashes={"MD5": "0" * 32, "SHA-256": "0" * 64}),
        [("file", "x.exe"), ("md5", "0" * 32), ("sha256", "0" * 64)],
    ),
    (thing("autonomous-system", number=64496, name="x"), [("asn", "AS64496")]),
    (thing("windows-registry-key", key="HKLM\\X", values=[{"name": "a"}]), [("registry_key", "HKLM\\X")]),
    (
        thing(
            "network-traffic", extensions={"http-request-ext": {"request_header": {"User-Agent": ["a/1", "b/2"]}}}
        ),
        [("user_agent", "a/1"), ("user_agent", "b/2")],
    ),
    (thing("user-account", user_id="1001"), []),
    (thing("course-of-action", name="x"), []),
    (thing("x-unknown", value="192.0.2.1"), []),
]


@pytest.mark.parametrize(("found", "expected"), OBJECTS)
def test_objects_alone_are_facts(read, found, expected):
    """Cyber-observable objects are of kind *info*; other objects claim nothing."""
    items = read(bundle(found))

    assert expected == values(items)
    assert {Kind.INFO} >= {item.kind for item in items}


def test_observed_data_of_2_0_holds_its_objects(read):
    """They are seen from the first to the last observation, by whoever observed them."""
    observed = {
        "type": "observed-data",
        "id": id_of("observed-data"),
        "created_by_ref": NAMED["id"],
        "first_observed": "2024-01-01T00:00:00Z",
        "last_observed": "2024-01-02T00:00:00Z",
        "objects": {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}, "1": {"type": "mutex", "name": "m"}},
    }
    first, second = read(bundle(observed, NAMED))

    assert [("ipv4", "192.0.2.1"), ("mutex", "m")] == values([first, second])
    assert ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z") == (
        to_text(first.first_seen),
        to_text(first.last_seen),
    )
    assert "Example CERT" == second.source


def test_observed_data_of_2_1_refers_to_its_objects(read):
    """The objects stand beside it, and get its dates and markings."""
    address = thing("ipv4-addr", value="192.0.2.1")
    observed = thing(
        "observed-data",
        first_observed="2024-01-01T00:00:00Z",
        last_observed="2024-01-02T00:00:00Z",
        object_refs=[address["id"]],
        object_marking_refs=["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],
    )
    (claim,) = read(bundle(address, observed))

    assert "2024-01-01T00:00:00Z" == to_text(claim.first_seen)
    assert TLP.RED is claim.tlp


def test_a_broken_object_costs_itself_alone(read):
    """No pattern, a broken pattern, a broken value, no object at all: reported, and the neighbours go in."""
    items = read(
        bundle(
            thing("indicator", 2, name="x"),
            indicator("[no pattern", 3),
            thing("ipv4-addr", value="300.1.1.1"),
            "no object",
            indicator(),
        )
    )

    assert [("ipv4", "192.0.2.1")] == values(items)
    assert 4 == len(reasons(items))


def test_a_truncated_bundle_gives_what_came_before(tmp_path):
    """The loss is reported, and the file marked; identities behind the break are unknown."""
    text = json.dumps(bundle(MADE, indicator("[url:value = 'http://example.com/']", 2), NAMED))
    path = tmp_path / "cut.json"
    path.write_text(text[: text.index("http://example.com/")])
    file = InputFile(path)
    items = list(stix.read(file, Options()))

    assert [("ipv4", "192.0.2.1")] == values(items)
    assert "cut short" in reasons(items)[0]
    assert file.is_damaged


def test_a_broken_line_costs_that_line(tmp_path):
    """JSON lines are read one by one."""
    path = tmp_path / "feed.jsonl"
    other = indicator("[ipv4-addr:value = '192.0.2.2']", 2)
    path.write_text(json.dumps(indicator()) + "\n" + '{"type": "indicator", \n' + json.dumps(other) + "\n")
    file = InputFile(path)
    items = list(stix.read(file, Options()))

    assert [("ipv4", "192.0.2.1"), ("ipv4", "192.0.2.2")] == values(items)
    assert [2] == [item.line for item in items if isinstance(item, Refusal)]
    assert [1, 3] == [item.line for item in items if isinstance(item, Claim)]
    assert file.is_damaged


@pytest.mark.parametrize("document", ["no json", '{"a": 1}', '{"type": "bundle", "objects": [', "[1, 2]"])
def test_a_file_without_an_object_is_refused(read, document):
    """Nothing in it could be read as STIX."""
    with pytest.raises(UnreadableFile):
        read(document)


def test_an_empty_bundle_is_fine(read):
    """A feed may have nothing to say."""
    assert [] == read(bundle())


def test_what_is_no_object_is_refused_in_its_place(read):
    """A number, a text or an object without a type among the objects costs itself, and is told."""
    items = read(bundle(5, "x", None, {"no": "type"}, indicator()))

    assert [("ipv4", "192.0.2.1")] == values(items)
    assert 4 * ["not a STIX object"] == reasons(items)
