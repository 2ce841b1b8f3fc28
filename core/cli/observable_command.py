"""``yetictl observable``: look at, add, tag and withdraw observables."""

import json
import shlex
from typing import TYPE_CHECKING

import click

from core.cli.observable_output import assertion_cells, row_object, short_text, tags_text
from core.cli.output import counted, json_option, print_json, print_table, printable, say
from core.cli.parameters import reason_option
from core.cli.session import Session
from core.errors import RefusedValue
from core.schemas.claim import TLP, Claim, Kind
from core.schemas.instant import to_text
from core.values.types import expand

if TYPE_CHECKING:
    pass

MOST = 1_000_000
"""The most observables that one list may have; for more there are exports."""

BY_HAND = "yetictl"
"""The source of what is typed in, unless --source says another."""


@click.group()
def command() -> None:
    """Look at, add, tag and withdraw observables.

    An observable is a type and a canonical value; values may be typed defanged, as they stand in a report.
    """


@command.command("list")
@click.option("--type", "types", multiple=True, metavar="T", help="Of this type, or the group ip, domain, hash.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With any of these tags.")
@click.option("--source", "sources", multiple=True, metavar="S", help="Claimed by any of these sources.")
@click.option("--contains", "text", default="", metavar="TEXT", help="With this in the value.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def list_(
    session: Session,
    types: tuple[str, ...],
    tags: tuple[str, ...],
    sources: tuple[str, ...],
    text: str,
    limit: int,
    as_json: bool,
) -> None:
    """Print observables, ordered by type and value."""
    from core.store import observables

    with session.store() as store:
        found = observables.list_(
            store, session.now, types=expand(types), tags=tags, sources=sources, text=text, limit=limit + 1
        )
    shown = found[:limit]
    if as_json:
        print_json([row_object(row) for row in shown])
    elif shown:
        print_table(("type", "value", "tags"), [(row.type, row.value, tags_text(row)) for row in shown])
    if not shown:
        say("no such observables")
    elif len(found) > limit:
        say(f"there are more; --limit {min(limit * 10, MOST)} shows more of them")


@command.command()
@click.argument("value")
@click.option("--type", "type_name", metavar="T", help="Of this type only.")
@json_option
@click.pass_obj
def show(session: Session, value: str, type_name: str | None, as_json: bool) -> None:
    """Print everything known of one value: who says what of it, and since when."""
    from core.exports.answers.meant import find

    with session.store() as store:
        found = find(store, value, type_name, session.now)
    if as_json:
        print_json([row_object(row) for row in found])
        return
    for row in found:
        click.echo(printable(f"{row.type}  {row.value}"))
        click.echo(f"known since {to_text(row.created_at)}, changed {to_text(row.modified_at)}")
        if row.tags:
            headings = ("tag", "source", "kind", "state", "first seen", "last seen", "ends", "confidence", "tlp")
            print_table(headings, [assertion_cells(item, session.now) for item in row.tags], right=("confidence",))
        else:
            click.echo("nobody claims anything of it")
        for entry in json.loads(row.context):
            text = ", ".join(f"{key}: {short_text(item)}" for key, item in entry.items() if key != "source")
            click.echo(printable(f"context  {entry.get('source', '')}: {text}"))


@command.command()
@json_option
@click.pass_obj
def count(session: Session, as_json: bool) -> None:
    """Print how many observables there are of each type."""
    from core.store import observables

    with session.store() as store:
        counts = observables.count(store)
    if as_json:
        print_json(counts)
    elif counts:
        print_table(
            ("type", "observables"), [*counts.items(), ("all", sum(counts.values()))], right=("observables",)
        )
    else:
        say("the store is empty; yetictl import PATH brings intelligence in")


@command.command()
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
@click.option("--type", "type_name", metavar="T", help="The type; by default it is recognised.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag for all of them. Repeatable.")
@click.option("--source", default=BY_HAND, show_default=True, metavar="NAME", help="Who says so.")
@click.option(
    "--kind",
    type=click.Choice([kind.name.lower() for kind in Kind]),
    help="What the claim is; by default malicious, and benign under a sticky tag.",
)
@click.option("--confidence", type=click.IntRange(0, 100), help="How sure that is, 0 to 100.")
@click.option(
    "--tlp",
    type=click.Choice([_.name.lower().replace("_", "+") for _ in TLP]),
    help="How far it may be passed on.",
)
@click.pass_obj
def add(
    session: Session,
    values: tuple[str, ...],
    type_name: str | None,
    tags: tuple[str, ...],
    source: str,
    kind: str | None,
    confidence: int | None,
    tlp: str | None,
) -> int:
    """Add single values.  A value that is refused is said with its reason; the others go in."""
    from core.exports.answers.meant import recognised
    from core.store import observables

    found, refused = [], 0
    for text in values:
        try:
            found.append(recognised(text, type_name))
        except RefusedValue as error:
            say(f"refused  {short_text(text)!r}: {error}")
            refused += 1
    if found:
        with session.store() as store:
            groups = [(Kind[kind.upper()], tags)] if kind else observables.by_kind(store, tags)
            claims = [
                Claim(
                    type=type_,
                    value=value,
                    source=source,
                    tags=tuple(dict.fromkeys(names)),
                    kind=what,
                    confidence=confidence,
                    tlp=TLP[tlp.upper().replace("+", "_")] if tlp else None,
                )
                for type_, value in found
                for what, names in groups
            ]
            report = observables.add(store, claims, session.now)
        for type_, value in found:
            say(f"{type_}  {value}")
        say(f"{report.new} new, {report.updated} updated, {report.unchanged} unchanged")
    return 1 if refused else 0


@command.command()
@click.argument("value")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--type", "type_name", metavar="T", help="Of this type only.")
@click.option("--source", default=BY_HAND, show_default=True, metavar="NAME", help="Who says so.")
@click.pass_obj
def tag(session: Session, value: str, tags: tuple[str, ...], type_name: str | None, source: str) -> None:
    """Tag a known value.

    Under a sticky tag (benign, false-positive, allowlist, ...; see `tag list`) it is claimed to be good, and the next
    runs leave it out; `observable withdraw` does more, and at once.
    """
    from core.exports.answers.meant import find
    from core.store import observables

    with session.store() as store:
        for row in find(store, value, type_name, session.now):
            try:
                observables.tag(store, row.type, row.value, tags, source, session.now)
            except RefusedValue as error:
                again = f"yetictl observable add {shlex.quote(row.value)} --source {shlex.quote(source)} --tag TAG"
                raise RefusedValue(f"{error}; {again} --tlp LEVEL") from None
            say(f"{row.type}  {row.value}  tagged {', '.join(tags)}")


@command.command()
@click.argument("value")
@reason_option("Why; kept with what is withdrawn.")
@click.option("--type", "type_name", metavar="T", help="Of this type only.")
@click.option("--no-run", is_flag=True, help="Do not run the exports that hold it; they go on holding it.")
@click.option(
    "--carve-out/--no-carve-out",
    default=None,
    help="List networks around it without it, or as they are. By default you are asked, on a terminal.",
)
@click.pass_obj
def withdraw(
    session: Session, value: str, reason: str, type_name: str | None, no_run: bool, carve_out: bool | None
) -> int:
    """Withdraw a false positive: no export takes the value any more, and those that hold it run now.

    Whatever is claimed of it is withdrawn, and it is marked as benign, so that no later import of any source
    brings it back; `observable reinstate` does.  A value that nobody knows yet is marked all the same.

    An address that is listed through a network, too, can be carved out of it: then no export lists the network but
    what is left of it.  A name that is listed through one above it cannot.  What is listed inside a network, on an
    address or below a name stays, and is told; carving out the network, or the address, takes it off, too.
    """
    from core.cli import withdrawal
    from core.exports.answers.meant import meant
    from core.store import clearing
    from core.store.conditions import CLEARED

    names: dict[str, None] = {}
    with session.store() as store:
        for type_, known in meant(store, value, type_name, session.now):
            names |= dict.fromkeys(withdrawal.holders(session, store, type_, known))
            number = clearing.clear(store, type_, known, reason, session.now)
            say(f"{type_}  {known}: {counted(number, 'assertion')} withdrawn, and marked as {CLEARED}")
            names |= dict.fromkeys(withdrawal.tell_covering(session, store, type_, known, reason, carve_out))
        if no_run and names:
            quoted = " ".join(map(shlex.quote, names))
            say(f"still held by {', '.join(names)}; yetictl export run {quoted} publishes without it")
            return 0
        return withdrawal.publish(session, store, [*names])


@command.command()
@click.argument("value")
@click.option("--type", "type_name", metavar="T", help="Of this type only.")
@click.pass_obj
def reinstate(session: Session, value: str, type_name: str | None) -> None:
    """Undo a withdrawal, but not one by the source itself.  The exports take the value again with their next run."""
    from core.exports.answers.meant import find
    from core.store import carve_outs, clearing

    with session.store() as store:
        for row in find(store, value, type_name, session.now):
            if carve_outs.undo(store, row.value, session.now):
                say(f"{row.type}  {row.value}: not carved out of networks any more")
            number = clearing.undo(store, row.type, row.value, session.now)
            count = "counts" if number == 1 else "count"
            say(
                f"{row.type}  {row.value}: {counted(number, 'assertion')} {count} again; "
                "run your exports to publish that"
            )
