"""What stands in the way of an export: it is held, it is pinned, its last run failed."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.exports.gate.verdict import Verdict
from core.exports.versions.release import candidate
from core.schemas.export import Run
from core.schemas.instant import to_second
from core.store import pins, runs

if TYPE_CHECKING:
    from core.store import Store
    from core.store.archives import Archived
    from core.store.pins import Pin

HELD = "held"


@dataclass(frozen=True, slots=True)
class State:
    """How an export stands.

    Attributes:
        last: Its last run; ``None`` if there was none.
        pin: What it is pinned to.
        waiting: The candidate that is held.
    """

    last: Run | None
    pin: "Pin | None"
    waiting: "Archived | None"

    @property
    def is_held(self) -> bool:
        """Something waits for a release, or the last run was held though it would change nothing."""
        return self.waiting is not None or (self.last is not None and self.last.status == HELD)


def state_of(store: "Store", name: str) -> State:
    """Return how the export *name* stands."""
    return State(runs.last_run(store, name), pins.pinned(store, name), candidate(store, name))


def state_text(state: State) -> str:
    """Return in a few words how the last run went, and what stands in the way."""
    status = state.last.status if state.last else "never run"
    found = [word for word, holds in ((HELD, state.is_held), ("pinned", state.pin is not None)) if holds]
    if not found or status not in ("completed", HELD):
        found.insert(0, status)
    return ", ".join(found)


def held_text(item: "Archived") -> str:
    """Return since when a candidate is held, and why."""
    return f"held since {to_second(item.record.made_at)}: {_verdict(item).message}"


def warnings(name: str, state: State) -> Iterator[str]:
    """Yield what somebody has to do something about, each with the command that helps."""
    quoted = shlex.quote(name)
    if state.last is not None and state.last.status == "failed":
        yield f"{name}: the last run failed: {state.last.message}"
    if state.waiting is not None:
        look = f"yetictl export diff {quoted} held shows what would change"
        release = "this cannot be released: mend it and run the export again"
        if _verdict(state.waiting).can_be_released:
            release = f"to publish it all the same: yetictl export release {quoted} --reason TEXT"
        yield f"{name}: {held_text(state.waiting)}; {look}; {release}"
    elif state.last is not None and state.last.status == HELD:
        again = f"mend that, and run it again: yetictl export run {quoted}"
        yield f"{name}: the last run was held: {state.last.message}; {again}"
    if state.pin is not None:
        yield f"{name}: pinned {pin_text(state.pin)}; yetictl export unpin {quoted} lets runs publish again"


def pin_text(pin: "Pin") -> str:
    """Return what an export is pinned to, since when, by whom and why."""
    return f"to version {pin.number} since {to_second(pin.pinned_at)} by {pin.by}: {pin.reason}"


def _verdict(item: "Archived") -> Verdict:
    return Verdict.from_object(item.record.verdict)
