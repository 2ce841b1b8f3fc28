"""Runs and the jobs that ask for them, as they are sent."""

from pydantic import BaseModel, ConfigDict, Field

from core.api.exports.fields import Moment


class JobOut(BaseModel):
    """A run that is wanted, goes on, or was done."""

    id: int = Field(examples=[678])
    export: str = Field(examples=["c2-addresses"])
    state: str = Field(description="`waiting`, `running`, `done`, `failed` or `cancelled`.", examples=["waiting"])
    cause: str = Field(description="`request` or `schedule`.", examples=["request"])
    by: str = Field(description="Who asked for it.", examples=["alice"])
    created_at: Moment
    due_at: Moment = Field(description="Not before this.")
    attempt: int = Field(description="From 1; more if it had to be tried again.", examples=[1])
    started_at: Moment | None
    finished_at: Moment | None
    run: int | None = Field(description="The number of the run, when it ended.", examples=[345])
    entries: int | None = Field(description="Entries so far.", examples=[12_000])
    is_cancelled: bool = Field(description="It is to stop.")
    message: str = Field(description="Why it failed, is held or waits.")


class Requested(JobOut):
    """A run that is wanted."""

    is_new: bool = Field(description="False: one was waiting already, and was brought forward.")


class Wanted(BaseModel):
    """Which exports are to run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    exports: list[str] | None = Field(
        default=None,
        description="Their names; null is all that are enabled.",
        examples=[["c2-addresses"]],
        max_length=10_000,
    )


class Several(BaseModel):
    """Runs that are wanted."""

    items: list[Requested]


class Cancelled(BaseModel):
    """Jobs that are not to be done any more."""

    items: list[JobOut]


class LineOut(BaseModel):
    """A line that was logged."""

    time: Moment
    level: str = Field(description="`info`, `warning` or `error`.", examples=["info"])
    text: str


class Log(BaseModel):
    """What was logged while an export ran."""

    run: int
    lines: list[LineOut]
