"""Two sets of ipset, ``NAME-ipv4`` and ``NAME-ipv6``, in the format of ``ipset restore``, swapped in when complete.

New sets are filled beside those in use, and swapped with them at the end, so that no packet sees half of a list, and a
file that is refused leaves the sets as they were.  Rules that name the sets stay.  The fewest networks are written: a
network that stands there twice would have ipset stop.

Both sets have the same ``maxelem``, the most they may hold, in every version: ipset refuses a set that is there with
another one.  It costs no memory.  So it is with ``timeout``, after which an entry leaves the set unless a file is
restored before, be it the same one.

Whoever changes one of these options cannot destroy sets that rules name: others are swapped in.  So it is done for IPv4,
without ``timeout S`` for none, and for IPv6 with ``-ipv6`` and ``inet6``; the first line is for what a restore that was
cut off has left.  The new file is restored at once, since the sets are empty until then.

    ipset -q destroy NAME-ipv4-new
    ipset create NAME-ipv4-new hash:net family inet maxelem N timeout S
    ipset swap NAME-ipv4-new NAME-ipv4
    ipset destroy NAME-ipv4-new

Canonical values only; what is not, and what stands for every address, is refused.  Source: ipset(8).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DefinitionError, RenderError
from core.exports.formats import Consumer, Finding, Option, Output, Values
from core.exports.formatting import checker
from core.exports.formatting.addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.addresses import Addresses, counted
from core.exports.formatting.choices import duration_s
from core.exports.formatting.name_lines import lines_of
from core.values import types

NAME = "ipset"
MEANING = "sets for ipset restore, swapped in when complete"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".ipset"
TYPES = frozenset({types.IPV4, types.IPV6, types.CIDR})
OPTIONS = {
    "set": Option("yeti", "the beginning of the names of the sets: yeti-ipv4, yeti-ipv6"),
    "maxelem": Option("4194304", "the most that one set may hold; always the same, see above"),
    "timeout": Option(
        "", "how long an entry stays if no file is restored, such as 2d; empty is for ever; see above"
    ),
}
FAMILIES = {4: "inet", 6: "inet6"}
# IPSET_MAXNAMELEN is 32 with its end; the longest name is NAME-ipv4-new.
_is_name = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,21}").fullmatch
LONGEST_TIMEOUT_S = 2_147_483
"""The kernel's IPSET_MAX_TIMEOUT: half of the largest 32-bit number, in milliseconds."""
_is_number = re.compile(r"[1-9][0-9]{0,8}").fullmatch

CONSUMERS = (
    Consumer(
        "Linux ipset, ipset restore",
        "maxelem of each version; a million networks take 30 MB of the kernel's memory; a timeout of 24 days at most. Sets "
        "that are there keep the maxelem and timeout they were made with: see above for others.",
        "ipset stops there, and the sets in use stay as they were.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME -o /run/yeti.ipset && ipset restore -f "
        "/run/yeti.ipset by a timer; iptables -I INPUT -m set --match-set yeti-ipv4 src -j DROP, and ip6tables with "
        "yeti-ipv6.",
        checker="ipset restore",
    ),
)


@dataclass(frozen=True, slots=True)
class Sets:
    """The options, understood: how the sets are called, how much each may hold, and how long; 0 is for ever."""

    name: str
    most: int
    timeout_s: int

    def of(self, version: int) -> str:
        """Return the name of the set in use."""
        return f"{self.name}-ipv{version}"

    def new(self, version: int) -> str:
        """Return the name of the set that is filled."""
        return f"{self.of(version)}-new"

    def each(self, *forms: str) -> str:
        """Return lines for both versions, of forms with ``{set}``, ``{new}``, ``{family}`` and ``{most}``."""
        return "".join(
            form.format(set=self.of(version), new=self.new(version), family=family, most=self.most) + "\n"
            for form in forms
            for version, family in FAMILIES.items()
        )


def parse(options: Mapping[str, str]) -> Sets:
    """Return the options, understood.

    Raises:
        DefinitionError: ipset takes no such name or number.
    """
    name, most = options["set"], options["maxelem"]
    if not _is_name(name):
        raise DefinitionError(f"set is a name of letters, digits, . - and _, 22 at most, not {name!r}")
    if not _is_number(most):
        raise DefinitionError(f"maxelem is a number up to 999999999, not {most!r}")
    return Sets(name, int(most), duration_s(options, "timeout", LONGEST_TIMEOUT_S))


def render_values(batches: Iterator[Values], out: Output, options: Sets) -> None:
    """Write the sets."""
    addresses = Addresses()
    for values in batches:
        addresses.add(values, out)
    file = out.open()
    # Those in use first: if one is there with another maxelem or timeout, nothing has happened yet.
    timeout = f" timeout {options.timeout_s}" if options.timeout_s else ""
    create = f"hash:net family {{family}} maxelem {{most}}{timeout} -exist"
    file.write(options.each(f"create {{set}} {create}", f"create {{new}} {create}", "flush {new}"), 0)
    total = 0
    for version in FAMILIES:
        lines, text_of = 0, lines_of(f"add {options.new(version)} {{0}}\n")
        for texts in addresses.networks(version):
            file.write(text_of(texts), 0)
            lines += len(texts)
        if lines > options.most:
            raise RenderError(f"{lines:,} networks of IPv{version} are more than maxelem={options.most}")
        file.write("", addresses.entries[version])
        total += lines
    file.write(options.each("swap {new} {set}", "destroy {new}"), 0)
    out.note(counted(sum(addresses.entries.values()), total))


def check(files: Sequence[Path], options: Sets) -> list[Finding]:
    """Let ipset load the file, in a network of its own, so that no set of this machine is touched."""
    (file,) = files
    said = checker.ask_apart("ipset", ("restore", "-f", file), folder=file.parent)
    return said.findings()
