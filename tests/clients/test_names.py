"""Which file names are allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clients.persistient_storage import names
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.clients.persistient_storage.s3.place import parsed
from core.errors import InvalidFileName

PARTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=40
).filter(lambda part: part not in (".", ".."))
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@given(NAMES)
def test_ordinary_parts_make_a_name(name):
    """Any characters but controls, slashes and backslashes are fine; ``~`` and a drive letter not at the start."""
    if name[0] == "~" or name[1:2] == ":":
        return
    assert names.check(name) == name


@given(st.text())
def test_whatever_is_allowed_stays_below_the_root(text):
    """A name that is not refused is below the folder, and below the prefix, wherever it is put."""
    try:
        names.check(text)
    except InvalidFileName:
        return
    place = LocalStorageClient("/srv/exports").file_path(text)
    assert place == f"/srv/exports/{text}"
    assert ".." not in place.split("/")
    assert parsed("s3://bucket/prefix").key(text) == f"prefix/{text}"


@given(NAMES, st.sampled_from(["..", ".", ""]), st.data())
def test_a_bad_part_is_refused_anywhere(name, part, data):
    """``..``, ``.`` and an empty part are refused at the start, at the end and in between."""
    parts = name.split("/")
    parts.insert(data.draw(st.integers(0, len(parts))), part)
    with pytest.raises(InvalidFileName):
        names.check("/".join(parts))


@given(st.text(max_size=300), st.sampled_from("\0\n\r\t\x1b\x7f\x85\\\ud800"), st.text(max_size=300))
def test_a_bad_character_is_refused_anywhere(before, letter, after):
    """Controls, backslashes and halves of surrogate pairs are refused, and the message can be printed."""
    with pytest.raises(InvalidFileName) as caught:
        names.check(before + letter + after)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "relative"),
        ("../../etc/passwd", r"\. and \.\."),
        ("a/", "empty part"),
        ("a\\b", "backslash"),
        ("~root/x", "home folder"),
        ("C:/x", "drive letter"),
        ("d/.yeti-00112233aabbccdd.part", "being written"),
        ("ü" * 128, "longer than 255 bytes"),
        ("/".join(["a" * 90] * 10), "longer than 900 bytes"),
    ],
)
def test_the_reason_is_said(name, reason):
    """The message names what is wrong."""
    with pytest.raises(InvalidFileName, match=reason):
        names.check(name)


@pytest.mark.parametrize(
    "name", ["ü" * 127 + "a", "/".join(["a" * 89] * 10), "...", "a..b", ".versions/x", "-rf", "a~"]
)
def test_the_limits_are_where_they_are_said(name):
    """What is just within the limits is fine."""
    assert names.check(name) == name


@pytest.mark.parametrize("name", [b"x", None, 3])
def test_a_name_is_text(name):
    """Anything else is a mistake in the program."""
    with pytest.raises(TypeError):
        names.check(name)
