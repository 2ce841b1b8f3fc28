"""Strict readers of rules for Suricata, written from the "Suricata Rules" of its User Guide 7.0."""

import re
from collections import defaultdict
from typing import NamedTuple
from urllib.parse import urlsplit

from name_readers import put, written

from core.testing.format_values import GOOD
from core.testing.formats import FormatConformance

BASE = 1_000_000_000
LARGEST_SID = 4_294_967_295
HEAD = re.compile(r"(alert|drop) ([a-z0-9]+) (\S+) (\S+) (->|<>) (\S+) (\S+) \((.*)\)")
SAFE = {chr(code) for code in range(32, 127)} - set('";:\\|')


class Rule(NamedTuple):
    """A rule: its head in seven words, and its options in order, without what stands around their values."""

    head: tuple[str, ...]
    options: list[tuple[str, str]]

    def one(self, keyword: str) -> str:
        """Return the value of an option that must be there once."""
        (value,) = [value for key, value in self.options if key == keyword]
        return value

    def match(self) -> list[tuple[str, str]]:
        """Return the options that say what is matched."""
        about = {"msg", "classtype", "metadata", "sid", "rev"}
        return [option for option in self.options if option[0] not in about]


def rules_in(content: bytes) -> list[Rule]:
    """Return the rules in a file; raise on whatever Suricata would not take, and on a sid that is there twice."""
    text = content.decode("ascii")
    assert not text or text.endswith("\n")
    rules = [_rule(line) for line in text.split("\n")[:-1]]
    sids = [int(rule.one("sid")) for rule in rules]
    assert len(set(sids)) == len(sids), "duplicate signature"
    assert all(1 <= sid <= LARGEST_SID for sid in sids)
    assert all(int(rule.one("rev")) >= 1 for rule in rules)
    return rules


def decoded(content: str) -> str:
    """Return the text that a content stands for; raise if a character in it ought to be hex."""
    assert content
    found = ""
    for number, part in enumerate(content.split("|")):
        if number % 2:
            assert re.fullmatch(r"[0-9a-f]{2}( [0-9a-f]{2})*", part), content
            found += bytes.fromhex(part).decode("ascii")
        else:
            assert set(part) <= SAFE, content
            found += part
    assert content.count("|") % 2 == 0, content
    assert len(content) <= 4_000
    return found


def _rule(line: str) -> Rule:
    assert len(line) < 8_192
    found = HEAD.fullmatch(line)
    assert found, line
    *head, body = found.groups()
    assert body.endswith(";"), line
    options = []
    for option in re.split(r";(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", body[:-1]):
        key, _, value = option.strip().partition(":")
        assert re.fullmatch(r"[a-z0-9_.]+", key), line
        if value.startswith('"'):
            assert re.fullmatch(r'"[^";\\]*"', value), line
            value = value[1:-1]
        options.append((key, value))
    return Rule(tuple(head), options)


class SuricataRules(FormatConformance):
    """Reads for every observable all of its rules, and nothing else."""

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


def rules_of(folder, some, **options):
    """Write the rules of *some* observables, and return the path."""
    kit = SuricataRules()
    kit.options = options
    return put(written(kit, some, folder / "made").files, folder / "export.rules")
