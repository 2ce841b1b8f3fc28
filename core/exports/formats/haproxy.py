"""Two files for HAProxy: ``NAME-names`` is a map with a value for each name, ``NAME-addresses`` a list for ``src -f``.

A line of the map is ``bad.example VALUE``, for ``map_str`` and the name alone.  ``subdomains=yes`` writes
``.bad.example VALUE``, for ``map_end`` over the host with a dot before it, which is the name and all that is below it;
HAProxy compares those one after the other, where the others are looked up in a tree.  ``map_dom`` would find
``bad.example`` in ``bad.example.org``, too: it is not for this list.

The fewest networks are written.  Public suffixes are refused, whatever is not canonical, and IPv6 networks around
``::ffff:0:0/96``, in which HAProxy finds every IPv4 address.  The empty form is two empty files.

Source: HAProxy Configuration Manual, "Matching IPv4 and IPv6 addresses" and "map".
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.exports.formats import Consumer, Finding, Option, Output, Values, yes_or_no
from core.exports.formatting import names_and_addresses
from core.exports.formatting.checker import ask
from core.exports.formatting.choices import word
from core.exports.formatting.names_and_addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.names_and_addresses import TYPES as TYPES
from core.exports.formatting.names_and_addresses import WithValue

NAME = "haproxy"
MEANING = "a map of names and a list of addresses for HAProxy, in two files"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".map"
OPTIONS = {
    "value": Option("yeti", "what the map has for each name: a word of letters, digits, . - and _"),
    "subdomains": Option("no", "whether a name stands for all that is below it, too, which is slow: yes or no"),
}
CONSUMERS = (
    Consumer(
        "HAProxy, map_str and src -f",
        "what its memory holds, some 230 bytes an entry; a million addresses and half a million names are read in a "
        "second",
        "HAProxy does not start, and one that runs keeps what it has when it is told to reload",
        "http-request deny if { req.hdr(host),field(1,:),lower,map_str(/etc/haproxy/NAME-names.map) -m found } and "
        "http-request deny if { src -f /etc/haproxy/NAME-addresses.map }; a timer fetches both files from "
        "https://HOST/exports/ with the header 'Authorization: Bearer TOKEN' of a consumer, asks haproxy -c, and "
        "does systemctl reload haproxy",
        checker="haproxy -c",
    ),
    Consumer(
        "HAProxy, map_end and src -f",
        "some ten thousand names: they are compared one after the other at each request",
        "HAProxy does not start, and one that runs keeps what it has when it is told to reload",
        "http-request set-var(txn.host) req.hdr(host),field(1,:),lower and http-request deny if { "
        "str(.),concat(,txn.host),map_end(/etc/haproxy/NAME-names.map) -m found }; fetched from https://HOST/exports/ "
        "with the header 'Authorization: Bearer TOKEN' of a consumer as above",
        checker="haproxy -c",
        options="subdomains=yes",
    ),
)
_CONFIGURATION = """defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend yeti
    bind unix@yeti.sock
    http-request deny if { src -f addresses }
    http-request deny if { req.hdr(host),map_str(names) -m found }
"""


def parse(options: Mapping[str, str]) -> WithValue:
    """Return the options, understood.

    Raises:
        DefinitionError: The value is no word.
    """
    return WithValue(word(options, "value"), yes_or_no(options, "subdomains"))


def render_values(batches: Iterator[Values], out: Output, options: WithValue) -> None:
    """Write the map and the list."""
    files = names_and_addresses.open_both(out)
    name = options.line_of_name()
    names_and_addresses.write_both(
        batches, out, files, name=name, address="{0}\n", is_reduced=options.has_subdomains
    )


def check(files: Sequence[Path], options: WithValue) -> list[Finding]:
    """Return what ``haproxy -c`` finds wrong."""
    with names_and_addresses.beside([*files], _CONFIGURATION) as folder:
        said = ask("haproxy", ["-c", "-f", "configuration"], folder=folder)
    return said.findings("ALERT")
