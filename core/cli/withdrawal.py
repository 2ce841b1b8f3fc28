"""What withdrawing a value tells and does, beside the store: who holds it, what else covers it, and publishing."""

import shlex
import sys
from typing import TYPE_CHECKING

import click

from core.cli.output import say
from core.cli.patience import PATIENCE_S
from core.cli.session import Session

if TYPE_CHECKING:
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
    """Say what on published lists still stands for a value, and except it from networks where that is wanted.

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
    from core.exports.answers.holders import covering
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
    if is_carved:
        return []
    if networks and carve_out is None:
        carve_out = _is_wanted(value, networks, reason)
    if not carve_out:
        return []
    if type_ not in ADDRESSES:
        say(f"{type_}  {value}: a name cannot be carved out; only addresses and networks can, of networks")
        return []
    carve_outs.carve_out(store, type_, value, reason, session.now)
    say(f"{type_}  {value}: carved out; networks around it are listed without it")
    return sorted({name for names in networks.values() for name in names})


def _is_wanted(value: str, networks: dict[str, list[str]], reason: str) -> bool:
    if sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm(f"carve {value} out of {', '.join(networks)}?", err=True)
    say(f"to keep it off them: yetictl observable withdraw {value} --reason {shlex.quote(reason)} --carve-out")
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
