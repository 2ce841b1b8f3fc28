"""URLs in lists of devices: which a device can be told, and how it is written there.

A device compares what it sees of a request: host, port, path and query.  A URL with a part that no request has (user
name, fragment) would be another URL without it, and is refused; so is one with a character that the device takes for a
wildcard.  Nothing is ever cut.  These are the same request, and written alike: a port that is the scheme's own and
none, an empty path and ``/``; without the scheme, http and https.

A batch is looked at as a whole, by one regular expression, and a single URL only where that fails.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import RefusedValue
from core.exports.formatting.contract import Output, OutputFile, Value, Values
from core.values import urls

NOT_CANONICAL = "not a URL in its canonical form"
NOT_WEB = "a scheme other than http and https"
HAS_USER = "a URL with a user name, which no device sees"
HAS_FRAGMENT = "a URL with a fragment, which no request has"
HAS_WILDCARD = "a URL with * or ^, which are wildcards in the list"
HAS_BACKSLASH = "a URL with a backslash, which some programs take for a slash"
ONE_LABEL = "a URL whose host is a single label"
IS_IPV6 = "a URL of an IPv6 address, for which the device has no line"
NO_PORT = "a URL of port 0"
TOO_LONG = "a URL longer than the device takes; it is never cut"
BYTES_PER_URL = 224
"""What `UrlLines` keeps of a URL of sixty characters or so."""

_OWN_PORTS = {"http": ":80", "https": ":443"}
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}"
_NAME = r"(?:[a-z0-9_-]{1,63}+\.)++[a-z][a-z0-9-]{0,62}+(?<!-)"
_HOST = rf"(?![^/:\n]{{254}})(?:{_IPV4}|{_NAME})(?=[:/])"
_PORT = r"(?::(?!80/|443/)[1-9][0-9]{0,3}+)?+"
_PATH = r'/[!"$-)+-\[\]_-~]*+'
# Possessive, so that nothing is tried twice; whatever is here is canonical, and written as it is.
_are_plain = re.compile(rf"(?:https?://{_HOST}{_PORT}{_PATH}\n)*+").fullmatch
_parts = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\\]*)(.*)", re.DOTALL).fullmatch
_host_and_port = re.compile(r"(.*?)(:[0-9]+)?").fullmatch


@dataclass(frozen=True, slots=True)
class UrlRules:
    """How a device wants its URLs.

    Attributes:
        has_scheme: Whether the scheme stands before the host.
        takes_ipv6: Whether the host may be an IPv6 address.
        longest: How many characters a line may have; 0 is any number.
    """

    has_scheme: bool = False
    takes_ipv6: bool = False
    longest: int = 0


class UrlLines:
    """Writes URLs as a device wants them, each line once."""

    def __init__(self, rules: UrlRules, file: OutputFile, out: Output) -> None:
        self._rules, self._file, self._out = rules, file, out
        self._written: set[str] = set()
        self._repeated = 0

    def write(self, batch: Values) -> None:
        """Write the lines of a batch, refuse what the device cannot be told; what is there already counts, too."""
        lines = self._lines(batch)
        new = list(dict.fromkeys(lines))
        if not self._written.isdisjoint(new):
            new = [line for line in new if line not in self._written]
        self._written.update(new)
        self._repeated += len(lines) - len(new)
        self._file.write("\n".join([*new, ""]) if new else "", len(lines))

    def finish(self) -> None:
        """Say how many URLs are the same line as another."""
        if self._repeated:
            self._out.note(f"{self._repeated:,} URLs are the same line as another to the device, and written once")

    def _lines(self, batch: Values) -> list[str]:
        if are_plain(batch.values):
            lines = self._short(batch.values)
            if not self._rules.longest or max(map(len, lines), default=0) <= self._rules.longest:
                return lines
        lines = []
        for value in batch.values:
            try:
                lines.append(line_of(value, self._rules))
            except RefusedValue as error:
                self._out.refuse(Value(batch.type, value), str(error))
        return lines

    def _short(self, values: list[str]) -> list[str]:
        return values if self._rules.has_scheme else [value.partition("://")[2] for value in values]


def are_plain(values: Sequence[str]) -> bool:
    """Return whether all are canonical URLs, http or https, without anything that a device could take amiss."""
    text = "\n".join([*values, ""])
    return bool(_are_plain(text)) and text.count("\n") == len(values)


def line_of(value: str, rules: UrlRules) -> str:
    """Return the line of a URL.

    Raises:
        RefusedValue: The device cannot be told.
    """
    if not are_plain([value]):
        value = _spelled(value, rules)
    line = value if rules.has_scheme else value.partition("://")[2]
    if rules.longest and len(line) > rules.longest:
        raise RefusedValue(TOO_LONG)
    return line


def check_canonical(value: str) -> None:
    """Raise if a URL is not in its canonical form.

    Raises:
        RefusedValue: It is not.
    """
    if urls.url(value) != value:
        raise RefusedValue(NOT_CANONICAL)


def _spelled(value: str, rules: UrlRules) -> str:
    """Return a URL as all are written that are the same request."""
    check_canonical(value)
    parts = _parts(value)
    scheme, authority, rest = parts.groups() if parts else ("", "", "")
    found = _host_and_port(authority)
    host, port = (found[1], found[2] or "") if found else ("", "")
    faults = {
        NOT_WEB: scheme not in _OWN_PORTS,
        HAS_USER: "@" in authority,
        HAS_FRAGMENT: "#" in rest,
        HAS_WILDCARD: "*" in rest or "^" in rest,
        HAS_BACKSLASH: "\\" in rest,
        IS_IPV6: host.startswith("[") and not rules.takes_ipv6,
        ONE_LABEL: "." not in host and not host.startswith("["),
        NO_PORT: port == ":0",
    }
    for reason, is_so in faults.items():
        if is_so:
            raise RefusedValue(reason)
    if port == _OWN_PORTS[scheme]:
        port = ""
    return f"{scheme}://{host}{port}{'' if rest.startswith('/') else '/'}{rest}"
