"""Why one observable would be kept off an export; `keeping_off` does it with all of them."""

import msgspec

from core.exports.answers.judging import Reason
from core.exports.gate.keeping_off import Forbidden, reason_text
from core.exports.gate.limits import Limits
from core.store.allow_lists.entries import canonical
from core.store.allow_lists.hits_of import Hit, hits_of
from core.store.allow_lists.kinds import reason_word
from core.store.allow_lists.matching import CONTAINS, EQUAL, INSIDE
from core.store.databases.interface import Connection
from core.store.ledger.history import Known
from core.values import types
from core.values.networks import split


def kept_off_for(connection: Connection, observable: Known, limits: Limits) -> tuple[Reason, tuple[str, ...]]:
    """Return why an observable that is selected would be kept off, nothing if it would be listed.

    What a budget cuts, and what the format refuses, only a run tells.

    Args:
        connection: Of a snapshot.
        observable: Which.
        limits: Of the export.

    Returns:
        The reason, and what is left of a network that is split.
    """
    forbidden = Forbidden(limits.never)
    if entry := forbidden.entry_for(observable.type, observable.value):
        return _told(reason_text("never", entry=entry)), ()
    if observable.type == types.CIDR and (least := _too_broad(observable.value, limits)):
        return _told(reason_text("too-broad", entry=f"/{least}")), ()
    blocking = [hit for hit in hits_of(connection, observable.id) if _blocks(hit, limits)]
    for hit in blocking:
        if hit.relation in (EQUAL, INSIDE):
            told = {"list": hit.list, "entry": hit.entry, "relation": hit.relation, "class": hit.special_class}
            return _told(reason_text(reason_word(hit.list), **told)), ()
    if observable.type != types.CIDR:
        return {}, ()
    holes = [(canonical(hit.entry), hit.list) for hit in blocking if hit.relation == CONTAINS]
    return _split(
        observable.value, [*holes, *((entry, "") for entry in forbidden.inside(observable.value))], limits
    )


def _split(network: str, holes: list[tuple[str, str]], limits: Limits) -> tuple[Reason, tuple[str, ...]]:
    if not holes:
        return {}, ()
    left = split(network, [entry for entry, _ in holes]) if limits.split == "split" else None
    entry, name = holes[0]
    word = "split" if left is not None else reason_word(name) if name else "never"
    return _told(reason_text(word, list=name, entry=entry, relation="contains")), tuple(left or ())


def _too_broad(network: str, limits: Limits) -> int:
    """Return the shortest prefix that a network might have, if it has a shorter one; else 0."""
    least = max(1, limits.broadest_ipv6 if ":" in network else limits.broadest_ipv4)
    return least if int(network.rpartition("/")[2]) < least else 0


def _blocks(hit: Hit, limits: Limits) -> bool:
    allowed = hit.special_class and hit.special_class in limits.allow
    return hit.action == "block" and not hit.is_own and not allowed


def _told(reason: str) -> Reason:
    return {key: str(value) for key, value in msgspec.json.decode(reason).items()}
