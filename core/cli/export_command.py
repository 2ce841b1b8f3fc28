"""``yetictl export``: define, run and look at exports."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from core.actor import actor
from core.cli.export_apply_command import apply, dump, plan
from core.cli.export_define_command import add, edit
from core.cli.export_diff_command import diff
from core.cli.export_explain_command import explain
from core.cli.export_kept_off_command import kept_off
from core.cli.export_output import (
    definition_object,
    print_definition,
    print_results,
    result_object,
    say_result,
    selection_text,
)
from core.cli.export_preview_command import preview
from core.cli.export_runs_command import cancel, log, runs
from core.cli.export_state import state_lines, state_object
from core.cli.export_versions_command import release, rollback, unpin, verify, versions
from core.cli.limits_command import limits
from core.cli.output import json_option, print_json, print_table, progress, say
from core.cli.own_assets_output import say_way_out
from core.cli.patience import when_free
from core.cli.session import Session
from core.errors import YetiError
from core.redaction import redact

if TYPE_CHECKING:
    from core.exports.run_result import RunResult
    from core.store import Store


@click.group()
def command() -> None:
    """Define, run and look at exports.

    An export selects observables, writes them in a format (or by a template), and publishes the file.
    """


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
    from core.store import definitions, versions

    with session.store() as store:
        exports = definitions.exports(store)
        found = [
            (item, state_of(store, item.name), versions.current_version(store, item.name)) for item in exports
        ]
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
    from core.store import definitions, runs, versions

    with session.store() as store:
        item = definitions.get_export(store, name)
        last = runs.runs(store, name, limit=5)
        version = versions.current_version(store, name)
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
    add,
    edit,
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
