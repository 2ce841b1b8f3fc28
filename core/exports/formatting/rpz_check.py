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
_HOSTS = {bits: {str(n): (1 << bits - n) - 1 for n in range(1, bits + 1)} for bits in (32, 128)}
"""Of so many bits: the length of a prefix as text -> the bits behind it."""
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
    length, _, rest = owner.partition(".")
    words = rest.split(".")[::-1]
    if len(words) == 4 and "zz" not in words:
        family, hosts, text = AF_INET, _HOSTS[32].get(length), ".".join(words)
    else:
        family, hosts, text = AF_INET6, _HOSTS[128].get(length), ":".join(words).replace("zz", "", 1)
        # At an end, "::" has lost one of its colons.
        text = f":{text}" if words[0] == "zz" else text
        text = f"{text}:" if words[-1] == "zz" else text
    try:
        packed = inet_pton(family, text)
    except OSError:
        return False
    is_canonical = hosts is not None and inet_ntop(family, packed) == text
    return is_canonical and not (hosts and int.from_bytes(packed) & hosts)
