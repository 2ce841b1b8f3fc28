"""Datasets and lists of hashes for Suricata: read by a parser of our own, loaded by Suricata, and asked by traffic."""

import base64
import hashlib
import re

import address_reading as reading
import pytest
from name_readers import checked, hostile, written
from packets import Capture, ja3s
from real_names import real_names
from suricata_program import alerts, tried
from suricata_reader import rules_in

from core.errors import DefinitionError, RenderError
from core.exports.formats import get_format, parse_options
from core.exports.output import SpoolOutput
from core.testing.formats import FormatConformance, Value

DATASETS = "Suricata, datasets"
BASE = 1_000_000_000
LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}


class TestDatasets(FormatConformance):
    """Every list is loaded by its rules as what it is."""

    format = "suricata-dataset"
    kinds = ("hostname", "ip", "ja3", "md5", "sha1", "sha256")
    buffers = {
        "hostname": (
            ("dns", "dns.query", "to_lowercase"),
            ("tls", "tls.sni", "to_lowercase"),
            ("http", "http.host", "to_lowercase"),
        ),
        "ip": (("ip", "ip.src"), ("ip", "ip.dst")),
        "ja3": (("tls", "ja3.hash"), ("tls", "ja3s.hash")),
    }
    action = "alert"

    def read(self, files):
        lists = {f"export-{kind}.lst": kind for kind in self.kinds}
        assert {"export.rules", *lists} == set(files)
        found = {kind: [] for kind in self.kinds}
        for rule in rules_in(files["export.rules"]):
            assert self.action == rule.head[0]
            assert ("any", "any", "->", "any", "any") == rule.head[2:]
            kind, buffer = self.loaded(rule.match(), lists, files)
            found[kind].append((rule.head[1], *buffer))
        entries = []
        for name, kind in lists.items():
            lines = files[name].decode("ascii").split("\n")
            assert "" == lines.pop()
            expected = [("ip",)] if kind in LENGTHS else list(self.buffers[kind])
            assert (expected if lines or kind not in LENGTHS else []) == found[kind]
            entries += [f"{kind} {self.value(kind, line)}" for line in lines]
        return entries

    def loaded(self, match, lists, files):
        """Return which list a rule loads, and what it compares with it."""
        if match[0][0].startswith("file"):
            ((keyword, name),) = match
            assert f"file{lists[name]}" == keyword
            assert files[name], "rohash: no items"
            return lists[name], ()
        (place,) = [place for place, (keyword, _) in enumerate(match) if keyword == "dataset"]
        words = re.fullmatch(
            r"isset,([A-Za-z0-9_.-]{1,63}),type (string|ip),load (\S+),hashsize (\d+),memcap (\d+)mb",
            match[place][1],
        )
        kind = lists[words[3]]
        assert (f"export-{kind}", "ip" if kind == "ip" else "string") == words.groups()[:2]
        assert files[words[3]].count(b"\n") <= int(words[4])
        assert 1_024 <= int(words[4]) <= 65_536
        assert ("threshold" in dict(match)) == (kind == "ip")
        assert all(not value for _, value in match[:place])
        return kind, tuple(keyword for keyword, _ in match[:place])

    def value(self, kind, line):
        if kind in LENGTHS:
            assert re.fullmatch(rf"[0-9a-f]{{{LENGTHS[kind]}}}", line)
            return line
        if kind == "ip":
            assert "/" not in line
            return str(reading.network(line).network_address)
        text = base64.b64decode(line, validate=True).decode("ascii")
        if kind == "ja3":
            assert re.fullmatch(r"[0-9a-f]{32}", text)
            return text
        return checked(text)

    def entry(self, type, value):
        return f"{'ip' if type in ('ipv4', 'ipv6') else type} {value}"


class TestFewerLists(TestDatasets):
    """Of names and one kind of hashes only, in two protocols, to drop."""

    options = {"lists": "sha256,hostname", "protocols": "quic,dns", "action": "drop", "sid": "1"}
    kinds = ("hostname", "sha256")
    buffers = {"hostname": (("dns", "dns.query", "to_lowercase"), ("quic", "quic.sni", "to_lowercase"))}
    action = "drop"

    @pytest.fixture
    def types(self):
        return ["hostname", "sha256"]


def _set(folder, some, kit=TestDatasets):
    """Write the files of a set, and return the path of the rules."""
    return _put(written(kit(), some, folder / "made"), folder)


def _put(made, folder):
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    return folder / "export.rules"


def _checked(folder, kit=TestDatasets):
    """Ask the check of the format, which finds files under the names that the spool gives them."""
    form = get_format("suricata-dataset")
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    paths = []
    for number, name in enumerate(["export.rules", *(f"export-{kind}.lst" for kind in kit.kinds)]):
        paths.append(spool / f"{number}.part")
        paths[-1].write_bytes((folder / name).read_bytes())
    return form.check(paths, parse_options(form, kit.options))


def test_what_is_written(tmp_path):
    """To the letter: a line of base64 is the name and no line end."""
    some = [
        Value("hostname", "bad.example"),
        Value("ipv6", "2001:db8::1"),
        Value("md5", "951519292e579bb7a89b945f2d8413e0"),
    ]
    rules = _set(tmp_path, some)

    assert "YmFkLmV4YW1wbGU=\n" == (tmp_path / "export-hostname.lst").read_text()
    assert "2001:db8::1\n" == (tmp_path / "export-ip.lst").read_text()
    assert "951519292e579bb7a89b945f2d8413e0\n" == (tmp_path / "export-md5.lst").read_text()
    first, *_, last = rules.read_text().splitlines()
    assert (
        'alert dns any any -> any any (msg:"Yeti name in DNS"; dns.query; to_lowercase; '
        "dataset:isset,export-hostname,type string,load export-hostname.lst,hashsize 1024,memcap 64mb; "
        "classtype:trojan-activity; sid:1000000000; rev:1;)"
    ) == first
    assert (
        'alert ip any any -> any any (msg:"Yeti file by MD5"; filemd5:export-md5.lst; classtype:trojan-activity; '
        "sid:1000000024; rev:1;)"
    ) == last


@pytest.mark.parametrize(
    ("count", "hashsize", "memcap"), [(1_024, 1_024, 64), (5_000, 8_192, 64), (300_000, 65_536, 128)]
)
def test_the_rules_say_how_large_a_list_is(tmp_path, count, hashsize, memcap):
    """As a power of two, so that a revision does not rise with every entry."""
    _set(tmp_path, [Value("hostname", f"h{number}.example") for number in range(count)])

    assert f"hashsize {hashsize},memcap {memcap}mb;" in (tmp_path / "export.rules").read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lists": "md6"}, "did you mean 'md5'"),
        ({"lists": ""}, "has no value ''"),
        ({"protocols": "smtp"}, "has no value 'smtp'"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """With the nearest."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("suricata-dataset"), options)


def test_what_no_list_is_for_is_refused(tmp_path):
    """Not left out without a word."""
    made = written(TestFewerLists(), [Value("md5", "0" * 32), Value("hostname", "bad.example")], tmp_path)

    assert {Value("md5", "0" * 32): "of a kind that the option lists leaves out"} == made.refused
    assert 1 == made.entries


@pytest.mark.parametrize("name", ["a b.rules", "a,b.rules", "a;b.rules", f"{'a' * 49}.rules"])
def test_a_file_name_that_cannot_stand_in_a_rule(tmp_path, name):
    """A blank or a comma would end it."""
    form = get_format("suricata-dataset")
    out = SpoolOutput(tmp_path, name, form.MEDIA_TYPE)

    with pytest.raises(RenderError, match="cannot stand in a rule"):
        form.render_values(iter([]), out, parse_options(form, {}))


@pytest.mark.proof("suricata-dataset", DATASETS, "loaded", tool="suricata")
@pytest.mark.parametrize("kit", [TestDatasets, TestFewerLists])
def test_suricata_takes_whatever_is_written(tmp_path, kit):
    """After all hostile values, without an error or a warning; so does the check before publishing."""
    made = hostile(kit(), tmp_path / "made")
    rules = _put(made, tmp_path)

    assert [] == tried(rules)
    assert [] == _checked(tmp_path, kit)

    listed = tmp_path / "export-hostname.lst"
    listed.write_text(listed.read_text() + "bad.example\n")
    assert _checked(tmp_path, kit)


@pytest.mark.proof("suricata-dataset", DATASETS, "loaded", tool="suricata")
def test_suricata_takes_nothing(tmp_path):
    """Empty lists, of hashes without a rule."""
    rules = _set(tmp_path, [])

    assert [] == tried(rules)
    assert [] == _checked(tmp_path)


@pytest.mark.proof("suricata-dataset", DATASETS, "asked", tool="suricata")
def test_what_is_listed_is_told(tmp_path):
    """In each of its lists; what is near it is not."""
    bodies = {kind: f"a file for {kind}".encode() * 400 for kind in LENGTHS}
    some = [
        Value(kind, hashlib.new(kind, body, usedforsecurity=False).hexdigest()) for kind, body in bodies.items()
    ]
    some += [Value("hostname", "bad.example"), Value("ipv4", "192.0.2.1"), Value("ipv4", "192.0.2.3")]
    some += [Value("ipv6", "2001:db8::1"), Value("ja3", ja3s())]
    rules = _set(tmp_path, some)
    capture = Capture()
    caught = {
        capture.dns_query("BAD.example"): [BASE],
        capture.http("Bad.example:8080", "/", port=8080): [BASE + 2],
        capture.packet("192.0.2.1", "10.1.1.1"): [BASE + 8],
        capture.packet("2001:db8:1::1", "2001:db8::1"): [BASE + 9],
        capture.http("x.example", "/", server="192.0.2.3"): [BASE + 8, BASE + 9],
        capture.tls("x.example"): [BASE + 17],
        capture.tls("bad.example"): [BASE + 1, BASE + 17],
    }
    for number, body in enumerate(bodies.values()):
        caught[capture.http("x.example", "/f", body=body)] = [BASE + 24 + 8 * number]
        capture.http("x.example", "/f", body=body[:-1])
    for name in ("x.bad.example", "bad.example.org", "notbad.example"):
        capture.dns_query(name)
        capture.http(name, "/")
    capture.packet("192.0.2.2", "10.1.1.1")
    capture.packet("2001:db8:1::1", "2001:db8::2")

    assert caught == alerts(rules, capture)


@pytest.mark.intel
@pytest.mark.proof("suricata-dataset", DATASETS, "asked", tool="suricata")
def test_real_names_and_addresses_are_told(tmp_path, intel):
    """All lists of names, and thousands of addresses; those that are not listed are not told."""
    names = real_names(intel)
    real = [value for value in reading.real(intel) if value.type != "cidr"]
    made = written(TestDatasets(), [*names.listed, *real], tmp_path / "made")
    rules = _put(made, tmp_path)
    on_list = {value.value for value in made.accepted}
    listed, others = reading.asked(real, 200)
    capture = Capture()
    caught = set()
    for name in (*names.some, *names.below, *names.passing):
        port = capture.dns_query(name)
        caught |= {port} if name in on_list else set()
    client = {True: "2a03:7777::1", False: "10.1.1.1"}
    caught |= {capture.packet(client[":" in address], address) for address in set(listed)}
    for address in others:
        capture.packet(client[":" in address], address)

    assert [] == tried(rules)
    assert len(caught) > 300
    assert caught == set(alerts(rules, capture))
