"""Undoing what people do to values."""

import pytest

from core.values.refang import refang


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("192.0.2[.]1", "192.0.2.1"),
        ("evil(.)example{.}com", "evil.example.com"),
        ("evil[dot]example(DOT)com", "evil.example.com"),
        (r"evil\.example\.com", "evil.example.com"),
        ("evil[.example.com", "evil.example.com"),
        ("hxxp://evil[.]example/a", "http://evil.example/a"),
        ("HXXPS://evil.example", "https://evil.example"),
        ("h**p://evil.example", "http://evil.example"),
        ("hxxp[s]://evil.example", "https://evil.example"),
        ("hxxp[:]//evil.example", "http://evil.example"),
        ("hxxp[://]evil.example", "http://evil.example"),
        ("fxp://evil.example", "ftp://evil.example"),
        ("2001[:]db8[:][:]1", "2001:db8::1"),
        ("someone[@]evil.example", "someone@evil.example"),
        ("someone(at)evil[.]example", "someone@evil.example"),
        ("[evil.example]", "evil.example"),
        ("<hxxp://evil.example>", "http://evil.example"),
        ("[[.]evil[.]example]", ".evil.example"),
        ("evil [.] example", "evil.example"),
        ("someone [at] evil [dot] example", "someone@evil.example"),
        ("hxxp://evil.example/a[.]php?b(dot)c", "http://evil.example/a.php?b.c"),
        ("http://evil[.]example/a(dot)php", "http://evil.example/a.php"),
        ("https://evil.example/[.]well-known/x", "https://evil.example/.well-known/x"),
    ],
)
def test_the_usual_ways_to_defang_are_undone(text, value):
    """Brackets, words and letters put in so that nobody clicks are taken out again."""
    assert value == refang(text)
    assert value == refang(value)


@pytest.mark.parametrize(
    "text",
    ["192.0.2.1", "http://[2001:db8::1]:8080/x", "http://[::]/", "http://evil.example/?q[at]=1",
     r"C:\.ssh\known", r"\\.\pipe\x", r"C:\Users\x\.config", "hxxpress.example", "https://evil.example/a(1)b",
     "foo.xxx", "a__b.example.com", "http://evil.example/?q=(dot)", "http://evil.example/go/hxxp://x.example",
     "http://evil.example/?re=a[.]b", "http://user@[2001:db8::1]/x{dot}y", "http://evil.example/x(.)y",
     "https://evil.example/<a>"],
)  # fmt: skip
def test_a_value_that_is_not_defanged_stays(text):
    """The brackets of an IPv6 address, dots of Windows paths and odd names are left alone."""
    assert text == refang(text)
