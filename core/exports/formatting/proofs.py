"""How each format is proven: what the tests wrote down of it, with the versions they ran against."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from core.exports.formatting.contract import Consumer

FILE = Path(__file__).parent.parent / "formats" / "proofs.json"
UNPROVEN = "unproven"
WORDS = {
    "asked": "verified: loaded by {tools} and asked",
    "loaded": "verified: loaded by {tools}",
    "format-checked": "format-checked",
}
"""The strongest first."""
REAL = "real"
"""Stands beside one of the first two where real values were among those that the program took."""
NO_REAL = ", on hostile values and samples"


@dataclass(frozen=True, slots=True)
class Proof:
    """How one format is proven for one consumer: ``asked``, ``loaded`` or ``format-checked``, by what, and of what."""

    how: str
    tools: dict[str, str]
    is_of_real: bool = True

    @property
    def text(self) -> str:
        """The same for people."""
        tools = " and ".join(f"{tool} {version}".strip() for tool, version in self.tools.items())
        return WORDS[self.how].format(tools=tools or "its library") + ("" if self.is_of_real else NO_REAL)


def proof_of(format: str, consumer: Consumer) -> Proof | None:
    """Return the strongest proof that the tests of this version gave, ``None`` if there is none."""
    given = _known().get((format, consumer.name), ())
    found = [proof for proof in given if proof.how in WORDS]
    strongest = min(found, key=lambda proof: list(WORDS).index(proof.how), default=None)
    if strongest is None or strongest.how == "format-checked":
        return strongest
    return replace(strongest, is_of_real=any(proof.how == REAL for proof in given))


def proof_text(format: str, consumer: Consumer) -> str:
    """Return the same for people; what has no proof is unproven."""
    proof = proof_of(format, consumer)
    return proof.text if proof else UNPROVEN


@lru_cache(maxsize=1)
def _known() -> dict[tuple[str, str], list[Proof]]:
    found: dict[tuple[str, str], list[Proof]] = {}
    if FILE.is_file():
        for item in json.loads(FILE.read_text("utf-8")):
            proof = Proof(item["how"], item["tools"])
            found.setdefault((item["format"], item["consumer"]), []).append(proof)
    return found
