"""One file stored in several places: a place that fails does not keep the others from it, and is named."""

import re
from collections.abc import Callable

from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.publication import Publication
from core.clients.persistient_storage.receipts import Metadata, Outcome, Receipt, Stat, WriteRequest
from core.clients.persistient_storage.storage import Storage
from core.errors import InvalidContents, InvalidFileName, PartlyStored, StorageError, UnsupportedOperation

_REFUSALS = (InvalidContents, InvalidFileName, UnsupportedOperation)
"""What is wrong with the file or with what was asked, not with the place: then no place gets it."""


SCHEME = "tee://"
_ESCAPED = re.compile(
    "%(2[Cc5])"
)  # a comma and the percent sign itself; any other percent sign is the place's own


def places_of(path: str) -> tuple[str, ...]:
    """Return the storage paths that ``tee://PLACE,PLACE,…`` names; any other path is one place."""
    if not path.startswith(SCHEME):
        return (path,)
    places = path.removeprefix(SCHEME).split(",")
    return tuple(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), place) for place in places)


class SeveralWriter:
    """One file that is written to every place; see `spec.Writer`."""

    def __init__(self, places: list[Storage], name: str, request: WriteRequest) -> None:
        self._places, self._name = places, name
        self._files: dict[int, Publication] = {}
        self._receipts: dict[int, Receipt] = {}
        self._errors: list[StorageError] = []
        self.copies: tuple[Receipt, ...] = ()
        try:
            for number in range(len(places)):
                self._try(number, lambda number: self._begin(number, request))
        except BaseException:
            self.abort()
            raise

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes, for every place that still gets the file."""
        for number in list(self._files):
            self._try(number, lambda number: self._files[number].write(data))

    def prepare(self) -> None:
        """Let every place do what takes long and what may refuse the file, before any has it."""
        for number in list(self._files):
            self._try(number, lambda number: self._files[number].prepare())

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Store it in one place after the other.

        Raises:
            PartlyStored: Some places have it and some do not.
        """
        for number in list(self._files):
            try:
                self._try(number, self._store)
            except _REFUSALS as refusal:
                if not self._receipts:
                    raise
                self._errors.append(refusal)
        raise_for([receipt.location for receipt in self._receipts.values()], self._errors)
        self.copies = tuple(self._receipts[number] for number in sorted(self._receipts))
        first, outcomes = self.copies[0], {receipt.outcome for receipt in self.copies}
        is_kept = all(receipt.metadata == first.metadata for receipt in self.copies)
        metadata = first.metadata if is_kept else Metadata()  # what one place drops is dropped
        stat = Stat(self._name, first.size_bytes, first.etag, sha256, metadata=metadata)
        return stat, first.outcome if len(outcomes) == 1 else "replaced"

    def abort(self) -> None:
        """Leave nothing behind in any place."""
        for file in self._files.values():
            file.abandon()
        self._files = {}

    def _try(self, number: int, do: Callable[[int], object]) -> None:
        try:
            do(number)
        except _REFUSALS:
            raise
        except StorageError as error:
            self._errors.append(error)
            if file := self._files.pop(number, None):
                file.abandon()

    def _begin(self, number: int, request: WriteRequest) -> None:
        place = self._places[number]
        is_known = request.size_bytes is not None and request.sha256 is not None
        if isinstance(request.policy, IfChanged) and is_known:
            receipt = place.unchanged(self._name, request.size_bytes or 0, request.sha256 or "")
            if receipt:
                self._receipts[number] = receipt
                return
        self._files[number] = place.begin(self._name, request)

    def _store(self, number: int) -> None:
        with self._files[number] as file:
            pass  # its clean end is what stores it
        if not hasattr(self._places[number].client, "open_writer"):
            self._places[number].verify(file.receipt)  # who has five methods may have changed something
        self._receipts[number] = file.receipt


def raise_for(done: list[str], errors: list[StorageError]) -> None:
    """Raise what says which places are done and what went wrong in the others, if anything did.

    Raises:
        StorageError: No place is done: the first error.
        PartlyStored: Some are.
    """
    if errors and done:
        raise PartlyStored(f"done: {', '.join(done)}; not done: {'; '.join(map(str, errors))}")
    if errors:
        raise errors[0]
