"""Which formats are measured with which options, on which store."""

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.formats.stores import KINDS, MIXED, SCATTERED
from core.exports.formats import Format, formats

OUTSIDE = {"rules"}
"""Formats that are no list of many: what they take are whole rules, of which nobody has a million."""

NUMBERED = {"suricata"}
"""Formats of values alone that are more than a list: several lines for each, with numbers that the store keeps."""


class Case(NamedTuple):
    """A format with options, as words, and the store that it is made of."""

    format: str
    options: str
    store: str

    @property
    def title(self) -> str:
        """The same for people."""
        return " ".join(filter(None, (self.format, self.options)))


def lists() -> list[Case]:
    """Return each list format on each kind that it takes, with the options of each of its consumers."""
    return [
        Case(name, options, kind)
        for name, form in sorted(formats().items())
        if is_list(form) and name not in OUTSIDE
        for kind, types in KINDS.items()
        if form.TYPES is None or not form.TYPES.isdisjoint(types)
        for options in _options(form)
    ]


def tables() -> list[Case]:
    """Return the formats that say more than values, on observables of all types; of the harder store as they are."""
    return [
        Case(name, options, store)
        for store in (MIXED, SCATTERED)
        for name, form in sorted(formats().items())
        if not is_list(form) and name not in OUTSIDE
        for options in (_options(form) if store == MIXED else ("",))
    ]


def all_of_them() -> list[Case]:
    """Return every format once, with its default options, on observables of all types."""
    return [Case(name, "", MIXED) for name in sorted(formats())]


def is_list(form: Format) -> bool:
    """Say whether a format is a list: of values alone, a line or so for each."""
    return (hasattr(form, "render_values") or form.NAME == "list") and form.NAME not in NUMBERED


def words_of(options: str) -> Mapping[str, str]:
    """Return options by their keys."""
    return dict(word.split("=", 1) for word in shlex.split(options))


def _options(form: Format) -> Iterator[str]:
    yield from dict.fromkeys(["", *(consumer.options for consumer in getattr(form, "CONSUMERS", ()))])
