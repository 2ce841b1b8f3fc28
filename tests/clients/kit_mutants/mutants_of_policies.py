"""Clients that break the policy of a write, or what its metadata should be."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.clients.persistient_storage.policies import Create, IfMatch
from core.clients.persistient_storage.receipts import Metadata, WriteRequest
from core.clients.persistient_storage.s3.uploads import Upload
from core.errors import FileExists, FileMissing, PreconditionFailed

from ._mutant import Around, LocalMutant, S3Mutant, without


class _CreateOverwrites:
    """Takes policy ``Create`` for ``Replace``."""

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, without(request, Create))


class LocalCreateOverwrites(_CreateOverwrites, LocalMutant):
    PREFIX = "local-create://"
    CAUGHT_BY = (
        *("test_create_never_overwrites", "test_of_several_creators_one_wins"),
        *("test_of_several_creating_processes_one_wins", "test_large_files_keep_to_their_policy"),
    )


class S3CreateOverwrites(_CreateOverwrites, S3Mutant):
    PREFIX = "s3-create://"
    CAUGHT_BY = ("test_create_never_overwrites", "test_of_several_creators_one_wins")


class _CreateLooksFirst:
    """Looks whether the name is free when the writer is opened, and overwrites later."""

    def open_writer(self, file_name, request):
        if request.policy == Create():
            with suppress(FileMissing):
                self.stat(file_name)
                raise FileExists(file_name)
        return super().open_writer(file_name, without(request, Create))


class LocalCreateLooksFirst(_CreateLooksFirst, LocalMutant):
    PREFIX = "local-look-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)


class S3CreateLooksFirst(_CreateLooksFirst, S3Mutant):
    PREFIX = "s3-look-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)


class _IgnoresIfMatch:
    """Takes policy ``IfMatch`` for ``Replace``."""

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, without(request, IfMatch))


class LocalIgnoresIfMatch(_IgnoresIfMatch, LocalMutant):
    PREFIX = "local-if-match://"
    CAUGHT_BY = ("test_if_match_only_replaces_what_was_meant", "test_large_files_keep_to_their_policy")


class S3IgnoresIfMatch(_IgnoresIfMatch, S3Mutant):
    PREFIX = "s3-if-match://"
    CAUGHT_BY = ("test_if_match_only_replaces_what_was_meant",)


class _LooksLate(Around):
    def commit(self, sha256):
        if self.is_create and Path(self.place).exists():
            raise FileExists(self.place)
        time.sleep(0.02)
        return super().commit(sha256)


class CreateLooksLate(LocalMutant):
    """Looks whether the name is free just before it overwrites."""

    PREFIX = "local-look-late://"
    CAUGHT_BY = ("test_of_several_creators_one_wins", "test_of_several_creating_processes_one_wins")

    def open_writer(self, file_name, request):
        writer = _LooksLate(super().open_writer(file_name, without(request, Create)))
        writer.place, writer.is_create = self.file_path(file_name), request.policy == Create()
        return writer


class IfMatchLooksFirst(LocalMutant):
    """Compares the ETag when the writer is opened, and overwrites later."""

    PREFIX = "local-if-match-first://"
    CAUGHT_BY = ("test_what_happens_meanwhile_counts",)

    def open_writer(self, file_name, request):
        if isinstance(request.policy, IfMatch) and self.stat(file_name).etag != request.policy.etag:
            raise PreconditionFailed(file_name)
        return super().open_writer(file_name, without(request, IfMatch))


class TrustsTheEndOfAnUpload(S3Mutant):
    """Relies on a condition when an upload is completed, and has tried it out with single requests only."""

    PREFIX = "s3-trusts://"
    CAUGHT_BY = ("test_large_files_keep_to_their_policy",)

    def open_writer(self, file_name, request):
        writer = super().open_writer(file_name, request)
        writer._upload = Upload(writer._link, writer._place, writer._key, {})
        return writer


class TouchesWhatIsUnchanged(LocalMutant):
    """Says that nothing has changed, and stores it all the same."""

    PREFIX = "local-unchanged://"
    COMPARES = True
    CAUGHT_BY = ("test_if_changed_leaves_the_same_bytes_alone",)

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, WriteRequest(metadata=request.metadata))


class _LosesUserMetadata:
    """Drops what the caller wanted to keep with the file, and does not say so."""

    def open_writer(self, file_name, request):
        return super().open_writer(file_name, replace(request, metadata=replace(request.metadata, items={})))


class LocalLosesUserMetadata(_LosesUserMetadata, LocalMutant):
    PREFIX = "local-items://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)


class S3LosesUserMetadata(_LosesUserMetadata, S3Mutant):
    PREFIX = "s3-items://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)


class HasOneContentType(LocalMutant):
    """Has one content type for everything."""

    PREFIX = "local-octets://"
    CAUGHT_BY = ("test_the_content_type_is_that_of_the_name", "test_metadata_comes_back_or_is_refused")

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=replace(stat.metadata, content_type="application/octet-stream"))


class SendsNoContentType(S3Mutant):
    """Sends no content type, and says that it did."""

    PREFIX = "s3-octets://"
    CAUGHT_BY = ("test_the_content_type_is_that_of_the_name", "test_metadata_comes_back_or_is_refused")

    def open_writer(self, file_name, request):
        return super().open_writer(
            file_name, replace(request, metadata=replace(request.metadata, content_type=None))
        )


class LosesDisposition(LocalMutant):
    """Drops one header, in the file only: the receipt still says that it is kept."""

    PREFIX = "local-disposition://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=replace(stat.metadata, content_disposition=None))


class KeepsOldMetadata(LocalMutant):
    """Keeps the metadata of the file that was replaced, where the new one has none."""

    PREFIX = "local-old-metadata://"
    CAUGHT_BY = ("test_a_replacement_has_its_own_metadata",)

    def open_writer(self, file_name, request):
        with suppress(FileNotFoundError):
            old, new = self.stat(file_name).metadata, request.metadata
            request = replace(request, metadata=replace(new, items={**old.items, **new.items}))
        return super().open_writer(file_name, request)


class MakesUpMetadata(LocalMutant):
    """Says metadata that nobody asked for."""

    PREFIX = "local-made-up://"
    CAUGHT_BY = ("test_a_replacement_has_its_own_metadata", "test_metadata_comes_back_or_is_refused")

    def stat(self, file_name):
        stat = super().stat(file_name)
        made_up = Metadata(**stat.metadata.headers(), items={**stat.metadata.items, "made": "up"})
        return replace(stat, metadata=made_up)


class ShowsItsDigest(S3Mutant):
    """Gives what the client keeps for itself as the user's metadata."""

    PREFIX = "s3-digest://"
    CAUGHT_BY = ("test_metadata_comes_back_or_is_refused",)

    def stat(self, file_name):
        stat = super().stat(file_name)
        return replace(stat, metadata=Metadata(**stat.metadata.headers(), items={"sha256": "0" * 64}))
