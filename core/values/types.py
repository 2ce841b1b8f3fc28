"""The types of observables and the groups they are known by.

The names are Yeti's; ``hostname`` is its word for a domain name.
"""

from core.errors import DefinitionError

IPV4 = "ipv4"
IPV6 = "ipv6"
CIDR = "cidr"
HOSTNAME = "hostname"
URL = "url"
EMAIL = "email"
MD5 = "md5"
SHA1 = "sha1"
SHA256 = "sha256"
SHA512 = "sha512"
SSDEEP = "ssdeep"
IMPHASH = "imphash"
TLSH = "tlsh"
JA3 = "ja3"
JARM = "jarm"
FILE = "file"
PATH = "path"
REGISTRY_KEY = "registry_key"
MUTEX = "mutex"
NAMED_PIPE = "named_pipe"
USER_AGENT = "user_agent"
ASN = "asn"
MAC_ADDRESS = "mac_address"
CERTIFICATE = "certificate"
WALLET = "wallet"
PACKAGE = "package"
RULE = "rule"
GENERIC = "generic"

MEANINGS: dict[str, str] = {
    IPV4: "an IPv4 address",
    IPV6: "an IPv6 address",
    CIDR: "an IPv4 or IPv6 network, host bits zero",
    HOSTNAME: "a domain name or host name, in A-labels (punycode)",
    URL: "an absolute URL",
    EMAIL: "a mail address",
    MD5: "an MD5 hash, hex",
    SHA1: "a SHA-1 hash, hex",
    SHA256: "a SHA-256 hash, hex",
    SHA512: "a SHA-512 hash, hex",
    SSDEEP: "an ssdeep fuzzy hash",
    IMPHASH: "an import hash of a PE file, hex",
    TLSH: "a TLSH fuzzy hash",
    JA3: "a JA3 or JA3S TLS fingerprint, hex",
    JARM: "a JARM TLS server fingerprint, hex",
    FILE: "a file name",
    PATH: "a path on a host",
    REGISTRY_KEY: "a Windows registry key, with a value name where one is known",
    MUTEX: "a mutex name",
    NAMED_PIPE: "a named pipe",
    USER_AGENT: "an HTTP user agent",
    ASN: "an autonomous system, AS64496",
    MAC_ADDRESS: "a MAC address",
    CERTIFICATE: "a certificate, by the SHA-1 or SHA-256 of its DER, or its serial number",
    WALLET: "a cryptocurrency address, btc:… where the currency is known",
    PACKAGE: "a software package, as a package URL or name",
    RULE: "a detection rule (YARA, Sigma, Suricata), whole",
    GENERIC: "anything else worth keeping",
}
"""Every type with what its values are; the order is that of the documentation."""

TYPES: frozenset[str] = frozenset(MEANINGS)

GROUPS: dict[str, tuple[str, ...]] = {
    "ip": (IPV4, IPV6, CIDR),
    "domain": (HOSTNAME,),
    "hash": (MD5, SHA1, SHA256, SHA512),
}
"""Words understood wherever a type is."""


def expand(names: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    """Return the types that *names* (types and groups) stand for, sorted, each once.

    Raises:
        DefinitionError: A name is neither; the message lists the known ones.
    """
    found: set[str] = set()
    for name in names:
        word = name.strip().lower()
        if word in GROUPS:
            found.update(GROUPS[word])
        elif word in TYPES:
            found.add(word)
        else:
            known = ", ".join(sorted(TYPES | set(GROUPS)))
            raise DefinitionError(f"unknown type {name!r}; known: {known}")
    return tuple(sorted(found))
