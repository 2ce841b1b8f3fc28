"""What one format refuses, the others refuse for the same reason, where they have the same reason to."""

import pytest

from core.exports.formats import Value, formats, get_format
from core.testing.formats import FormatConformance

OF_NOTHING = {
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512": "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
}
"""The hashes of a file of no bytes, as md5sum, sha1sum, sha256sum and sha512sum print them."""

FOR_EXCHANGE = {"list", "csv", "jsonl"}
"""They write what there is, for people and other programs; nothing is blocked by them."""

OPTIONS = {
    ("splunk", "hostname"): {"collection": "domain"},
    ("splunk", "url"): {"collection": "http_intel"},
    **{("splunk", type_): {"collection": "file_intel"} for type_ in OF_NOTHING},
    ("suricata", "url"): {"https": "yes"},
    ("urls", "url"): {"device": "fortigate"},
}
ON_THE_WIRE = ("check-point", "defender", "splunk", "suricata", "urls", "wazuh-cdb", "zeek")
"""Formats of URLs that are compared with what clients ask for."""

PAIRS = [
    (name, type_)
    for name, form in formats().items()
    for type_ in OF_NOTHING
    if name not in FOR_EXCHANGE and form.TYPES is not None and type_ in form.TYPES
]


def verdict(name, value, folder):
    """Return why a format refuses a value; empty if it writes it."""
    kit = FormatConformance()
    kit.options = OPTIONS.get((name, value.type), {})
    return kit.write(get_format(name), [value], folder).refused.get(value, "")


@pytest.mark.parametrize(("name", "type_"), PAIRS)
def test_the_hash_of_an_empty_file_is_refused(name, type_, tmp_path):
    """Every system is full of them, and whatever blocks or tells of one blocks or tells of them all."""
    assert "the hash of an empty file" == verdict(name, Value(type_, OF_NOTHING[type_]), tmp_path)


@pytest.mark.parametrize("name", sorted(FOR_EXCHANGE))
def test_what_is_for_exchange_loses_nothing(name, tmp_path):
    """Also not that."""
    assert "" == verdict(name, Value("md5", OF_NOTHING["md5"]), tmp_path)


@pytest.mark.parametrize(("name", "type_"), PAIRS)
def test_a_hash_in_capitals_is_refused_for_one_reason(name, type_, tmp_path):
    """It says what it ought to be."""
    digits = len(OF_NOTHING[type_])

    reason = verdict(name, Value(type_, "AB" * (digits // 2)), tmp_path)

    assert reason.startswith(f"not {digits} hexadecimal digits in lower case, as ")


@pytest.mark.parametrize("name", ON_THE_WIRE)
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://user:x@a.example/", "a URL with a user name, which no request has"),
        ("http://a.example/#x", "a URL with a fragment, which no request has"),
        ("http://a.example\\x", "a URL with a backslash, which some programs take for a slash"),
        ("http://a.example\\@b/", "a URL with a backslash, which some programs take for a slash"),
        ("http://a.example/a\\b", "a URL with a backslash, which some programs take for a slash"),
        ("http://a.example:0/", "a URL of port 0"),
        ("http://localhost/", "a URL whose host is a single label"),
        ("http://A.example/", "a URL that is not in its canonical form"),
        ("http://a.example:080/", "a URL that is not in its canonical form"),
        ("http://a.example/x", ""),
        ("http://a.example?x", ""),
        ("https://198.51.100.7:8443/a|b", ""),
    ],
)
def test_a_url_that_no_client_asks_for_is_refused(name, url, reason, tmp_path):
    """As it stands there nothing would ever match it."""
    assert reason == verdict(name, Value("url", url), tmp_path)


@pytest.mark.parametrize("name", ["defender", "splunk", "suricata", "urls", "zeek"])
def test_a_url_of_another_scheme_is_refused_where_http_is_looked_at(name, tmp_path):
    """Check Point and Wazuh look at other things, too."""
    url = Value("url", "ftp://a.example/x")

    assert "a scheme other than http and https" == verdict(name, url, tmp_path)


@pytest.mark.parametrize("name", ["check-point", "wazuh-cdb"])
def test_a_url_of_another_scheme_is_written_elsewhere(name, tmp_path):
    """Without user and fragment."""
    assert "" == verdict(name, Value("url", "ftp://a.example/x"), tmp_path)
    assert verdict(name, Value("url", "ftp://u@a.example/x"), tmp_path).startswith("a URL with a user name")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, form in formats().items()
        if form.TYPES and "hostname" in form.TYPES and name not in FOR_EXCHANGE
    ],
)
@pytest.mark.parametrize("value", ["co.uk", "com", "*.com", "uk"])
def test_a_public_suffix_is_refused(name, value, tmp_path):
    """What is below it belongs to everybody."""
    reason = verdict(name, Value("hostname", value), tmp_path)

    assert reason
    if value == "co.uk":
        assert "a public suffix, or above one: registries give out the names below it to anybody" == reason


@pytest.mark.parametrize("name", ["ecs", "misp-feed", "stix"])
@pytest.mark.parametrize(("type_", "value"), [("ipv4", "0.0.0.0"), ("ipv6", "::")])
def test_what_stands_for_every_address_is_refused(name, type_, value, tmp_path):
    """Also where indicators are described: they are blocked by in the end."""
    assert "stands for every address" == verdict(name, Value(type_, value), tmp_path)
