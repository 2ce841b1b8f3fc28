"""What is published, and who may have it, in memory: a look at the database five times a second, not for each request."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from core.api.files.negotiation import IDENTITY
from core.api.services import Services
from core.schemas.instant import SECOND
from core.schemas.version import StoredObject
from core.store import Store
from core.store.health import check_schema
from core.store.serving import Served, ServedExport, ServedToken, Watch, served

Network = IPv4Network | IPv6Network
Header = tuple[bytes, bytes]

OF_EXPORT = "~"
"""``~<export>/<file>``: any export by its name; no file name begins so."""

_NOWHERE = ip_network("255.255.255.255/32")
"""Nobody asks from there."""

_AGE_S, _REST_S = 0.2, 0.05
"""How old what is known may be; and how long it is not looked again after a look, however many are refused."""

_FILES = ("file", "delta", "signature")


@dataclass(frozen=True, slots=True)
class Representation:
    """A file in one coding.

    Attributes:
        coding: ``identity``, ``gzip`` or ``zstd``.
        object: Its name under ``system.versions_path``.
        etag: As it is sent: the SHA-256 of these bytes, in quotes.
        headers: Those that say which representation it is, and how long it may be kept.
        path: A local file that has it, where the storage has not.
    """

    coding: str
    object: str
    size_bytes: int
    etag: str
    headers: tuple[Header, ...]
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a current version.

    Attributes:
        export_id, export: Whose.
        version: Its number.
        name: What it is published as.
        role: ``file``, ``delta`` or ``signature``.
        modified_s: When the version was made current, in seconds since 1970.
        date_tells: The version before it was not made in that same second.
        networks: Where it may be fetched from; empty is anywhere.
        representations: By coding.
    """

    export_id: int
    export: str
    version: int
    name: str
    media_type: str
    role: str
    modified_s: int
    date_tells: bool
    is_public: bool
    networks: tuple[Network, ...]
    representations: Mapping[str, Representation]

    @property
    def counts(self) -> bool:
        """Whether whoever fetches it has that version."""
        return self.role == "file"


@dataclass(frozen=True, slots=True)
class Granted:
    """A consumer, by one of its tokens."""

    token: ServedToken
    networks: tuple[Network, ...]

    def may_fetch(self, file: PublishedFile) -> bool:
        """Say whether it is the consumer's to fetch, wherever it asks from."""
        return self.token.all_exports or file.export_id in self.token.exports


@dataclass(frozen=True, slots=True)
class Catalog:
    """All there is at one moment.

    Attributes:
        files: By what stands behind ``/exports/``.
        exports: By row id, with the file that is the export's own; ``None`` where nothing is published.
        tokens: By SHA-256.  Whoever looks one up learns nothing from the time it takes, since nobody can choose
            how a hash begins.
    """

    files: Mapping[str, PublishedFile] = field(default_factory=dict)
    exports: Mapping[int, tuple[ServedExport, PublishedFile | None]] = field(default_factory=dict)
    tokens: Mapping[str, Granted] = field(default_factory=dict)

    def granted(self, token: str) -> Granted | None:
        """Return whose token that is."""
        return self.tokens.get(hashlib.sha256(token.encode()).hexdigest())


class CatalogKeeper:
    """Keeps a catalog that is a fifth of a second old at most when it is asked for."""

    def __init__(self, services: Services) -> None:
        """Look at nothing yet."""
        self._services = services
        self._lock = threading.Lock()
        self._catalog = Catalog()
        self._checked_at = self._rests_until = float("-inf")
        self._looking: asyncio.Future[None] | None = None
        self._store: Store | None = None
        self._watch: Watch | None = None
        self._is_loaded = False

    async def get(self) -> Catalog:
        """Return what there is now.

        Raises:
            StoreError: That cannot be known; what was known before may not count any more.
        """
        asked_at = time.monotonic()
        # A look that goes on may have begun long ago; the next one then begins now.
        while self._checked_at < asked_at - _AGE_S:
            await self._looked()
        return self._catalog

    async def get_now(self) -> Catalog:
        """Return what there is at this moment: for who would be refused by what was known before.

        Raises:
            StoreError: As above.
        """
        asked_at = time.monotonic()
        # A look that has begun already does not see what was written since.
        while self._checked_at < asked_at:
            rest_s = self._rests_until - time.monotonic()
            if rest_s > 0:
                await asyncio.sleep(rest_s)  # meanwhile somebody else may look
            else:
                await self._looked()
        return self._catalog

    async def get_anew(self) -> Catalog:
        """Return what there is now, without trusting what was known."""
        self._is_loaded = False
        return await self.get_now()

    async def _looked(self) -> None:
        """Wait for the look that has begun, or for a new one."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        await asyncio.shield(self._looking)

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._watch is not None:
                self._watch.close()
            if self._store is not None:
                self._store.close()
            self._watch = self._store = None

    def _look(self) -> None:
        with self._lock:
            began = time.monotonic()
            if self._store is None:
                self._store = self._services.open_store()
            if self._watch is None:
                self._watch = Watch(self._store)
            # Asked before the tables are read: what changes meanwhile is seen the next time.
            if self._watch.has_changed() or not self._is_loaded:
                self._is_loaded = False
                check_schema(self._store)
                self._catalog = made(served(self._store), self._services.settings.export_path)
                self._is_loaded = True
            self._checked_at, ended = began, time.monotonic()
            # A large installation takes long to load: two thirds of the time are for requests.
            self._rests_until = ended + max(_REST_S, 2 * (ended - began))


def made(found: Served, export_path: str) -> Catalog:
    """Return the catalog of what the store has.

    An export of the default place is served under its file name, and every export under ``~<name>/``, so that no
    export that is added ever takes the place of another.
    """
    files: dict[str, PublishedFile] = {}
    exports = {}
    for item in found.exports:
        own = list(files_of(item))
        exports[item.id] = (item, next((file for file in own if file.name == item.file_name), None))
        for file in own:
            # Names of exports may have slashes, too: of two that read alike the export made first has it.
            files.setdefault(f"{OF_EXPORT}{item.name}/{file.name}", file)
            if item.destination in ("", export_path):
                # Of two that have a file of one name, beside their own, it is that of the export made first.
                files.setdefault(file.name, file)
    for item, main in exports.values():
        if main is not None and item.destination in ("", export_path):
            files[main.name] = main
    tokens = {token.sha256: Granted(token, _networks(token.networks)) for token in found.tokens}
    return Catalog(files, exports, tokens)


def representation(
    item: StoredObject, coding: str, modified_s: int, *, is_public: bool, path: Path | None = None
) -> Representation:
    """Return how an object is sent in a coding."""
    etag = f'"{item.sha256}"'
    headers = [
        (b"etag", etag.encode()),
        (b"last-modified", formatdate(modified_s, usegmt=True).encode()),
        # Looked at anew each time, which costs a request without a body; what takes a token no other may keep.
        (b"cache-control", b"public, no-cache" if is_public else b"private, no-cache"),
        (b"vary", b"Accept-Encoding"),
        (b"accept-ranges", b"bytes"),
    ]
    if coding != IDENTITY:
        headers.append((b"content-encoding", coding.encode()))
    return Representation(coding, item.name, item.size_bytes, etag, tuple(headers), path)


def files_of(item: ServedExport) -> Iterable[PublishedFile]:
    """Yield the files of a version, with all that is kept to be served of each."""
    modified_s = item.made_at // SECOND
    for known in item.objects:
        if known.role not in _FILES:
            continue
        forms = [(IDENTITY, known)]
        forms += [
            (other.role, other)
            for other in item.objects
            if other.role in ("gzip", "zstd") and other.file_name == known.file_name
        ]
        yield PublishedFile(
            item.id,
            item.name,
            item.version,
            known.file_name,
            known.media_type,
            known.role,
            modified_s,
            item.before_at is None or item.before_at // SECOND != modified_s,
            item.is_public,
            _networks(item.networks),
            {coding: representation(one, coding, modified_s, is_public=item.is_public) for coding, one in forms},
        )


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError:
            # Left out it could leave none, which is anywhere.
            found.append(_NOWHERE)
    return tuple(found)
