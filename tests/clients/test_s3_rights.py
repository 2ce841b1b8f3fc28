"""What a key that may only put is enough for."""
# ruff: noqa: PT012 - what a block does after its first statement is what is tested

from datetime import UTC, datetime

import pytest
from servers import WRITER_KEY, WRITER_SECRET

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.check import check_storage
from core.clients.persistient_storage.policies import IfChanged
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import StoragePermissionDenied


@pytest.mark.scoreboard("PutObject-only key")
@pytest.mark.scoreboard("one request per small publish")
def test_a_small_file_needs_the_right_to_put_alone(small):
    """New or not, by any of the verbs: one PUT each, and nothing that could be refused."""
    small.allowed = frozenset({"PUT"})
    storage = Storage(get_client("s3://bucket/x"))
    for text in ("one", "two"):
        assert storage.write("a.txt", text).outcome == "stored"
        storage.client.put_file("b.txt", text)
        with storage.open_text_writer("c.txt") as file:
            file.write(text)

    assert small.methods() == ["PUT"] * 6
    assert small.objects == {f"/bucket/x/{name}.txt": b"two" for name in "abc"}


def test_a_large_file_needs_the_right_to_put_alone(small):
    """The requests of an upload in parts are all under ``s3:PutObject`` (here: PUT and POST)."""
    small.allowed = frozenset({"PUT", "POST"})
    Storage(get_client("s3://bucket/x")).write("large.bin", b"x" * (PART_BYTES + 1))

    assert small.methods() == ["POST", "PUT", "PUT", "POST"]


def test_an_abort_that_is_refused_does_not_hide_the_error(small):
    """Who may not abort still gets to know why the write failed."""
    small.allowed = frozenset({"PUT", "POST"})
    with (
        pytest.raises(RuntimeError, match="mine"),
        Storage(get_client("s3://bucket/x")).open_writer("l.bin") as file,
    ):
        file.write(b"x" * (PART_BYTES + 1))
        raise RuntimeError("mine")

    assert small.objects == {}


@pytest.mark.s3
@pytest.mark.scoreboard("PutObject-only key")
def test_a_key_that_may_only_write_on_a_real_server(weed_server, monkeypatch):
    """New, overwritten, and with ``IfChanged``, which cannot compare and stores again; reading is refused in words."""
    bucket = weed_server.new_bucket()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRITER_SECRET)
    storage = Storage(get_client(f"s3://{bucket}/x"))
    outcomes = [storage.write("a.txt", text, policy=policy).outcome for text, policy in POLICIES]
    storage.write("large.bin", b"x" * (PART_BYTES + 1))

    assert outcomes == ["stored"] * 4
    assert weed_server.stored(bucket, "x/a.txt") == b"two"
    assert len(weed_server.stored(bucket, "x/large.bin")) == PART_BYTES + 1
    for call in (storage.read_text, storage.stat):
        with pytest.raises(StoragePermissionDenied, match="s3:GetObject"):
            call("a.txt")


POLICIES = [("one", IfChanged()), ("one", IfChanged()), ("one", IfChanged()), ("two", IfChanged())]


@pytest.mark.s3
def test_a_check_with_a_key_that_may_only_write_on_a_real_server(weed_server, monkeypatch):
    """It passes, since exports can be published, and says what is refused (this server lets a writer delete)."""
    bucket = weed_server.new_bucket()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRITER_SECRET)
    path = f"s3://{bucket}/x"
    report = check_storage(path, Storage(get_client(path)), datetime.now(UTC))

    assert report.is_ok
    assert [step.name for step in report.steps if step.is_refused] == [
        "read back what was written",
        "read back the replacement",
    ]


def test_a_check_with_the_right_to_put_alone(small):
    """It passes, and names the file that stays; where the file can be read but not deleted, that alone is said."""
    path = "s3://bucket/x"
    for allowed, refused in ({"PUT"}, 3), ({"PUT", "GET", "HEAD"}, 1):
        small.allowed = frozenset(allowed)
        small.objects.clear()
        report = check_storage(path, Storage(get_client(path)), datetime.now(UTC))
        [left] = small.objects

        assert report.is_ok
        assert [step.is_refused for step in report.steps].count(True) == refused
        [delete] = [step for step in report.steps if step.name == "delete"]
        assert f"the file {left.rpartition('/')[2]} may still be there: delete it" in delete.detail


def test_a_check_where_missing_and_refused_look_alike(small):
    """Without the right to list, S3 says of a missing file that it is refused; that keeps nobody from publishing."""
    small.failures = [0, 0, 0, 0, 0, 403]
    report = check_storage("s3://bucket/x", Storage(get_client("s3://bucket/x")), datetime.now(UTC))

    assert report.is_ok
    assert [step.name for step in report.steps if step.is_refused] == ["find it gone"]
