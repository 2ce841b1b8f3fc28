"""Definitions as they are sent: the words of files, see ``docs/how-to`` and ``yetictl export dump``."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.api.exports.fields import Moment, Pinned
from core.exports.definitions import file_words
from core.schemas.export import ExportDefinition

Texts = list[str] | None
Pairs = dict[str, str | int | float | bool | None] | None


def _word(field: str) -> str:
    return field.replace("_", "-")


class Definition(BaseModel):
    """An export, by the words of definition files; what is not said is the default."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        alias_generator=_word,
        json_schema_extra={
            "examples": [
                {"name": "c2-addresses", "format": "list", "type": ["ip"], "include": ["c2"], "every": "1h"}
            ]
        },
    )

    name: str | None = Field(default=None, description="Name of the export.")
    description: str | None = Field(default=None, description="What it is for.")
    enabled: bool | None = Field(default=None, description="Whether it runs by itself; true unless it says false.")
    format: str | None = Field(default=None, description="A format of `/formats`; else a template.")
    option: Pairs = Field(default=None, description="Options of the format.")
    template: str | None = Field(default=None, description="A template instead of a format.")
    type: Texts = Field(default=None, description="Types of observables, or the groups ip, domain, hash.")
    include: Texts = Field(default=None, description="Takes what has any of these tags.")
    require: Texts = Field(default=None, description="Takes only what has all of these tags.")
    exclude: Texts = Field(default=None, description="Leaves out what has any of these tags.")
    ignore: Texts = Field(default=None, description="Acts as if these tags were not there.")
    source: Texts = Field(default=None, description="Takes only what these sources claim.")
    with_info: bool | None = Field(default=None, description="Also mere context.")
    untagged: bool | None = Field(default=None, description="Also what has no tag.")
    any_freshness: bool | None = Field(default=None, description="Stale tags count as well.")
    max_age: str | None = Field(default=None, description="Received at most so long ago.", examples=["30d"])
    first_seen_after: str | None = Field(default=None, description="First seen then or later.")
    last_seen_after: str | None = Field(default=None, description="Last seen then or later.")
    tlp: str | None = Field(default=None, description="Only what may be passed on so far.", examples=["green"])
    min_confidence: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="Only what is held at least this sure."
    )
    grace: str | None = Field(default=None, description="An entry stays so long after its end.", examples=["6h"])
    undated: str | None = Field(default=None, description="What has no end: `keep` or `drop`.")
    public: bool | None = Field(default=None, description="Anybody may fetch what is published.")
    network: Texts = Field(
        default=None,
        description="May only be fetched from these networks and addresses.",
        examples=[["10.0.0.0/8"]],
    )
    deltas: bool | None = Field(default=None, description="Publishes what each version added and removed, too.")
    every: str | None = Field(default=None, description="Runs so often.", examples=["1h"])
    cron: str | None = Field(default=None, description="Runs at these times.", examples=["30 4 * * *"])
    time_zone: str | None = Field(default=None, description="Of `cron`.", examples=["Europe/Berlin"])
    jitter: str | None = Field(default=None, description="Up to so much later, by chance.", examples=["5m"])
    to: str | None = Field(
        default=None,
        description="A storage path to publish at instead of `system.export_path`. "
        "Changing it needs `admin`; only editors and admins see it. It holds no password or key.",
    )
    file_name: str | None = Field(default=None, description="Publishes under this name; stays as it is otherwise.")
    limit: Pairs = Field(
        default=None, description="Limits of the gate, see `/limits`.", examples=[{"loss": "20%"}]
    )

    def said(self) -> dict[str, Any]:
        """Return what was said, null too, by words."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    @classmethod
    def of(cls, definition: ExportDefinition, *, with_place: bool) -> Self:
        """Return a definition as it is sent, without secrets."""
        found = file_words.said(definition)
        if not with_place:
            found.pop("to", None)
        return cls.model_validate(found)


class NewDefinition(Definition):
    """An export that is new."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(description="Its name.")


class Kept(BaseModel):
    """A definition that was kept."""

    definition: Definition
    warnings: list[str] = Field(description="What is probably not meant, each in one sentence.")


class Removed(BaseModel):
    """An export that was removed."""

    export: str
    kept: list[str] = Field(
        description="Files that stay where they were published; nothing changes them any more."
    )
    deleted: list[str] = Field(description="Published files that were deleted.")


class RunOut(BaseModel):
    """A run."""

    id: int = Field(examples=[345])
    status: str = Field(description="`running`, `completed`, `held` or `failed`.", examples=["completed"])
    outcome: str = Field(
        description="Of a completed run: `created`, `replaced`, `unchanged` or `pinned`; else empty."
    )
    message: str = Field(description="Why it failed or is held.")
    entries: int | None
    version: int | None = Field(description="The version that was current after it.")
    started_at: Moment
    finished_at: Moment | None


class HeldReason(BaseModel):
    """Why the gate holds a candidate."""

    rule: str = Field(examples=["loss"])
    text: str = Field(examples=["it would lose 900 of 1,000 entries (90%); the limit is 50%"])
    can_be_released: bool


class HeldBriefly(BaseModel):
    """The candidate that is held."""

    since: Moment
    entries: int
    candidate: str = Field(description="SHA-256 of its first file, to name it by.")
    reasons: list[HeldReason]
    can_be_released: bool


class CurrentVersion(BaseModel):
    """What consumers have."""

    version: int
    made: Moment
    entries: int


class ExportState(BaseModel):
    """How an export stands."""

    export: str
    enabled: bool
    status: str = Field(description="In a few words.", examples=["completed", "held, pinned", "never run"])
    current: CurrentVersion | None
    last_run: RunOut | None
    due_at: Moment | None = Field(description="When its schedule runs it next.")
    pinned: Pinned | None
    held: HeldBriefly | None
    attention: list[str] = Field(description="What somebody has to do something about, each in one line.")


class ExportSummary(ExportState):
    """An export in a list."""

    description: str
    format: str | None
    template: str | None
    file_name: str
