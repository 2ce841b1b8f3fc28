"""How backups, what storage knows otherwise, and what is wrong with a database look."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from core.cli.output import counted, print_table, printable, say
from core.schemas.instant import to_text

if TYPE_CHECKING:
    from core.exports.versions.restored import Difference, Stranger
    from core.store.backup import Manifest
    from core.store.rebuild import Fault

_SHOWN = 20
_WIDEST = 80
_FAULTS = {
    "summary": "not what its sources said",
    "lost": "a part of what its sources said is lost",
    "sources": "what its sources said cannot be read",
    "context": "its context cannot be read",
    "observable": "its type, value or dates cannot be read",
    "gone": "what its sources said is there, and it is not",
    "twice": "there are two of it",
    "name": "its name cannot be read; nothing else was compared",
    "index": "an index of the database is damaged",
    "file": "the database is damaged",
}
_OF_OBSERVABLES = ("summary", "lost", "sources", "context", "observable", "twice")
_CAN_BE_MADE_ANEW = ("summary", "index")


def backup_record(manifest: "Manifest") -> dict[str, Any]:
    """Return what a backup is, for programs."""
    return {
        "software": manifest.software,
        "schema": manifest.schema,
        "made_at": to_text(manifest.made_at),
        "database": manifest.database,
        "tables": manifest.tables,
        "size_bytes": manifest.size_bytes,
        "sha256": manifest.sha256,
    }


def print_difference(item: "Difference") -> None:
    """Print what storage knows otherwise of one export, and what to do."""
    name = printable(item.export)
    if item.later:
        click.echo(
            f"{name}: storage has {_versions(item.later)}, published after the backup; the database has "
            f"{f'version {item.current}' if item.current else 'none'}. The next run publishes version "
            f"{item.later[-1] + 1}; type: yetictl export run {name}"
        )
    if item.lost:
        click.echo(
            f"{name}: {_versions(item.lost)} {'is' if len(item.lost) == 1 else 'are'} gone from storage; "
            f"type: yetictl export verify {name}"
        )
    if item.fault:
        click.echo(f"{name}: {printable(item.fault)}; type: yetictl db check, before anything is run")


def print_stranger(item: "Stranger") -> None:
    """Print what storage has of an export that the database has not, and what to do."""
    click.echo(
        f"{printable(item.export) or item.key}: the database has no such export, and storage has "
        f"{_versions(item.numbers)} of it ({item.key}.*): it was removed, or made after the backup"
    )
    for place in item.published:
        click.echo(
            f"{printable(item.export)}: no run changes {printable(place)} any more; define it again, or remove it"
        )


def _versions(numbers: tuple[int, ...]) -> str:
    text = ", ".join(map(str, numbers[-10:]))
    return f"version{'s' if len(numbers) > 1 else ''} {'... ' if len(numbers) > 10 else ''}{text}"


def faults_record(faults: "Sequence[Fault]") -> list[dict[str, str]]:
    """Return what `verify` found, for programs."""
    return [{"type": fault.type, "value": fault.value, "what": fault.what} for fault in faults]


def print_faults(
    faults: "Sequence[Fault]", number: int, repaired: int, *, has_indexes: bool, may_repair: bool
) -> None:
    """Print what `verify` found among so many observables, what was made anew, and what to do."""
    if faults:
        shown = ((fault.type, _cut(fault.value), _FAULTS[fault.what]) for fault in faults[:_SHOWN])
        print_table(("type", "value", "what is wrong"), shown)
    if len(faults) > _SHOWN:
        say(f"and {len(faults) - _SHOWN:,} more; --json prints them all")
    if has_indexes:
        say("indexes made anew; lists may have lacked what they did not find, and the next runs publish it")
    if repaired:
        say(f"{counted(repaired, 'observable')} repaired; the next runs publish what they are now")
    if not faults:
        say(f"{counted(number, 'observable')}: each is what its sources said")
        return
    if wrong := {fault.key for fault in faults if fault.what in _OF_OBSERVABLES}:
        say(f"{len(wrong):,} of {counted(number, 'observable')} not as they should be")
    if may_repair and any(fault.what in _CAN_BE_MADE_ANEW for fault in faults):
        say("make summaries and indexes anew with: yetictl db verify --repair")
    if any(fault.what not in _CAN_BE_MADE_ANEW for fault in faults):
        say("what is lost is in a backup, if there is one: yetictl db restore")


def _cut(value: str) -> str:
    return value if len(value) <= _WIDEST else value[: _WIDEST - 3] + "..."
