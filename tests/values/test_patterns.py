"""Texts and patterns of others, looked for in values: the same as plain search finds, and never for long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedValue
from core.values.patterns import MAX_PATTERN_CHARS, MAX_SEARCHED_CHARS, Substrings, pattern


@given(st.lists(st.text("aAbé.", max_size=6), max_size=8), st.text("aAbBé.", max_size=30))
def test_substrings_are_those_that_are_in_it(texts, value):
    """As many as a search for each finds, of any length, whatever the case."""
    found = set(Substrings((text, number) for number, text in enumerate(texts)).found_in(value))

    assert found == {number for number, text in enumerate(texts) if text and text.lower() in value.lower()}


@pytest.mark.parametrize(
    ("text", "value", "is_found"),
    [
        (r"/^\+?1[0-9]{3}$/", "+1234", True),
        (r"/EVIL/i", "an evil name", True),
        (r"EVIL", "an evil name", False),
        (r"#^a/b$#", "a/b", True),
        (r"^(\d{1,3}\.){3}\d{1,3}$", "192.0.2.1", True),
        (r"[a-z]+\.example$", "www.example", True),
        (r"/a b/x", "ab", True),
    ],
)
def test_a_pattern(text, value, is_found):
    """With delimiters and flags as in PHP, or plain."""
    assert is_found == bool(pattern(text).search(value))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(", "no regular expression"),
        ("(?P<a", "no regular expression"),
        ("(" * 5_00, "no regular expression"),
        ("a" * (MAX_PATTERN_CHARS + 1), "of more than"),
        ("/a/e", "the flag 'e'"),
        ("x{99999999999}", "no regular expression"),
        (r"(a+)+$", "very long"),
        (r"(a|aa)+$", "very long"),
        (r"(a|a)*$", "very long"),
        (r"(a?){60}a{60}", "very long"),
        (r"(.*)*", "very long"),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "very long"),
        (r".*a.*a.*a.*a$", "very long"),
        (r"((a{0,9}){0,9}){0,9}b", "very long"),
        (r"(a)\1", "very long"),
        (r"(?=a)", "very long"),
        ("(x+x+)+y", "very long"),
    ],
)
def test_a_pattern_that_is_refused(text, reason):
    """What is none, and what could take long, with the reason."""
    with pytest.raises(RefusedValue, match=reason):
        pattern(text)


@pytest.mark.parametrize(
    "text", [r"a*a*b", r".*a.*b", r"(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)(a|b|ab)c", r"a{0,90}a{0,90}b"]
)
def test_what_is_taken_is_quick_on_the_worst_value(text):
    """The longest value that is searched, which nearly matches everywhere."""
    taken = pattern(text)
    begin = time.process_time()

    assert taken.search("a" * MAX_SEARCHED_CHARS) is None
    assert time.process_time() - begin < 2


@given(st.text(r"ab.*+?()|[]{}\d^$,1 9", max_size=12), st.text("ab", max_size=40))
def test_any_text_is_a_pattern_or_refused(text, value):
    """Nothing else happens; and what is taken finds what Python finds."""
    try:
        taken = pattern(text)
    except RefusedValue:
        return
    assert bool(taken.search(value)) == bool(re.search(text, value))
