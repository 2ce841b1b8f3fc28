"""Keep off an export, entry by entry, what must not be on it, each with its reason.

In this order, and the first reason of one stays: what the definition forbids, what is too broad, what an allow-list
that blocks holds, and networks around any of that, of which the rest is put back in pieces or not, by policy.
Observables outside the selection may be in the sets, too; only those inside count.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from core.errors import RefusedValue
from core.exports.gate.limit_forms import Value
from core.exports.gate.limits import Limits
from core.schemas.export import Selection
from core.schemas.instant import Instant
from core.store.allow_lists import hits as allow_hits
from core.store.allow_lists.kinds import reason_word
from core.values import types
from core.values.networks import NetworkIndex, span_of, split
from core.values.urls import host_of

if TYPE_CHECKING:
    from core.store.snapshot import Piece, Snapshot

_encode = msgspec.json.Encoder().encode
_ADDRESSES = (types.IPV4, types.IPV6, types.CIDR)
_HOSTS = (types.HOSTNAME, types.URL)


def keep_off(snapshot: "Snapshot", selection: Selection, instant: Instant, limits: Limits) -> None:
    """Tell *snapshot* what to leave out of *selection*, and which pieces of networks to add."""
    forbidden = Forbidden(limits.never)
    snapshot.keep_off(forbidden.found_in(snapshot, selection, instant))
    _too_broad(snapshot, limits)
    snapshot.keep_off(allow_hits.blocked(snapshot, limits.allow))
    _split(snapshot, selection, instant, limits, forbidden)


class Forbidden:
    """Values that must not be listed, nor what lies inside these networks or below these names."""

    def __init__(self, values: tuple[Value, ...]) -> None:
        """Take the values in, as pairs of type and canonical value."""
        self._values = frozenset(values)
        self._networks = [value for type_, value in values if type_ in _ADDRESSES]
        self._index = NetworkIndex((span_of(value), place) for place, value in enumerate(self._networks))
        self._names = {value for type_, value in values if type_ == types.HOSTNAME}

    def found_in(self, snapshot: "Snapshot", selection: Selection, instant: Instant) -> Iterator[tuple[int, str]]:
        """Yield the row id of each observable that must not be listed, and the reason."""
        # Read to its end first: what is kept off is taken out of the answer to the very question.
        hits = []
        for batch in snapshot.values(selection, instant, self._types()):
            for key, type_, value in batch:
                if entry := self.entry_for(type_, value):
                    hits.append((key, reason_text("never", entry=entry)))
        yield from hits

    def entry_for(self, type_: str, value: str) -> str:
        """Return the value that forbids an observable; empty if none does."""
        if (type_, value) in self._values:
            return value
        if type_ in _ADDRESSES:
            return self._around(value)
        if type_ == types.HOSTNAME:
            return self._above(value)
        if type_ == types.URL:
            host = host_of(value).strip("[]")
            return self._above(host) or self._around(host)
        return ""

    def inside(self, network: str) -> list[str]:
        """Return what must not be listed of *network* itself."""
        span = span_of(network)
        return [self._networks[place] for found, place in self._index.inside(span) if found != span]

    def _around(self, value: str) -> str:
        try:
            place = self._index.covering(span_of(value)) if self._networks else None
        except RefusedValue:
            return ""
        return "" if place is None else self._networks[place]

    def _above(self, name: str) -> str:
        while self._names and name:
            if name in self._names:
                return name
            name = name.partition(".")[2]
        return ""

    def _types(self) -> set[str]:
        wanted = {type_ for type_, _ in self._values}
        if self._networks:
            wanted.update((*_ADDRESSES, types.URL))
        if self._names:
            wanted.update(_HOSTS)
        return wanted


def reason_text(word: str, **told: str) -> str:
    """Return a reason as the ledger keeps it: JSON, the word first."""
    return _encode({"reason": word} | {key: text for key, text in told.items() if text}).decode()


def word_of(reason: str) -> str:
    """Return the word of a reason."""
    return str(msgspec.json.decode(reason)["reason"])


def _too_broad(snapshot: "Snapshot", limits: Limits) -> None:
    length = snapshot.connection.words.prefix_length("o.value")
    for version, least in (("NOT", limits.broadest_ipv4), ("", limits.broadest_ipv6)):
        # A route to everywhere is never meant, whatever the limit says.
        query = (
            f"SELECT o.id FROM observable o WHERE o.type = '{types.CIDR}'"  # noqa: S608 (our own words)
            f" AND o.value {version} LIKE '%:%' AND {length} < {max(1, least):d}"
        )
        snapshot.keep_off_found(query, reason_text("too-broad", entry=f"/{max(1, least)}"))


def _split(
    snapshot: "Snapshot", selection: Selection, instant: Instant, limits: Limits, forbidden: Forbidden
) -> None:
    """Keep off networks that contain what must not be listed, and add what is left of them."""
    kept_off: list[tuple[int, str]] = []
    pieces: dict[str, Piece] = {}
    around = allow_hits.contained(snapshot, limits.allow)
    for batch in snapshot.values(selection, instant, (types.CIDR,)):
        for key, _, value in batch:
            holes = [*around.get(key, ()), *((entry, "") for entry in forbidden.inside(value))]
            if not holes:
                continue
            left = split(value, [entry for entry, _ in holes]) if limits.split == "split" else None
            entry, name = holes[0]
            word = "split" if left is not None else reason_word(name) if name else "never"
            kept_off.append((key, reason_text(word, list=name, entry=entry, relation="contains")))
            for text in left or ():  # of networks inside each other the same may be left: it is listed once
                pieces.setdefault(text, (key, _type_of(text), text))
    snapshot.keep_off(kept_off)
    snapshot.add_pieces(
        piece for piece in pieces.values() if not snapshot.takes(selection, instant, piece[1], piece[2])
    )


def _type_of(value: str) -> str:
    return types.CIDR if "/" in value else types.IPV6 if ":" in value else types.IPV4
