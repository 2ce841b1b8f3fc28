"""What the columns of a table mean, by the names that feeds give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import DefinitionError, UnreadableFile
from core.ingest.lines import excerpt
from core.values import types
from core.values.characters import one_line

ANY = ""
"""A column of values whose type is detected."""

ROLES = ("value", "type", "tags", "first_seen", "last_seen", "valid_from", "valid_until", "confidence", "tlp",
         "source", "comment")  # fmt: skip

_NAMES = {
    "value": "value indicator ioc iocs ioc_value indicator_value observable observable_value indicators artifact",
    "type": "type entity_type indicator_type ioc_type observable_type observable_types value_type itype kind",
    "tags": "tags tag labels label malware malware_family malware_name malware_printable family threat threat_type"
    " threat_name threat_actor actor campaign category categories classification keywords signature group",
    "first_seen": "first_seen first_seen_utc firstseen date_added dateadded added_on added created created_at date"
    " timestamp time detection_date observed reported first_observed",
    "last_seen": "last_seen last_seen_utc lastseen last_online last_observed last_active",
    "valid_from": "valid_from validfrom active_from",
    "valid_until": "valid_until validuntil expires expires_at expiration expiration_date expiry valid_to",
    "confidence": "confidence confidence_level",
    "tlp": "tlp traffic_light_protocol tlp_marking",
    "source": "source sources feed provider",
    "comment": "comment comments description notes note context remarks",
}
_TYPED_NAMES = {
    ANY: "c2 c2_server c2_servers c2s cnc c2_domain_ip host_or_ip ip_or_domain hash hashes file_hash filehash"
    " associated_url",
    types.IPV4: "ip ips ip_address ip_addresses ipaddress ipv4 ipv4_address src_ip dst_ip source_ip destination_ip"
    " dstip srcip c2_ip ip_src ip_dst address ipv6 ipv6_address network_ip",
    types.CIDR: "cidr network netblock subnet prefix ip_range",
    types.HOSTNAME: "domain domains domain_name hostname hostnames host hosts fqdn c2_domain",
    types.URL: "url urls uri web_uri download_url distribution_url_observed distribution_url payload_url c2_url",
    types.EMAIL: "email emails email_address mail sender email_src",
    types.MD5: "md5 md5_hash hash_md5 md5sum",
    types.SHA1: "sha1 sha_1 sha1_hash hash_sha1",
    types.SHA256: "sha256 sha_256 sha256_hash hash_sha256 sha256_hashes",
    types.SHA512: "sha512 sha_512 sha512_hash",
    types.SSDEEP: "ssdeep",
    types.IMPHASH: "imphash",
    types.TLSH: "tlsh",
    types.JA3: "ja3 ja3_fingerprint ja3s",
    types.JARM: "jarm",
    types.FILE: "file file_name filename file_names filenames dropped_filename",
    types.PATH: "path file_path filepath",
    types.REGISTRY_KEY: "registry_key regkey registry",
    types.MUTEX: "mutex",
    types.NAMED_PIPE: "named_pipe pipe",
    types.USER_AGENT: "user_agent useragent",
    types.MAC_ADDRESS: "mac_address mac",
    types.WALLET: "wallet btc_wallet btc btc_address wallet_address bitcoin_address",
    types.CERTIFICATE: "certificate cert_sha1 certificate_sha1 ssl_sha1",
}
_ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}
_TYPE_OF_COLUMN = {name: kind for kind, names in _TYPED_NAMES.items() for name in names.split()}

_TYPE_WORDS = {
    types.IPV4: "ip ipaddress ipaddr ipv4 ipv4addr ipv4address ipv6 ipv6addr ipv6address ipsrc ipdst ips c2ip"
    " ipport ipsrcport ipdstport",
    types.CIDR: "cidr network netblock subnet iprange",
    types.HOSTNAME: "domain domains domainname hostname host fqdn dns c2domain",
    types.URL: "url uri urls c2url link",
    types.EMAIL: "email emailaddr emailaddress emailsender emailwhois emailsrc emaildst emailrecipient mail sender"
    " emailfrom whoisregistrantemail",
    types.MD5: "md5 hashmd5 filehashmd5 md5hash",
    types.SHA1: "sha1 hashsha1 filehashsha1 sha1hash",
    types.SHA256: "sha256 hashsha256 filehashsha256 sha256hash",
    types.SHA512: "sha512 hashsha512 filehashsha512 sha512hash",
    types.SSDEEP: "ssdeep",
    types.IMPHASH: "imphash pehash",
    types.TLSH: "tlsh",
    types.JA3: "ja3 ja3fingerprintmd5 ja3s",
    types.JARM: "jarm jarmfingerprint",
    types.FILE: "file filename filenames stixfile",
    types.PATH: "path filepath directory folder",
    types.REGISTRY_KEY: "registrykey regkey registry windowsregistrykey",
    types.MUTEX: "mutex",
    types.NAMED_PIPE: "namedpipe pipe",
    types.USER_AGENT: "useragent httpuseragent",
    types.ASN: "asn as autonomoussystem asnumber",
    types.MAC_ADDRESS: "macaddress mac macaddr",
    types.CERTIFICATE: "certificate x509certificate x509fingerprintsha1 x509fingerprintsha256 certfingerprint",
    types.WALLET: "wallet btc bitcoin xmr monero eth ethereum cryptocurrencywallet bitcoinaddress btcaddress",
    types.PACKAGE: "package npm pypi purl npmpackage",
    types.RULE: "rule yara sigma snort suricata",
    types.GENERIC: "generic other text",
    ANY: "hash hashes filehash ioc indicator",
}
_TYPE_OF_WORD = {word: kind for kind, words in _TYPE_WORDS.items() for word in words.split()}
_TYPE_OF_WORD.update({kind.replace("_", ""): kind for kind in types.TYPES})

CURRENCIES = {"btc": "btc", "bitcoin": "btc", "xmr": "xmr", "monero": "xmr", "eth": "eth", "ethereum": "eth"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what, by position from 0.

    Attributes:
        values: Position -> type, ``ANY`` where it is detected.
        roles: Role (but not ``tags`` and ``value``) -> position.
        tags: Positions of tags.
        context: Position -> name, for what is kept as a fact.
    """

    values: Mapping[int, str]
    roles: Mapping[str, int]
    tags: tuple[int, ...]
    context: Mapping[int, str]


def plain(name: str) -> str:
    """Return a column's name as the tables here spell it."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def type_of_word(word: str) -> str | None:
    """Return the type that a cell of a type column names, ``ANY`` for a hash of any sort, ``None`` if unknown."""
    return _TYPE_OF_WORD.get(re.sub(r"[^a-z0-9]+", "", word.lower()))


def is_known(name: str) -> bool:
    """Tell whether *name* is one that feeds give to a column."""
    word = plain(name)
    return word in _ROLE_OF or word in _TYPE_OF_COLUMN


def by_name(header: list[str]) -> Columns:
    """Return what the columns of *header* are; the caller decides what to do if there is no value among them."""
    values: dict[int, str] = {}
    roles: dict[str, int] = {}
    tags: list[int] = []
    context: dict[int, str] = {}
    for at, name in enumerate(header):
        word = plain(name)
        kind = _TYPE_OF_COLUMN.get(word)
        role = _ROLE_OF.get(word)
        if kind is not None:
            values[at] = kind
        elif role == "value":
            values[at] = ANY
        elif role == "tags":
            tags.append(at)
        elif role is not None and role != "comment" and role not in roles:
            roles[role] = at
        elif word:
            context[at] = one_line(name)
    return Columns(values, roles, tuple(tags), context)


def check(wanted: Mapping[str, str]) -> None:
    """Refuse a mapping (``--map``) to roles that there are not.

    Raises:
        DefinitionError: One is neither in ``ROLES`` nor a type; the message lists the roles.
    """
    for role in wanted:
        if role not in ROLES and role not in types.TYPES:
            raise DefinitionError(f"unknown role {role!r}; known: {', '.join(ROLES)}, or a type")


def mapped(columns: Columns, header: list[str], wanted: Mapping[str, str]) -> Columns:
    """Return *columns* with what the user said of them (``--map``) put in place.

    Raises:
        DefinitionError: There is no such role.
        UnreadableFile: The table has no such column.
    """
    check(wanted)
    values, roles, tags = dict(columns.values), dict(columns.roles), list(columns.tags)
    context = dict(columns.context)
    placed = [(role, _position(column, header)) for role, column in wanted.items()]
    if any(role == "value" for role, _ in placed):
        context.update({at: one_line(header[at]) or f"column {at + 1}" for at in values})
        values.clear()
    for role, at in placed:
        values.pop(at, None)
        context.pop(at, None)
        roles = {name: place for name, place in roles.items() if place != at and name != role}
        tags = [place for place in tags if place != at]
        if role == "value":
            values[at] = ANY
        elif role == "tags":
            tags.append(at)
        elif role == "comment":
            context[at] = "comment"
        elif role in ROLES:
            roles[role] = at
        else:
            values[at] = role
    return Columns(values, roles, tuple(tags), context)


def _position(column: str, header: list[str]) -> int:
    for same in (str.strip, lambda name: name.strip().lower(), plain):
        names = [same(name) for name in header]
        if same(column) in names:
            return names.index(same(column))
    if column.isascii() and column.isdigit() and 1 <= int(column) <= max(len(header), 1):
        return int(column) - 1
    shown = ", ".join(map(excerpt, header[:20]))
    raise UnreadableFile(f"there is no column {column!r}; the columns are: {shown}")
