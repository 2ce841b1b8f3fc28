"""A hosts file that leads names astray: ``0.0.0.0 bad.example``, one name a line; the empty form is an empty file.

There are no wildcards in it: a name is itself, and what is below it resolves.  With an IPv4 address alone, readers go
on asking for IPv6 addresses where they should; ``address=0.0.0.0,::`` writes a line of each for every name.
Public suffixes are refused.

Sources: hosts(5); dnsmasq(8), ``--addn-hosts``.
"""

from collections.abc import Iterator, Mapping

from core.errors import DefinitionError
from core.exports.formats import Consumer, Option, Output, Values
from core.exports.formatting.choices import sink_addresses
from core.exports.formatting.name_lines import write_names
from core.values.types import HOSTNAME

NAME = "hosts"
MEANING = "a hosts file that gives names an address which leads nowhere"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".hosts"
TYPES = frozenset({HOSTNAME})
OPTIONS = {
    "address": Option("0.0.0.0", "what names resolve to: an IPv4 address, an IPv6 address, or both with a comma")  # noqa: S104
}
CONSUMERS = (
    Consumer(
        "dnsmasq, additional hosts files",
        "what its memory holds, some 105 bytes a name; a name that has an IPv4 line alone is asked of the server behind "
        "for IPv6",
        "a line without an address is left out with a message in the log; what is no name is taken and never matches",
        "addn-hosts=/etc/yeti.hosts; a timer fetches https://HOST/exports/NAME with the header 'Authorization: Bearer "
        "TOKEN' of a consumer, moves it into place if that worked, and sends dnsmasq a SIGHUP",
        tested_with="dnsmasq --addn-hosts",
    ),
    Consumer(
        "the resolver of an operating system, /etc/hosts",
        "read from its beginning for every name that is asked for: some ten thousand lines at most",
        "the line is left out without a word",
        "a timer fetches https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer and "
        "puts it behind the machine's own lines",
        options="address=0.0.0.0,::",
    ),
)


def parse(options: Mapping[str, str]) -> str:
    """Return the lines of a name, which stands where they have ``{0}``."""
    found = sink_addresses(options, "address")
    if not found:
        raise DefinitionError("the option address is empty: names need an address that leads nowhere")
    return "".join(f"{address} {{0}}\n" for address in found)


def render_values(batches: Iterator[Values], out: Output, pattern: str) -> None:
    """Write the names."""
    write_names(batches, out.open(), out, pattern)
