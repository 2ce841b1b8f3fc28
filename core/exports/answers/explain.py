"""Say of any value whether an export lists it, since when, and why, or why not.

What a version lists, the ledger says.  Why, the assertions say: as they are now for the current version, and as far
as that is still known for an older one; an assertion that was renewed since does not tell what it was before.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from core.errors import NotFound, YetiError
from core.exports.answers.judging import Judgement, Reason, facts_of, judge
from core.exports.answers.standing import Explanation, Standing
from core.exports.gate import limits
from core.exports.gate.keeping_off_one import kept_off_for
from core.exports.select import resolved
from core.exports.settings import Settings
from core.exports.versions.held_changes import held_changes
from core.schemas.export import ExportDefinition
from core.schemas.instant import Instant
from core.store import archives, definitions, ledger, pins, versions
from core.store.allow_lists.hits_of import hits_of, is_looked_at
from core.store.archives import HELD, KEPT
from core.store.ledger import history as ledger_history
from core.store.ledger.history import Known, Made, Period
from core.store.ledger.lines import Change, word_of
from core.store.ledger.texts import Named
from core.values.detect import detect

if TYPE_CHECKING:
    from core.store import Store
    from core.store.snapshot import Snapshot


def explain(
    store: "Store",
    name: str,
    value: str,
    settings: Settings | None = None,
    version: int | None = None,
    *,
    now: Instant,
) -> Explanation:
    """Say what the export *name* does with a value, and why.

    Args:
        store: Where.
        name: Of the export.
        value: As a user types it, defanged or not.
        settings: To read what is held; without, nothing is said of that.
        version: The version to look at; ``None`` is the current one.
        now: When; of the current version assertions are judged by then.

    Raises:
        NotFound: There is no such export or version, or the value is of no type that is recognised.
    """
    definition = definitions.get_export(store, name)
    current = versions.current_version(store, name)
    number = version if version is not None else current.number if current else None
    if version is not None:
        _check_number(store, name, version, current.number if current else 0)
    with store.snapshot() as snapshot:
        explaining = _Explaining(store, snapshot, definition, settings, number, now)
        explaining.is_current = version is None or (current is not None and version == current.number)
        standings = tuple(explaining.standing(observable) for observable in _meant(snapshot, value))
        return Explanation(
            name, number, explaining.is_current, standings, explaining.made_at(standings), explaining.notes()
        )


def oldest_kept(store: "Store", name: str) -> int:
    """Return the oldest version that the ledger can tell everything of."""
    return min((item.number for item in archives.find(store, name, KEPT)), default=1)


def _check_number(store: "Store", name: str, number: int, current: int) -> None:
    oldest = oldest_kept(store, name)
    if not oldest <= number <= current:
        there = f"the ledger tells of {oldest} to {current}" if current else "it has none yet"
        raise NotFound(f"version {number} of {name!r} is not known (any more): {there}")


def _meant(snapshot: "Snapshot", text: str) -> list[Known]:
    """Return the observables that a text can be; of one that nobody knows the row id is 0."""
    found = {(item.type, item.value): item for item in ledger_history.known_as(snapshot.connection, text)}
    detected = detect(text)
    if detected is not None:
        for item in ledger_history.known_as(snapshot.connection, detected[1]):
            found[item.type, item.value] = item
        found.setdefault(detected, Known(0, *detected))
    if not found:
        raise NotFound(f"nobody knows {text[:60]!r}, and it is of no type that is recognised")
    return list(found.values())


class _Explaining:
    """Functions that share what is known."""

    def __init__(
        self,
        store: "Store",
        snapshot: "Snapshot",
        definition: ExportDefinition,
        settings: Settings | None,
        number: int | None,
        now: Instant,
    ) -> None:
        self.is_current = True
        self._store, self._snapshot, self._connection = store, snapshot, snapshot.connection
        self._definition, self._settings, self._number, self._now = definition, settings, number, now
        self._export = ledger.export_key(self._connection, definition.name)
        self._made = ledger_history.version_made(self._connection, self._export, number) if number else None
        self._notes: list[str] = []
        self._is_sure = True

    def standing(self, observable: Known) -> Standing:
        """Return how one observable stands, with what is around it."""
        around = ledger_history.wider(self._connection, observable.type, observable.value)
        held = self._held([item.id for item in (observable, *around) if item.id])
        return replace(
            self._one(observable, held),
            around=tuple(
                found
                for found in (self._one(item, held, inside=observable.value) for item in around)
                if found.is_of_interest
            ),
        )

    def made_at(self, standings: Sequence[Standing]) -> dict[int, Instant]:
        """Return when the versions were made that are spoken of."""
        numbers = {self._number} if self._number else set()
        for item in (item for each in standings for item in (each, *each.around)):
            for period in item.periods:
                numbers.update({period.first, period.last or 0, (period.last or 0) + 1})
        return ledger_history.made_at(self._connection, self._export, numbers)

    def notes(self) -> tuple[str, ...]:
        """Return what a user should know."""
        if (pin := pins.pinned(self._store, self._definition.name)) is not None:
            self._notes.append(f"pinned to version {pin.number}: runs publish nothing until it is unpinned")
        if not self.is_current:
            self._notes.append(
                "judged by what is known of the assertions now; how often they were renewed since is not known"
            )
        return tuple(dict.fromkeys(self._notes))

    def _one(self, observable: Known, held: Sequence[Change], inside: str = "") -> Standing:
        key, type_, value = observable
        periods = tuple(ledger_history.periods(self._connection, self._export, key)) if key else ()
        at = self._number or 0
        pieces = tuple(
            piece.value
            for piece in (ledger_history.piece_periods(self._connection, self._export, key) if key else ())
            if piece.holds_for(at) and (not inside or ledger_history.lies_in(inside, piece.value))
        )
        state = next((period for period in periods if period.holds_for(at)), None)
        is_whole = state is not None and state.is_listed
        judged, following, next_pieces = self._judged(observable)
        if inside and next_pieces:
            next_pieces = tuple(text for text in next_pieces if ledger_history.lies_in(inside, text))
            following = following if not next_pieces else {}
        next_pieces = tuple(
            text
            for text in next_pieces
            if not ledger_history.is_left_of_another(self._connection, self._export, key, text)
        )
        hits = hits_of(self._connection, key) if key else []
        return Standing(
            type_,
            value,
            bool(key),
            is_whole or bool(pieces),
            state.first if state else None,
            self._let_in_by(key, at) if is_whole else (),
            {} if is_whole else self._why_not(observable, state, periods, judged, following),
            judged.assertions,
            pieces,
            following if self.is_current and not self._may_not_fit(state, following) else None,
            next_pieces,
            _change(held, key, inside),
            periods,
            tuple(hit for hit in hits if hit.action == "inform" and not hit.is_own),
        )

    def _may_not_fit(self, state: Period | None, following: Reason) -> bool:
        """Say whether only a run can tell: of what it would list, but for what is cut and what cannot be written."""
        if following:
            return False
        is_listed = state is not None and state.is_listed
        was_left = state is not None and not state.is_listed and word_of(state.why) in ("cut", "refused")
        if was_left or not (self._is_sure or is_listed):
            self._notes.append("what the budget cuts, and what the format cannot express, only a run can tell")
            return True
        return False

    def _let_in_by(self, key: int, number: int) -> tuple[tuple[str, str], ...]:
        known = self._snapshot.known
        names = Named({tag.id: tag.name for tag in known.tags}, {key: name for name, key in known.sources.items()})
        return names.why(ledger_history.let_in_by(self._connection, self._export, key, number)).by

    def _judged(self, observable: Known) -> tuple[Judgement, Reason, tuple[str, ...]]:
        """Return what is to be shown of the assertions, and what a run would say now, with what is left of a network."""
        key, type_, value = observable
        if not key:
            return Judgement((), {"reason": "unknown"}), {"reason": "unknown"}, ()
        if not self.is_current and self._made is not None:
            return self._judge_then(self._made, observable), {}, ()
        facts = facts_of(self._connection, key)
        judged = judge(self._snapshot.known, resolved(self._definition), self._now, type_, facts)
        if judged.reason is not None:
            return judged, judged.reason, ()
        chosen = limits.parse(self._definition.limits)
        reason, pieces = kept_off_for(self._connection, observable, chosen)
        self._is_sure = chosen.budget_entries is None and chosen.budget_bytes is None
        if not is_looked_at(self._connection, key):
            self._notes.append(f"{value} was not compared with all allow-lists yet; the next run does that")
        return judged, reason, pieces

    def _judge_then(self, made: Made, observable: Known) -> Judgement:
        """Return what a version's own definition made of what was known, as far as that is still known."""
        facts = facts_of(self._connection, observable.id)
        selection = resolved(_definition(made) or self._definition)
        known = self._snapshot.known
        then = judge(known, selection, made.instant, observable.type, facts, as_it_was=True)
        is_later = facts and not then.assertions
        return replace(then, reason={"reason": "later"}) if is_later else then

    def _why_not(
        self,
        observable: Known,
        state: Period | None,
        periods: Sequence[Period],
        judged: Judgement,
        following: Reason,
    ) -> Reason:
        if state is not None:
            return _told(state.why)
        left = [period for period in periods if period.last is not None and period.last < (self._number or 0)]
        if left and left[-1].ended_by:
            return _told(left[-1].ended_by)
        if self._number is None:
            return {"reason": "unpublished"}
        if self.is_current and following:
            return following
        then = judged if not self.is_current or self._made is None else self._judge_then(self._made, observable)
        return then.reason or {"reason": "not-told"}

    def _held(self, ids: list[int]) -> list[Change]:
        if self._settings is None or not self.is_current:
            return []
        found: list[Change] = []
        for item in archives.find(self._store, self._definition.name, HELD):
            try:
                found += held_changes(item, self._definition, self._settings, ids)
            except (YetiError, OSError) as error:
                self._notes.append(f"what is held cannot be read: {error}")
        return found


def _change(changes: Sequence[Change], key: int, inside: str) -> tuple[str, Reason] | None:
    """Return what a candidate would change of an observable; of a network, only what is around a value in it."""
    for change in changes:
        if change.id != key or change.change == "freed":
            continue
        if change.piece and inside and not ledger_history.lies_in(inside, change.value):
            continue
        why = _told(bytes(change.why).decode())
        return change.change, why if "reason" in why else {}
    return None


def _told(text: str) -> Reason:
    if not text.startswith("{"):
        return {"reason": "not-told"}
    return {key: str(value) for key, value in msgspec.json.decode(text).items()}


def _definition(made: Made) -> ExportDefinition | None:
    try:
        return msgspec.json.decode(made.definition, type=ExportDefinition)
    except msgspec.MsgspecError:
        return None
