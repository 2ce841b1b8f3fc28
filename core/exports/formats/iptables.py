"""A chain of iptables with a rule for each address or network, in the format of iptables-restore; IPv4 and IPv6 apart.

Two files, since ``iptables-restore`` refuses IPv6 and ``ip6tables-restore`` IPv4: ``NAME-ipv4.rules`` and
``NAME-ipv6.rules``.  Each is the table ``filter`` with one chain, which is emptied and filled in one step; with
``--noflush`` all other chains stay.  The empty form is the chain without rules.

The fewest networks are written, since every packet is compared with one rule after the other: beyond some thousands
take ``ipset`` or ``nftables``.  Canonical values only; what is not, and what stands for every address, is refused.
Source: iptables-restore(8).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DefinitionError
from core.exports.formats import Consumer, Finding, NotChecked, Option, Output, Values
from core.exports.formatting import checker
from core.exports.formatting.addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.addresses import Addresses, counted, name_of_version
from core.exports.formatting.choices import choice
from core.exports.formatting.name_lines import lines_of
from core.values import types

NAME = "iptables"
MEANING = "a chain of rules for iptables-restore, IPv4 and IPv6 apart"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".rules"
TYPES = frozenset({types.IPV4, types.IPV6, types.CIDR})
MATCHES = {"source": ("-s",), "destination": ("-d",), "both": ("-s", "-d")}
TARGETS = ("DROP", "REJECT", "RETURN", "ACCEPT")
OPTIONS = {
    "chain": Option("YETI", "the name of the chain"),
    "match": Option("source", f"the address that is compared: {', '.join(MATCHES)}"),
    "target": Option("DROP", f"what happens to the packet: {', '.join(TARGETS)}"),
}
RESTORE = {4: "iptables-restore", 6: "ip6tables-restore"}
_TAKEN = frozenset({"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING", "QUEUE", *TARGETS})
MOST_CHECKED_BYTES = 4_000_000
"""Of a file for ``check``: iptables takes thirty times as much of memory."""
# XT_EXTENSION_MAXNAMELEN is 29 with its end.
_is_chain = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,27}").fullmatch

CONSUMERS = (
    Consumer(
        "Linux iptables, iptables-restore and ip6tables-restore",
        "Each packet is compared with one rule after the other: some thousands of rules.",
        "The whole file is refused, and the chain stays as it was.",
        "curl -fsS -H 'Authorization: Bearer TOKEN' https://HOST/exports/NAME-ipv4.rules | iptables-restore --noflush by a "
        "timer, and ipv6 with ip6tables-restore; once: iptables -I INPUT -j YETI.",
        checker="iptables-restore --test --noflush",
    ),
)


@dataclass(frozen=True, slots=True)
class Chain:
    """The options, understood: the name of the chain, and what stands before and behind each address."""

    name: str
    flags: tuple[str, ...]
    target: str


def parse(options: Mapping[str, str]) -> Chain:
    """Return the options, understood.

    Raises:
        DefinitionError: iptables takes no such name, or has no such match or target.
    """
    chain, match, target = options["chain"], choice(options, "match", MATCHES), choice(options, "target", TARGETS)
    if not _is_chain(chain) or chain in _TAKEN:
        raise DefinitionError(
            f"chain is a name of letters, digits, - and _, 28 at most, and none that iptables has, not {chain!r}"
        )
    return Chain(chain, MATCHES[match], target)


def render_values(batches: Iterator[Values], out: Output, options: Chain) -> None:
    """Write the chain, once for each version."""
    addresses, text_of = Addresses(), lines_of(_rules(options))
    for values in batches:
        addresses.add(values, out)
    total = 0
    for version in RESTORE:
        file = out.open(name_of_version(out.file_name, version))
        file.write(f"*filter\n:{options.name} - [0:0]\n", 0)
        for texts in addresses.networks(version):
            file.write(text_of(texts), 0)
            total += len(texts) * len(options.flags)
        file.write("COMMIT\n", addresses.entries[version])
    out.note(counted(sum(addresses.entries.values()), total))


def check(files: Sequence[Path], options: Chain) -> list[Finding]:
    """Let iptables read the files, in a network of its own, so that no firewall is touched; none beyond 4 MB."""
    found: list[Finding] = []
    for file, program in zip(files, RESTORE.values(), strict=True):
        if file.stat().st_size > MOST_CHECKED_BYTES:
            what = f"a file of more than {MOST_CHECKED_BYTES:,} bytes"
            found.append(NotChecked(f"{program} would take too much memory for {what}"))
            continue
        said = checker.ask_apart(program, ("--test", "--noflush", file), folder=file.parent)
        found += said.findings()
    return found


def _rules(options: Chain) -> str:
    """Return the rules of an address, which stands where they have ``{0}``."""
    return "".join(f"-A {options.name} {flag} {{0}} -j {options.target}\n" for flag in options.flags)
