"""A CDB list of Wazuh, ``KEY:`` or ``KEY:VALUE`` a line; the empty form is an empty file.

A key with a colon (IPv6, URL) stands in double quotes.  An IPv4 network is the beginning of an address up to a dot,
``192.0.2.``, so that there are those of 8, 16 and 24 bits only: others are written as the up to 128 shorter ones, or
addresses, that are exactly the same.  An IPv6 network cannot be said and is refused.  Keys are there once.

Refused are also public suffixes, what is not canonical, the hash of an empty file, URLs with a part that no request has
(user name, fragment), and keys with a double quote or ``#`` at their beginning.

Source: Wazuh documentation, "Using CDB lists" and "CDB lists and the ruleset".
"""

import re
from collections.abc import Iterator, Mapping

from core.errors import RefusedValue
from core.exports.formats import Consumer, Option, Output, OutputFile, Value, Values
from core.exports.formatting.addresses import MEMORY_BYTES_PER_ENTRY as MEMORY_BYTES_PER_ENTRY
from core.exports.formatting.addresses import Addresses, accepted, counted
from core.exports.formatting.choices import word
from core.exports.formatting.hash_check import NAMES as HASHES
from core.exports.formatting.hash_check import accepted as accepted_hashes
from core.exports.formatting.names import listed_names
from core.exports.formatting.url_requests import sent_urls
from core.values import types, urls

NAME = "wazuh-cdb"
MEANING = "a CDB list of Wazuh, a key a line"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".list"
TYPES = frozenset({types.IPV4, types.IPV6, types.CIDR, types.HOSTNAME, types.URL, types.EMAIL, *HASHES})
OPTIONS = {"value": Option("", "what each key has: a word of letters, digits, . - and _; empty is none")}
CONSUMERS = (
    Consumer(
        "Wazuh manager, CDB list",
        "what its memory holds; networks by the beginning of an address alone, and no IPv6 networks",
        "not documented",
        "a timer fetches https://HOST/exports/NAME with the header 'Authorization: Bearer TOKEN' of a consumer to "
        "/var/ossec/etc/lists/yeti and does systemctl restart wazuh-manager; <list>etc/lists/yeti</list> in <ruleset>, "
        '<list field="srcip" lookup="address_match_key">etc/lists/yeti</list> in a rule, lookup="match_key" for others',
    ),
)
NO_IPV6_NETWORK = "an IPv6 network, for which a CDB list has no key"
NO_KEY = "not a key of a CDB list"

_STEPS = (8, 16, 24, 32)
_is_key = re.compile(r"[!$-~][!#-~]*").fullmatch


def parse(options: Mapping[str, str]) -> str:
    """Return what stands behind a key.

    Raises:
        DefinitionError: It is no word.
    """
    return word(options, "value", may_be_empty=True)


def render_values(batches: Iterator[Values], out: Output, options: str) -> None:
    """Write the keys."""
    file, end = out.open(), f":{options}\n"
    addresses = Addresses({6: NO_IPV6_NETWORK})
    for batch in batches:
        if batch.type in (types.IPV4, types.CIDR):
            addresses.add(batch, out)
            continue
        keys = _keys(batch, out)
        if batch.type in (types.IPV6, types.URL):
            keys = [f'"{key}"' for key in keys]
        file.write((end.join([*keys, ""])) if keys else "", len(keys))
    _write_addresses(addresses, file, out, end)


def _write_addresses(addresses: Addresses, file: OutputFile, out: Output, end: str) -> None:
    lines = 0
    for texts in addresses.networks(4):
        keys = [key for text in texts for key in ((text,) if "/" not in text else _beginnings(text))]
        file.write(end.join([*keys, ""]), 0)
        lines += len(keys)
    file.write("", addresses.entries[4])
    if lines:
        out.note(counted(addresses.entries[4], lines))


def _beginnings(network: str) -> list[str]:
    """Return the keys that are exactly the addresses of an IPv4 network."""
    head, _, length = network.partition("/")
    octets = head.split(".")
    step = next(step for step in _STEPS if step >= int(length))
    place = step // 8 - 1
    first = int(octets[place])
    before, after = ".".join([*octets[:place], ""]), "" if step == _STEPS[-1] else "."
    return [f"{before}{number}{after}" for number in range(first, first + (1 << step - int(length)))]


def _keys(batch: Values, out: Output) -> list[str]:
    if batch.type == types.IPV6:
        return accepted(batch, out).texts
    if batch.type == types.HOSTNAME:
        return listed_names(batch, out)
    if batch.type in HASHES:
        return accepted_hashes(batch, out)
    if batch.type == types.URL:
        found = sent_urls(batch, out)
        if '"' not in "".join(found):
            return found
    else:
        found = [value for value in batch.values if not _is_refused(value, out)]
    keys = []
    for value in found:
        if _is_key(value):
            keys.append(value)
        else:
            out.refuse(Value(batch.type, value), NO_KEY)
    return keys


def _is_refused(value: str, out: Output) -> bool:
    """Return whether a mail address is refused."""
    try:
        reason = "" if urls.email(value) == value and ":" not in value else NO_KEY
    except RefusedValue as error:
        reason = str(error)
    if reason:
        out.refuse(Value(types.EMAIL, value), reason)
    return bool(reason)
