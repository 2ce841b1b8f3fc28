"""Exports as Yeti's tasks: what is asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from core.api.yeti.durations import Duration, DurationOut
from core.api.yeti.forms import Count, Form, Page, TagNames


class ExportTask(BaseModel):
    """An export as it is to be; what is known of it beside that may be sent along."""

    name: Annotated[str, StringConstraints(strip_whitespace=True)]
    template_name: str
    enabled: bool = False
    description: Annotated[str, Field(max_length=10_000)] = ""
    frequency: Duration | None = None
    type: Literal["export"] = "export"
    include_tags: TagNames = Field(default_factory=list)
    exclude_tags: TagNames = Field(default_factory=list)
    ignore_tags: TagNames = Field(default_factory=list)
    fresh_tags: bool = True
    acts_on: list[str] = Field(default_factory=list)


class ExportForm(Form):
    """An export as it is to be; of one that there is, what is sent is changed."""

    export: ExportTask


class Search(Form):
    """Which tasks are looked for.

    ``query`` has fields of a task: `name` is a regular expression, other texts are parts of what is there;
    `name__in` and so on are lists of what it may be; `description~` and so on are regular expressions.
    """

    query: dict[str, Any] = Field(default_factory=dict)
    type: Literal["export", "feed", "analytics", "oneshot", "inline", "event"] | None = None
    sorting: Annotated[list[tuple[str, bool]], Field(max_length=16)] = Field(default_factory=list)
    count: Count = 100
    page: Page = 0


class Run(Form):
    """Parameters of a run; an export has none."""

    params: dict[str, Any] = Field(default_factory=dict)


class ExportTaskOut(BaseModel):
    """An export, with exactly the fields that Yeti's clients know."""

    id: str
    name: str
    template_name: str
    enabled: bool
    description: str
    status: Literal["idle", "running", "completed", "failed"]
    status_message: str
    last_run: datetime | None
    frequency: DurationOut | None
    type: Literal["export"] = "export"
    include_tags: list[str]
    exclude_tags: list[str]
    ignore_tags: list[str]
    fresh_tags: bool
    acts_on: list[str]
    sha256: str | None


class Found(BaseModel):
    """A page of tasks."""

    tasks: list[ExportTaskOut]
    total: int


class Done(BaseModel):
    """What was asked for was done, or will be."""

    status: str = "ok"
