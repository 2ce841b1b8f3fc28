"""A selection as SQL conditions on ``observable o``: Yeti's rules, computed from timestamps at one instant.

With T the assertions that count (not ignored, of a kind and source that is asked for, active at the instant), an
observable is taken if its type is wanted, T is not empty, T meets ``include``, holds all of ``require``, and no
active or sticky assertion meets ``exclude``.  Decision 0014 says which kinds and sources count for what.
"""

from collections.abc import Collection
from dataclasses import dataclass

from core.schemas.claim import Kind
from core.schemas.export import Selection
from core.schemas.instant import LATEST, SECOND, Instant
from core.store.tags import Tag
from core.values.tags import tag_key


@dataclass(frozen=True, slots=True)
class Known:
    """What a snapshot knows before it looks at a row."""

    tags: tuple[Tag, ...]
    sources: dict[str, int]
    lifetime_s: int
    last_instant: Instant
    is_sure: bool
    """Whether ``sure_until`` was reckoned with this default lifetime."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Parts of a WHERE clause, each about ``o.id``; an empty text asks nothing.

    Attributes:
        included: Which observables have an assertion that lets them in, as a condition on assertion ``a``.
        included_tags: The tags to find them by; ``None`` means by any, so that only a look at each will tell.
        unsure: Only an observable that meets this needs a look at its assertions; the others count.
        others: What else must hold, as conditions on ``o``.
        excluded: Which assertions ``a`` keep their observable out.
        excluded_tags: The tags to find them by.
    """

    included: str
    included_tags: tuple[int, ...] | None
    unsure: str
    others: tuple[str, ...]
    excluded: str
    excluded_tags: tuple[int, ...]
    takes_untagged: str = ""


def build(
    selection: Selection, known: Known, instant: Instant, *, fresh: bool = True, named: Collection[str] = ()
) -> Conditions:
    """Return *selection* as conditions at *instant*.

    For the steps of a funnel: *fresh* false lets stale assertions count for what is taken, not for what is
    excluded; *named* are tags that the whole selection asks for by name.
    """
    ids = _Ids(known.tags)
    ignored = ids.of(selection.ignore)
    fresh = fresh and not selection.any_freshness
    active = _begun(instant) + (_not_ended(known, instant) if fresh else "")
    asked = ids.of((*selection.include, *selection.require, *named))
    counts = _countable(selection, known, asked, ignored) + active
    included = tuple(sorted(ids.of(selection.include) - ignored)) if selection.include else None
    excluded = tuple(sorted(ids.of(selection.exclude) - ignored))
    sticky = tuple(sorted(tag.id for tag in known.tags if tag.id in set(excluded) and tag.is_sticky))
    lapse = _not_ended(known, instant, spare=sticky) if not selection.any_freshness else ""
    return Conditions(
        included=counts + (f" AND a.tag_id IN {_set(included)}" if included is not None else ""),
        included_tags=included,
        unsure=_unsure(selection, known, ignored, instant) if included is None else "",
        others=(*_required(selection, ids, ignored, counts), *_dated(selection, counts, instant)),
        excluded=_begun(instant).removeprefix(" AND ") + lapse,
        excluded_tags=excluded,
        takes_untagged=_untagged(ignored) if selection.untagged and included is None else "",
    )


class _Ids:
    """Row ids of tags, by what names are compared by."""

    def __init__(self, tags: Collection[Tag]) -> None:
        self._by_key: dict[str, set[int]] = {}
        for tag in tags:
            self._by_key.setdefault(tag.key, set()).add(tag.id)

    def of(self, names: Collection[str]) -> set[int]:
        return set().union(*(self._by_key.get(tag_key(name), ()) for name in names))


def _countable(selection: Selection, known: Known, named: set[int], ignored: set[int]) -> str:
    """Which assertions count as tags at all, whatever the time: by kind, source and tag."""
    kinds = f"a.kind >= {Kind.SUSPICIOUS:d}"
    if selection.with_info:
        kinds += f" OR a.kind = {Kind.INFO:d}"
    if named:
        # What is known to be good gets on a list only by a tag that was asked for by name.
        kinds += f" OR (a.kind = {Kind.BENIGN:d} AND a.tag_id IN {_set(named)})"
    parts = f"({kinds})"
    if ignored:
        parts += f" AND a.tag_id NOT IN {_set(ignored)}"
    if selection.sources:
        sources = {known.sources[name] for name in selection.sources if name in known.sources}
        parts += f" AND a.source_id IN {_set(sources)}"
    return parts


def _begun(instant: Instant) -> str:
    return f" AND a.withdrawn_at IS NULL AND (a.valid_from IS NULL OR a.valid_from <= {instant:d})"


def _not_ended(known: Known, instant: Instant, spare: tuple[int, ...] = ()) -> str:
    """Not past the stated end, or where none is stated the lifetime of the tag; tags in *spare* never end."""
    own = {tag.id: tag.lifetime_s for tag in known.tags if tag.lifetime_s is not None}
    cases = "".join(
        f" WHEN a.tag_id IN {_set(ids)} THEN {_received_after(lifetime_s, instant)}"
        for lifetime_s, ids in sorted(_by_value(own).items())
    )
    default = _received_after(known.lifetime_s, instant)
    after = f"CASE{cases} ELSE {default} END" if cases else str(default)
    ended = f"COALESCE(a.valid_until > {instant:d}, a.received_at > {after})"
    return f" AND (a.tag_id IN {_set(spare)} OR {ended})" if spare else f" AND {ended}"


def _received_after(lifetime_s: int, instant: Instant) -> Instant:
    """Return what a time of receipt must be later than for the assertion to live at *instant*."""
    return -LATEST if lifetime_s < 0 else max(-LATEST, instant - lifetime_s * SECOND)


def _by_value(own: dict[int, int]) -> dict[int, set[int]]:
    grouped: dict[int, set[int]] = {}
    for key, value in own.items():
        grouped.setdefault(value, set()).add(key)
    return grouped


def _unsure(selection: Selection, known: Known, ignored: set[int], instant: Instant) -> str:
    """Which observables may not count, where the bounds are a help; else nothing."""
    if ignored or selection.sources or not known.is_sure or instant < known.last_instant:
        return ""
    return f"o.sure_until <= {instant:d}"


def _required(selection: Selection, ids: _Ids, ignored: set[int], counts: str) -> list[str]:
    return [exists(f"{counts} AND a.tag_id IN {_set(ids.of([name]) - ignored)}") for name in selection.require]


def _dated(selection: Selection, counts: str, instant: Instant) -> list[str]:
    found = []
    if selection.max_age_s is not None:
        found.append(exists(f"{counts} AND a.received_at >= {instant - selection.max_age_s * SECOND:d}"))
    if selection.last_seen_after is not None:
        found.append(exists(f"{counts} AND a.last_seen >= {selection.last_seen_after:d}"))
    if selection.first_seen_after is not None:
        found.append(exists(f"{counts} AND a.first_seen >= {selection.first_seen_after:d}"))
        found.append(f"NOT {exists(f'{counts} AND a.first_seen < {selection.first_seen_after:d}')}")
    return found


def _untagged(ignored: set[int]) -> str:
    """No assertion at all, ignored ones aside; one that was withdrawn or says benign is never set aside."""
    aside = f"a.tag_id IN {_set(ignored)} AND a.withdrawn_at IS NULL AND a.kind <> {Kind.BENIGN:d}"
    return f"NOT {exists(f'NOT ({aside})')}"


def exists(condition: str) -> str:
    """Return SQL that says whether an assertion of ``o`` meets *condition*."""
    return f"EXISTS (SELECT 1 FROM assertion a WHERE a.observable_id = o.id AND {condition})"  # noqa: S608 (integers)


def _set(ids: Collection[int]) -> str:
    # Row ids are positive: -1 is the empty set, for IN and for NOT IN.
    return f"({', '.join(map(str, sorted(ids))) or '-1'})"
