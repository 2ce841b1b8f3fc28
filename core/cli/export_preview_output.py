"""How a preview looks, for people and for programs."""

from typing import TYPE_CHECKING, Any

import click
import msgspec

from core.cli.output import printable, say
from core.cli.own_assets_output import has_own_assets, way_out
from core.schemas.export import ExportDefinition

if TYPE_CHECKING:
    from core.exports.preview import Preview

_MOST_TAGS = 12
_MOST_REASONS = 8


def preview_object(seen: "Preview") -> dict[str, Any]:
    """Return a preview for ``--json``."""
    return {
        "export": seen.export,
        "entries": seen.entries,
        "current_version": seen.current,
        "changed": seen.changed,
        "removed_for": seen.removed_for,
        "kept_off": [{**msgspec.json.decode(reason), "observables": count} for reason, count in seen.kept_off],
        "verdict": seen.verdict.as_object(),
        "types": seen.types,
        "tags": seen.tags,
        "stale_assertions": seen.stale,
        "funnel": [{"step": step, "observables": count} for step, count in seen.funnel],
        "first": seen.first,
        "notes": list(seen.notes),
    }


def print_preview(seen: "Preview", definition: ExportDefinition) -> None:
    """Print what a run of that export would publish."""
    for line in seen.first:
        click.echo(printable(line))
    say(
        f"{seen.entries:,} entries" + (f", of which the first {len(seen.first)} lines above" if seen.first else "")
    )
    for title, counts in (("by type", seen.types), ("by tag", seen.tags)):
        if counts:
            shown = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_TAGS]
            say(f"{title}: " + ", ".join(f"{name} {count:,}" for name, count in shown))
    if seen.stale:
        say(f"{seen.stale:,} assertions on these are stale and did not count")
    if seen.entries == 0:
        say("nothing is selected; how many observables are left after each step:")
    if seen.entries == 0 or seen.funnel:
        say("  " + " · ".join(f"{step} {count:,}" for step, count in seen.funnel))
    say_verdict(seen, definition)


def say_verdict(seen: "Preview", definition: ExportDefinition) -> None:
    """Say how it differs from what is published, what is kept off, and whether a run would be held."""
    if seen.current is not None and not seen.changed:
        say(f"the same content as version {seen.current}, which is published")
    elif seen.current is not None:
        changes = ", ".join(f"{count:,} {word}" for word, count in seen.changed.items())
        reasons = ", ".join(f"{count:,} {word}" for word, count in seen.removed_for.items() if count)
        say(f"against version {seen.current}, which is published: {changes}{f' ({reasons})' if reasons else ''}")
    for reason, count in sorted(seen.kept_off, key=lambda pair: -pair[1])[:_MOST_REASONS]:
        say(f"kept off: {count:,} {reason_words(reason)}")
    if len(seen.kept_off) > _MOST_REASONS:
        say(f"kept off: and for {len(seen.kept_off) - _MOST_REASONS:,} more reasons; --json prints them all")
    for note in seen.notes:
        say(note)
    for held in seen.verdict.reasons:
        say(f"a run would be held: {held.text}")
    if has_own_assets(seen.verdict):
        say(way_out(definition))


def reason_words(reason: str) -> str:
    """Return a reason, which is JSON text, as people say it."""
    told = msgspec.json.decode(reason)
    parts = [str(told.get("reason", ""))]
    if name := told.get("list"):
        parts.append(f"by {name}")
    if entry := told.get("entry"):
        parts.append(f"({told['relation']} {entry})" if told.get("relation") else f"({entry})")
    if tag := told.get("tag"):
        parts.append(f"by {tag} of {told['source']}" if told.get("source") else tag)
    if detail := told.get("detail") or told.get("said"):
        parts.append(f"({detail})")
    if number := told.get("to"):
        parts.append(f"to version {number}")
    return " ".join(parts)
