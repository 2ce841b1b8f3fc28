"""Which observables are meant by what somebody types: as it stands, defanged, or one that nobody knows yet."""

import contextlib
from typing import TYPE_CHECKING

from core.errors import NotFound, RefusedValue
from core.schemas.instant import Instant
from core.store import observables
from core.values.canonical import classify
from core.values.detect import detect
from core.values.refang import refang
from core.values.types import expand

if TYPE_CHECKING:
    from core.store import Store
    from core.store.rows import Row

_MOST_SHOWN = 120


def recognised(text: str, type_name: str | None) -> tuple[str, str]:
    """Return type and canonical value of what was typed.

    Raises:
        RefusedValue: It is not of that type, or of none that is recognised.
        DefinitionError: There is no such type.
    """
    if type_name is not None:
        (only, *more) = expand([type_name])
        if more:
            raise RefusedValue(f"--type {type_name} is a group; name one of {', '.join([only, *more])}")
        return classify(only, refang(text))
    found = detect(text)
    if found is None:
        raise RefusedValue("of no type that is recognised; --type says which it is")
    return found


def find(store: "Store", text: str, type_name: str | None, now: Instant) -> "list[Row]":
    """Return the observables that were meant by what was typed: as it stands, or in canonical form.

    Raises:
        NotFound: There is none.
    """
    wanted = expand([type_name]) if type_name else ()
    forms = [text]
    with contextlib.suppress(RefusedValue):
        forms.append(recognised(text, type_name if len(wanted) == 1 else None)[1])
    for form in dict.fromkeys(forms):
        found = [row for row in observables.find(store, form, now) if not wanted or row.type in wanted]
        if found:
            return found
    of_type = f" of type {type_name}" if type_name else ""
    raise NotFound(
        f"there is no observable {text[:_MOST_SHOWN]!r}{of_type}; yetictl observable list --contains finds parts of values"
    )


def meant(store: "Store", text: str, type_name: str | None, now: Instant) -> list[tuple[str, str]]:
    """Return type and value of the observables that were meant, or of the one that nobody knows yet.

    Raises:
        NotFound: Nobody knows it, and of which type it is cannot be told.
    """
    try:
        return [(row.type, row.value) for row in find(store, text, type_name, now)]
    except NotFound:
        with contextlib.suppress(RefusedValue):
            return [recognised(text, type_name)]
        raise
