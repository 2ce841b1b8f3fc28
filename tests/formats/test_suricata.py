"""Rules for Suricata: read by a parser of our own, tried by Suricata, and asked by replaying traffic."""

import re
from collections import defaultdict
from urllib.parse import urlsplit

import pytest
from name_readers import hostile, put, written
from packets import Capture, ja3, ja3s
from real_names import real_addresses, real_names
from real_urls import real_urls
from suricata_program import alerts, told, tried
from suricata_reader import decoded, rules_in

from core.errors import DefinitionError
from core.exports.formats import get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import SpoolOutput
from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance, Value, Values

SURICATA = "Suricata, rule files"
BASE = 1_000_000_000


class TestSuricata(FormatConformance):
    """For every observable all of its rules, and nothing else."""

    format = "suricata"
    refuses = frozenset(value for value in GOOD["url"] if value.startswith("https:"))
    # A port that is named though it is that of the scheme says nothing.
    may_repeat = True
    base = BASE
    action = "alert"
    protocols = ("dns", "tls", "http")
    buffers = {"dns": "dns.query", "tls": "tls.sni", "http": "http.host", "quic": "quic.sni"}

    def read(self, files):
        observables = defaultdict(list)
        for rule in rules_in(files["export.rules"]):
            assert self.action == rule.head[0]
            assert re.fullmatch(r"[A-Za-z0-9 _.:()/\[\]-]+", rule.one("msg"))
            number, slot = divmod(int(rule.one("sid")) - self.base, 8)
            observables[number].append((slot, rule))
        return [self.observable(sorted(rules, key=lambda item: item[0])) for rules in observables.values()]

    def observable(self, rules):
        slots, rules = [slot for slot, _ in rules], [rule for _, rule in rules]
        protocols = [rule.head[1] for rule in rules]
        if protocols == ["ip"]:
            return self.address(rules[0])
        if protocols == ["http"] and slots == [0]:
            return self.url(rules[0])
        if protocols == ["tls", "tls"]:
            return self.fingerprint(rules)
        assert list(self.protocols) == protocols
        assert [("dns", "tls", "http", "quic").index(word) for word in protocols] == slots
        (name,) = {self.name(rule) for rule in rules}
        return name

    def address(self, rule):
        assert ("ip", "any", "any", "<>", "any") == (*rule.head[1:5], rule.head[6])
        assert [] == rule.match()
        return rule.head[5]

    def url(self, rule):
        assert ("any", "any", "->", "any", "any") == rule.head[2:]
        (host, _), place, nocase, *whole, (uri, _), target, start, end = rule.match()
        assert "http.host.raw" == host
        assert uri in ("http.uri", "http.uri.raw")
        assert [("nocase", ""), ("startswith", ""), ("endswith", "")] == [nocase, *whole]
        assert [("startswith", ""), ("endswith", "")] == [start, end]
        assert "content" == place[0] == target[0]
        return f"http {decoded(place[1])} {decoded(target[1])}"

    def fingerprint(self, rules):
        matches = [rule.match() for rule in rules]
        assert ["ja3.hash", "ja3s.hash"] == [match[0][0] for match in matches]
        (text,) = {decoded(match[1][1]) for match in matches}
        assert all(match[2:] == [("startswith", ""), ("endswith", "")] for match in matches)
        return text

    def name(self, rule):
        assert ("any", "any", "->", "any", "any") == rule.head[2:]
        first, *match = rule.match()
        assert (self.buffers[rule.head[1]], "") == first
        if rule.head[1] == "http":
            assert ("to_lowercase", "") == match.pop(0)
        else:
            match.remove(("nocase", ""))
        return self.matched_name(match)

    def matched_name(self, match):
        prefix, (keyword, text), end = match
        assert [("dotprefix", ""), "content", ("endswith", "")] == [prefix, keyword, end]
        assert text.startswith(".")
        return decoded(text)[1:]

    def entry(self, type, value):
        if type != "url":
            return value
        parts = urlsplit(value)
        assert not parts.username
        assert not parts.fragment
        assert parts.scheme in self.schemes
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        query = f"?{parts.query}" if "?" in value else ""
        return f"http {host}{port} {parts.path or '/'}{query}"

    schemes = ("http",)


class TestEveryOption(TestSuricata):
    """Another action, other sids, names alone, QUIC, URLs of https."""

    options = {
        "action": "drop",
        "sid": "4000000000",
        "msg": "C2 of us (list 1)",
        "classtype": "",
        "metadata": "source yeti, level 1.0",
        "protocols": "quic, dns",
        "subdomains": "no",
        "https": "yes",
    }
    refuses = frozenset()
    base = 4_000_000_000
    action = "drop"
    protocols = ("dns", "quic")
    schemes = ("http", "https")

    def matched_name(self, match):
        (keyword, text), *rest = match
        assert "content" == keyword
        assert [("startswith", ""), ("endswith", "")] == rest
        return decoded(text)


def _rules(folder, some, **options):
    kit = TestSuricata()
    kit.options = options
    return put(written(kit, some, folder / "made").files, folder / "export.rules")


def test_what_is_written(tmp_path):
    """To the letter."""
    some = [
        Value("hostname", "bad.example"),
        Value("ipv4", "192.0.2.1"),
        Value("ja3", "e7d705a3286e19ea42f587b344ee6865"),
        Value("url", "http://a.example:8080/x;y?z=%20"),
    ]
    end = "classtype:trojan-activity; sid:{}; rev:1;)\n"
    anywhere = "any any -> any any"

    assert (
        "".join(
            [
                f'alert dns {anywhere} (msg:"Yeti name bad.example in DNS"; dns.query; dotprefix; '
                f'content:".bad.example"; nocase; endswith; {end.format(1000000000)}',
                f'alert tls {anywhere} (msg:"Yeti name bad.example in TLS"; tls.sni; dotprefix; '
                f'content:".bad.example"; nocase; endswith; {end.format(1000000001)}',
                f'alert http {anywhere} (msg:"Yeti name bad.example in HTTP"; http.host; to_lowercase; dotprefix; '
                f'content:".bad.example"; endswith; {end.format(1000000002)}',
                f'alert ip any any <> 192.0.2.1 any (msg:"Yeti address 192.0.2.1"; {end.format(1000000008)}',
                f'alert tls {anywhere} (msg:"Yeti JA3 e7d705a3286e19ea42f587b344ee6865"; ja3.hash; '
                f'content:"e7d705a3286e19ea42f587b344ee6865"; startswith; endswith; {end.format(1000000016)}',
                f'alert tls {anywhere} (msg:"Yeti JA3S e7d705a3286e19ea42f587b344ee6865"; ja3s.hash; '
                f'content:"e7d705a3286e19ea42f587b344ee6865"; startswith; endswith; {end.format(1000000017)}',
                f'alert http {anywhere} (msg:"Yeti URL on a.example"; http.host.raw; content:"a.example|3a|8080"; nocase; '
                f'startswith; endswith; http.uri.raw; content:"/x|3b|y?z=%20"; startswith; endswith; '
                f"{end.format(1000000024)}",
            ]
        )
        == _rules(tmp_path, some).read_text()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"action": "drp"}, "did you mean 'drop'"),
        ({"sid": "0"}, "the option sid is a number of 1 to"),
        ({"sid": "4294967295"}, "the option sid is a number of 1 to"),
        ({"msg": "a; b"}, "the option msg"),
        ({"msg": 'a"b'}, "the option msg"),
        ({"msg": ""}, "the option msg"),
        ({"classtype": "a;sid:1"}, "the option classtype"),
        ({"metadata": "a"}, "the option metadata"),
        ({"metadata": "a b; sid 1"}, "the option metadata"),
        ({"protocols": "dns,tsl"}, "did you mean 'tls'"),
        ({"protocols": ""}, "the option protocols has no ''"),
        ({"https": "maybe"}, "the option https is yes or no"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """It is refused before anything is written."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("suricata"), options)


def test_no_sid_is_beyond_the_largest(tmp_path):
    """What comes after is refused, and what comes before stands."""
    kit = TestSuricata()
    kit.options = {"sid": str(4_294_967_295 - 17)}
    some = [Value("ipv4", f"192.0.2.{last}") for last in range(1, 6)]

    made = written(kit, some, tmp_path)

    assert ["4294967278", "4294967286"] == re.findall(r"sid:([0-9]+)", made.files["export.rules"].decode())
    assert dict.fromkeys(some[2:], "its sid would be beyond 4294967295") == made.refused
    assert 2 == made.entries


def _rendered(folder, memory, names, **options):
    folder.mkdir()
    form = get_format("suricata")
    out = SpoolOutput(folder, "export.rules", form.MEDIA_TYPE, export="export", memory=memory)
    form.render_values(iter([Values("hostname", names)]), out, parse_options(form, options))
    (file,) = out.finish(is_complete=True).files
    return file.path.read_text()


def test_another_protocol_changes_no_number_and_no_revision(tmp_path):
    """It adds rules; another message is another text, and so another revision."""
    memory = Memory()
    before = _rendered(tmp_path / "a", memory, ["a.example", "b.example"], protocols="dns")
    more = _rendered(tmp_path / "b", memory, ["a.example", "b.example"], protocols="dns,tls")
    other = _rendered(tmp_path / "c", memory, ["a.example", "b.example"], protocols="dns", msg="Other")

    assert [("1000000000", "1"), ("1000000008", "1")] == re.findall(r"sid:([0-9]+); rev:([0-9]+)", before)
    assert set(before.splitlines()) < set(more.splitlines())
    assert [("1000000000", "2"), ("1000000008", "2")] == re.findall(r"sid:([0-9]+); rev:([0-9]+)", other)


@pytest.mark.proof("suricata", SURICATA, "loaded", tool="suricata")
@pytest.mark.parametrize("kit", [TestSuricata, TestEveryOption])
def test_suricata_takes_whatever_is_written(tmp_path, kit):
    """After all hostile values, without an error or a warning; so does the check before publishing."""
    made = hostile(kit(), tmp_path / "made")
    path = put(made.files, tmp_path / "export.rules")
    options = parse_options(get_format("suricata"), kit.options)

    assert made.entries > 30
    assert [] == tried(path)
    assert [] == get_format("suricata").check([path], options)

    path.write_text(path.read_text().replace("sid:", "sd:", 1))
    assert get_format("suricata").check([path], options)


@pytest.mark.proof("suricata", SURICATA, "loaded", tool="suricata")
def test_suricata_takes_nothing(tmp_path):
    """It says that there are no rules, and goes on."""
    path = _rules(tmp_path, [])

    assert b"" == path.read_bytes()
    assert [] == tried(path)
    assert [] == get_format("suricata").check([path], parse_options(get_format("suricata"), {}))


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_names_and_what_is_below_them_are_told(tmp_path):
    """In DNS, TLS and HTTP, however they are spelled; look-alikes are not."""
    path = _rules(tmp_path, [Value("hostname", "t.co.example"), Value("hostname", "b.example")])
    capture = Capture()
    caught = {}
    for name in ("t.co.example", "T.Co.ExamplE", "x.y.t.co.example"):
        caught[capture.dns_query(name)] = [BASE + 8]
        caught[capture.tls(name)] = [BASE + 9]
        caught[capture.http(name, "/")] = [BASE + 10]
        caught[capture.http(f"{name}:8080", "/", port=8080)] = [BASE + 10]
        caught[capture.http(name, f"http://{name}/", port=3128)] = [BASE + 10]
    for name in (
        "not.co.example",
        "t.co.example.org",
        "co.example",
        "t-co.example",
        "xt.co.example",
        "at.co.examples",
    ):
        capture.dns_query(name)
        capture.tls(name)
        capture.http(name, "/t.co.example")
        capture.http(f"{name}:8080", "/", port=8080)

    assert caught == alerts(path, capture)


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_without_subdomains_the_name_alone_is_told(tmp_path):
    """Nothing above and nothing below."""
    path = _rules(tmp_path, [Value("hostname", "b.example")], subdomains="no")
    capture = Capture()
    caught = {
        capture.dns_query("B.example"): [BASE],
        capture.tls("b.example"): [BASE + 1],
        capture.http("b.example:81", "/", port=81): [BASE + 2],
    }
    for name in ("a.b.example", "ab.example", "b.example.org"):
        capture.dns_query(name)
        capture.tls(name)
        capture.http(name, "/")

    assert caught == alerts(path, capture)


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_a_url_is_told_whole(tmp_path):
    """With its port, also where a proxy is asked; no other target, host or port is told."""
    urls = [
        "http://a.example/Path?q=a,b;c|d\"e'f:g",
        "http://a.example:8080/x",
        "http://b.example",
        "http://c.example/a%20b//c/../d+e",
        "http://198.51.100.7/gate",
        "http://[2001:db8::9]/x",
    ]
    path = _rules(tmp_path, [Value("url", url) for url in urls])
    sids = dict(zip(sorted(urls), range(BASE, BASE + 80, 8), strict=False))
    capture = Capture()
    caught = {
        capture.http("A.example", "/Path?q=a,b;c|d\"e'f:g"): [sids[urls[0]]],
        capture.http("a.example", urls[0], port=3128): [sids[urls[0]]],
        capture.http("a.example:8080", "/x", port=8080): [sids[urls[1]]],
        capture.http("b.example", "/"): [sids[urls[2]]],
        capture.http("c.example", "/a%20b//c/../d+e"): [sids[urls[3]]],
        capture.http("198.51.100.7", "/gate"): [sids[urls[4]]],
        capture.http("[2001:db8::9]", "/x"): [sids[urls[5]]],
    }
    for host, target in (
        ("a.example", "/path?q=a,b;c|d\"e'f:g"),
        ("a.example", "/Path?q=a,b;c|d\"e'f:gh"),
        ("a.example", "/Path?q=a,b"),
        ("a.example", "/x"),
        ("xa.example:8080", "/x"),
        ("a.example:8080", "/xy"),
        ("a.example:8081", "/x"),
        ("b.example", "/index.html"),
        ("c.example", "/a b/d+e"),
        ("198.51.100.70", "/gate"),
    ):
        capture.http(host, target, port=int(host.partition(":")[2] or 80))

    assert caught == alerts(path, capture)


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_a_fingerprint_is_told(tmp_path):
    """Of the client, or of the server."""
    for number, (text, sid) in enumerate(((ja3(), BASE), (ja3s(), BASE + 1), ("0" * 32, None))):
        path = _rules(tmp_path / str(number), [Value("ja3", text)])
        capture = Capture()
        port = capture.tls("a.example")

        assert ({port: [sid]} if sid else {}) == alerts(path, capture)


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_an_alert_says_what_was_found(tmp_path):
    """In its message, IPv6 too."""
    path = _rules(tmp_path, [Value("ipv6", "2001:db8::1"), Value("cidr", "192.0.2.0/24")], msg="C2 list")
    capture = Capture()
    caught = {
        capture.packet("2001:db8:1::1", "2001:db8::1"): [(BASE + 8, "C2 list address 2001:db8::1")],
        capture.packet("192.0.2.9", "10.1.1.1"): [(BASE, "C2 list address 192.0.2.0/24")],
    }

    assert caught == told(path, capture)


@pytest.mark.intel
@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_real_names_are_told(tmp_path, intel):
    """And those that are not listed are not."""
    names = real_names(intel)
    some = [*names.some, *names.passing]
    listed = [value for value in names.listed if value.value in set(some)] + names.listed[:500]
    made = written(TestSuricata(), listed, tmp_path / "made")
    path = put(made.files, tmp_path / "export.rules")
    on_list = {value.value for value in made.accepted}
    capture = Capture()
    caught = set()
    for name in (*some, *names.below):
        is_caught = any(name == one or name.endswith(f".{one}") for one in on_list)
        for port in (capture.dns_query(name), capture.tls(name), capture.http(name, "/")):
            caught |= {port} if is_caught else set()

    assert caught
    assert caught == set(alerts(path, capture))


@pytest.mark.intel
@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_real_urls_are_told(tmp_path, intel):
    """Every other of them is listed."""
    urls = [url for url in real_urls(intel) if url.startswith("http://")]
    made = written(TestSuricata(), [Value("url", url) for url in urls[::2]], tmp_path / "made")
    path = put(made.files, tmp_path / "export.rules")
    kit = TestSuricata()
    on_list = {kit.entry(*value) for value in made.accepted}
    capture = Capture()
    caught = set()
    for url in urls:
        try:
            _, place, target = kit.entry("url", url).split(" ")
        except AssertionError:
            continue
        port = capture.http(place, target, port=int(place.partition(":")[2] or 80))
        caught |= {port} if f"http {place} {target}" in on_list else set()

    assert len(caught) > 50
    assert caught == set(alerts(path, capture))


@pytest.mark.intel
@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_real_addresses_are_told(tmp_path, intel):
    """Both ways; the addresses beside them are not."""
    import address_reading as reading

    real = real_addresses(intel)[::20]
    path = _rules(tmp_path, real)
    listed, others = reading.asked(real, 200)
    capture = Capture()
    client = {True: "2a03:7777::1", False: "10.1.1.1"}
    caught = {capture.packet(client[":" in address], address) for address in listed}
    caught |= {capture.packet(address, client[":" in address]) for address in listed[::5]}
    for address in others:
        capture.packet(client[":" in address], address)

    assert caught == set(alerts(path, capture))
