"""``yetictl allow-list``: what must not be blocked, and what is done about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.cli.output import counted, json_option, print_json, print_table, progress, say
from core.cli.session import Session
from core.errors import NotFound
from core.schemas.instant import to_text

if TYPE_CHECKING:
    from core.schemas.claim import Refusal
    from core.store import Store
    from core.store.allow_lists.lists import AllowList

SHOWN_REFUSALS = 20
SHOWN_UNUSABLE = 5
_MEANINGS = {
    "hold": "a run that would list any of it is held",
    "block": "what is on it is kept off every export",
    "inform": "a run says how much of it is listed",
    "off": "it does nothing",
}


@click.group()
def command() -> None:
    """Keep lists of what must not be blocked, and say what is done about it.

    A list blocks (what is on it is kept off every export), informs (a run says how much is on it), or is off.
    One of your own assets holds a run that would list any of them.

    \b
    Without a setting, these block: special-purpose addresses and public suffixes, which come with the program;
    resolvers and hashes of empty files; your own lists.  MISP's other warninglists inform.
    """


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the lists."""
    with session.store() as store:
        found = _lists(session, store)
    if as_json:
        print_json([list_object(item) for item in found])
        return
    rows = [(item.name, item.does, item.list_type, item.entries, item.kind.family) for item in found]
    print_table(("allow-list", "does", "type", "entries", "family"), rows, right=("entries",))


@command.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="So many entries at most.")
@json_option
@click.pass_obj
def show(session: Session, name: str, limit: int, as_json: bool) -> None:
    """Print a list: what it does and why, how many observables meet it, and its entries."""
    from core.store.allow_lists import hits as allow_hits
    from core.store.allow_lists import look as allow_look
    from core.store.allow_lists.entries import unusable
    from core.store.allow_lists.lists import get_allow_list

    with session.store() as store:
        item = _named(session, store, name)
        entries = get_allow_list(store, name).entries
        with progress("looking", None) as advance:
            allow_hits.refresh(store, session.now, advance)
        met = dict(allow_look.met_by(store, name))
    useless = list(unusable(item.list_type, entries))
    if as_json:
        told = {"met": met, "unusable": [{"entry": entry, "reason": why} for entry, why in useless]}
        print_json(list_object(item) | told | {"entries": list(entries[:limit])})
        return
    for key, value in _facts(item, met).items():
        click.echo(f"{key + ':':<12}{value}")
    for entry in entries[:limit]:
        click.echo(entry)
    if len(entries) > limit:
        say(f"there are {len(entries) - limit:,} more; --limit {len(entries)} shows them all")
    for entry, why in useless[:SHOWN_UNUSABLE]:
        say(f"nothing can be on {entry!r}: {why}")
    if len(useless) > SHOWN_UNUSABLE:
        say(f"... and {len(useless) - SHOWN_UNUSABLE:,} more that nothing can be on")


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--action", type=click.Choice(["block", "inform", "off", "default"]), help="What it does.")
@click.option("--own-assets/--no-own-assets", default=None, help="A run that would list any of it is held.")
@click.pass_obj
def add(session: Session, name: str, file: Path, action: str | None, own_assets: bool | None) -> int:
    """Keep the values in FILE as the list NAME: one a line, or whatever else `yetictl import` reads.

    An address stands for itself, a network for what lies in it, a name for itself and all below it, anything else
    for itself.  A list of that name is replaced; what was set for it stays.
    """
    from core.ingest.allow_values import read_allow_list
    from core.store.allow_lists.lists import put_allow_list

    refused: list[Refusal] = []
    given = read_allow_list(file, name, refused.append)
    with session.store() as store:
        put_allow_list(store, given, session.now)
        if action or own_assets is not None:
            _set(session, store, name, action, own_assets)
        item = _named(session, store, name)
    for refusal in refused[:SHOWN_REFUSALS]:
        say(f"refused  {file}:{refusal.line}  {refusal.reason}: {refusal.excerpt}")
    if len(refused) > SHOWN_REFUSALS:
        say(f"... and {len(refused) - SHOWN_REFUSALS:,} more")
    number = f"{item.entries:,} {'entry' if item.entries == 1 else 'entries'}"
    say(f"allow-list {name}: {number}; {_MEANINGS[item.does]}")
    return 1 if refused else 0


@command.command("set")
@click.argument("name")
@click.option("--action", type=click.Choice(["block", "inform", "off", "default"]), help="What it does.")
@click.option("--own-assets/--no-own-assets", default=None, help="A run that would list any of it is held.")
@click.pass_obj
def set_(session: Session, name: str, action: str | None, own_assets: bool | None) -> None:
    """Say what the list NAME does; `default` is by its family."""
    if action is None and own_assets is None:
        raise click.UsageError("say what to set: --action, --own-assets")
    with session.store() as store:
        item = _set(session, store, name, action, own_assets)
    say(f"allow-list {name}: {_MEANINGS[item.does]}; the next run of each export goes by it")


@command.command()
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Forget the list NAME."""
    from core.store.allow_lists.lists import remove_allow_list

    with session.store() as store:
        _lists(session, store)
        remove_allow_list(store, name)
    say(f"allow-list {name} removed")


@command.command()
@click.argument("value")
@click.option("--type", "type_name", metavar="T", help="The type; by default it is recognised.")
@json_option
@click.pass_obj
def check(session: Session, value: str, type_name: str | None, as_json: bool) -> None:
    """Say which lists a value meets, whether it is known or not.

    It is equal to an entry, inside of one (in a network, below a name, on a host), it is a network that contains
    one, or a name above one.
    """
    from core.exports.answers.meant import recognised
    from core.store.allow_lists.look import look_up

    type_, known = recognised(value, type_name)
    with session.store() as store:
        _lists(session, store)
        found = look_up(store, type_, known)
    if as_json:
        print_json(
            {
                "type": type_,
                "value": known,
                "lists": [
                    {
                        "name": met.name,
                        "does": met.does,
                        "relation": met.relation,
                        "entry": met.entry,
                        "class": met.special_class or None,
                    }
                    for met in found
                ],
            }
        )
    elif found:
        rows = [(met.name, met.does, met.relation, met.entry) for met in found]
        print_table(("allow-list", "does", "how", "entry"), rows)
    if not found:
        say(f"{type_}  {known} meets no allow-list")


def _lists(session: Session, store: "Store") -> "list[AllowList]":
    from core.store.allow_lists import carried as carried_lists
    from core.store.allow_lists import lists as allow_lists

    carried_lists.bring_up_to_date(store, session.now)
    return allow_lists.allow_lists(store)


def _named(session: Session, store: "Store", name: str) -> "AllowList":
    from core.store.allow_lists.lists import no_such_list

    found = _lists(session, store)
    for item in found:
        if item.name == name:
            return item
    raise NotFound(no_such_list(name, [item.name for item in found]))


def _set(session: Session, store: "Store", name: str, action: str | None, own_assets: bool | None) -> "AllowList":
    from core.store.allow_lists.lists import set_allow_list

    _named(session, store, name)
    return set_allow_list(
        store,
        name,
        action={None: "", "default": None}.get(action, action),
        is_own=own_assets,
    )


def _facts(item: "AllowList", met: dict[str, int]) -> dict[str, str]:
    from core.store.allow_lists.kinds import FAMILIES

    told = ", ".join(f"{relation} {count:,}" for relation, count in met.items())
    facts = {
        "allow-list": item.name,
        "does": f"{item.does}, {'as set' if item.chosen_action or item.kind.is_own else 'by its family'}",
        "family": f"{item.kind.family}, {FAMILIES[item.kind.family]}",
        "type": item.list_type,
        "about": ", ".join(item.matching_attributes) or "everything",
        "version": item.version,
        "received": to_text(item.received_at)[:10],
        "entries": f"{item.entries:,}",
        "met by": f"{counted(sum(met.values()), 'observable')}" + (f": {told}" if told else ""),
    }
    return {key: value for key, value in facts.items() if value}


def list_object(item: "AllowList") -> dict[str, Any]:
    """Return a list for ``--json``."""
    return {
        "name": item.name,
        "does": item.does,
        "action": item.action,
        "is_default": item.chosen_action is None,
        "family": item.kind.family,
        "class": item.kind.special_class or None,
        "carried": item.kind.is_carried,
        "own_assets": item.kind.is_own,
        "type": item.list_type,
        "about": list(item.matching_attributes),
        "version": item.version,
        "description": item.description,
        "count": item.entries,
        "received_at": to_text(item.received_at),
    }
