"""What the routes that send files share, for one process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from core.api.files.catalog import CatalogKeeper, PublishedFile, Representation
from core.api.files.fetch_log import FetchLog
from core.api.files.negotiation import IDENTITY, chosen
from core.api.files.packed_cache import PackedCache
from core.api.files.sending import Objects
from core.api.services import Services
from core.exports.versions.packing import CODINGS, LEAST_BYTES, Coding

_LOOKERS = 2
_PACKERS = 2


class FileService:
    """The catalog, the objects, and the counts."""

    def __init__(self, services: Services) -> None:
        """Open nothing yet."""
        self.services = services
        self.catalog = CatalogKeeper(services)
        self.objects = Objects(services.settings.versions_path)
        self.fetches = FetchLog(services)
        self.tokens_in_query = services.config["api.tokens_in_query"] == "yes"
        self.presigns = services.config["api.presigned_downloads"] == "yes"
        # Objects that are asked for by their id are looked for through whole collections: not by many at once.
        self.looking = asyncio.Semaphore(_LOOKERS)
        # Threads of their own: packing takes long, and what all requests need runs in the loop's.
        self._packers = ThreadPoolExecutor(_PACKERS, "packing")
        self._packing: dict[tuple[str, Coding], asyncio.Future[Representation | None]] = {}
        self._holds_text_only: bool | None = None
        self._packed = PackedCache(services.config.home / "cache" / "files", self.objects.open)

    def start(self) -> None:
        """Begin to write down what is fetched."""
        self.fetches.start()

    def close(self) -> None:
        """Write down what is left, and let everything go."""
        self.fetches.stop()
        self.catalog.close()
        self.objects.close()
        self._packers.shutdown(wait=False, cancel_futures=True)

    async def representation(self, file: PublishedFile, accepted: str | None) -> Representation | None:
        """Return what is sent to a client that takes these codings; ``None`` if it refuses all there are.

        Raises:
            StorageError: The file cannot be read.
        """
        there = file.representations
        if len(there) == 1 and await self._may_pack(file):
            wanted = chosen(accepted, (IDENTITY, *CODINGS))
            for coding in CODINGS:
                if coding == wanted and (made := await self._in_coding(file, coding)) is not None:
                    return made
        wanted = chosen(accepted, there)
        return None if wanted is None else there[wanted]

    async def _in_coding(self, file: PublishedFile, coding: Coding) -> Representation | None:
        found = self._packed.known(file, coding)
        if not isinstance(found, bool):
            return found
        key = self._packed.key(file), coding
        making = self._packing.get(key)
        if making is None:
            loop = asyncio.get_running_loop()
            making = self._packing[key] = loop.run_in_executor(self._packers, self._packed.get, file, coding)
            making.add_done_callback(lambda _: self._packing.pop(key, None))
        return await asyncio.shield(making)

    async def _may_pack(self, file: PublishedFile) -> bool:
        if file.representations[IDENTITY].size_bytes < LEAST_BYTES:
            return False
        if self._holds_text_only is None:
            # The first time the library of a vendor may have to be loaded.
            self._holds_text_only = await asyncio.to_thread(lambda: self.objects.holds_text_only)
        return self._holds_text_only
