"""What the bucket of every vendor must do, whatever its protocol: one class, a subclass for each vendor.

A test module has the fixtures ``server``, ``bucket`` (a new one of that server) and ``relay`` (in use before it).
"""

import gzip
import os
import socket
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.bucket_client import PART_BYTES
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.policies import Create, Replace
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    InvalidStoragePath,
    StorageError,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
)

SECRET = "YS1zZWNyZXQtdGhhdC1ub2JvZHktc2Vlcw=="


class BucketTests:
    """Subclass it as ``Test…``.

    Attributes:
        SCHEME: Of the paths.
        PUT: The method by which a small file is stored.
        LOOK: That by which a file is looked at.
        CUTS: How often a download may break off and is taken up again.
        SETTING: A variable that messages name as the remedy.
        ENDPOINT: The variable with the server's address, and its form.
        VARIABLES: What the names of the vendor's variables begin with.
        PACKAGE: What is imported, and the extra that installs it.
        CLIENT: The module of the client.
    """

    SCHEME: str
    PUT: str
    LOOK: str
    CUTS: int
    SETTING: str
    ENDPOINT: tuple[str, str]
    VARIABLES: str
    PACKAGE: tuple[str, str]
    CLIENT: object

    @pytest.fixture
    def path(self, bucket):
        """A place below a prefix."""
        return f"{self.SCHEME}{bucket}/x"

    @pytest.fixture
    def storage(self, path):
        return Storage(get_client(path))

    @pytest.mark.parametrize("policy", [Replace(), Create()])
    def test_a_small_file_is_one_request(self, relay, storage, policy):
        """A file of up to 8 MiB is one request, whether it is new or not."""
        storage.write("a.txt", b"x" * PART_BYTES, policy=policy)

        assert relay.methods() == [self.PUT]
        storage.write("a.txt", "small")
        assert relay.methods() == [self.PUT]

    def test_reading_and_looking_are_one_request_each(self, relay, storage):
        """Reading, asking for a stat, listing and deleting are one request each."""
        storage.write("a.txt", "one")
        relay.methods()

        assert storage.read_text("a.txt") == "one"
        assert storage.stat("a.txt").sha256 == sha256(b"one").hexdigest()
        assert [stat.sha256 for stat in storage.list()] == [sha256(b"one").hexdigest()]
        storage.delete("a.txt")
        assert relay.methods() == ["GET", self.LOOK, "GET", "DELETE"]

    @pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 1])
    def test_parts_come_together_at_their_bounds(self, server, bucket, storage, size):
        """Lengths at the bounds of parts are stored whole, and read whole."""
        data = os.urandom(1 << 10) * (size // 1024) + b"x" * (size % 1024)
        storage.write("a.bin", data)

        assert server.stored(bucket, "x/a.bin") == data
        assert storage.read_bytes("a.bin") == data

    @pytest.mark.parametrize("failure", [503, 0])
    def test_a_busy_server_is_asked_again(self, relay, storage, failure):
        """A 503, and a connection that broke off; a conditional write is not tried again, and says so."""
        relay.failures = [failure]
        storage.write("a.txt", "one")
        relay.failures = [failure]
        assert storage.read_text("a.txt") == "one"

        relay.failures = [failure]
        with pytest.raises(StorageUnavailable):
            storage.write("b.txt", "one", policy=Create())
        with pytest.raises(FileMissing):
            storage.stat("b.txt")

    def test_a_server_that_stays_busy_is_given_up(self, relay, storage):
        """The error is one that may pass, and it comes within ten seconds."""
        relay.failures = [503] * 100
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match="busy") as caught:
            storage.client.put_file("a.txt", "x")

        assert caught.value.transient
        assert time.monotonic() - began < 10

    def test_a_download_that_breaks_off_is_taken_up_or_given_up(self, relay, path, storage):
        """It is taken up; if it goes on breaking off, or the file was replaced meanwhile, that is an error."""
        data = bytes(range(256)) * (70 << 10)
        storage.write("a.bin", data)
        relay.cuts = self.CUTS

        assert storage.read_bytes("a.bin") == data
        relay.cuts = 100
        with pytest.raises(StorageUnavailable):
            storage.read_bytes("a.bin")
        relay.cuts = self.CUTS - 1
        with storage.open_reader("a.bin") as file:
            assert file.read(1) == data[:1]
            get_client(path).put_file("a.bin", "another")
            with pytest.raises(StorageUnavailable, match="replaced"):
                file.read()

    def test_compressed_files_are_read_as_they_are_stored(self, relay, storage):
        """Server or library would undo the compression; whoever reads gets what was stored."""
        with storage.open_writer("a.csv", compression="gzip") as file:
            file.write(b"a,b\n" * 1000)

        assert storage.stat("a.csv").metadata.content_encoding == "gzip"
        assert gzip.decompress(storage.read_bytes("a.csv")) == b"a,b\n" * 1000
        storage.verify(file.receipt)

    def test_a_silent_server_is_given_up(self, monkeypatch):
        """After as long as whoever asks has patience for."""
        variable, form = self.ENDPOINT
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setenv(variable, form.format(f"http://127.0.0.1:{silent.getsockname()[1]}"))
            client = get_client(f"{self.SCHEME}bucket/x")
            for use in (lambda: client.put_file("a.txt", "x"), lambda: client.get_file("a.txt")):
                began = time.monotonic()
                with waiting_at_most(2), pytest.raises(StorageTimeout):
                    use()
                assert time.monotonic() - began < 10

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-host.invalid", "127.0.0.1:9"])
    def test_a_server_that_cannot_be_reached_is_said(self, monkeypatch, unknown_names, address):
        """Within ten seconds, with what to check."""
        variable, form = self.ENDPOINT
        monkeypatch.setenv(variable, form.format(address))
        began = time.monotonic()
        with pytest.raises((StorageUnavailable, InvalidStoragePath), match=f"check {variable}"):
            get_client(f"{self.SCHEME}bucket/x").put_file("a.txt", "x")

        assert time.monotonic() - began < 10

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_are_said(self, relay, storage, status):
        """Wrong credentials, or ones that lack the right."""
        relay.failures = [status]
        with pytest.raises(StoragePermissionDenied, match="credentials"):
            storage.client.put_file("a.txt", "x")

    def test_a_missing_bucket_is_said(self, server):
        """It is a fault of the path, not a missing file; buckets are not made."""
        storage = Storage(get_client(f"{self.SCHEME}there-is-no-such-bucket/x"))
        for data in (b"x", b"x" * (PART_BYTES + 1)):
            with pytest.raises(InvalidStoragePath, match="no such"):
                storage.write("a.bin", data)

    def test_without_its_package_the_client_says_what_to_install(self, server, monkeypatch):
        """The package of the vendor is one that only some users need."""
        package, extra = self.PACKAGE
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setenv(f"{self.VARIABLES}FOR_THIS_TEST", "no connection of another test")
        for use in (lambda client: client.put_file("a.txt", "x"), lambda client: client.get_file("a.txt")):
            with pytest.raises(StorageError, match=rf"{self.SCHEME} .*pip install '\.\[{extra}\]'"):
                use(get_client(f"{self.SCHEME}bucket/x"))

    def test_it_is_one_file_that_can_be_dropped_in(self, server, bucket, drop_in):
        """At most 120 lines, and of no use that its place would matter for."""
        source = Path(self.CLIENT.__file__).read_text("utf-8")
        drop_in("copied", source.replace("PREFIX = SCHEME", 'PREFIX = "copied://"'))
        get_client(f"copied://{bucket}/x").put_file("a.txt", "dropped in")

        assert server.stored(bucket, "x/a.txt") == b"dropped in"
        assert len(source.splitlines()) <= 120

    @pytest.mark.parametrize("rest", ["", "/x", "b ucket", "bucket/../x", "bucket/a//b"])
    def test_a_path_that_is_no_place_is_refused(self, rest):
        """The form is said."""
        with pytest.raises(InvalidStoragePath):
            get_client(self.SCHEME + rest)

    def test_credentials_in_a_path_are_refused_and_not_repeated(self):
        """They belong elsewhere; the message says where, and does not show them."""
        with pytest.raises(InvalidStoragePath, match=self.SETTING) as caught:
            get_client(f"{self.SCHEME}name:{SECRET}@bucket/x")

        assert SECRET not in str(caught.value)
