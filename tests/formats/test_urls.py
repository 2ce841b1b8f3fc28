"""URLs, one a line: read by parsers made from what the devices' makers say of their lists."""

import ipaddress
import re
from urllib.parse import urlsplit

import pytest
from name_readers import checked, hostile, lines_of, written

from core.errors import DefinitionError, RefusedValue
from core.exports.formats import get_format, parse_options
from core.testing.formats import FormatConformance, Value
from core.values import canonical

LISTS = ("lists/eset-malware-ioc", "lists/unit42", "lists/volexity", "quick")
OWN_PORTS = {"http": 80, "https": 443}


def place(text):
    """Return the host of a URL without its scheme, its port and the rest; raise if it is no place of the web."""
    assert text.isascii()
    assert all(char.isprintable() and char != " " for char in text)
    authority, slash, rest = text.partition("/")
    assert slash, f"{text!r} has no path"
    found = re.fullmatch(r"([^:\[\]]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?", authority)
    assert found, f"{authority!r} is no place"
    host, port = found.groups()
    assert int(port or 1) <= 65535
    if host.startswith("["):
        assert str(ipaddress.IPv6Address(host[1:-1])) == host[1:-1]
    elif re.fullmatch(r"[0-9.]+", host):
        assert str(ipaddress.IPv4Address(host)) == host
    else:
        checked(host)
    return host, port, rest


def request(value, *, with_scheme):
    """Return what a device sees of the request for a URL; raise if it is not one of the web."""
    found = urlsplit(value)
    if found.scheme not in OWN_PORTS or "@" in found.netloc or "#" in value:
        raise ValueError(f"{value!r} is not what a device sees")
    port = "" if found.port in (None, OWN_PORTS[found.scheme]) else f":{found.port}"
    host = f"[{found.hostname}]" if ":" in found.hostname else found.hostname
    rest = value.split("://", 1)[1][len(found.netloc) :]
    path = rest if rest.startswith("/") else f"/{rest}"
    return (f"{found.scheme}://" if with_scheme else "") + host + port + path


class TestGeneric(FormatConformance):
    """Absolute URLs without white space."""

    format = "urls"

    def read(self, files):
        lines = lines_of(files)
        for line in lines:
            assert re.fullmatch(r"[a-z][a-z0-9+.-]*://[!-~]+", line)
        return lines


class TestPanOs(FormatConformance):
    """No scheme, no wildcard as a token, at most 255 characters, and a slash behind the host."""

    format = "urls"
    options = {"device": "pan-os"}

    def read(self, files):
        lines = lines_of(files)
        for line in lines:
            host, _, rest = place(line)
            assert len(line) <= 255
            assert not host.startswith("[")
            assert not set(rest) & set("*^#")
        return lines

    def entry(self, type, value):
        return request(value, with_scheme=False)


class TestFmc(TestPanOs):
    """The same of any length: percent-encoded, no IPv6 address, wildcards only in hosts, of which there are none."""

    options = {"device": "fmc"}

    def read(self, files):
        lines = lines_of(files)
        for line in lines:
            host, _, rest = place(line)
            assert not host.startswith("[")
            assert not set(rest) & set("*^#")
        return lines


class TestFortigate(FormatConformance):
    """With the scheme, no wildcard at the beginning or the end, no comment, IPv6 in brackets."""

    format = "urls"
    options = {"device": "fortigate"}

    def read(self, files):
        lines = lines_of(files)
        for line in lines:
            scheme, _, rest = line.partition("://")
            assert scheme in OWN_PORTS
            assert not set("".join(place(rest)[::2])) & set("*^#")
        return lines

    def entry(self, type, value):
        return request(value, with_scheme=True)


def of(folder, device, *values):
    """Return what the format makes of URLs."""
    kit = TestPanOs()
    kit.options = {"device": device}
    return written(kit, [Value("url", value) for value in values], folder)


@pytest.mark.parametrize(
    ("device", "lines"),
    [
        ("generic", ["http://a.example:80", "http://a.example?q=1", "https://a.example:8443/A"]),
        ("pan-os", ["a.example/", "a.example/?q=1", "a.example:8443/A"]),
        ("fmc", ["a.example/", "a.example/?q=1", "a.example:8443/A"]),
        ("fortigate", ["http://a.example/", "http://a.example/?q=1", "https://a.example:8443/A"]),
    ],
)
def test_each_device_gets_its_own_lines(tmp_path, device, lines):
    """Byte for byte."""
    found = of(tmp_path, device, "http://a.example:80", "http://a.example?q=1", "https://a.example:8443/A")

    assert {"export.txt": "".join(f"{line}\n" for line in lines).encode()} == found.files
    assert {} == found.refused


@pytest.mark.parametrize(
    ("device", "value", "reason"),
    [
        ("pan-os", "http://a.example/*/x", "wildcards"),
        ("pan-os", "http://a.example/a^b", "wildcards"),
        ("fmc", "http://a.example/*", "wildcards"),
        ("fortigate", "http://a.example/*", "wildcards"),
        ("pan-os", "ftp://a.example/x", "a scheme other than http and https"),
        ("pan-os", "http://u:p@a.example/x", "a user name"),
        ("fmc", "http://a.example/x#y", "a fragment"),
        ("fmc", "http://[2001:db8::9]/x", "an IPv6 address"),
        ("pan-os", "http://intranet/x", "a single label"),
        ("fortigate", "http://a.example:0/", "port 0"),
        ("fortigate", "http://a.example\\x", "a backslash"),
        ("pan-os", "http://A.example/x", "canonical form"),
    ],
)
def test_what_a_device_cannot_be_told_is_refused(tmp_path, device, value, reason):
    """With its reason; what stands beside it is written."""
    found = of(tmp_path, device, value, "http://b.example/")

    assert [reason in text for text in found.refused.values()] == [True]
    assert 1 == found.entries


def test_a_url_is_never_cut(tmp_path):
    """One of 255 characters is written whole, one of 256 is refused; the scheme does not count."""
    longest = "a.example/" + "x" * 245
    found = of(tmp_path, "pan-os", f"https://{longest}", f"https://{longest}x")

    assert {"export.txt": f"{longest}\n".encode()} == found.files
    assert [f"https://{longest}x"] == [value.value for value in found.refused]


def test_urls_that_become_one_are_written_once_and_counted(tmp_path):
    """http and https, the scheme's own port and none, an empty path and a slash."""
    values = ("http://a.example", "http://a.example/", "http://a.example:80/", "https://a.example:443")
    found = of(tmp_path, "pan-os", *values)

    assert {"export.txt": b"a.example/\n"} == found.files
    assert (4, 4) == (found.entries, len(found.accepted))
    assert "3 URLs are the same line as another to the device, and written once" in found.notes


def test_a_device_that_is_none_is_refused():
    """With the nearest."""
    with pytest.raises(DefinitionError, match="did you mean 'pan-os'"):
        parse_options(get_format("urls"), {"device": "panos"})


@pytest.mark.intel
@pytest.mark.parametrize("kit", [TestGeneric, TestPanOs, TestFmc, TestFortigate])
def test_real_urls_are_written_or_refused(tmp_path, intel, kit):
    """Each that is written is read back as its request, and few are refused."""
    some = real(intel)
    found = written(kit(), some, tmp_path)

    kit().check(found)
    assert len(some) > 500
    assert len(found.refused) < len(some) / 5


def real(intel):
    """Return the URLs in text files of real intelligence."""
    found = set()
    for folder in LISTS:
        for path in (intel / folder).rglob("*"):
            if path.suffix in (".txt", ".csv", ".md", ".adoc", ".json") and path.is_file():
                text = path.read_text("utf-8", "replace").replace("[.]", ".").replace("hxxp", "http")
                found |= set(re.findall(r"https?://[^\s\"'<>|,;)`\]]+", text))
    values = set()
    for text in found:
        try:
            values.add(Value(*canonical.classify("url", text)))
        except RefusedValue:
            continue
    return sorted(value for value in values if value.type == "url")


def test_hostile_urls_leave_the_others_alone(tmp_path):
    """All at once: every refusal is about one URL, and what is written is what was accepted."""
    for kit in (TestGeneric, TestPanOs, TestFmc, TestFortigate):
        kit().check(hostile(kit(), tmp_path / kit.__name__))
