"""Look for tasks: a page of what meets a query.  Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from core.api.yeti.name_pattern import matcher
from core.api.yeti.task_forms import ExportTaskOut
from core.errors import RefusedValue

_Test = Callable[[ExportTaskOut], bool]


def matching(tasks: Iterable[ExportTaskOut], query: Mapping[str, Any]) -> list[ExportTaskOut]:
    """Return those of *tasks* that meet all of *query*.

    Raises:
        RefusedValue: It asks for what a task has not, or in a form that is not understood.
    """
    tests = [_test(key, wanted) for key, wanted in query.items()]
    return [task for task in tasks if all(test(task) for test in tests)]


def sorted_by(tasks: list[ExportTaskOut], sorting: Iterable[tuple[str, bool]]) -> list[ExportTaskOut]:
    """Return *tasks* in the order of fields, each with whether it rises; what is not known comes first.

    Raises:
        RefusedValue: A task has no such field.
    """
    found = list(tasks)
    for name, rises in reversed(list(sorting)):
        _check_field(name)
        found.sort(key=lambda task: _rank(getattr(task, name)), reverse=not rises)
    return found


def _test(key: str, wanted: Any) -> _Test:
    name = key.removesuffix("__in").removesuffix("~")
    _check_field(name)
    if key.endswith("__in"):
        if not isinstance(wanted, list):
            raise RefusedValue(f"{key} is a list")
        return lambda task: _is_one_of(getattr(task, name), wanted)
    if key.endswith("~") or key == "name":
        found = matcher(_text(key, wanted))
        return lambda task: any(map(found, _texts(getattr(task, name))))
    if isinstance(wanted, bool):
        return lambda task: bool(getattr(task, name) is wanted)
    if isinstance(wanted, list):
        return lambda task: set(map(str, wanted)) <= set(_texts(getattr(task, name)))
    part = _text(key, wanted).lower()
    return lambda task: any(part in text.lower() for text in _texts(getattr(task, name)))


def _is_one_of(value: Any, wanted: list[Any]) -> bool:
    return not {str(item) for item in wanted}.isdisjoint(_texts(value))


def _text(key: str, wanted: Any) -> str:
    if not isinstance(wanted, str):
        raise RefusedValue(f"{key} is a text")
    return wanted


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _rank(value: Any) -> tuple[bool, Any]:
    return value is not None, tuple(value) if isinstance(value, list) else (value if value is not None else 0)


def _check_field(name: str) -> None:
    if name not in ExportTaskOut.model_fields:
        known = ", ".join(sorted(ExportTaskOut.model_fields))
        raise RefusedValue(f"a task has no field {name[:80]!a}; known: {known}")
