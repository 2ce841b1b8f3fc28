"""Read MISP events in JSON, however they are wrapped.

Understood: an event bare or as ``Event``, in ``response`` as object or array; arrays and lines of events; answers
of a search for attributes; a feed folder, whose ``manifest.json`` names the events.  Attributes of objects count
like those of the event; composite ones (``domain|ip``) give one observable each part (``misp_types``).

* ``deleted`` withdraws; ``to_ids`` false makes a claim of kind *info*.
* Tags are the attribute's and the event's, galaxy clusters among them; the attribute's own TLP beats the event's.
* ``first_seen`` and ``last_seen`` of the attribute, else of its object.  ``timestamp`` says when somebody last
  edited, so it is no date of the value.
* The source is the organisation that made the event, else the one that owns it, else the file's name.

Decision 0025 has the reasons.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import RefusedValue, UnreadableFile
from core.ingest import typed
from core.ingest.lines import excerpt
from core.ingest.misp_events import MANIFEST, Event, attributes, holds_events, manifest, tags_of
from core.ingest.reader import InputFile, Item, Options
from core.ingest.stix_patterns import read_pattern
from core.schemas.claim import TLP, Claim, Kind, Refusal
from core.values import misp_types, ports, types
from core.values.markings import strictest, tlp_of
from core.values.refang import refang

NAME = "misp"
MEANING = "MISP events or attributes in JSON, or a MISP feed folder"


def recognises(file: InputFile) -> int:
    """Return how sure it is that *file* is one of ours."""
    if file.path.name == MANIFEST and recognises_folder(file.path.parent):
        return 95
    return 95 if holds_events(file) else 0


def recognises_folder(path: Path) -> bool:
    """Tell whether *path* is a MISP feed: a folder with a manifest that names events."""
    return bool(manifest(path))


def feed_files(path: Path) -> list[Path]:
    """Return the files of the events that the manifest of the feed folder *path* names, missing ones too."""
    return sorted(path / f"{uuid}.json" for uuid in manifest(path))


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield the claims of *file*, each attribute's in its place.

    Raises:
        UnreadableFile: It is no JSON, or no MISP event is in it.
    """
    if file.path.name == MANIFEST and recognises_folder(file.path.parent):
        yield from _feed(file, options)
        return
    for line, event, attribute, parent in attributes(file):
        if isinstance(attribute, Refusal):
            yield attribute
            continue
        yield from _claims(line, event, attribute, parent, options)


def _feed(manifest: InputFile, options: Options) -> Iterator[Item]:
    for path in feed_files(manifest.path.parent):
        try:
            file = InputFile(path)
            for item in read(file, options):
                if isinstance(item, Refusal):
                    yield Refusal(item.line, f"event file {path.name}: {item.reason}", item.excerpt)
                else:
                    yield item
        except UnreadableFile as error:
            manifest.is_damaged = True
            yield Refusal(0, f"event file {path.name}: {error}", path.name)
        else:
            manifest.is_damaged |= file.is_damaged


def _is_set(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True")


def _claims(
    line: int, event: Event, attribute: dict[str, Any], parent: dict[str, Any], options: Options
) -> Iterator[Item]:
    kind, text = attribute.get("type"), attribute.get("value")
    if not isinstance(kind, str) or not isinstance(text, str | int | float) or not str(text).strip():
        yield Refusal(line, "an attribute without type or value", excerpt(str(text or kind)))
        return
    if kind in misp_types.IGNORED:
        return
    refusals: list[Refusal] = []
    values = list(_values(kind, str(text), line, refusals))
    dates = {
        name: typed.dated(attribute.get(name) or parent.get(name), name, line, refusals.append)
        for name in ("first_seen", "last_seen")
    }
    own_tags = tags_of(attribute)
    tags = own_tags + event.tags
    facts = event.facts | {
        "category": attribute.get("category"),
        "attribute": kind,
        "object": parent.get("name"),
        "relation": attribute.get("object_relation"),
        "comment": attribute.get("comment") or parent.get("comment"),
    }
    info = "to_ids" in attribute and not _is_set(attribute["to_ids"])
    for (type_, value), more in values:
        yield Claim(
            type=type_,
            value=value,
            source=options.source or event.source,
            tags=options.tagged(tags + more.get("tags", [])),
            kind=options.kind if options.kind is not None else Kind.INFO if info else Kind.MALICIOUS,
            first_seen=dates["first_seen"],
            last_seen=dates["last_seen"],
            confidence=typed.confidence_of(tags),
            tlp=_tlp(own_tags, event.tags),
            withdrawn=_is_set(attribute.get("deleted")) or _is_set(parent.get("deleted")),
            context=typed.context(facts | {key: fact for key, fact in more.items() if key != "tags"}),
            line=line,
        )
    yield from refusals


def _tlp(own: list[str], events: list[str]) -> TLP | None:
    """Return the attribute's own marking if it has one: whoever marks one attribute means that one."""
    marking = strictest([tlp_of(tag) for tag in own])
    return marking if marking is not None else strictest([tlp_of(tag) for tag in events])


_Value = tuple[tuple[str, str], dict[str, Any]]


def _values(kind: str, text: str, line: int, refusals: list[Refusal]) -> Iterator[_Value]:
    """Yield the observables of one attribute, each with what else is known of it."""
    if kind == misp_types.STIX_PATTERN:
        reading = read_pattern(text, line)
        refusals.extend(reading.refusals)
        yield from ((found, {} if reading.is_single else {"pattern": text}) for found in reading.observables)
        return
    parts = misp_types.PARTS.get(kind)
    if parts is None:
        refusals.append(Refusal(line, f"MISP attribute type {excerpt(kind)!r} is not known", excerpt(text)))
        return
    more: dict[str, Any] = {}
    if kind in misp_types.LANGUAGES:
        language = misp_types.LANGUAGES[kind]
        more = {"language": language, "tags": [language]}
    for part, piece, other in _split(kind, text, parts):
        try:
            yield typed.typed(part, piece), more | ({"with": other} if other else {})
        except RefusedValue as error:
            refusals.append(Refusal(line, f"{kind}: {error}", excerpt(piece)))


def _split(kind: str, text: str, parts: tuple[str | None, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, text, the other part) of every part that is an observable."""
    if kind == "regkey|value":
        yield types.REGISTRY_KEY, "|".join(piece.strip() for piece in text.split("|")), ""
        return
    if kind in misp_types.CURRENCIES:
        text = f"{kind}:{text.strip()}"
    first, bar, second = text.rpartition("|") if len(parts) == 2 else ("", "", text)
    if not bar and parts[1:] == (None,):
        # host:port, as some write what MISP writes host|port
        host, port = ports.split(refang(text.strip()))
        first, bar, second = (host, ":", str(port)) if port is not None else (first, bar, second)
    if not bar:
        # One half alone: it is what it looks like, the first part of the type if nothing else can be told.
        yield (parts[0] or typed.ANY), text, ""
        return
    for part, piece, other in ((parts[0], first, second), (parts[1], second, first)):
        if part is not None:
            yield part, piece, other.strip()
