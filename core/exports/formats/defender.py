"""Indicators for Microsoft Defender for Endpoint: CSV files to import, of 500 rows each, as many as it takes.

The portal imports a file into one of its tabs, so there are files of each: ``c2-files-01.csv``, ``c2-addresses-01.csv``,
``c2-domains-01.csv``, and so on with the next number.  The first of each is always there; the empty form is its
header.  A tenant holds 15,000 active indicators: what comes after that in the order of the export is refused, and a
note says so.

``expirationTime`` is when the last assertion ends that justifies the listing, empty if one never does.  Networks
cannot be imported.  MD5 is no type of these files.  Block-and-remediate is for files alone: addresses, domains and
URLs are blocked with it, since such a row would not be imported.

Sources: Microsoft, "Manage indicators" and "Import Indicators API".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import splitext

from core.exports.formats import Consumer, Option, Output, OutputFile
from core.exports.formatting.choices import choice
from core.exports.formatting.csv_cells import cell, cells, record
from core.exports.formatting.row_values import Listed, listed
from core.exports.formatting.shown import Shared, Shown
from core.exports.formatting.url_requests import web_urls
from core.schemas.instant import Instant, to_datetime
from core.store.snapshot import Row
from core.values import types

NAME = "defender"
MEANING = "indicators for Microsoft Defender for Endpoint, CSV files of 500 rows"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"
COUNTED_ROWS = True

COLUMNS = (
    "indicatorType", "indicatorValue", "expirationTime", "action", "severity", "title", "description",
    "recommendedActions", "rbacGroups", "category", "mitretechniques", "GenerateAlert",
)  # fmt: skip
TYPE_WORDS = {
    types.SHA1: "FileSha1",
    types.SHA256: "FileSha256",
    types.IPV4: "IpAddress",
    types.IPV6: "IpAddress",
    types.HOSTNAME: "DomainName",
    types.URL: "Url",
}
TYPES = frozenset(TYPE_WORDS)
TABS = {
    "files": (types.SHA1, types.SHA256),
    "addresses": (types.IPV4, types.IPV6),
    "domains": (types.HOSTNAME, types.URL),
}
TAB_OF = {type_: tab for tab, found in TABS.items() for type_ in found}
ROWS_PER_FILE = 500
MOST_ACTIVE = 15_000
TOO_MANY = f"comes after the {MOST_ACTIVE:,} active indicators that a tenant holds"

REMEDIATE = "BlockAndRemediate"
ACTIONS = {word.lower(): word for word in ("Audit", "Warn", "Block", REMEDIATE)}
SEVERITIES = {word.lower(): word for word in ("Informational", "Low", "Medium", "High")}
ALERTS = {"yes": "True", "no": "False"}
OPTIONS = {
    "action": Option(
        "block", f"what Defender does: {', '.join(ACTIONS)}; the last is for files, others are blocked"
    ),
    "severity": Option("medium", f"of alerts: {', '.join(SEVERITIES)}"),
    "alert": Option("yes", "whether there is an alert: yes or no"),
}
CONSUMERS = (
    Consumer(
        "Microsoft Defender for Endpoint, import of indicators",
        "500 rows a file, 15,000 active indicators a tenant; no networks; the api takes 30 calls a minute",
        "a network indicator with an action for files is not imported; the page names no more",
        "curl --user NAME:TOKEN https://HOST/exports/NAME for each file, with the token of a consumer; then Settings > "
        "Endpoints > Indicators, the tab of that file, Import > Choose file; once for every file",
    ),
)


@dataclass(frozen=True, slots=True)
class Form:
    """The options, understood."""

    action: str
    severity: str
    alert: str


def parse(options: Mapping[str, str]) -> Form:
    """Return the options, understood."""
    return Form(
        ACTIONS[choice(options, "action", ACTIONS)],
        SEVERITIES[choice(options, "severity", SEVERITIES)],
        ALERTS[choice(options, "alert", ALERTS)],
    )


def render(rows: Iterator[list[Row]], out: Output, options: Form) -> None:
    """Write the files."""
    tabs = {tab: _Tab(out, tab) for tab in TABS}
    lines_of = _Lines(options, out.export or "Yeti Exports").lines
    left, beyond = MOST_ACTIVE, 0
    for batch in rows:
        for found in listed(batch, out, urls=web_urls):
            tab, taken = TAB_OF[found.type], Listed(found.type, found.rows[:left], found.values[:left])
            tabs[tab].write(lines_of(taken, tab))
            out.refuse_all(found.rows[left:], TOO_MANY)
            beyond += len(found.rows) - len(taken.rows)
            left -= len(taken.rows)
    if beyond:
        out.note(f"{beyond:,} indicators are more than the {MOST_ACTIVE:,} that a tenant of Defender holds")


class _Lines:
    """Makes rows; what many share is worked out once."""

    def __init__(self, options: Form, export: str) -> None:
        self._options, self._title = options, export
        self._shared = Shared(self._texts)
        network_action = options.action.removesuffix("AndRemediate")
        self._actions = dict.fromkeys(TABS, network_action) | {"files": options.action}

    def lines(self, found: Listed, tab: str) -> list[str]:
        """Return the row of each indicator."""
        word, action, options = TYPE_WORDS[found.type], self._actions[tab], self._options
        return [
            f"{word},{value},{end},{action},{options.severity},{texts},,,,,{options.alert}\r\n"
            for value, (end, texts) in zip(cells(found.values), self._shared.of_rows(found.rows), strict=True)
        ]

    def _texts(self, shown: Shown) -> tuple[str, str]:
        """Return when an indicator ends, and its title and description, which are never empty."""
        description = shown.description() or self._title
        return _end(shown.valid_until()), f"{cell(self._title)},{cell(description)}"


class _Tab:
    """The files of one tab, each opened when the one before is full."""

    def __init__(self, out: Output, tab: str) -> None:
        self._out, self._tab = out, tab
        self._files = self._rows = 0
        self._file = self._next()

    def write(self, lines: list[str]) -> None:
        """Add rows."""
        while lines:
            if self._rows == ROWS_PER_FILE:
                self._file = self._next()
            part, lines = lines[: ROWS_PER_FILE - self._rows], lines[ROWS_PER_FILE - self._rows :]
            self._file.write("".join(part), len(part))
            self._rows += len(part)

    def _next(self) -> OutputFile:
        root, suffix = splitext(self._out.file_name)
        self._files += 1
        self._rows = 0
        file = self._out.open(f"{root}-{self._tab}-{self._files:02}{suffix}")
        file.write(record(COLUMNS), 0)
        return file


def _end(instant: Instant | None) -> str:
    return "" if instant is None else f"{to_datetime(instant):%Y-%m-%dT%H:%M:%S}.0Z"
