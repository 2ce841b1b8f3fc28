"""Load plug-ins: Python files dropped into a folder, and what installed packages offer.

Nobody restarts anything: every call looks at the folders again.  A new file is loaded, a changed one is loaded
again, a removed one is forgotten; that look costs some ten microseconds while nothing has changed.
One broken plug-in never breaks another: it is left out, and the reason is kept for whoever asks.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from core.plugins.entry_points import EntryPoints
from core.plugins.folder import Folder
from core.plugins.plugin import BrokenPlugin, Found, Plugin

T = TypeVar("T")


class Plugins(Generic[T]):
    """All plug-ins of one kind: of the program's own folder, of a second folder, and of installed packages.

    Args:
        package: The importable package that is the first folder; its files are its modules.
        folder: That folder.
        group: The entry-point group; an entry point names a class or a module.
        read: Turns a loaded module (or the object of an entry point) into what the caller wants of it.
            It raises `PluginError` with the reason if the thing does not keep its contract.

    In a folder, files count that end in ``.py`` and do not begin with ``_`` or ``.``; other files may be imported
    by them (``from . import _helper``).  Safe for threads, and after a fork.
    """

    def __init__(self, *, package: str, folder: Path, group: str, read: Callable[[Any], T]) -> None:
        self._package, self._read = package, read
        self._folders = [Folder(folder, package, read)]
        self._entry_points = EntryPoints(group, read)
        self._found: Found[T] | None = None
        self._loading = False
        self._lock = threading.RLock()
        os.register_at_fork(after_in_child=self._renew_lock)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are looked into, the program's own first."""
        return tuple(folder.path for folder in self._folders)

    def use_folder(self, folder: Path | None) -> None:
        """Look into *folder* too, instead of the second folder used so far; ``None`` uses none.

        The folder need not exist.
        """
        with self._lock:
            if self.folders[1:] == ((folder,) if folder else ()):
                return
            for old in self._folders[1:]:
                old.forget()
            # A package of its own lets its files import each other: ``from ._helper import x``.
            name = "yeti_plugins_" + self._package.replace(".", "_")
            self._folders[1:] = [Folder(folder, name, self._read)] if folder else []
            if folder:
                sys.modules[name] = _package(name, folder)
            self._found = None

    def found(self) -> Found[T]:
        """Return what there is now; the same object as long as nothing has changed."""
        with self._lock:
            if self._loading:  # a plug-in that is being loaded asks for plug-ins
                return self._found or Found((), ())
            self._loading = True
            try:
                changed = [source.refresh() for source in self._sources()]
            finally:
                self._loading = False
            if self._found is None or any(changed):
                self._found = self._collect()
            return self._found

    def _collect(self) -> Found[T]:
        results = [result for source in self._sources() for result in source.results()]
        return Found(
            tuple(result for result in results if isinstance(result, Plugin)),
            tuple(result for result in results if isinstance(result, BrokenPlugin)),
        )

    def _sources(self) -> "list[Folder[T] | EntryPoints[T]]":
        return [*self._folders, self._entry_points]

    def _renew_lock(self) -> None:
        # Another thread of the parent may have held it; that thread does not exist here.
        self._lock = threading.RLock()
        self._loading = False


def own_classes(module: ModuleType) -> Iterator[type]:
    """Yield the public classes that *module* itself defines; a class that it merely imports is not its own."""
    for name, thing in vars(module).items():
        if isinstance(thing, type) and thing.__module__ == module.__name__ and not name.startswith("_"):
            yield thing


def _package(name: str, folder: Path) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    return package
