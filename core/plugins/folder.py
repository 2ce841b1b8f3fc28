"""Drop-in files of one folder: loaded, loaded again when they change, forgotten when they are gone."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from core.errors import PluginError
from core.plugins.plugin import BrokenPlugin, Plugin, reason

T = TypeVar("T")

_SETTLING_NS = 1_000_000_000
"""So long a broken file may be one that is half-written: it is read again on every call, and what it was before it
broke stays in use."""

_Signature = tuple[int, int, int]


class _File(NamedTuple, Generic[T]):
    signature: _Signature | None
    result: Plugin[T] | BrokenPlugin
    failing_since: int | None = None


class Folder(Generic[T]):
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
        looked_at = modified_ns(self.path)
        is_changed = self._refresh()
        # A file that comes within one tick of the file system's clock does not change the folder's time.
        is_settled = time.time_ns() - looked_at not in range(_SETTLING_NS)
        self._settled_at = looked_at if looked_at and is_settled and not self._fault else None
        self._known = [(f"{self.path}/{name}", file.signature) for name, file in self._files.items()]
        return is_changed

    def _is_as_it_was(self) -> bool:
        """Say whether neither the folder nor a file in it has changed, at the price of one look at each."""
        if self._settled_at is None or modified_ns(self.path) != self._settled_at:
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
            broken = BrokenPlugin(str(path), reason(error, path), _text(path))
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


def modified_ns(place: str | Path) -> int:
    """Return when a file or a folder was modified last, in ns since 1970; 0 where that cannot be read."""
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - on every call; a Path costs as much as the stat
    except OSError:
        return 0


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


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
