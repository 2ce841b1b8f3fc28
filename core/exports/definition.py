"""Make an export definition out of what a user asks for, or say what is wrong with it."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from core.clients.persistient_storage import names
from core.errors import DefinitionError, InvalidFileName
from core.exports.formats import get_format, nearest, parse_options
from core.redaction import redact
from core.schemas.claim import TLP
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store.rendering import TLP_WORDS
from core.values.types import TYPES

if TYPE_CHECKING:
    from core.store import Store

LONGEST_NAME = 200
CRON_FIELD = re.compile(r"[0-9A-Za-z*,/\-?#]+")
LIMIT_KEY = re.compile(r"[a-z][a-z0-9_-]*")


def make(
    store: "Store",
    name: str,
    *,
    selection: Selection,
    format: str = "",
    template: str = "",
    options: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
    destination: str = "",
    default_destination: str,
    file_name: str = "",
    schedule: str = "",
    description: str = "",
    enabled: bool = True,
    is_public: bool = False,
    now: Instant,
) -> ExportDefinition:
    """Return the definition of a new export; nothing is kept.

    Args:
        store: Where templates and the other exports are.
        name: For people; the file name is made from it unless *file_name* is given.
        selection: What it takes.
        format: Name of the format, or empty.
        template: Name of the template, or empty; exactly one of the two is given.
        options: Options of the format.
        limits: Limits of the gate, kept as they are.
        destination: A storage path; empty is *default_destination*, whatever that will be then.
        default_destination: ``system.export_path``, to see whether two exports write one file.
        file_name: What to publish it as; a portable relative name.
        schedule: ``every:<seconds>``, ``cron:<expression>`` or empty.
        description: For people.
        enabled: Whether it runs by itself.
        is_public: Whether anybody may fetch what it publishes.
        now: The time it is made.

    Raises:
        DefinitionError: It asks for something that does not exist or cannot be; the message says what can.
    """
    name = name.strip()
    _check_name(name)
    made = ExportDefinition(
        name=name,
        file_name=file_name or default_file_name(name, format),
        selection=selection,
        format=format,
        template=template,
        options=dict(options or {}),
        limits=dict(limits or {}),
        destination=destination.strip(),
        schedule=schedule.strip(),
        description=description,
        enabled=enabled,
        is_public=is_public,
        created_at=now,
        modified_at=now,
    )
    validate(store, made, default_destination=default_destination)
    return made


def validate(store: "Store", definition: ExportDefinition, *, default_destination: str) -> None:
    """Do nothing if *definition* makes sense.

    Raises:
        DefinitionError: As `make`.
    """
    _check_name(definition.name)
    _check_texts(definition)
    _check_writing(store, definition)
    _check_selection(definition)
    _check_schedule(definition.schedule)
    for key in definition.limits:
        if not LIMIT_KEY.fullmatch(key):
            raise DefinitionError(f"{key!r} is not the name of a limit")
    try:
        names.check(definition.file_name)
    except InvalidFileName as error:
        raise DefinitionError(f"{error}; --file-name gives another") from None
    _check_clash(store, definition, default_destination)


def warnings(store: "Store", definition: ExportDefinition) -> tuple[str, ...]:
    """Return what is probably not meant, each in one sentence."""
    return (
        *_type_warnings(definition),
        *_template_warnings(store, definition),
        *_tag_warnings(store, definition),
        *_marking_warnings(definition),
        *_move_warnings(store, definition),
    )


def default_file_name(name: str, format: str) -> str:
    """Return the file name of the export *name*, as a Yeti would make it; formats add their suffix.

    Raises:
        DefinitionError: Nothing but underscores would be left, so that every such name is one file; or the format
            is unknown.
    """
    found = re.sub(r"[^A-Za-z0-9_.\-]", "_", name.replace(" ", "_").lower())
    if not name.isascii() and not re.search(r"[a-z0-9]", found):
        raise DefinitionError(
            f"no file name can be made from {name!r}: all its letters would become underscores, as those of every "
            "such name; give one with --file-name"
        )
    if not format:
        return found
    suffix = get_format(format).SUFFIX
    return found if found.endswith(suffix) else found + suffix


def _check_name(name: str) -> None:
    if not name:
        raise DefinitionError("the name of an export cannot be empty")
    if name in (".", ".."):
        raise DefinitionError(f"an export cannot be called {name!r}")
    if len(name) > LONGEST_NAME:
        raise DefinitionError(f"the name has {len(name)} characters; the most is {LONGEST_NAME}")
    if name != name.strip() or not name.isprintable():
        raise DefinitionError(f"the name {name!a} begins or ends with a space, or holds what cannot be printed")


def _check_texts(definition: ExportDefinition) -> None:
    if not definition.destination.isprintable():
        raise DefinitionError(f"the place {definition.destination!a} holds what cannot be printed")
    try:
        msgspec.json.encode(definition)
    except UnicodeEncodeError:
        raise DefinitionError("a text of the export holds half a surrogate pair, which is not text") from None


def _check_writing(store: "Store", definition: ExportDefinition) -> None:
    if bool(definition.format) == bool(definition.template):
        raise DefinitionError("an export has either a format or a template")
    if definition.format:
        parse_options(get_format(definition.format), definition.options)
        return
    if definition.options:
        raise DefinitionError("options belong to a format; an export by a template has none")
    from core.store import definitions

    known = [template.name for template in definitions.templates(store)]
    if definition.template not in known:
        hint = nearest(definition.template, known)
        there = ", ".join(known) or "none yet; yetictl template add keeps one"
        raise DefinitionError(f"unknown template {definition.template!r}{hint}; known: {there}")


def _check_selection(definition: ExportDefinition) -> None:
    selection = definition.selection
    if unknown := [name for name in selection.types if name not in TYPES]:
        raise DefinitionError(f"unknown type {unknown[0]!r}{nearest(unknown[0], TYPES)}")
    if selection.max_age_s is not None and selection.max_age_s <= 0:
        raise DefinitionError("the greatest age must be more than nothing")
    if selection.least_confidence is not None and not 0 <= selection.least_confidence <= 100:
        raise DefinitionError(f"a confidence is 0 to 100, not {selection.least_confidence}")
    if selection.grace_s < 0:
        raise DefinitionError("a grace cannot be negative")
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is None:
        return
    if impossible := [name for name in selection.types if name not in possible]:
        raise DefinitionError(
            f"the format {definition.format} cannot express {', '.join(impossible)}; "
            f"it takes {', '.join(sorted(possible))}"
        )


def _check_schedule(schedule: str) -> None:
    if not schedule:
        return
    kind, _, text = schedule.partition(":")
    if kind == "every":
        if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
            raise DefinitionError(f"a schedule every so many seconds needs a whole number above 0, not {text!r}")
    elif kind == "cron":
        fields = text.split()
        if len(fields) != 5 or not all(CRON_FIELD.fullmatch(field) for field in fields):
            raise DefinitionError(f"{text!r} is not a cron expression: five fields, as in '30 4 * * *'")
    else:
        raise DefinitionError(f"a schedule begins with every: or cron:, not {schedule!r}")


def _check_clash(store: "Store", definition: ExportDefinition, default_destination: str) -> None:
    from core.store import definitions

    addresses = _addresses(definition, default_destination)
    for other in definitions.exports(store):
        if other.name != definition.name and addresses & _addresses(other, default_destination):
            place = redact(other.destination or default_destination)
            raise DefinitionError(
                f"the export {other.name!r} is published as {other.file_name} at {place} already; "
                "give this one another file name with --file-name, or another place with --to"
            )


def _addresses(definition: ExportDefinition, default_destination: str) -> set[str]:
    """Return where the file will be, each in one spelling of the many that a place has."""
    from core.clients.persistient_storage.several_places import places_of

    return {
        _address(place, definition.file_name) for place in places_of(definition.destination or default_destination)
    }


def _address(place: str, file_name: str) -> str:
    """Return the address without regard to case: on some file systems the one file would overwrite the other."""
    if "://" not in place:
        # Not Path: it raises for a user that does not exist, which is the storage's to say.
        place = os.path.expanduser(place)  # noqa: PTH111
        return os.path.realpath(f"{place}/{file_name}").casefold()
    folder = place.partition("?")[0]  # what follows are options
    return f"{folder.rstrip('/')}/{file_name}".casefold()


def _type_warnings(definition: ExportDefinition) -> Iterable[str]:
    if definition.selection.types:
        return
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is not None:
        yield f"no --type is given: it takes every type that {definition.format} can express"


def _template_warnings(store: "Store", definition: ExportDefinition) -> Iterable[str]:
    if not definition.template:
        return
    from core.exports.templates import check
    from core.store import definitions

    checked = check(definitions.get_template(store, definition.template).text)
    if not checked.is_batched:
        yield f"template {definition.template}: {checked.summary}"


def _tag_warnings(store: "Store", definition: ExportDefinition) -> Iterable[str]:
    from core.store.tags import tags
    from core.values.tags import tag_key

    selection = definition.selection
    wanted = dict.fromkeys((*selection.include, *selection.require, *selection.exclude, *selection.ignore))
    if not wanted:
        return
    known = {tag.key: tag.name for tag in tags(store)}
    for name in wanted:
        if tag_key(name) not in known:
            yield f"no observable has the tag {name!r} yet{nearest(tag_key(name), known)}"


def _marking_warnings(definition: ExportDefinition) -> Iterable[str]:
    most = definition.selection.most_tlp
    if definition.is_public and most is not None and most > TLP.CLEAR:
        yield f"anybody may fetch it, and it takes what is marked TLP:{TLP_WORDS[most].upper()}"


def _move_warnings(store: "Store", definition: ExportDefinition) -> Iterable[str]:
    """Say what an edit leaves behind: nobody brings the file at the old place up to date any more."""
    from core.store import definitions, runs

    old = next((item for item in definitions.exports(store) if item.name == definition.name), None)
    if old is None or old.destination == definition.destination:
        return
    if runs.current_version(store, definition.name) is not None:
        place = redact(old.destination) or "system.export_path"
        yield (
            f"what is published stays at the old place ({place}) and grows old there; "
            "yetictl storage rm deletes it when nobody fetches it any more"
        )
