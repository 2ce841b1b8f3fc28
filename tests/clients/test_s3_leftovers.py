"""What killed writers leave in a bucket: found, shown, removed; what others left is not touched."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.s3.writer import PART_BYTES
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageError, StorageUnavailable

ROOT = Path(__file__).parents[2]
CANARY = ".yeti-0123456789abcdef.part"
WRITES_FOR_EVER = """
import sys
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage

with Storage(get_client(sys.argv[1])).open_writer("large.bin") as file:
    while True:
        file.write(b"x" * (1 << 20))
        print("wrote", flush=True)
"""


def uploads_of(server, bucket):
    return [entry["Key"] for entry in server.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def keys_of(server, bucket):
    return [entry["Key"] for entry in server.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def begin_upload(server, bucket, key):
    upload = server.client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    server.client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100)


def test_uploads_and_canaries_are_found_and_removed(s3_server):
    """Below the prefix, in folders too; what is beside it, and what is published, stays."""
    bucket = s3_server.new_bucket()
    for key in ("x/one.bin", "x/deep/two.bin", "xy/three.bin", "four.bin"):
        begin_upload(s3_server, bucket, key)
    for key in (f"x/{CANARY}", f"x/deep/{CANARY}", f"xy/{CANARY}", "x/a.txt", "x/.yeti-short.part"):
        s3_server.client.put_object(Bucket=bucket, Key=key, Body=b"123")
    storage = Storage(get_client(f"s3://{bucket}/x"))

    found = sorted(storage.leftovers(), key=lambda leftover: leftover.location)
    assert [(leftover.kind, leftover.location, leftover.size_bytes) for leftover in found] == [
        ("part file", f"s3://{bucket}/x/{CANARY}", 3),
        ("part file", f"s3://{bucket}/x/deep/{CANARY}", 3),
        ("incomplete upload", f"s3://{bucket}/x/deep/two.bin", None),
        ("incomplete upload", f"s3://{bucket}/x/one.bin", None),
    ]
    for leftover in found * 2:  # the second time they are gone already
        storage.remove_leftover(leftover)
    assert list(storage.leftovers()) == []
    assert sorted(uploads_of(s3_server, bucket)) == ["four.bin", "xy/three.bin"]
    assert keys_of(s3_server, bucket) == ["x/.yeti-short.part", "x/a.txt", f"xy/{CANARY}"]


@pytest.mark.s3
def test_only_old_ones_are_shown_on_demand(weed_server):
    """The age of an upload is that of its beginning: one that goes on just now is not taken for a dead one."""
    bucket = weed_server.new_bucket()
    begin_upload(weed_server, bucket, "x/one.bin")
    storage = Storage(get_client(f"s3://{bucket}/x"))
    now = datetime.now(UTC)

    assert list(storage.leftovers(now - timedelta(days=1))) == []
    assert len(list(storage.leftovers(now + timedelta(minutes=1)))) == 1


@pytest.mark.s3
def test_many_uploads_are_found(weed_server, monkeypatch):
    """More than a server lists at once."""
    bucket = weed_server.new_bucket()
    names = [f"{number}.bin" for number in range(7)]
    for name in names:
        weed_server.client.create_multipart_upload(Bucket=bucket, Key=f"x/{name}")
    storage = Storage(get_client(f"s3://{bucket}/x"))
    pages = []

    def small_page(params, **_):
        params["MaxUploads"] = 3
        pages.append(params)

    events = storage.client._client("x").meta.events
    events.register("provide-client-params.s3.ListMultipartUploads", small_page)
    try:
        found = sorted(leftover.location.rpartition("/")[2] for leftover in storage.leftovers())
    finally:
        events.unregister("provide-client-params.s3.ListMultipartUploads", small_page)

    assert found == names
    assert len(pages) > 1


def test_a_whole_bucket_is_looked_at_but_its_uploads_are_left(s3_server):
    """Without a prefix nobody can tell whose an upload is: it is listed, and its removal is refused with a remedy."""
    bucket = s3_server.new_bucket()
    begin_upload(s3_server, bucket, "somebody/elses.bin")
    s3_server.client.put_object(Bucket=bucket, Key=CANARY, Body=b"")
    storage = Storage(get_client(f"s3://{bucket}"))
    upload, canary = storage.leftovers()
    storage.remove_leftover(canary)
    with pytest.raises(StorageError, match="no prefix; give the bucket a lifecycle rule"):
        storage.remove_leftover(upload)

    assert keys_of(s3_server, bucket) == []
    assert uploads_of(s3_server, bucket) == ["somebody/elses.bin"]


def test_an_upload_that_cannot_be_ours_is_left_out(small):
    """Its key, less the prefix, is none of the names that this program writes."""
    small.uploads |= {"upload-1": ("/bucket/x/not//ours.bin", {}), "upload-2": ("/bucket/x/ours.bin", {})}

    found = [leftover.location for leftover in Storage(get_client("s3://bucket/x")).leftovers()]
    assert found == ["s3://bucket/x/ours.bin"]


def test_an_upload_that_still_gets_parts_is_aborted_again(small):
    """A part that arrives after the abort would stay and be paid for; the server is asked until it knows no such."""
    small.uploads["upload-1"] = ("/bucket/x/one.bin", {})
    small.late_parts = 2
    storage = Storage(get_client("s3://bucket/x"))
    [leftover] = storage.leftovers()
    storage.remove_leftover(leftover)

    assert small.uploads == {}
    assert small.methods().count("DELETE") == 3


def test_an_upload_that_somebody_is_feeding_is_said_to_be(small):
    """It is not asked for ever."""
    small.uploads["upload-1"] = ("/bucket/x/one.bin", {})
    small.late_parts = 100
    storage = Storage(get_client("s3://bucket/x"))
    [leftover] = storage.leftovers()
    with pytest.raises(StorageUnavailable, match="somebody is writing it; try again later"):
        storage.remove_leftover(leftover)


def test_who_may_not_look_can_still_abort(small):
    """Without the right to list parts the abort is made once, and taken for done."""
    small.uploads["upload-1"] = ("/bucket/x/one.bin", {})
    storage = Storage(get_client("s3://bucket/x"))
    [leftover] = storage.leftovers()
    small.allowed = frozenset({"DELETE"})
    storage.remove_leftover(leftover)

    assert small.uploads == {}


@pytest.mark.s3
def test_a_killed_writer_leaves_what_is_found(weed_server, tmp_path):
    """After ``kill -9`` in the middle: no object, one incomplete upload, and the janitor removes it."""
    bucket = weed_server.new_bucket()
    path = f"s3://{bucket}/x"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES_FOR_EVER, path], stdout=subprocess.PIPE, env=os.environ, cwd=ROOT
    )
    try:
        for _ in range(3 * PART_BYTES >> 20):
            assert writer.stdout.readline() == b"wrote\n"
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    storage = Storage(get_client(path))
    [leftover] = storage.leftovers()

    assert (leftover.kind, leftover.location) == ("incomplete upload", f"{path}/large.bin")
    assert keys_of(weed_server, bucket) == []
    storage.remove_leftover(leftover)
    assert uploads_of(weed_server, bucket) == []
