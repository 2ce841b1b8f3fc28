"""What the table says of a proof is what the tests wrote down."""

import json

import pytest
from format_proofs import proofs_of

from core.exports.formats import Consumer
from core.exports.formatting import proofs

READER = Consumer("a reader", "none", "nothing", "none")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Say what is told of a consumer after tests that proved it in these ways."""

    def text(*ways):
        file = tmp_path / "proofs.json"
        common = {"format": "some", "consumer": READER.name, "tests": ["a test"]}
        file.write_text(json.dumps([{**common, "how": how, "tools": {"tool": "1.0"}} for how in ways]), "utf-8")
        monkeypatch.setattr(proofs, "FILE", file)
        proofs._known.cache_clear()
        return proofs.proof_text("some", READER)

    yield text
    proofs._known.cache_clear()


@pytest.mark.parametrize(
    ("ways", "text"),
    [
        ((), "unproven"),
        (("format-checked",), "format-checked"),
        (("format-checked", "loaded"), "verified: loaded by tool 1.0, on hostile values and samples"),
        (("format-checked", "loaded", "real"), "verified: loaded by tool 1.0"),
        (("loaded", "asked", "real"), "verified: loaded by tool 1.0 and asked"),
        (("asked",), "verified: loaded by tool 1.0 and asked, on hostile values and samples"),
    ],
)
def test_the_strongest_proof_is_told(told, ways, text):
    """And whether real values were among those that the consumer took."""
    assert text == told(*ways)


@pytest.mark.parametrize("is_real", [False, True])
@pytest.mark.parametrize("how", ["format-checked", "loaded", "asked"])
def test_a_test_on_real_values_proves_that_too(how, is_real):
    """The mark of the folder of real intelligence says so; what no program took proves nothing of the kind."""
    marks = [pytest.mark.proof("jsonl", "jq", how, tool="jq").mark] + [pytest.mark.intel.mark] * is_real

    found = {way for _, _, way, _ in proofs_of(Item(marks))}

    assert ({how, "real"} if is_real and how != "format-checked" else {how}) == found


class Item:
    """A test, as far as its marks go."""

    nodeid, cls = "a test", None

    def __init__(self, marks):
        self._marks = marks

    def iter_markers(self, name):
        """Yield its marks of that name."""
        return (mark for mark in self._marks if mark.name == name)

    def get_closest_marker(self, name):
        """Return the first of them."""
        return next(self.iter_markers(name), None)
