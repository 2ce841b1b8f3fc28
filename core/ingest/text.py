"""Text: one value a line, and what blockers and resolvers read.

Understood: comments (``#``, ``;``, ``//``, ``!``), also behind the value, kept as context · score columns
(``192.0.2.1<TAB>7``) · hosts files · dnsmasq · unbound · adblock domain rules · ipset, netset and ``ipset save``
· networks, with a mask too · ranges · ``host:port`` · several values on a line · a JSON array of such texts.
A line of words is refused; a file of nothing but words is refused in one sentence.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.errors import RefusedValue
from core.ingest import text_arrays, text_filter_rules, text_kind
from core.ingest.lines import excerpt, lines
from core.ingest.reader import InputFile, Item, Options
from core.schemas.claim import Claim, Kind, Refusal
from core.values import addresses, names, ports, types
from core.values.canonical import classify
from core.values.detect import Detected, detect
from core.values.refang import refang

NAME = "text"
MEANING = "one value a line; hosts, dnsmasq, unbound, adblock, ipset and netset files; ranges"

_SINK_WORDS = (
    "0.0.0.0 127.0.0.1 127.0.1.1 127.0.0.2 255.255.255.255 0 :: ::1 ::0 fe80::1%lo0 ff02::1 ff02::2 ff02::3"
    " ff00::0 fe00::0"
)
_SINKS = frozenset(_SINK_WORDS.split())
_LOCAL_WORDS = (
    "localhost localhost.localdomain local broadcasthost ip6-localhost ip6-loopback ip6-localnet ip6-mcastprefix"
    " ip6-allnodes ip6-allrouters ip6-allhosts 0.0.0.0 localhost4 localhost6"
)
_LOCAL_NAMES = frozenset(_LOCAL_WORDS.split())
_COMMENT_STARTS = ("#", ";", "//", "!")
_comment = re.compile(r"\s(?:#|;|//|!)").search
_number = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?%?").fullmatch
_mask = re.compile(r"255(?:\.[0-9]{1,3}){3}").fullmatch
_separators = re.compile(r"[\s,;|]+").split
_cells = re.compile(r"[,;|]").split
_WRAPPING = "\"'`,;"
FEW_REFUSALS = 20
LONGEST_NOTE = 3


def recognises(file: InputFile) -> int:
    """Return 10 for any text but markup and JSON, since others know theirs better; 35 for an array of values."""
    head = file.text_head
    start = head.lstrip()[:1]
    if not start or file.is_binary or start in "<{":
        return 0
    if text_arrays.begins(file):
        return 35 if text_arrays.are_values(file) else 0
    if start == "[" and not text_filter_rules.is_header(head.lstrip().split("\n", 1)[0].strip()):
        first = head.lstrip()[1:].lstrip()[:1]
        return 0 if first in '{["]' or not detect(head.lstrip().split(None, 1)[0]) else 10
    return 10


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield a claim for every value."""
    reader = _TextReader(options.source or file.name, options, _kind_of(file))
    # Refusals wait until a first value has shown that this is a list of values at all.
    held: list[Refusal] = []
    count = 0
    items = reader.all_items(file)
    for item in items:
        if not isinstance(item, Refusal):
            yield from held
            if count > len(held):
                yield Refusal(
                    held[-1].line, f"{count - len(held):,} lines more before the first value are no values"
                )
            yield item
            yield from items
            return
        count += 1
        if len(held) < FEW_REFUSALS:
            held.append(item)
    if count > FEW_REFUSALS:
        yield Refusal(0, f"none of its {count:,} lines is a value: is it a list of words?", held[0].excerpt)
    else:
        yield from held


def _kind_of(file: InputFile) -> text_kind.ListKind:
    return text_kind.look_at(text_arrays.sample(file) if text_arrays.begins(file) else file.text_head.splitlines())


class _TextReader:
    def __init__(self, source: str, options: Options, kind: text_kind.ListKind) -> None:
        self._source = source
        self._list = kind
        self._tags = options.tagged()
        self._kind = Kind.MALICIOUS if options.kind is None else options.kind

    def all_items(self, file: InputFile) -> Iterator[Claim | Refusal]:
        """Yield what every line of *file* gives, or every entry of a JSON array, which has no line."""
        if text_arrays.begins(file):
            for entry in text_arrays.texts(file):
                yield from [entry] if isinstance(entry, Refusal) else self.items(0, entry)
            return
        for number, line in lines(file):
            if line is None:
                yield Refusal(number, "a line of more than a million characters")
            else:
                yield from self.items(number, line)

    def items(self, number: int, line: str) -> list[Claim | Refusal]:
        """Return what one line gives."""
        text = line.strip()
        if not text or text.startswith(_COMMENT_STARTS):
            return []
        found = detect(text)
        if found is not None and found[0] not in _LOOSE and not self._list.is_of_words:
            return [self._claim(found, number, None)]
        try:
            return self._more(text, number)
        except RefusedValue as error:
            return [Refusal(number, str(error), excerpt(text))]

    def _more(self, text: str, number: int) -> list[Claim | Refusal]:
        if text_filter_rules.is_header(text) or not _has_letter(text):
            return []
        values = text_filter_rules.values_of(text)
        if values is not None:
            return self._names(values, number, None)
        if self._list.is_adblock:
            return self._in_adblock(text, number)
        text, note = _split_comment(text)
        hosts = _hosts(text)
        if hosts is not None:
            return self._names(hosts, number, note)
        found = _value(text)
        if found is None:
            networks = addresses.range_networks(text)
            if networks:
                return self._all(networks, number, {**(note or {}), "range": text})
        if found is not None:
            if self._list.is_of_words and found[0][0] in _WORD_LIKE:
                raise RefusedValue("a word among words, although there is a dot in it")
            if not (self._list.is_of_names and found[0][0] == types.FILE):
                return [self._claim(found[0], number, _together(note, found[1]))]
        if self._list.is_of_names and names.is_hostname(text.lower()):
            return [self._claim((types.HOSTNAME, text.lower()), number, note)]
        return self._columns(text, number, note)

    def _in_adblock(self, text: str, number: int) -> list[Claim | Refusal]:
        found = detect(text)
        if found is None or found[0] in (types.PATH, types.FILE):
            raise RefusedValue("a pattern, not a value")
        return self._all([text], number, None)

    def _names(self, values: list[str], number: int, note: dict[str, Any] | None) -> list[Claim | Refusal]:
        """Return claims for what stands where only a host or an address can, whatever its top level."""
        items: list[Claim | Refusal] = []
        for value in values:
            try:
                items.append(self._claim(classify(types.HOSTNAME, value), number, note))
            except RefusedValue as error:
                networks = addresses.range_networks(value)
                if networks:
                    items += self._all(networks, number, {**(note or {}), "range": value})
                else:
                    items.append(Refusal(number, str(error), excerpt(value)))
        return items

    def _columns(self, text: str, number: int, note: dict[str, Any] | None) -> list[Claim | Refusal]:
        words = text.split()
        if len(words) == 2 and addresses.is_ipv4(words[0]) and _mask(words[1]):
            return self._all([f"{words[0]}/{words[1]}"], number, note)
        cells = text.split("\t") if "\t" in text else words
        cells = [cell.strip() for cell in cells if cell.strip()]
        first = 1 if len(cells) > 1 and _number(cells[0]) else 0
        found = _value(cells[first]) if cells else None
        others = cells[:first] + cells[first + 1 :]
        if found is not None and others:
            if len(others) == 1 and _number(others[0]):
                return [self._claim(found[0], number, _together(note, found[1], {"score": _as_number(others[0])}))]
            if "\t" in text or len(others) <= LONGEST_NOTE:
                several = self._several(text, number, note)
                if several:
                    return several
                return [self._claim(found[0], number, _together(note, found[1], {"note": " ".join(others)}))]
        items = self._several(text, number, note) or self._first_cell(text, number, note)
        if items:
            return items
        raise RefusedValue("not a value")

    def _first_cell(self, text: str, number: int, note: dict[str, Any] | None) -> list[Claim | Refusal]:
        """Return the value before the first comma, semicolon or bar: among lists there is always such a line."""
        cell, *rest = _cells(text, 1)
        other = " ".join(rest).strip()
        if not other:
            return []
        beside = {"score": _as_number(other)} if _number(other) else {"note": other}
        found = _value(cell)
        if found is not None and not (self._list.is_of_words and found[0][0] in _WORD_LIKE):
            return [self._claim(found[0], number, _together(note, found[1], beside))]
        networks = addresses.range_networks(cell.strip())
        return self._all(networks, number, _together(note, beside, {"range": cell.strip()})) if networks else []

    def _several(self, text: str, number: int, note: dict[str, Any] | None) -> list[Claim | Refusal]:
        pieces = [piece for piece in _separators(text) if piece]
        if len(pieces) < 2:
            return []
        claims: list[Claim | Refusal] = []
        for piece in pieces:
            found = _value(piece)
            if found is None:
                return []
            claims.append(self._claim(found[0], number, _together(note, found[1])))
        return claims

    def _all(self, values: list[str], number: int, note: dict[str, Any] | None) -> list[Claim | Refusal]:
        items: list[Claim | Refusal] = []
        for value in values:
            found = _value(value)
            if found is None:
                items.append(Refusal(number, "not a value", excerpt(value)))
            else:
                items.append(self._claim(found[0], number, _together(note, found[1])))
        return items

    def _claim(self, found: Detected, number: int, context: dict[str, Any] | None) -> Claim:
        return Claim(
            type=found[0],
            value=found[1],
            source=self._source,
            tags=self._tags,
            kind=self._kind,
            context=context,
            line=number,
        )


_WORD_LIKE = (types.HOSTNAME, types.FILE)
_has_letter = re.compile(r"[^\W_]").search

_LOOSE = frozenset((types.PATH, types.USER_AGENT, types.REGISTRY_KEY, types.CIDR, types.URL, types.FILE))
"""Types whose values may swallow a comment or a rule, or lose something on the way: read with care."""


def _value(text: str) -> tuple[Detected, dict[str, Any] | None] | None:
    """Return one value with what was taken off it: port, wildcard, host bits, a scheme put before it."""
    value = text.strip().strip(_WRAPPING).strip()
    if value.startswith(("*.", "+.", ".")) and not value.startswith("..") and len(value) > 2:
        found = detect(value.lstrip("*+."))
        return (found, {"as_listed": value}) if found and found[0] == types.HOSTNAME else None
    found = detect(value)
    if found is None:
        host, port = ports.split(refang(value))
        if port is not None:
            found = detect(host)
            return (found, {"port": port}) if found else None
        return None
    if (found[0] == types.CIDR and found[1] != value) or (
        found[0] == types.URL and "/" in value and "://" not in value
    ):
        return found, {"as_listed": value}
    return found, None


def _split_comment(text: str) -> tuple[str, dict[str, Any] | None]:
    found = _comment(text)
    if found:
        value, note = text[: found.start()], text[found.start() :]
    elif "#" in text and "/" not in text:
        value, _, note = text.partition("#")
    elif ";" in text and "://" not in text and _value(text.partition(";")[2]) is None:
        value, _, note = text.partition(";")
    else:
        return text, None
    note = note.strip().lstrip("#;/!").strip()
    return value.strip(), ({"comment": note} if note else None)


def _hosts(text: str) -> list[str] | None:
    words = text.split()
    if len(words) < 2 or words[0].lower() not in _SINKS:
        return None
    return [word for word in words[1:] if word.lower() not in _LOCAL_NAMES]


def _together(*parts: dict[str, Any] | None) -> dict[str, Any] | None:
    together: dict[str, Any] = {}
    for part in parts:
        if part:
            together.update(part)
    return together or None


def _as_number(text: str) -> int | float | str:
    try:
        return int(text)
    except ValueError:
        return text
