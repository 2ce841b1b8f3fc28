"""Which client serves which path.

A path goes to the class with the longest ``PREFIX`` that it begins with, and to the local client if there is none.
Classes come from the files of ``classes/``, of a second folder (`use_plugins_path`) and from the entry points of
installed packages; all of them are looked at again on every call, see `core.plugins`.
"""

import os
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from core.clients.persistient_storage.spec import FIVE, PROMISES, PersistientStorageClient
from core.errors import PluginError, YetiError
from core.plugins import Plugins, own_classes
from core.plugins.plugin import BrokenPlugin, Found
from core.redaction import redact

ENTRY_POINTS = "core.persistient_storage"

_PACKAGE = "core.clients.persistient_storage.classes"
_LOOKS_LIKE_A_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_SCHEME = re.compile(r"[a-z][a-z0-9+._-]*:")
_PREFIX_IN_SOURCE = re.compile(r"^\s+PREFIX\s*(?::[^=\n]*)?=\s*(['\"])(?P<prefix>[^'\"\n]+)\1", re.MULTILINE)


class Listed(NamedTuple):
    """One row of the list of clients.

    Attributes:
        prefix: What it claims; of a broken file, what its text seems to claim, or empty.
        client: The class's name, or empty.
        origin: The file, or the entry point and its package.
        status: ``broken``: it could not be loaded.  ``conflict``: another claims the same prefix.
        reason: Why, if it is not ``ok``.
        cannot_promise: What the client says it cannot promise.
    """

    prefix: str
    client: str
    origin: str
    status: Literal["ok", "broken", "conflict"] = "ok"
    reason: str = ""
    cannot_promise: tuple[str, ...] = ()


class _Claim(NamedTuple):
    prefix: str
    origin: str
    client: type | None
    reason: str = ""


class _Table(NamedTuple):
    """What is claimed, by prefix; more than one claim is a conflict, a claim without class is a broken file's."""

    found: Found[tuple[type, ...]]
    claims: dict[str, list[_Claim]]
    prefixes: tuple[str, ...]


def get_client(path: str | os.PathLike[str]) -> PersistientStorageClient:
    """Return the storage client for *path*: ``s3://bucketname/prefix``, ``/opt/yeti/exports``.

    A path that no prefix matches is a local folder; if it looks like a URL, a warning is logged.
    Nothing is contacted or made.

    Raises:
        PluginError: Two classes claim the prefix, or the file that claims it is broken; the message names them.
        InvalidStoragePath: The client cannot use *path*.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a storage path must be str, not {type(text).__name__}")
    table = _table()
    if warning := _warning(text, table):
        _warn(warning, path=redact(text))
    claim = _claim(text, table)
    client = cast("type[Any]", claim.client)
    try:
        return cast("PersistientStorageClient", client(text))
    except YetiError:
        raise
    except Exception as error:  # a plug-in may raise anything
        raise PluginError(
            f"{client.__name__} ({claim.origin}) could not be set up for {redact(text)}: "
            f"{type(error).__name__}: {redact(str(error))}"
        ) from error


def use_plugins_path(folder: str | os.PathLike[str] | None) -> None:
    """Look for clients in *folder* too (``<system.plugins_path>/storage``); ``None`` looks nowhere else."""
    _plugins.use_folder(Path(folder) if folder is not None else None)


def folders() -> tuple[Path, ...]:
    """Return the folders that are looked into, the program's own first."""
    return _plugins.folders


def clients() -> tuple[Listed, ...]:
    """Return every client there is and every one that is not because it is broken, by prefix."""
    table = _table()
    listed = [_listed(claim, table) for claims in table.claims.values() for claim in claims]
    named = {row.origin for row in listed}
    listed += [
        Listed("", "", broken.origin, "broken", broken.reason)
        for broken in table.found.broken
        if broken.origin not in named
    ]
    return tuple(sorted(listed, key=lambda row: (row.prefix, row.origin, row.client)))


def client_classes() -> dict[str, type]:
    """Return the class that serves each prefix, of those that nothing is wrong with."""
    sound = {
        prefix: [claim.client for claim in claims if claim.client is not None]
        for prefix, claims in _table().claims.items()
    }
    return {prefix: classes[0] for prefix, classes in sound.items() if len(classes) == 1}


def warning_for(path: str) -> str:
    """Return what is odd about *path*, in words: it looks like a URL and no client knows it; else nothing."""
    return _warning(path, _table())


def _warning(path: str, table: _Table) -> str:
    if _LOOKS_LIKE_A_URL.match(path) and not _best(path, table):
        known = ", ".join(sorted(prefix for prefix in table.prefixes if prefix)) or "none"
        return f"storage path {redact(path)} is taken as a local folder: no client has its prefix; known: {known}"
    return ""


def _claim(path: str, table: _Table) -> _Claim:
    claims = table.claims.get(_best(path, table), [])
    sound = [claim for claim in claims if claim.client is not None]
    if len(sound) > 1:
        origins = " and ".join(sorted({f"{claim.origin} ({_name(claim)})" for claim in sound}))
        raise PluginError(f"two storage clients claim the prefix {sound[0].prefix!r}: {origins}; remove one")
    if not sound:
        reasons = "; ".join(f"{claim.origin}: {claim.reason}" for claim in claims) or "its file is missing"
        raise PluginError(f"the storage client for {redact(path)} cannot be used: {reasons}")
    return sound[0]


def _best(path: str, table: _Table) -> str:
    return next((prefix for prefix in table.prefixes if path.startswith(prefix)), "")


def _name(claim: _Claim) -> str:
    return claim.client.__name__ if claim.client is not None else ""


def _listed(claim: _Claim, table: _Table) -> Listed:
    if claim.client is None:
        return Listed(claim.prefix, "", claim.origin, "broken", claim.reason)
    cannot = tuple(sorted(getattr(claim.client, "CANNOT_PROMISE", ())))
    others = sorted(
        other.origin
        for other in table.claims[claim.prefix]
        if other.client is not None and other.client is not claim.client
    )
    if others:
        reason = "the same prefix is claimed by " + ", ".join(others)
        return Listed(claim.prefix, _name(claim), claim.origin, "conflict", reason, cannot)
    return Listed(claim.prefix, _name(claim), claim.origin, cannot_promise=cannot)


def _table() -> _Table:
    global _cached
    found = _plugins.found()
    table = _cached
    if table is None or table.found is not found:
        _cached = table = _made(found)
    return table


def _made(found: Found[tuple[type, ...]]) -> _Table:
    claims: dict[str, list[_Claim]] = {}
    for plugin in found.plugins:
        for client in plugin.content:
            prefix = cast("Any", client).PREFIX
            claims.setdefault(prefix, []).append(_Claim(prefix, plugin.origin, client))
        _claimed[plugin.origin] = {cast("Any", client).PREFIX for client in plugin.content}
    for broken in found.broken:
        # Its paths must not silently become local folders while the file is broken, or empty for the moment that
        # somebody takes to write it: what its text claims counts, and what it claimed when it last was sound.
        in_text = {match["prefix"] for match in _PREFIX_IN_SOURCE.finditer(broken.source)}
        # One that was refused for its prefix takes no folder's path either.
        for prefix in sorted(filter(_SCHEME.match, in_text | _claimed.get(broken.origin, set()))):
            claims.setdefault(prefix, []).append(_Claim(prefix, broken.origin, None, broken.reason))
    _log_new(found.broken)
    return _Table(found, claims, tuple(sorted(claims, key=lambda prefix: (-len(prefix), prefix))))


def _log_new(broken: tuple[BrokenPlugin, ...]) -> None:
    for plugin in broken:
        if (plugin.origin, plugin.reason) not in _logged:
            _logged.add((plugin.origin, plugin.reason))
            _warn("storage client could not be loaded", file=plugin.origin, reason=plugin.reason)


def _warn(event: str, **fields: str) -> None:
    import logging  # as heavy as all the rest of this package's import, and seldom needed

    logging.getLogger(__name__).warning(event, extra=fields)


def _read(loaded: Any) -> tuple[type, ...]:
    """Return the client classes of a plug-in, which is a module or, from an entry point, a class.

    Raises:
        PluginError: One of them does not keep the contract, or there is none.
    """
    offered = [loaded] if isinstance(loaded, type) else own_classes(loaded)
    candidates = [thing for thing in offered if thing is loaded or _is_meant(thing)]
    if not candidates:
        raise PluginError("no storage client in it: no class of its own has a PREFIX")
    for client in candidates:
        _check(client)
    return tuple(candidates)


def _is_meant(thing: type) -> bool:
    return hasattr(thing, "PREFIX") or issubclass(thing, PersistientStorageClient)


def _check(client: type) -> None:
    prefix = getattr(client, "PREFIX", None)
    if not isinstance(prefix, str):
        raise PluginError(f"{client.__name__}.PREFIX must be a str, such as 'name://'")
    if not prefix and client.__module__ != f"{_PACKAGE}.local":
        raise PluginError(f"{client.__name__} has an empty PREFIX; that is the local client's")
    if prefix and not _SCHEME.match(prefix):
        raise PluginError(
            f"{client.__name__}.PREFIX must begin like a URL, such as 'name://', not with {prefix!r}"
        )
    abstract: frozenset[str] = getattr(client, "__abstractmethods__", frozenset())
    missing = [name for name in FIVE if name in abstract or not callable(getattr(client, name, None))]
    if missing:
        raise PluginError(f"{client.__name__} lacks {', '.join(missing)}")
    if "__init__" not in vars(client) and not _takes_a_path(client):
        raise PluginError(f"{client.__name__} needs a constructor that takes the path")
    if unknown := set(getattr(client, "CANNOT_PROMISE", ())) - PROMISES:
        raise PluginError(f"{client.__name__}.CANNOT_PROMISE holds {', '.join(sorted(map(repr, unknown)))}")


def _takes_a_path(client: type) -> bool:
    import inspect

    try:
        inspect.signature(client).bind("path")
    except (TypeError, ValueError):
        return False
    return True


_plugins: Plugins[tuple[type, ...]] = Plugins(
    package=_PACKAGE, folder=Path(__file__).parent / "classes", group=ENTRY_POINTS, read=_read
)
_cached: _Table | None = None
_claimed: dict[str, set[str]] = {}  # by origin, when it last was sound
_logged: set[tuple[str, str]] = set()
