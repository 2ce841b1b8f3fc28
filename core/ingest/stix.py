"""Read STIX 2.0 and 2.1: bundles, TAXII envelopes, arrays, JSON lines, single objects.

* An indicator's pattern gives its observables (``stix_patterns``); one in another language (YARA, Sigma, Snort,
  Suricata, …) is kept whole as ``rule``.
* Cyber-observable objects, bare or in ``observed-data``, are facts and no accusation: of kind *info*.
* Labels, indicator types and the names of what an indicator *indicates* are tags.
* ``valid_from`` and ``valid_until`` are the window; ``revoked`` withdraws; sightings and observations give
  ``first_seen`` and ``last_seen``; an object's ``created`` is no date of the value.
* The source is the identity behind ``created_by_ref`` where the file holds it, else the file's name.

A file is read twice: what others say of an object may stand behind it.  Decision 0026 has the reasons.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.errors import RefusedValue, UnreadableFile
from core.ingest import typed
from core.ingest.json_stream import objects, outline
from core.ingest.lines import excerpt
from core.ingest.reader import InputFile, Item, Options
from core.ingest.stix_graph import Graph, about, texts
from core.ingest.stix_paths import leaves
from core.ingest.stix_patterns import Reading, read_pattern
from core.schemas.claim import Claim, Kind, Refusal
from core.schemas.instant import Instant
from core.values import types
from core.values.markings import strictest, tlp_of

NAME = "stix"
MEANING = "STIX 2.0 and 2.1: bundles, arrays, JSON lines"

_KINDS = {
    "malicious-activity": Kind.MALICIOUS,
    "compromised": Kind.MALICIOUS,
    "anomalous-activity": Kind.SUSPICIOUS,
    "anonymization": Kind.SUSPICIOUS,
    "benign": Kind.BENIGN,
}
_LANGUAGES = {"stix": "", "yar": "yara", "bro": "zeek"}
_is_id = re.compile(r"([a-z0-9][a-z0-9-]*)--[0-9A-Fa-f-]{8,36}").fullmatch
_MAX_LINKS = 5


def recognises(file: InputFile) -> int:
    """Return how sure it is that *file* is one of ours."""
    found = outline(file)
    if found.get("type") == "bundle" and ("objects" in found or str(found.get("id")).startswith("bundle--")):
        return 95
    places = ("", "item.", "objects.item.", "item.objects.item.")
    return 90 if any(_is_object(found, place) for place in places) else 0


def read(file: InputFile, options: Options) -> Iterator[Item]:
    """Yield the claims of *file*, in its order.

    Raises:
        UnreadableFile: It is no JSON.
    """
    places = _places(file)
    graph = Graph()
    try:
        # Another InputFile: the bytes of this pass are not progress.
        for found in objects(InputFile(file.path, file.name), places):
            if not isinstance(found, Refusal):
                for thing in _flat(found[1]):
                    graph.take(thing)
    except UnreadableFile:
        pass  # the second pass meets it again, and reports it
    reader = _StixReader(graph, options, file.name)
    count = 0
    for found in objects(file, places):
        if isinstance(found, Refusal):
            yield found
            continue
        if not isinstance(found[1], dict | list) or (isinstance(found[1], dict) and not _has_type(found[1])):
            yield Refusal(found[0], "not a STIX object", excerpt(str(found[1])))
        for thing in _flat(found[1]):
            count += 1
            yield from reader.items(found[0], thing)
    if not count and outline(file).get("objects") != "[":
        raise UnreadableFile("no STIX object in it")


def _is_object(found: dict[str, Any], place: str) -> bool:
    matched = _is_id(str(found.get(f"{place}id")))
    return bool(matched) and matched[1] == found.get(f"{place}type") if matched else False


def _places(file: InputFile) -> frozenset[str]:
    """Return the places where the objects stand: a bundle is not built whole for the sake of its type."""
    found = outline(file)
    if found.get("") == "[":
        return frozenset(("item",))
    return (
        frozenset(("objects.item",))
        if found.get("objects") == "[" or found.get("type") == "bundle"
        else frozenset(("",))
    )


def _flat(thing: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of *thing*, which is one, or a bundle or list of them."""
    stack = [thing]
    while stack:
        found = stack.pop()
        if isinstance(found, list):
            stack.extend(reversed(found))
        elif isinstance(found, dict):
            inner = found.get("objects")
            if isinstance(inner, list) and found.get("type") in ("bundle", None):
                stack.extend(reversed(inner))
            elif isinstance(found.get("type"), str):
                yield found


def _has_type(thing: dict[str, Any]) -> bool:
    return isinstance(thing.get("type"), str) or isinstance(thing.get("objects"), list)


class _StixReader:
    def __init__(self, graph: Graph, options: Options, file_name: str) -> None:
        self._graph = graph
        self._options = options
        self._file_name = file_name

    def items(self, line: int, thing: dict[str, Any]) -> Iterator[Item]:
        """Yield what one object claims, and what of it was refused."""
        kind = thing["type"]
        if kind == "indicator":
            yield from self._indicator(line, thing)
        elif kind == "observed-data":
            inner = thing.get("objects")
            for observed in inner.values() if isinstance(inner, dict) else ():
                if isinstance(observed, dict):
                    yield from self._observed(line, observed, about(thing))
        else:
            yield from self._observed(line, thing, self._graph.observations.get(str(thing.get("id")), {}))

    def _indicator(self, line: int, thing: dict[str, Any]) -> Iterator[Item]:
        reading, more = _pattern(line, thing)
        if reading.observables:
            refuse = reading.refusals.append
            labels = typed.clean_tags(texts(thing.get("labels")) + texts(thing.get("indicator_types")))
            tags = labels + self._graph.threat_names(thing.get("id")) + more.pop("tags", [])
            claim = (
                self._claim(line, thing, tags)
                | self._window(line, thing, reading)
                | self._seen(line, thing, reading)
            )
            claim["kind"] = _kind(labels) if self._options.kind is None else self._options.kind
            claim["context"] = typed.context(self._facts(thing, reading) | more)
            _check_window(claim, line, thing, refuse)
            for type_, value in reading.observables:
                yield Claim(type=type_, value=value, **claim)
        yield from reading.refusals

    def _observed(self, line: int, thing: dict[str, Any], observation: dict[str, Any]) -> Iterator[Item]:
        reading = Reading()
        for kind, text in leaves(thing):
            try:
                reading.observables.append(typed.typed(kind, text))
            except RefusedValue as error:
                reading.refusals.append(Refusal(line, f"{thing['type']}: {error}", excerpt(text)))
        if reading.observables:
            both = observation | thing
            claim = self._claim(line, both, typed.clean_tags(texts(both.get("labels"))))
            for name, other in (("first_seen", "first_observed"), ("last_seen", "last_observed")):
                claim[name] = typed.dated(observation.get(other), other, line, reading.refusals.append)
            claim["kind"] = Kind.INFO if self._options.kind is None else self._options.kind
            claim["context"] = typed.context({"object": thing["type"], "report": self._reports(thing)})
            for type_, value in dict.fromkeys(reading.observables):
                yield Claim(type=type_, value=value, **claim)
        yield from reading.refusals

    def _claim(self, line: int, thing: dict[str, Any], tags: list[str]) -> dict[str, Any]:
        marking = self._graph.tlp(thing)
        confidence = thing.get("confidence")
        return {
            "source": self._options.source or self._graph.source(thing) or self._file_name,
            "tags": self._options.tagged(tags),
            "tlp": marking if marking is not None else strictest([tlp_of(tag) for tag in tags]),
            "confidence": confidence if type(confidence) is int and 0 <= confidence <= 100 else None,
            "withdrawn": thing.get("revoked") is True,
            "line": line,
        }

    def _window(self, line: int, thing: dict[str, Any], reading: Reading) -> dict[str, Instant | None]:
        return {
            name: typed.dated(thing.get(name), name, line, reading.refusals.append)
            for name in ("valid_from", "valid_until")
        }

    def _seen(self, line: int, thing: dict[str, Any], reading: Reading) -> dict[str, Instant | None]:
        sightings = self._graph.sightings.get(str(thing.get("id")), ())
        seen: dict[str, Instant | None] = {}
        for name, choose in (("first_seen", min), ("last_seen", max)):
            dates = [typed.dated(sighting[name], name, line, reading.refusals.append) for sighting in sightings]
            seen[name] = choose((date for date in dates if date is not None), default=None)
        return seen

    def _facts(self, thing: dict[str, Any], reading: Reading) -> dict[str, object]:
        values = [value for _, value in reading.observables]
        phases = thing.get("kill_chain_phases")
        links = thing.get("external_references")
        return {
            "name": "" if thing.get("name") in values else thing.get("name"),
            "description": thing.get("description"),
            "pattern": "" if reading.is_single else thing.get("pattern"),
            "kill_chain": [phase.get("phase_name") for phase in phases if isinstance(phase, dict)]
            if isinstance(phases, list)
            else [],
            "links": [link.get("url") for link in links if isinstance(link, dict) and link.get("url")][:_MAX_LINKS]
            if isinstance(links, list)
            else [],
            "report": self._reports(thing),
        }

    def _reports(self, thing: dict[str, Any]) -> list[str]:
        return self._graph.reports.get(str(thing.get("id")), [])


def _pattern(line: int, thing: dict[str, Any]) -> tuple[Reading, dict[str, Any]]:
    text = thing.get("pattern")
    if not isinstance(text, str) or not text.strip():
        return Reading(
            refusals=[Refusal(line, "an indicator without a pattern", excerpt(str(thing.get("id"))))]
        ), {}
    named = typed.clean(thing.get("pattern_type")).lower() or "stix"
    language = _LANGUAGES.get(named, named)
    if not language:
        return read_pattern(text, line), {}
    reading = Reading()
    try:
        reading.observables.append(typed.typed(types.RULE, text))
    except RefusedValue as error:
        reading.refusals.append(Refusal(line, f"{language} rule: {error}", excerpt(text)))
    return reading, {"language": language, "tags": [language]}


def _kind(labels: list[str]) -> Kind:
    """Return the worst that the known ones among *labels* say; malicious if none is known."""
    return max((_KINDS[label.lower()] for label in labels if label.lower() in _KINDS), default=Kind.MALICIOUS)


def _check_window(claim: dict[str, Any], line: int, thing: dict[str, Any], refuse: Any) -> None:
    """Drop the beginning of a window that ends before it begins: the end still takes the value off lists."""
    start, end = claim["valid_from"], claim["valid_until"]
    if start is not None and end is not None and end <= start:
        claim["valid_from"] = None
        refuse(
            Refusal(
                line,
                "valid_until is not after valid_from; taken with the end alone",
                excerpt(str(thing.get("valid_until"))),
            )
        )
