"""Addresses and networks for firewalls, one a line, as each device wants them.

The empty form is an empty file; for MikroTik it is a script that empties the list.

What is listed is in its canonical form: no leading zeros, no host bits, IPv6 after RFC 5952.  What is not, what stands
for every address (``0.0.0.0``, ``/0``), addresses with a zone and IPv4 in IPv6 form are refused.

- ``device``: *generic*, *pan-os*, *fortigate*, *fmc* and *pf* (pfSense, OPNsense) are plain lines; *juniper* has a
  length in each (``192.0.2.1/32``); *f5* is ``192.0.2.1,32,bl,CATEGORY``; *mikrotik* is a script for ``/import``, see
  below.
- ``family``: *both* in one file, only *ipv4*, only *ipv6* (the others are refused), or *split*: two files,
  ``NAME-ipv4.txt`` and ``NAME-ipv6.txt``.  *auto* is both, for pf split: its lists are of one family.
- ``collapse``: the fewest networks that are exactly the same addresses.  ``ranges``: what is no network is ``a-b``
  then, which is one line; for FortiGate, and for IPv4 of PAN-OS.

The script of MikroTik fills a list beside the one in use, and puts it into its place at the end; an import that fails
leaves the old list as it was.  Only between the last two commands is the list empty.  Entries stay until the next
import, whenever that is.

With ``timeout`` they go by themselves when so long no import was done, be it that each failed: the old list stays no
longer than that, either.  They are kept in memory alone: after a start of the router the list is empty until the next
import.  The script renames entries, and whether a release of RouterOS renames those with a timeout is not documented:
try it once.  After the first import ``/ip firewall address-list print count-only where list=yeti`` has to be the
number of IPv4 entries; where it is 0, leave the timeout out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.errors import DefinitionError
from core.exports.definitions.words import duration_text
from core.exports.formats import Consumer, Option, Output, Values, yes_or_no
from core.exports.formatting.address_devices import DEVICES, MIKROTIK_NEW, Device, Words
from core.exports.formatting.addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.addresses import Addresses, accepted, counted, name_of_version
from core.exports.formatting.choices import choice, duration_s
from core.exports.formatting.device_limits import LimitedFile, LimitedFiles
from core.values import types

NAME = "addresses"
MEANING = "IP addresses and networks, as firewalls want them"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".txt"
TYPES = frozenset({types.IPV4, types.IPV6, types.CIDR})
FAMILIES = {"both": (4, 6), "split": (4, 6), "ipv4": (4,), "ipv6": (6,)}
OPTIONS = {
    "device": Option("generic", f"who reads it: {', '.join(DEVICES)}"),
    "family": Option("auto", f"which addresses, and in how many files: auto, {', '.join(FAMILIES)}"),
    "collapse": Option("no", "put together to the fewest networks: yes or no"),
    "ranges": Option("no", "with collapse, write a-b where it is one line instead of several networks: yes or no"),
    "category": Option("", "for f5: the category of each entry; empty is that of the feed list"),
    "list": Option("yeti", "for mikrotik: the name of the address list"),
    "timeout": Option(
        "", "for mikrotik: how long an entry stays if nothing is imported, such as 2d; empty is for ever"
    ),
}
LONGEST_TIMEOUT_S = 21_474_836
"""MikroTik's "Address lists": 35w3d13h13m56s, and a longer one is out of range."""
_LEFT_OUT = {version: f"IPv{version}, which the option family leaves out" for version in (4, 6)}
_is_category = re.compile(r"[A-Za-z0-9_-]{0,64}").fullmatch
_is_list = re.compile(r"[A-Za-z0-9_.-]{1,48}").fullmatch

CONSUMERS = (
    Consumer(
        "Readers of lines",
        "IPv4 and IPv6, addresses and networks, one a line; no comments.",
        "That depends on the reader; there is none in it.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME -o LIST",
    ),
    Consumer(
        "Palo Alto PAN-OS, external dynamic list of type IP",
        "A range or network counts as one entry; 50,000 or 150,000 entries by model in PAN-OS 7.1, later see List "
        "Capacities on the firewall; 30 lists. What is beyond is skipped, with a system log.",
        "An entry that is none is skipped; the list is used without it.",
        "Objects > External Dynamic Lists: Type IP List, Source https://HOST/exports/NAME, Client Authentication with "
        "the token as password, Certificate Profile, Check for updates Every five minutes; after a failed "
        "authentication the firewall no longer enforces the list.",
        options="device=pan-os",
    ),
    Consumer(
        "FortiGate, IP address threat feed",
        "131,072 entries or 10 MB before FortiOS 7.4.4; since then 300,000 entries of all feeds of this type together, and "
        "files of 32, 64 or 128 MB by model; the feeds that were added last lose what is beyond.",
        "An entry that is none is left out.",
        "config system external-resource: set type address, set resource https://HOST/exports/NAME, set username ANY, "
        "set password TOKEN, set refresh-rate 5 (minutes).",
        options="device=fortigate",
    ),
    Consumer(
        "Cisco FMC, Security Intelligence feed",
        "500 MB; /0 is refused. A file without any entry is taken for corrupt: the old list stays in use.",
        "It is left out; one entry that is understood is enough to replace the whole list.",
        "Object Management > Security Intelligence > Network Lists and Feeds: Feed, URL https://HOST/exports/NAME, Update "
        "Frequency; it sends no token, so make the export public to the network of the FMC.",
        options="device=fmc",
    ),
    Consumer(
        "pfSense, URL table alias and pfBlockerNG",
        "Lists of one family; twice the entries must fit into Firewall Maximum Table Entries (System > Advanced).",
        "Lines that are no address are left out, so that an error page in place of the list empties it.",
        "Firewall > Aliases > URLs: URL Table (IPs), https://ANY:TOKEN@HOST/exports/NAME-ipv4.txt, and the same with "
        "ipv6; pfBlockerNG updates by the hour.",
        options="device=pf",
    ),
    Consumer(
        "OPNsense, URL table alias",
        "Lists of one family; twice the entries must fit into Firewall Maximum Table Entries (Firewall > Settings > "
        "Advanced).",
        "Lines that are no address are left out.",
        "Firewall > Aliases: URL Table (IPs), https://HOST/exports/NAME-ipv4.txt, Authorization Bearer with TOKEN, "
        "Refresh Frequency; and the same with ipv6.",
        options="device=pf",
    ),
    Consumer(
        "Juniper SRX, dynamic address of a feed server",
        "Hundreds of thousands of prefixes by model; the SRX fetches a .tgz with this file in it, and asks by HEAD "
        "whether it is new.",
        "It is left out.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME -o FEED; tar czf FEED.tgz FEED on the "
        "feed server; set security dynamic-address feed-server FEEDS url https://SERVER feed-name FEED path /FEED.tgz",
        options="device=juniper",
    ),
    Consumer(
        "F5 BIG-IP AFM, IP Intelligence feed list",
        "A category must exist under Black List Categories; an empty one is the default of the feed list.",
        "It is left out.",
        "Security > Network Firewall > IP Intelligence > Feed Lists: File Type and URL https://HOST/exports/NAME, "
        "User ANY, Password TOKEN, Poll Interval 300 (seconds).",
        options="device=f5",
    ),
    Consumer(
        "MikroTik RouterOS, address list",
        "As many entries as the memory of the router holds; without a timeout they are kept on its disk. IPv6 entries "
        "need the IPv6 package in RouterOS 6; family=ipv4 leaves them out. With a timeout, 35 weeks at most, they are kept "
        "in memory, and whether a release renames such entries is not documented: after the first import look at /ip "
        "firewall address-list print count-only where list=yeti.",
        "The import stops there, and the list in use stays as it was, with a timeout until that is over.",
        '/system scheduler add interval=1h name=yeti on-event="/tool fetch url=https://HOST/exports/NAME user=ANY '
        'password=TOKEN dst-path=yeti.rsc; /import yeti.rsc"; src-address-list=yeti in a rule of the firewall.',
        options="device=mikrotik",
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The options, understood.

    Attributes:
        device: What the device takes.
        versions: Which addresses.
        is_split: Whether each version has a file of its own.
        is_collapsed: Whether they are put together to the fewest networks.
        has_ranges: Whether those that are no network are ranges.
        words: What stands in the lines.
    """

    device: Device
    versions: tuple[int, ...]
    is_split: bool
    is_collapsed: bool
    has_ranges: bool
    words: Words


def parse(options: Mapping[str, str]) -> Plan:
    """Return the options, understood.

    Raises:
        DefinitionError: One of them has no such value, or the device does not take it.
    """
    name = choice(options, "device", DEVICES)
    device = DEVICES[name]
    family = choice(options, "family", ("auto", *FAMILIES))
    if family == "auto":
        family = "both" if device.takes_both else "split"
    if family == "both" and not device.takes_both:
        raise DefinitionError(f"{name} takes IPv4 and IPv6 in files of their own: family=split, ipv4 or ipv6")
    is_collapsed, has_ranges = yes_or_no(options, "collapse"), yes_or_no(options, "ranges")
    if has_ranges and not (is_collapsed and device.ranges):
        takers = ", ".join(key for key, item in DEVICES.items() if item.ranges)
        raise DefinitionError(f"ranges=yes needs collapse=yes, and a device that takes ranges: {takers}")
    return Plan(device, FAMILIES[family], family == "split", is_collapsed, has_ranges, _words(name, options))


def render_values(batches: Iterator[Values], out: Output, options: Plan) -> None:
    """Write the lines."""
    limited = LimitedFiles(out, options.device.limits)
    files = _files(limited, out.file_name, options)
    if options.is_collapsed:
        _write_collapsed(batches, out, options, files)
    else:
        refused = {version: reason for version, reason in _LEFT_OUT.items() if version not in options.versions}
        for values in batches:
            found = accepted(values, out, refused)
            if options.is_split:
                files[4].write(found.ipv4.texts)
                files[6].write(found.ipv6.texts)
            else:
                files[options.versions[0]].write(found.texts)
    for file in dict.fromkeys(files.values()):
        file.finish()
    limited.finish()


def _write_collapsed(batches: Iterator[Values], out: Output, options: Plan, files: Mapping[int, "_File"]) -> None:
    addresses = Addresses({version: _LEFT_OUT[version] for version in (4, 6) if version not in options.versions})
    for values in batches:
        addresses.add(values, out)
    lines = 0
    for version in options.versions:
        as_ranges = options.has_ranges and version in options.device.ranges
        for texts in addresses.ranges(version) if as_ranges else addresses.networks(version):
            files[version].write(texts, 0)
            lines += len(texts)
        files[version].count(addresses.entries[version])
    out.note(counted(sum(addresses.entries.values()), lines))


class _File:
    """A file for a device, with what the device wants before and behind the lines."""

    def __init__(self, file: LimitedFile, options: Plan, versions: tuple[int, ...]) -> None:
        self._file = file
        self._device, self._words = options.device, options.words
        self._versions = versions
        self._file.write(self._device.head(versions, self._words), 0)

    def write(self, texts: list[str], entries: int | None = None) -> None:
        """Write a line for each of some canonical texts; without a number, each is an entry."""
        if not texts:
            return
        self._file.write(self._device.lines(texts, self._words), len(texts) if entries is None else entries)

    def count(self, entries: int) -> None:
        """Say that so many entries are in the lines written."""
        self._file.write("", entries)

    def finish(self) -> None:
        """End it."""
        self._file.write(self._device.tail(self._versions, self._words), 0)


def _files(limited: LimitedFiles, name: str, options: Plan) -> dict[int, _File]:
    if not options.is_split:
        return dict.fromkeys(options.versions, _File(limited.open(), options, options.versions))
    return {
        version: _File(limited.open(name_of_version(name, version)), options, (version,))
        for version in options.versions
    }


def _words(device: str, options: Mapping[str, str]) -> Words:
    category, name = options["category"], options["list"]
    if not _is_category(category) or (category and device != "f5"):
        raise DefinitionError(f"category is for f5, of letters, digits, - and _, not {category!r}")
    if device != "mikrotik":
        if name != OPTIONS["list"].default:
            raise DefinitionError("list is for mikrotik: no other device reads the name of a list")
        if options["timeout"].strip():
            raise DefinitionError("timeout is for mikrotik: no other device takes one from a list")
    if not _is_list(name) or name.endswith(MIKROTIK_NEW):
        raise DefinitionError(
            f"list is a name of letters, digits, . - and _, without -new at its end, not {name!r}"
        )
    timeout_s = duration_s(options, "timeout", LONGEST_TIMEOUT_S)
    return Words(category, name, duration_text(timeout_s) if timeout_s else "")
