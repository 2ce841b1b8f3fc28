"""The conformance kit on our own clients, and on one that has nothing but the five methods."""

from pathlib import Path

import pytest
from clients_of_tests import FIVE_METHODS

from core.testing.storage import StorageClientTests


class TestLocal(StorageClientTests):
    """The local client."""

    SUBJECT = "local"

    @pytest.fixture
    def path(self, tmp_path):
        return str(tmp_path / "exports")

    def raw(self, client, file_name):
        return Path(client.file_path(file_name)).read_bytes()

    def raw_names(self, client):
        root = Path(client.file_path("x")).parent
        return [str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()]


class TestS3(StorageClientTests):
    """The S3 client, on the emulator and on a real server."""

    @pytest.fixture
    def path(self, s3_server):
        self.server, self.bucket = s3_server, s3_server.new_bucket()
        return f"s3://{self.bucket}/some/prefix/"

    def raw(self, client, file_name):
        return self.server.stored(self.bucket, f"some/prefix/{file_name}")

    def raw_names(self, client):
        target = {"Bucket": self.bucket, "Prefix": "some/prefix/"}
        objects = self.server.client.list_objects_v2(**target).get("Contents", [])
        uploads = self.server.client.list_multipart_uploads(**target).get("Uploads", [])
        return [entry["Key"].removeprefix("some/prefix/") for entry in [*objects, *uploads]]

    def path_through(self, proxy, path, monkeypatch):
        if self.server.name == "moto":
            pytest.skip("what fails is the proxy, whichever server is behind it")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.to(self.server.url))
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")  # one more is enough for a fault once, and less of a wait
        return path


class TestMemory(StorageClientTests):
    """The memory client, which promises all but a use in forked children."""

    SUBJECT = "memory"

    @pytest.fixture
    def path(self, tmp_path):
        return f"memory://{tmp_path}"

    def raw(self, client, file_name):
        return client._found(file_name)[0]

    def raw_names(self, client):
        return list(client._box())


class TestFiveMethods(StorageClientTests):
    """A class of twenty lines that was dropped into the second folder and inherits from nothing."""

    SUBJECT = "five methods"

    @pytest.fixture
    def path(self, drop_in, tmp_path):
        drop_in("five", FIVE_METHODS)
        return f"five://{tmp_path}/five"

    def raw(self, client, file_name):
        return client.box[file_name]

    def raw_names(self, client):
        return list(client.box)
