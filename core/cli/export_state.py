"""How what stands in the way of an export looks, for people and for programs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.exports.state import State


def state_lines(state: "State") -> Iterator[tuple[str, str]]:
    """Yield what it is pinned to, and what is held, each with a heading."""
    from core.exports.state import HELD, held_text, pin_text

    if state.pin is not None:
        yield "pinned", pin_text(state.pin)
    if state.waiting is not None:
        made = state.waiting.record
        yield HELD, f"{made.entries:,} entries, {held_text(state.waiting)}"


def state_object(state: "State") -> dict[str, Any]:
    """Return what it is pinned to and what is held, for ``--json``."""
    from core.exports.objects import held_object, pin_object

    return {"pinned": pin_object(state.pin), "held": held_object(state.waiting)}
