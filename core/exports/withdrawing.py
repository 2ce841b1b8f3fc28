"""Withdraw a false positive: no export takes it any more, and what is published of it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import RefusedValue, YetiError
from core.exports.answers.holders import Inside, covering, holders, inside
from core.exports.run import run_export
from core.exports.settings import Settings
from core.schemas.instant import Instant
from core.store import carve_outs, clearing
from core.store.allow_lists.entries import ADDRESSES

if TYPE_CHECKING:
    from core.store import Store


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was withdrawn.

    Attributes:
        type, value: Of the observable.
        assertions: How many claims do not count any more.
        is_carved_out: Networks around it are listed without it.
        covering: Type and value of networks and names on published lists that stand for it, and who lists them.
        inside: What published lists have inside of it.
        exports: Those that have to let something go.
    """

    type: str
    value: str
    assertions: int
    is_carved_out: bool
    covering: tuple[tuple[str, str, list[str]], ...]
    inside: Inside | None
    exports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Whether what was withdrawn has left an export; ``fault`` says why not, and is empty if it has."""

    export: str
    version: int | None
    fault: str = ""


def withdraw(
    store: "Store", type_: str, value: str, reason: str, *, carve_out: bool, settings: Settings, now: Instant
) -> Withdrawn:
    """Withdraw an observable: its claims count no more, and it is marked as benign.

    Args:
        store: Where.
        type_: Of the observable.
        value: In canonical form.
        reason: Kept with what is withdrawn.
        carve_out: Also list networks around it without it, and nothing of what lies in it.
        settings: Of this installation.
        now: When.

    Raises:
        RefusedValue: It is a name, and no list can except one from a name above it.  Nothing was done.
    """
    if carve_out and type_ not in ADDRESSES:
        raise RefusedValue("only addresses and networks can be carved out of networks")
    names = dict.fromkeys(holders(store, type_, value, now, settings))
    assertions = clearing.clear(store, type_, value, reason, now)
    around, within = tuple(covering(store, type_, value, now)), inside(store, type_, value)
    is_carved_out = value in carve_outs.reasons(store)
    if carve_out and not is_carved_out:
        carve_outs.carve_out(store, type_, value, reason, now)
        is_carved_out = True
    if is_carved_out:
        names |= dict.fromkeys(name for kind, _, found in around if kind == "cidr" for name in found)
        names |= dict.fromkeys(within.exports if within else ())
    return Withdrawn(type_, value, assertions, is_carved_out, around, within, (*names,))


def let_go(store: "Store", names: Sequence[str], settings: Settings, now: Instant) -> list[Left]:
    """Let what was withdrawn leave the exports of these names; nothing else of them is made anew."""
    found = []
    for name in names:
        try:
            done = run_export(store, name, settings, now=now, only_withdrawn=True)
            found.append(Left(name, done.version))
        except YetiError as error:
            found.append(Left(name, None, str(error)))
    return found
