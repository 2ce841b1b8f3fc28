"""Find the values in a line of a log or a list, whatever wrote it, and ask which are on an export.

Understood, without being told which it is: one value a line · words between blanks, tabs, commas, quotes and
brackets (Zeek, dnsmasq, unbound, BIND, iptables, squid) · JSON lines, every text in them · the common and the
combined log form of Apache and nginx, where the client counts, and what was asked for if that is a whole URL.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from core.exports.answers.listed import Listed, Match
from core.values import addresses, hashes, names, ports, types
from core.values.detect import Detected, detect

Found = tuple[bool, tuple[Match, ...]]
"""Whether there is a value in a text at all, and what is listed of it."""

MOST_REMEMBERED = 200_000
LONGEST_WORD_CHARACTERS = 4_096
SHORTEST_HASH_CHARACTERS = 32
_NOTHING: Found = (False, ())

_SEPARATORS = str.maketrans(dict.fromkeys("\"'<>`|,;=(){}[]#\x00", " "))
# A URL holds what separates words elsewhere.
_urls_and_words = re.compile(
    r"""[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s"'<>`|\\^{}\x00]+|[^\s"'<>`|,;=(){}\[\]#\x00]+"""
).findall
_combined = re.compile(
    r"(?:\S{1,300}:\d{1,5} )?(?P<client>\S{1,300}) \S{1,300} .{1,200}? \[\d{1,2}/[A-Z][a-z]{2}/\d{4}:[^\]]{1,30}\] "
    r"\"(?:[A-Z]{1,20} (?P<target>\S+))?"
).match
_is_short = re.compile(r"[\w/+@*-]{0,31}").fullmatch
# A time of the day has colons as an IPv6 address has, and seconds with a fraction have a dot.
_is_time = re.compile(
    r"(?:\d{4}-\d\d-\d\d[T_]?)?(?:\d{1,2}:\d\d(?::\d\d)?)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d{1,2}/[A-Z][a-z]{2}/\d{4}(?::\d\d){3}|\d+(?:\.\d+)?"
).fullmatch
# What squid puts before an address it asked, and a firewall before an address and behind it.
_marked = re.compile(
    r"[A-Z][A-Z_]{2,30}/(?P<host>\S+)|[A-Za-z][\w.-]{0,60}:(?P<address>[0-9.]{7,15})(?:/\d{1,5})?"
).fullmatch
_ASKED_FOR = frozenset(
    (types.IPV4, types.IPV6, types.CIDR, types.HOSTNAME, types.URL, types.EMAIL, *hashes.BY_LENGTH.values())
)


class Finder:
    """Finds the values of lines on one list; words that come again are remembered, up to a number."""

    def __init__(self, listed: Listed) -> None:
        """Keep the list."""
        self._listed = listed
        self._texts = listed.texts
        self._known: dict[str, Found] = {}

    def find(self, line: str) -> Found:
        """Return whether there is a value in *line*, and the entries that stand for what is in it, each once."""
        text = line.strip()
        if not text or text.startswith("#"):
            return _NOTHING
        if text[0] == "{":
            try:
                document = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError, ValueError):
                pass
            else:
                return _together([self._text(each) for each in _texts(document)])
        if '] "' in text and (found := _combined(text)):
            return _together(self._request(found))
        return self._text(text)

    def _request(self, found: re.Match[str]) -> Iterator[Found]:
        yield self._word(found["client"])
        target = found["target"]
        # Only a proxy is asked for the whole of it; a path is of one's own site.
        if target and not target.startswith("/"):
            yield self._word(target)

    def _text(self, text: str) -> Found:
        if _is_short(text):
            return self._exact(text)
        words = _urls_and_words(text) if "://" in text else text.translate(_SEPARATORS).split()
        if len(words) == 1 and len(words[0]) == len(text):
            return self._word(text)
        if (found := self._exact(text))[0]:
            return found
        # A value alone may be defanged, and then holds what stands between words elsewhere.
        if " " not in text and "\t" not in text and (found := self._word(text))[0]:
            return found
        return self._words_of(words)

    def _exact(self, text: str) -> Found:
        return (True, (Match(text, text, "equal"),)) if text in self._texts else _NOTHING

    def _words_of(self, words: list[str]) -> Found:
        """Return the same for words of a line; most are no value, and are passed over as fast as can be."""
        texts, known = self._texts, self._known
        has_value = False
        matches: tuple[Match, ...] = ()
        for word in words:
            if "." in word or ":" in word or len(word) >= SHORTEST_HASH_CHARACTERS or word in texts:
                has, found = known.get(word) or self._word(word)
                has_value = has_value or has
                if found:
                    matches = matches + found if matches else found
        return has_value, tuple(dict.fromkeys(matches)) if len(matches) > 1 else matches

    def _word(self, word: str) -> Found:
        found = self._known.get(word)
        if found is not None:
            return found
        if len(word) > LONGEST_WORD_CHARACTERS:
            return _NOTHING
        found = self._looked_at(word)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[word] = found
        return found

    def _looked_at(self, word: str) -> Found:
        exact = self._exact(word)
        if "://" not in word and (exact[0] or _is_time(word)):
            return exact
        value = _value(word)
        if value is None:
            return exact
        found = tuple(self._listed.matches(*value))
        return bool(found) or value[0] in _ASKED_FOR, found


def _value(word: str) -> Detected | None:
    """Return type and canonical value of one word, without what logs put around it."""
    plain = word.rstrip(".,;!?")
    if plain.endswith(":") and not plain.endswith("::"):
        plain = plain[:-1]
    if addresses.is_ipv4(plain):
        return types.IPV4, plain
    if ":" in plain:
        host, port = ports.split(plain)
        if port is not None:
            return detect(host) or _name(host)
    return detect(plain) or _name(plain) or _behind_mark(plain)


def _name(word: str) -> Detected | None:
    """Return a name under a top level that is nobody's but one's own."""
    lowered = word.lower()
    return (types.HOSTNAME, lowered) if names.is_hostname(lowered) else None


def _behind_mark(word: str) -> Detected | None:
    found = _marked(word)
    if found is None:
        return None
    if found["host"]:
        return detect(ports.split(found["host"])[0])
    return (types.IPV4, found["address"]) if addresses.is_ipv4(found["address"]) else None


def _texts(document: Any) -> Iterator[str]:
    """Yield every text that is a value somewhere in a document of JSON."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _together(several: "list[Found] | Iterator[Found]") -> Found:
    has_value = False
    matches: tuple[Match, ...] = ()
    for has, found in several:
        has_value = has_value or has
        if found:
            matches = matches + found if matches else found
    return has_value, tuple(dict.fromkeys(matches)) if len(matches) > 1 else matches
