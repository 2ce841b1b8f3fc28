"""What requests have in common: pages, names of tags and types, ids."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from core.accounts.callers import Caller
from core.ingest import typed
from core.ingest.yeti import OTHERS
from core.values import types

GUESS = "guess"
"""The type of a value whose type is to be found out."""

LONGEST_TAG = 250
MOST_TAGS = 50
_MOST = 10**9


class Form(BaseModel):
    """A request; what it does not know is a mistake of whoever asks, and said."""

    model_config = ConfigDict(extra="forbid")


Count = Annotated[int, Field(ge=0, le=_MOST, description="How many; 0 is all.")]
Page = Annotated[int, Field(ge=0, le=_MOST, description="Which page; 0 is the first.")]


def window(count: int, page: int) -> tuple[int | None, int]:
    """Return how many to give at most, ``None`` for all, and how many to pass over."""
    return (count, count * page) if count else (None, 0)


def _sound_tags(names: list[str]) -> list[str]:
    cleaned = [name.strip() for name in names]
    for name in cleaned:
        if not name:
            raise ValueError("Tags cannot be empty")
        if len(name) > LONGEST_TAG:
            raise ValueError(f"Tag {name[:40]}… exceeds max length ({LONGEST_TAG})")
        if not name.isprintable():
            raise ValueError("A tag holds what cannot be printed")
    return list(dict.fromkeys(cleaned))


def _sound_tag(name: str) -> str:
    return _sound_tags([name])[0]


def _none_is_empty(value: Any) -> Any:
    return [] if value is None else value


TagName = Annotated[str, AfterValidator(_sound_tag)]
TagNames = Annotated[list[str], AfterValidator(_sound_tags)]
"""Names of tags, each once, without blanks around them."""

RequestTags = Annotated[
    list[str],
    BeforeValidator(_none_is_empty),
    Field(max_length=MOST_TAGS),
    AfterValidator(_sound_tags),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "maxItems": MOST_TAGS, "items": {"type": "string", "minLength": 1}},
                {"type": "null"},
            ]
        }
    ),
]
"""The tags of what is sent; null is none."""


def _known_type(name: str) -> str:
    if name not in types.TYPES and name not in OTHERS:
        raise ValueError(f"unknown type; known: {', '.join(TYPE_NAMES)}")
    return name


def _known_type_or_guess(name: str) -> str:
    return name if name == GUESS else _known_type(name)


TYPE_NAMES = sorted(types.TYPES | OTHERS)
"""The types that are understood; those of Yeti that are none here are generic."""

TypeName = Annotated[
    str, AfterValidator(_known_type), WithJsonSchema({"type": "string", "enum": list(TYPE_NAMES)})
]
TypeNameOrGuess = Annotated[
    str,
    AfterValidator(_known_type_or_guess),
    WithJsonSchema({"type": "string", "enum": [*TYPE_NAMES, GUESS]}),
]


def own_type(name: str) -> str:
    """Return the type that a type of Yeti's is here."""
    return types.GENERIC if name in OTHERS else name


def recognised(type_name: str, text: str) -> tuple[str, str]:
    """Return type and canonical value of *text*, of a type or to be guessed, defanged or not.

    Raises:
        RefusedValue: It is no value of that type.
    """
    return typed.typed(typed.ANY if type_name == GUESS else own_type(type_name), text)


def id_of(text: str) -> int | None:
    """Return the row id that *text* says, ``None`` if it says none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def source_of(caller: Caller) -> str:
    """Return the source of what somebody says by this interface; no user's name can be that of another source."""
    return f"api:{caller.user.name}"
