"""What the routes that send files share, for one process."""

import asyncio

from core.api.files.catalog import CatalogKeeper, PublishedFile, Representation
from core.api.files.fetch_log import FetchLog
from core.api.files.negotiation import IDENTITY, chosen
from core.api.files.packed_cache import PackedCache
from core.api.files.sending import Objects
from core.api.services import Services
from core.exports.versions.packing import CODINGS, LEAST_BYTES

_LOOKERS = 2


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
        self._packed = PackedCache(services.config.home / "cache" / "files", self.objects.open)

    def start(self) -> None:
        """Begin to write down what is fetched."""
        self.fetches.start()

    def close(self) -> None:
        """Write down what is left, and let everything go."""
        self.fetches.stop()
        self.catalog.close()
        self.objects.close()

    def representation(self, file: PublishedFile, accepted: str | None) -> Representation | None:
        """Return what is sent to a client that takes these codings; ``None`` if it refuses all there are.

        Raises:
            StorageError: The file cannot be read.
        """
        there = file.representations
        if len(there) == 1 and self._may_pack(file):
            coding = chosen(accepted, (IDENTITY, *CODINGS))
            for each in CODINGS:
                if coding == each and (made := self._packed.get(file, each)) is not None:
                    return made
        coding = chosen(accepted, there)
        return None if coding is None else there[coding]

    def takes_time(self, file: PublishedFile, accepted: str | None) -> bool:
        """Say whether a representation has to be made first."""
        if len(file.representations) > 1 or not self._may_pack(file):
            return False
        coding = chosen(accepted, (IDENTITY, *CODINGS))
        return any(coding == each and self._packed.known(file, each) is False for each in CODINGS)

    def _may_pack(self, file: PublishedFile) -> bool:
        return file.representations[IDENTITY].size_bytes >= LEAST_BYTES and self.objects.holds_text_only
