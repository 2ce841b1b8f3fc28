"""All verbs over any storage client: write, read, stat, list, delete, presign.

``Storage(get_client(path))`` is what the program itself uses.  It checks names, commits or does nothing, returns
receipts, and uses the optional methods of a client (`spec.OptionalMethods`) where there are any; what a client
cannot carry is refused in words, never faked.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from core.clients.persistient_storage import five_methods, names
from core.clients.persistient_storage.border import wrapped
from core.clients.persistient_storage.five_methods import SpoolWriter, lacks
from core.clients.persistient_storage.policies import IfChanged, Policy, Replace
from core.clients.persistient_storage.promises import Promises, policy_word
from core.clients.persistient_storage.publication import Publication, TextPublication
from core.clients.persistient_storage.reader import GuardedReader
from core.clients.persistient_storage.receipts import (
    TEXT,
    Leftover,
    Metadata,
    Outcome,
    Receipt,
    Stat,
    WriteRequest,
    default_metadata,
)
from core.clients.persistient_storage.spec import PersistientStorageClient, Writer
from core.clients.persistient_storage.text import decoded, encoded
from core.clients.persistient_storage.writing import GuardedWriter, check_expected, receipt_of
from core.errors import FileMissing, StorageCorrupt, StorageError, StoragePermissionDenied, UnsupportedOperation
from core.redaction import redact
from core.schemas.instant import LATEST, from_datetime

_CHUNK_BYTES = 1 << 20
_LONGEST_LINK_S = 7 * 24 * 3600


class Storage:
    """A storage client with everything on top.

    Args:
        client: What `get_client` returns, or any object that keeps the contract of `spec`.
    """

    def __init__(self, client: PersistientStorageClient) -> None:
        self.client = client
        self._promises = Promises(client)

    def open_writer(
        self,
        name: str,
        *,
        policy: Policy = Replace(),  # noqa: B008 - a frozen value
        content_type: str | None = None,
        cache_control: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        metadata: dict[str, str] | None = None,
        compression: Literal["gzip"] | None = None,
        default_type: str = "application/octet-stream",
        size_bytes: int | None = None,
        sha256: str | None = None,
    ) -> Publication:
        """Return a binary file that is published by the clean end of its ``with`` block.

        Args:
            name: Portable relative name; see `names.check`.
            policy: What to do with a file that is there.
            content_type: By default that of the name's suffix, else *default_type*.  What the caller asks for
                is kept or refused; a default is dropped by a client that cannot keep it, and the receipt says so.
            cache_control: As in HTTP.
            content_encoding: As in HTTP.
            content_disposition: As in HTTP.
            metadata: Names and values of one's own.
            compression: Compress on the way; the size and SHA-256 of the receipt are those of the stored bytes.
            default_type: The content type where the name says nothing.
            size_bytes: Of the stored bytes, if known; checked before anything is published.
            sha256: As *size_bytes*.

        Raises:
            UnsupportedOperation: The client cannot carry what was asked.  Nothing was stored.
        """
        self._check(name)
        kept = default_metadata(name, otherwise=default_type)
        asked = (content_type, cache_control, content_encoding, content_disposition)
        has_asked = bool(metadata) or asked != (None, None, None, None)
        if has_asked:
            kept = Metadata(content_type or kept.content_type, *asked[1:], metadata or {})
        if compression and kept.content_encoding is None and not name.lower().endswith(".gz"):
            kept = replace(kept, content_encoding=compression)
        return self.begin(name, WriteRequest(policy, kept, has_asked, size_bytes, sha256), compression)

    def begin(self, name: str, request: WriteRequest, compression: Literal["gzip"] | None = None) -> Publication:
        """Return a binary file as `open_writer` does, for a *request* that is made up already.

        Its policy may be ``IfChanged``; its metadata is kept as it is, with nothing added.
        """
        self._check(name)
        policy = request.policy
        compares = isinstance(policy, IfChanged) and not _compares(self.client)
        plain = replace(request, policy=Replace()) if compares else request
        place = self._place(name)  # asked before anything is stored: later, an error would come too late
        client_writer = self._writer(name, plain, compression, place)

        def finish(writer: GuardedWriter, size: int, digest: str) -> Receipt:
            check_expected(name, request, size, digest)
            outcome: Outcome | None = None
            if compares:
                there, outcome = self._compare(name, size, digest)
                if there is not None and outcome == "unchanged":
                    return receipt_of(place, there, digest, outcome, request.metadata)
            stat, done = writer.commit(digest)
            copies = getattr(client_writer, "copies", ())
            done = outcome if outcome and done == "stored" else done
            return receipt_of(place, stat, digest, done, request.metadata, copies)

        guarded = GuardedWriter(client_writer, place, self._promises)
        return Publication(name, guarded, finish, compress=compression is not None)

    def open_text_writer(self, name: str, **options: Any) -> TextPublication:
        """As `open_writer`, for text: UTF-8, line ends as they are given."""
        return TextPublication(self.open_writer(name, **{"default_type": TEXT, **options}))

    def write(
        self, name: str, data: bytes | bytearray | memoryview | str | Path | Iterable[bytes], **options: Any
    ) -> Receipt:
        """Store *data* as *name*: bytes, text (as UTF-8), the contents of a local file, or chunks of bytes.

        Options are those of `open_writer`.  With policy ``IfChanged`` and data whose SHA-256 is known before,
        nothing at all is sent if nothing has changed.
        """
        if isinstance(data, str):
            data, options = encoded(data), {"default_type": TEXT, **options}
        if isinstance(data, Path):
            with data.open("rb") as file:
                return self._write_file(name, file, options)
        if isinstance(data, (bytes, bytearray, memoryview)):
            if options.get("compression") is None:
                options = {"size_bytes": memoryview(data).nbytes, **options}
            return self._write_chunks(name, (data,), options)
        return self._write_chunks(name, data, options)

    def open_reader(self, name: str) -> BinaryIO:
        """Return the bytes of the file, as a file to be closed (use ``with``); reading never ends early.

        Raises:
            FileMissing: There is no such file.
        """
        self._check(name)
        place = self._place(name)
        with wrapped(f"{place} could not be read"):
            method = getattr(self.client, "open_reader", None)
            file = method(name) if method else five_methods.read(self.client, name)
        return cast("BinaryIO", GuardedReader(file, place, self._promises))

    def read_bytes(self, name: str) -> bytes:
        """Return the whole file."""
        with self.open_reader(name) as file:
            return file.read()

    def read_text(self, name: str) -> str:
        """Return the whole file as text.

        Raises:
            StorageCorrupt: It is not UTF-8.
        """
        return decoded(self.read_bytes(name), self._place(name))

    def stat(self, name: str) -> Stat:
        """Say what is stored; on a client without ``stat`` the file is read for that.

        Raises:
            FileMissing: There is no such file.
        """
        self._check(name)
        method = getattr(self.client, "stat", None)
        if method is None:
            size, digest = self._digest(name)
            return Stat(name, size, digest, digest)
        with wrapped(f"{self._place(name)} could not be looked at"):
            found: Stat = method(name)
            return found

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Return what is stored under *prefix*, in any order: the file of that name, and all below it."""
        self._promises.check_use(names.check_prefix(prefix))
        method = getattr(self.client, "list", None)
        if method is None:
            raise lacks(self.client, "list", "lists of what is stored")
        return _listed(method, prefix, f"{type(self.client).__name__} could not list {prefix or 'all files'}")

    def delete(self, name: str) -> None:
        """Make the file not be there; it is fine if it was not."""
        self._check(name)
        try:
            with wrapped(f"{self._place(name)} could not be deleted"):
                self.client.delete_file(name)
        except FileMissing:  # a client that was written before the rule
            pass

    def presign(self, name: str, expires_in: timedelta | int, *, download_name: str | None = None) -> str:
        """Return a link that gives the file to whoever has it.

        Args:
            name: The file; whether it is there is not asked.
            expires_in: From one second to seven days; a whole number means seconds.
            download_name: What browsers shall call it.
        """
        self._check(name)
        seconds = int(expires_in.total_seconds()) if isinstance(expires_in, timedelta) else expires_in
        if not 1 <= seconds <= _LONGEST_LINK_S:
            raise UnsupportedOperation(f"a link may live from 1 second to 7 days, not {seconds} s")
        method = getattr(self.client, "presign", None)
        if method is None:
            raise lacks(self.client, "presign", "links for others")
        with wrapped(f"no link could be made for {self._place(name)}"):
            link: str = method(name, seconds, download_name)
            return link

    def verify(self, receipt: Receipt) -> None:
        """Read the file back and compare it with its receipt.

        Raises:
            StorageCorrupt: What is stored has another size or SHA-256.
            FileMissing: It is gone.
        """
        size, digest = self._digest(receipt.name)
        if (size, digest) != (receipt.size_bytes, receipt.sha256):
            raise StorageCorrupt(
                f"{self._place(receipt.name)} holds {size} bytes with SHA-256 {digest}, "
                f"not the {receipt.size_bytes} with {receipt.sha256} that were stored"
            )

    def unchanged(self, name: str, size_bytes: int, sha256: str) -> Receipt | None:
        """Return the receipt of the file that is there if it has just these bytes; else None."""
        self._check(name)
        there, outcome = self._compare(name, size_bytes, sha256)
        if there is None or outcome != "unchanged":
            return None
        return receipt_of(self._place(name), there, sha256, outcome, Metadata())

    def leftovers(self, began_before: datetime | None = None) -> Iterator[Leftover]:
        """Yield what writes that never ended have left here; only those that began before then, if that is given.

        A client without ``leftovers`` has none to tell of.
        """
        self._promises.check_use()
        method = getattr(self.client, "leftovers", None)
        if method is None:
            return
        latest = from_datetime(began_before) if began_before else LATEST
        with wrapped(f"{type(self.client).__name__} could not list what was left behind"):
            for leftover in method():
                if leftover.began_at < latest:
                    yield leftover

    def remove_leftover(self, leftover: Leftover) -> None:
        """Remove it; it is fine if it is gone already."""
        self._promises.check_use()
        method = getattr(self.client, "remove_leftover", None)
        if method is None:
            raise lacks(self.client, "remove_leftover", "away with what was left behind")
        with wrapped(f"{redact(leftover.location)} could not be removed"):
            method(leftover)

    def _check(self, name: str) -> None:
        self._promises.check_use(names.check(name))

    def _writer(self, name: str, request: WriteRequest, compression: str | None, place: str) -> Writer:
        method = getattr(self.client, "open_writer", None)
        self._promises.check_write(request)
        if method is None:
            if word := policy_word(request):
                raise lacks(self.client, "open_writer", f"writes with policy {word}")
            if compression:
                raise lacks(self.client, "open_writer", "compressed writes")
            if request.has_asked:
                raise lacks(self.client, "open_writer", "metadata")
            return SpoolWriter(self.client, name)
        with wrapped(f"{place} could not be stored"):
            writer: Writer = method(name, request)
            return writer

    def _write_file(self, name: str, file: BinaryIO, options: dict[str, Any]) -> Receipt:
        if options.get("compression") is None:
            if isinstance(options.get("policy"), IfChanged) and options.get("sha256") is None:
                options = {**options, "sha256": hashlib.file_digest(cast("Any", file), "sha256").hexdigest()}
            options = {"size_bytes": file.seek(0, 2), **options}
            file.seek(0)
        return self._write_chunks(name, iter(lambda: file.read(_CHUNK_BYTES), b""), options)

    def _write_chunks(self, name: str, chunks: Iterable[Any], options: dict[str, Any]) -> Receipt:
        size, digest = options.get("size_bytes"), options.get("sha256")
        is_asked = isinstance(options.get("policy"), IfChanged) and not _compares(self.client)
        if is_asked and size is not None and digest is not None and (there := self.unchanged(name, size, digest)):
            return there
        with self.open_writer(name, **options) as file:
            for chunk in chunks:
                file.write(chunk)
        return file.receipt

    def _compare(self, name: str, size: int, digest: str) -> tuple[Stat | None, Outcome]:
        """Return what is there, and what storing these bytes would do to it."""
        try:
            there = self.stat(name)
            if there.size_bytes != size:
                return there, "replaced"
            return there, "unchanged" if (there.sha256 or self._digest(name)[1]) == digest else "replaced"
        except FileMissing:
            return None, "created"
        except StoragePermissionDenied:  # who may write need not be allowed to read
            return None, "stored"

    def _digest(self, name: str) -> tuple[int, str]:
        sha256, size = hashlib.sha256(), 0
        with closing(self.open_reader(name)) as file:
            while chunk := file.read(_CHUNK_BYTES):
                sha256.update(chunk)
                size += len(chunk)
        return size, sha256.hexdigest()

    def _place(self, name: str) -> str:
        with wrapped(f"file_path of {name}"):
            place = self.client.file_path(name)
        if not isinstance(place, str):
            raise StorageError(f"{type(self.client).__name__}.file_path returned {type(place).__name__}, not str")
        return redact(place)


def _compares(client: object) -> bool:
    return bool(getattr(client, "COMPARES", False))


def _listed(method: Callable[[str], Iterator[Stat]], prefix: str, what: str) -> Iterator[Stat]:
    with wrapped(what):
        yield from method(prefix)
