"""What is found where plug-ins are looked for: those that work, and those that do not, with the reason."""

from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from core.errors import YetiError

T = TypeVar("T")


class Plugin(NamedTuple, Generic[T]):
    """One plug-in that works.

    Attributes:
        origin: Where it came from: the path of a file, or the name of an entry point and its package.
        content: What the reader of this kind of plug-in made of it.
    """

    origin: str
    content: T


class BrokenPlugin(NamedTuple):
    """One plug-in that cannot be used.

    Attributes:
        origin: As in `Plugin`.
        reason: Why, in words, with the line where there is one.
        source: The text of the file, empty for an entry point.
    """

    origin: str
    reason: str
    source: str = ""


class Found(NamedTuple, Generic[T]):
    """Everything there is of one kind, in the order of the places and then of the names."""

    plugins: tuple[Plugin[T], ...]
    broken: tuple[BrokenPlugin, ...]


def reason(error: BaseException, path: Path | None = None) -> str:
    """Return why a plug-in cannot be used, with the line of its file *path* where that is known."""
    if isinstance(error, YetiError):
        return str(error)
    line = error.lineno if isinstance(error, SyntaxError) else _line(error, path)
    where = f" (line {line})" if line and path and "line" not in str(error) else ""
    return f"{type(error).__name__}: {error}{where}"


def _line(error: BaseException, path: Path | None) -> int | None:
    """Return the line of *path* that was running when *error* was raised."""
    traceback, line = error.__traceback__, None
    while traceback is not None:
        if path is not None and traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
