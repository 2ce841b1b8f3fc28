"""The one form of a value.

``canonical`` is strict: it brings a value into the form of the type it is said to have, or refuses it.
``classify`` also moves a value to the type it plainly has (an IPv4 address listed as IPv6 or as a domain, a
network of one address), so that a feed's loose column names lose nothing.  Decision 0020 has the rules.
"""

from collections.abc import Callable

from core.errors import RefusedValue
from core.values import addresses, hashes, names, things, types, urls
from core.values.characters import trimmed, trimmed_rule

_FORMS: dict[str, Callable[[str], str]] = {
    types.IPV4: addresses.ipv4,
    types.IPV6: addresses.ipv6,
    types.CIDR: addresses.network,
    types.HOSTNAME: names.hostname,
    types.URL: urls.url,
    types.EMAIL: urls.email,
    **{kind: hashes.hex_hash(kind) for kind in hashes.LENGTHS},
    types.SSDEEP: hashes.ssdeep,
    types.TLSH: hashes.tlsh,
    types.ASN: things.asn,
    types.MAC_ADDRESS: things.mac_address,
    types.WALLET: things.wallet,
    types.CERTIFICATE: hashes.certificate,
    types.RULE: trimmed_rule,
}

_PLAIN_HASHES = frozenset(hashes.BY_LENGTH.values())
_ADDRESSES = frozenset((types.IPV4, types.IPV6, types.CIDR))


def canonical(type: str, text: str) -> str:
    """Return the canonical form of *text* as a value of *type*.

    Idempotent.  The text is not refanged: see ``refang``.

    Args:
        type: One of ``types.TYPES``.
        text: As it was found.

    Raises:
        RefusedValue: It is no value of that type.
    """
    form = _FORMS.get(type)
    if form is None:
        if type not in types.TYPES:
            raise RefusedValue(f"there is no type {type!r}")
        return trimmed(text)
    value = form(text)
    if type == types.CIDR and _is_single(value):
        raise RefusedValue("a single address, not a network")
    return value


def classify(type: str, text: str) -> tuple[str, str]:
    """Return type and canonical value of *text*, said to be of *type*, moved to the type it plainly has.

    The moves: between ``ipv4``, ``ipv6`` and ``cidr`` as the text shows; a network of one address to that
    address; an IPv4 address in IPv6 form to ``ipv4``; an address, network or URL given as ``hostname`` to what it
    is, ``*.name`` to ``name``; a host alone given as ``url`` to what it is, and a URL without scheme to
    ``http://…``; a plain hash to the type of its length.

    Raises:
        RefusedValue: It is neither of that type nor plainly of a neighbouring one.
    """
    try:
        return type, canonical(type, text)
    except RefusedValue:
        moved = _moved(type, text.strip())
        if moved is None:
            raise
        return moved


def _moved(kind: str, text: str) -> tuple[str, str] | None:
    if kind in _ADDRESSES:
        return _as_address(text)
    if kind == types.HOSTNAME:
        if text.startswith("*."):
            return _tried(types.HOSTNAME, text[2:])
        return _as_address(text) or (_tried(types.URL, text) if "://" in text else None)
    if kind == types.URL and "://" not in text:
        host, slash, _ = text.partition("/")
        if slash and _is_bare_url_host(host):
            return _as_network(text) or _tried(types.URL, f"http://{text}")
        if not slash and ":" in text and _is_bare_url_host(host):
            return _as_address(text) or _tried(types.URL, f"http://{text}")
        return _as_address(text) or _tried(types.HOSTNAME, text)
    if kind in _PLAIN_HASHES:
        other = hashes.BY_LENGTH.get(len(text))
        return _tried(other, text) if other else None
    return None


def _is_bare_url_host(place: str) -> bool:
    try:
        host = urls.host(place.partition(":")[0])
    except RefusedValue:
        return False
    return "." in host


def _as_network(text: str) -> tuple[str, str] | None:
    return _as_address(text) if "/" in text else None


def _as_address(text: str) -> tuple[str, str] | None:
    if "/" in text:
        try:
            value = addresses.network(text)
        except RefusedValue:
            return None
        if not _is_single(value):
            return types.CIDR, value
        text = value.partition("/")[0]
    folded = addresses.folded_ipv4(text) if ":" in text else None
    if folded:
        return types.IPV4, folded
    return _tried(types.IPV6 if ":" in text else types.IPV4, text)


def _tried(kind: str, text: str) -> tuple[str, str] | None:
    try:
        return kind, canonical(kind, text)
    except RefusedValue:
        return None


def _is_single(network: str) -> bool:
    return network.endswith("/128" if ":" in network else "/32")
