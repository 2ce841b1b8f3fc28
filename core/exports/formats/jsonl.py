r"""Everything the store knows, one JSON object a line (NDJSON); the empty form is an empty file.

The lossless form: ``yetictl import`` reads it back.  A line is::

    {"type":"ipv4","value":"198.51.100.7","assertions":[{"tag":"c2","source":"feed",…}],"context":[…]}

Assertions are ordered by tag and source, stale and withdrawn ones among them; what is unknown is absent; dates are
RFC 3339 in UTC.  Line breaks inside a value are escaped, so nothing is refused: not what would block everybody, such
as the hash of an empty file, either.  It is for exchange, not for what blocks.
"""

from collections.abc import Iterator, Mapping

import msgspec

from core.exports.formats import Consumer, Option, Output
from core.store.snapshot import Column, Row, RowAssertion

NAME = "jsonl"
MEANING = "everything known, one JSON object a line; reads back without loss"
MEDIA_TYPE = "application/x-ndjson"
SUFFIX = ".jsonl"
TYPES = None
OPTIONS: dict[str, Option] = {}
CONSUMERS = (
    Consumer(
        "jq",
        "a line at a time, so that the size of the file is of no matter",
        "jq ends at the first line that is no JSON; there is none, whatever is in a value",
        "curl --user NAME:TOKEN https://HOST/exports/NAME with the token of a consumer, piped into "
        "jq -r 'select(.type == \"ipv4\").value'",
        tested_with="jq",
    ),
    Consumer(
        "yetictl import, another installation",
        "none; what was withdrawn comes back withdrawn, and what was remarked comes with who remarked it",
        "a line that is refused is said with its number and the reason, and costs no other",
        "curl --user NAME:TOKEN https://HOST/exports/NAME -o list.jsonl with the token of a consumer, then "
        "yetictl import list.jsonl",
        tested_with="yetictl import",
    ),
)

JUDGED = ("fresh", "expires_at", "received_at", "counts", "counts_until")
KEPT = tuple(name for name in RowAssertion.__struct_fields__ if name not in JUDGED)
_encode = msgspec.json.Encoder().encode


def line(options: Mapping[str, str]) -> tuple[str | Column, ...]:
    """Return the parts of a line; the store keeps the longest of them as text."""
    return (
        '{"type":"',
        Column.TYPE,
        '","value":',
        Column.VALUE_JSON,
        ',"assertions":',
        Column.ASSERTIONS_JSON,
        ',"context":',
        Column.CONTEXT_JSON,
        "}\n",
    )


def render(rows: Iterator[list[Row]], out: Output, options: Mapping[str, str]) -> None:
    """Write the objects."""
    file = out.open()
    for batch in rows:
        file.write("".join(map(_line, batch)), len(batch))


def _line(row: Row) -> str:
    found = {
        "type": row.type,
        "value": row.value,
        "assertions": [_assertion(item) for item in row.tags],
        "context": msgspec.Raw(row.context.encode()),
    }
    return _encode(found).decode() + "\n"


def _assertion(item: RowAssertion) -> dict[str, object]:
    values = ((name, getattr(item, name)) for name in KEPT)
    return {name: value for name, value in values if value is not None}
