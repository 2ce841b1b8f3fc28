"""What withdrawing a value tells and does, beside the store: who holds it, what else covers it, and publishing."""

import shlex
import sys
from typing import TYPE_CHECKING

import click

from core.cli.output import say
from core.cli.patience import PATIENCE_S
from core.cli.session import Session

if TYPE_CHECKING:
    from core.exports.answers.holders import Inside
    from core.store import Store

HELD = 3


def holders(session: Session, store: "Store", type_: str, value: str) -> list[str]:
    """Return the exports that hold a value."""
    from core.exports.answers.holders import holders

    session.config  # noqa: B018 - makes drop-in formats known
    return holders(store, type_, value, session.now, session.export_settings)


def tell_covering(
    session: Session, store: "Store", type_: str, value: str, reason: str, carve_out: bool | None
) -> list[str]:
    """Say what on published lists still stands for a value, and what lies in it, and carve it out where that is wanted.

    What is carved out leaves networks around it, and what lies in it leaves, too.

    Args:
        session: Of the command.
        store: Where.
        type_: Of the value.
        value: In canonical form.
        reason: Why it is withdrawn.
        carve_out: Whether it is to be excepted; ``None`` asks, where there is somebody to ask.

    Returns:
        The exports that have to run for that.
    """
    from core.exports.answers.holders import covering, inside
    from core.store import carve_outs
    from core.store.allow_lists.entries import ADDRESSES

    is_carved = value in carve_outs.reasons(store)
    networks: dict[str, list[str]] = {}
    for kind, text, names in covering(store, type_, value, session.now):
        listed = f"which is listed by {', '.join(names)}; withdraw that too if it is wrong"
        if kind != "cidr":
            say(f"{type_}  {value} is below the name {text}, {listed}: who blocks by suffix cannot except it")
        elif not is_carved:
            networks[text] = names
            say(f"{type_}  {value} lies in the network {text}, {listed}")
    within = inside(store, type_, value)
    if is_carved:
        return within.exports if within else []
    if within is not None:
        _tell_inside(type_, value, within)
    if networks and carve_out is None:
        carve_out = _is_wanted(value, networks, reason)
    if not carve_out:
        if within is not None and not networks:
            say(_off(type_, value, reason))
        return []
    if type_ not in ADDRESSES:
        say(f"{type_}  {value}: a name cannot be carved out; only addresses and networks can, of networks")
        return []
    carve_outs.carve_out(store, type_, value, reason, session.now)
    others = "" if within is None else ", and what lies in it, or on it, is not listed"
    say(f"{type_}  {value}: carved out; networks around it are listed without it{others}")
    return sorted({name for names in networks.values() for name in names} | {*(within.exports if within else ())})


def _tell_inside(type_: str, value: str, within: "Inside") -> None:
    where = {"cidr": "in it", "hostname": "on or below it"}.get(type_, "on it")
    entries = f"1 entry {where} is" if within.count == 1 else f"{within.count:,} entries {where} are"
    more = ", …" if within.count > len(within.examples) else ""
    listed = f"{entries} listed by {', '.join(within.exports)}"
    say(f"{type_}  {value}: {listed}: {', '.join(within.examples)}{more}")


def _off(type_: str, value: str, reason: str) -> str:
    """Return what takes off what lies in a value: withdrawing that does not."""
    from core.store.allow_lists.entries import ADDRESSES

    if type_ in ADDRESSES:
        return f"to take that off, too: {_carve_out_command(value, reason)}"
    return (
        "withdraw these, too, if they are wrong; or to keep off all of it: "
        f"yetictl allow-list add NAME FILE --action block, with {value} in FILE"
    )


def _carve_out_command(value: str, reason: str) -> str:
    return f"yetictl observable withdraw {value} --reason {shlex.quote(reason)} --carve-out"


def _is_wanted(value: str, networks: dict[str, list[str]], reason: str) -> bool:
    if sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm(f"carve {value} out of {', '.join(networks)}?", err=True)
    say(f"to keep it off them: {_carve_out_command(value, reason)}")
    return False


def publish(session: Session, store: "Store", names: list[str]) -> int:
    """Run the exports that held what was withdrawn, and return the exit status."""
    from core.cli.export_command import run_exports

    if not names:
        say("no export holds it")
        return 0
    status = run_exports(session, store, names, as_json=False, patience_s=PATIENCE_S, withdrawing=True)
    _tell_left_behind(session, store, names)
    # A run that is held has let the value go all the same, and that is what was asked for.
    return 0 if status == HELD else status


def _tell_left_behind(session: Session, store: "Store", names: list[str]) -> None:
    """Say where an export was published before it moved, and left a file that no run brings up to date."""
    from core.errors import YetiError
    from core.exports.publishing.elsewhere import left_behind
    from core.store import definitions

    for name in names:
        destination = definitions.get_export(store, name).destination or session.export_settings.export_path
        try:
            found = left_behind(store, name, destination)
        except YetiError as error:
            say(f"{name}: what it left where it was published before cannot be seen: {error}")
            continue
        for place, file, item in found:
            say(
                f"{name}: {file} at {place} is of version {item.number}, and may list it still: it was published there "
                f"before, and no run changes it; yetictl storage rm {shlex.quote(place)} {shlex.quote(file)}"
            )
