"""Say what an export selects, and why that may be little."""

from collections.abc import Sequence
from dataclasses import replace

from core.exports.formats import get_format
from core.schemas.export import ExportDefinition, Selection

FEW = 10
"""A result of fewer entries, and of less than one candidate in so many, is little."""


def resolved(definition: ExportDefinition) -> Selection:
    """Return the selection with types: without any, an export takes what its format can express.

    Raises:
        DefinitionError: The format does not exist (any more).
    """
    selection = definition.selection
    possible = get_format(definition.format).TYPES if definition.format else None
    if possible is None or selection.types:
        return selection
    return replace(selection, types=tuple(sorted(possible)))


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
