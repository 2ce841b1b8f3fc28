"""Plug-ins that installed packages offer."""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.plugins.folder import modified_ns
from core.plugins.plugin import BrokenPlugin, Plugin, reason

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

_NO_FOLDER = ".__path_hook__"
"""How an entry of ``sys.path`` ends that setuptools makes for editable installs, and that is no place."""


class EntryPoints(Generic[T]):
    """What installed packages offer in one group."""

    def __init__(self, group: str, read: Callable[[Any], T]) -> None:
        self._group, self._read = group, read
        self._signature: list[object] | None = None
        self._loaded: dict[tuple[str, str, str], Plugin[T] | BrokenPlugin] = {}

    def refresh(self) -> bool:
        """Look again if a folder of ``sys.path`` has changed; installing or removing a package changes one."""
        signature = [*sys.path, *[modified_ns(place) for place in sys.path if not place.endswith(_NO_FOLDER)]]
        if signature == self._signature:
            return False
        self._signature = signature
        from importlib.metadata import entry_points  # costs as much as all the rest; only when there is a need

        before, self._loaded = self._loaded, {}
        for entry in entry_points(group=self._group):
            package = entry.dist.name if entry.dist else "?"
            key = (package, entry.name, entry.value)
            known = before.get(key)
            self._loaded[key] = known if isinstance(known, Plugin) else self._load(entry, package)
        return self._loaded != before

    def results(self) -> Iterator[Plugin[T] | BrokenPlugin]:
        """Yield every entry point's result, in the order of packages and names."""
        for key in sorted(self._loaded):
            yield self._loaded[key]

    def _load(self, entry: "EntryPoint", package: str) -> Plugin[T] | BrokenPlugin:
        origin = f"package {package}, entry point {entry.name} = {entry.value}"
        try:
            return Plugin(origin, self._read(entry.load()))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # as for files
            return BrokenPlugin(origin, reason(error))
