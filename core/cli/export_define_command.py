"""``yetictl export add``, ``edit``: define an export, and say what a run of it would do."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from core.cli.export_output import first_run_text, selection_text
from core.cli.export_preview_output import say_verdict
from core.cli.output import progress, say
from core.cli.selection_options import changed_selection, schedule_text, what_options
from core.cli.session import Session
from core.errors import YetiError
from core.schemas.export import ExportDefinition, Selection

if TYPE_CHECKING:
    from core.store import Store


@click.command()
@click.argument("name")
@what_options
@click.option("--file-name", metavar="F", help="Publish under this name; the default is made from NAME.")
@click.option("--disabled", is_flag=True, help="Keep it switched off; `run --all` passes over it.")
@click.pass_obj
def add(session: Session, /, name: str, file_name: str | None, disabled: bool, **given: Any) -> None:
    """Define an export.

    \b
    Examples:
      yetictl export add c2 --format addresses --include c2 --exclude allow-list
      yetictl export add hashes --format csv --type hash --max-age 90d
      yetictl export add siem --template my-siem --to s3://bucket/lists --every 1h
    """
    from core.exports.definitions import definition, keeping

    if bool(given["form"]) == bool(given["template"]):
        raise click.UsageError("say how to write it: --format F (see yetictl format list) or --template T")
    session.config  # noqa: B018 - makes drop-in formats known
    with session.store() as store:
        made = definition.make(
            store,
            name,
            selection=changed_selection(Selection(), given),
            format=given["form"] or "",
            template=given["template"] or "",
            options=dict(given["options"]),
            limits=dict(given["limits"]),
            destination=given["destination"] or "",
            default_destination=session.config["system.export_path"],
            file_name=file_name or "",
            schedule=schedule_text(given) or "",
            description=given["description"] or "",
            enabled=not disabled,
            is_public=bool(given["is_public"]),
            networks=given["networks"],
            deltas=bool(given["deltas"]),
            now=session.now,
        )
        for warning in keeping.keep(store, made, session.export_settings):
            say(f"yetictl: {warning}")
        _say_preview(session, store, made)
    say(f"export {name} defined: {selection_text(made)}; published as {made.file_name}")
    say(first_run_text(made))


@click.command()
@click.argument("name")
@what_options
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@click.option("--rename", "new_name", metavar="NEW", help="Call it otherwise; its history and its versions stay.")
@click.pass_obj
def edit(session: Session, /, name: str, enabled: bool | None, new_name: str | None, **given: Any) -> None:
    """Change an export.  An option given replaces that field; --include '' clears it.

    The file name stays as it was when the export was made, whatever it is called now, so that no consumer loses its
    URL; only addresses with ~NAME in them go by the name.
    """
    from core.exports.definitions import keeping, words
    from core.store import definitions

    session.config  # noqa: B018 - makes drop-in formats known
    with session.store() as store:
        old = definitions.get_export(store, name)
        changes: dict[str, Any] = {"selection": changed_selection(old.selection, given)}
        if given["form"] and given["template"]:
            raise click.UsageError("--format and --template exclude each other")
        if given["form"]:
            changes |= {"format": given["form"], "template": ""}
        if given["template"]:
            changes |= {"template": given["template"], "format": ""}
        for field in ("options", "limits"):
            if given[field]:
                merged = getattr(old, field) | dict(given[field])
                changes[field] = {key: value for key, value in merged.items() if value != ""}
        for field in ("destination", "description"):
            if given[field] is not None:
                changes[field] = given[field]
        if given["networks"]:
            changes["networks"] = words.networks(given["networks"])
        schedule = schedule_text(given)
        if schedule is not None:
            changes["schedule"] = schedule
        for field, value in (
            ("name", new_name and new_name.strip()),
            ("enabled", enabled),
            ("is_public", given["is_public"]),
            ("deltas", given["deltas"]),
        ):
            if value is not None:
                changes[field] = value
        made = replace(old, **changes, modified_at=session.now)
        for warning in keeping.keep(store, made, session.export_settings, seen=old):
            say(f"yetictl: {warning}")
        _say_preview(session, store, made)
    if made.name != name:
        say(f"export {name} is called {made.name} now; it is published as {made.file_name}, as before")
        say(f"whoever fetches /exports/~{name}/… has to ask for /exports/~{made.name}/…")
    say(f"export {made.name} changed: {selection_text(made)}; the next run publishes it")


def _say_preview(session: Session, store: "Store", made: ExportDefinition) -> None:
    """Say what a run would do; an export that could not run yet is defined all the same."""
    from core.exports.preview import preview_of

    try:
        with progress(made.name, None):
            seen = preview_of(store, made, session.export_settings, now=session.now, entries=0)
    except YetiError as error:
        say(f"yetictl: a run would fail: {error}")
        return
    say(f"a run would write {seen.entries:,} entries")
    say_verdict(seen, made)
