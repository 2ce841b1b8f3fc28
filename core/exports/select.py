"""Say what an export selects, and why that may be little."""

from collections.abc import Sequence
from dataclasses import replace

from core.exports.formats import get_format
from core.schemas.export import ExportDefinition, Selection

FEW = 10


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
    """Say whether the way to the result is worth telling: it is short, and something was left out."""
    return bool(funnel) and funnel[-1][1] < FEW and (funnel[0][1] > funnel[-1][1] or funnel[-1][1] == 0)


def funnel_text(funnel: Sequence[tuple[str, int]]) -> str:
    """Return the steps in one line."""
    return " · ".join(f"{step} {count:,}" for step, count in funnel)
