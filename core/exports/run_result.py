"""How a run ended."""

from dataclasses import dataclass

from core.exports.gate.verdict import Verdict
from core.exports.publishing.publish import Published


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended that did not fail.

    Attributes:
        export: Its name.
        status: ``completed`` or ``held``.
        outcome: ``created``, ``replaced``, ``unchanged`` or ``pinned``; empty if nothing was published.
        message: Why it is held or pinned.
        version: The number of the current version, if there is one.
        entries: Observables in the files.
        refused: Observables that the format cannot express.
        files: What was published, and where.
        reasons: The same, each by itself, if it is held.
        verdict: Of the gate; ``None`` if nothing was made anew.
        candidate: SHA-256 of the first file of what is held, to name it by; empty if nothing waits for a release.
        can_be_released: Whether `release` may publish it.
        notes: What a user should know, each one line.
    """

    export: str
    status: str
    outcome: str = ""
    message: str = ""
    version: int | None = None
    entries: int = 0
    refused: int = 0
    files: tuple[Published, ...] = ()
    reasons: tuple[str, ...] = ()
    verdict: Verdict | None = None
    candidate: str = ""
    can_be_released: bool = False
    notes: tuple[str, ...] = ()
