"""The storage that ``pytest --storage-url=URL`` names: its places, how to see behind them, how to clean up."""

import os
import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from core.clients.persistient_storage import get_client, registry
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.spec import OPTIONAL
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    ConfigError,
    InvalidStoragePath,
    PluginError,
    StorageFull,
    StoragePermissionDenied,
    StorageUnavailable,
    YetiError,
)
from core.redaction import redact
from core.testing.faults import Proxy
from core.testing.storage.behind import Behind, behind

_ANSWER_WITHIN_S = 5
_SERVER_IN = {
    "s3://": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "gs://": ("STORAGE_EMULATOR_HOST",),
    "az://": ("AZURE_STORAGE_BLOB_ENDPOINT", "AZURE_STORAGE_CONNECTION_STRING"),
}
"""Variables that say where the server is; a client may be led elsewhere by them."""

_OPEN = {"webdav://": "http", "sftp://": "tcp"}
"""What is spoken with the server that the path itself names."""

_HTTP = re.compile(r"http://[^/;\s]+")
_CHECKED = "yeti-check.txt"
_UNUSABLE = (
    *(ConfigError, PluginError, InvalidStoragePath),
    *(StorageFull, StoragePermissionDenied, StorageUnavailable),
)
"""What the first write may raise that is no mistake of the client: no test could tell anything."""

_IN_CHILDREN = frozenset({"file.txt", "child.txt", "other.txt", "parent.txt"})


class UrlUnderTest:
    """One URL.

    Args:
        url: What was given; ``{}`` in it stands for the name of a place.
        folder: Where drop-in clients are, or None.
    """

    def __init__(self, url: str, folder: str | None) -> None:
        if folder and not Path(folder).is_dir():
            raise pytest.UsageError(f"--storage-plugins: {folder} is not a folder")
        if folder:
            registry.use_plugins_path(folder)
        self._url, self._folder = url, folder
        self._names: dict[str, set[str]] = {}
        self._top = f"yeti-kit-{os.urandom(4).hex()}"
        self._is_new_folder = False

    def check(self) -> None:
        """End the session with one line if the storage cannot be used.

        Raises:
            pytest.UsageError: With the reason.
        """
        if warning := registry.warning_for(self._url):
            raise pytest.UsageError(f"--storage-url: {warning}")
        place = ""
        try:
            self._is_new_folder = not type(get_client(self._url)).PREFIX and not Path(self._url).exists()
            place = self._place("check")
            with waiting_at_most(_ANSWER_WITHIN_S):
                self._write(place)
                _ = self._behind
        except YetiError as error:
            self._clean(place)
            raise pytest.UsageError(f"--storage-url={redact(self._url)} cannot be used: {error}") from None
        except KeyboardInterrupt:
            self.remove_all()
            raise
        self._clean(place)

    def _write(self, place: str) -> None:
        """Write one small file; what is the client's own mistake is left for the tests to find."""
        storage = Storage(get_client(place))
        self._names[place] = {_CHECKED}
        try:
            storage.write(_CHECKED, "Yeti Exports tries this storage; the file may be deleted.\n")
        except Exception as error:  # a client under test may raise anything
            if isinstance(error, _UNUSABLE) or isinstance(error.__cause__, ImportError):
                raise

    def _clean(self, place: str) -> None:
        """Remove what `check` stored, as far as a client with mistakes can; the tests tell of those."""
        names = self._names.pop(place, set())
        with suppress(Exception), waiting_at_most(_ANSWER_WITHIN_S):
            if "_behind" in vars(self):
                self._behind.remove(place, names)
            elif names:
                Storage(get_client(place)).delete(_CHECKED)
        if self._is_new_folder:
            _remove_if_empty(Path(place).parent, Path(self._url))

    def headlines(self) -> list[str]:
        """Return what is tested, and what will not be, for the head of the report."""
        client = get_client(self._place("check"))
        has = ", ".join(name for name in OPTIONAL if hasattr(client, name)) or "none"
        cannot = ", ".join(sorted(getattr(client, "CANNOT_PROMISE", ()))) or "nothing"
        return [
            f"storage: {redact(self._url)}, by {type(client).__name__}; optional methods: {has}; "
            f"cannot promise: {cannot}",
            f"storage: bytes are read {self._behind.how}; "
            + (
                self.why_no_faults() if self._server is None else f"server faults by a proxy before {self._server}"
            ),
        ]

    def new_place(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Return a path that was never used, and note the names that are put there."""
        place = self._place(str(len(self._names)))
        names = self._names[place] = set(_IN_CHILDREN)
        client = type(get_client(place))
        for method in ("put_file", "open_writer"):
            if own := getattr(client, method, None):
                monkeypatch.setattr(client, method, _noting(own, names))
        return place

    def raw(self, place: str, name: str) -> bytes:
        """Return the stored bytes."""
        return self._behind.raw(place, name)

    def raw_names(self, place: str) -> list[str] | None:
        """Return all that is stored there, if that can be known."""
        return self._behind.names(place)

    def remove(self, place: str) -> None:
        """Remove all that was stored there."""
        self._behind.remove(place, self._names.get(place, set()))
        self._names[place] = set()

    def remove_all(self) -> None:
        """Remove all that was stored anywhere and is still there."""
        for place, names in self._names.items():
            if names:
                with suppress(Exception):  # the test has told why it could not remove them
                    self.remove(place)
        if "{}" not in self._url:
            with suppress(Exception):
                self._behind.remove(self._below(self._top), set())
        if self._is_new_folder:
            _remove_if_empty(Path(self._url))

    def through(self, proxy: Proxy, path: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
        """Return the path for a client that goes through the proxy, or None if that cannot be."""
        if self._server is None:
            return None
        if name := self._variable:
            monkeypatch.setenv(name, os.environ[name].replace(self._server, proxy.to(self._server)))
            return path
        return path.replace(_authority(self._server), _authority(proxy.to(self._server)), 1)

    def why_no_faults(self) -> str:
        """Return why server faults are not tried."""
        variables = " or ".join(name for prefix, names in _SERVER_IN.items() if self._is(prefix) for name in names)
        if variables:
            return f"server faults are not tried: they need an http:// address in {variables}"
        return "server faults are not tried: there is no server that a proxy could stand before"

    @cached_property
    def _behind(self) -> Behind:
        return behind(self._place("check"), self._folder)

    @cached_property
    def _variable(self) -> str | None:
        names = [name for prefix, names in _SERVER_IN.items() if self._is(prefix) for name in names]
        return next((name for name in names if _HTTP.search(os.environ.get(name, ""))), None)

    @cached_property
    def _server(self) -> str | None:
        """The address of the server, if a proxy can stand before it."""
        if self._variable:
            found = _HTTP.search(os.environ[self._variable])
            return found[0] if found else None
        for prefix, scheme in _OPEN.items():
            if self._is(prefix):
                authority = self._url.removeprefix(prefix).partition("/")[0].rpartition("@")[2]
                return f"{scheme}://{authority}" if re.search(r":\d+$", authority) else None
        return None

    def _is(self, prefix: str) -> bool:
        return self._url.startswith(prefix)

    def _place(self, name: str) -> str:
        if "{}" in self._url:
            return self._url.replace("{}", f"{self._top}-{name}")
        return self._below(f"{self._top}/{name}")

    def _below(self, name: str) -> str:
        """Return the path of that name below the URL; what stands behind a ``?`` are options, except of a folder."""
        place, mark, options = self._url.partition("?") if "://" in self._url else (self._url, "", "")
        return f"{place.rstrip('/')}/{name}{mark}{options}"


def chosen(config: Any) -> UrlUnderTest:
    """Return the URL of this session."""
    if _KEY not in config.stash:
        url = config.getoption("storage_url")
        config.stash[_KEY] = UrlUnderTest(url, config.getoption("storage_plugins"))
    found: UrlUnderTest = config.stash[_KEY]
    return found


_KEY = pytest.StashKey[UrlUnderTest]()


def _noting(own: Any, names: set[str]) -> Any:
    def noting(self: Any, file_name: str, *arguments: Any) -> Any:
        names.add(file_name)
        return own(self, file_name, *arguments)

    return noting


def _remove_if_empty(*folders: Path) -> None:
    for folder in folders:
        with suppress(OSError):  # somebody else may use it by now
            folder.rmdir()


def _authority(address: str) -> str:
    return address.partition("://")[2]
