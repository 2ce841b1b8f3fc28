"""What holds for every text whatever."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedValue
from core.schemas.instant import EARLIEST, LATEST
from core.values import types
from core.values.canonical import canonical, classify
from core.values.dates import instant
from core.values.detect import detect
from core.values.refang import refang
from core.values.tags import tag_key

CHARACTERS = "aAzZ019.:/-_@%[](){}<>\\*#?=& \t\n\x00\x7f\ud800\u2028\ufffdüß例❤hxpdot"
PIECES = st.sampled_from(
    ["192.0.2.1", "10", ".", "2001:db8::", "::ffff:", "example", ".com", "http://", "hxxp[:]//", "[.]", "[dot]", "(at)",
     "@", "/", "/24", ":443", "*.", "bücher", "xn--", "-", "_", "%zz", "[::1]", "C:\\", "HKLM\\", "AS1", "a" * 32]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.text(CHARACTERS, max_size=40), st.lists(PIECES, max_size=6).map("".join))
KINDS = st.sampled_from(sorted(types.TYPES))


@given(KINDS, TEXTS)
def test_canonical_is_idempotent_and_clean(kind, text):
    """The canonical form of a canonical form is itself, and holds nothing that breaks a line or a database."""
    try:
        value = canonical(kind, text)
    except RefusedValue:
        return

    assert value == canonical(kind, value)
    allowed = "\n\t" if kind == types.RULE else ""
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") or char in allowed for char in value)
    assert value == value.strip() != ""


@given(KINDS, TEXTS)
def test_classify_gives_canonical_values(kind, text):
    """What classify gives is canonical for the type that it gives."""
    try:
        found = classify(kind, text)
    except RefusedValue:
        return

    assert found[1] == canonical(*found)


@given(TEXTS)
def test_detect_is_stable(text):
    """What is detected is canonical, and is detected as the same again."""
    found = detect(text)
    if found is None:
        return

    assert found[1] == canonical(*found)
    assert found == detect(found[1])


@given(TEXTS)
def test_refang_is_idempotent(text):
    """A refanged text has nothing left to refang."""
    assert refang(text) == refang(refang(text))


@given(TEXTS)
def test_tag_keys_are_idempotent(text):
    """The key of a key is itself."""
    assert tag_key(text) == tag_key(tag_key(text))


@given(st.one_of(TEXTS, st.from_regex(r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}([T ][0-9:.+Z-]{1,20})?")))
def test_a_date_is_an_instant_or_refused(text):
    """No text makes dates do anything but give an instant of years 1 to 9999, or refuse."""
    try:
        moment = instant(text)
    except RefusedValue:
        return

    assert EARLIEST <= moment <= LATEST
