"""A strict reader of bundles of indicators, made from the standard and nothing of the format."""

import json
import re
import uuid

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NEEDED = {"type", "spec_version", "id", "created", "modified", "indicator_types", "name", "pattern"}
NEEDED |= {"description", "pattern_type", "pattern_version", "valid_from"}
ALLOWED = NEEDED | {
    "valid_until",
    "labels",
    "confidence",
    "object_marking_refs",
    "revoked",
    "created_by_ref",
}
INDICATOR_TYPES = {"anomalous-activity", "benign", "malicious-activity", "unknown"}
TLP_2 = {
    "94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
COMPARISON = re.compile(
    r"\[([a-z0-9-]+:[A-Za-z0-9_.'-]+) (=|ISSUBSET) (?:'((?:[^'\\]|\\['\\])*)'|([0-9]+))\]", re.DOTALL
)


def no_twins(pairs):
    """Refuse an object that has a property twice."""
    assert len(pairs) == len({name for name, _ in pairs}), pairs
    return dict(pairs)


def bundle_of(text):
    """Return the objects of a bundle."""
    bundle = json.loads(text, object_pairs_hook=no_twins)
    assert "bundle" == bundle.pop("type")
    check_id(bundle.pop("id"), "bundle")
    objects = bundle.pop("objects", [])
    assert {} == bundle
    assert '"objects"' not in text or objects, "a list of objects must not be empty"
    assert len(objects) == len({item["id"] for item in objects}), "an object stands there twice"
    return objects


def check_id(text, kind):
    """Raise if *text* is no id of that kind of object."""
    name, _, key = text.partition("--")
    assert kind == name
    assert str(uuid.UUID(key)) == key
    assert 5 == uuid.UUID(key).version
    assert uuid.RFC_4122 == uuid.UUID(key).variant


def check_indicator(item):
    """Raise on what the standard does not allow; return operator, path and value of its comparison."""
    assert NEEDED <= set(item) <= ALLOWED
    assert ("indicator", "2.1", "stix", "2.1") == (
        item["type"],
        item["spec_version"],
        item["pattern_type"],
        item["pattern_version"],
    )
    check_id(item["id"], "indicator")
    for name in ("created", "modified", "valid_from", "valid_until"):
        assert STAMP.fullmatch(item.get(name, item["created"]))
    assert item["created"] <= item["modified"]
    assert item["valid_from"] < item.get("valid_until", "9")
    assert INDICATOR_TYPES >= set(item["indicator_types"])
    assert 0 <= item.get("confidence", 0) <= 100
    assert item.get("revoked", True) is True
    labels = item.get("labels", ["x"])
    assert labels
    assert all(isinstance(label, str) for label in labels)
    assert all(labels)
    for reference in item.get("object_marking_refs", ()):
        assert reference.removeprefix("marking-definition--") in TLP_2
    return comparison_of(item["pattern"])


def comparison_of(pattern):
    """Return path, operator and value of a pattern that is one comparison."""
    found = COMPARISON.fullmatch(pattern)
    assert found, pattern
    path, operator, text, number = found.groups()
    return path, operator, number if text is None else re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def tlp_of(item):
    """Return how an indicator is marked; nothing if it is not."""
    (found,) = item.get("object_marking_refs", ("",))
    return TLP_2.get(found.removeprefix("marking-definition--"), "")
