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

from collections.abc import Iterator, Mapping

from core.exports.formats import Consumer, Option, Output
from core.exports.formatting.json_texts import inners, json_text
from core.exports.formatting.row_values import Listed, listed
from core.exports.formatting.shown import JOINER, Shared, Shown, date
from core.exports.stable_ids import stable_digests
from core.store.snapshot import Row
from core.values import types

NAME = "ecs"
MEANING = "indicators in the Elastic Common Schema, one JSON object a line"
MEDIA_TYPE = "application/x-ndjson"
SUFFIX = ".ndjson"
COUNTED_ROWS = True

ECS_VERSION = "8.11.0"
DIGEST_BYTES = 16
MEDIUM_FROM, HIGH_FROM = 30, 70
EVENT = (
    f'"ecs":{{"version":"{ECS_VERSION}"}},'
    '"event":{"kind":"enrichment","category":["threat"],"type":["indicator"],"module":"threatintel",'
)
"""What is the same in all documents, up to the id of the event."""


def _at(word: str, *path: str, quote: str = '"') -> tuple[str, str]:
    """Return what stands before and behind a value at *path* of an indicator of the type *word*."""
    return f'"type":"{word}",' + "{".join([f'"{name}":' for name in path]) + quote, quote + "}" * (len(path) - 1)


INDICATORS: dict[str, tuple[str, str]] = {
    types.IPV4: _at("ipv4-addr", "ip"),
    types.IPV6: _at("ipv6-addr", "ip"),
    types.HOSTNAME: _at("domain-name", "url", "domain"),
    types.URL: _at("url", "url", "full"),
    types.EMAIL: _at("email-addr", "email", "address"),
    **{
        type_: _at("file", "file", "hash", type_)
        for type_ in (types.MD5, types.SHA1, types.SHA256, types.SHA512, types.SSDEEP, types.TLSH)
    },
    types.IMPHASH: _at("file", "file", "pe", "imphash"),
    types.FILE: _at("file", "file", "name"),
    types.PATH: _at("file", "file", "path"),
    types.REGISTRY_KEY: _at("windows-registry-key", "registry", "path"),
    types.ASN: _at("autonomous-system", "as", "number", quote=""),
}
"""By type, what stands before and behind its value below ``threat.indicator``, as JSON."""

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


def render(rows: Iterator[list[Row]], out: Output, options: Mapping[str, str]) -> None:
    """Write the objects."""
    file = out.open()
    shared = Shared(_common)
    for batch in rows:
        for found in listed(batch, out):
            file.write("".join(_lines(found, shared.of_rows(found.rows))), len(found.rows))


def _lines(found: Listed, common: list[tuple[str, str]]) -> list[str]:
    type_, rows, values = found
    before, behind = INDICATORS[type_]
    keys = stable_digests(f"{type_} ", [value.encode() for value in values], DIGEST_BYTES)
    shown = [value.removeprefix("AS") for value in values] if type_ == types.ASN else inners(values)
    instants = [date(row.modified_at) for row in rows]
    return [
        f'{{"@timestamp":"{instant}",{EVENT}"id":"{key}"}},"tags":{tags},"threat":{{"indicator":'
        f'{{{before}{value}{behind},"modified_at":"{instant}",{known}}}}}}}\n'
        for instant, key, value, (tags, known) in zip(instants, keys, shown, common, strict=True)
    ]


def _common(shown: Shown) -> tuple[str, str]:
    """Return as JSON the tags, and those fields of an indicator that do not come from its value."""
    fields = {
        "confidence": _confidence(shown.confidence()),
        "first_seen": shown.first_seen(),
        "last_seen": shown.last_seen(),
        "provider": JOINER.join(shown.sources()),
    }
    known: dict[str, object] = {name: text for name, text in fields.items() if text}
    if tlp := shown.tlp_word():
        known["marking"] = {"tlp": tlp.upper()}
    return json_text(shown.tags()), json_text(known)[1:-1]


def _confidence(highest: int | None) -> str:
    if highest is None:
        return "Not Specified"
    if highest >= MEDIUM_FROM:
        return "High" if highest >= HIGH_FROM else "Medium"
    return "Low" if highest else "None"
