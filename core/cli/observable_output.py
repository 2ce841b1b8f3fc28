"""Print observables and what is claimed about them."""

import json
from typing import TYPE_CHECKING, Any

from core.schemas.instant import to_text

if TYPE_CHECKING:
    from core.store.rows import Row


def tags_text(row: "Row") -> str:
    """Return the tags of a row, each once; stale ones in brackets."""
    fresh = {item.tag for item in row.tags if item.fresh}
    return " ".join(
        name if name in fresh else f"({name})" for name in dict.fromkeys(item.tag for item in row.tags)
    )


def assertion_cells(item: Any, now: int) -> tuple[Any, ...]:
    """Return the cells of one assertion for the table of ``observable show``."""
    if item.withdrawn_at:
        state = "withdrawn"
    elif item.fresh:
        state = "fresh"
    else:
        state = "stale" if item.expires_at is not None and item.expires_at <= now else "not yet"
    ends = to_text(item.expires_at)[:10] if item.expires_at is not None else "never"
    return (
        item.tag,
        item.source,
        item.kind,
        state,
        item.first_seen and item.first_seen[:10],
        item.last_seen and item.last_seen[:10],
        ends,
        item.confidence,
        item.tlp,
    )


def row_object(row: "Row") -> dict[str, Any]:
    """Return an observable for ``--json``."""
    assertions = []
    for item in row.tags:
        fields = {name: getattr(item, name) for name in item.__struct_fields__ if name != "expires_at"}
        fields = {name: value for name, value in fields.items() if value is not None}
        if item.expires_at is not None:
            fields["expires_at"] = to_text(item.expires_at)
        assertions.append(fields)
    return {
        "type": row.type,
        "value": row.value,
        "created_at": to_text(row.created_at),
        "modified_at": to_text(row.modified_at),
        "assertions": assertions,
        "context": json.loads(row.context),
    }


def short_text(value: Any) -> str:
    """Return a value that somebody gave, in its own words or as JSON, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"
