"""Rules for Suricata: read by a parser of our own, and tried by Suricata."""

import re

import pytest
from name_readers import hostile, put, written
from suricata_program import tried
from suricata_reader import SuricataRules, decoded, rules_of

from core.errors import DefinitionError
from core.exports.formats import NotChecked, Value, Values, get_format, parse_options
from core.exports.formatting.memory import Memory
from core.exports.output import SpoolOutput

SURICATA = "Suricata, rule files"


class TestSuricata(SuricataRules):
    """As they are without options."""


class TestEveryOption(SuricataRules):
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
        == rules_of(tmp_path, some).read_text()
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
        ({"protocols": ""}, "the option protocols has no value ''"),
        ({"https": "maybe"}, "the option https is yes or no"),
    ],
)
def test_an_option_that_cannot_be(options, message):
    """It is refused before anything is written."""
    with pytest.raises(DefinitionError, match=re.escape(message)):
        parse_options(get_format("suricata"), options)


def test_no_sid_is_beyond_the_largest(tmp_path):
    """What comes after is refused, and what comes before stands."""
    kit = SuricataRules()
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
    path = rules_of(tmp_path, [])

    assert b"" == path.read_bytes()
    assert [] == tried(path)
    assert [] == get_format("suricata").check([path], parse_options(get_format("suricata"), {}))


@pytest.mark.proof("suricata", SURICATA, "loaded", tool="suricata")
def test_the_check_says_how_many_rules_it_left_out(tmp_path):
    """Of very many that are all made alike the first and the last are tried."""
    path = tmp_path / "export.rules"
    rule = 'alert tcp any any -> any any (msg:"x"; content:"a"; sid:{}; rev:1;)\n'
    form = get_format("suricata")
    options = parse_options(form, {})

    path.write_text("".join(rule.format(sid) for sid in range(1, 8_001)))
    assert [] == form.check([path], options)

    path.write_text("".join(rule.format(sid) for sid in range(1, 8_002)))
    (found,) = form.check([path], options)
    assert NotChecked("Suricata tried 8,000 of 8,001 rules, the first and the last") == found
