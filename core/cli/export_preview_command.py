"""``yetictl export preview``: look at what a run would publish, and what that would hit."""

from pathlib import Path

import click

from core.cli.export_against_output import compare, print_against
from core.cli.export_preview_output import print_preview
from core.cli.output import json_option, print_json
from core.cli.session import Session


@click.command()
@click.argument("name")
@click.option("--format", "form", metavar="FORMAT", help="Show it in this format instead, with its defaults.")
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of that format; may be repeated."
)
@click.option("--entries", type=click.IntRange(0, 1_000), default=10, show_default=True, help="How many to show.")
@click.option(
    "--against",
    "log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Say what of this log or list (also compressed; - is standard input) the list would have hit.",
)
@json_option
@click.pass_obj
def preview(
    session: Session,
    name: str,
    form: str | None,
    options: tuple[str, ...],
    entries: int,
    log: Path | None,
    as_json: bool,
) -> None:
    """Show what a run would publish, without touching anything.

    With --format FORMAT as another format would show it.

    With --against FILE also what it would have hit: FILE is a list of one value a line, or a log whose lines hold
    addresses, names, URLs or hashes (Apache, nginx, squid, Zeek, dnsmasq, unbound, JSON lines).
    """
    from core.exports.objects import against_object, preview_object
    from core.exports.preview import in_format
    from core.exports.preview import preview_of as look
    from core.store import definitions

    with session.store() as store:
        definition = definitions.get_export(store, name)
        if options and not form:
            raise click.UsageError("--option is of another format: say which by --format")
        if form:
            definition = in_format(definition, form, options)
        seen = look(
            store,
            definition,
            session.export_settings,
            now=session.now,
            entries=entries,
            with_listed=log is not None,
        )
    found = compare(seen.listed, log) if seen.listed is not None and log is not None else None
    if as_json:
        print_json(preview_object(seen) | ({"against": against_object(found)} if found else {}))
        return
    print_preview(seen, definition)
    if found:
        print_against(name, found)
