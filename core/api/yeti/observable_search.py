"""What a search for observables asks for, in the store's terms."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from core.api.yeti.forms import own_type
from core.errors import RefusedValue
from core.schemas.instant import Instant
from core.store.observable_pages import MOST_VALUES, Filter, Sorting
from core.values.dates import instant
from core.values.detect import detect
from core.values.types import expand

_COLUMNS = {"type": "type", "value": "value", "created": "created_at", "modified": "modified_at"}
_MOST_COMPARISONS = 16
_compared = re.compile(r"\s*([<>]=?)\s*(\S.*)", re.DOTALL).fullmatch


def filter_of(query: Mapping[str, Any], type_name: str | None) -> Filter:
    """Return what *query* looks for, and only of that type, if one is given.

    Raises:
        RefusedValue: It asks by what an observable has not, or in a form that is not understood.
    """
    found: dict[str, Any] = {}
    types: list[tuple[str, ...]] = [(own_type(type_name),)] if type_name else []
    for key, value in query.items():
        if key in ("type", "type__in"):
            types.append(expand([own_type(name) for name in _texts(key, value)]))
        elif key in _READERS:
            field, read = _READERS[key]
            found[field] = read(key, value)
        else:
            known = ", ".join(sorted((*_READERS, "type", "type__in")))
            raise RefusedValue(f"observables are not looked for by {key[:80]!a}; known: {known}")
    if types:
        both = set(types[0]).intersection(*types[1:])
        found["types"] = tuple(sorted(both)) or ("",)
    return Filter(**found)


def sorting_of(given: list[tuple[Any, bool]]) -> Sorting:
    """Return by what to sort, in the store's words."""
    return [(_COLUMNS[name], rises) for name, rises in given]  # type: ignore[misc]  # of these words only


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedValue(f"{key} is a text")
    _check_characters(key, value)
    return value


def _texts(key: str, value: Any) -> tuple[str, ...]:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(item, str) for item in several):
        raise RefusedValue(f"{key} is a list of texts")
    if len(several) > MOST_VALUES:
        raise RefusedValue(f"{key} has up to {MOST_VALUES:,} texts, not {len(several):,}")
    for item in several:
        _check_characters(key, item)
    return tuple(several)


def _check_characters(key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RefusedValue(f"{key} holds half a surrogate pair, which is no character") from None


def _values(key: str, value: Any) -> tuple[str, ...]:
    """Return values as they were given, and as they are kept."""
    given = _texts(key, value)
    kept = [found[1] for text in given if (found := detect(text)) is not None]
    return tuple(dict.fromkeys((*given, *kept)))


def _tags(key: str, value: Any) -> tuple[str, ...]:
    names = _texts(key, value)
    if len(names) > 50:
        raise RefusedValue("at most 50 tags are looked for at once")
    return names


def _comparisons(key: str, value: Any) -> tuple[tuple[str, Instant], ...]:
    comparisons = []
    texts = _texts(key, value)
    if len(texts) > _MOST_COMPARISONS:
        raise RefusedValue(f"{key} is compared with at most {_MOST_COMPARISONS} dates at once")
    for text in texts:
        found = _compared(text)
        if found is None:
            raise RefusedValue(f"{key} is compared, as in '>2024-01-01', not {text[:40]!a}")
        comparisons.append((found[1], instant(found[2])))
    return tuple(comparisons)


_READERS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "value": ("text", _text),
    "value__in": ("values", _values),
    "tags": ("tags", _tags),
    "created": ("created", _comparisons),
    "modified": ("modified", _comparisons),
}
