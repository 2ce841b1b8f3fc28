"""A selection as SQL conditions on ``observable o``: Yeti's rules, computed from timestamps at one instant.

With T the assertions that count (not ignored, of a kind and source that is asked for, active at the instant), an
observable is taken if its type is wanted, T is not empty, T meets ``include``, holds all of ``require``, no active
or sticky assertion meets ``exclude``, and none says under a sticky tag that it is benign; an export that asks for a
sticky tag by name is a list of what is good, which that does not keep anything off.
Decisions 0014 and 0071 say which kinds and sources count for what.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from core.schemas.claim import Kind
from core.schemas.export import Selection
from core.schemas.instant import LATEST, SECOND, Instant
from core.store.lifetimes import Lifetimes
from core.store.tags import Tag
from core.values.tags import tag_key

CLEARED = "false-positive"
"""The tag of what was cleared (`clearing`): benign under it always counts, whatever was set for the tag."""


@dataclass(frozen=True)
class Known:
    """What a snapshot knows before it looks at a row.

    What follows from it is reckoned once: a run asks many questions, and each asks for the tags.
    """

    tags: tuple[Tag, ...]
    sources: dict[str, int]
    lifetimes: Lifetimes
    confidences: dict[int, int]
    """What counts as the confidence of a source that states none."""
    tlps: frozenset[int]
    """Every marking above ``CLEAR`` that an assertion has."""
    last_instant: Instant
    is_sure: bool
    """Whether ``sure_until`` was reckoned with this default lifetime."""

    def tag_ids(self, names: Collection[str]) -> set[int]:
        """Return the row ids of the tags with these names, in whatever spelling."""
        return set().union(*(self._by_key.get(tag_key(name), ()) for name in names))

    @cached_property
    def sticky(self) -> frozenset[int]:
        """The row ids of the tags that are sticky."""
        return frozenset(tag.id for tag in self.tags if tag.is_sticky)

    @cached_property
    def _by_key(self) -> Mapping[str, set[int]]:
        found: dict[str, set[int]] = {}
        for tag in self.tags:
            found.setdefault(tag.key, set()).add(tag.id)
        return found


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
    selection: Selection,
    known: Known,
    instant: Instant,
    *,
    fresh: bool = True,
    named: Collection[str] = (),
    with_cleared: bool = False,
    as_it_was: bool = False,
) -> Conditions:
    """Return *selection* as conditions at *instant*.

    For the steps of a funnel: *fresh* false lets stale assertions count for what is taken, not for what is
    excluded; *named* are tags that the whole selection asks for by name; *with_cleared* lets in what somebody said
    to be benign under a sticky tag.  *as_it_was* lets count what was withdrawn only after *instant*: it is for
    questions about the past, since a clock that is behind must bring nothing back.
    """
    ids = known.tag_ids
    ignored = ids(selection.ignore)
    fresh = fresh and not selection.any_freshness
    graced = instant - selection.grace_s * SECOND
    begun = _begun(instant, as_it_was)
    active = begun + (_not_ended(known, graced) if fresh else "")
    asked = ids((*selection.include, *selection.require, *named))
    counts = _countable(selection, known, asked, ignored) + active
    included = tuple(sorted(ids(selection.include) - ignored)) if selection.include else None
    excluded = ids(selection.exclude) - ignored
    good = known.sticky | ids((CLEARED,))
    cleared = frozenset() if with_cleared or asked & good else good - excluded - ignored
    spare = tuple(sorted(known.sticky | cleared))
    lapse = "" if selection.any_freshness else _not_ended(known, instant, spare)
    if cleared:
        lapse += f" AND (a.kind = {Kind.BENIGN:d} OR a.tag_id NOT IN {_set(cleared)})"
    return Conditions(
        included=counts + (f" AND a.tag_id IN {_set(included)}" if included is not None else ""),
        included_tags=included,
        unsure=_unsure(selection, known, ignored, instant) if included is None and not as_it_was else "",
        others=(*_required(selection, known, ignored, counts), *_dated(selection, counts, instant)),
        excluded=begun.removeprefix(" AND ") + lapse,
        excluded_tags=tuple(sorted(excluded | cleared)),
        takes_untagged=_untagged(ignored) if selection.untagged and included is None else "",
    )


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
    if is_above(selection, known):
        parts += f" AND (a.tlp IS NULL OR a.tlp <= {selection.most_tlp:d})"
    if selection.least_confidence is not None:
        parts += f" AND {_confidence(known)} >= {selection.least_confidence:d}"
    if selection.undated == "drop" and (unknown := _undated(known)):
        parts += f" AND NOT ({unknown})"
    return parts


def active(known: Known, instant: Instant) -> str:
    """Return which assertions ``a`` stand and are within their window at *instant*, as a condition."""
    return (_begun(instant, as_it_was=False) + _not_ended(known, instant)).removeprefix(" AND ")


def is_above(selection: Selection, known: Known) -> bool:
    """Say whether the store holds anything that may not be passed on as far as *selection* goes."""
    return selection.most_tlp is not None and any(tlp > selection.most_tlp for tlp in known.tlps)


def has_undated(known: Known) -> bool:
    """Say whether there can be assertions whose end nothing tells."""
    return bool(_undated(known))


def _confidence(known: Known) -> str:
    cases = "".join(f" WHEN {key} THEN {value:d}" for key, value in sorted(known.confidences.items()))
    return f"COALESCE(a.confidence, CASE a.source_id{cases} END)" if cases else "a.confidence"


def _undated(known: Known) -> str:
    """Neither an end, nor a lifetime, nor a date of the source's own; empty where every assertion has a lifetime."""
    lifetimes = known.lifetimes
    every_s = (
        lifetimes.default_s,
        *lifetimes.tags.values(),
        *lifetimes.sources.values(),
        *lifetimes.types.values(),
    )
    if all(lifetime_s >= 0 for lifetime_s in every_s):
        return ""
    lifetime = _lifetime(lifetimes, lambda lifetime_s: "TRUE" if lifetime_s < 0 else "FALSE")
    dates = "a.valid_until IS NULL AND a.valid_from IS NULL AND a.first_seen IS NULL AND a.last_seen IS NULL"
    return f"{dates} AND {lifetime}"


def _begun(instant: Instant, as_it_was: bool) -> str:
    stands = f"(a.withdrawn_at IS NULL OR a.withdrawn_at > {instant:d})" if as_it_was else "a.withdrawn_at IS NULL"
    return f" AND {stands} AND (a.valid_from IS NULL OR a.valid_from <= {instant:d})"


def _not_ended(known: Known, instant: Instant, spare: tuple[int, ...] = ()) -> str:
    """Not past the stated end, nor past a lifetime that was set or stands in; tags in *spare* never end."""
    lifetimes = known.lifetimes
    if lifetimes.is_plain:
        lives = f"COALESCE(a.valid_until > {instant:d}, a.received_at > {_after(lifetimes.default_s, instant)})"
    else:
        stands_in = (
            f"CASE WHEN a.valid_until IS NULL THEN {_after(lifetimes.default_s, instant)} ELSE {-LATEST} END"
        )
        after = _lifetime(lifetimes, lambda lifetime_s: str(_after(lifetime_s, instant)), stands_in)
        lives = f"COALESCE(a.valid_until > {instant:d}, TRUE) AND {_since(lifetimes)} > {after}"
    return f" AND (a.tag_id IN {_set(spare)} OR ({lives}))" if spare else f" AND {lives}"


def _since(lifetimes: Lifetimes) -> str:
    """From when an assertion lives."""
    if not lifetimes.from_last_seen:
        return "a.received_at"
    own = f"a.source_id IN {_set(lifetimes.from_last_seen)}"
    return f"CASE WHEN {own} THEN COALESCE(a.last_seen, a.received_at) ELSE a.received_at END"


def _lifetime(lifetimes: Lifetimes, told: Callable[[int], str], otherwise: str = "") -> str:
    """Return SQL for what *told* makes of the lifetime of an assertion; *otherwise* is for the default one."""
    cases = [
        f" WHEN {column} IN {_set(ids)} THEN {told(lifetime_s)}"
        for column, own in (("a.tag_id", lifetimes.tags), ("a.source_id", lifetimes.sources))
        for lifetime_s, ids in sorted(_by_value(own).items())
    ]
    # Of an assertion alone: the sets of a plan are found without a look at the observables.
    cases += [
        f" WHEN (SELECT type FROM observable WHERE id = a.observable_id) = '{type_}' THEN {told(lifetime_s)}"  # noqa: S608 (our own words)
        for type_, lifetime_s in sorted(lifetimes.types.items())
    ]
    otherwise = otherwise or told(lifetimes.default_s)
    return f"CASE{''.join(cases)} ELSE {otherwise} END" if cases else f"({otherwise})"


def _after(lifetime_s: int, instant: Instant) -> Instant:
    """Return what an assertion must have begun to live after to live at *instant*."""
    return -LATEST if lifetime_s < 0 else max(-LATEST, instant - lifetime_s * SECOND)


def _by_value(own: Mapping[int, int]) -> dict[int, set[int]]:
    grouped: dict[int, set[int]] = {}
    for key, value in own.items():
        grouped.setdefault(value, set()).add(key)
    return grouped


def _unsure(selection: Selection, known: Known, ignored: set[int], instant: Instant) -> str:
    """Which observables may not count, where the bounds are a help; else nothing."""
    asks_more = selection.sources or selection.least_confidence is not None or selection.undated == "drop"
    if ignored or asks_more or not known.is_sure or instant < known.last_instant:
        return ""
    unsure = f"o.sure_until <= {instant:d}"
    if is_above(selection, known):
        above = f"SELECT a.observable_id FROM assertion a WHERE a.tlp > {selection.most_tlp:d}"  # noqa: S608 (integer)
        return f"({unsure} OR o.id IN ({above}))"
    return unsure


def _required(selection: Selection, known: Known, ignored: set[int], counts: str) -> list[str]:
    required = (known.tag_ids([name]) - ignored for name in selection.require)
    return [exists(f"{counts} AND a.tag_id IN {_set(ids)}") for ids in required]


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
