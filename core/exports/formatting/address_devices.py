"""How devices want a list of addresses and networks: line, families, ranges, limits.

Sources, each by the name of its page: Palo Alto Networks "Formatting Guidelines for an External Dynamic List";
Fortinet "IP address threat feed" and "Threat feeds"; Cisco "Custom Security
Intelligence Lists" and FireSIGHT System User Guide, "Formatting and Corrupt Feed Data"; Netgate "Alias Types";
Juniper "SRX Dynamic IP Objects aka Feed-server"; F5 "AFM IP Intelligence", Feed Files; MikroTik "Address-lists" and
"Scripting".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.exports.formatting.device_limits import ANY, FMC, FORTIGATE_ADDRESSES, Limits

MIKROTIK_NEW = "-new"
"""What the name of a list of RouterOS ends on while it is being filled."""

_MENUS = {4: "/ip firewall address-list", 6: "/ipv6 firewall address-list"}


@dataclass(frozen=True, slots=True)
class Words:
    """What options put into the lines of some devices: the category of F5, name and timeout of MikroTik's list."""

    category: str = ""
    list: str = ""
    timeout: str = ""


Lines = Callable[[Sequence[str], Words], str]
Frame = Callable[[Sequence[int], Words], str]


def _no_frame(versions: Sequence[int], words: Words) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Device:
    """What a device takes.

    Attributes:
        lines: Makes the lines of one or more canonical addresses and networks.
        head: Makes what stands before them in a file with addresses of these versions.
        tail: Makes what stands behind them.
        takes_both: Whether IPv4 and IPv6 may share a list.
        ranges: The versions of which it takes ``a-b``.
        limits: How much of a list it takes.
    """

    lines: Lines
    head: Frame = _no_frame
    tail: Frame = _no_frame
    takes_both: bool = True
    ranges: frozenset[int] = field(default_factory=frozenset)
    limits: Limits = ANY


def _plain(texts: Sequence[str], words: Words) -> str:
    return "\n".join(texts) + "\n"


def _prefixes(texts: Sequence[str], words: Words) -> str:
    """Every line with a length, of a single address too."""
    return "".join(
        [f"{text}\n" if "/" in text else f"{text}/128\n" if ":" in text else f"{text}/32\n" for text in texts]
    )


def _f5(texts: Sequence[str], words: Words) -> str:
    """Four fields.  One IPv6 address has the mask 128: with 64 its whole network would be blocked."""
    end = f",bl,{words.category}\n"
    return "".join([prefix.replace("/", ",") + end for prefix in _prefixes(texts, words).splitlines()])


def _mikrotik(texts: Sequence[str], words: Words) -> str:
    add = {version: f'{menu} add list="{_mikrotik_new(words)}" address=' for version, menu in _MENUS.items()}
    ipv4, ipv6 = add[4], add[6]
    end = f" timeout={words.timeout}\n" if words.timeout else "\n"
    return "".join(
        [
            f"{ipv4}{text}{end}"
            if ":" not in text
            else f"{ipv6}{text}{end}"
            if "/" in text
            else f"{ipv6}{text}/128{end}"
            for text in texts
        ]
    )


def _mikrotik_head(versions: Sequence[int], words: Words) -> str:
    """Remove what an import that was cut off has left."""
    left = (_mikrotik_new(words),) if not words.timeout else (_mikrotik_new(words), _mikrotik_renamed(words))
    return "".join(f'{_MENUS[version]} remove [find list="{name}"]\n' for version in versions for name in left)


def _mikrotik_tail(versions: Sequence[int], words: Words) -> str:
    """Put the new list in the place of the old: two commands for each menu, after all that may fail.

    Entries with a timeout are dynamic, and no page of the manual says that such are renamed: that is tried before.
    """
    new, trial = _mikrotik_new(words), ""
    if words.timeout:
        trial = "".join(_renamed(version, new, _mikrotik_renamed(words)) for version in versions)
        new = _mikrotik_renamed(words)
    return trial + "".join(
        f'{_MENUS[version]} remove [find list="{words.list}"]\n{_renamed(version, new, words.list)}'
        for version in versions
    )


def _renamed(version: int, old: str, new: str) -> str:
    return f'{_MENUS[version]} set [find list="{old}"] list="{new}"\n'


def _mikrotik_new(words: Words) -> str:
    return words.list + MIKROTIK_NEW


def _mikrotik_renamed(words: Words) -> str:
    """Return a name that no other list is filled under, since none ends on that of a new one."""
    return words.list + 2 * MIKROTIK_NEW


DEVICES: Mapping[str, Device] = {
    "generic": Device(_plain),
    "pan-os": Device(_plain, ranges=frozenset({4})),
    "fortigate": Device(_plain, ranges=frozenset({4, 6}), limits=FORTIGATE_ADDRESSES),
    "fmc": Device(_plain, limits=FMC),
    "pf": Device(_plain, takes_both=False),
    "juniper": Device(_prefixes),
    "f5": Device(_f5),
    "mikrotik": Device(_mikrotik, head=_mikrotik_head, tail=_mikrotik_tail),
}
