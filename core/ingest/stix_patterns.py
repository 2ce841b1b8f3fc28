"""Read the indicator patterns of STIX 2 with the grammar of the standard.

Every comparison ``=``, ``IN`` and ``ISSUBSET`` on a property that is an observable gives that observable, inside
OR and inside AND alike: a pattern of hash AND file name gives both, as the same facts do in a MISP event.  The
pattern itself is kept as context by the caller wherever it says more than one comparison.
What cannot be said by a value (LIKE, MATCHES, negations, sizes) is refused where it stands alone or in an OR;
in an AND it only narrows the others down, and is passed over.  Decision 0026 has the reasons.
"""

from dataclasses import dataclass, field

from core.errors import RefusedValue
from core.ingest.lines import excerpt
from core.ingest.stix_grammar import Term, terms
from core.ingest.stix_paths import kind_of
from core.ingest.typed import IP, typed
from core.schemas.claim import Refusal

_EQUAL = ("=", "IN", "ISSUBSET")


@dataclass(slots=True)
class Reading:
    """What a pattern gave: observables, each once, and what of it could not be taken."""

    observables: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    is_single: bool = True


def read_pattern(text: str, line: int = 0) -> Reading:
    """Read *text*, a pattern of STIX 2.0 or 2.1; nothing is raised, whatever it is."""
    reading = Reading()
    try:
        found = terms(text)
    except RefusedValue as error:
        reading.refusals.append(Refusal(line, str(error), excerpt(text)))
        return reading
    reading.is_single = len(found) == 1 and len(found[0].values) == 1
    for term in found:
        _read_term(term, reading, line)
    if not reading.observables and not reading.refusals:
        reasons = ", ".join(dict.fromkeys(map(str, found)))
        reading.refusals.append(
            Refusal(line, f"no value can express the pattern ({reasons})"[:300], excerpt(text))
        )
    reading.observables = list(dict.fromkeys(reading.observables))
    return reading


def _read_term(term: Term, reading: Reading, line: int) -> None:
    kind = kind_of(term.object_type, term.path)
    if kind is None or term.operator not in _EQUAL or (term.operator == "ISSUBSET" and kind != IP):
        if not term.is_narrowing:
            what = "not an observable" if kind is None else "no value can express it"
            reading.refusals.append(Refusal(line, f"{term}: {what}", excerpt(", ".join(term.values))))
        return
    for value in term.values:
        try:
            reading.observables.append(typed(kind, value))
        except RefusedValue as error:
            reading.refusals.append(Refusal(line, f"{term}: {error}", excerpt(value)))
