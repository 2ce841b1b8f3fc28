"""The S3 client, each broken in one way."""

import io
from dataclasses import replace

import boto3

from core.clients.persistient_storage import names
from core.clients.persistient_storage.policies import Create, IfMatch, Replace
from core.clients.persistient_storage.receipts import Metadata, Stat
from core.clients.persistient_storage.s3.uploads import Upload
from core.errors import FileExists, FileMissing

from ._mutant import Around, S3Mutant


class _NeverAborts(Around):
    def abort(self):
        pass


class NeverAborts(S3Mutant):
    """Leaves the parts of an upload that was given up."""

    PREFIX = "s3-no-abort://"
    CAUGHT_BY = (
        *("test_an_exception_publishes_nothing", "test_a_writer_that_is_dropped_publishes_nothing"),
        "test_a_large_put_that_meets_a_fault_midway[500]",
    )

    def open_writer(self, file_name, request):
        return _NeverAborts(super().open_writer(file_name, request))


class _CommitsOnAbort(Around):
    is_done = False

    def commit(self, sha256):
        self.is_done = True
        return super().commit(sha256)

    def abort(self):
        if not self.is_done:
            self.commit("0" * 64)
        super().abort()


class PublishesOnException(S3Mutant):
    """Completes the upload when the writing is given up."""

    PREFIX = "s3-always://"
    CAUGHT_BY = ("test_an_exception_publishes_nothing", "test_a_source_that_dies_publishes_nothing")

    def open_writer(self, file_name, request):
        return _CommitsOnAbort(super().open_writer(file_name, request))


class _LosesTheEnd(Around):
    held = b""

    def write(self, data):
        data = self.held + bytes(data)
        self.writer.write(data[:-1])
        self.held = data[-1:]


class LosesTheLastByte(S3Mutant):
    """Does not send the last byte."""

    PREFIX = "s3-last-byte://"
    CAUGHT_BY = ("test_what_was_put_comes_back", "test_a_large_file_streams", "test_a_clean_end_publishes")

    def open_writer(self, file_name, request):
        return _LosesTheEnd(super().open_writer(file_name, request))


class CreateOverwrites(S3Mutant):
    """Does not send ``If-None-Match``."""

    PREFIX = "s3-create://"
    CAUGHT_BY = ("test_create_never_overwrites", "test_of_several_creators_one_wins")

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, _without(request, Create))


class CreateLooksFirst(S3Mutant):
    """Asks whether the name is free, and overwrites later."""

    PREFIX = "s3-look-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)

    def open_writer(self, file_name, request):
        if request.policy == Create():
            try:
                self.stat(file_name)
            except FileMissing:
                pass
            else:
                raise FileExists(file_name)
        return super().open_writer(file_name, _without(request, Create))


class IgnoresIfMatch(S3Mutant):
    """Does not send ``If-Match``."""

    PREFIX = "s3-if-match://"
    CAUGHT_BY = ("test_if_match_only_replaces_what_was_meant",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, _without(request, IfMatch))


class TrustsTheEndOfAnUpload(S3Mutant):
    """Relies on a condition when an upload is completed, and has tried it out with single requests only."""

    PREFIX = "s3-trusts://"
    CAUGHT_BY = ("test_large_files_keep_to_their_policy",)

    def open_writer(self, file_name, request):
        writer = super().open_writer(file_name, request)
        writer._upload = Upload(writer._link, writer._place, writer._key, {})
        return writer


class ForgetsContentType(S3Mutant):
    """Sends no content type, and says that it did."""

    PREFIX = "s3-octets://"
    CAUGHT_BY = ("test_the_content_type_is_that_of_the_name", "test_metadata_comes_back_or_is_refused")

    def open_writer(self, file_name, request):
        return super().open_writer(
            file_name, replace(request, metadata=replace(request.metadata, content_type=None))
        )


class LosesUserMetadata(S3Mutant):
    """Sends the headers, and not what the caller named itself."""

    PREFIX = "s3-items://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, replace(request, metadata=replace(request.metadata, items={})))


class ShowsItsDigest(S3Mutant):
    """Gives what the client keeps for itself as the user's metadata."""

    PREFIX = "s3-digest://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=Metadata(**stat.metadata.headers(), items={"sha256": "0" * 64}))


class ListsByLetters(S3Mutant):
    """Lists what the server gives for the letters of the prefix: ``ab`` below ``a``."""

    PREFIX = "s3-list://"
    CAUGHT_BY = ("test_list_gives_what_is_stored",)

    def list(self, prefix=""):
        target = {"Bucket": self._place.bucket, "Prefix": self._place.prefix + names.check_prefix(prefix)}
        for entry in boto3.client("s3").list_objects_v2(**target).get("Contents", ()):
            yield Stat(entry["Key"].removeprefix(self._place.prefix), entry["Size"])


class LinksWithoutName(S3Mutant):
    """Makes links that do not say what the file shall be called."""

    PREFIX = "s3-links://"
    CAUGHT_BY = ("test_links_give_the_file",)

    def presign(self, file_name, expires_in_s, download_name):
        return super().presign(file_name, expires_in_s, None)


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


class FindsNoLeftovers(S3Mutant):
    """Does not find the uploads of killed writers, which cost money and are not seen."""

    PREFIX = "s3-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)

    def leftovers(self):
        return iter(())


class KeepsLeftovers(S3Mutant):
    """Does not remove them."""

    PREFIX = "s3-keep-leftovers://"
    CAUGHT_BY = ("test_killed_while_writing",)

    def remove_leftover(self, leftover):
        pass


class StatOfTheFirst(S3Mutant):
    """Remembers what a file was when it was looked at first."""

    PREFIX = "s3-stat://"
    CAUGHT_BY = ("test_each_replacement_has_another_etag", "test_unchanged_tells_the_same_file")

    def stat(self, file_name):
        seen = self.__dict__.setdefault("_seen", {})
        if file_name not in seen:
            seen[file_name] = super().stat(file_name)
        return seen[file_name]


def _without(request, policy):
    return replace(request, policy=Replace()) if isinstance(request.policy, policy) else request
