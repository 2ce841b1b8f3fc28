"""Answers about values and lists, as they are sent."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from core.api.exports.fields import Moment, Reason
from core.api.exports.paging import Page
from core.api.exports.version_models import VerdictOut
from core.exports.answers.holders import Inside


class VersionRef(BaseModel):
    """A version, and when it was made."""

    version: int
    made: Moment | None


class LetInBy(BaseModel):
    """What let a value in."""

    tag: str
    source: str


class Next(BaseModel):
    """What a run would do now."""

    listed: bool
    reason: Reason | None
    parts: list[str] = Field(description="What of a network it would list.")


class WouldChange(BaseModel):
    """What the candidate that is held would change."""

    change: str = Field(examples=["added"])
    reason: Reason | None


class Assertion(BaseModel):
    """Who says what of a value, and whether that counts."""

    tag: str
    source: str
    kind: str
    created_at: Moment | None
    received_at: Moment | None
    first_seen: Moment | None
    last_seen: Moment | None
    valid_from: Moment | None
    valid_until: Moment | None
    withdrawn_at: Moment | None
    withdrawn_reason: str | None
    confidence: int | None
    tlp: str | None
    ends_at: Moment | None = Field(description="Null: never.")
    grace_until: Moment | None = Field(description="It has ended, and counts until then.")
    sticky: bool = Field(description="It keeps the value off whatever its end.")
    counts: bool
    why_not: str | None = Field(description="The word for why it does not count.", examples=["ended"])
    excludes: bool = Field(description="It keeps the value off.")


class PeriodOut(BaseModel):
    """Versions in a row for which one thing held of a value."""

    model_config = ConfigDict(populate_by_name=True)

    listed: bool
    since: VersionRef | None = Field(alias="from")
    until: VersionRef | None = Field(description="Null: it still holds.")
    why: Reason | None = Field(description="Of what was kept off.")
    reason: Reason | None = Field(description="Why it left.")


class Informed(BaseModel):
    """An entry of an allow-list that only informs."""

    list: str
    entry: str
    relation: str


class StandingOut(BaseModel):
    """How one observable stands with an export."""

    type: str
    value: str
    known: bool = Field(description="The store has it.")
    listed: bool
    since: VersionRef | None
    by: list[LetInBy]
    reason: Reason | None = Field(description="Why it is not listed.")
    text: str = Field(description="The same in one sentence.")
    parts: list[str] = Field(description="What of a network is listed after it was split.")
    next: Next | None = Field(description="Null: only a run can tell, or it is about an older version.")
    held: WouldChange | None
    assertions: list[Assertion]
    periods: list[PeriodOut]
    informed: list[Informed]
    around: "list[StandingOut]" = Field(description="Listed networks it lies in, and names it is below.")


class ExplanationOut(BaseModel):
    """What an export does with a value, and why."""

    export: str
    version: int | None
    current: bool
    values: list[StandingOut] = Field(description="One for each observable that the value can be.")
    notes: list[str]


class KeptOffCount(BaseModel):
    """How many observables are kept off for a reason; what else there is to say of it are fields, too."""

    model_config = ConfigDict(extra="allow")

    reason: str
    observables: int


class Step(BaseModel):
    """How many observables are left after a step of the selection."""

    step: str
    observables: int


class HitOut(BaseModel):
    """A value of a log, and the entry that stands for it."""

    value: str
    relation: str = Field(description="`equal`, `inside`, `below` or `contains`.", examples=["inside"])
    entry: str
    entries: int
    in_url: bool
    lines: int
    first_line: int
    excerpt: str


class AgainstOut(BaseModel):
    """What a list would have hit in a log."""

    listed: int
    lines: int
    lines_hit: int
    lines_without_value: int
    lines_too_long: int
    hits: list[HitOut]
    hits_beyond: int = Field(description="So often something else was hit; only the first 10,000 are kept apart.")


class FileBeginning(BaseModel):
    """The first lines of a file."""

    name: str
    first: list[str]


class PreviewOut(BaseModel):
    """What a run would publish now."""

    export: str
    entries: int
    current_version: int | None
    changed: dict[str, int]
    removed_for: dict[str, int]
    kept_off: list[KeptOffCount]
    verdict: VerdictOut
    types: dict[str, int]
    tags: dict[str, int]
    stale_assertions: int
    funnel: list[Step] = Field(description="What is left after each step, if that is little.")
    first: list[str] = Field(description="The first lines of the first file.")
    files: list[FileBeginning] = Field(
        description="The first lines of each file; what names the others comes first."
    )
    notes: list[str]


class PreviewAgainst(PreviewOut):
    """What a run would publish now, and what that would have hit."""

    against: AgainstOut


class KeptOffOut(BaseModel):
    """An observable that is selected and all the same not on the list."""

    type: str
    value: str
    why: Reason


class KeptOffPage(Page[KeptOffOut]):
    """What is kept off a version."""

    export: str
    version: int


class InsideOut(BaseModel):
    """What is listed inside a network, on an address, or below a name."""

    count: int
    examples: list[str]
    exports: list[str]

    @classmethod
    def of(cls, found: Inside | None) -> Self | None:
        """Return it as it is sent."""
        if found is None:
            return None
        return cls(count=found.count, examples=[*found.examples], exports=found.exports)


class CoveringOut(BaseModel):
    """A network that a value lies in, or a name that it is below, and the exports that list it."""

    type: str
    value: str
    exports: list[str]

    @classmethod
    def several(cls, found: Iterable[tuple[str, str, list[str]]]) -> list[Self]:
        """Return those as they are sent."""
        return [cls(type=kind, value=text, exports=names) for kind, text, names in found]


class HolderOut(BaseModel):
    """Which exports hold an observable, and what else stands for it."""

    type: str
    value: str
    exports: list[str] = Field(description="Those whose current version, or what is held, has it or may have it.")
    covering: list[CoveringOut]
    inside: InsideOut | None


class Holders(BaseModel):
    """The same for each observable that a value can be."""

    values: list[HolderOut]
