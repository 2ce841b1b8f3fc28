"""What is derived from the assertions of an observable, made anew."""

from collections.abc import Sequence

from core.schemas.instant import Instant
from core.store import dialect
from core.store.databases.interface import Connection
from core.store.lifetimes import read_lifetimes
from core.store.merge import FIELDS, Held, Life, sure_until
from core.store.rendering import assertions_text

Named = tuple[str, str, Life, Held]
"""Tag, source, how long it lives, the assertion."""


def derive(
    connection: Connection, ids: Sequence[int], instant: Instant, lifetime_s: int, *, modified: bool
) -> None:
    """Write the derived columns of the observables *ids* anew; *modified* moves ``modified_at`` too."""
    held = named_assertions(connection, ids, lifetime_s)
    rows = [(*derived(held.get(key, []), instant), instant, key) for key in ids]
    if modified:
        connection.change("observable", ("assertions", "sure_until", "modified_at"), ("id",), rows)
    else:
        kept = [(text, sure, key) for text, sure, _, key in rows]
        connection.change("observable", ("assertions", "sure_until"), ("id",), kept)


def derived(named: Sequence[Named], instant: Instant) -> tuple[str, Instant]:
    """Return the text and the sure bound that belong to the assertions *named*."""
    text = assertions_text((tag, source, held) for tag, source, _, held in named)
    bounds = (sure_until(held, life, instant) for _, _, life, held in named)
    return text, max(bounds, default=0)


def named_assertions(connection: Connection, ids: Sequence[int], lifetime_s: int) -> dict[int, list[Named]]:
    """Return the assertions of the observables *ids*, by observable."""
    lifetimes = read_lifetimes(connection, lifetime_s)
    types: dict[int, str] = {}
    if lifetimes.types:
        types = dict(dialect.find_by_ids(connection, "t.id, t.type", "observable", ids, key="id"))
    tags = dict(connection.execute("SELECT id, name FROM tag"))
    sources = dict(connection.execute("SELECT id, name FROM source"))
    found: dict[int, list[Named]] = {}
    columns = ", ".join(f"t.{name}" for name in ("observable_id", "source_id", "tag_id", *FIELDS))
    for key, source, tag, *fields in dialect.find_by_ids(connection, columns, "assertion", ids):
        life = lifetimes.of(tag, source, types.get(key, ""))
        found.setdefault(key, []).append((tags[tag], sources[source], life, Held(*fields)))
    return found
