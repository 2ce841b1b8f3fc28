"""``yetictl export kept-off``: what is selected and not on the list, and why."""

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session


@click.command("kept-off")
@click.argument("name")
@click.option(
    "--version", "number", type=click.IntRange(1), help="Of this version; the default is the current one."
)
@click.option("--reason", "word", metavar="WORD", help="Only for this reason, such as cut or allow-listed.")
@json_option
@click.pass_obj
def kept_off(session: Session, name: str, number: int | None, word: str | None, as_json: bool) -> None:
    """Print the observables that are selected and all the same not on the list, each with its reason.

    What a budget cut, an allow-list took out, or the format refused.
    """
    import msgspec

    from core.exports.answers.reason_words import reason_words
    from core.store import archives, ledger

    with session.store() as store:
        item = archives.get(store, name, number) if number else archives.current(store, name)
        if item is None:
            say(f"no versions yet; yetictl export run {name} makes the first")
            return
        with store.snapshot() as snapshot:
            found = [
                (type_, value, reason)
                for type_, value, reason in ledger.kept_off(snapshot, name, item.number)
                if word in (None, msgspec.json.decode(reason)["reason"])
            ]
    if as_json:
        print_json(
            [{"type": type_, "value": value, **msgspec.json.decode(reason)} for type_, value, reason in found]
        )
        return
    if found:
        print_table(
            ("type", "value", "why"), [(type_, value, reason_words(reason)) for type_, value, reason in found]
        )
    say(f"{name}: {len(found):,} kept off version {item.number}")
