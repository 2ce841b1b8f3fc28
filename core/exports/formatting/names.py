"""Host names in lists: which may be listed, and which of them lie below another.

A name is listed as it is, or refused.  A batch is looked at as a whole, by one regular expression: a function call
for each of a million names would take longer than all the rest.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from core.errors import RefusedValue
from core.exports.formatting.contract import Refusing, Value, Values
from core.values import names, public_suffixes

NOT_CANONICAL = "a name that is not in lower case and A-labels without a dot at the end"
PUBLIC_SUFFIX = "a public suffix, or above one: registries give out the names below it to anybody"
BYTES_PER_NAME = 112
"""What `OutermostNames` takes for a name of twenty characters or so."""

_BATCH = 2_000

# Possessive, so that nothing is tried twice; ``core.values.names.is_hostname`` says the same of one name.
are_names = re.compile(
    r"(?:(?!.{254})(?:[a-z0-9_-]{1,63}+\.)++[a-z][a-z0-9-]{0,62}+(?<!-)\n)*+", re.ASCII
).fullmatch
"""Match lines that are canonical host names."""


def listed_names(batch: Values, out: Refusing) -> list[str]:
    """Return the host names of *batch* in their order; refuse what is none, and public suffixes.

    What comes back is canonical: of ``a-z``, digits, ``-``, ``_`` and dots, at least two labels of no more than 63
    characters, no more than 253 in all, and the last label begins with a letter.  Often it is the list of the batch.
    """
    if _are_harmless(batch.values):
        return batch.values
    good = []
    for value in batch.values:
        if reason := why_not(value):
            out.refuse(Value(batch.type, value), reason)
        else:
            good.append(value)
    return good


def why_not(value: str) -> str:
    """Return why a text cannot be listed as a host name; empty if it can."""
    if not names.is_hostname(value):
        try:
            names.hostname(value)
        except RefusedValue as error:
            return str(error)
        return NOT_CANONICAL
    return PUBLIC_SUFFIX if is_public_suffix(value) else ""


def _are_harmless(values: Sequence[str]) -> bool:
    text = "\n".join([*values, ""])
    suffixes, wildcards, _ = _public_suffixes()
    return bool(
        are_names(text)
        and text.count("\n") == len(values)
        and suffixes.isdisjoint(values)
        and not any(f".{name}\n" in text for name in wildcards)
    )


class OutermostNames:
    """Names, of which those are given back that are below none of the others.

    For consumers to which a name stands for whatever is below it, too.  A child may come long before its parent, so
    that all of them are kept; sorted as they read from the right they stand right behind their parent.

    Each batch is kept sorted, and as one text: names that are made of such texts at the end lie in memory nearly in
    the order in which they are read.  To sort them as they come takes half as much time again, all of it waiting for
    memory.

    Attributes:
        covered: How many are below another; known when `batches` has come to its end.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.covered = 0

    def add(self, found: Sequence[str]) -> None:
        """Take names in, as `listed_names` has them, each once in all."""
        if found:
            # "!" sorts before whatever a label may hold: between a name and what is below it comes nothing else.
            keys = "\n".join(found)[::-1].replace(".", "!").split("\n")
            keys.sort()
            self._texts.append("\n".join(keys))

    def batches(self) -> Iterator[list[str]]:
        """Yield the outermost names once, some thousand at a time, ordered as they read from the right."""
        keys: list[str] = []
        while self._texts:
            keys += self._texts.pop().split("\n")
        keys.sort()
        above = "\n"
        for place in range(0, len(keys), _BATCH):
            part = keys[place : place + _BATCH]
            kept = []
            for key in part:
                if not key.startswith(above):
                    kept.append(key)
                    above = key + "!"
            self.covered += len(part) - len(kept)
            if kept:
                yield "\n".join(kept)[::-1].replace("!", ".").split("\n")[::-1]


def is_public_suffix(name: str) -> bool:
    """Say whether registries give out the names below *name*, or below one below it."""
    suffixes, wildcards, exceptions = _public_suffixes()
    return name in suffixes or (name.partition(".")[2] in wildcards and name not in exceptions)


@lru_cache(maxsize=1)
def _public_suffixes() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the suffixes that registries run with what is above them, the names of ``*.name``, and of ``!name``.

    What companies run (``github.io``) may be listed: an allow-list keeps it off unless its user wants it listed.
    """
    found: dict[str, set[str]] = {"": set(), "*.": set(), "!": set()}
    for rule in public_suffixes.rules(public_suffixes.ICANN):
        mark, name = public_suffixes.rule_name(rule)
        found[mark].add(name)
    for name in [*found[""], *found["*."]]:
        while name:
            found[""].add(name)
            name = name.partition(".")[2]
    return frozenset(found[""]), frozenset(found["*."]), frozenset(found["!"])
