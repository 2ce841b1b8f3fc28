"""A strict reader of rules for Suricata, written from the "Suricata Rules" of its User Guide 7.0."""

import re
from typing import NamedTuple

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
