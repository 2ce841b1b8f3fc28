"""What the gate looks at, and what it says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from core.errors import RefusedValue
from core.schemas.version import Space


@dataclass(frozen=True, slots=True)
class Found:
    """How many things were found, and a few of them."""

    count: int = 0
    examples: tuple[str, ...] = ()


_NOWHERE = Space()
_NOTHING = Found()


@dataclass(frozen=True, slots=True)
class History:
    """What is published now, and what was before, where that is nothing.

    Attributes:
        entries: So many are published.
        space: What they cover; of a list that was emptied, what it covered before.
        had: Of a list that was emptied: how many entries it had before.
        counted: In words, where only the number of entries is known, not which they are, nor what they cover.
        is_ours: This export has published it; of what it finds at its first run, growth is not judged.
        size_bytes: All files together; 0 if that is not known.
    """

    entries: int
    space: Space = _NOWHERE
    had: int = 0
    counted: str = ""
    is_ours: bool = True
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """What would be published.

    Attributes:
        selected: Observables that the selection takes, as the store counts them in the same snapshot.
        entries: Entries that were written.
        refused: Entries that the format could not express.
        is_complete: All rows were read and all files finished.
        dropped: How many selected observables were kept off, by the word of the reason; without refusals.
        pieces: Entries that stand for what is left of networks which were kept off.
        size_bytes: All files together.
        space: What the entries cover.
        lost: Entries published now that are not in it, those withdrawn since not counted.
        withdrawn: Entries published now that were withdrawn since.
        own_assets: Entries that are the user's own.
        missing: Required values that are not in it.
        faults: What the format's own check found.
        not_checked: What it did not look at, and why.
        is_blank: The files hold nothing but white space, and are not those that are published.
        is_by_template: A template writes them, so that the number of entries says nothing about what is in them.
    """

    selected: int
    entries: int
    refused: int
    is_complete: bool
    dropped: Mapping[str, int] = field(default_factory=dict)
    pieces: int = 0
    size_bytes: int = 0
    space: Space = _NOWHERE
    lost: int = 0
    withdrawn: int = 0
    own_assets: Found = _NOTHING
    missing: tuple[str, ...] = ()
    faults: Found = _NOTHING
    not_checked: tuple[str, ...] = ()
    is_blank: bool = False
    is_by_template: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run is held.

    Attributes:
        rule: One word; that of the limit, if the rule has one.
        text: The reason, with numbers.
        can_be_released: Whether somebody may publish the candidate all the same.
    """

    rule: str
    text: str
    can_be_released: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reasons not to publish, none means that it may go out; and what else is worth telling, a line each."""

    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether it stays here."""
        return bool(self.reasons)

    @property
    def can_be_released(self) -> bool:
        """Whether it stays here only until somebody says that it may go out."""
        return self.is_held and all(reason.can_be_released for reason in self.reasons)

    @property
    def message(self) -> str:
        """Why it stays here, in one line."""
        return "; ".join(reason.text for reason in self.reasons)

    def as_object(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        reasons = [asdict(reason) for reason in self.reasons]
        return {"held": self.is_held, "reasons": reasons, "notes": list(self.notes)}

    @staticmethod
    def from_object(value: object) -> "Verdict":
        """Return the verdict that `as_object` gave *value* of.

        Raises:
            RefusedValue: It is none.
        """
        try:
            told = msgspec.convert(value, _Object)
        except msgspec.ValidationError as error:
            raise RefusedValue(f"not the verdict of a gate: {error}") from None
        reasons = tuple(Reason(item.rule, item.text, item.can_be_released) for item in told.reasons)
        if told.held != bool(reasons):
            raise RefusedValue("not the verdict of a gate: whether it holds does not go with its reasons")
        return Verdict(reasons, told.notes)


class _ObjectReason(msgspec.Struct):
    rule: str
    text: str
    can_be_released: bool


class _Object(msgspec.Struct):
    """A verdict as plain data; nothing has a default, so that what is damaged lets nothing out."""

    held: bool
    reasons: tuple[_ObjectReason, ...]
    notes: tuple[str, ...]
