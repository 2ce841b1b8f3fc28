"""The attributes of MISP files one by one, each with its event and object, however the events are wrapped.

An event's tags stand behind its attributes, so a file is read twice: first what stands around the attributes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.ingest import typed
from core.ingest.json_stream import is_linewise, objects, outline, pieces
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile
from core.schemas.claim import Refusal

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 256 << 20

_WRAPPED = ("response.item.Event", "response.Event", "Event", "item.Event")
_BARE = ("item", "response.item", "response", "")
_META = ("info", "uuid", "date", "Org", "Orgc", "Tag", "Galaxy")
_MARKS_OF_EVENT = ("Attribute", "Object", "Orgc", "orgc_id")

_BELOW = ("Attribute.item", "Attribute", "Object.item.Attribute.item", "Object.Attribute.item")


@dataclass(frozen=True, slots=True)
class Event:
    """What an event says of all its attributes."""

    source: str
    tags: list[str]
    facts: dict[str, object]


Row = tuple[int, Event, dict[str, Any] | Refusal, dict[str, Any]]
"""Line, event, attribute, and the object that it belongs to (empty for attributes of the event itself)."""


def holds_events(file: InputFile) -> bool:
    """Tell whether *file* begins as MISP events or attributes in JSON do."""
    found = outline(file)
    return _place(found) is not None or _is_attribute(found, "item")


def attributes(file: InputFile) -> Iterator[Row]:
    """Yield every attribute of *file*, in its order; a broken file gives those before the defect.

    Raises:
        UnreadableFile: No attribute could be read, or there is no event.
    """
    if is_linewise(file):
        yield from _of_lines(file)
        return
    found = outline(file)
    place = _place(found)
    if place is None and _is_attribute(found, "item"):
        yield from _streamed(file, [], "\0", ("item", "\0"))
    elif place is None:
        raise UnreadableFile("no MISP event in it")
    else:
        inner = f"{place}." if place else ""
        events = _events(file, place, inner)
        # Answers of a search may hold one attribute or object where an event holds a list of them.
        ends = ("" if found.get(f"{inner}{key}") == "{" else ".item" for key in ("Attribute", "Object"))
        yield from _streamed(file, events, place, (f"{inner}Attribute{next(ends)}", f"{inner}Object{next(ends)}"))


def _place(found: dict[str, Any]) -> str | None:
    for place in _WRAPPED:
        if found.get(place) == "{":
            return place
    for place in _BARE:
        inner = f"{place}." if place else ""
        if found.get(place) != "{" or not any(f"{inner}{mark}" in found for mark in _MARKS_OF_EVENT):
            continue
        is_event = f"{inner}info" in found or f"{inner}uuid" in found
        if is_event or any(_is_attribute(found, inner + below) for below in _BELOW):
            return place
    return None


def _is_attribute(found: dict[str, Any], place: str) -> bool:
    return all(f"{place}.{key}" in found for key in ("type", "value")) and any(
        f"{place}.{key}" in found for key in ("category", "to_ids")
    )


def _events(file: InputFile, place: str, inner: str) -> list[Event]:
    """Read what stands around the attributes: the tags of an event come behind them."""
    metas: list[dict[str, Any]] = []
    try:
        # Another InputFile: the bytes of this pass are not progress.
        for at, value in pieces(InputFile(file.path, file.name), {inner + key for key in _META}, {place}):
            if at == place:
                metas.append({})
            else:
                metas[-1][at.removeprefix(inner)] = value
    except UnreadableFile:
        pass  # the second pass meets it again, and reports it
    return [_event(meta, file.name) for meta in metas]


def _streamed(file: InputFile, events: list[Event], place: str, places: tuple[str, str]) -> Iterator[Row]:
    nameless = _event({}, file.name)
    count = -1
    has_read = False
    try:
        for at, value in pieces(file, set(places), {place}):
            if at == place:
                count += 1
                continue
            has_read = True
            event = events[count] if 0 <= count < len(events) else nameless
            for attribute, parent in _members(value, is_object=at == places[1]):
                yield 0, _own_event(attribute, event, file.name), attribute, parent
    except UnreadableFile as error:
        if not has_read:
            raise
        file.is_damaged = True
        reason = f"{error}; the attributes before it were read, tags of the event that stand behind are lost"
        yield 0, nameless, Refusal(0, reason), {}


def _of_lines(file: InputFile) -> Iterator[Row]:
    nameless = _event({}, file.name)
    for found in objects(file, {""}):
        if isinstance(found, Refusal):
            yield found.line, nameless, found, {}
            continue
        line, document = found
        for event in _unwrapped(document):
            meta = _event(event, file.name)
            for key in ("Attribute", "Object"):
                for member in _listed(event.get(key)):
                    for attribute, parent in _members(member, is_object=key == "Object"):
                        yield line, _own_event(attribute, meta, file.name), attribute, parent


def _unwrapped(document: Any) -> Iterator[dict[str, Any]]:
    inner = document.get("response", document) if isinstance(document, dict) else document
    for event in inner if isinstance(inner, list) else [inner]:
        if isinstance(event, dict):
            found = event.get("Event", event)
            if isinstance(found, dict):
                yield found


def _members(value: Any, *, is_object: bool) -> Iterator[tuple[dict[str, Any] | Refusal, dict[str, Any]]]:
    """Yield (attribute, its object); the object is empty for attributes of the event itself."""
    if not isinstance(value, dict):
        yield Refusal(0, "not an attribute or object", excerpt(str(value))), {}
    elif is_object:
        for attribute in _listed(value.get("Attribute")):
            if isinstance(attribute, dict):
                yield attribute, value
            else:
                yield Refusal(0, "not an attribute", excerpt(str(attribute))), {}
    else:
        yield value, {}


def manifest(path: Path) -> dict[str, Any]:
    """Return the events that the manifest in the folder *path* names; empty if there is none of MISP's shape."""
    file = path / MANIFEST
    try:
        if not file.is_file() or file.stat().st_size > MAX_MANIFEST_BYTES:
            return {}
        found = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    events = {
        uuid: entry
        for uuid, entry in found.items()
        if isinstance(entry, dict) and ("Orgc" in entry or "info" in entry) and Path(uuid).name == uuid
    }
    return events if len(events) == len(found) else {}


def _event(meta: dict[str, Any], file_name: str) -> Event:
    source = _name(meta.get("Orgc")) or _name(meta.get("Org")) or file_name
    facts = {"event": meta.get("info"), "event_date": meta.get("date"), "event_uuid": meta.get("uuid")}
    return Event(source, tags_of(meta), facts)


def _own_event(attribute: dict[str, Any] | Refusal, event: Event, file_name: str) -> Event:
    """Return the event that a found attribute brings along (answers of a search), else *event*."""
    own = attribute.get("Event") if isinstance(attribute, dict) else None
    return _event(own, file_name) if isinstance(own, dict) else event


def _name(organisation: Any) -> str:
    return typed.clean(organisation.get("name")) if isinstance(organisation, dict) else ""


def tags_of(thing: dict[str, Any]) -> list[str]:
    """Return the tags of an event or attribute, galaxy clusters among them."""
    names = [tag.get("name") for tag in _listed(thing.get("Tag")) if isinstance(tag, dict)]
    for galaxy in _listed(thing.get("Galaxy")):
        clusters = _listed(galaxy.get("GalaxyCluster")) if isinstance(galaxy, dict) else []
        names += [cluster.get("tag_name") for cluster in clusters if isinstance(cluster, dict)]
    return typed.clean_tags(names)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
