"""Threat intelligence for Splunk Enterprise Security: one collection a file, CSV; the empty form is the header.

The header has the names of that collection without blanks, in the order of Splunk's manual; ``weight`` is the highest
confidence of an observable, 1 to 100, and where nobody states one the default.  One file holds one collection:
the option says which, and observables of other types are refused.

An asterisk is a wildcard to Splunk's lookups, so a value with one is refused: it would match others.

Sources: Splunk, "Supported types of threat intelligence in Splunk Enterprise Security", "Add a URL-based intelligence
source", "Upload a custom CSV file of threat intelligence", and inputs.conf.spec of SA-ThreatIntelligence (``weight``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.exports.formats import Consumer, Option, Output
from core.exports.formatting.choices import choice, number
from core.exports.formatting.csv_cells import cell, cells, record
from core.exports.formatting.row_values import Listed, listed, refuse_others
from core.exports.formatting.shown import Shared, Shown
from core.exports.formatting.url_requests import web_urls
from core.store.snapshot import Row
from core.values import types

NAME = "splunk"
MEANING = "threat intelligence for Splunk Enterprise Security, one collection a file"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"
COUNTED_ROWS = True

LEAST_WEIGHT, DEFAULT_WEIGHT, MOST_WEIGHT = 1, 60, 100
HASHES = (types.MD5, types.SHA1, types.SHA256, types.SHA512)
HAS_ASTERISK = "holds an asterisk, which Splunk takes for any text"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of Splunk: its header, and in which column a type stands."""

    columns: tuple[str, ...]
    column_of: Mapping[str, str]


COLLECTIONS = {
    "ip_intel": Collection(
        ("description", "ip", "weight"), dict.fromkeys((types.IPV4, types.IPV6, types.CIDR), "ip")
    ),
    "domain": Collection(("description", "domain", "weight"), {types.HOSTNAME: "domain"}),
    "http_intel": Collection(
        ("description", "http_referrer", "http_user_agent", "url", "weight"),
        {types.URL: "url", types.USER_AGENT: "http_user_agent"},
    ),
    "file_intel": Collection(
        ("description", "file_hash", "file_name", "weight"),
        {**dict.fromkeys(HASHES, "file_hash"), types.FILE: "file_name"},
    ),
}
TYPES = frozenset(type_ for collection in COLLECTIONS.values() for type_ in collection.column_of)
OPTIONS = {
    "collection": Option("ip_intel", f"which of Splunk's collections: {', '.join(COLLECTIONS)}"),
    "weight": Option(str(DEFAULT_WEIGHT), "the weight of what has no confidence: 1 to 100"),
}


# A cell, in quotes or not, without them; what never has quotes is shorter.  The last is of that kind, and takes no
# carriage return with it, which whoever divides at line feeds alone has there.
_ANY, _PLAIN = r'"?((?<=")(?:[^"]|"")*(?=")|[^",]*)"?', r"([^,\r]*)"
_PLAIN_COLUMNS = ("ip", "domain", "http_referrer", "file_hash", "weight")


def _consumer(collection: str, what: str) -> Consumer:
    columns = COLLECTIONS[collection].columns
    expression = ",".join(_PLAIN if column in _PLAIN_COLUMNS else _ANY for column in columns)
    fields = ",".join(f"{column}:${place}" for place, column in enumerate(columns, 1))
    return Consumer(
        f"Splunk Enterprise Security, {what}",
        "0.5 GB a collection and 60 days in release 8.3 ('Threat intelligence KV Store collections'); an asterisk is a "
        "wildcard",
        "the manual does not say; a column that it does not know by its name is no intelligence",
        "Configure > Data Enrichment > Threat Intelligence Management, new source of type Line Oriented, "
        "URL https://HOST/exports/NAME?token=TOKEN with api.tokens_in_query on, one line of header skipped, no delimiting "
        f"but the extracting regular expression `^{expression}\\r?$`, and fields `{fields}`: cells may be in quotes and "
        "have commas, so that lines must not be split at commas, and a quote inside a cell stays doubled. Or fetch the "
        "file, and upload it or make it a local lookup: Splunk then reads it as CSV, by the header",
        options=f"collection={collection}" if collection != "ip_intel" else "",
    )


CONSUMERS = (
    _consumer("ip_intel", "Local IP Intel"),
    _consumer("domain", "Local Domain Intel"),
    _consumer("http_intel", "Local HTTP Intel"),
    _consumer("file_intel", "Local File Intel"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """The options, understood."""

    name: str
    weight: int


def parse(options: Mapping[str, str]) -> Form:
    """Return the options, understood."""
    return Form(choice(options, "collection", COLLECTIONS), number(options, "weight", LEAST_WEIGHT, MOST_WEIGHT))


def render(rows: Iterator[list[Row]], out: Output, options: Form) -> None:
    """Write the collection."""
    collection = COLLECTIONS[options.name]
    file = out.open()
    file.write(record(collection.columns), 0)
    around = {type_: _around(collection, column) for type_, column in collection.column_of.items()}
    shared = Shared(lambda shown: (cell(shown.description()), _weight(shown, options.weight)))
    for batch in rows:
        own = refuse_others(batch, around, out, f"is not of the collection {options.name}")
        for listed_ones in listed(own, out, urls=web_urls):
            found = _without_asterisk(listed_ones, out)
            before, after = around[found.type]
            lines = [
                f"{description}{before}{value}{after}{weight}\r\n"
                for value, (description, weight) in zip(
                    cells(found.values), shared.of_rows(found.rows), strict=True
                )
            ]
            file.write("".join(lines), len(lines))


def _without_asterisk(found: Listed, out: Output) -> Listed:
    if "*" not in "".join(found.values):
        return found
    out.refuse_all([row for row in found.rows if "*" in row.value], HAS_ASTERISK)
    rows = [row for row in found.rows if "*" not in row.value]
    return Listed(found.type, rows, [row.value for row in rows])


def _around(collection: Collection, column: str) -> tuple[str, str]:
    """Return the separators between the description and a column, and between that and the weight."""
    place, last = collection.columns.index(column), len(collection.columns) - 1
    return "," * place, "," * (last - place)


def _weight(shown: Shown, default: int) -> int:
    highest = shown.confidence()
    return default if highest is None else min(max(highest, LEAST_WEIGHT), MOST_WEIGHT)
