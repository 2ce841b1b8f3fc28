"""Make an export definition out of what a user asks for, or say what is wrong with it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from core.clients.persistient_storage import names
from core.config import VERSIONS_FOLDER
from core.errors import DefinitionError, InvalidFileName
from core.exports.definitions import words
from core.exports.definitions.schedule import read_schedule
from core.exports.formats import get_format, nearest, parse_options, suffix_of
from core.exports.gate.limits import parse as parse_limits
from core.exports.publishing import places
from core.redaction import redact
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.values.types import TYPES

if TYPE_CHECKING:
    from core.store import Store

LONGEST_NAME = 200


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
    networks: Sequence[str] = (),
    deltas: bool = False,
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
        limits: Limits of the gate, kept as they are; see ``core.exports.gate.limits``.
        destination: A storage path; empty is *default_destination*, whatever that will be then.
        default_destination: ``system.export_path``, to see whether two exports write one file.
        file_name: What to publish it as; a portable relative name.
        schedule: As `core.exports.definitions.schedule` reads it, or empty.
        description: For people.
        enabled: Whether it runs by itself.
        is_public: Whether anybody may fetch what it publishes.
        networks: What it may be fetched from; empty is anywhere.
        deltas: Whether additions and removals are published beside the file.
        now: The time it is made.

    Raises:
        DefinitionError: It asks for something that does not exist or cannot be; the message says what can.
    """
    name = name.strip()
    _check_name(name)
    made = ExportDefinition(
        name=name,
        file_name=file_name or default_file_name(name, format, options or {}),
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
        networks=words.networks(networks),
        deltas=deltas,
        created_at=now,
        modified_at=now,
    )
    validate(store, made, default_destination=default_destination)
    return made


def validate(store: "Store", definition: ExportDefinition, *, default_destination: str, was: str = "") -> None:
    """Do nothing if *definition* makes sense; *was* is the name that its export has, if that is to be another one.

    Raises:
        DefinitionError: As `make`.
    """
    from core.store import kept_templates

    check(definition, [template.name for template in kept_templates.templates(store)])
    _check_clash(store, definition, default_destination, was or definition.name)


def check(definition: ExportDefinition, templates: Collection[str]) -> None:
    """Do nothing if *definition* makes sense by itself, where *templates* are the names of those there are.

    Raises:
        DefinitionError: As `make`, but for a file that another export writes.
    """
    with _about("name"):
        _check_name(definition.name)
    _check_texts(definition)
    _check_writing(definition, templates)
    _check_selection(definition)
    if definition.schedule:
        with _about("cron" if definition.schedule.startswith("cron:") else "every"):
            read_schedule(definition.schedule)
    with _about("limit"):
        parse_limits(definition.limits)
    with _about("file-name"):
        _check_file_name(definition.file_name)
        _check_own_name(definition)


def _check_own_name(definition: ExportDefinition) -> None:
    own = getattr(get_format(definition.format), "FILE_NAME", "") if definition.format else ""
    if own and definition.file_name.rpartition("/")[2] != own:
        raise DefinitionError(
            f"what reads {definition.format} looks for a file {own} in a folder of its own, not for "
            f"{definition.file_name}; --file-name FOLDER/{own} gives it one"
        )


def _check_file_name(file_name: str) -> None:
    try:
        names.check(file_name)
    except InvalidFileName as error:
        raise DefinitionError(f"{error}; --file-name gives another") from None
    if file_name.partition("/")[0] == VERSIONS_FOLDER:
        raise DefinitionError(
            f"the file name {file_name} lies where versions may be kept; --file-name gives another"
        )
    if places.is_sums(file_name):
        raise DefinitionError(
            f"the file name {file_name} is that of the checksums beside published files; --file-name gives another"
        )


@contextmanager
def _about(word: str) -> Iterator[None]:
    """Let an error of the block say which word it is about."""
    try:
        yield
    except DefinitionError as error:
        error.word = word
        raise


def default_file_name(name: str, format: str, options: Mapping[str, str] | None = None) -> str:
    """Return the file name of the export *name*, as a Yeti would make it; formats add their suffix, or a folder.

    Raises:
        DefinitionError: Nothing but underscores would be left, so that every such name is one file; or the format
            is unknown, or has no such options.
    """
    found = re.sub(r"[^A-Za-z0-9_.\-]", "_", name.replace(" ", "_").lower())
    if not name.isascii() and not re.search(r"[a-z0-9]", found):
        raise DefinitionError(
            f"no file name can be made from {name!r}: all its letters would become underscores, as those of every "
            "such name; give one with --file-name",
            word="file-name",
        )
    if not format:
        return found
    form = get_format(format)
    if own := getattr(form, "FILE_NAME", ""):
        return f"{found}/{own}"
    suffix = suffix_of(form, options or {})
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
        raise DefinitionError(f"the place {definition.destination!a} holds what cannot be printed", word="to")
    try:
        msgspec.json.encode(definition)
    except UnicodeEncodeError:
        raise DefinitionError("a text of the export holds half a surrogate pair, which is not text") from None


def _check_writing(definition: ExportDefinition, templates: Collection[str]) -> None:
    if bool(definition.format) == bool(definition.template):
        raise DefinitionError("an export has either a format or a template", word="format")
    if definition.format:
        form = get_format(definition.format)
        with _about("option"):
            parse_options(form, definition.options)
        return
    if definition.options:
        raise DefinitionError("options belong to a format; an export by a template has none", word="option")
    if definition.template not in templates:
        hint = nearest(definition.template, templates)
        there = ", ".join(templates) or "none yet; yetictl template add keeps one"
        raise DefinitionError(f"unknown template {definition.template!r}{hint}; known: {there}", word="template")


def _check_selection(definition: ExportDefinition) -> None:
    selection = definition.selection
    if unknown := [name for name in selection.types if name not in TYPES]:
        raise DefinitionError(f"unknown type {unknown[0]!r}{nearest(unknown[0], TYPES)}", word="type")
    if selection.max_age_s is not None and selection.max_age_s <= 0:
        raise DefinitionError("the greatest age must be more than nothing", word="max-age")
    if selection.least_confidence is not None and not 0 <= selection.least_confidence <= 100:
        raise DefinitionError(f"a confidence is 0 to 100, not {selection.least_confidence}", word="min-confidence")
    if selection.grace_s < 0:
        raise DefinitionError("a grace cannot be negative", word="grace")
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is None:
        return
    if impossible := [name for name in selection.types if name not in possible]:
        raise DefinitionError(
            f"the format {definition.format} cannot express {', '.join(impossible)}; "
            f"it takes {', '.join(sorted(possible))}",
            word="type",
        )


def _check_clash(store: "Store", definition: ExportDefinition, default_destination: str, name: str) -> None:
    from core.store import definitions

    own = addresses(definition, default_destination)
    for other in definitions.exports(store):
        if other.name == name:
            continue
        fault = clash(definition, own, other, addresses(other, default_destination))
        if fault:
            raise DefinitionError(
                f"{fault}; give this one another file name with --file-name, or another place with --to",
                word="file-name",
            )


def clash(definition: ExportDefinition, own: set[str], other: ExportDefinition, taken: set[str]) -> str:
    """Return in which way a file of one export is in the way of another's; empty if it is not.

    Args:
        definition: The export that is to be.
        own: Its `addresses`.
        other: Another export.
        taken: The addresses of that.
    """
    if own & taken:
        return f"the export {other.name!r} is published as {other.file_name} {_at(other)} already"
    if places.with_companions(own) & places.with_companions(taken):
        return (
            f"the file name {definition.file_name} is in the way of what may stand beside {other.file_name} of "
            f"the export {other.name!r}: its signature, or its changes"
        )
    return ""


def _at(definition: ExportDefinition) -> str:
    return f"at {redact(definition.destination)}" if definition.destination else "in system.export_path"


def addresses(definition: ExportDefinition, default_destination: str) -> set[str]:
    """Return where the file will be, each in one spelling of the many that a place has."""
    return places.addresses(definition.destination or default_destination, definition.file_name)
