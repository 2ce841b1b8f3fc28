"""``yetictl export explain``: whether a value is on a list, since when, and why, or why not."""

import click

from core.cli.export_explain_output import print_explanation
from core.cli.output import json_option, print_json, say
from core.cli.session import Session


@click.command()
@click.argument("name")
@click.argument("value")
@click.option(
    "--version", "number", type=click.IntRange(1), help="Of this version; the default is the current one."
)
@json_option
@click.pass_obj
def explain(session: Session, name: str, value: str, number: int | None, as_json: bool) -> None:
    """Print whether an export lists a value, since when, and why, or why not.

    The value may be typed defanged, and be one that nobody knows.  Told are the claims and whether each counts, the
    rule that decided, networks and names that stand for the value, what is held, and when it was on the list.

    \b
    Examples:
      yetictl export explain c2 198.51.100.7
      yetictl export explain c2 'evil[.]example[.]net' --version 12
    """
    from core.exports.answers.explain import explain as ask
    from core.exports.answers.explanation import explanation_object

    session.config  # noqa: B018 - makes drop-in clients known
    with session.store() as store:
        found = ask(store, name, value, session.export_settings, number, now=session.now)
    if as_json:
        print_json(explanation_object(found))
        return
    print_explanation(found)
    for note in found.notes:
        say(f"{name}: {note}")
