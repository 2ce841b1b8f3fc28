"""Indicators for Check Point gateways: their CSV with a name, type, confidence and severity for each.

The file begins with metadata (``#!``) and the names of the fields (``#``); the empty form is nothing but these.
Lines end with LF, a cell is in quotes where RFC 4180 wants it, and every record has seven fields, metadata too, since
the gateway wants the same number in all of them.  The unique name is made of type and value, so that it is the same
in every version and no two are alike.

Networks are written as ranges of IPv4 addresses; there is no type for IPv6.  Mail addresses are senders.
Confidence is ``low`` up to 29, ``medium`` up to 69 and ``high`` from 70 on, as STIX 2.1 divides its scale.

Sources: Check Point, "What is the Custom Intelligence Feeds feature?" (sk132193); R81.10 Threat Prevention
Administration Guide, "Supported Indicator Files".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from core.exports.formats import Consumer, Option, Output
from core.exports.formatting.choices import choice
from core.exports.formatting.csv_cells import cell, cells, record
from core.exports.formatting.row_values import Listed, listed
from core.exports.formatting.shown import Shared, Shown
from core.exports.formatting.url_requests import sent_urls
from core.exports.stable_ids import stable_digests
from core.store.snapshot import Row
from core.values import types

NAME = "check-point"
MEANING = "indicators for Check Point gateways (custom intelligence feed, CSV)"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"
COUNTED_ROWS = True

FIELDS = ("# UNIQ-NAME", "VALUE", "TYPE", "CONFIDENCE", "SEVERITY", "PRODUCT", "COMMENT")
TYPE_WORDS = {
    types.IPV4: "IP",
    types.CIDR: "IP Range",
    types.HOSTNAME: "Domain",
    types.URL: "URL",
    types.MD5: "MD5",
    types.SHA1: "SHA1",
    types.SHA256: "SHA256",
    types.EMAIL: "Mail-from",
}
TYPES = frozenset(TYPE_WORDS)
LEVELS = ("low", "medium", "high", "critical")
PRODUCTS = {"av": "AV", "ab": "AB"}
NOT_IPV4 = "is IPv6, which indicator files have no type for"
MEDIUM_FROM, HIGH_FROM = 30, 70
DIGEST_BYTES = 12
"""Of a million names, two alike have a chance of one in 10^17."""

OPTIONS = {
    "confidence": Option("medium", f"of what nobody states a confidence for: {', '.join(LEVELS)}"),
    "severity": Option("high", f"of everything: {', '.join(LEVELS)}"),
    "product": Option("av", "the blade that looks for it: av (Anti-Virus) or ab (Anti-Bot)"),
}
CONSUMERS = (
    Consumer(
        "Check Point Security Gateway, Custom Intelligence Feed",
        "2 million observables at least since R81.20, more while half of the memory is free; IPv4 alone",
        "a record that lacks a mandatory field, or has another number of fields, costs the whole file: it is not loaded",
        "Security Policies > Threat Prevention > Custom Policy Tools > Indicators > New IoC Feed, format Check Point "
        "format, URL https://HOST/exports/NAME, user name any, password a consumer's token; or on the gateway "
        "ioc_feeds add --feed_name NAME --transport https --resource https://HOST/exports/NAME",
    ),
)


@dataclass(frozen=True, slots=True)
class Form:
    """The options, understood."""

    confidence: str
    severity: str
    product: str


def parse(options: Mapping[str, str]) -> Form:
    """Return the options, understood."""
    return Form(
        choice(options, "confidence", LEVELS),
        choice(options, "severity", LEVELS),
        PRODUCTS[choice(options, "product", PRODUCTS)],
    )


def render(rows: Iterator[list[Row]], out: Output, options: Form) -> None:
    """Write the indicators."""
    file = out.open()
    padding = [""] * (len(FIELDS) - 1)
    file.write(record([f"#! DESCRIPTION = {out.export}", *padding], "\n") + record(FIELDS, "\n"), 0)
    ends = Shared(lambda shown: _end(shown, options))
    for batch in rows:
        for found in listed(batch, out, {6: NOT_IPV4}, urls=sent_urls):
            file.write("".join(_lines(found, ends.of_rows(found.rows))), len(found.rows))


def _lines(found: Listed, ends: list[str]) -> list[str]:
    type_, values = found.type, found.values
    word = TYPE_WORDS[type_]
    names = stable_digests(f"{type_} ", [value.encode() for value in values], DIGEST_BYTES)
    shown = map(_range, values) if type_ == types.CIDR else cells(values)
    return [f"{name},{value},{word},{end}\n" for name, value, end in zip(names, shown, ends, strict=True)]


def _range(network: str) -> str:
    addresses = IPv4Network(network)
    return f"{addresses[0]}-{addresses[-1]}"


def _end(shown: Shown, options: Form) -> str:
    """Return the fields after the type, which many rows share."""
    highest = shown.confidence()
    level = options.confidence
    if highest is not None:
        level = "high" if highest >= HIGH_FROM else "medium" if highest >= MEDIUM_FROM else "low"
    return f"{level},{options.severity},{options.product},{cell(shown.description())}"
