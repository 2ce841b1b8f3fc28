"""``export preview --against``: read a log with a bar, and say what a list would have hit in it."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import counted, print_table, progress, say

if TYPE_CHECKING:
    from core.exports.answers.against import Against, Hit
    from core.exports.answers.listed import Listed

MOST_SHOWN = 50
_HOW = {
    "equal": "is an entry",
    "inside": "is inside an entry",
    "below": "is below an entry",
    "contains": "contains an entry",
}


def compare(listed: "Listed", log: Path) -> "Against":
    """Return what of a log, or of standard input (``-``), is listed."""
    from core.exports.answers import log_lines
    from core.exports.answers.against import against

    path = None if str(log) == "-" else log
    with progress("matching", log_lines.size_bytes(path), "bytes") as advance:
        return against(log_lines.read(path, advance), listed)


def print_against(name: str, found: "Against") -> None:
    """Print the hits, those that depend on the consumer last, and how many there are."""
    hits = [*found.direct, *found.apart]
    if hits:
        print_table(
            ("value", "how", "entry", "lines", "first", "there"),
            [_cells(hit) for hit in hits[:MOST_SHOWN]],
            right=("lines", "first"),
        )
    if len(hits) > MOST_SHOWN:
        say(f"and {len(hits) - MOST_SHOWN:,} more; --json prints them all")
    direct = len(found.direct)
    where = f"on {found.hit_lines:,} of {counted(found.lines, 'line')}"
    say(f"{name} would have hit {counted(direct, 'value')}" + (f" {where}" if not found.apart else ""))
    for relation, text in (
        ("below", "below an entry: what blocks names below another hits them, what compares names does not"),
        ("contains", "around an entry: networks of which a part is listed"),
    ):
        if number := sum(hit.match.relation == relation for hit in found.apart):
            say(f"apart from that, {number:,} {text}")
    if found.apart:
        say(f"all of them {where}")
    if found.beyond:
        say(f"{found.beyond:,} times something else was hit; only the first {len(hits):,} are kept apart")
    if found.without_value:
        say(f"{counted(found.without_value, 'line')} without any address, name, URL or hash")
    if found.too_long:
        say(f"{counted(found.too_long, 'line')} of more than a million characters not looked at")


def _cells(hit: "Hit") -> tuple[object, ...]:
    match = hit.match
    how = _HOW[match.relation] + (", in a URL" if match.in_url else "")
    entry = match.entry if match.entries == 1 else f"{match.entry} and {match.entries - 1:,} more"
    return match.value, how, entry, hit.lines, hit.first_line, hit.excerpt
