"""Look at the lines of a response policy zone as strictly as the strictest of resolvers.

``named-checkzone`` lets pass what BIND ignores later, what is a whole network to PowerDNS Recursor and Unbound, and what
ends the Recursor: owners with host bits, with octets beyond 255, in another spelling, or outside of the zone.

Source: draft-ietf-dnsop-dns-rpz, sections 4.1 and 4.2.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

LONGEST_NAME = 253
_CHUNK_CHARS = 1 << 20
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = r"[a-z0-9_-]{1,63}+"


def bad_lines(zone: Path, head: str, target: str, name: str, most: int) -> list[str]:
    """Return lines that are no record of a name or an address, each with why; no more than *most*.

    Args:
        zone: The file.
        head: What it begins with.
        target: Of each record.
        name: Of the zone.
        most: Of the lines.
    """
    # Latin-1 has a character for each byte: what is not ASCII is found as what it is.
    with zone.open(encoding="latin-1", newline="\n") as stream:
        if stream.read(len(head.encode())) != head.encode().decode("latin-1"):
            return ["the zone does not begin with its own SOA and NS records"]
        return [*islice(_bad(lambda: stream.read(_CHUNK_CHARS) + stream.readline(), target, name), most)]


def _bad(read: Callable[[], str], target: str, name: str) -> Iterator[str]:
    end = f" CNAME {target}"
    longest = LONGEST_NAME - len(f".{name}")
    owner = rf"32(?:\.{_OCTET}){{4}}\.rpz-ip|(?=[^ ]{{1,{longest}}} )(?:\*\.)?(?:{_LABEL}\.)+(?!rpz-){_LABEL}"
    good = re.compile(rf"^(?:{owner}){re.escape(end)}\n", re.MULTILINE)
    while text := read():
        for line in good.sub("", text).splitlines():
            if not line.endswith(f".rpz-ip{end}"):
                yield f"{line!a} is no record of a name in the zone"
            elif not _is_network(line.removesuffix(f".rpz-ip{end}")):
                yield f"{line!a} is no record of an address or a network"


def _is_network(owner: str) -> bool:
    """Say whether an owner is that of a network in its one spelling, without host bits."""
    length, *words = owner.split(".")
    text = ".".join(words[::-1])
    family, bits = (AF_INET, 32) if re.fullmatch(r"[0-9.]+", text) and len(words) == 4 else (AF_INET6, 128)
    if family == AF_INET6:
        before, zz, after = text.replace(".", ":").partition("zz")
        text = f"{before.removesuffix(':')}::{after.removeprefix(':')}" if zz else before
    try:
        packed = inet_pton(family, text)
    except OSError:
        return False
    if inet_ntop(family, packed) != text or not re.fullmatch("[1-9][0-9]{0,2}", length) or int(length) > bits:
        return False
    return not int.from_bytes(packed) & ((1 << bits - int(length)) - 1)
