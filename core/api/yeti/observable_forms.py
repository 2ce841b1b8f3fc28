"""What is asked of observables."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.api.yeti.forms import Count, Form, Page, RequestTags, TypeName, TypeNameOrGuess
from core.api.yeti.observable_shapes import ObservableOut, TagOnOut

STANDARD = frozenset(
    (
        "value",
        "type",
        "tags",
        "context",
        "last_analysis",
        "created",
        "modified",
        "acls",
        "root_type",
        "is_valid",
        "id",
    )
)
"""Fields of every observable; what else an extended one has is kept as context."""


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"Half a surrogate pair stands at {error.start}, which is no text") from None
    return text


class NewObservable(Form):
    """A value, of a type that is known or to be guessed."""

    value: str
    type: TypeNameOrGuess
    tags: RequestTags = Field(default_factory=list)


class ExtendedObservable(BaseModel):
    """An observable with what its type has beside the value."""

    model_config = ConfigDict(extra="allow")

    value: str
    type: TypeName
    context: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        """What is no field of every observable, and says something."""
        return {key: value for key, value in (self.model_extra or {}).items() if key not in STANDARD and value}


class NewExtended(Form):
    """An observable with what its type has, and tags."""

    observable: ExtendedObservable
    tags: RequestTags = Field(default_factory=list)


class ChangedObservable(Form):
    """An observable as it is to be."""

    observable: ExtendedObservable


class Bulk(Form):
    """Many observables."""

    observables: list[NewObservable]


class Added(BaseModel):
    """What went in, and which values did not."""

    added: list[ObservableOut]
    failed: list[str]


class Text(Form):
    """A text with values in it, one a line."""

    text: Annotated[str, AfterValidator(_whole)]
    tags: RequestTags = Field(default_factory=list)


class Search(Form):
    """What is looked for.

    ``query`` has `value` (a part of it), `value__in`, `type`, `type__in`, `tags` (all of them), `created` and
    `modified` (with `<` or `>` before the date).
    """

    query: dict[str, Any] = Field(default_factory=dict)
    type: TypeName | None = None
    sorting: list[tuple[Literal["type", "value", "created", "modified"], bool]] = Field([], max_length=8)
    count: Count = 50
    page: Page = 0


class Found(BaseModel):
    """A page of what was found."""

    observables: list[ObservableOut]
    total: int


class Tagging(Form):
    """Which observables get which tags; ``strict`` takes all other tags away."""

    ids: Annotated[list[str], Field(max_length=100_000)]
    tags: RequestTags = Field(default_factory=list)
    strict: bool = False


class Tagged(BaseModel):
    """The tags that observables have now, by ``observables/<id>``."""

    tagged: int
    tags: dict[str, dict[str, TagOnOut]]


class Context(Form):
    """A remark, and whose it is."""

    source: Annotated[str, Field(min_length=1, max_length=250)]
    context: dict[str, Any]
    skip_compare: list[str] = Field(default_factory=list)
