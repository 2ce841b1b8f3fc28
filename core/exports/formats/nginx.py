"""Two files for nginx: ``NAME-names`` for a ``map`` with ``hostnames``, ``NAME-addresses`` for a ``geo``.

``.bad.example VALUE;`` is the name and all that is below it, so that only the outermost names are written;
``subdomains=no`` writes ``bad.example VALUE;`` for the name alone.  Long names need a ``map_hash_bucket_size`` of 512.

The fewest networks are written.  Public suffixes are refused, whatever is not canonical, and IPv6 networks around
``::ffff:0:0/96``, since programs disagree on IPv4 addresses in them.  The empty form is two empty files.

Source: nginx.org, ``ngx_http_map_module`` and ``ngx_http_geo_module``.
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

NAME = "nginx"
MEANING = "names for a map and addresses for a geo of nginx, in two files"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".conf"
OPTIONS = {
    "value": Option(
        "1", "what the variable is for a listed name or address: a word of letters, digits, . - and _"
    ),
    "subdomains": Option("yes", "whether a name stands for all that is below it, too: yes or no"),
}
CONSUMERS = (
    Consumer(
        "nginx, map hostnames and geo",
        "what its memory holds; half a million of each are read in two seconds",
        "nginx does not start, and one that runs keeps what it has when it is told to reload; a network with host bits "
        "is the whole network",
        "in http: map_hash_bucket_size 512; map_hash_max_size 1048576; map $host $yeti_name { hostnames; include "
        "NAME-names.conf; } geo $yeti_address { include NAME-addresses.conf; }, and in server: if ($yeti_name) { return "
        "403; } if ($yeti_address) { return 403; }; a timer fetches both files from https://HOST/exports/ with the "
        "header 'Authorization: Bearer TOKEN' of a consumer, asks nginx -t, and does nginx -s reload",
        checker="nginx -t",
    ),
)
_CONFIGURATION = """pid pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    map_hash_bucket_size 512;
    map_hash_max_size 1048576;
    map $host $yeti_name { hostnames; include names; }
    geo $yeti_address { include addresses; }
}
"""


def parse(options: Mapping[str, str]) -> WithValue:
    """Return the options, understood.

    Raises:
        DefinitionError: The value is no word.
    """
    return WithValue(word(options, "value"), yes_or_no(options, "subdomains"))


def render_values(batches: Iterator[Values], out: Output, options: WithValue) -> None:
    """Write the names and the addresses."""
    files = names_and_addresses.open_both(out)
    name = options.line_of_name(";")
    address = f"{{0}} {options.value};\n"
    names_and_addresses.write_both(
        batches, out, files, name=name, address=address, is_reduced=options.has_subdomains
    )


def check(files: Sequence[Path], options: WithValue) -> list[Finding]:
    """Return what ``nginx -t`` finds wrong, also what it only warns of."""
    with names_and_addresses.beside([*files], _CONFIGURATION) as folder:
        said = ask("nginx", ["-t", "-e", "stderr", "-p", folder, "-c", "configuration"], folder=folder)
    return said.findings("[emerg]", "[warn]", is_strict=True)
