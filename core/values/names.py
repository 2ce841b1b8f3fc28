"""Domain names: lower case, A-labels, no trailing dot.

Underscores and hyphens at the edge of a label are kept: such names resolve and are listed.  Names of one label
and names that end in a number are refused; the second are addresses to a browser.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import idna
from publicsuffixlist import PSLFILE

from core.errors import RefusedValue
from core.values.addresses import is_ipv4
from core.values.characters import trimmed

is_hostname = re.compile(
    r"(?=.{3,253}\Z)(?:[a-z0-9_-]{1,63}\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
).fullmatch
"""Match a canonical host name and nothing else."""

_ROOTS = (
    "onion i2p loki zil eth crypto bit bazar coin emc lib bbs chan cyb dyn geek gopher indy libre neo oss parody"
    " pirate local localhost localdomain lan home corp internal intranet private test example invalid"
)
OTHER_ROOTS = frozenset(_ROOTS.split())
"""Top levels outside the public root that names of the field end in: Tor, I2P, Handshake-like and EmerDNS names,
OpenNIC, private networks, and those set aside for examples."""


def hostname(text: str) -> str:
    """Return the canonical name.

    Raises:
        RefusedValue: It is none; the message says which rule it breaks.
    """
    if is_hostname(text):
        return text
    value = trimmed(text)
    value = value.lower() if value.isascii() else _mapped(value)
    value = value.removesuffix(".")
    if is_hostname(value):
        return value
    raise RefusedValue(_reason(value))


def is_known_top_level(label: str) -> bool:
    """Tell whether *label*, an A-label, is a top-level domain of the public root, or one of ``OTHER_ROOTS``."""
    return label in _top_levels()


@lru_cache(maxsize=1)
def _top_levels() -> frozenset[str]:
    """Return the last labels of the public suffix list: some top levels have rules for their second level only."""
    found = set(OTHER_ROOTS)
    with Path(PSLFILE).open(encoding="utf-8") as rules:
        for line in rules:
            if line.startswith("// ===END ICANN DOMAINS==="):
                break
            rule = line.split("//")[0].strip()
            if rule:
                top = rule.rpartition(".")[2]
                found.add(top if top.isascii() else _a_label(top))
    return frozenset(found)


def _mapped(value: str) -> str:
    try:
        mapped = idna.uts46_remap(value, std3_rules=False)
        return ".".join(label if label.isascii() else _a_label(label) for label in mapped.split("."))
    except (idna.IDNAError, UnicodeError) as error:
        raise RefusedValue("not a domain name: a character that names may not hold") from error


def _a_label(label: str) -> str:
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        # Registries sold names of emoji, which IDNA 2008 forbids and UTS 46, hence every browser, resolves.
        if any(unicodedata.category(char) != "So" for char in label if not char.isascii()):
            raise
        return "xn--" + label.encode("punycode").decode("ascii")


def _reason(value: str) -> str:
    labels = value.split(".")
    if is_ipv4(value):
        return "an IPv4 address, not a domain name"
    if value.startswith("*."):
        return "a wildcard, not a domain name"
    if len(labels) < 2:
        return "not a domain name: there is no dot in it"
    if not all(labels):
        return "not a domain name: an empty label"
    if any(len(label) > 63 for label in labels):
        return "not a domain name: a label of more than 63 characters"
    if len(value) > 253:
        return "not a domain name: more than 253 characters"
    if not re.fullmatch(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", labels[-1]):
        return "not a domain name: that is no top-level domain"
    return "not a domain name: a character that names may not hold"
