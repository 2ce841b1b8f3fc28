"""Say what an export selects, and why that may be little."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.exports.formats import get_format
from core.schemas.claim import TLP
from core.schemas.export import ExportDefinition, Selection
from core.schemas.instant import Instant
from core.store.rendering import TLP_WORDS

if TYPE_CHECKING:
    from core.store.snapshot import Snapshot

FEW = 10
"""A result of fewer entries, and of less than one candidate in so many, is little."""


def resolved(definition: ExportDefinition) -> Selection:
    """Return the selection with what it leaves open.

    Without types, an export takes what its format can express; for the rest see `bounded`.

    Raises:
        DefinitionError: The format does not exist (any more).
    """
    selection = bounded(definition)
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is None or selection.types:
        return selection
    return replace(selection, types=tuple(sorted(possible)))


def bounded(definition: ExportDefinition) -> Selection:
    """Return the selection with a ceiling.

    Without its own that is ``TLP:AMBER``, or ``TLP:CLEAR`` if anybody may fetch the export.
    """
    selection = definition.selection
    if selection.most_tlp is not None:
        return selection
    return replace(selection, most_tlp=TLP.CLEAR if definition.is_public else TLP.AMBER)


def worth_telling(snapshot: "Snapshot", selection: Selection, instant: Instant) -> list[str]:
    """Return what a selection did that is easily overlooked, each in one line."""
    notes = []
    if (above := snapshot.above(selection, instant)) and selection.most_tlp is not None:
        ceiling = TLP_WORDS[selection.most_tlp].upper()
        notes.append(f"{above:,} left out: marked above TLP:{ceiling}; --tlp sets how far an export may go")
    if undated := snapshot.undated(selection, instant):
        what = "kept" if selection.undated == "keep" else "left out"
        notes.append(f"{undated:,} {what} that have neither a date nor a lifetime; --undated says which")
    return notes


def is_little(funnel: Sequence[tuple[str, int]]) -> bool:
    """Say whether the way to the result is worth telling: nothing is left, or little of much.

    Seven of eight are no riddle, and a hundred of a million are what somebody asked for.
    """
    if not funnel:
        return False
    candidates, left = funnel[0][1], funnel[-1][1]
    return left == 0 or (left < FEW and left * FEW < candidates)


def funnel_text(funnel: Sequence[tuple[str, int]]) -> str:
    """Return the steps in one line."""
    return " · ".join(f"{step} {count:,}" for step, count in funnel)
