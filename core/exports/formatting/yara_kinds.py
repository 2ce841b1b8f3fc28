"""What a part of the condition of a YARA rule is: truth, number or text."""

from enum import Enum

from core.errors import RefusedValue


class Kind(Enum):
    """What a part of a condition is; what a module says may be anything."""

    TRUTH = "truth"
    INTEGER = "integer"
    FRACTION = "fraction"
    TEXT = "text"
    UNKNOWN = "unknown"


NUMBERS = (Kind.INTEGER, Kind.FRACTION, Kind.UNKNOWN)
WHOLE = (Kind.INTEGER, Kind.UNKNOWN)
TEXTS = (Kind.TEXT, Kind.UNKNOWN)


def require(kind: Kind, possible: tuple[Kind, ...]) -> None:
    """Raise unless a part is one of the *possible* kinds.

    Raises:
        RefusedValue: It is another.
    """
    if kind not in possible:
        raise RefusedValue(f"YARA: a {kind.value} where it cannot be")
