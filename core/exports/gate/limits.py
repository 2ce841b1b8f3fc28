"""The limits of an export: what its gate lets pass, what is never on it, and how much its consumer can take.

A definition keeps them as texts (``--limit KEY=VALUE``); `parse` reads them.  The defaults are meant for somebody
who configured nothing; decision 0074 says why they are these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from core.errors import DefinitionError
from core.exports.formats import nearest
from core.exports.gate import limit_forms as forms

RANKS = ("score", "recency", "sources")
"""What entries can be ranked by: highest confidence, latest sighting, number of sources."""

SPACE_IPV6 = 1 << 96


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one export, with the defaults.

    Shares and multiples are exact; ``None`` is a bound that there is not.  Values are pairs (type, canonical value).

    Attributes:
        allow: Classes of special-purpose addresses that may be listed, sorted.
        split: What becomes of a network around allow-listed addresses: all of it goes, or they alone.
        broadest_ipv4, broadest_ipv6: Shortest prefix that a listed network may have.
        loss, loss_entries: A run may lose this share of the current entries, or this many.
        growth, growth_entries: It may have so many times the current entries, or so many more.
        space: It may cover so many times the addresses covered now,
        space_ipv4, space_ipv6: or so many more.
        dropped, dropped_entries: This share of what is selected may be dropped for safety, or this many.
        empty: Whether a list that had entries may have none.
        least, most: Bounds of the number of entries.
        require: What must be on the list.
        never: What must not be, nor anything inside these networks or below these names.
        budget_entries, budget_bytes: What the consumer can take; the entries that rank last are cut.
        rank: What decides in which order, of ``RANKS``.
        check: Whether the format's own check is run where its tool is installed.
    """

    allow: tuple[str, ...] = ()
    split: Literal["split", "drop"] = "split"
    broadest_ipv4: int = 8
    broadest_ipv6: int = 16
    loss: Fraction | None = Fraction(1, 2)
    loss_entries: int = 20
    growth: Fraction | None = Fraction(5)
    growth_entries: int = 1_000
    space: Fraction | None = Fraction(2)
    space_ipv4: int = 65_536
    space_ipv6: int = SPACE_IPV6
    dropped: Fraction | None = Fraction(1, 20)
    dropped_entries: int = 0
    empty: Literal["hold", "publish"] = "hold"
    least: int | None = None
    most: int | None = None
    require: tuple[forms.Value, ...] = ()
    never: tuple[forms.Value, ...] = ()
    budget_entries: int | None = None
    budget_bytes: int | None = None
    rank: tuple[str, ...] = RANKS
    check: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, for people and for the parser.

    Attributes:
        key: What it is called.
        default: Its default, as it would be typed; empty if there is none.
        form: What a value looks like, as the end of "it must be …".
        meaning: What it does, in one phrase.
        read: Return the value of a text; raises ``ValueError`` if it has not that form.
    """

    key: str
    default: str
    form: str
    meaning: str
    read: Callable[[str], object]


_SHARE = "a share such as 50%, or off"
_TIMES = "a multiple such as 5 or 2.5, or off"
_COUNT = "a whole number such as 1000 or 300k"
_BOUND = f"{_COUNT}, or off"
_PREFIX = "the length of a prefix such as /{}, or off"
_SPACE = "a number of addresses, or the prefix of a network of that size, such as /{}"
_VALUES = "values separated by blanks: addresses, networks, names, URLs, hashes"

LIMITS: tuple[Limit, ...] = (
    Limit(
        "empty",
        "hold",
        "hold or publish",
        "whether a list that has entries may become empty",
        forms.one_of("hold", "publish"),
    ),
    Limit("loss", "50%", _SHARE, "held if more than this share of its entries would go", forms.share),
    Limit("loss-entries", "20", _COUNT, "the loss of up to so many entries is never held", forms.count),
    Limit("growth", "5", _TIMES, "held if it would have more than so many times its entries", forms.times),
    Limit("growth-entries", "1000", _COUNT, "growth by up to so many entries is never held", forms.count),
    Limit("space", "2", _TIMES, "held if it would cover more than so many times its addresses", forms.times),
    Limit(
        "space-ipv4",
        "65536",
        _SPACE.format(16),
        "growth by up to so many IPv4 addresses is never held",
        forms.space(32),
    ),
    Limit(
        "space-ipv6",
        "/32",
        _SPACE.format(32),
        "growth by up to so many IPv6 addresses is never held",
        forms.space(128),
    ),
    Limit(
        "dropped",
        "5%",
        _SHARE,
        "held if more than this share of what is selected is dropped for safety",
        forms.share,
    ),
    Limit("dropped-entries", "0", _COUNT, "up to so many that are dropped for safety are never held", forms.count),
    Limit("least", "", _BOUND, "held if it would have fewer entries", forms.bound),
    Limit("most", "", _BOUND, "held if it would have more entries", forms.bound),
    Limit("require", "", _VALUES, "held if one of these would not be on it", forms.values),
    Limit(
        "check",
        "yes",
        "yes or no",
        "whether the format's own check is run where its tool is installed; held if it fails",
        forms.yes_or_no,
    ),
    Limit(
        "allow",
        "",
        "classes of special-purpose addresses, separated by commas, such as documentation",
        "classes of special-purpose addresses that may be on the list",
        forms.classes,
    ),
    Limit(
        "split",
        "split",
        "split or drop",
        "whether a network around allow-listed addresses is listed without them, or not at all",
        forms.one_of("split", "drop"),
    ),
    Limit(
        "broadest-ipv4",
        "/8",
        _PREFIX.format(8),
        "IPv4 networks broader than this are dropped",
        forms.prefix(32),
    ),
    Limit(
        "broadest-ipv6",
        "/16",
        _PREFIX.format(16),
        "IPv6 networks broader than this are dropped",
        forms.prefix(128),
    ),
    Limit("never", "", _VALUES, "dropped: these, and what is inside or below them", forms.values),
    Limit("budget-entries", "", _BOUND, "the most entries that the consumer takes; the rest is cut", forms.bound),
    Limit(
        "budget-bytes",
        "",
        "a size such as 300000, 500kB or 10MiB, or off",
        "the largest file that the consumer takes; what is too much is cut",
        forms.size_bytes,
    ),
    Limit(
        "rank",
        "score,recency,sources",
        f"one or more of {', '.join(RANKS)}, separated by commas",
        "what is cut last: the surest, the latest seen, what most sources claim",
        forms.ranks(RANKS),
    ),
)
"""Every limit, in the order of the documentation."""

_BY_KEY = {limit.key: limit for limit in LIMITS}


def parse(given: Mapping[str, str]) -> Limits:
    """Return the limits that a definition keeps as texts; an empty text is the default.

    Raises:
        DefinitionError: A key is unknown (with the nearest), a value has not the form of its limit, or two limits
            cannot both be kept.
    """
    changes: dict[str, Any] = {}
    for key, text in given.items():
        limit = _BY_KEY.get(key)
        if limit is None:
            raise DefinitionError(
                f"there is no limit {key!r}{nearest(key, _BY_KEY)}; yetictl export limits prints them all"
            )
        if text.strip():
            changes[key.replace("-", "_")] = _read(limit, text.strip())
    made = replace(Limits(), **changes)
    _check(made)
    return made


def _read(limit: Limit, text: str) -> object:
    try:
        return limit.read(text)
    except ValueError as error:
        reason = f" ({error})" if str(error) else ""
        raise DefinitionError(f"the limit {limit.key} is {limit.form}, not {text!r}{reason}") from None


def _check(limits: Limits) -> None:
    """Refuse what no list could meet."""
    least = limits.least or 0
    for key, most in (("most", limits.most), ("budget-entries", limits.budget_entries)):
        if most is not None and least > most:
            raise DefinitionError(
                f"no list can have at least {least:,} entries (least) and at most {most:,} ({key})"
            )
    if both := set(limits.require) & set(limits.never):
        raise DefinitionError(f"{min(both)[1]} is required (require) and forbidden (never)")
