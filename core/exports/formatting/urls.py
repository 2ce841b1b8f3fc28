"""URLs in lists of devices: which a device can be told, and how it is written there.

A device compares what it sees of a request: host, port, path and query.  What no request has is refused, and so is a
character that the device takes for a wildcard.  Nothing is ever cut.  These are the same request, and written alike: a
port that is the scheme's own and none, an empty path and ``/``; without the scheme, http and https.

A batch is looked at as a whole, by one regular expression, and a single URL only where that fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import RefusedValue
from core.exports.formatting.contract import Output, Value, Values
from core.exports.formatting.device_limits import ANY, LimitedFiles, Limits
from core.exports.formatting.url_requests import are_sent, request

HAS_WILDCARD = "a URL with * or ^, which are wildcards in the list"
IS_IPV6 = "a URL of an IPv6 address, for which the device has no line"
TOO_LONG = "a URL longer than the device takes; it is never cut"
BYTES_PER_URL = 224
"""What `UrlLines` keeps of a URL of sixty characters or so."""
_WILDCARDS = frozenset("*^")


@dataclass(frozen=True, slots=True)
class UrlRules:
    """How a device wants its URLs.

    Attributes:
        has_scheme: Whether the scheme stands before the host.
        takes_ipv6: Whether the host may be an IPv6 address.
        longest: How many characters a line may have; 0 is any number.
        limits: How much of a list it takes.
    """

    has_scheme: bool = False
    takes_ipv6: bool = False
    longest: int = 0
    limits: Limits = ANY


class UrlLines:
    """Writes the file of an export as a device wants it, each line once."""

    def __init__(self, rules: UrlRules, out: Output) -> None:
        self._rules, self._out = rules, out
        self._files = LimitedFiles(out, rules.limits)
        self._file = self._files.open()
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
        """Say how many URLs are the same line as another, and what the device would not read."""
        if self._repeated:
            self._out.note(f"{self._repeated:,} URLs are the same line as another to the device, and written once")
        self._files.finish()

    def _lines(self, batch: Values) -> list[str]:
        if _are_plain(batch.values):
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
        if self._rules.has_scheme:
            return values
        # All of them begin with http:// or https://.
        return [value[7:] if value[4] == ":" else value[8:] for value in values]


def line_of(value: str, rules: UrlRules) -> str:
    """Return the line of a URL.

    Raises:
        RefusedValue: The device cannot be told.
    """
    found = request(value)
    if _WILDCARDS & set(found.target):
        raise RefusedValue(HAS_WILDCARD)
    if found.host.startswith("[") and not rules.takes_ipv6:
        raise RefusedValue(IS_IPV6)
    line = (f"{found.scheme}://" if rules.has_scheme else "") + found.place + found.target
    if rules.longest and len(line) > rules.longest:
        raise RefusedValue(TOO_LONG)
    return line


def _are_plain(values: Sequence[str]) -> bool:
    """Return whether all are written as they are sent, and hold nothing that a device could take amiss."""
    text = "".join(values)
    return not any(wildcard in text for wildcard in _WILDCARDS) and are_sent(values)
