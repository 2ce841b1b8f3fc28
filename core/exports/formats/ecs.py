"""Indicators in the Elastic Common Schema, one JSON object a line (NDJSON); the empty form is an empty file.

Each has what indicator match rules ask for: ``event.kind`` is enrichment, ``event.category`` threat, ``event.type``
indicator, ``threat.indicator.type`` with the field of that type, ``threat.indicator.confidence`` and, where a source
says it, ``threat.indicator.marking.tlp``.  ``@timestamp`` is when the observable was changed, not when the export
ran, so that the same knowledge gives the same bytes.  ``event.id`` is made of type and value: with it as the
document's id a newer version takes the place of the older one.

Confidence is ``None`` at 0, ``Low`` up to 29, ``Medium`` up to 69, ``High`` from 70 on, as STIX 2.1 divides its
scale, and ``Not Specified`` where nobody states one.  Networks have no field in this schema: ``threat.indicator.ip``
is one address.

Sources: Elastic, "Threat fields usage and examples" and "Threat fields" of ECS 8.11; elastic/integrations #14395.
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from core.exports.formats import Consumer, Option, Output
from core.exports.formatting import rows as said
from core.exports.formatting.row_values import listed_rows
from core.exports.formatting.rows import Assertions, Shared
from core.store.snapshot import Row
from core.values import types

NAME = "ecs"
MEANING = "indicators in the Elastic Common Schema, one JSON object a line"
MEDIA_TYPE = "application/x-ndjson"
SUFFIX = ".ndjson"

ECS_VERSION = "8.11.0"
DIGEST_BYTES = 16
MEDIUM_FROM, HIGH_FROM = 30, 70


def _at(*path: str) -> Callable[[str], dict[str, Any]]:
    """Return what puts a value at *path* of an object."""

    def put(value: str) -> dict[str, Any]:
        found: Any = value
        for name in reversed(path):
            found = {name: found}
        return dict(found)

    return put


INDICATORS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    types.IPV4: ("ipv4-addr", _at("ip")),
    types.IPV6: ("ipv6-addr", _at("ip")),
    types.HOSTNAME: ("domain-name", _at("url", "domain")),
    types.URL: ("url", _at("url", "full")),
    types.EMAIL: ("email-addr", _at("email", "address")),
    **{
        type_: ("file", _at("file", "hash", type_))
        for type_ in (types.MD5, types.SHA1, types.SHA256, types.SHA512, types.SSDEEP, types.TLSH)
    },
    types.IMPHASH: ("file", _at("file", "pe", "imphash")),
    types.FILE: ("file", _at("file", "name")),
    types.PATH: ("file", _at("file", "path")),
    types.REGISTRY_KEY: ("windows-registry-key", _at("registry", "path")),
    types.ASN: ("autonomous-system", lambda value: {"as": {"number": int(value.removeprefix("AS"))}}),
}
"""By type, the word of STIX for it, and where its value stands below ``threat.indicator``."""

TYPES = frozenset(INDICATORS)
OPTIONS: dict[str, Option] = {}
CONSUMERS = (
    Consumer(
        "Elastic Security, indicator match rules",
        "a rule reads indicators in batches of 9,000; the index holds what its cluster holds",
        "Elasticsearch refuses the document whose field does not fit the mapping, and takes the others",
        "curl --user NAME:TOKEN https://HOST/exports/NAME -o list.ndjson with the token of a consumer; Filebeat with a "
        "filestream input on it, parser ndjson with target '' and overwrite_keys true, processor copy_fields from "
        "event.id to @metadata._id, into an index logs-ti_yeti-*, which securitySolution:defaultThreatIndex names",
    ),
)

_encode = msgspec.json.Encoder().encode


def render(rows: Iterator[list[Row]], out: Output, options: Mapping[str, str]) -> None:
    """Write the objects."""
    file = out.open()
    shared = Shared(_common)
    for batch in rows:
        found = listed_rows(batch, out)
        file.write("".join([_line(row, shared.of(row.tags)) for row in found]), len(found))


def _line(row: Row, common: tuple[list[str], dict[str, Any]]) -> str:
    word, put = INDICATORS[row.type]
    tags, known = common
    instant = said.date(row.modified_at)
    document = {
        "@timestamp": instant,
        "ecs": {"version": ECS_VERSION},
        "event": {
            "kind": "enrichment",
            "category": ["threat"],
            "type": ["indicator"],
            "module": "threatintel",
            "id": blake2b(f"{row.type} {row.value}".encode(), digest_size=DIGEST_BYTES).hexdigest(),
        },
        "tags": tags,
        "threat": {"indicator": {"type": word, **put(row.value), "modified_at": instant, **known}},
    }
    return _encode(document).decode() + "\n"


def _common(found: Assertions) -> tuple[list[str], dict[str, Any]]:
    """Return the tags and those fields of an indicator that do not come from its value."""
    fields = {
        "confidence": _confidence(said.confidence(found)),
        "first_seen": said.first_seen(found),
        "last_seen": said.last_seen(found),
        "provider": said.sources(found) if found else "",
    }
    known: dict[str, Any] = {name: text for name, text in fields.items() if text}
    if tlp := said.tlp(found):
        known["marking"] = {"tlp": tlp.upper()}
    return list(dict.fromkeys(item.tag for item in found)), known


def _confidence(highest: int | None) -> str:
    if highest is None:
        return "Not Specified"
    if highest >= MEDIUM_FROM:
        return "High" if highest >= HIGH_FROM else "Medium"
    return "Low" if highest else "None"
