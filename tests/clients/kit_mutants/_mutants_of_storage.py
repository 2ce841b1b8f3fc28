"""`Storage` and what it is made of, each broken in one way while a block runs: (client, tests that catch it)."""

import time
from contextlib import suppress
from types import SimpleNamespace

from core.clients.persistient_storage import five_methods, names, promises, publication, receipts, storage
from core.clients.persistient_storage.reader import GuardedReader
from core.errors import StorageError, UnsupportedOperation

LOCAL, FIVE = "", "five://"
NO_FORK, NO_THREADS, NO_NESTED = "refuses-fork://", "refuses-threads://", "refuses-nested://"


def takes_any_name(monkeypatch):
    """Every name is a name, ``../x`` too."""
    monkeypatch.setattr(names, "_fault", lambda name: "")


takes_any_name.on, takes_any_name.caught_by = FIVE, ("test_other_names_are_refused['../x']",)


def publishes_what_was_dropped(monkeypatch):
    """A writer that is garbage is published."""
    monkeypatch.setattr(publication.Publication, "__del__", lambda self: self._writer and self._commit())


publishes_what_was_dropped.on = LOCAL
publishes_what_was_dropped.caught_by = ("test_a_writer_that_is_dropped_publishes_nothing",)


def publishes_on_close(monkeypatch):
    """``close`` publishes, as that of a file does."""

    def close(self):
        if self._writer is not None:
            self._commit()
            self._writer = None

    monkeypatch.setattr(publication.Publication, "close", close)


publishes_on_close.on = LOCAL
publishes_on_close.caught_by = (
    "test_an_exception_under_a_wrapper_publishes_nothing",
    "test_a_close_publishes_nothing",
)


def publishes_on_exit(monkeypatch):
    """The end of the block publishes, whatever ended it but the usual exceptions."""

    def leave(self, kind, error, traceback):
        if kind is None or not issubclass(kind, Exception):
            self._commit()
        self._abort()

    monkeypatch.setattr(publication.Publication, "__exit__", leave)


publishes_on_exit.on = LOCAL
publishes_on_exit.caught_by = (
    "test_an_exception_publishes_nothing[small-KeyboardInterrupt]",
    "test_a_generator_that_is_closed_publishes_nothing",
)


def expects_nothing(monkeypatch):
    """The announced size and SHA-256 are not compared."""
    monkeypatch.setattr(storage, "check_expected", lambda *arguments: None)


expects_nothing.on, expects_nothing.caught_by = LOCAL, ("test_a_failed_expectation_publishes_nothing",)


def compresses_with_the_time(monkeypatch):
    """The gzip header holds the time, which is the same for two files of one second."""

    def header(self):
        return b"\x1f\x8b\x08\x00" + int(time.time()).to_bytes(4, "little") + b"\x00\xff"

    monkeypatch.setattr(publication._Gzip, "_HEADER", property(header))


compresses_with_the_time.on = LOCAL
compresses_with_the_time.caught_by = ("test_the_same_bytes_compressed_twice_are_the_same_file",)


def leaves_readers_open(monkeypatch):
    """Closing the reader does not close the client's file."""
    monkeypatch.setattr(GuardedReader, "close", lambda self: None)


leaves_readers_open.on = LOCAL
leaves_readers_open.caught_by = ("test_a_reader_that_is_closed_gives_its_file_back",)


def hides_bytes_in_latin_1(monkeypatch):
    """Bytes that are no text are stored as some other text."""

    def commit(self, sha256):
        self._spool.seek(0)
        self._client.put_file(self._name, self._spool.read().decode("latin-1"))
        return five_methods.Stat(self._name, 0, sha256, sha256), "stored"

    monkeypatch.setattr(five_methods.SpoolWriter, "_check_text", lambda self, data, is_last: None)
    monkeypatch.setattr(five_methods.SpoolWriter, "commit", commit)


hides_bytes_in_latin_1.on, hides_bytes_in_latin_1.caught_by = FIVE, ("test_bytes_come_back_or_are_refused",)


def grants_any_policy(monkeypatch):
    """A policy that five methods cannot keep is dropped without a word."""
    monkeypatch.setattr(storage, "policy_word", lambda request: "")


grants_any_policy.on = FIVE
grants_any_policy.caught_by = (
    *("test_create_never_overwrites", "test_if_match_only_replaces_what_was_meant"),
    *("test_of_several_creators_one_wins", "test_a_write_that_cannot_be_kept_is_refused[create]"),
)


def _no_word(word):
    def check_use(self, name=""):
        try:
            real(self, name)
        except UnsupportedOperation as error:
            if repr(word) not in str(error):
                raise

    real = promises.Promises.check_use
    return check_use


def does_not_guard_forks(monkeypatch):
    """A client that cannot promise ``fork`` is used in the child."""
    monkeypatch.setattr(promises.Promises, "check_use", _no_word("fork"))


does_not_guard_forks.on = NO_FORK
does_not_guard_forks.caught_by = ("test_a_forked_child_can_use_it_or_is_refused",)


def does_not_guard_threads(monkeypatch):
    """A client that cannot promise ``threads`` is used by all."""
    monkeypatch.setattr(promises.Promises, "check_use", _no_word("threads"))


does_not_guard_threads.on = NO_THREADS
does_not_guard_threads.caught_by = ("test_threads_share_a_client_or_are_refused",)


def forgets_the_drop(monkeypatch):
    """The receipt does not name the default that the client dropped."""
    real = storage.receipt_of

    def receipt_of(*arguments):
        from dataclasses import replace

        return replace(real(*arguments), dropped=())

    monkeypatch.setattr(storage, "receipt_of", receipt_of)


forgets_the_drop.on, forgets_the_drop.caught_by = FIVE, ("test_the_content_type_is_that_of_the_name",)


def forgets_a_failure(monkeypatch):
    """What could not be written is left out, and the rest is published."""

    def store(self, data):
        with suppress(StorageError):
            self._writer.write(data)
            self._digest.update(data)

    monkeypatch.setattr(publication.Publication, "_store", store)


forgets_a_failure.on, forgets_a_failure.caught_by = LOCAL, ("test_a_write_that_failed_is_not_committed",)


def lets_children_give_up(monkeypatch):
    """A forked child may end what its parent is writing."""

    def abort(self):
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abort()

    monkeypatch.setattr(publication.Publication, "_abort", abort)


lets_children_give_up.on = LOCAL
lets_children_give_up.caught_by = ("test_a_forked_child_leaves_its_parents_writer_alone",)


def verifies_the_size(monkeypatch):
    """A file of the right length passes for the stored one."""
    monkeypatch.setattr(
        storage.Storage, "verify", lambda self, receipt: self.stat(receipt.name).size_bytes == receipt.size_bytes
    )


verifies_the_size.on = LOCAL
verifies_the_size.caught_by = ("test_a_changed_file_does_not_pass_for_the_stored_one",)


def takes_any_metadata(monkeypatch):
    """What could not be a header is handed to the client."""
    monkeypatch.setattr(receipts.Metadata, "__post_init__", lambda self: None)


takes_any_metadata.on = LOCAL
takes_any_metadata.caught_by = ("test_metadata_that_is_no_header_is_refused",)


def does_not_guard_readers(monkeypatch):
    """A file that was opened before is read on in the child."""
    real = storage.GuardedReader
    free = SimpleNamespace(check_use=lambda: None)
    monkeypatch.setattr(storage, "GuardedReader", lambda file, place, promises: real(file, place, free))


does_not_guard_readers.on = NO_FORK
does_not_guard_readers.caught_by = ("test_a_forked_child_can_use_it_or_is_refused",)


def refuses_only_to_write(monkeypatch):
    """Names with a slash are refused when they are written, and looked for when they are read."""
    real = promises.Promises.check_use
    monkeypatch.setattr(promises.Promises, "check_use", lambda self, name="": None)
    monkeypatch.setattr(promises.Promises, "check_write", lambda self, request: real(self, "a/b"))


refuses_only_to_write.on = NO_NESTED
refuses_only_to_write.caught_by = ("test_nested_names_work_or_are_refused",)

ALL = (
    *(takes_any_name, publishes_what_was_dropped, publishes_on_close, publishes_on_exit, expects_nothing),
    *(compresses_with_the_time, leaves_readers_open, hides_bytes_in_latin_1, grants_any_policy),
    *(does_not_guard_forks, does_not_guard_threads, does_not_guard_readers, refuses_only_to_write),
    *(forgets_the_drop, forgets_a_failure, lets_children_give_up, verifies_the_size, takes_any_metadata),
)
