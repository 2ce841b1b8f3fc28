"""Two files of ACLs for Squid: ``NAME-names`` for ``dstdomain``, ``NAME-addresses`` for ``dst`` or ``src``.

``.bad.example`` is the name and all that is below it; Squid does not start where a name stands before its parent, so
that only the outermost are written.  ``subdomains=no`` writes ``bad.example`` for the name alone.  Of two networks one
of which is in the other Squid keeps the one that it reads first, which may be the smaller; the fewest networks are
written, none in another.  There are no regular expressions, and so no URLs.

Public suffixes are refused, whatever is not canonical, and IPv6 networks around ``::ffff:0:0/96``, which to Squid is
where IPv4 addresses are.  The empty form is an empty file, of which Squid says ``empty ACL``.

Source: squid.conf.documented, ``acl``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.exports.formats import Consumer, Finding, Option, Output, Values, yes_or_no
from core.exports.formatting import names_and_addresses
from core.exports.formatting.checker import ask
from core.exports.formatting.names_and_addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.names_and_addresses import TYPES as TYPES

NAME = "squid"
MEANING = "names and addresses for ACLs of Squid, in two files"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".acl"
OPTIONS = {"subdomains": Option("yes", "whether a name stands for all that is below it, too: yes or no")}
CONSUMERS = (
    Consumer(
        "Squid, acl dstdomain and dst",
        "what its memory holds; it reads half a million names in ten seconds",
        "a bad address, or a name before its parent: Squid does not start, one that runs ends at a SIGHUP, and squid -k "
        "reconfigure refuses; a network around or in another, in the wrong order: left out with a warning",
        'acl yeti_names dstdomain "/etc/squid/NAME-names.acl", acl yeti_addresses dst "/etc/squid/NAME-addresses.acl", '
        "http_access deny yeti_names, http_access deny yeti_addresses; a timer fetches both files from "
        "https://HOST/exports/ with the header 'Authorization: Bearer TOKEN' of a consumer, asks squid -k parse, and "
        "does squid -k reconfigure",
        checker="squid -k parse",
    ),
)
_CONFIGURATION = """http_port 127.0.0.1:3128
visible_hostname localhost
acl yeti_names dstdomain "names"
acl yeti_addresses dst "addresses"
http_access deny yeti_names
http_access deny yeti_addresses
"""
_FAULTS = ("FATAL", "ERROR", "WARNING", "Bungled")


def parse(options: Mapping[str, str]) -> bool:
    """Return whether a name stands for all that is below it."""
    return yes_or_no(options, "subdomains")


def render_values(batches: Iterator[Values], out: Output, options: bool) -> None:
    """Write the names and the addresses."""
    files = names_and_addresses.open_both(out)
    name = ".{0}\n" if options else "{0}\n"
    names_and_addresses.write_both(batches, out, files, name=name, address="{0}\n", is_reduced=options)


def check(files: Sequence[Path], options: bool) -> list[Finding]:
    """Return what ``squid -k parse`` finds wrong, also what it only warns of: then it has left something out."""
    with names_and_addresses.beside([*files], _CONFIGURATION) as folder:
        said = ask("squid", ["-k", "parse", "-f", "configuration"], folder=folder)
    return said.findings(*_FAULTS, is_strict=True)
