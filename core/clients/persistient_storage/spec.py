"""The contract of a storage client: what a class must have, and what it may have.

**Five methods are enough.**  A class with a ``PREFIX`` and the five methods of `PersistientStorageClient`, in a
file dropped into ``classes/`` or offered by a package as an entry point, is used for every path that begins with
its prefix.  It need not inherit.  What holds for each of the five is in its docstring; a test of the kit
(`core.testing.storage`) stands behind every sentence.

**Everything else is optional**, one method at a time, found by presence: see `OptionalMethods`.  `Storage` offers
all its verbs on any client, and refuses in words what a client cannot carry.

**A client says what it cannot promise** in one attribute, `CANNOT_PROMISE`, a set of these words; the kit then
demands a clear refusal instead:

=============  =====================================================================================
``atomic``     A reader never sees half a file, and a failed put leaves the old one as it was.
``create``     Of several writers with policy ``Create``, exactly one wins.
``if_match``   A write with policy ``IfMatch`` never overwrites another file than the one meant.
``metadata``   Content type and the other fields of `Metadata` come back as they went in.
``nested``     Names with ``/`` work, whether or not "folders" were made before.
``fork``       A client made before a fork works in the child.
``threads``    One client may be used by several threads at once.
=============  =====================================================================================

**What never depends on the client:** names are checked before it is called (`names.check`); an exception, a
``KeyboardInterrupt`` or the garbage collector ends a write without a put; no exception of a vendor's library
escapes from `Storage`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:  # a look at the contract costs nobody the import of all that it names
    from collections.abc import Iterator

    from core.clients.persistient_storage.receipts import Leftover, Outcome, Stat, WriteRequest

PROMISES = frozenset({"atomic", "create", "if_match", "metadata", "nested", "fork", "threads"})
"""The words that ``CANNOT_PROMISE`` may hold."""

FIVE = ("file_path", "get_file", "put_file", "delete_file")
"""The methods that every client has, beside its constructor."""


class PersistientStorageClient(ABC):
    """A place where text files are kept by name.

    Inheriting from this class is a convenience: type checkers and Python itself then say what is missing.

    Attributes:
        PREFIX: The client serves paths that begin with this; of several, the longest wins.
        CANNOT_PROMISE: Words of the table above; empty if everything holds.
    """

    PREFIX: str
    CANNOT_PROMISE: frozenset[str] = frozenset()

    def __init__(self, path: str) -> None:  # noqa: B027 - a client without settings needs none
        """Take the whole path, prefix included.

        Nothing is contacted and nothing is made: a storage that is away must not keep a program from starting.

        Raises:
            InvalidStoragePath: *path* cannot be a place of this storage.
        """

    @abstractmethod
    def file_path(self, file_name: str) -> str:
        """Return where the file is or would be, for people; nothing is stored, made or asked.

        Raises:
            InvalidFileName: *file_name* is not a portable relative name.
        """

    @abstractmethod
    def get_file(self, file_name: str) -> str:
        """Return the whole text as it was put: line ends as they were, never cut short.

        Raises:
            FileMissing: There is no such file (it is a ``FileNotFoundError``).
            StorageCorrupt: What is there is not UTF-8, or came back short.
        """

    @abstractmethod
    def put_file(self, file_name: str, contents: str) -> None:
        """Store the text as UTF-8, replacing what was there; folders that are needed are made.

        When it returns, any client of the same path gets the new text; until then, and if it raises, the old one.
        """

    @abstractmethod
    def delete_file(self, file_name: str) -> None:
        """Make the file not be there; it is fine if it was not."""


class Writer(Protocol):
    """One file that is being written; made by a client's ``open_writer``.

    Nothing is visible to readers before ``commit``, and nothing ever is if that is not called or fails.
    A writer that stores the file in several places has an attribute ``copies`` after its ``commit``: one
    `Receipt` for each.
    """

    def write(self, data: bytes | bytearray | memoryview) -> object:
        """Take the next bytes; they may be reused by the caller as soon as this returns."""

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Store the file, whose bytes have this SHA-256, as one; say what is stored now and what was done.

        Raises:
            FileExists, PreconditionFailed: The policy forbade it.
        """

    def abort(self) -> None:
        """Leave nothing behind; does nothing after a ``commit`` that succeeded, and may be called twice."""


OPTIONAL = ("open_writer", "open_reader", "stat", "list", "presign", "leftovers", "remove_leftover")
"""The methods that a client may have beside them."""


class OptionalMethods(Protocol):
    """What a client may have beside the five; each is used where it is there, and missed by name where it is not.

    ``open_writer`` lifts the limits of ``put_file``: any bytes, any size in little memory, compression, write
    policies, metadata.  ``open_reader`` lifts those of ``get_file``.
    """

    def open_writer(self, file_name: str, request: WriteRequest) -> Writer:
        """Begin to write a file.  The policy is ``Replace``, ``Create`` or ``IfMatch``.

        A client whose class says ``COMPARES = True`` is given ``IfChanged`` too; for others it is seen to by
        `Storage`, with ``stat`` and ``open_reader``.
        """

    def open_reader(self, file_name: str) -> BinaryIO:
        """Return the bytes as a file to be closed; reading raises rather than ends early."""

    def stat(self, file_name: str) -> Stat:
        """Say what is stored, without reading it.

        Raises:
            FileMissing: There is no such file.
        """

    def list(self, prefix: str) -> Iterator[Stat]:
        """Yield the file called *prefix* and all files below it, in any order; all there are if it is empty.

        *prefix* is whole parts of a name: ``a`` stands for ``a`` and ``a/b``, not for ``ab``.  Files that are
        being written are left out.  A Stat of a list may lack its metadata.
        """

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        """Return a link that gives the file to whoever has it, for so long; nothing is asked."""

    def leftovers(self) -> Iterator[Leftover]:
        """Yield what writes of this program that never ended have left at this path, of any age.

        Those that are going on just now cannot be told from those that died: whoever removes looks at the age.
        """

    def remove_leftover(self, leftover: Leftover) -> None:
        """Remove one of them; it is fine if it is gone already."""
