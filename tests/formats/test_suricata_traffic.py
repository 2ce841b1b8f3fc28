"""Rules for Suricata, asked by replaying traffic: what is listed is told, and nothing else."""

import address_reading as reading
import pytest
from name_readers import put, written
from packets import Capture, ja3, ja3s
from real_names import real_addresses, real_names
from real_urls import real_urls
from suricata_program import alerts, told
from suricata_reader import BASE, SuricataRules, rules_of

from core.testing.formats import Value

SURICATA = "Suricata, rule files"


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_names_and_what_is_below_them_are_told(tmp_path):
    """In DNS, TLS and HTTP, however they are spelled; look-alikes are not."""
    path = rules_of(tmp_path, [Value("hostname", "t.co.example"), Value("hostname", "b.example")])
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
    path = rules_of(tmp_path, [Value("hostname", "b.example")], subdomains="no")
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
    path = rules_of(tmp_path, [Value("url", url) for url in urls])
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
        path = rules_of(tmp_path / str(number), [Value("ja3", text)])
        capture = Capture()
        port = capture.tls("a.example")

        assert ({port: [sid]} if sid else {}) == alerts(path, capture)


@pytest.mark.proof("suricata", SURICATA, "asked", tool="suricata")
def test_an_alert_says_what_was_found(tmp_path):
    """In its message, IPv6 too."""
    path = rules_of(tmp_path, [Value("ipv6", "2001:db8::1"), Value("cidr", "192.0.2.0/24")], msg="C2 list")
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
    made = written(SuricataRules(), listed, tmp_path / "made")
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
    made = written(SuricataRules(), [Value("url", url) for url in urls[::2]], tmp_path / "made")
    path = put(made.files, tmp_path / "export.rules")
    kit = SuricataRules()
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
    real = real_addresses(intel)[::20]
    path = rules_of(tmp_path, real)
    listed, others = reading.asked(real, 200)
    capture = Capture()
    client = {True: "2a03:7777::1", False: "10.1.1.1"}
    caught = {capture.packet(client[":" in address], address) for address in listed}
    caught |= {capture.packet(address, client[":" in address]) for address in listed[::5]}
    for address in others:
        capture.packet(client[":" in address], address)

    assert caught == set(alerts(path, capture))
