"""What the entries of an allow-list stand for.

Addresses and networks are matched by containment in whatever list they stand; names of a ``hostname`` list stand for
all below them, as MISP has it, those of a ``string`` list for themselves.  ``values`` are lists of the user's own, of
which every entry is what it looks like.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import RefusedValue
from core.store.allow_lists.kinds import Kind
from core.values import addresses, names, patterns, types
from core.values.canonical import classify
from core.values.detect import detect
from core.values.networks import Span, span_of, text_of
from core.values.public_suffixes import rule_name

CIDR, HOSTNAME, STRING, SUBSTRING, REGEX, VALUES, SUFFIX = (
    "cidr",
    "hostname",
    "string",
    "substring",
    "regex",
    "values",
    "suffix",
)
LIST_TYPES = (CIDR, HOSTNAME, STRING, SUBSTRING, REGEX, VALUES, SUFFIX)
"""The five of MISP; ``values``: each entry is what it looks like; ``suffix``: rules of the Public Suffix List."""

ADDRESSES = frozenset((types.IPV4, types.IPV6, types.CIDR))
_LENGTHS = frozenset(map(str, range(1, 33)))


@dataclass(frozen=True, slots=True)
class ListEntries:
    """An allow-list as it is matched.

    Attributes:
        id: Its row id.
        list_type: One of ``LIST_TYPES``.
        kind: What is known of it.
        matching_attributes: The MISP attribute types that it is about; none is all.
        entries: Place and text of each.
    """

    id: int
    list_type: str
    kind: Kind
    matching_attributes: tuple[str, ...]
    entries: Iterable[tuple[int, str]]


@dataclass(slots=True)
class Parsed:
    """One list, taken apart.  Names stand for all below them; single names for themselves."""

    source: ListEntries
    networks: list[tuple[Span, int]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    single_names: dict[str, int] = field(default_factory=dict)
    wildcards: dict[str, int] = field(default_factory=dict)
    exceptions: set[str] = field(default_factory=set)
    texts: dict[str, int] = field(default_factory=dict)
    substrings: list[tuple[str, int]] = field(default_factory=list)
    regexes: list[tuple[Callable[[str], object], int]] = field(default_factory=list)

    def put(self, position: int, entry: str) -> None:
        """Take an entry in.

        Raises:
            RefusedValue: Nothing can be on it.
        """
        kind = self.source.list_type
        if kind == SUBSTRING:
            self.substrings.append((entry, position))
        elif kind == REGEX:
            self.regexes.append((patterns.pattern(entry).search, position))
        elif kind == SUFFIX:
            self._put_suffix(position, entry)
        else:
            self._put_value(position, entry, kind)

    def _put_suffix(self, position: int, entry: str) -> None:
        mark, name = rule_name(entry)
        if mark == "!":
            self.exceptions.add(name)
        else:
            (self.wildcards if mark else self.single_names).setdefault(name, position)

    def _put_value(self, position: int, entry: str, kind: str) -> None:
        if kind in (STRING, VALUES):
            self.texts.setdefault(entry, position)
            if found := detect(entry):
                self.texts.setdefault(found[1], position)
        span = address_entry(entry)
        if span is not None:
            self.networks.append((span, position))
            return
        if kind == CIDR:
            raise RefusedValue("neither an address nor a network, or one that covers every address")
        name = name_entry(entry)
        if name is None and kind == HOSTNAME:
            raise RefusedValue("not a domain name")
        if name is not None:
            (self.single_names if kind == STRING else self.names).setdefault(name, position)


def address_entry(entry: str) -> Span | None:
    """Return the addresses that an entry stands for, ``None`` if it is neither an address nor a network."""
    if not entry or entry[-1] not in "0123456789abcdefABCDEF:." or not (":" in entry or entry[0].isdigit()):
        return None
    head, slash, length = entry.partition("/")
    if addresses.is_ipv4(head) and (not slash or length in _LENGTHS):
        # What nearly all entries are, sixty thousand in one list.
        return span_of(entry)
    with suppress(RefusedValue):
        type_, value = classify(types.CIDR, entry)
        return span_of(value) if type_ in ADDRESSES else None
    return None


def canonical(entry: str) -> str:
    """Return an entry in canonical form, if it is an address or a network; else as it is."""
    span = address_entry(entry)
    return entry if span is None else text_of(span)


def name_entry(entry: str) -> str | None:
    """Return the name that an entry stands for, also one of a single label; ``.name`` and ``*.name`` are the name."""
    text = entry.removeprefix("*").removeprefix(".") if entry[:1] in ("*", ".") else entry
    with suppress(RefusedValue):
        return names.hostname(text)
    with suppress(RefusedValue):
        # A top level alone (``local``) is no host name; with a label before it it is one.
        return names.hostname(f"x.{text}").removeprefix("x.") if "." not in text.strip(".") else None
    return None


def unusable(list_type: str, entries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the entries of a list that nothing can be on, each with the reason."""
    parsed = Parsed(ListEntries(0, list_type, Kind(""), (), ()))
    for position, entry in enumerate(entries):
        try:
            parsed.put(position, entry)
        except RefusedValue as error:
            yield entry, str(error)


def parsed(entries: ListEntries) -> Parsed:
    """Return a list taken apart, without the entries that nothing can be on."""
    found = Parsed(entries)
    for position, entry in entries.entries:
        with suppress(RefusedValue):
            found.put(position, entry)
    return found
