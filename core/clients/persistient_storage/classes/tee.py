"""The tee client: one export published to several places, with a receipt for each.

Path: ``tee://PLACE,PLACE,…``, each place any storage path: ``tee:///srv/exports,s3://bucket/prefix``.  In a place,
``%2C`` stands for a comma and ``%25`` for a percent sign.

Every place gets the bytes while they are written; then the places commit one after the other, each whole or not
at all.  A place that fails does not keep the others from the file: they get it, the error (`PartlyStored`) says
which have it and which do not, and the next run brings those up to date, leaving alone what is right already.

It cannot promise ``atomic`` for all places together, nor ``create`` and ``if_match``, nor what one of its places
cannot: compressed bytes or metadata that one of them cannot keep are refused before anything is stored anywhere.
Reading, stat and lists are those of the first place; links are to be had of each place itself.  `Receipt.copies`
has a receipt for each.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import (
    TEXT,
    Leftover,
    Stat,
    WriteRequest,
    default_metadata,
)
from core.clients.persistient_storage.registry import get_client
from core.clients.persistient_storage.several_places import SCHEME, SeveralWriter, places_of, raise_for
from core.clients.persistient_storage.spec import PersistientStorageClient
from core.clients.persistient_storage.storage import Storage
from core.clients.persistient_storage.text import encoded, put
from core.errors import InvalidStoragePath, StorageError


class TeeClient(PersistientStorageClient):
    """Several places that hold the same files."""

    PREFIX = SCHEME
    COMPARES = True
    CANNOT_PROMISE = frozenset({"atomic", "create", "if_match"})

    def __init__(self, path: str) -> None:
        places = places_of(path)
        if len(places) < 2 or "" in places or len(set(places)) < len(places):
            raise InvalidStoragePath(
                "tee:// needs two places or more, each once, as tee:///srv/exports,s3://bucket"
            )
        self._places = [Storage(get_client(place)) for place in places]
        self.CANNOT_PROMISE = type(self).CANNOT_PROMISE.union(*map(_cannot, self._places))

    def file_path(self, file_name: str) -> str:
        return ", ".join(place.client.file_path(file_name) for place in self._places)

    def get_file(self, file_name: str) -> str:
        return self._places[0].read_text(file_name)

    def put_file(self, file_name: str, contents: str) -> None:
        metadata = default_metadata(file_name, otherwise=TEXT)
        put(self.open_writer(file_name, WriteRequest(metadata=metadata)), encoded(contents))

    def delete_file(self, file_name: str) -> None:
        done: list[str] = []
        errors: list[StorageError] = []
        for place in self._places:
            try:
                place.delete(file_name)
                done.append(place.client.file_path(file_name))
            except StorageError as error:
                errors.append(error)
        raise_for(done, errors)

    def open_writer(self, file_name: str, request: WriteRequest) -> "SeveralWriter":
        return SeveralWriter(self._places, names.check(file_name), request)

    def open_reader(self, file_name: str) -> BinaryIO:
        return self._places[0].open_reader(file_name)

    def stat(self, file_name: str) -> Stat:
        return self._places[0].stat(file_name)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return self._places[0].list(prefix)

    def leftovers(self) -> Iterator[Leftover]:
        errors: list[StorageError] = []
        for number, place in enumerate(self._places):
            try:
                for leftover in place.leftovers():
                    yield replace(leftover, token=f"{number} {leftover.token}")
            except StorageError as error:  # what the other places have is told all the same
                errors.append(error)
        raise_for([], errors)

    def remove_leftover(self, leftover: Leftover) -> None:
        number, _, token = leftover.token.partition(" ")
        self._places[int(number)].remove_leftover(replace(leftover, token=token))


def _cannot(place: Storage) -> frozenset[str]:
    words = frozenset(getattr(place.client, "CANNOT_PROMISE", ()))
    return words if hasattr(place.client, "open_writer") else words | {"metadata"}
