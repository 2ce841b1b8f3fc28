"""The local client that races break, and the S3 client that takes a server that fails for an empty one."""

from contextlib import suppress
from pathlib import Path

from core.errors import FileMissing, StorageUnavailable

from ._mutant import LocalMutant, S3Mutant


class PutsInPlace(LocalMutant):
    """Puts text into the file that readers see."""

    PREFIX = "local-puts-in-place://"
    CAUGHT_BY = ("test_racing_puts_never_mix",)

    def put_file(self, file_name, contents):
        place = Path(self.file_path(file_name))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents.encode())


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
