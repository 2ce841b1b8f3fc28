"""Broken files: whatever is done to one, an importer gives items or says that it cannot read it."""

import contextlib
import json
import random

import pytest

from core.errors import UnreadableFile
from core.ingest import misp, rules, stix, yeti
from core.ingest.reader import InputFile, Options
from core.ingest.registry import recognise
from core.schemas.claim import AllowListEntries, Claim, Refusal, StoredTemplate

IMPORTERS = (misp, stix, yeti, rules)
ITEMS = (Claim, Refusal, AllowListEntries, StoredTemplate)
REAL = (
    "quick/misp-turla-crutch-event.json",
    "quick/novispy.stix2",
    "stix20/unit42/stix2-reports/report_json/2024-04-12-MidnightEclipse.json",
    "stix21/python-stix2/sco-examples-bundle.json",
    "rules/eset-malware-ioc/ta410/ta410.rules",
)
ATTRIBUTE = {
    "type": "domain|ip",
    "category": "x",
    "to_ids": True,
    "value": "example.com|192.0.2.1",
    "deleted": False,
}
INDICATOR = {
    "type": "indicator",
    "id": "indicator--00000000-0000-4000-8000-000000000001",
    "pattern": "[domain-name:value = 'example.com' OR file:hashes.MD5 = '00000000000000000000000000000000']",
    "valid_from": "2024-01-01T00:00:00Z",
    "kill_chain_phases": [{"phase_name": "x"}],
    "external_references": [{"url": "https://example.com"}],
    "object_marking_refs": ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"],
}
YETI = {
    "value": "192.0.2.1",
    "type": "ipv4",
    "tags": [{"name": "x", "expires": None}],
    "context": [{"source": "x"}],
}
MADE = {
    "event.json": {"response": [{"Event": {"info": "x", "Orgc": {"name": "x"}, "Attribute": [ATTRIBUTE] * 3,
                                           "Object": [{"Attribute": [ATTRIBUTE]}], "Tag": [{"name": "x"}]}}]},
    "bundle.json": {"type": "bundle", "id": "bundle--1", "objects": [INDICATOR] * 3},
    "yeti.json": {"observables": [YETI] * 3, "total": 3},
}  # fmt: skip


def given(path, module):
    """Return the items of one importer, None if it refuses the file."""
    file = InputFile(path)
    try:
        items = list(module.read(file, Options()))
    except UnreadableFile:
        return None
    assert all(isinstance(item, ITEMS) for item in items)
    for item in items:
        if isinstance(item, Refusal):
            assert item.reason
            assert "\n" not in item.reason + item.excerpt
        elif isinstance(item, Claim):
            assert item.value
            json.dumps([item.tags, item.context]).encode("utf-8", "strict")
            "".join([item.value, item.source, *item.tags]).encode("utf-8", "strict")
    return items


def all_give(path):
    for module in IMPORTERS:
        given(path, module)
    with contextlib.suppress(UnreadableFile):
        recognise(InputFile(path))


def pairs(items):
    return {(item.type, item.value) for item in items or () if isinstance(item, Claim)}


@pytest.fixture(params=[*REAL, *MADE])
def original(request, tmp_path):
    """Return (bytes, path to write broken ones to) of a real file, or of one made here."""
    name = request.param
    if name in MADE:
        data = json.dumps(MADE[name], indent=1).encode()
    else:
        data = (request.getfixturevalue("intel") / name).read_bytes()
    return data, tmp_path / name.rpartition("/")[2]


def test_cut_files(original):
    """Cut anywhere: nothing but what the whole file holds comes out."""
    data, path = original
    path.write_bytes(data)
    module = recognise(InputFile(path))
    expected = pairs(given(path, module))
    chance = random.Random(1)
    for cut in [0, 1, 2, 3, len(data) - 1, len(data) - 2, *(chance.randrange(len(data)) for _ in range(40))]:
        path.write_bytes(data[:cut])
        all_give(path)

        assert module is rules or pairs(given(path, module)) <= expected


def test_flipped_bits(original):
    """One to fifty bits are wrong."""
    data, path = original
    chance = random.Random(2)
    for count in [1] * 25 + [50] * 10:
        broken = bytearray(data)
        for _ in range(count):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        path.write_bytes(broken)
        all_give(path)


def test_shuffled_parts(original):
    """Lines and blocks stand in another order, twice or not at all."""
    data, path = original
    chance = random.Random(3)
    blocks = [data[at : at + 997] for at in range(0, len(data), 997)]
    for parts in (data.split(b"\n"), data.split(b","), blocks):
        for _ in range(5):
            path.write_bytes(b"\n".join(chance.choices(parts, k=len(parts))))
            all_give(path)


SWAPS = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "\ud800",
    "\0",
    "a\nb",
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    ["x", 1],
    {"name": 5},
]


@pytest.mark.parametrize("name", MADE)
def test_values_of_another_kind(name, tmp_path):
    """Every value of a file in turn is something else, and every key is gone once."""
    path = tmp_path / name
    for variant in variants(MADE[name]):
        path.write_text(json.dumps(variant))
        for module in IMPORTERS[:3]:
            given(path, module)


def variants(thing):
    """Yield copies of *thing* with one part swapped or left out."""
    keys = list(thing) if isinstance(thing, dict) else range(len(thing)) if isinstance(thing, list) else ()
    for key in list(keys)[:12]:
        for swap in SWAPS:
            changed = thing.copy()
            changed[key] = swap
            yield changed
        if isinstance(thing, dict):
            yield {other: value for other, value in thing.items() if other != key}
        if isinstance(thing, dict) or key == 0:
            for inner in variants(thing[key]):
                changed = thing.copy()
                changed[key] = inner
                yield changed


@pytest.mark.parametrize(
    "text",
    [
        "[" * 300_000,
        '{"Event":' * 100_000,
        '{"Event": {"info": "x", "Attribute": [' + '{"a":' * 100_000,
        '{"type": "bundle", "objects": [' + '{"type":"file","x":' * 50_000 + "1" + "}" * 50_000 + "]}",
        '{"type":"indicator","id":"indicator--00000000","x":' + "[" * 5000 + "]" * 5000 + "}\n" * 3,
        '{"type":"file","id":"file--00000000","hashes":' + '{"a":' * 900 + "1" + "}" * 901 + "\n" + '{"a":1}\n',
        '{"observables": [' + "[" * 100_000,
        "rule a {" * 20_000,
        "rule a { condition: " + "{" * 200_000,
        "alert tcp any any -> any any (" * 20_000 + "msg:",
        "title: x\ndetection: y\nlogsource: z\n" + "---\n" * 50_000,
    ],
)
def test_deep_nesting(tmp_path, text):
    """Neither the stack nor memory gives out, and it does not take for ever."""
    path = tmp_path / "deep.json"
    path.write_text(text)
    all_give(path)


def test_random_bytes(tmp_path):
    """Noise, and noise behind a good beginning."""
    chance = random.Random(4)
    path = tmp_path / "noise"
    for start in (
        b"",
        b"{",
        b'{"Event": {',
        b'{"type": "bundle", "objects": [',
        b'{"observables": [',
        b"rule a {",
    ):
        for size in (1, 100, 10_000):
            path.write_bytes(start + chance.randbytes(size))
            all_give(path)
