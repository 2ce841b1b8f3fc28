"""Load plug-ins: Python files dropped into a folder, and what installed packages offer.

Nobody restarts anything: every call looks at the folders again.  A new file is loaded, a changed one is loaded
again, a removed one is forgotten; that look costs some ten microseconds while nothing has changed.
One broken plug-in never breaks another: it is left out, and the reason is kept for whoever asks.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from core.errors import PluginError, YetiError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

_NO_FOLDER = ".__path_hook__"
"""How an entry of ``sys.path`` ends that setuptools makes for editable installs, and that is no place."""

_SETTLING_NS = 1_000_000_000
"""So long a broken file may be one that is half-written: it is read again on every call, and what it was before it
broke stays in use."""

_Signature = tuple[int, int, int]


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
        self._folders = [_Folder(folder, package, read)]
        self._entry_points = _EntryPoints(group, read)
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
            self._folders[1:] = [_Folder(folder, name, self._read)] if folder else []
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

    def _sources(self) -> "list[_Folder[T] | _EntryPoints[T]]":
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


class _File(NamedTuple, Generic[T]):
    signature: _Signature | None
    result: Plugin[T] | BrokenPlugin
    failing_since: int | None = None


class _Folder(Generic[T]):
    """The drop-in files of one folder."""

    def __init__(self, path: Path, package: str, read: Callable[[Any], T]) -> None:
        self.path = path
        self._package, self._read = package, read
        self._files: dict[str, _File[T]] = {}
        self._fault: BrokenPlugin | None = None
        self._settled_at: int | None = None
        self._known: list[tuple[str, _Signature | None]] = []

    def refresh(self) -> bool:
        """Load what is new or changed, forget what is gone; say whether anything was."""
        if self._is_as_it_was():
            return False
        looked_at = _modified_ns(self.path)
        is_changed = self._refresh()
        # A file that comes within one tick of the file system's clock does not change the folder's time.
        is_settled = time.time_ns() - looked_at not in range(_SETTLING_NS)
        self._settled_at = looked_at if looked_at and is_settled and not self._fault else None
        self._known = [(f"{self.path}/{name}", file.signature) for name, file in self._files.items()]
        return is_changed

    def _is_as_it_was(self) -> bool:
        """Say whether neither the folder nor a file in it has changed, at the price of one look at each."""
        if self._settled_at is None or _modified_ns(self.path) != self._settled_at:
            return False
        try:
            for place, known in self._known:
                status = os.stat(place)  # noqa: PTH116 - as below
                if (status.st_mtime_ns, status.st_size, status.st_ino) != known:
                    return False
        except OSError:
            return False
        return True

    def _refresh(self) -> bool:
        before = self._fault
        try:
            now, self._fault = _signatures(self.path), None
        except OSError as error:  # there may be plug-ins in it: that must not pass for an empty folder
            now, self._fault = {}, BrokenPlugin(str(self.path), f"the folder cannot be read: {error.strerror}")
        gone = [name for name in self._files if name not in now]
        for name in gone:
            del self._files[name]
            self._unload(name)
        known = {name: file.signature for name, file in self._files.items()}
        stale = [name for name in sorted(now) if name not in known or known[name] != now[name]]
        for name in stale:
            self._files[name] = self._load(name, now[name], self._files.get(name))
        return bool(gone or stale or self._fault != before)

    def results(self) -> Iterator[Plugin[T] | BrokenPlugin]:
        """Yield every file's result, in the order of the names."""
        if self._fault:
            yield self._fault
        for name in sorted(self._files):
            yield self._files[name].result

    def forget(self) -> None:
        """Unload everything."""
        for name in self._files:
            self._unload(name)
        sys.modules.pop(self._package, None)
        self._files, self._settled_at = {}, None

    def _load(self, name: str, signature: _Signature, before: _File[T] | None) -> _File[T]:
        path = self.path / name
        module_name = self._module_name(name)
        try:
            module = sys.modules.get(module_name)
            if before is None and module is not None and getattr(module, "__file__", None) == str(path):
                # An import statement was first; two copies of one class would only confuse.
                content = self._read(module)
            else:
                content = _execute(module_name, path, self._read)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it raises, it must not break its neighbours
            now = time.monotonic_ns()
            if before is not None and isinstance(before.result, Plugin):
                since = before.failing_since or now
                if now - since < _SETTLING_NS:
                    return _File(None, before.result, since)
            # The clock of the file system tells whether anybody may still be writing it.
            is_settled = time.time_ns() - signature[0] not in range(_SETTLING_NS)
            broken = BrokenPlugin(str(path), _reason(error, path), _text(path))
            return _File(signature if is_settled else None, broken)
        return _File(signature, Plugin(str(path), content))

    def _unload(self, name: str) -> None:
        module_name = self._module_name(name)
        module = sys.modules.pop(module_name, None)
        parent = sys.modules.get(self._package)
        if parent is not None and module is not None and getattr(parent, Path(name).stem, None) is module:
            delattr(parent, Path(name).stem)

    def _module_name(self, name: str) -> str:
        return f"{self._package}.{Path(name).stem}"


class _EntryPoints(Generic[T]):
    """What installed packages offer in one group."""

    def __init__(self, group: str, read: Callable[[Any], T]) -> None:
        self._group, self._read = group, read
        self._signature: list[object] | None = None
        self._loaded: dict[tuple[str, str, str], Plugin[T] | BrokenPlugin] = {}

    def refresh(self) -> bool:
        """Look again if a folder of ``sys.path`` has changed; installing or removing a package changes one."""
        signature = [*sys.path, *[_modified_ns(place) for place in sys.path if not place.endswith(_NO_FOLDER)]]
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
            return BrokenPlugin(origin, _reason(error, None))


def _execute(name: str, path: Path, read: Callable[[Any], T]) -> T:
    """Run the file as module *name* and read it; if either fails, what had that name before has it again.

    The source is compiled here: a cached bytecode file is valid by second and size, and a quick edit keeps both.
    """
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    spec = spec_from_file_location(name, path)
    if spec is None:
        raise PluginError("not a Python file")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    if "linecache" in sys.modules:  # tracebacks must show the new lines
        sys.modules["linecache"].checkcache(str(path))
    try:
        exec(code, vars(module))  # noqa: S102 - running the file is what a drop-in folder is for
        content = read(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    parent, _, stem = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], stem, module)
    return content


def _signatures(folder: Path) -> dict[str, _Signature]:
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: _signature(stat)
                for entry in entries
                if entry.name.endswith(".py") and entry.name[0] not in "_."
                # A dangling link or a file that goes away now is as good as not there.
                if (stat := _stat(entry)) is not None
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _signature(status: os.stat_result) -> _Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat() if entry.is_file() else None
    except OSError:
        return None


def _modified_ns(place: str | Path) -> int:
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - on every call; a Path costs as much as the stat
    except OSError:
        return 0


def _package(name: str, folder: Path) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    return package


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _reason(error: BaseException, path: Path | None) -> str:
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
