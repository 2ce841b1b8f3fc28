"""Decide which entries are cut where a list is more than its consumer can take.

What ranks first is kept: by the highest confidence, the latest sighting, the number of sources, in the order that
the limit ``rank`` says; entries that rank alike go by type and value, so that the same store gives the same list.
What is required comes before all else.  A network counts as one entry.
"""

from collections.abc import Collection, Sequence

from core.schemas.claim import Kind
from core.schemas.instant import EARLIEST, SECOND

COUNTS = f"a.withdrawn_at IS NULL AND a.kind >= {Kind.SUSPICIOUS:d}"

_MOST = (1 << 63) - 1
_FIRST = 1 << 62
"""More than all parts together."""

_SEEN = "max(COALESCE(a.last_seen, a.received_at))"
_CONFIDENCE = "COALESCE(a.confidence, (SELECT s.confidence FROM source_setting s WHERE s.source_id = a.source_id))"
_PARTS = {
    "score": (f"COALESCE(max({_CONFIDENCE}) + 1, 0)", 7),
    # Whole seconds since the year 1 are 39 bits, so that all three together are one integer.
    "recency": (f"COALESCE(({_SEEN} - {EARLIEST}) / {SECOND}, 0)", 39),
    "sources": ("count(DISTINCT a.source_id)", 16),
}


def cut_query(
    selected: str, rank: Sequence[str], keep: int, counts: str = COUNTS, *, first: Collection[int] = ()
) -> str:
    """Return SQL for the row ids, as ``id``, of the observables that are cut.

    Args:
        selected: A table with the row ids of all that may be listed, each once, in the column ``id``.
        rank: Some of ``limits.RANKS``, the first decides; dates are compared to the second.
        keep: How many are kept.
        counts: Which assertions ``a`` are looked at, as a condition; those of an observable without any are worth
            nothing, as is a confidence that nobody stated.
        first: Row ids of those that come before all others.
    """
    key = []
    if first:
        ids = ", ".join(format(id_, "d") for id_ in first)
        key.append(f"CASE WHEN t.id IN ({ids}) THEN {_FIRST} ELSE 0 END")
    shift = sum(_PARTS[word][1] for word in rank)
    for word in rank:
        part, bits = _PARTS[word]
        shift -= bits
        key.append(f"({part}) * {1 << shift}")
    # Integers are sorted in a fraction of the time that types and values take: these tell only which of those are
    # kept that are alike at the edge.
    return f"""
        WITH ranked AS MATERIALIZED (
            SELECT t.id AS id, {" + ".join(key)} AS worth
            FROM {selected} t LEFT JOIN assertion a ON a.observable_id = t.id AND {counts}
            GROUP BY t.id
        ), edge AS MATERIALIZED (
            SELECT worth FROM ranked ORDER BY worth DESC LIMIT 1 OFFSET {keep:d}
        )
        SELECT id FROM ranked WHERE worth < (SELECT worth FROM edge)
        UNION ALL
        SELECT id FROM (
            SELECT o.id AS id FROM ranked r JOIN observable o ON o.id = r.id
            WHERE r.worth = (SELECT worth FROM edge) ORDER BY o.type, o.value
            LIMIT {_MOST} OFFSET {keep:d} - (SELECT count(*) FROM ranked WHERE worth > (SELECT worth FROM edge))
        ) alike
    """  # noqa: S608 (our own words and integers)
