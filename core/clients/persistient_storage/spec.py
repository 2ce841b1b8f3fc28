"""The contract of a storage client: what a class must have, and what it may have.

**Every guarantee is one sentence, and the sentence names its test** in brackets; the tests are the conformance kit,
`core.testing.storage`, which runs on every client, or where it says so our own in ``tests/clients``.

**Five methods are enough.**  A class with a ``PREFIX`` and the five methods of `PersistientStorageClient`, in a
file dropped into ``classes/`` or offered by a package as an entry point, is used for every path that begins with
its prefix [test_the_prefix_leads_to_this_client].  It need not inherit [tests: test_a_class_need_not_inherit].  What
holds for each of the five is in its docstring.

**Everything else is optional**, one method at a time, found by presence: see `OptionalMethods`.  `Storage` offers
all its verbs on any client, and refuses in words what a client cannot carry.

**A client says what it cannot promise** in one attribute, `CANNOT_PROMISE`, a set of these words and no others
[test_only_known_words_are_declared]; the kit then demands a clear refusal instead:

=============  =========================================================================================
``atomic``     At every moment there is the old file or the new one; a put that fails leaves the old one.
``create``     Of several writers with policy ``Create``, exactly one wins.
``if_match``   A write with policy ``IfMatch`` never overwrites another file than the one meant.
``metadata``   Content type and the other fields of `Metadata` come back as they went in.
``nested``     Names with ``/`` work, whether or not "folders" were made before.
``fork``       A client made before a fork works in the child.
``threads``    One client may be used by several threads at once.
=============  =========================================================================================

- Without ``atomic`` a reader may find no file for a moment, or after a put that failed, but never a part of one
  [test_racing_puts_never_mix].
- Without ``create``, ``if_match`` or ``metadata`` a write that needs them is refused when its writer is opened, and
  the old file stands [test_a_write_that_cannot_be_kept_is_refused].
- Without ``nested`` every verb of `Storage` refuses a name with a slash; else such names need no folders
  [test_nested_names_work_or_are_refused].
- Without ``fork`` every verb, and reading on in a file that was opened before, is refused in a forked child within a
  second; else the child uses the client that its parent has used, and the parent goes on
  [test_a_forked_child_can_use_it_or_is_refused].
- Whatever it promises, a call of the client in a forked child ends, well or with an error
  [test_a_forked_child_never_hangs].
- Without ``threads`` every verb, and every read or write in a file that was opened before, is refused to another
  thread than the one that made the `Storage`; else threads share one client
  [test_threads_share_a_client_or_are_refused].
- A client of its own may be made and used by any thread [test_a_client_per_thread_always_works].

**What never depends on the client**, since `Storage` sees to it:

- A name that is not portable, ``../x`` above all, is refused before the client is called
  [test_other_names_are_refused].
- A file is published by the clean end of the ``with`` block, and nobody sees it before
  [test_a_clean_end_publishes].
- An exception of any kind in the block publishes nothing: neither raised by the writer's own code
  [test_an_exception_publishes_nothing], nor by the source of the bytes [test_a_source_that_dies_publishes_nothing],
  nor in text [test_an_exception_in_a_text_writer_publishes_nothing], nor in compressed bytes
  [test_an_exception_in_a_compressed_write_publishes_nothing], nor under a wrapper that closes the file
  [test_an_exception_under_a_wrapper_publishes_nothing].
- Neither a writer that is dropped [test_a_writer_that_is_dropped_publishes_nothing], nor one that is only closed
  [test_a_close_publishes_nothing], nor one in a generator that nobody runs to its end
  [test_a_generator_that_is_closed_publishes_nothing] publishes anything.
- After a write that failed nothing is published, whatever became of the error
  [test_a_write_that_failed_is_not_committed].
- A forked child can neither go on with what its parent is writing nor end it
  [test_a_forked_child_leaves_its_parents_writer_alone].
- Bytes of another size or SHA-256 than was announced are not published
  [test_a_failed_expectation_publishes_nothing].
- The same bytes compressed twice are the same file [test_the_same_bytes_compressed_twice_are_the_same_file].
- Bytes that are no text are stored as they are or refused, never hidden in text
  [test_bytes_come_back_or_are_refused].
- Metadata that could not be a header of HTTP is refused [test_metadata_that_is_no_header_is_refused].
- The content type is that of the name's suffix where nothing else was asked for, and the receipt tells what was
  dropped [test_the_content_type_is_that_of_the_name].
- `verify` tells that a file is not the one of its receipt any more
  [test_a_changed_file_does_not_pass_for_the_stored_one], and `unchanged` that it still has just these bytes
  [test_unchanged_tells_the_same_file].
- With policy ``IfChanged`` the same bytes are left alone: ETag and time stay
  [test_if_changed_leaves_the_same_bytes_alone].
- Reading gives as many bytes as were asked for until there are no more
  [test_a_reader_gives_just_what_is_asked_for].
- Closing what was opened for reading closes the client's file [test_a_reader_that_is_closed_gives_its_file_back].
- No exception of a vendor's library escapes, and an error says ``transient`` where later may help
  [test_a_put_that_meets_a_fault].
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
        PREFIX: The client serves paths that begin with this; of several, the longest wins
            [tests: test_the_longest_prefix_wins].
        CANNOT_PROMISE: Words of the table above; empty if everything holds.
    """

    PREFIX: str
    CANNOT_PROMISE: frozenset[str] = frozenset()

    def __init__(self, path: str) -> None:  # noqa: B027 - a client without settings needs none
        """Take the whole path, prefix included.

        Nothing is made [test_taking_a_path_makes_nothing].  Nothing is contacted: a storage that is away must not
        keep a program from starting [test_taking_a_path_contacts_nobody].

        Raises:
            InvalidStoragePath: *path* cannot be a place of this storage
                [tests: test_a_path_that_is_no_place_is_refused].  What else it raises is told as a mistake of the
                client [tests: test_a_constructor_that_fails_is_an_error_of_ours].
        """

    @abstractmethod
    def file_path(self, file_name: str) -> str:
        """Return where the file is or would be, for people.

        It is the same every time, and nothing is stored, made or asked [test_file_path_stores_nothing].

        Raises:
            InvalidFileName: *file_name* has no place here; one that is not portable `Storage` has refused before
                [test_other_names_are_refused].
        """

    @abstractmethod
    def get_file(self, file_name: str) -> str:
        """Return the whole text as it was put.

        Line ends, a byte order mark and all else come back as they went in [test_what_was_put_comes_back].
        A server that fails or breaks off is an error, never a part of the file and never "missing"
        [test_a_read_that_meets_a_fault].  A file that is not there is a ``FileNotFoundError``
        [test_a_missing_file_is_missing].

        Raises:
            FileMissing: There is no such file (it is a ``FileNotFoundError``) [test_a_missing_file_is_missing].
            StorageCorrupt: What is there is not UTF-8 [test_bytes_come_back_or_are_refused], or came back short
                [test_a_read_that_meets_a_fault].
        """

    @abstractmethod
    def put_file(self, file_name: str, contents: str) -> None:
        """Store the text, as UTF-8 [test_what_was_put_comes_back].

        It replaces what was there, and nothing stays of that [test_a_put_replaces].  When it returns, any client of
        the same path gets the new text [test_a_second_client_sees_it]; until then, and if it raises, the old one
        [test_racing_puts_never_mix, test_a_put_that_meets_a_fault].  Text that UTF-8 cannot hold is refused
        [test_contents_must_be_text].  Every portable name works, and folders that are needed are made
        [test_portable_names_work].  Two names are two files, whatever their letters
        [test_names_do_not_run_into_each_other].  On a full disk it raises and the old file stands
        [test_a_put_onto_a_full_disk_is_whole_or_told].
        """

    @abstractmethod
    def delete_file(self, file_name: str) -> None:
        """Make the file not be there; it is fine if it was not [test_deleting_twice_is_fine].

        A server that fails is an error, never "it was not there"; nor is it "missing" to ``stat`` or an empty
        ``list`` [test_a_server_that_fails_is_not_an_empty_one].
        """


class Writer(Protocol):
    """One file that is being written; made by a client's ``open_writer``.

    Nothing is visible to readers before ``commit`` [test_a_clean_end_publishes], and nothing ever is if that is not
    called [test_an_exception_publishes_nothing] or fails [test_a_large_put_that_meets_a_fault_midway].  A process
    that is killed before it leaves the old file [test_killed_while_writing]; one that is killed inside leaves the
    old file or the new one, whole [test_killed_while_committing].  A reader that has begun gives the file that it
    opened, or an error [test_a_reader_that_began_sees_one_file].

    A writer may have a method ``prepare``: it is called before ``commit``, when all bytes are written, while their
    SHA-256 is still being made in another thread [tests: test_a_writer_is_prepared_before_its_commit]; what takes long
    and does not need it (a flush to the disk) goes there.
    A writer that stores the file in several places has an attribute ``copies`` after its ``commit``: one
    `Receipt` for each [tests: test_every_place_has_a_receipt].
    """

    def write(self, data: bytes | bytearray | memoryview) -> object:
        """Take the next bytes.

        The caller may use its buffer again as soon as this returns [test_a_buffer_may_be_used_again].  Where no
        space is left for them it raises, or ``commit`` does: `StorageFull` [test_a_full_disk_publishes_nothing].
        """

    def commit(self, sha256: str) -> tuple[Stat, Outcome]:
        """Store the file, whose bytes have this SHA-256, as one; say what is stored now and what was done.

        With policy ``Create`` a taken name is refused [test_create_never_overwrites].  Of several that create it at
        once, one wins, be they threads [test_of_several_creators_one_wins] or processes
        [test_of_several_creating_processes_one_wins].  With ``IfMatch`` a file that was changed or removed is not
        overwritten [test_if_match_only_replaces_what_was_meant].  What counts is what is there now, not what was
        there when the writer was opened [test_what_happens_meanwhile_counts].  All this holds for files of any size, or
        a large one is refused in words [test_large_files_keep_to_their_policy].

        Raises:
            FileExists, PreconditionFailed: The policy forbade it [test_create_never_overwrites,
                test_if_match_only_replaces_what_was_meant].
        """

    def abort(self) -> None:
        """Leave nothing behind [test_an_exception_publishes_nothing].

        It does nothing after a ``commit`` that succeeded, and may be called twice [test_an_abort_may_be_repeated].
        """


OPTIONAL = ("open_writer", "open_reader", "stat", "list", "presign", "leftovers", "remove_leftover")
"""The methods that a client may have beside them."""


class OptionalMethods(Protocol):
    """What a client may have beside the five; each is used where it is there, and missed by name where it is not.

    ``open_writer`` lifts the limits of ``put_file``: any bytes [test_bytes_come_back_or_are_refused], any size in
    little memory [test_a_large_file_streams], compression, write policies, metadata.  ``open_reader`` lifts those of
    ``get_file``.
    """

    def open_writer(self, file_name: str, request: WriteRequest) -> Writer:
        """Begin to write a file.  The policy is ``Replace``, ``Create`` or ``IfMatch``.

        A client whose class says ``COMPARES = True`` is given ``IfChanged`` too; for others it is seen to by
        `Storage`, with ``stat`` and ``open_reader`` [test_if_changed_leaves_the_same_bytes_alone].  Every field of the
        metadata is kept, or the write refused [test_metadata_comes_back_or_is_refused].  What the replaced file had is
        gone with it [test_a_replacement_has_its_own_metadata].
        """

    def open_reader(self, file_name: str) -> BinaryIO:
        """Return the bytes as a file to be closed; reading raises rather than ends early.

        What is said of ``get_file`` holds here too [test_a_read_that_meets_a_fault].  If it is ``seekable``, a seek
        costs no more than the part that is read then, of the same version [test_a_seek_stays_in_the_same_file].
        """

    def stat(self, file_name: str) -> Stat:
        """Say what is stored, without reading it [test_stat_says_what_is_stored].

        Each new content has another ETag, also of the same length and at once
        [test_each_replacement_has_another_etag].

        Raises:
            FileMissing: There is no such file [test_a_missing_file_is_missing].
        """

    def list(self, prefix: str) -> Iterator[Stat]:
        """Yield the file called *prefix* and all files below it, in any order; all there are if it is empty.

        *prefix* is whole parts of a name: ``a`` stands for ``a`` and ``a/b``, not for ``ab``
        [test_list_gives_what_is_stored].  Files that are being written are left out [test_a_clean_end_publishes].
        A Stat of a list may lack its metadata.
        """

    def presign(self, file_name: str, expires_in_s: int, download_name: str | None) -> str:
        """Return a link that gives the file to whoever has it, for so long; browsers save it under the name given.

        `Storage` has refused less than a second and more than seven days [test_links_give_the_file].
        """

    def leftovers(self) -> Iterator[Leftover]:
        """Yield all that writes of this program that never ended have left at this path, of any age.

        A killed writer leaves nothing that is not found here [test_killed_while_writing].

        Those that are going on just now cannot be told from those that died: whoever removes looks at the age.
        """

    def remove_leftover(self, leftover: Leftover) -> None:
        """Remove one of them; it is fine if it is gone already [test_killed_while_writing]."""
