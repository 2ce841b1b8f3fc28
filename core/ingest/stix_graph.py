"""What the objects of a STIX bundle say of one another: gathered in a first pass, asked in the second.

Only names, markings and dates are kept, so that memory follows the number of relations, not the size of a file.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from core.ingest import typed
from core.schemas.claim import TLP
from core.values.markings import strictest, tlp_of

_TLP_IDS = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": TLP.CLEAR,
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": TLP.GREEN,
    "f88d31f6-486f-44da-b317-01333bde0b82": TLP.AMBER,
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": TLP.RED,
    "94868c89-83c2-464b-929b-a1a8aa3c8487": TLP.CLEAR,
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": TLP.GREEN,
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": TLP.AMBER,
    "939a9414-2ddd-4d32-a0cd-375ea402b003": TLP.AMBER_STRICT,
    "e828b379-4e03-4974-9ac4-e53a884c97c1": TLP.RED,
}
"""Marking definitions of the standard, TLP 1 and TLP 2; files need not hold them."""

THREATS = frozenset(("malware", "tool", "threat-actor", "intrusion-set"))
"""What an indicator may *indicate* and is tagged with."""

_MAX_REPORTS = 5


@dataclass(slots=True)
class Graph:
    """Names, markings, threats, reports and sightings by the id of the object that they belong to."""

    identities: dict[str, str] = field(default_factory=dict)
    markings: dict[str, TLP] = field(
        default_factory=lambda: {f"marking-definition--{id_}": tlp for id_, tlp in _TLP_IDS.items()}
    )
    threats: dict[str, str] = field(default_factory=dict)
    indicated: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    reports: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sightings: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    observations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, thing: dict[str, Any]) -> None:
        """Remember what *thing* says of others; called with every object of the file."""
        kind, id_ = thing.get("type"), thing.get("id")
        if not isinstance(kind, str) or not isinstance(id_, str):
            return
        if kind == "identity":
            self.identities[id_] = typed.clean(thing.get("name"))
        elif kind == "marking-definition":
            marking = _marking(thing)
            if marking is not None:
                self.markings[id_] = marking
        elif kind in THREATS:
            self.threats[id_] = typed.clean(thing.get("name"))
        elif kind == "relationship" and thing.get("relationship_type") == "indicates":
            if not thing.get("revoked") and isinstance(thing.get("source_ref"), str):
                self.indicated[thing["source_ref"]].append(str(thing.get("target_ref")))
        elif kind in ("report", "grouping"):
            self._take_report(thing)
        elif kind == "sighting" and isinstance(thing.get("sighting_of_ref"), str):
            kept = {name: thing.get(name) for name in ("first_seen", "last_seen")}
            self.sightings[thing["sighting_of_ref"]].append(kept)
        elif kind == "observed-data":
            for ref in texts(thing.get("object_refs")):
                self.observations[ref] = about(thing)

    def _take_report(self, thing: dict[str, Any]) -> None:
        name = typed.clean(thing.get("name"))
        for ref in texts(thing.get("object_refs")) if name else ():
            if len(self.reports[ref]) < _MAX_REPORTS:
                self.reports[ref].append(name)

    def source(self, thing: dict[str, Any]) -> str:
        """Return the name of the identity that made *thing*, empty if the file does not tell."""
        ref = thing.get("created_by_ref")
        return self.identities.get(ref, "") if isinstance(ref, str) else ""

    def tlp(self, thing: dict[str, Any]) -> TLP | None:
        """Return the most restrictive marking of *thing*, markings of parts of it included."""
        refs = texts(thing.get("object_marking_refs"))
        granular = thing.get("granular_markings")
        for marking in granular if isinstance(granular, list) else ():
            if isinstance(marking, dict) and isinstance(marking.get("marking_ref"), str):
                refs.append(marking["marking_ref"])
        return strictest([self.markings.get(ref) for ref in refs])

    def threat_names(self, id_: object) -> list[str]:
        """Return the names of the malware, tools, groups and campaigns that the indicator *id_* indicates."""
        targets = self.indicated.get(id_, []) if isinstance(id_, str) else []
        return [name for name in map(self.threats.get, targets) if name]


def about(thing: dict[str, Any]) -> dict[str, Any]:
    """Return what an ``observed-data`` says of the objects in it."""
    names = (
        "first_observed",
        "last_observed",
        "created_by_ref",
        "object_marking_refs",
        "confidence",
        "labels",
        "revoked",
    )
    return {name: thing[name] for name in names if name in thing}


def texts(value: Any) -> list[str]:
    """Return the texts in *value*, a list or not."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _marking(thing: dict[str, Any]) -> TLP | None:
    definition = thing.get("definition")
    words = [definition.get("tlp")] if isinstance(definition, dict) else []
    extensions = thing.get("extensions")
    parts = extensions.values() if isinstance(extensions, dict) else ()
    words += [extension.get("tlp_2_0") for extension in parts if isinstance(extension, dict)]
    found = [tlp_of(f"tlp:{word}") for word in words if isinstance(word, str)]
    found.append(tlp_of(typed.clean(thing.get("name"))))
    return strictest(found)
