"""The words of a definition in a file: those of the command line, without the hyphens before them.

What a file does not say is the default, so that a line taken out of a file is taken back.  Only the file name stays
what it was: a consumer fetches it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any

from core.errors import DefinitionError
from core.exports.definitions import words
from core.exports.formats import nearest
from core.redaction import redact
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import from_datetime, to_text
from core.values.types import expand


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a file.

    Attributes:
        field: The field of the definition, or of its selection, that it sets.
        read: Return the value of the field for what stands in the file; raises ``DefinitionError``.
        write: Return what stands in a file for a value of the field.
    """

    field: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def read(said: Mapping[str, object]) -> ExportDefinition:
    """Return the definition that a mapping of a file describes; ``file_name`` is empty where it says none.

    Raises:
        DefinitionError: A word is unknown (with the nearest), or what it says cannot be.
    """
    found: dict[str, Any] = {}
    schedule: dict[str, str] = {}
    for key, value in said.items():
        if key not in WORDS:
            known = nearest(str(key), WORDS) or f"; known: {', '.join(WORDS)}"
            raise DefinitionError(f"unknown key {str(key)!r}{known}", word=str(key))
        word = WORDS[key]
        into, name = (schedule, key) if word.field == "schedule" else (found, word.field)
        try:
            into[name] = word.read(value)
        except DefinitionError as error:
            raise DefinitionError(f"{key}: {error}", word=key) from None
    if schedule:
        found["schedule"] = _schedule(schedule)
    if "name" not in found:
        raise DefinitionError("it has no name", word="name")
    chosen = {key: value for key, value in found.items() if key in _SELECTION_DEFAULTS}
    others = {key: value for key, value in found.items() if key not in _SELECTION_DEFAULTS}
    return ExportDefinition(**{"file_name": ""} | others, selection=Selection(**chosen))


def write(definition: ExportDefinition) -> dict[str, Any]:
    """Return what a file says for *definition*, but for what is the default; its file name is always said.

    Raises:
        DefinitionError: Its destination holds a secret, which does not belong into a file.
    """
    refuse_secret(definition)
    return words_of(definition)


def said(definition: ExportDefinition) -> dict[str, Any]:
    """Return the same for people, without secrets."""
    return words_of(replace(definition, destination=redact(definition.destination)))


def words_of(definition: ExportDefinition) -> dict[str, Any]:
    """Return the same as it is, secrets too: what `read` makes the same definition of, but for its dates."""
    found: dict[str, Any] = {}
    for key, word in WORDS.items():
        in_selection = word.field in _SELECTION_DEFAULTS
        value = getattr(definition.selection if in_selection else definition, word.field)
        default = (_SELECTION_DEFAULTS if in_selection else _DEFAULTS).get(word.field)
        if value == default:
            continue
        text = word.write(value)
        if text is not None:
            found[key] = text
    return found


def refuse_secret(definition: ExportDefinition) -> None:
    """Do nothing if no password or key stands in the destination.

    Raises:
        DefinitionError: One does.
    """
    if redact(definition.destination) != definition.destination:
        raise DefinitionError(
            f"to: {redact(definition.destination)} holds a password or key; storage clients take those from their "
            "own settings, see yetictl storage list",
            word="to",
        )


def _name(value: object) -> str:
    return _text(value).strip()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DefinitionError(f"a text is needed, not {_shown(value)}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    several = value if isinstance(value, list) else [value]
    for each in several:
        if not isinstance(each, str):
            raise DefinitionError(f"a text or a list of texts is needed, not {_shown(each)}")
        if not each.strip():
            raise DefinitionError("an empty text")
    return tuple(dict.fromkeys(several))


def _types(value: object) -> tuple[str, ...]:
    return expand(_texts(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise DefinitionError(f"true or false is needed, not {_shown(value)}")
    return value


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise DefinitionError(f'a duration such as "30d" is needed, not {_shown(value)}')
    return words.duration_s(value)


def _moment(value: object) -> int:
    if isinstance(value, datetime):
        return from_datetime(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if not isinstance(value, str):
        raise DefinitionError(f"a date such as 2024-05-01 is needed, not {_shown(value)}")
    return words.moment(value)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise DefinitionError(f"a whole number is needed, not {_shown(value)}")
    return value


def _undated(value: object) -> str:
    if value not in ("keep", "drop"):
        raise DefinitionError(f"keep or drop is needed, not {_shown(value)}")
    return str(value)


def _schedule(said: Mapping[str, str]) -> str:
    """Return the text of a schedule whose parts are given by their words."""
    mains = [said[key] for key in ("every", "cron") if key in said]
    if len(mains) > 1:
        raise DefinitionError("every and cron exclude each other", word="cron")
    if not mains:
        raise DefinitionError("time-zone and jitter belong to a schedule: every or cron is missing", word="every")
    return "".join([*mains, *(said[key] for key in ("time-zone", "jitter") if key in said)])


def _pairs(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise DefinitionError(f"keys with values are needed, not {_shown(value)}")
    return {_key(key): _pair_text(key, text) for key, text in value.items()}


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise DefinitionError(f"the key {_shown(key)} is no text")
    return key


def _pair_text(key: object, value: object) -> str:
    """Return the text that stands behind the ``=`` at the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return value
    raise DefinitionError(f"{key}: a text, a number, true or false is needed, not {_shown(value)}")


def _shown(value: object) -> str:
    """Return what stands in a file for a message: as short as it can be and still be found."""
    names = {dict: "keys with values", list: "a list", type(None): "nothing (leave the line out for the default)"}
    if type(value) in names:
        return names[type(value)]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text[:40]!r}" if isinstance(value, str) else text[:40]


_PARTS = re.compile(
    r"(?:every:(?P<every>[0-9]{1,10})|cron:(?P<cron>.*?))(?:;zone=(?P<zone>[^;]*))?(?:;jitter=(?P<jitter>[1-9][0-9]{0,9}))?",
    re.DOTALL,
)
"""The text of a schedule; what is none of the other parts belongs to the expression, so that nothing is lost."""


def _part(schedule: str, key: str) -> str | None:
    """Return one part of the text of a schedule, ``None`` if it has none."""
    found = _PARTS.fullmatch(schedule)
    return None if found is None else found[key]


def _seconds_text(key: str) -> Callable[[str], str | None]:
    def text(schedule: str) -> str | None:
        found = _part(schedule, key)
        return None if found is None else words.duration_text(int(found))

    return text


WORDS: dict[str, Word] = {
    "name": Word("name", _name),
    "description": Word("description", _text),
    "enabled": Word("enabled", _flag),
    "format": Word("format", _text),
    "option": Word("options", _pairs),
    "template": Word("template", _text),
    "type": Word("types", _types, list),
    "include": Word("include", _texts, list),
    "require": Word("require", _texts, list),
    "exclude": Word("exclude", _texts, list),
    "ignore": Word("ignore", _texts, list),
    "source": Word("sources", _texts, list),
    "with-info": Word("with_info", _flag),
    "untagged": Word("untagged", _flag),
    "any-freshness": Word("any_freshness", _flag),
    "max-age": Word("max_age_s", _duration, words.duration_text),
    "first-seen-after": Word("first_seen_after", _moment, to_text),
    "last-seen-after": Word("last_seen_after", _moment, to_text),
    "tlp": Word("most_tlp", lambda value: words.marking(_text(value)), words.marking_text),
    "min-confidence": Word("least_confidence", _number),
    "grace": Word("grace_s", _duration, words.duration_text),
    "undated": Word("undated", _undated),
    "public": Word("is_public", _flag),
    "network": Word("networks", lambda value: words.networks(_texts(value)), list),
    "deltas": Word("deltas", _flag),
    "every": Word("schedule", lambda value: f"every:{_duration(value)}", _seconds_text("every")),
    "cron": Word("schedule", lambda value: f"cron:{_text(value)}", lambda schedule: _part(schedule, "cron")),
    "time-zone": Word("schedule", lambda value: f";zone={_text(value)}", lambda schedule: _part(schedule, "zone")),
    "jitter": Word("schedule", lambda value: f";jitter={_duration(value)}", _seconds_text("jitter")),
    "to": Word("destination", lambda value: _text(value).strip()),
    "file-name": Word("file_name", _text),
    "limit": Word("limits", _pairs),
}
"""Every word, in the order in which they are written."""

_SELECTION_DEFAULTS: dict[str, Any] = {item.name: getattr(Selection(), item.name) for item in fields(Selection)}
_DEFAULTS: dict[str, Any] = {
    item.name: getattr(ExportDefinition("", ""), item.name) for item in fields(ExportDefinition)
}
