"""Clients that give other bytes, other Stats or other lists than there are, or links without a name."""

import io
from dataclasses import replace

import boto3

from core.clients.persistient_storage import names
from core.clients.persistient_storage.receipts import Stat

from ._mutant import LocalMutant, S3Mutant


class EndsEarly(LocalMutant):
    """Gives the first 4 MiB of a file and says that this is all."""

    PREFIX = "local-short://"
    CAUGHT_BY = ("test_a_large_file_streams",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return io.BytesIO(file.read(4 << 20))


class _ReadsLines(io.BytesIO):
    def read(self, size=-1):
        return super().readline(size)


class ReadsLines(LocalMutant):
    """Gives a line where so many bytes were asked for."""

    PREFIX = "local-lines://"
    CAUGHT_BY = ("test_a_reader_gives_just_what_is_asked_for",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return _ReadsLines(file.read())


class _StaysOpen(io.BytesIO):
    def close(self):
        pass


class ReaderStaysOpen(LocalMutant):
    """Does not close what it opened."""

    PREFIX = "local-open://"
    CAUGHT_BY = ("test_a_reader_that_is_closed_gives_its_file_back",)

    def open_reader(self, file_name):
        with super().open_reader(file_name) as file:
            return _StaysOpen(file.read())


class _OpensAgain(io.FileIO):
    def seek(self, offset, whence=io.SEEK_SET):
        super().__init__(self.name)
        return super().seek(offset, whence)


class SeeksInWhatIsThere(LocalMutant):
    """Opens the name again for each seek: part of the old file, and then part of the new one."""

    PREFIX = "local-seek://"
    CAUGHT_BY = ("test_a_seek_stays_in_the_same_file",)

    def open_reader(self, file_name):
        return _OpensAgain(self.file_path(file_name))


class EtagStays(LocalMutant):
    """Has one ETag for a name."""

    PREFIX = "local-etag://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag",)

    def stat(self, file_name):
        return replace(super().stat(file_name), etag=file_name)


class EtagIsTheSize(LocalMutant):
    """Has an ETag that only a change of the size changes."""

    PREFIX = "local-etag-size://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, etag=str(stat.size_bytes))


class StatCountsLetters(LocalMutant):
    """Says a size that is not that of the bytes."""

    PREFIX = "local-size://"
    CAUGHT_BY = ("test_stat_says_what_is_stored",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, size_bytes=stat.size_bytes + 1)


class StatReads(LocalMutant):
    """Reads the file to say how long it is."""

    PREFIX = "local-stat-reads://"
    CAUGHT_BY = ("test_stat_says_what_is_stored",)

    def stat(self, file_name):
        with self.open_reader(file_name) as file:
            return replace(super().stat(file_name), size_bytes=len(file.read()))


class StatOfTheFirst(S3Mutant):
    """Remembers what a file was when it was looked at first."""

    PREFIX = "s3-stat://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag", "test_unchanged_tells_the_same_file")

    def stat(self, file_name):
        seen = self.__dict__.setdefault("_seen", {})
        if file_name not in seen:
            seen[file_name] = super().stat(file_name)
        return seen[file_name]


class ListsPartFiles(LocalMutant):
    """Lists what is being written."""

    PREFIX = "local-list-parts://"
    CAUGHT_BY = ("test_a_clean_end_publishes", "test_killed_while_writing")

    def list(self, prefix=""):
        for path in self._root.rglob(".yeti-*.part"):
            yield Stat(path.name, path.stat().st_size)
        yield from super().list(prefix)


class ListsByLettersOfAll(LocalMutant):
    """Lists ``ab`` below ``a``."""

    PREFIX = "local-list-letters://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        return (stat for stat in super().list() if stat.name.startswith(prefix))


class ListsByLettersOfTheServer(S3Mutant):
    """Lists what the server gives for the letters of the prefix: ``ab`` below ``a``."""

    PREFIX = "s3-list://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        target = {"Bucket": self._place.bucket, "Prefix": self._place.prefix + names.check_prefix(prefix)}
        for entry in boto3.client("s3").list_objects_v2(**target).get("Contents", ()):
            yield Stat(entry["Key"].removeprefix(self._place.prefix), entry["Size"])


class ListsOneLevel(LocalMutant):
    """Lists a folder, and not what is below its folders."""

    PREFIX = "local-list-level://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        return (stat for stat in super().list(prefix) if "/" not in stat.name.removeprefix(prefix).strip("/"))


class LinksWithoutName(S3Mutant):
    """Makes links that do not say what the file shall be called."""

    PREFIX = "s3-links://"
    CAUGHT_BY = ("test_links_give_the_file",)

    def presign(self, file_name, expires_in_s, download_name):
        return super().presign(file_name, expires_in_s, None)
