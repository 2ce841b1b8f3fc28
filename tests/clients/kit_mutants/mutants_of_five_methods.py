"""The local client's five methods, each broken in one way; what is stored and read is text."""

import unicodedata
from pathlib import Path

from core.clients.persistient_storage.border import wrapped

from ._mutant import LocalMutant


class TranslatesNewlines(LocalMutant):
    """Reads as a text file is read: CRLF becomes LF."""

    PREFIX = "local-newlines://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def get_file(self, file_name):
        return super().get_file(file_name).replace("\r\n", "\n")


class StoresOtherNewlines(LocalMutant):
    """Stores LF as CRLF and turns it back: only a look behind the client's back tells."""

    PREFIX = "local-dos://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def put_file(self, file_name, contents):
        super().put_file(file_name, contents.replace("\r", "\r\r").replace("\n", "\r\n"))

    def get_file(self, file_name):
        return super().get_file(file_name).replace("\r\n", "\n").replace("\r\r", "\r")


class StoresUtf16(LocalMutant):
    """Stores another encoding and reads it, too."""

    PREFIX = "local-utf16://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def put_file(self, file_name, contents):
        place = Path(self.file_path(file_name))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents.encode("utf-16"))

    def get_file(self, file_name):
        with wrapped(file_name):
            return Path(self.file_path(file_name)).read_bytes().decode("utf-16")


class StoresLatin1(LocalMutant):
    """Puts a question mark for what Latin-1 lacks."""

    PREFIX = "local-latin1://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def put_file(self, file_name, contents):
        super().put_file(file_name, contents.encode("latin-1", "replace").decode("latin-1"))


class AppendsNewline(LocalMutant):
    """Ends every file with a line feed."""

    PREFIX = "local-final-newline://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def put_file(self, file_name, contents):
        super().put_file(file_name, contents if contents.endswith("\n") else contents + "\n")


class StripsByteOrderMark(LocalMutant):
    """Takes a byte order mark for no part of the text."""

    PREFIX = "local-bom://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def get_file(self, file_name):
        return super().get_file(file_name).removeprefix("\ufeff")


class JoinsLines(LocalMutant):
    """Splits into lines by ``str.splitlines`` and joins them by LF."""

    PREFIX = "local-splitlines://"
    CAUGHT_BY = ("test_what_was_put_comes_back",)

    def put_file(self, file_name, contents):
        super().put_file(file_name, "\n".join(contents.splitlines()))


class ReplacesHalfPairs(LocalMutant):
    """Stores a question mark for half a surrogate pair."""

    PREFIX = "local-surrogates://"
    CAUGHT_BY = ("test_contents_must_be_text",)

    def put_file(self, file_name, contents):
        super().put_file(file_name, contents.encode(errors="replace").decode())


class DoesNotTruncate(LocalMutant):
    """Writes over the old file from its start: of a longer one the end stays."""

    PREFIX = "local-tail://"
    CAUGHT_BY = ("test_a_put_replaces",)

    def put_file(self, file_name, contents):
        place = Path(self.file_path(file_name))
        there = place.read_bytes() if place.exists() else b""
        super().put_file(file_name, contents + there[len(contents.encode()) :].decode())


class AsksForFolders(LocalMutant):
    """Does not make the folders of a nested name."""

    PREFIX = "local-folders://"
    CAUGHT_BY = ("test_portable_names_work", "test_nested_names_work_or_are_refused")

    def open_writer(self, file_name, request):
        if "/" in file_name and not Path(self.file_path(file_name)).parent.is_dir():
            raise FileNotFoundError(file_name)
        return super().open_writer(file_name, request)


class LowersNames(LocalMutant):
    """Takes names in capitals and in small letters for one."""

    PREFIX = "local-lower://"
    CAUGHT_BY = ("test_names_do_not_run_into_each_other",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name.lower(), request)

    def get_file(self, file_name):
        return super().get_file(file_name.lower())


class NormalizesNames(LocalMutant):
    """Takes the two forms of é for one."""

    PREFIX = "local-nfc://"
    CAUGHT_BY = ("test_names_do_not_run_into_each_other",)

    def open_writer(self, file_name, request):
        return super().open_writer(unicodedata.normalize("NFC", file_name), request)

    def get_file(self, file_name):
        return super().get_file(unicodedata.normalize("NFC", file_name))


class QuotesNames(LocalMutant):
    """Stores a name with a space as with %20, and so has two files in one."""

    PREFIX = "local-quoted://"
    CAUGHT_BY = ("test_names_do_not_run_into_each_other", "test_portable_names_work")

    def open_writer(self, file_name, request):
        return super().open_writer(file_name.replace(" ", "%20"), request)

    def get_file(self, file_name):
        return super().get_file(file_name.replace(" ", "%20"))


class FlattensNames(LocalMutant):
    """Stores ``a/b`` as ``a_b``."""

    PREFIX = "local-flat://"
    CAUGHT_BY = ("test_portable_names_work",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name.replace("/", "_"), request)

    def open_reader(self, file_name):
        return super().open_reader(file_name.replace("/", "_"))


class DeletesOnlyOnce(LocalMutant):
    """Complains about a delete of what is not there."""

    PREFIX = "local-delete-once://"
    CAUGHT_BY = ("test_deleting_twice_is_fine",)

    def delete_file(self, file_name):
        super().get_file(file_name)
        super().delete_file(file_name)


class DeletesNothing(LocalMutant):
    """Empties a file instead of deleting it."""

    PREFIX = "local-delete-nothing://"
    CAUGHT_BY = ("test_deleting_twice_is_fine", "test_a_second_client_sees_it", "test_portable_names_work")

    def delete_file(self, file_name):
        self.put_file(file_name, "")


class MissingIsEmpty(LocalMutant):
    """Gives an empty text for what is not there."""

    PREFIX = "local-missing://"
    CAUGHT_BY = ("test_a_missing_file_is_missing",)

    def get_file(self, file_name):
        try:
            return super().get_file(file_name)
        except FileNotFoundError:
            return ""


class Caches(LocalMutant):
    """Remembers what it read."""

    PREFIX = "local-cache://"
    CAUGHT_BY = ("test_a_second_client_sees_it",)

    def get_file(self, file_name):
        cache = self.__dict__.setdefault("_cache", {})
        if file_name not in cache:
            cache[file_name] = super().get_file(file_name)
        return cache[file_name]


class MakesOnAsking(LocalMutant):
    """Makes the file when asked where it would be."""

    PREFIX = "local-touch://"
    CAUGHT_BY = ("test_file_path_stores_nothing",)

    def file_path(self, file_name):
        place = Path(super().file_path(file_name))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        return str(place)


class MakesOnStart(LocalMutant):
    """Leaves a marker in the folder as soon as it is made."""

    PREFIX = "local-marker://"
    CAUGHT_BY = ("test_taking_a_path_makes_nothing",)

    def __init__(self, path):
        super().__init__(path)
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / ".marker").touch()


class _IsNotFound(LocalMutant):
    """Has a prefix, but is no client that could be found: its paths pass for folders."""

    PREFIX = "local-not-found://"
    CAUGHT_BY = ("test_the_prefix_leads_to_this_client",)
