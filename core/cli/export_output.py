"""How exports, runs and previews look, for people and for programs."""

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from core.cli.output import is_wide, print_table, printable, say
from core.cli.parameters import duration_text
from core.exports.objects import run_object
from core.redaction import redact
from core.schemas.export import ExportDefinition, Run, Selection, Version
from core.schemas.instant import to_text
from core.store.rendering import TLP_WORDS

if TYPE_CHECKING:
    from core.exports.run_result import RunResult

_SHORT_DIGEST = 16


def selection_text(item: ExportDefinition, with_format: bool = True) -> str:
    """Return what an export takes, in words."""
    chosen = item.selection
    parts = [item.format or f"template {item.template}"] if with_format else []
    parts.append(" ".join(chosen.types) if chosen.types else "every type")
    for word, names in (
        ("with any of", chosen.include),
        ("with all of", chosen.require),
        ("without", chosen.exclude),
        ("ignoring", chosen.ignore),
        ("from", chosen.sources),
    ):
        if names:
            parts.append(f"{word} {', '.join(names)}")
    if chosen.max_age_s:
        parts.append(f"received in the last {duration_text(chosen.max_age_s)}")
    if chosen.first_seen_after is not None:
        parts.append(f"first seen since {to_text(chosen.first_seen_after)}")
    if chosen.last_seen_after is not None:
        parts.append(f"last seen since {to_text(chosen.last_seen_after)}")
    if chosen.most_tlp is not None:
        parts.append(f"up to TLP:{TLP_WORDS[chosen.most_tlp].upper()}")
    if chosen.least_confidence is not None:
        parts.append(f"at least {chosen.least_confidence} sure")
    if chosen.grace_s:
        parts.append(f"for {duration_text(chosen.grace_s)} after its end")
    if chosen.undated == "drop":
        parts.append("not without a date")
    for word, is_on in (
        ("with mere context", chosen.with_info),
        ("also untagged", chosen.untagged),
        ("stale tags count", chosen.any_freshness),
    ):
        if is_on:
            parts.append(word)
    if item.deltas:
        parts.append("with deltas")
    if item.is_public:
        parts.append("for anybody")
    if item.networks:
        parts.append(f"fetched from {', '.join(item.networks)}")
    return "; ".join(parts)


def schedule_words(schedule: str) -> str:
    """Return a schedule as it would be typed: ``every 1h``."""
    from core.exports.definitions.schedule import read_schedule

    found = read_schedule(schedule)
    zone = "" if found.zone == "UTC" else f", {found.zone}"
    text = f"every {duration_text(found.every_s)}" if found.every_s else f"at {found.cron!r} (cron{zone})"
    return f"{text}, up to {duration_text(found.jitter_s)} later" if found.jitter_s else text


def first_run_text(item: ExportDefinition) -> str:
    """Return when an export will first run, and what has to be running for that."""
    name = shlex.quote(item.name)
    by_hand = f"yetictl export run {name}"
    if not item.enabled:
        return f"it is switched off; {by_hand} runs it all the same, yetictl export edit {name} --enable switches it on"
    if item.schedule:
        return f"it is due {schedule_words(item.schedule)}, as long as yetictl tasks is running; {by_hand} runs it now"
    return f"it has no schedule: {by_hand} publishes it"


def selection_object(selection: Selection) -> dict[str, Any]:
    """Return a selection for ``--json``."""
    found: dict[str, Any] = {
        name: list(getattr(selection, name))
        for name in ("types", "include", "require", "exclude", "ignore", "sources")
    }
    for name in ("with_info", "untagged", "any_freshness", "max_age_s", "least_confidence", "grace_s", "undated"):
        found[name] = getattr(selection, name)
    found["most_tlp"] = None if selection.most_tlp is None else TLP_WORDS[selection.most_tlp]
    for name in ("first_seen_after", "last_seen_after"):
        instant = getattr(selection, name)
        found[name] = to_text(instant) if instant is not None else None
    return found


def definition_object(item: ExportDefinition, last: Run | None, version: Version | None = None) -> dict[str, Any]:
    """Return an export for ``--json``."""
    found: dict[str, Any] = {
        "name": item.name,
        "enabled": item.enabled,
        "public": item.is_public,
        "networks": list(item.networks),
        "deltas": item.deltas,
        "format": item.format or None,
        "template": item.template or None,
        "file_name": item.file_name,
        "destination": redact(item.destination) or None,
        "schedule": item.schedule or None,
        "description": item.description,
        "options": item.options,
        "limits": item.limits,
        "selection": selection_object(item.selection),
        "last_run": run_object(last) if last else None,
    }
    if version:
        found["version"] = version.number
        found["files"] = [
            {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256, "entries": file.entries}
            for file in version.files
        ]
    return found


def print_definition(
    item: ExportDefinition,
    last: Sequence[Run],
    version: Version | None,
    default_place: str,
    state: Iterable[tuple[str, str]] = (),
) -> None:
    """Print an export for people; *state* is what stands in its way, each with a heading."""
    click.echo(f"export       {item.name}{'' if item.enabled else '  (switched off)'}")
    if item.description:
        click.echo(f"for          {item.description}")
    click.echo(f"takes        {selection_text(item, with_format=False)}")
    written = item.format or f"template {item.template}"
    options = "".join(f"  {key}={text}" for key, text in sorted(item.options.items()))
    click.echo(f"written as   {written}{options}")
    if item.limits:
        click.echo("limits       " + "  ".join(f"{key}={text}" for key, text in sorted(item.limits.items())))
    click.echo(f"published    {item.file_name} at {redact(item.destination or default_place)}")
    click.echo(f"schedule     {schedule_words(item.schedule) if item.schedule else 'none'}")
    if version:
        click.echo(
            f"version      {version.number}, {version.entries:,} entries, made {to_text(version.created_at)}"
        )
        for file in version.files:
            click.echo(f"  {file.name}  {file.size_bytes:,} bytes  sha256 {file.sha256}")
    for heading, text in state:
        click.echo(printable(f"{heading:<12} {text}"))
    for run in last:
        outcome = f" ({run.outcome})" if run.outcome else ""
        message = f"  {run.message}" if run.message else ""
        click.echo(f"run {run.id:<8} {to_text(run.started_at)}  {run.status}{outcome}{message}")


def result_object(result: "RunResult") -> dict[str, Any]:
    """Return the result of a run for ``--json``."""
    from core.exports.publishing.publish import outcome_of

    return {
        "export": result.export,
        "status": result.status,
        "outcome": result.outcome,
        "message": result.message,
        "reasons": list(result.reasons),
        "verdict": None if result.verdict is None else result.verdict.as_object(),
        "candidate": result.candidate or None,
        "can_be_released": result.can_be_released,
        "version": result.version,
        "entries": result.entries,
        "refused": result.refused,
        "notes": list(result.notes),
        "files": [
            {
                "name": file.name,
                "location": file.location,
                "media_type": file.media_type,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "entries": file.entries,
                "outcome": file.outcome,
                "places": [
                    {"location": place.location, "outcome": outcome_of(place), "etag": place.etag}
                    for place in file.places
                ],
            }
            for file in result.files
        ],
    }


def print_results(results: "Sequence[RunResult]") -> None:
    """Print what runs published; digests are cut where a terminal is too narrow for them."""
    from core.exports.publishing.publish import outcome_of

    wide = is_wide()
    rows: list[tuple[object, ...]] = []
    for result in results:
        first = "held, " if result.status == "held" else "pinned, " if result.outcome == "pinned" else ""
        if not result.files:
            rows.append((result.export, result.entries, None, None, result.outcome or result.status, None))
        rows += [
            (
                result.export,
                file.entries,
                file.size_bytes,
                file.sha256 if wide else file.sha256[:_SHORT_DIGEST] + "…",
                first + outcome_of(place),
                place.location,
            )
            for file in result.files
            for place in file.places
        ]
    print_table(("export", "entries", "bytes", "sha256", "outcome", "where"), rows, right=("entries", "bytes"))


def say_result(result: "RunResult") -> None:
    """Say what a user should know of a run: why it is held and what to do, or what else it found."""
    for line in result.notes:
        say(f"{result.export}: {line}")
    if result.outcome == "pinned":
        say(f"{result.export}: {result.message}")
        say(
            f"{result.export}: not published; yetictl export unpin {shlex.quote(result.export)} lets runs publish again"
        )
    if result.status != "held":
        return
    for reason in result.reasons:
        say(f"{result.export}: held: {reason}")
    name = shlex.quote(result.export)
    if result.can_be_released:
        say(
            f"{result.export}: consumers keep what they have; yetictl export diff {name} held shows what would change"
        )
        say(
            f"{result.export}: to publish it all the same: "
            f"yetictl export release {name} --candidate {result.candidate[:_SHORT_DIGEST]} --reason TEXT"
        )
    else:
        say(
            f"{result.export}: consumers keep what they have; this cannot be released: mend it and run the export again"
        )
