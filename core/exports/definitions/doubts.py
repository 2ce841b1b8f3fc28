"""Say what in an export's definition is probably not meant."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from core.exports.definitions.schedule import read_schedule
from core.exports.formats import get_format, nearest
from core.redaction import redact
from core.schemas.claim import TLP
from core.schemas.export import ExportDefinition
from core.store.rendering import TLP_WORDS

if TYPE_CHECKING:
    from core.store import Store


_SELDOM_ENOUGH_S = 60


def warnings(
    store: "Store", definition: ExportDefinition, templates: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return what is probably not meant, each in one sentence.

    Templates are those of the store, unless *templates* gives name and text of those that will be there.
    """
    from core.store import kept_templates

    if templates is None:
        templates = {template.name: template.text for template in kept_templates.templates(store)}
    return (
        *_type_warnings(definition),
        *_template_warnings(definition, templates),
        *_tag_warnings(store, definition),
        *_marking_warnings(definition),
        *_schedule_warnings(definition),
        *_move_warnings(store, definition),
    )


def _type_warnings(definition: ExportDefinition) -> Iterable[str]:
    if definition.selection.types:
        return
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is not None:
        yield f"no --type is given: it takes every type that {definition.format} can express"


def _template_warnings(definition: ExportDefinition, templates: Mapping[str, str]) -> Iterable[str]:
    if not definition.template:
        return
    from core.exports.templates.templates import check

    checked = check(templates[definition.template], definition.template)
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


def _schedule_warnings(definition: ExportDefinition) -> Iterable[str]:
    if not definition.schedule:
        return
    every_s = read_schedule(definition.schedule).every_s
    if 0 < every_s < _SELDOM_ENOUGH_S:
        yield f"it runs every {every_s} s, less than a minute apart: each run is kept as a row of its own"


def _move_warnings(store: "Store", definition: ExportDefinition) -> Iterable[str]:
    """Say what an edit leaves behind: nobody brings the file at the old place up to date any more."""
    from core.store import definitions, versions

    old = next((item for item in definitions.exports(store) if item.name == definition.name), None)
    if old is None or (old.destination, old.file_name) == (definition.destination, definition.file_name):
        return
    if versions.current_version(store, definition.name) is not None:
        place = redact(old.destination) or "system.export_path"
        yield (
            f"what is published stays at the old place ({old.file_name} in {place}) and grows old there; "
            "yetictl storage rm deletes it when nobody fetches it any more"
        )
