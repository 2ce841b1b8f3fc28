"""A host with a port behind it, as lists of servers write it."""

import re

_ipv6_port = re.compile(r"\[([0-9A-Fa-f:.%]+)\]:([0-9]{1,5})").fullmatch
_host_port = re.compile(r"([^\s:/@\[\]]+\.[^\s:/@\[\]]+):([0-9]{1,5})").fullmatch

MAX_CHARS = 300


def split(text: str) -> tuple[str, int | None]:
    """Return host and port of ``host:port`` or ``[v6]:port``; *text* itself and ``None`` where there is none."""
    if len(text) > MAX_CHARS:
        return text, None
    found = _host_port(text) or _ipv6_port(text)
    if found is None or not 0 < int(found.group(2)) <= 65535:
        return text, None
    return found.group(1), int(found.group(2))
