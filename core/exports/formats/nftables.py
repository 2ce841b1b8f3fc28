"""Two sets of nftables, ``NAME_ipv4`` and ``NAME_ipv6``, in a file whose loading replaces them in one transaction.

``nft -f FILE`` makes the table and the sets where they are not there, empties the sets and fills them, all or nothing:
between two lists no packet sees half of one, and a file with a mistake changes nothing.  Rules that name the sets stay.
The fewest networks are written, so that no two overlap: one overlap would have the whole file refused.  Where there is
nothing to list, the sets are made and emptied: ``elements = { }`` would be a syntax error.

Canonical values only; what is not, what stands for every address, and what no packet of the table's family has, is
refused.  There are no host names in it, which nft would look up, and no comments.  Source: nft(8).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, NotChecked, Option, Output, Values
from core.exports.formatting import checker
from core.exports.formatting.addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.addresses import Addresses, counted
from core.exports.formatting.choices import choice
from core.values import types

NAME = "nftables"
MEANING = "sets of nftables, replaced at once by nft -f"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".nft"
TYPES = frozenset({types.IPV4, types.IPV6, types.CIDR})
FAMILIES = {"inet": (4, 6), "bridge": (4, 6), "netdev": (4, 6), "ip": (4,), "ip6": (6,)}
OPTIONS = {
    "family": Option("inet", f"the family of the table: {', '.join(FAMILIES)}"),
    "table": Option("yeti", "the name of the table"),
    "set": Option("listed", "the beginning of the names of the sets: listed_ipv4, listed_ipv6"),
}
KEYWORDS = frozenset((
    "accept", "add", "ah", "all", "and", "arp", "bridge", "cgroup", "chain", "comment", "comp", "constant",
    "continue", "counter", "cpu", "create", "ct", "day", "dccp", "define", "delete", "describe", "device",
    "devices", "dnat", "drop", "dst", "dup", "dynamic", "ecn", "element", "elements", "eq", "esp", "ether",
    "exists", "expires", "export", "exthdr", "fib", "flags", "flow", "flowtable", "flush", "frag", "fwd",
    "ge", "get", "goto", "gt", "handle", "hbh", "hook", "hour", "ibriport", "ibrname", "icmp", "icmpv6",
    "igmp", "iif", "iifgroup", "iifname", "iiftype", "import", "include", "index", "inet", "insert",
    "interval", "ip", "ip6", "ipsec", "jhash", "jump", "le", "limit", "list", "log", "lshift", "lt", "map",
    "mark", "masquerade", "meta", "meter", "mh", "missing", "monitor", "ne", "netdev", "nftrace", "not",
    "notrack", "numgen", "obriport", "obrname", "offload", "oif", "oifgroup", "oifname", "oiftype", "or",
    "osf", "pkttype", "policy", "position", "priority", "queue", "quota", "random", "redefine", "redirect",
    "reject", "rename", "replace", "reset", "return", "rshift", "rt", "rt0", "rt2", "rtclassid", "rule",
    "ruleset", "sctp", "secmark", "set", "size", "skgid", "skuid", "snat", "socket", "srh", "symhash",
    "synproxy", "table", "tcp", "th", "time", "timeout", "tproxy", "type", "typeof", "udp", "udplite",
    "undefine", "update", "vlan", "vmap", "xor", "xt",
))  # fmt: skip
"""The words that nft 1.0.6 has everywhere in its language, so that it takes none for the name of a table."""
LATER_KEYWORDS = frozenset(("destroy", "geneve", "gre", "gretap", "last", "tunnel", "vni", "vxlan"))
"""Those that later releases have."""
_is_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}").fullmatch
MOST_CHECKED_BYTES = 4_000_000
"""Of a file for ``check``: nft takes eighty times as much of memory."""
_TOO_LARGE = "Message too long"

CONSUMERS = (
    Consumer(
        "Linux nftables, nft -f",
        "As many as memory holds: nft takes 1.5 KB of it for each while it loads; Linux 4.14 or later.",
        "The whole file is refused, and the sets stay as they were.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME -o /run/yeti.nft && nft -f /run/yeti.nft by a "
        "timer; ip saddr @listed_ipv4 drop and ip6 saddr @listed_ipv6 drop in a chain of the table inet yeti.",
        checker="nft -c -f",
    ),
)


@dataclass(frozen=True, slots=True)
class Sets:
    """The options, understood: where the sets are."""

    family: str
    table: str
    name: str

    @property
    def versions(self) -> Sequence[int]:
        """The versions that packets in the table have."""
        return FAMILIES[self.family]


def parse(options: Mapping[str, str]) -> Sets:
    """Return the options, understood.

    Raises:
        DefinitionError: A name is none that nft takes.
    """
    family, table, name = choice(options, "family", FAMILIES), options["table"], options["set"]
    for key, text in (("table", table), ("set", name)):
        if not _is_name(text):
            raise DefinitionError(
                f"{key} is a name of letters, digits and _, no digit first, 64 at most, not {text!r}"
            )
    if table in KEYWORDS | LATER_KEYWORDS:
        raise DefinitionError(f"no table can be called {table!r}: that is a word of the language of nft")
    return Sets(family, table, name)


def render_values(batches: Iterator[Values], out: Output, options: Sets) -> None:
    """Write the sets."""
    others = [version for version in (4, 6) if version not in options.versions]
    addresses = Addresses({v: f"IPv{v}, which no packet of the family {options.family} has" for v in others})
    for values in batches:
        addresses.add(values, out)
    file = out.open()
    file.write(_head(options), 0)
    lines = 0
    for version in options.versions:
        for texts in addresses.networks(version):
            file.write(f"add element {_set(options, version)} {{\n" + ",\n".join(texts) + "\n}\n", 0)
            lines += len(texts)
        file.write("", addresses.entries[version])
    out.note(counted(sum(addresses.entries.values()), lines))


def check(files: Sequence[Path], options: Sets) -> list[Finding]:
    """Let nft read the file, in a network of its own, so that no firewall is touched; not one that takes a gigabyte."""
    (file,) = files
    if file.stat().st_size > MOST_CHECKED_BYTES:
        return [NotChecked(f"nft would take too much memory for a file of more than {MOST_CHECKED_BYTES:,} bytes")]
    said = checker.ask_apart("nft", ("-c", "-f", file), folder=file.parent)
    if said.status and _TOO_LARGE in said.text:
        return [NotChecked("nft may send so large a transaction only as root")]
    return said.findings("Error")


def _head(options: Sets) -> str:
    sets = "".join(
        f"\tset {options.name}_ipv{version} {{\n\t\ttype ipv{version}_addr\n\t\tflags interval\n\t}}\n"
        for version in options.versions
    )
    flushes = "".join(f"flush set {_set(options, version)}\n" for version in options.versions)
    return f"table {options.family} {options.table} {{\n{sets}}}\n{flushes}"


def _set(options: Sets, version: int) -> str:
    return f"{options.family} {options.table} {options.name}_ipv{version}"
