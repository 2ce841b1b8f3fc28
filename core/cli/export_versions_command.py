"""``yetictl export versions, release, rollback, unpin, verify``: what was published, and what to do about it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from core.actor import actor
from core.cli.output import is_wide, json_option, print_json, print_table, progress, say
from core.cli.parameters import reason_option
from core.cli.patience import when_free
from core.cli.session import Session
from core.redaction import redact
from core.schemas.instant import to_second

if TYPE_CHECKING:
    from core.exports.publishing.publish import Published
    from core.exports.versions.verify import Finding
    from core.store.archives import Archived

_SHORT_DIGEST = 16


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def versions(session: Session, name: str, as_json: bool) -> None:
    """Print the versions that are kept, the newest first, and what is held or pinned."""
    from core.exports.objects import pin_object, version_object
    from core.exports.state import pin_text
    from core.exports.versions.release import candidate
    from core.store import archives, pins
    from core.store.archives import KEPT

    with session.store() as store:
        waiting = candidate(store, name)
        kept = list(reversed(archives.find(store, name, KEPT)))
        current = archives.current(store, name)
        pin = pins.pinned(store, name)
    number = current.number if current else None
    if as_json:
        print_json(
            {
                "export": name,
                "current": number,
                "pinned": pin_object(pin),
                "held": None if waiting is None else version_object(waiting),
                "versions": [version_object(item) for item in kept],
            }
        )
        return
    if kept:
        _print_versions(kept, number)
    else:
        say(f"no versions yet; yetictl export run {shlex.quote(name)} makes the first")
    if pin is not None:
        say(f"pinned {pin_text(pin)}")
    if waiting is not None:
        made = waiting.record
        say(f"held since {to_second(made.made_at)}: {made.entries:,} entries; {held_text(waiting)}")
        say(f"yetictl export diff {shlex.quote(name)} held shows what that would change")


@click.command()
@click.argument("name")
@reason_option("Why; kept with the version.")
@click.option(
    "--candidate", "sha256", default="", metavar="SHA256", help="Only if it is this one; its beginning will do."
)
@json_option
@click.pass_obj
def release(session: Session, name: str, reason: str, sha256: str, as_json: bool) -> None:
    """Publish what a run made and the gate held, exactly as it is.

    An unfinished read, a failed check of the format and an own asset cannot be released.
    """
    from core.exports.versions.release import release as let_go

    with session.store() as store:
        number, files, notes = when_free(
            lambda: let_go(
                store, name, session.export_settings, by=actor(), reason=reason, sha256=sha256, now=session.now
            )
        )
    _print_published(name, number, files, as_json, {"notes": list(notes)})
    for note in notes:
        say(f"{name}: {note}")


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@reason_option("Why; kept with the version.")
@click.option("--exact", is_flag=True, help="Also what was withdrawn or carved out since; also if it is empty.")
@json_option
@click.pass_obj
def rollback(session: Session, name: str, version: int, reason: str, exact: bool, as_json: bool) -> None:
    """Publish an older version again, and pin the export to it.

    It becomes a new version.  Later runs are computed and not published, until `export unpin`.  What was withdrawn
    or carved out since is not published again, unless --exact is given; own assets, and what is marked above what the
    export may pass on, never are.  Nor does it empty a list that has entries, unless --exact is given.
    """
    from core.exports.gate.texts import entries_text
    from core.exports.versions.rollback import roll_back

    with session.store() as store:
        done = when_free(
            lambda: roll_back(
                store,
                name,
                version,
                session.export_settings,
                by=actor(),
                reason=reason,
                exact=exact,
                now=session.now,
            )
        )
    more = {
        "of": done.of,
        "entries_before": done.before,
        "entries": done.entries,
        "changed": dict(done.changed),
        "left_out": done.left_out,
        "notes": list(done.notes),
    }
    _print_published(name, done.version, done.files, as_json, more)
    if done.files:
        changes = ", ".join(f"{count:,} {word}" for word, count in done.changed.items())
        say(f"{name}: version {done.version} has the content of version {done.of}")
        say(f"{name}: {entries_text(done.before)} → {done.entries:,}: {changes}")
    else:
        say(f"{name}: the content of version {done.of} is published already, as version {done.version}")
    if done.left_out:
        say(f"{name}: left out of it: {done.left_out_text}")
    say(f"{name}: pinned; yetictl export unpin {shlex.quote(name)} lets runs publish again")
    for note in done.notes:
        say(f"{name}: {note}")


@click.command()
@click.argument("name")
@click.pass_obj
def unpin(session: Session, name: str) -> None:
    """Let runs publish again after a rollback."""
    from core.store import pins

    with session.store() as store:
        was = pins.unpin(store, name)
    by_hand = f"yetictl export run {shlex.quote(name)}"
    say(f"{name} is no longer pinned to version {was.number}; {by_hand} publishes what is due")


@click.command()
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), help="Only this one.")
@json_option
@click.pass_obj
def verify(session: Session, name: str, number: int | None, as_json: bool) -> int:
    """Read everything that is kept of an export, and compare it with what it should be.

    That is each manifest and its link to the one before, each object, and the published files.
    """
    from core.exports.objects import finding_object
    from core.exports.versions.verify import verify as look

    with session.store() as store, progress(name, None) as advance:
        findings = look(store, name, session.export_settings, number=number, on_object=lambda: advance(1))
    wrong = [item for item in findings if item.fault]
    if as_json:
        print_json([finding_object(item) for item in findings])
    else:
        for item in wrong:
            click.echo(f"{_where(item):<12} {redact(item.what)}: {item.fault}")
    good = len(findings) - len(wrong)
    say(f"{name}: {good:,} of {len(findings):,} manifests, objects and published files are as they should be")
    return 1 if wrong else 0


def cause_text(item: "Archived") -> str:
    """Return why a version was made, and for a release and a rollback, by whom and what for."""
    note = item.record.note
    who = f" by {note['by']}: {note.get('reason', '')}" if "by" in note else ""
    match item.record.cause:
        case "rollback":
            exactly = ", exactly," if note.get("exact") else ""
            return f"rollback to {note.get('of', '?')}{exactly}{who}"
        case "release":
            return f"release{who}"
        case other:
            return other


def held_text(item: "Archived") -> str:
    """Return why a candidate is held."""
    from core.exports.gate.verdict import Verdict

    return Verdict.from_object(item.record.verdict).message


def _print_published(
    name: str,
    number: int,
    files: "tuple[Published, ...]",
    as_json: bool,
    more: "Mapping[str, object] | None" = None,
) -> None:
    if as_json:
        from core.exports.objects import published_objects

        print_json(
            {
                "export": name,
                "version": number,
                **(more or {}),
                "files": published_objects(files),
            }
        )
        return
    for file in files:
        digest = file.sha256 if is_wide() else file.sha256[:_SHORT_DIGEST] + "…"
        click.echo(f"{name}  version {number}  {file.outcome}  {digest}  {redact(file.location)}")


def _print_versions(kept: "Sequence[Archived]", current: int | None) -> None:
    wide = is_wide()
    rows = []
    for item in kept:
        record = item.record
        digest = record.files[0].sha256 if record.files else ""
        rows.append(
            (
                f"{'current ' if item.number == current else ''}{item.number}",
                to_second(record.made_at),
                record.entries,
                *(record.changed.get(word, 0) for word in ("added", "removed", "changed")),
                *([digest] if wide else []),
                cause_text(item),
            )
        )
    numbers = ("version", "entries", "added", "removed", "changed")
    headings = ("version", "made", *numbers[1:], *(["sha256"] if wide else []), "by")
    print_table(headings, rows, right=numbers)


def _where(item: "Finding") -> str:
    if item.is_published:
        return "published"
    return f"version {item.version}" if item.version else "held"
