"""URLs, one a line, for firewalls and proxies that fetch such lists; the empty form is an empty file.

=============== =====================================================================================================
``generic``     the URL as it is, of any scheme
``pan-os``      without the scheme, 255 characters at most; an entry matches whatever its tokens begin
``fortigate``   with the scheme; IPv6 addresses in brackets
``fmc``         without the scheme; a URL that ends with ``/`` is that URL alone, upper and lower case differ in the path
=============== =====================================================================================================

For the devices an empty path is ``/``, since ``bad.example`` alone would also be ``bad.example.org`` to PAN-OS before
10.2, and all subdomains to FMC; a port that is the scheme's own is left out.  Refused are: wildcards (``*``, ``^``),
user names, fragments, backslashes, schemes other than http and https, hosts of one label, port 0, and what is too long;
a cut URL would be another.  URLs that become one line are written once.

Sources: Palo Alto Networks, "Guidelines for URL Category Exceptions" and "Formatting Guidelines for an External Dynamic
List"; Fortinet, "FortiGuard category threat feed" and "Types and file formats of threat feeds"; Cisco, "URL Lists and
Feeds: URL Syntax and Matching Criteria" and "Custom Security Intelligence Lists".
"""

from collections.abc import Iterator, Mapping

from core.exports.formats import Consumer, Option, Output, Values
from core.exports.formatting.choices import choice
from core.exports.formatting.device_limits import FMC, FORTIGATE_URLS
from core.exports.formatting.url_requests import canonical_urls
from core.exports.formatting.urls import BYTES_PER_URL, UrlLines, UrlRules
from core.values.types import URL

NAME = "urls"
MEANING = "URLs, one a line, for firewalls and proxies"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".txt"
TYPES = frozenset({URL})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_URL
LONGEST_OF_PAN_OS = 255
GENERIC = "generic"

DEVICES = {
    "pan-os": UrlRules(longest=LONGEST_OF_PAN_OS),
    "fortigate": UrlRules(has_scheme=True, takes_ipv6=True, limits=FORTIGATE_URLS),
    "fmc": UrlRules(limits=FMC),
}
OPTIONS = {"device": Option(GENERIC, f"what reads it: {', '.join((GENERIC, *DEVICES))}")}
CONSUMERS = (
    Consumer(
        "Palo Alto Networks PAN-OS, External Dynamic List of URLs",
        "50,000 URLs on PAN-OS 7.1, more by model since 9.0 ('List Capacities'); of 255 characters each, at most 30 "
        "lists; what is beyond is skipped with a line in the system log",
        "the entry is skipped; a list whose server turns the firewall away is not enforced any more",
        "Objects > External Dynamic Lists, type URL List, source https://HOST/exports/NAME, check every five minutes or "
        "hourly, client authentication with any user name and a consumer's token as the password; then a site access "
        "of a URL Filtering profile",
        options="device=pan-os",
    ),
    Consumer(
        "Fortinet FortiGate, category threat feed",
        "131,072 entries or 10 MB before FortiOS 7.4.4; since then 150,000, 300,000 or 2 million by model of all feeds of "
        "this type together, and files of 32, 64 or 128 MB; the feeds that were added last lose what is beyond",
        "the line is not used; the list of before is kept when the server cannot be reached",
        "config system external-resource: set type category, set resource https://HOST/exports/NAME, set username to "
        "any name, set password to a consumer's token, set refresh-rate 5; then a remote category of a web filter "
        "profile",
        options="device=fortigate",
    ),
    Consumer(
        "Cisco FMC and Threat Defense, Security Intelligence for URLs",
        "500 MB",
        "unknown lines are left out, and one that is known is enough to replace the whole list; without any, as in an "
        "empty list, the old one stays",
        "Objects > Security Intelligence > URL Lists and Feeds > Feed, URL https://HOST/exports/NAME?token=TOKEN with "
        "api.tokens_in_query on, or an export that is public to that network; the update frequency is yours",
        options="device=fmc",
    ),
)


def parse(options: Mapping[str, str]) -> UrlRules | None:
    """Return the rules of the device; ``None`` for whatever reads URLs as they are."""
    return DEVICES.get(choice(options, "device", (GENERIC, *DEVICES)))


def render_values(batches: Iterator[Values], out: Output, options: UrlRules | None) -> None:
    """Write the URLs."""
    if options is None:
        file = out.open()
        for batch in batches:
            good = canonical_urls(batch, out)
            file.write("\n".join([*good, ""]) if good else "", len(good))
        return
    lines = UrlLines(options, out)
    for batch in batches:
        lines.write(batch)
    lines.finish()
