"""``yetictl export plan``, ``apply`` and ``dump``: definitions as files under version control."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.cli.export_output import selection_text
from core.cli.output import counted, json_option, print_json, printable, say
from core.cli.session import Session
from core.errors import DefinitionFilesError

if TYPE_CHECKING:
    from core.exports.definitions.plan import Change, Outlook, Plan
    from core.store import Store

WOULD_CHANGE = 4

_paths = click.argument(
    "paths", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(path_type=Path)
)
_remove = click.option("--remove", is_flag=True, help="Also remove the exports that are in none of the files.")


@click.command()
@_paths
@_remove
@click.option("--exit-code", is_flag=True, help=f"Exit with status {WOULD_CHANGE} if anything would change.")
@json_option
@click.pass_obj
def plan(session: Session, paths: tuple[Path, ...], remove: bool, exit_code: bool, as_json: bool) -> int:
    """Show what `apply` would do with these files, and how the lists would change.

    Nothing is touched.  A file is TOML or YAML, its words are those of `export add`:

    \b
      [[export]]
      name = "c2-addresses"
      format = "list"
      type = ["ip"]
      include = ["c2"]
      every = "1h"
    """
    with session.store() as store:
        wanted = _planned(session, store, paths, remove)
    if wanted is None:
        return 1
    _print(wanted, as_json)
    return WOULD_CHANGE if exit_code and not wanted.is_empty else 0


@click.command()
@_paths
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do nothing.")
@_remove
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody is at a terminal.")
@json_option
@click.pass_obj
def apply(
    session: Session, paths: tuple[Path, ...], only_plan: bool, remove: bool, yes: bool, as_json: bool
) -> int:
    """Bring the exports to what files say: all of it, or nothing if anything in them is wrong.

    Shows the plan and asks first.  A file is the whole truth of its exports: what it does not say is the default.
    Only a file name stays as it is, unless the file gives another.  Exports that are in none of the files stay,
    unless --remove is given; files that were published stay in any case.  A folder is read with its folders.

    \b
    Examples:
      yetictl export apply exports/
      yetictl export apply exports/c2.toml --plan
      yetictl export apply exports/ --remove --yes
    """
    from core.exports.definitions import plan as plans

    with session.store() as store:
        wanted = _planned(session, store, paths, remove)
        if wanted is None:
            return 1
        _print(wanted, as_json)
        if only_plan or wanted.is_empty:
            return 0
        if not yes:
            _ask()
        plans.apply(store, wanted, session.now)
    _say_done(wanted)
    return 0


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write exports.toml and the templates into this folder instead.",
)
@click.pass_obj
def dump(session: Session, names: tuple[str, ...], folder: Path | None) -> None:
    """Print exports as TOML, as `apply` reads it; all of them if none is named.

    Templates are files of their own: with --to they are written beside exports.toml.
    """
    from core.exports.definitions.dump import dumped, write_to
    from core.store import definitions, kept_templates

    with session.store() as store:
        found = [definitions.get_export(store, name) for name in dict.fromkeys(names)]
        found = found or definitions.exports(store)
        templates = {item.name: item.text for item in kept_templates.templates(store)}
    if folder is None:
        click.echo(dumped(found), nl=False)
        for name in sorted({item.template for item in found if item.template}):
            say(f"the template {name} is not in it; --to FOLDER writes it, too")
    else:
        for path in write_to(folder, found, templates):
            say(f"written  {path}")
    if not found:
        say("no exports yet; yetictl export add NAME defines one")


def _planned(session: Session, store: "Store", paths: tuple[Path, ...], remove: bool) -> "Plan | None":
    """Return the plan, or say everything that is wrong with the files."""
    from core.exports.definitions import files
    from core.exports.definitions import plan as plans

    settings = session.export_settings
    try:
        return plans.plan(store, files.read(paths), settings, remove=remove, now=session.now)
    except DefinitionFilesError as error:
        for problem in error.problems:
            say(f"yetictl: {problem}")
        say(f"{counted(len(error.problems), 'mistake')}; nothing was done")
        return None


def _ask() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("nobody is there to ask: say --yes; nothing was done")
    click.confirm("Do that?", abort=True, err=True)


def _print(wanted: "Plan", as_json: bool) -> None:
    if as_json:
        from core.exports.objects import plan_object

        print_json(plan_object(wanted))
    else:
        for change in wanted.changes:
            _print_change(change)
        for template in wanted.templates:
            users = f", which {', '.join(template.used_by)} use, too" if template.used_by else ""
            _line(template.kind, f"template {template.name}{users}")
    for change in wanted.changes:
        for note in change.notes:
            say(f"yetictl: {change.name}: {note}")
    say(_summary(wanted))
    if wanted.left:
        stay = (
            "is in none of the files and stays" if len(wanted.left) == 1 else "are in none of the files and stay"
        )
        say(
            f"{counted(len(wanted.left), 'export')} {stay}: {_some(wanted.left)}; --remove removes what is in none"
        )


def _summary(wanted: "Plan") -> str:
    parts = [
        f"{len(names):,} to {kind}" for kind in ("create", "change", "remove") if (names := wanted.names(kind))
    ]
    if wanted.templates:
        parts.append(counted(len(wanted.templates), "template"))
    parts.append(f"{len(wanted.names('keep')):,} unchanged")
    return "exports: " + ", ".join(parts) + ("; nothing to do" if wanted.is_empty else "")


_MARKS = {"create": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}


def _line(kind: str, text: str) -> None:
    mark, colour = _MARKS[kind]
    click.echo(click.style(f"{mark} {kind}  ", fg=colour) + printable(text))


def _print_change(change: "Change") -> None:
    if change.kind == "keep":
        return
    if change.kind == "remove":
        _line("remove", f"{change.name}  what it published stays")
        return
    if change.after and change.kind == "create":
        _line("create", f"{change.name}  {selection_text(change.after)}; published as {change.after.file_name}")
    else:
        _line("change", change.name)
        for field in change.fields:
            click.echo(printable(f"    {field.word}: {_words(field.old)} → {_words(field.new)}"))
    if change.outlook:
        for line in _outlook_lines(change.outlook):
            click.echo(printable(f"    {line}"))


def _outlook_lines(outlook: "Outlook") -> list[str]:
    if outlook.fault:
        return [f"a run would fail: {outlook.fault}"]
    text = f"{outlook.entries:,} {'entry' if outlook.entries == 1 else 'entries'}"
    if outlook.version is not None:
        signs = {"added": "+", "removed": "-"}
        parts = [f"{signs.get(word, '~')}{count:,}" for word, count in outlook.changed.items()]
        text += f"; against version {outlook.version}: {' '.join(parts) or 'the same'}"
    return [text, *(f"a run would be held: {reason}" for reason in outlook.held)]


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, dict):
        return " ".join(f"{key}={text}" for key, text in value.items()) or "-"
    return str(value)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _say_done(wanted: "Plan") -> None:
    say("done")
    changed = [*wanted.names("create"), *wanted.names("change")]
    on = [
        change.name
        for change in wanted.changes
        if change.name in changed and change.after and change.after.enabled
    ]
    if on:
        names = " ".join(on) if len(on) <= 5 else "--all"
        say(f"yetictl export run {names} publishes {'it' if len(on) == 1 else 'them'}")
