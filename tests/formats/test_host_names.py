"""Host names in lists: what is listed as it is, what is refused, and what is below another."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.exports.formatting.contract import Value, Values
from core.exports.formatting.names import OutermostNames, listed_names
from core.testing.format_values import GOOD, TEXTS
from core.values import names

LABELS = st.text("ab-_!.\n", max_size=4) | st.sampled_from(["a", "b", "com", "co", "uk", "ck", "x" * 63, "x" * 64])
NAMES = st.lists(LABELS, max_size=6).map(".".join)


class Refusals:
    """Takes down what is refused."""

    def __init__(self):
        self.reasons = {}

    def refuse(self, row, reason):
        self.reasons[row.value] = reason


def listed(*values):
    """Return what is listed of *values*, and the reasons for what is not."""
    out = Refusals()
    return listed_names(Values("hostname", list(values)), out), out.reasons


@given(st.lists(NAMES, max_size=4, unique=True))
@hypothesis_settings(max_examples=500, deadline=None)
def test_a_batch_is_looked_at_as_its_names_are(some):
    """What one regular expression says of all is what is said of each; the order stays."""
    found, reasons = listed(*some)

    assert found == [name for name in some if name not in reasons]
    assert len(some) == len(found) + len(reasons)
    assert all(names.is_hostname(name) for name in found)
    for name in some:
        alone, _ = listed(name)
        assert alone == ([] if name in reasons else [name])


def test_harmless_names_are_listed_as_they_are():
    """The very list comes back: nothing was copied."""
    batch = Values("hostname", [*GOOD["hostname"]])

    assert listed_names(batch, Refusals()) is batch.values


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_hostile_passes(text):
    """Only what is a canonical host name does."""
    found, _ = listed("bad.example", text)

    assert ["bad.example", *([text] if names.is_hostname(text) else [])] == found


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("co.uk", False), ("evil.co.uk", True),
        ("anything.ck", False), ("www.ck", True), ("evil.anything.ck", True),
        ("city.kobe.jp", True), ("other.kobe.jp", False), ("kobe.jp", False), ("telemark.no", False),
        ("xn--mori-qsa.nz", False), ("com", False), ("github.io", True), ("evil.github.io", True),
    ],
)  # fmt: skip
def test_public_suffixes_are_refused(name, is_listed):
    """What registries run, and what is above that; not what companies run, for which there is an allow-list."""
    found, reasons = listed("bad.example", name)

    assert is_listed == (name in found)
    assert is_listed == (name not in reasons)


def test_the_reason_says_what_is_wrong():
    """In the words that imports use."""
    _, reasons = listed("com", "a..example", "BAD.example", "*.example", "co.uk", "192.0.2.1")

    assert {
        "com": "not a domain name: there is no dot in it",
        "a..example": "not a domain name: an empty label",
        "BAD.example": "a name that is not in lower case and A-labels without a dot at the end",
        "*.example": "a wildcard, not a domain name",
        "co.uk": "a public suffix, or above one: registries give out the names below it to anybody",
        "192.0.2.1": "an IPv4 address, not a domain name",
    } == reasons


@given(st.lists(st.lists(st.sampled_from(["a", "a-b", "b", "_a", "0", "z"]), min_size=2, max_size=5), max_size=12))
@hypothesis_settings(max_examples=500, deadline=None)
def test_only_outermost_names_are_given_back(some):
    """None of them is below another of all, wherever that stood; the others are counted."""
    every = sorted({".".join(labels) for labels in some})
    outermost = OutermostNames()
    outermost.add(every[:3])
    outermost.add(every[3:])

    kept = [name for batch in outermost.batches() for name in batch]

    parents = set(every)
    wanted = {name for name in every if not any(".".join(name.split(".")[i:]) in parents for i in range(1, 5))}
    assert wanted == set(kept)
    assert len(every) == len(kept) + outermost.covered


def test_many_come_in_batches():
    """In the order in which they read from the right, however many they are."""
    outermost = OutermostNames()
    outermost.add([f"h{number}.example" for number in range(25_000)])
    outermost.add(["example.net", "a.example.net"])

    batches = [*outermost.batches()]

    assert [*[2_000] * 12, 1_001] == [len(batch) for batch in batches]
    assert ["h10000.example", "h20000.example"] == batches[0][:2]
    assert 1 == outermost.covered


def test_a_value_of_another_type_keeps_it():
    """The refusal is of the observable as it came."""
    out = Refusals()
    out.refuse = lambda row, reason: out.reasons.setdefault(row, reason)

    listed_names(Values("url", ["x"]), out)

    assert [Value("url", "x")] == [*out.reasons]
