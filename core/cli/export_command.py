"""``yetictl export``: define, run and look at exports."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from core.actor import actor
from core.cli.export_apply_command import apply, dump, plan
from core.cli.export_diff_command import diff
from core.cli.export_explain_command import explain
from core.cli.export_kept_off_command import kept_off
from core.cli.export_output import (
    definition_object,
    first_run_text,
    print_definition,
    print_results,
    result_object,
    say_result,
    selection_text,
)
from core.cli.export_preview_command import preview
from core.cli.export_preview_output import say_verdict
from core.cli.export_runs_command import cancel, log, runs
from core.cli.export_state import state_lines, state_object
from core.cli.export_versions_command import release, rollback, unpin, verify, versions
from core.cli.limits_command import limits
from core.cli.output import json_option, print_json, print_table, progress, say
from core.cli.own_assets_output import say_way_out
from core.cli.patience import when_free
from core.cli.selection_options import changed_selection, schedule_text, what_options
from core.cli.session import Session
from core.errors import YetiError
from core.redaction import redact
from core.schemas.export import ExportDefinition, Selection

if TYPE_CHECKING:
    from core.exports.run import RunResult
    from core.store import Store


@click.group()
def command() -> None:
    """Define, run and look at exports.

    An export selects observables, writes them in a format (or by a template), and publishes the file.
    """


@command.command()
@click.argument("name")
@what_options
@click.option("--file-name", metavar="F", help="Publish under this name; the default is made from NAME.")
@click.option("--disabled", is_flag=True, help="Keep it switched off; `run --all` passes over it.")
@click.pass_obj
def add(session: Session, /, name: str, file_name: str | None, disabled: bool, **given: Any) -> None:
    """Define an export.

    \b
    Examples:
      yetictl export add c2 --format list --type ip --include c2 --exclude allow-list
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


@command.command()
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


@command.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "run_all", is_flag=True, help="Run every export that is enabled.")
@json_option
@click.pass_obj
def run(session: Session, names: tuple[str, ...], run_all: bool, as_json: bool) -> int:
    """Select, render, check and publish.

    The published file changes whole or not at all; one whose content is the same is left alone.  A run that
    fails leaves what was published as it was and says why; the others go on.
    """
    from core.store import definitions

    if bool(names) == run_all:
        raise click.UsageError("name the exports to run, or say --all")
    with session.store() as store:
        wanted = tuple(dict.fromkeys(names)) or tuple(
            item.name for item in definitions.exports(store) if item.enabled
        )
        status = run_exports(session, store, wanted, as_json=as_json)
    if not wanted:
        say("no export is enabled; yetictl export add NAME defines one")
    return status


def run_exports(
    session: Session,
    store: "Store",
    names: Sequence[str],
    *,
    as_json: bool,
    patience_s: int = 0,
    withdrawing: bool = False,
) -> int:
    """Run exports one after the other, print how each went, and return the exit status.

    A run of another process is waited for as long as *patience_s*.  *withdrawing* is for what must leave: of an
    export that is switched off nothing else is published.
    """
    give_up_at = time.monotonic() + patience_s
    results: list[RunResult] = []
    failures: list[tuple[str, str]] = []
    for name in names:
        _run_one(session, store, name, results, failures, give_up_at, withdrawing)
    if as_json:
        failed = [{"export": name, "status": "failed", "message": message} for name, message in failures]
        print_json([result_object(result) for result in results] + failed)
    elif results:
        print_results(results)
    for result in results:
        say_result(result)
        say_way_out(store, result)
    for name, message in failures:
        say(f"failed   {name}: {message}")
    if failures:
        return 1
    return 3 if any(result.status == "held" for result in results) else 0


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


def _run_one(
    session: Session,
    store: "Store",
    name: str,
    results: "list[RunResult]",
    failures: list[tuple[str, str]],
    give_up_at: float,
    withdrawing: bool,
) -> None:
    from core.exports.run import run_export
    from core.store import definitions

    try:
        less = withdrawing and not definitions.get_export(store, name).enabled

        def once() -> "RunResult":
            with progress(name, None) as advance:
                return run_export(
                    store,
                    name,
                    session.export_settings,
                    now=session.now,
                    on_entries=advance,
                    only_withdrawn=less,
                    by=None if withdrawing else actor(),
                )

        result = when_free(once, max(0, give_up_at - time.monotonic()))
    except YetiError as error:
        failures.append((name, str(error)))
        return
    results.append(result)


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the exports, how each last went, and which are held or pinned."""
    from core.exports.state import state_of, state_text
    from core.store import definitions, runs

    with session.store() as store:
        exports = definitions.exports(store)
        found = [(item, state_of(store, item.name), runs.current_version(store, item.name)) for item in exports]
    if as_json:
        print_json([definition_object(item, state.last) | state_object(state) for item, state, _ in found])
        return
    if not found:
        say("no exports yet; yetictl export add NAME --format list --type ip defines one")
        return
    rows = [
        (
            item.name,
            item.enabled,
            item.format or f"template {item.template}",
            selection_text(item, with_format=False),
            # What consumers have: a run that is held made something else.
            version.entries if version else None,
            state_text(state),
        )
        for item, state, version in found
    ]
    print_table(("export", "enabled", "written as", "takes", "published", "last run"), rows, right=("published",))


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Print an export, its published files and its last runs."""
    from core.exports.state import state_of
    from core.store import definitions, runs

    with session.store() as store:
        item = definitions.get_export(store, name)
        last = runs.runs(store, name, limit=5)
        version = runs.current_version(store, name)
        state = state_of(store, name)
    if as_json:
        print_json(definition_object(item, last[0] if last else None, version) | state_object(state))
        return
    print_definition(item, last, version, session.config["system.export_path"], state_lines(state))


@command.command()
@click.argument("name")
@click.option("--purge", is_flag=True, help="Also delete the published file and the versions.")
@click.pass_obj
def remove(session: Session, name: str, purge: bool) -> None:
    """Remove an export.  Its published file and its versions stay, unless --purge is given."""
    from core.exports.remove import remove_export

    with session.store() as store:
        kept, deleted = remove_export(store, name, session.export_settings, purge=purge, now=session.now)
    say(f"export {name} removed")
    for location in deleted:
        say(f"deleted  {redact(location)}")
    for location in kept:
        say(
            f"kept     {redact(location)}  (no run and no withdrawal changes it any more; --purge would have deleted it)"
        )


for each in (
    preview,
    plan,
    apply,
    dump,
    limits,
    versions,
    diff,
    explain,
    kept_off,
    release,
    rollback,
    unpin,
    verify,
    runs,
    log,
    cancel,
):
    command.add_command(each)
