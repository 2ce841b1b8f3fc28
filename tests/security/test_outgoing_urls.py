"""URLs that somebody names: what is taken for one, and how each is read."""

import pytest

from core.api.outgoing_url import parsed
from core.errors import RefusedValue


@pytest.mark.parametrize(
    ("text", "expected", "host"),
    [
        ("http://feeds.example/a.txt", "http://feeds.example/a.txt", "feeds.example"),
        ("HTTPS://Feeds.Example:443/a?b=c&d=%20#part", "https://feeds.example/a?b=c&d=%20", "feeds.example"),
        ("http://feeds.example", "http://feeds.example/", "feeds.example"),
        ("http://feeds.example.:8080/", "http://feeds.example:8080/", "feeds.example"),
        ("http://192.0.2.1/x", "http://192.0.2.1/x", "192.0.2.1"),
        ("http://[2001:DB8::1]:8000/x", "http://[2001:db8::1]:8000/x", "2001:db8::1"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example"),
        # Digits of other scripts are digits: this is an address, and judged as one.
        ("http://１２７.0.0.1/", "http://127.0.0.1/", "127.0.0.1"),  # noqa: RUF001
        ("http://127。0。0。1/", "http://127.0.0.1/", "127.0.0.1"),
    ],
)
def test_url_is_read(text: str, expected: str, host: str) -> None:
    """Once, by one reader; what is sent is what was read."""
    found = parsed(text)

    assert (expected, host) == (str(found), found.host)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "feeds.example/a",
        "//feeds.example/a",
        "file:///etc/passwd",
        "ftp://feeds.example/a",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://127.0.0.1:11211/stat",
        "jar:http://feeds.example!/a",
        "data:text/plain,8.8.8.8",
        "http://",
        "http:///a",
        "http://user:secret@feeds.example/",
        "http://feeds.example@127.0.0.1/",
        "http://127.0.0.1\\@feeds.example/",
        "http://feeds.example\\.evil.example/",
        "http://feeds.example /",
        "http://feeds.example/a b",
        "http://feeds.example/a\r\nHost: evil.example",
        "http://feeds.example/\x00",
        "http://feeds.example:0/",
        "http://feeds.example:22/",
        "http://feeds.example:25/",
        "http://feeds.example:99999/",
        "http://feeds.example:x/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1.:1.2.3/",
        "http://0/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1/",
        "http://[127.0.0.1]/",
        "http://a..b/",
        "http://-a.example/",
        "http://a_b!.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        "http://feeds.example/" + "a" * 5_000,
        "http://xn--ls8h=.example/",
    ],
)
def test_what_is_no_url_of_the_web_is_refused(text: str) -> None:
    """Or is one that another program would read otherwise; the refusal quotes no password."""
    with pytest.raises(RefusedValue) as caught:
        parsed(text)

    assert "secret" not in str(caught.value)
