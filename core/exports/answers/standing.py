"""How values stand with an export: what an explanation is made of."""

from dataclasses import dataclass, field

from core.exports.answers.judging import Judged, Reason
from core.schemas.instant import Instant
from core.store.allow_lists.hits_of import Hit
from core.store.ledger.history import Period


@dataclass(frozen=True, slots=True)
class Standing:
    """How one observable stands with an export.

    Attributes:
        type, value: Of the observable.
        is_known: The store has it.
        is_listed: The version lists it, whole or in ``pieces``.
        since: The version since which it is listed, or kept off; ``None`` if it never was either.
        by: Tag and source of what let it in when it was put on, or was last modified; none if it is not listed.
        reason: Why it is not listed; empty if it is.
        assertions: Who says what of it, and what counts.
        pieces: What of a network is listed after it was split.
        next: Why a run would not list it now; empty if it would.  ``None``: that was not asked for.
        next_pieces: What of a network a run would list.
        held: What the candidate that is held would change: the word, and the reason; ``None`` if nothing.
        periods: What held for which versions, oldest first.
        informed: Entries of allow-lists that only inform.
        around: Listed networks it lies in, and names it is below.
    """

    type: str
    value: str
    is_known: bool = False
    is_listed: bool = False
    since: int | None = None
    by: tuple[tuple[str, str], ...] = ()
    reason: Reason = field(default_factory=dict)
    assertions: tuple[Judged, ...] = ()
    pieces: tuple[str, ...] = ()
    next: Reason | None = None
    next_pieces: tuple[str, ...] = ()
    held: tuple[str, Reason] | None = None
    periods: tuple[Period, ...] = ()
    informed: tuple[Hit, ...] = ()
    around: "tuple[Standing, ...]" = ()

    @property
    def is_of_interest(self) -> bool:
        """Whether it has to do with an address in it or a name below it."""
        return self.is_listed or self.held is not None or self.next == {}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an export does with a value.

    Attributes:
        export: Its name.
        version: Number of the version that was asked about; ``None`` if there is none yet.
        is_current: It is the one that is published.
        standings: One for each observable that the value can be.
        made_at: When versions were made, by number.
        notes: What a user should know, each one line.
    """

    export: str
    version: int | None
    is_current: bool
    standings: tuple[Standing, ...]
    made_at: dict[int, Instant]
    notes: tuple[str, ...]
