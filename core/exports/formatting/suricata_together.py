"""What options of one Suricata rule say together: whether Suricata can keep all of it.

Source: the Suricata User Guide 7.0, "Flow Keywords", "Payload Keywords" and "HTTP Keywords"; tried with Suricata 7.
"""

import re
from collections.abc import Sequence

from core.errors import RefusedValue
from core.exports.formatting.suricata_words import OF_CONTENT

_EXCLUSIVE = (
    {"to_client", "from_client", "to_server", "from_server"},
    {"established", "not_established", "stateless"},
    {"only_stream", "no_stream"},
    {"only_frag", "no_frag"},
)
_ABSOLUTE, _RELATIVE = frozenset(("depth", "offset")), frozenset(("distance", "within"))
_OF_SIZE = frozenset(("depth", "within"))
_APPLICATIONS = "dhcp|dns|http|ike|krb5|mqtt|nfs|quic|rfb|sip|smb|snmp|ssh|tls"
_application = re.compile(rf"({_APPLICATIONS})[._]").match
_is_application = re.compile(_APPLICATIONS).fullmatch
_BYTES = re.compile(r"\|([0-9A-Fa-f\s]*)\||\\(.)", re.DOTALL)
_begins_buffer = re.compile(
    r".*\..*|.*_data|dns_query|tls_sni|ja3s?_.*|dotprefix|to_.*|strip_.*|url_decode|xor|pcrexform|.*_lowercase"
).fullmatch
# What stands between these, or is quoted by a backslash, is no bracket.
_PCRE_LITERAL = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_IS_LEFT_TO_SURICATA = re.compile(r"\(\?#|\\Q|\(\*|\(\?[a-z]*x")
_repeats_nothing = re.compile(r"(?:\A|\(|\|)(?:[*+]|\?)").search


def check_together(protocol: str, options: Sequence[tuple[str, str]]) -> None:
    """Raise unless the options of a rule can stand together.

    Args:
        protocol: With which the rule begins.
        options: Keywords with their values, in order.

    Raises:
        RefusedValue: Suricata 7 would refuse the rule.
    """
    keywords = {key for key, _ in options}
    flows = [value for key, value in options if key == "flow"]
    if len(flows) > 1 or any(_contradicts(flow) for flow in flows):
        raise RefusedValue("Suricata: a flow that contradicts itself, or two of them")
    if {"threshold", "detection_filter"} <= keywords:
        raise RefusedValue("Suricata: both threshold and detection_filter")
    applications = {found[1] for key in (*keywords, f"{protocol}.") if (found := _application(key))}
    if len(applications) > 1:
        raise RefusedValue("Suricata: keywords of two protocols")
    for key, value in options:
        if key == "pcre" and not _is_balanced(value):
            raise RefusedValue("Suricata: a pcre that is none")
    _check_contents(options)


def _contradicts(flow: str) -> bool:
    words = [word.strip() for word in flow.split(",")]
    return any(sum(word in group for word in words) > 1 for group in _EXCLUSIVE)


def _is_balanced(pcre: str) -> bool:
    """Say whether brackets are closed, and nothing is repeated that is not there, where that is easily seen."""
    body = pcre[pcre.index("/") + 1 : pcre.rindex("/")]
    if _IS_LEFT_TO_SURICATA.search(body):
        return True
    plain = _PCRE_LITERAL.sub("x", body)
    depth = 0
    for char in plain:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0 and "[" not in plain and not _repeats_nothing(plain.replace("(?", "(x"))


def _check_contents(options: Sequence[tuple[str, str]]) -> None:
    content, said, buffer = b"", set[str](), ""
    for key, value in options:
        if key in ("content", "uricontent"):
            content, said = _bytes_of(value), set()
        elif key in OF_CONTENT:
            _check_modifier(key, value, content, said)
            said.add(key)
        elif _begins_buffer(key):
            buffer = key
        is_host = (buffer == "http.host" and key in ("content", "nocase")) or key == "http_host"
        if is_host and ("nocase" in said or content != content.lower()):
            raise RefusedValue("Suricata: a host name that is not in lower case, or with nocase")


def _check_modifier(key: str, value: str, content: bytes, said: set[str]) -> None:
    if key in said and key != "endswith":
        raise RefusedValue(f"Suricata: {key} twice for one content")
    together = said | {key}
    if "startswith" in together and not together.isdisjoint(_ABSOLUTE | _RELATIVE):
        raise RefusedValue("Suricata: startswith, and another place for the same content")
    if not together.isdisjoint(_ABSOLUTE) and not together.isdisjoint(_RELATIVE):
        raise RefusedValue("Suricata: two places for one content, one relative and one not")
    if key in _OF_SIZE and value.isdecimal() and int(value) < len(content):
        raise RefusedValue(f"Suricata: a {key} that is shorter than its content")


def _bytes_of(content: str) -> bytes:
    """Return what a content looks for."""
    body = content.strip().removeprefix("!")[1:-1]
    found = bytearray()
    place = 0
    for part in _BYTES.finditer(body):
        found += body[place : part.start()].encode()
        found += bytes.fromhex(part[1]) if part[1] is not None else part[2].encode()
        place = part.end()
    return bytes(found + body[place:].encode())
