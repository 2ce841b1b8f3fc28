"""Owner names of a response policy zone for addresses: ``24.0.2.0.192.rpz-ip``, ``48.zz.7.db8.2001.rpz-ip``.

The prefix length stands first, then the address from its end: octets, or 16-bit words with ``zz`` for the zeros that
``::`` stands for.  An owner with host bits is ignored by BIND, of IPv6 without a word, and is the whole network to
PowerDNS Recursor and Unbound; one in another spelling is ignored by BIND.  What is no address at all ends the
Recursor.  Source: draft-ietf-dnsop-dns-rpz, section 4.1.
"""

from core.exports.formatting.address_check import Found, accepted
from core.exports.formatting.contract import Output, Values

LONGEST = len("128") + 8 * len(".ffff") + len(".rpz-ip")


def address_owners(batch: Values, out: Output) -> list[str]:
    """Return the owners for a batch of type ``ipv4``, ``ipv6`` or ``cidr``; what is not canonical is refused."""
    found = accepted(batch, out)
    return [*_owners(found.ipv4, ".", "32"), *_ipv6_owners(found.ipv6)]


def _ipv6_owners(found: Found) -> list[str]:
    owners = _owners(found, ":", "128")
    if not owners:
        return owners
    # Where "::" was there is an empty word; at an end of the address, or alone, it makes two or three.
    text = "\n".join(owners)
    for dots in ("....", "...", ".."):
        text = text.replace(dots, ".zz.")
    return text.split("\n")


def _owners(found: Found, separator: str, bits: str) -> list[str]:
    lengths = found.lengths or [bits] * len(found.heads)
    return [
        f"{length}.{'.'.join(head.split(separator)[::-1])}.rpz-ip"
        for length, head in zip(lengths, found.heads, strict=True)
    ]
