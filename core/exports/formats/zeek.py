r"""An intelligence file of Zeek: cells between tabs, the first line ``#fields``; the empty form is that line.

Each line has the indicator, its type (``Intel::DOMAIN`` …), sources and a description; a cell that is empty is ``-``.
No cell holds a tab, a line break or another control character.  Zeek reads ``\x5c`` as a backslash, and that is how
one is written, since whatever looks like such an escape would be taken for it.

A URL has no scheme, since Zeek compares what it puts together of host, port, path and query: the port that goes
without saying is left out, a missing path is ``/``.  So of ``http://`` and ``https://`` with the same rest one line
would do; there are two alike then, and Zeek takes the second for the first.  What Zeek never sees is refused: another
scheme, a user name, a fragment.  A name is that name alone, not what is below it.

Of certificates Zeek looks up the SHA-1, as policy/frameworks/intel/seen/x509.zeek has it; other fingerprints, and serial
numbers that are not as long, are refused.  So is an indicator that begins with ``#``, which would be a comment, and one
that reads ``-`` or ``(empty)``.

Sources: Zeek, "Intelligence Framework", base/frameworks/intel/main.zeek and policy/frameworks/intel/seen; the reader of
ASCII files of the input framework.
"""

from collections.abc import Callable, Iterator, Mapping

from core.errors import RefusedValue
from core.exports.formats import Consumer, Option, Output
from core.exports.formatting.row_values import Listed, listed
from core.exports.formatting.shown import JOINER, Shared, Shown
from core.exports.formatting.url_requests import are_sent, request, web_urls
from core.store.snapshot import Row
from core.values import types
from core.values.characters import one_line
from core.values.hashes import LENGTHS

NAME = "zeek"
MEANING = "an intelligence file of Zeek"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".intel"

FIELDS = ("indicator", "indicator_type", "meta.source", "meta.desc")
TYPE_WORDS = {
    types.IPV4: "Intel::ADDR",
    types.IPV6: "Intel::ADDR",
    types.CIDR: "Intel::SUBNET",
    types.HOSTNAME: "Intel::DOMAIN",
    types.URL: "Intel::URL",
    types.EMAIL: "Intel::EMAIL",
    types.MD5: "Intel::FILE_HASH",
    types.SHA1: "Intel::FILE_HASH",
    types.SHA256: "Intel::FILE_HASH",
    types.FILE: "Intel::FILE_NAME",
    types.USER_AGENT: "Intel::SOFTWARE",
    types.CERTIFICATE: "Intel::CERT_HASH",
}
TYPES = frozenset(TYPE_WORDS)
AS_THEY_ARE = frozenset((types.IPV4, types.IPV6, types.CIDR, types.HOSTNAME, types.MD5, types.SHA1, types.SHA256))
OPTIONS: dict[str, Option] = {}
CONSUMERS = (
    Consumer(
        "Zeek, Intelligence Framework",
        "what fits in memory of the manager and of every worker; a name matches that name alone, a URL without its "
        "scheme; an item stays until Zeek is started again unless Intel::item_expiration is set",
        "the line is not used, and reporter.log has a warning",
        "curl --user NAME:TOKEN https://HOST/exports/NAME -o /opt/zeek/share/list.new with the token of a consumer, "
        "from cron, then mv to list.intel; in local.zeek: @load frameworks/intel/seen and redef Intel::read_files += "
        '{ "/opt/zeek/share/list.intel" };',
    ),
)

EMPTY = "-"
IS_COMMENT = "begins with '#', which is a comment to Zeek"
IS_NOTHING = "reads as an empty cell to Zeek"
NOT_SHA1 = "not the SHA-1 of a certificate, which is what Zeek compares"


def render(rows: Iterator[list[Row]], out: Output, options: Mapping[str, str]) -> None:
    """Write the lines."""
    file = out.open()
    file.write("#fields\t" + "\t".join(FIELDS) + "\n", 0)
    ends = Shared(_end)
    for batch in rows:
        for found in listed(batch, out, urls=web_urls):
            written, indicators = _indicators(found, out)
            word = TYPE_WORDS[found.type]
            lines = [
                f"{indicator}\t{word}\t{end}\n"
                for indicator, end in zip(indicators, ends.of_rows(written), strict=True)
            ]
            file.write("".join(lines), len(lines))


def _indicators(found: Listed, out: Output) -> tuple[list[Row], list[str]]:
    """Return the rows that are written, and how; refuse the others."""
    if found.type in AS_THEY_ARE:
        return found.rows, found.values
    if found.type == types.URL and are_sent(found.values):
        return found.rows, [value.partition("://")[2] for value in found.values]
    make = _MADE.get(found.type, _text)
    rows, indicators = [], []
    for row in found.rows:
        try:
            indicators.append(make(row.value))
        except RefusedValue as error:
            out.refuse(row, str(error))
        else:
            rows.append(row)
    return rows, indicators


def _text(value: str) -> str:
    if value.startswith("#"):
        raise RefusedValue(IS_COMMENT)
    if value in (EMPTY, "(empty)"):
        raise RefusedValue(IS_NOTHING)
    return _escaped(value)


def _url(value: str) -> str:
    # Zeek's own rule of ports is for port 80 alone; it sees https only where something in front has taken TLS off.
    found = request(value)
    return found.place + found.target


def _certificate(value: str) -> str:
    if len(value) != LENGTHS[types.SHA1]:
        raise RefusedValue(NOT_SHA1)
    return value


def _escaped(text: str) -> str:
    return text.replace("\\", "\\x5c")


def _end(shown: Shown) -> str:
    """Return the cells after the type, which many rows share."""
    cells = (one_line(JOINER.join(shown.sources())), shown.description())
    return "\t".join(_escaped(cell) or EMPTY for cell in cells)


_MADE: dict[str, Callable[[str], str]] = {types.URL: _url, types.CERTIFICATE: _certificate}
