"""How a preview looks for people."""

from typing import TYPE_CHECKING

import click

from core.cli.output import printable, say
from core.cli.own_assets_output import has_own_assets, way_out
from core.exports.answers.reason_words import reason_words
from core.schemas.export import ExportDefinition

if TYPE_CHECKING:
    from core.exports.preview import Preview

_MOST_TAGS = 12
_MOST_REASONS = 8


def print_preview(seen: "Preview", definition: ExportDefinition) -> None:
    """Print what a run of that export would publish."""
    is_set = len(seen.files) > 1
    for file in seen.files:
        if is_set:
            say(f"{file.name}:")
        for line in file.lines:
            click.echo(printable(line))
    lines = sum(len(file.lines) for file in seen.files)
    above = f"; above {'each file begins' if is_set else 'are its first lines'}" if lines else ""
    say(f"{seen.entries:,} entries{above}")
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
