"""Numbers that entries of lists keep: given once, never to another entry, with a revision of what stands there."""

from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from core.store.databases.interface import Connection, Lock

if TYPE_CHECKING:
    from core.store.store import Store

_DIGEST_BYTES = 12
"""Of a billion entries two are alike with a chance of one in a hundred thousand million."""
_COLUMNS = ("export_id", "digest", "number", "revision", "text_digest")


class EntryNumber(NamedTuple):
    """The number of an entry and which revision of its text is current; the first is 1."""

    number: int
    revision: int


class EntryNumbers:
    """The numbers of one export, to be asked batch by batch.

    Args:
        store: Where they are kept.
        export_id: Row id of the export.
        keeps: Whether what is new is kept; without, it is what it would be, and forgotten with this object.
    """

    def __init__(self, store: "Store", export_id: int, *, keeps: bool) -> None:
        self._store, self._export_id, self._keeps = store, export_id, keeps
        self._given: dict[str, tuple[int, int, str]] = {}
        self._next: dict[str, int] = {}

    def of(self, kind: str, entries: Sequence[tuple[str, str, str]]) -> list[EntryNumber]:
        """Return the numbers of entries.

        Args:
            kind: Numbers of one kind are different throughout the installation, and begin with 1.
            entries: Type, value and text of each; another text than the last time is another revision.

        Raises:
            StoreError: The store cannot be read or written.
        """
        digests = _digests([f"{kind}\0{type_}\0{value}" for type_, value, _ in entries])
        distinct = [*{text for _, _, text in entries}]  # few, as a rule: what rules have in common
        digest_of = dict(zip(distinct, _digests(distinct), strict=True))
        texts = [digest_of[text] for _, _, text in entries]
        with self._store.database.errors():
            connection = self._store.database.connect()
            try:
                hold = self._store.database.writing(connection, Lock.BOOKKEEPING) if self._keeps else nullcontext()
                with hold:
                    found = self._found(connection, kind, digests, texts)
            finally:
                connection.close()
        return [EntryNumber(number, revision) for number, revision, _ in map(found.__getitem__, digests)]

    def _found(
        self, connection: Connection, kind: str, digests: Sequence[str], texts: Sequence[str]
    ) -> dict[str, tuple[int, int, str]]:
        known = self._known(connection, digests)
        known.update({digest: self._given[digest] for digest in digests if digest in self._given})
        new, changed = {}, {}
        number = self._next.get(kind) or _next(connection, kind)
        for digest, text in zip(digests, texts, strict=True):
            before = known.get(digest)
            if before is None:
                known[digest] = new[digest] = number, 1, text
                number += 1
            elif before[2] != text:
                known[digest] = changed[digest] = before[0], before[1] + 1, text
        if self._keeps:
            self._keep(connection, kind, new, changed, number)
        else:
            self._next[kind] = number
            self._given |= new | changed
        return known

    def _known(self, connection: Connection, digests: Sequence[str]) -> dict[str, tuple[int, int, str]]:
        elements, parameter = connection.words.elements(digests)
        rows = connection.execute(
            f"SELECT t.digest, t.number, t.revision, t.text_digest FROM {elements}"  # noqa: S608 (our own words)
            f" CROSS JOIN entry_number t ON t.export_id = {self._export_id:d} AND t.digest = j.value",
            (parameter,),
        )
        return {digest: (number, revision, text) for digest, number, revision, text in rows}

    def _keep(
        self,
        connection: Connection,
        kind: str,
        new: dict[str, tuple[int, int, str]],
        changed: dict[str, tuple[int, int, str]],
        number: int,
    ) -> None:
        key = self._export_id
        if new:
            connection.put("entry_number", _COLUMNS, _sorted((key, digest, *row) for digest, row in new.items()))
            connection.execute("DELETE FROM entry_number_next WHERE kind = ?", (kind,))
            connection.put("entry_number_next", ("kind", "number"), [(kind, number)])
        if changed:
            rows = [(revision, text, key, digest) for digest, (_, revision, text) in changed.items()]
            connection.change("entry_number", ("revision", "text_digest"), ("export_id", "digest"), rows)


def _next(connection: Connection, kind: str) -> int:
    row = connection.execute("SELECT number FROM entry_number_next WHERE kind = ?", (kind,)).fetchone()
    return int(row[0]) if row else 1


def _sorted(rows: Iterable[tuple[int, str, int, int, str]]) -> list[tuple[int, str, int, int, str]]:
    # In the order of the key: pages are then touched one after the other.
    return sorted(rows)


def _digests(texts: Sequence[str]) -> list[str]:
    return [
        b2a_base64(sha256(text.encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES], newline=False).decode()
        for text in texts
    ]
