"""What `Storage` does around a client's writer: errors become ours, promises about bytes are kept, receipts are made."""

from core.clients.persistient_storage.border import wrapped
from core.clients.persistient_storage.promises import Promises
from core.clients.persistient_storage.receipts import Metadata, Outcome, Receipt, Stat, WriteRequest
from core.clients.persistient_storage.spec import Writer
from core.errors import StorageCorrupt


class GuardedWriter:
    """A client's writer whose errors are ours, and which is used only where its client may be."""

    def __init__(self, writer: Writer, place: str, promises: Promises) -> None:
        self._promises = promises
        self._writer, self._what = writer, f"{place} could not be stored"

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """As the client's."""
        self._promises.check_use()
        with wrapped(self._what):
            self._writer.write(data)

    def prepare(self) -> None:
        """As the client's, if it has one."""
        if (prepare := getattr(self._writer, "prepare", None)) is not None:
            with wrapped(self._what):
                prepare()

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """As the client's."""
        self._promises.check_use()
        with wrapped(self._what):
            return self._writer.commit(sha256)

    def abort(self) -> None:
        """As the client's."""
        self._writer.abort()


def receipt_of(
    place: str,
    stat: Stat,
    digest: str,
    outcome: Outcome,
    wanted: Metadata,
    copies: tuple[Receipt, ...] = (),
) -> Receipt:
    """Return the receipt of a file that is stored as *stat* says, where *wanted* was to be kept with it."""
    dropped: tuple[str, ...] = ()
    if stat.metadata is not wanted and outcome != "unchanged":
        kept = stat.metadata.headers()
        dropped = tuple(name for name, value in wanted.headers().items() if kept.get(name) != value)
    return Receipt(stat.name, place, stat.size_bytes, digest, stat.etag, outcome, dropped, stat.metadata, copies)


def check_expected(name: str, request: WriteRequest, size: int, digest: str) -> None:
    """Refuse what turned out to have another size or SHA-256 than was announced."""
    if request.size_bytes not in (None, size) or request.sha256 not in (None, digest):
        raise StorageCorrupt(f"{name} was to have another size or SHA-256 than it has; nothing was published")
