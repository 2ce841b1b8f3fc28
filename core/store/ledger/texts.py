"""Reasons as the ledger keeps them, each once, and as people read them.

A reason is JSON, but for the one of most rows: what let an observable in is kept as pairs of row ids, ``7.2 9.2``,
tag before source.  Of a store where hardly two observables have the same tags that is a fifth of the names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.store import dialect
from core.store.databases.interface import Connection
from core.store.ledger.lines import WITHDRAWN, reason

MANY = 20_000
_BY, _END = b'{"by":"', b'"}'
_WITHDRAWN = reason(WITHDRAWN).removesuffix("}")
"""How the text of every such reason begins."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is listed, is kept off, or left.

    Attributes:
        reason: One word; ``listed`` if it is listed.
        by: Tag and source of what let it in, in order.
        told: What else there is to say, by name: ``list``, ``entry``, ``tag``, ``source``, …
    """

    reason: str
    by: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)


class Named:
    """The names behind row ids."""

    def __init__(self, tags: Mapping[int, str], sources: Mapping[int, str]) -> None:
        """Take names by id."""
        self._tags, self._sources = tags, sources

    def why(self, text: str) -> Why:
        """Return what a text of the ledger, or ``why`` of a line of changes, says."""
        if not text.startswith("{"):
            return Why("listed", tuple(sorted({self.pair(pair) for pair in text.split()})))
        told: dict[str, Any] = msgspec.json.decode(text)
        if (by := told.get("by")) is not None:
            return self.why(by)
        return Why(told.pop("reason", ""), told={key: str(value) for key, value in told.items()})

    def pair(self, pair: str) -> tuple[str, str]:
        """Return tag and source of ``tag.source``."""
        tag, _, source = pair.partition(".")
        return self._tags.get(int(tag), ""), self._sources.get(int(source), "")


def named(connection: Connection) -> Named:
    """Return the names that the store knows."""
    return Named(*(dict(connection.execute(f"SELECT id, name FROM {table}")) for table in ("tag", "source")))  # noqa: S608


def as_json(text: str) -> str:
    """Return a text of the ledger as a line of changes has it."""
    return text if text.startswith("{") else f'{{"by":"{text}"}}'


class Texts:
    """Row ids of the reasons that are met first, by how a line has them; a store may have a million others."""

    def __init__(self, connection: Connection) -> None:
        """Look nothing up yet."""
        self._connection = connection
        self._known: dict[bytes, int] = {}

    def learn(self, whys: Collection[bytes]) -> Mapping[bytes, int]:
        """Keep what is new of reasons that are given as JSON, as long as few are known, and return what is known."""
        known = self._known
        if len(known) < MANY and (new := set(whys).difference(known)):
            texts = {packed(why): why for why in new}
            self._connection.put("ledger_text", ("text",), ((text,) for text in sorted(texts)), ignore=True)
            found = dialect.find_by_ids(self._connection, "t.text, t.id", "ledger_text", list(texts), "text")
            known.update((texts[text], key) for text, key in found)
        return known


def packed(why: bytes) -> str:
    """Return ``why`` of a line of changes as the ledger keeps it."""
    return why[len(_BY) : -len(_END)].decode() if why.startswith(_BY) else why.decode()


def was_withdrawn(table: str) -> str:
    """Return SQL that says whether a row of ``ledger_text`` is the reason of something that was withdrawn."""
    return f"substr({table}.text, 1, {len(_WITHDRAWN)}) = {dialect.literal(_WITHDRAWN)}"
