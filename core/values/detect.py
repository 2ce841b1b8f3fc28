"""What a value of unknown type is."""

import re
from collections.abc import Callable

from core.errors import RefusedValue
from core.values import addresses, hashes, names, things, types, urls
from core.values.canonical import canonical
from core.values.characters import EDGES, MAX_CHARS
from core.values.refang import refang

Detected = tuple[str, str]

_SUFFIXES = (
    "exe dll sys ocx cpl scr bat cmd ps1 psm1 vbs vbe js jse wsf wsh hta lnk msi msix jar apk ipa dex elf"
    " doc docx docm dot dotm xls xlsx xlsm xlsb xll ppt pptx pptm rtf pdf odt txt csv log ini cfg conf xml json"
    " html htm php asp aspx jsp jspx rar 7z gz tgz tar cab iso img vhd dmg pkg plist dylib deb rpm bin dat tmp"
    " db sqlite png jpg jpeg gif bmp ico svg pnf pif inf reg"
)
FILE_SUFFIXES = frozenset(_SUFFIXES.split())
"""Endings that make one word with a dot a file name; none is a top-level domain."""

_is_file = re.compile(r"[^\s/\\:*?\"<>|]{1,250}\.([A-Za-z0-9]{1,6})").fullmatch
_is_windows_path = re.compile(
    r"(?:[A-Za-z]:\\|\\\\[\w.$-]+\\|%[\w()]+%\\|[\w.$-]+\\(?=[\w.$-]+\\)).+", re.DOTALL
).fullmatch
_is_unix_path = re.compile(r"(?:~|\$\w+)?(?:/[^/\s\x00]+){2,}/?").fullmatch
_is_registry_key = re.compile(r"(?:HKEY_[A-Z_]+|HK(?:LM|CU|CR|U|CC))[\\:].+", re.DOTALL | re.IGNORECASE).fullmatch
_is_pipe = re.compile(r"\\\\[.?]\\pipe\\.+", re.DOTALL | re.IGNORECASE).fullmatch
_is_asn = re.compile(r"ASN?[0-9]{1,10}", re.IGNORECASE).fullmatch
_is_jarm = re.compile(r"[0-9a-f]{62}", re.IGNORECASE).fullmatch
_is_tlsh = re.compile(r"T1[0-9A-F]{70}", re.IGNORECASE).fullmatch
_is_package = re.compile(r"pkg:[a-z][a-z0-9.+-]*/\S+").fullmatch
_is_agent = re.compile(r"(?:Mozilla|Opera)/[0-9][^\t\r\n]*").fullmatch
LEAST_SSDEEP_CHARS = 8
_CURRENCIES = frozenset(("btc", "bitcoin", "eth", "ethereum", "xmr", "monero"))
_is_cidr_like = re.compile(r"[0-9A-Fa-f:.%]+\s*/\s*[0-9.]+").fullmatch
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://").match


def detect(text: str) -> Detected | None:
    """Return type and canonical value of *text*, refanged if need be; ``None`` if it is no value but a word.

    A name is a host name if its top level exists (or is one of ``names.OTHER_ROOTS``); ``host/path`` without a
    scheme is a URL over http.  A port behind an address is not dropped: ``ports.split`` takes it off first.
    """
    found = _fast(text)
    if found is not None:
        return found
    value = text.strip(EDGES)
    if not value or len(value) > MAX_CHARS:
        return None
    found = _plain(value)
    if found is not None:
        return found
    refanged = refang(value).strip(EDGES)
    return _plain(refanged) if refanged != value and refanged else None


def _fast(text: str) -> Detected | None:
    if addresses.is_ipv4(text):
        return types.IPV4, text
    kind = hashes.BY_LENGTH.get(len(text))
    if kind is not None and hashes.is_hex(text):
        return kind, text
    if names.is_hostname(text) and names.is_known_top_level(text[text.rfind(".") + 1 :]):
        return types.HOSTNAME, text
    return None


def _plain(value: str) -> Detected | None:
    found = _fast(value) or _fast(value.lower())
    if found is not None:
        return found
    if _has_scheme(value):
        # Else hxxp:// would be a scheme like any other.
        return _as(types.URL, refang(value)) if not any(mark in value for mark in " \t") else None
    for kind, looks_like in _FORMS:
        if looks_like(value):
            return _as(kind, value)
    if ":" in value and addresses.looks_like_ipv6(value.strip("[]")):
        folded = addresses.folded_ipv4(value)
        return (types.IPV4, folded) if folded else _as(types.IPV6, value)
    if things.currency_of(value) or things.currency_of(value.lower()):
        return _as(types.WALLET, value)
    return _word(value)


def _word(value: str) -> Detected | None:
    if any(char.isspace() for char in value):
        return None
    host, slash, _ = value.partition("/")
    if slash:
        return _as(types.URL, f"http://{value}") if _is_public_host(host) else None
    if _is_public_host(value) and ":" not in value:
        return _as(types.HOSTNAME, value)
    found = _is_file(value)
    if found and found.group(1).lower() in FILE_SUFFIXES and not value.startswith("."):
        return _as(types.FILE, value)
    return None


def _is_public_host(place: str) -> bool:
    try:
        host = urls.host(place.partition(":")[0])
    except RefusedValue:
        return False
    if addresses.is_ipv4(host):
        return True
    return "." in host and names.is_known_top_level(host.rpartition(".")[2])


def _is_email(value: str) -> bool:
    local, at, domain = value.rpartition("@")
    return bool(at and local and "/" not in domain and _is_public_host(domain))


def _is_btc_prefixed(value: str) -> bool:
    currency, colon, address = value.partition(":")
    return bool(colon) and currency.lower() in _CURRENCIES and len(address) > 20


def _is_ssdeep(value: str) -> bool:
    # A time of the day and three ports have its form too; its block size is 3 times a power of 2.
    size, _, rest = value.partition(":")
    if hashes.is_ssdeep(value) is None or len(rest.partition(":")[0]) < LEAST_SSDEEP_CHARS:
        return False
    steps, left = divmod(int(size), 3)
    return not left and steps > 0 and not steps & (steps - 1)


_FORMS: tuple[tuple[str, Callable[[str], object]], ...] = (
    (types.CIDR, _is_cidr_like),
    (types.EMAIL, _is_email),
    (types.NAMED_PIPE, _is_pipe),
    (types.REGISTRY_KEY, _is_registry_key),
    (types.PATH, _is_windows_path),
    (types.PATH, _is_unix_path),
    (types.ASN, _is_asn),
    (types.MAC_ADDRESS, things.is_mac),
    (types.SSDEEP, _is_ssdeep),
    (types.JARM, _is_jarm),
    (types.TLSH, _is_tlsh),
    (types.PACKAGE, _is_package),
    (types.WALLET, _is_btc_prefixed),
    (types.USER_AGENT, _is_agent),
)


def _as(kind: str, value: str) -> Detected | None:
    try:
        if kind == types.CIDR:
            network = addresses.network(value)
            address, _, length = network.partition("/")
            if length == ("128" if ":" in network else "32"):
                return (types.IPV6 if ":" in network else types.IPV4), address
            return kind, network
        return kind, canonical(kind, value)
    except RefusedValue:
        return None
