"""Domain names, one a line, for firewalls and filters that fetch such lists; the empty form is an empty file.

Names are in lower case and A-labels, without scheme, slash, or dot at the end: PAN-OS takes ``bad.example/`` for no
name at all.  Public suffixes are refused.

Devices differ in what a name stands for:

=============== =====================================================================================================
``generic``     whatever the reader takes it for
``pan-os``      itself; ``subdomains=yes`` adds ``*.name``, which does not match the name itself, so both are written
``fortigate``   itself, or what its wildcards match; ``subdomains=yes`` adds ``*.name``
``fmc``         itself and all below it, so that a name below another on the list is left out
``pfblockerng`` itself, and with its option TLD all below it
``adblock``     itself and all below it, written ``||name^``
=============== =====================================================================================================

``reduce`` leaves out what another line covers, and is refused where none does.

Sources: Palo Alto Networks, "Formatting Guidelines for an External Dynamic List"; Fortinet, "Domain name threat feed"
and "External resources file format"; Cisco, "Custom Security Intelligence Lists"; AdGuard, "DNS filtering rules
syntax"; the validation of feeds in pfBlockerNG.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.errors import DefinitionError
from core.exports.formats import Consumer, Option, Output, Values, yes_or_no
from core.exports.formatting.choices import choice
from core.exports.formatting.device_limits import ANY, FMC, FORTIGATE_DOMAINS, LimitedFiles, Limits
from core.exports.formatting.name_lines import write_names
from core.exports.formatting.names import BYTES_PER_NAME
from core.values.types import HOSTNAME

NAME = "domains"
MEANING = "domain names, one a line, for firewalls and DNS filters"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".txt"
TYPES = frozenset({HOSTNAME})
MEMORY_BYTES_PER_ENTRY = BYTES_PER_NAME

PLAIN, WITH_WILDCARD, ADBLOCK = "{0}\n", "{0}\n*.{0}\n", "||{0}^\n"


@dataclass(frozen=True, slots=True)
class Device:
    """What a device reads.

    Attributes:
        pattern: The line of a name.
        wildcards: The lines of a name with all below it; empty where the device has no such lines.
        covers: Whether a name stands for all below it: always, never, or ``None``, as its user has it.
        limits: How much of a list it takes.
    """

    pattern: str = PLAIN
    wildcards: str = ""
    covers: bool | None = None
    limits: Limits = ANY


DEVICES = {
    "generic": Device(wildcards=WITH_WILDCARD),
    "pan-os": Device(wildcards=WITH_WILDCARD, covers=False),
    "fortigate": Device(wildcards=WITH_WILDCARD, covers=False, limits=FORTIGATE_DOMAINS),
    "fmc": Device(covers=True, limits=FMC),
    "pfblockerng": Device(),
    "adblock": Device(ADBLOCK, covers=True),
}
OPTIONS = {
    "device": Option("generic", f"what reads it: {', '.join(DEVICES)}"),
    "subdomains": Option("no", "for each name a second line *.name, for all that is below it: yes or no"),
    "reduce": Option(
        "auto", "leave out names that another line covers: yes, no, or auto, where the device says so"
    ),
}
CONSUMERS = (
    Consumer(
        "Palo Alto Networks PAN-OS, External Dynamic List of domains",
        "50,000 domains on PAN-OS 7.1, more by model since 9.0 ('List Capacities'); of 255 characters each, at most "
        "30 lists; what is beyond is skipped with a line in the system log",
        "the entry is skipped; a list whose server turns the firewall away is not enforced any more",
        "Objects > External Dynamic Lists, type Domain List, source https://HOST/exports/NAME, check every five minutes "
        "or hourly, client authentication with any user name and a consumer's token as the password; "
        "'Automatically expand to include subdomains' does what subdomains=yes does",
        options="device=pan-os",
    ),
    Consumer(
        "Fortinet FortiGate, domain name threat feed",
        "131,072 entries or 10 MB before FortiOS 7.4.4; since then 1, 3 or 5 million by model of all feeds of this type "
        "together, and files of 32, 64 or 128 MB; the feeds that were added last lose what is beyond",
        "the line is not used; the list of before is kept when the server cannot be reached",
        "config system external-resource: set type domain, set resource https://HOST/exports/NAME, set username to any "
        "name, set password to a consumer's token, set refresh-rate 5; then a remote category of a DNS filter profile",
        options="device=fortigate",
    ),
    Consumer(
        "Cisco FMC and Threat Defense, Security Intelligence for DNS",
        "500 MB; a name matches whatever is below it",
        "unknown lines are left out, and one that is known is enough to replace the whole list; without any, as in an "
        "empty list, the old one stays",
        "Objects > Security Intelligence > DNS Lists and Feeds > Feed, URL https://HOST/exports/NAME?token=TOKEN with "
        "api.tokens_in_query on, or an export that is public to that network; the update frequency is yours",
        options="device=fmc",
    ),
    Consumer(
        "pfBlockerNG, DNSBL group",
        "what the memory of Unbound holds; names of fewer than 255 characters out of letters, digits, '.', '_' and '-'",
        "the line is skipped, and logged as a parse error",
        "Firewall > pfBlockerNG > DNSBL > DNSBL Groups, format Auto, source https://HOST/exports/NAME?token=TOKEN with "
        "api.tokens_in_query on, or an export that is public to that network; its option TLD blocks what is below, too",
        options="device=pfblockerng",
    ),
    Consumer(
        "Pi-hole, subscribed list",
        "what fits its database; a name stands for itself alone",
        "the line is not used, and counted as no domain",
        "Lists > Add blocklist, https://HOST/exports/NAME?token=TOKEN with api.tokens_in_query on, or an export that "
        "is public to that network; pihole -g reads it again, by itself once a week",
    ),
    Consumer(
        "AdGuard Home, DNS blocklist",
        "what its memory holds; a rule matches the name and whatever is below it",
        "the rule is not used",
        "Filters > DNS blocklists > Add a custom list, https://HOST/exports/NAME?token=TOKEN with api.tokens_in_query "
        "on, or an export that is public to that network; the update interval is 1 hour at least",
        options="device=adblock",
    ),
)


@dataclass(frozen=True, slots=True)
class Form:
    """The options, understood."""

    pattern: str
    is_reduced: bool
    limits: Limits


def parse(options: Mapping[str, str]) -> Form:
    """Return the options, understood."""
    name = choice(options, "device", DEVICES)
    device = DEVICES[name]
    has_wildcards = yes_or_no(options, "subdomains")
    if has_wildcards and not device.wildcards:
        raise DefinitionError(f"the device {name} has no lines for what is below a name; subdomains must be no")
    reduce = choice(options, "reduce", ("auto", "yes", "no"))
    if reduce == "yes" and device.covers is False and not has_wildcards:
        raise DefinitionError(
            f"to the device {name} a name is itself alone, so that names below others cannot be left out; "
            "with subdomains=yes they can"
        )
    is_reduced = reduce == "yes" or (reduce == "auto" and (bool(device.covers) or has_wildcards))
    return Form(device.wildcards if has_wildcards else device.pattern, is_reduced, device.limits)


def render_values(batches: Iterator[Values], out: Output, options: Form) -> None:
    """Write the names."""
    files = LimitedFiles(out, options.limits)
    write_names(batches, files.open(), out, options.pattern, is_reduced=options.is_reduced)
    files.finish()
