"""Domains of dnsmasq: ``address=/bad.example/``, for a name and all that is below it; the empty form is an empty file.

Without an address the answer is NXDOMAIN; ``address=0.0.0.0,::`` makes it those.  ``keyword=server`` writes
``server=/bad.example/`` with the same answer, for ``servers-file``, which dnsmasq reads again at a SIGHUP; all other
files it reads at its start alone.  ``#`` is never written: as a name it would be every name there is.
Public suffixes are refused.

Source: dnsmasq(8).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, Option, Output, Values, yes_or_no
from core.exports.formatting.checker import ask
from core.exports.formatting.choices import choice, sink_addresses
from core.exports.formatting.name_lines import write_names
from core.exports.formatting.names import BYTES_PER_NAME
from core.values.types import HOSTNAME

NAME = "dnsmasq"
MEANING = "domains for which dnsmasq answers itself, with all below them"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".conf"
TYPES = frozenset({HOSTNAME})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_NAME
OPTIONS = {
    "address": Option("", "the answer: an IPv4 address, an IPv6 address, or both with a comma; empty is NXDOMAIN"),
    "keyword": Option("address", "address, for a file of the configuration, or server, for a servers-file"),
    "reduce": Option("no", "leave out names below another on the list, which answers for them anyway: yes or no"),
}
CONSUMERS = (
    Consumer(
        "dnsmasq, a file of its configuration",
        "what its memory holds, some 85 bytes a name",
        "the whole file is refused, and dnsmasq does not start",
        "conf-file=/etc/dnsmasq.d/yeti.conf; a timer fetches https://HOST/exports/NAME with the header 'Authorization: "
        "Bearer TOKEN' of a consumer, asks dnsmasq --test, and starts dnsmasq again",
        checker="dnsmasq --test",
    ),
    Consumer(
        "dnsmasq, a servers-file",
        "what its memory holds, some 85 bytes a name; lines of server alone",
        "the line is left out with a message in the log",
        "servers-file=/etc/yeti.servers; a timer fetches https://HOST/exports/NAME with the header 'Authorization: "
        "Bearer TOKEN' of a consumer and sends dnsmasq a SIGHUP",
        checker="dnsmasq --test",
        options="keyword=server",
    ),
)


def parse(options: Mapping[str, str]) -> tuple[str, bool]:
    """Return the lines of a name, which stands where they have ``{0}``, and whether the list is reduced."""
    keyword = choice(options, "keyword", ("address", "server"))
    found = sink_addresses(options, "address") or ("",)
    if keyword == "server" and found != ("",):
        raise DefinitionError("the option address needs keyword=address: after server it would be a server to ask")
    lines = "".join(f"{keyword}=/{{0}}/{address}\n" for address in found)
    return lines, yes_or_no(options, "reduce")


def render_values(batches: Iterator[Values], out: Output, options: tuple[str, bool]) -> None:
    """Write the domains."""
    pattern, is_reduced = options
    write_names(batches, out.open(), out, pattern, is_reduced=is_reduced)


def check(files: Sequence[Path], options: tuple[str, bool]) -> list[Finding]:
    """Return what ``dnsmasq --test`` finds wrong."""
    said = ask("dnsmasq", ["--test", f"--conf-file={files[0]}"], folder=files[0].parent)
    return said.findings()
