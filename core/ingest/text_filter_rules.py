"""The lines of blockers and resolvers that are more than a value: adblock, dnsmasq, unbound, ipset.

Each function returns the values that such a line blocks, or raises ``RefusedValue`` with why it blocks none that
can be taken alone: an exception is not a value, and a rule for a part of a site is not a rule for the site.
"""

import re

from core.errors import RefusedValue

_ADBLOCK_HOST = re.compile(r"\|\|(?P<host>[^\s/^$|*?]*[^\s/^$|*?.])(?:\^\|?|\|)?(?:\$(?P<options>\S*))?")
_ADBLOCK_COSMETIC = re.compile(r"#[@?$%]*#|\$\$|#\+js")
_HARMLESS_WORDS = (
    "third-party 3p ~third-party first-party 1p ~first-party important all document doc popup popunder script"
    " image subdocument frame stylesheet css xmlhttprequest xhr websocket ping object other media font match-case"
    " inline-script"
)
_HARMLESS_OPTIONS = frozenset(_HARMLESS_WORDS.split())
_ZONE_WORDS = (
    "redirect refuse static deny inform_deny inform_redirect always_refuse always_nxdomain always_nodata"
    " always_null always_deny block_a"
)
_BLOCKING_ZONES = frozenset(_ZONE_WORDS.split())
_UNBOUND_ZONE = re.compile(r"local-zone:\s*\"?(?P<name>[^\s\"]+)\"?\s+\"?(?P<kind>[a-z_]+)\"?").match
_UNBOUND_DATA = re.compile(r"local-data:\s*[\"'](?P<name>\S+)\s+(?:\d+\s+)?(?:IN\s+)?(?P<kind>[A-Z]+)\b").match
_DNSMASQ_RULE = re.compile(r"(?P<key>address|server|local|ipset|nftset)=/(?P<names>.*)/(?P<to>[^/]*)").fullmatch
_IPSET_ADD = re.compile(
    r"(?:ipset\s+)?(?:-!\s+|-q\s+)?(?:add|-A|--add)\s+\S+\s+(?P<value>\S+)(?P<rest>.*)"
).fullmatch
_IPSET_OTHER = re.compile(
    r"(?:ipset\s+)?(?:-!\s+|-q\s+)?(?:create|flush|swap|destroy|rename|-N|-F|-X)\s+\S+.*|COMMIT"
)
_HEADER = re.compile(r"\[(?:adblock|ublock|adguard|abp)[^\]]*\]|server:\s*|payload:\s*", re.IGNORECASE).fullmatch


def is_header(line: str) -> bool:
    """Tell whether *line* only says what kind of file this is, or sets up what follows."""
    return _HEADER(line) is not None or _IPSET_OTHER.fullmatch(line) is not None


def values_of(line: str) -> list[str] | None:
    """Return what a rule blocks; ``None`` if *line* is no rule of a known kind.

    Raises:
        RefusedValue: It is a rule, but none that names a value to block.
    """
    start = line[:3]
    if start.startswith(("||", "@@", "|h")) or "##" in line or "#@#" in line or "#?#" in line:
        return _adblock(line)
    if line.startswith("/") and line.endswith("/") and len(line) > 2 and "\\" in line:
        raise RefusedValue("a regular expression, not a value")
    if line.startswith("local-"):
        return _unbound(line)
    if "=/" in line:
        rule = _DNSMASQ_RULE(line.lstrip("-"))
        return _dnsmasq(rule) if rule else None
    added = _IPSET_ADD(line)
    if added is None:
        return None
    if "nomatch" in added["rest"].split():
        raise RefusedValue("an exception (nomatch), not a value to block")
    # Sets of several dimensions write them with commas: 192.0.2.1,tcp:80.
    return [added["value"].partition(",")[0]]


def _adblock(line: str) -> list[str]:
    if line.startswith("@@"):
        raise RefusedValue("an exception (@@), not a value to block")
    if _ADBLOCK_COSMETIC.search(line):
        raise RefusedValue("a rule for parts of a page, not a value")
    if line.startswith("|http"):
        url = line[1:].partition("$")[0].rstrip("^|")
        if "*" in url:
            raise RefusedValue("a pattern, not a value")
        return [url]
    rule = _ADBLOCK_HOST.fullmatch(line)
    if rule is None:
        raise RefusedValue("a rule for a part of a site, or a pattern, not a value")
    for option in (rule["options"] or "").split(","):
        name, _, value = option.partition("=")
        is_everywhere = name == "domain" and all(site.startswith("~") for site in value.split("|"))
        if name and name not in _HARMLESS_OPTIONS and not is_everywhere:
            raise RefusedValue(f"a rule that holds only in part (${name}), not a value")
    return [rule["host"]]


def _unbound(line: str) -> list[str] | None:
    zone = _UNBOUND_ZONE(line)
    if zone:
        if zone["kind"] not in _BLOCKING_ZONES:
            raise RefusedValue(f"an exception (zone type {zone['kind']}), not a value to block")
        return [zone["name"]]
    data = _UNBOUND_DATA(line)
    if data:
        if data["kind"] not in ("A", "AAAA", "CNAME"):
            raise RefusedValue(f"a record of type {data['kind']}, not a value to block")
        return [data["name"]]
    return None


def _dnsmasq(rule: re.Match[str]) -> list[str]:
    if rule["to"] == "#" and rule["key"] != "address":
        raise RefusedValue("an exception (to the usual servers), not a value to block")
    if rule["key"] == "server" and rule["to"]:
        raise RefusedValue("a forwarding rule, not a value to block")
    names = [name for name in rule["names"].split("/") if name]
    if not names or names == ["#"]:
        raise RefusedValue("a rule for every name, not a value")
    return names
