"""What readers of address lists have in common: strict parsing by Python's ``ipaddress``, nothing of the formats."""

import bisect
import ipaddress
import json
import random
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from core.exports.formats import Value

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}", re.ASCII)
_IPV6 = re.compile(r"[0-9a-f:]+")


def network(text: str) -> Network:
    """Return an address or a network; raise on other spellings than the usual one, host bits, and /0."""
    head, slash, length = text.partition("/")
    if not (_IPV4.fullmatch(head) or (":" in head and _IPV6.fullmatch(head))):
        raise ValueError(f"no address: {text!r}")
    if slash and not re.fullmatch(r"[1-9]\d{0,2}", length, re.ASCII):
        raise ValueError(f"no prefix length: {text!r}")
    address = ipaddress.ip_address(head)
    if str(address) != head or (address.version == 6 and address.ipv4_mapped):
        raise ValueError(f"not as it is usually written: {text!r}")
    found = ipaddress.ip_network(text)
    if not slash and int(address) == 0:
        raise ValueError(f"any address: {text!r}")
    return found


def one(type_: str, value: str) -> str:
    """Return the entry of an observable; raise if it can be none."""
    found = network(value)
    if {"ipv4": 4, "ipv6": 6, "cidr": found.version}[type_] != found.version:
        raise ValueError(f"{value!r} is no {type_}")
    if ("/" in value) != (type_ == "cidr") or (type_ == "cidr" and found.num_addresses == 1):
        raise ValueError(f"{value!r} is no {type_}")
    return value


def lines(content: bytes) -> list[str]:
    """Return the lines of a file that has nothing but printable ASCII, each ended by a line feed."""
    text = content.decode("ascii")
    if text and not text.endswith("\n"):
        raise ValueError("the last line is not ended")
    found = text.split("\n")[:-1]
    if not all(line.isprintable() for line in found):
        raise ValueError("a control character")
    return found


def addresses(entries: Iterable[str]) -> tuple[list[Network], list[Network]]:
    """Return which addresses entries stand for together, as the fewest networks of either version."""
    networks: list[Network] = []
    for entry in entries:
        first, dash, last = entry.partition("-")
        if dash:
            networks += ipaddress.summarize_address_range(ipaddress.ip_address(first), ipaddress.ip_address(last))
        else:
            networks.append(network(entry))
    return tuple(
        list(ipaddress.collapse_addresses(item for item in networks if item.version == version))
        for version in (4, 6)
    )


LISTS = (
    "lists/ipsum/ipsum.txt",
    "lists/threatfox-ips/ips.txt",
    "lists/maltrail-cidr/trails/static/mass_scanner.txt",
    "lists/maltrail-cidr/trails/static/mass_scanner_cidr.txt",
)


@lru_cache
def real(intel: Path, every: int = 20) -> list[Value]:
    """Return some thousand real addresses and networks, sorted as a store gives them, every so many of them."""
    texts = set()
    for name in LISTS:
        for line in (intel / name).read_text().splitlines():
            word = line.partition("#")[0].split()
            texts |= {word[0]} if word else set()
    for path in sorted((intel / "warninglists" / "lists").glob("*/list.json")):
        found = json.loads(path.read_text())
        texts |= {text for text in found["list"] if ":" in text} if found["type"] == "cidr" else set()
    return sorted(_values(texts))[::every]


def _values(texts: Iterable[str]) -> set[Value]:
    found = set()
    for text in texts:
        try:
            item = ipaddress.ip_network(text)
        except ValueError:
            continue
        if item.num_addresses > 1:
            found.add(Value("cidr", str(item)))
        elif item.version == 4 or not item.network_address.ipv4_mapped:
            found.add(Value(f"ipv{item.version}", str(item.network_address)))
    return found


def asked(observables: Iterable[Value], count: int) -> tuple[list[str], list[str]]:
    """Return so many addresses that are listed, first, last and between, and as many beside them that are not."""
    generator = random.Random(1)
    listed = [network(item.value) for item in observables]
    covered = {version: [] for version in (4, 6)}
    for version in covered:
        networks = ipaddress.collapse_addresses(item for item in listed if item.version == version)
        covered[version] = [(int(item[0]), int(item[-1])) for item in networks]
    inside = [item[place] for item in listed for place in {0, -1, generator.randrange(min(item.num_addresses, 9))}]
    outside = [address for item in listed for end in (0, -1) for address in _beside(item, end)]
    outside = [address for address in outside if not _is_in(covered[address.version], int(address))]
    return [sorted(map(str, generator.sample(some, min(count, len(some))))) for some in (inside, outside)]


def _beside(item: Network, end: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    number = int(item[end]) + (1 if end else -1)
    return [type(item[0])(number)] if 0 < number < 1 << item.max_prefixlen else []


def _is_in(spans: list[tuple[int, int]], number: int) -> bool:
    place = bisect.bisect_right(spans, (number, 1 << 128)) - 1
    return place >= 0 and spans[place][1] >= number
