"""What is derived from the assertions of an observable, made anew."""

import sqlite3
from collections.abc import Sequence

from core.schemas.instant import Instant
from core.store import dialect
from core.store.merge import FIELDS, Held, sure_until
from core.store.rendering import assertions_text

Named = tuple[str, str, int | None, Held]
"""Tag, source, the tag's own lifetime, the assertion."""


def derive(
    connection: sqlite3.Connection, ids: Sequence[int], instant: Instant, lifetime_s: int, *, modified: bool
) -> None:
    """Write the derived columns of the observables *ids* anew; *modified* moves ``modified_at`` too."""
    held = named_assertions(connection, ids)
    rows = [(*derived(held.get(key, []), instant, lifetime_s), instant, key) for key in ids]
    if modified:
        put = "UPDATE observable SET assertions = ?, sure_until = ?, modified_at = ? WHERE id = ?"
        connection.executemany(put, rows)
    else:
        put = "UPDATE observable SET assertions = ?, sure_until = ? WHERE id = ?"
        connection.executemany(put, [(text, sure, key) for text, sure, _, key in rows])


def derived(named: Sequence[Named], instant: Instant, lifetime_s: int) -> tuple[str, Instant]:
    """Return the text and the sure bound that belong to the assertions *named*."""
    text = assertions_text((tag, source, held) for tag, source, _, held in named)
    bounds = (sure_until(held, lifetime_s if own_s is None else own_s, instant) for _, _, own_s, held in named)
    return text, max(bounds, default=0)


def named_assertions(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, list[Named]]:
    """Return the assertions of the observables *ids*, by observable."""
    tags = {key: (name, own) for key, name, own in connection.execute("SELECT id, name, lifetime_s FROM tag")}
    sources = dict(connection.execute("SELECT id, name FROM source"))
    found: dict[int, list[Named]] = {}
    columns = ", ".join(f"t.{name}" for name in ("observable_id", "source_id", "tag_id", *FIELDS))
    for key, source, tag, *fields in dialect.find_by_ids(connection, columns, "assertion", ids):
        name, own_s = tags[tag]
        found.setdefault(key, []).append((name, sources[source], own_s, Held(*fields)))
    return found
