"""The S3 client, careless about a server that fails."""

import io
from contextlib import suppress

import boto3

from core.clients.persistient_storage.receipts import Stat
from core.errors import FileMissing, StorageUnavailable

from ._mutant import Around, S3Mutant


class _Careless(S3Mutant):
    """Reads as most programs do."""

    def _body(self, file_name):
        target = {"Bucket": self._place.bucket, "Key": self._place.key(file_name)}
        client = boto3.client("s3")
        try:
            return client.get_object(**target)["Body"]
        except client.exceptions.NoSuchKey as error:
            raise FileMissing(file_name) from error


class TakesWhatComes(_Careless):
    """Takes the end of the connection for the end of the file."""

    PREFIX = "s3-short://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[short-once]", "test_a_read_that_meets_a_fault[reset-for ever]")

    def open_reader(self, file_name):
        data = io.BytesIO()
        try:
            for chunk in self._body(file_name).iter_chunks(1 << 12):
                data.write(chunk)
        except FileMissing:
            raise
        except Exception:
            pass
        return io.BytesIO(data.getvalue())


class NeedsNoLength(_Careless):
    """Reads to the end what a server sends without a length."""

    PREFIX = "s3-no-length://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[no-length-for ever]",)

    def open_reader(self, file_name):
        return io.BytesIO(self._body(file_name).read())


class NeedsNoLengthForText(NeedsNoLength):
    """The same in ``get_file`` alone."""

    PREFIX = "s3-no-length-text://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[no-length-once]",)

    def open_reader(self, file_name):
        return S3Mutant.open_reader(self, file_name)

    def get_file(self, file_name):
        return self._body(file_name).read().decode()


class PassesErrorsOn(_Careless):
    """Passes on what boto3 raises: nobody could tell whether later helps."""

    PREFIX = "s3-vendor://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[503-for ever]",)

    def open_reader(self, file_name):
        return io.BytesIO(self._body(file_name).read())


class AnyErrorIsMissing(S3Mutant):
    """Takes a server that fails for a file that is not there."""

    PREFIX = "s3-missing://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[500-for ever]",)

    def open_reader(self, file_name):
        try:
            return super().open_reader(file_name)
        except OSError as error:
            raise FileMissing(file_name) from error


class WaitsForEver(_Careless):
    """Waits for a server that says nothing as long as boto3 does by itself."""

    PREFIX = "s3-patient://"
    CAUGHT_BY = ("test_a_read_that_meets_a_fault[stall-for ever]",)

    def open_reader(self, file_name):
        target = {"Bucket": self._place.bucket, "Key": self._place.key(file_name)}
        return io.BytesIO(boto3.client("s3").get_object(**target)["Body"].read())


class _SaysItIsStored(Around):
    def commit(self, sha256):
        try:
            return super().commit(sha256)
        except OSError:
            return Stat("file.txt", 0), "stored"


class SwallowsErrors(S3Mutant):
    """Says that a file is stored when the server has refused it."""

    PREFIX = "s3-swallows://"
    CAUGHT_BY = ("test_a_put_that_meets_a_fault[500-for ever]", "test_a_put_that_meets_a_fault[reset-for ever]")

    def open_writer(self, file_name, request):
        return _SaysItIsStored(super().open_writer(file_name, request))


class AsksOnStart(S3Mutant):
    """Asks the server for the bucket as soon as the client is made."""

    PREFIX = "s3-early://"
    CAUGHT_BY = ("test_taking_a_path_contacts_nobody",)

    def __init__(self, path):
        super().__init__(path)
        boto3.client("s3").head_bucket(Bucket=self._place.bucket)


class SwallowsFaults(S3Mutant):
    """Takes a server that cannot answer for one that has nothing."""

    PREFIX = "s3-fault-is-nothing://"
    CAUGHT_BY = tuple(
        f"test_a_server_that_fails_is_not_an_empty_one[{verb}-503 for ever]" for verb in ("delete", "stat", "list")
    )

    def delete_file(self, file_name):
        with suppress(StorageUnavailable):
            super().delete_file(file_name)

    def stat(self, file_name):
        try:
            return super().stat(file_name)
        except StorageUnavailable as error:
            raise FileMissing(file_name) from error

    def list(self, prefix):
        try:
            yield from super().list(prefix)
        except StorageUnavailable:
            return
