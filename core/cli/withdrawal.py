"""What withdrawing a value tells and does, beside the store: who holds it, what else covers it, and publishing."""

from typing import TYPE_CHECKING

from core.cli.output import say
from core.cli.session import Session

if TYPE_CHECKING:
    from core.store import Store

HELD = 3
PATIENCE_S = 120
"""So long a run that is going on is waited for: it may publish what it read before the withdrawal."""


def holders(session: Session, store: "Store", type_: str, value: str) -> list[str]:
    """Return the exports that hold a value."""
    from core.exports.holders import holders

    session.config  # noqa: B018 - makes drop-in formats known
    return holders(store, type_, value, session.now)


def tell_covering(session: Session, store: "Store", type_: str, value: str) -> None:
    """Say which networks or parents on published lists still stand for a value."""
    from core.exports.holders import covering

    for kind, text, names in covering(store, type_, value, session.now):
        what = "lies in the network" if kind == "cidr" else "is below the name"
        say(
            f"{type_}  {value} {what} {text}, which is listed by {', '.join(names)}; withdraw that too if it is wrong"
        )


def publish(session: Session, store: "Store", names: list[str]) -> int:
    """Run the exports that held what was withdrawn, and return the exit status."""
    from core.cli.export_command import run_exports

    if not names:
        say("no published export holds it")
        return 0
    status = run_exports(session, store, names, as_json=False, patience_s=PATIENCE_S)
    # A run that is held has let the value go all the same, and that is what was asked for.
    return 0 if status == HELD else status
