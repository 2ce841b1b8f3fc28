"""Reading from S3: never short, whatever happens to the connection."""

import io

import pytest
import small_s3

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.storage import Storage
from core.errors import StorageCorrupt, StorageTimeout, StorageUnavailable


def test_a_body_that_ends_early_is_taken_up_again(small):
    """The rest of the very same object is asked for, and the text is whole."""
    text = "0123456789\n" * 10_000
    small.objects["/bucket/x/a.txt"] = text.encode()
    for read in (
        lambda client: client.get_file("a.txt"),
        lambda client: Storage(client).read_text("a.txt"),
        lambda client: io.TextIOWrapper(Storage(client).open_reader("a.txt"), "utf-8").read(),
    ):
        small.fault = "short-once"
        assert read(get_client("s3://bucket/x")) == text

    assert [headers["Range"] for _, _, headers in small.requests if "Range" in headers] == ["bytes=55000-"] * 3


def test_a_body_that_always_ends_early_is_an_error(small):
    """Short data is never returned."""
    small.objects["/bucket/x/a.txt"] = b"0123456789\n" * 10_000
    small.fault = "short"
    with pytest.raises(StorageUnavailable):
        get_client("s3://bucket/x").get_file("a.txt")
    with pytest.raises(StorageUnavailable), Storage(get_client("s3://bucket/x")).open_reader("a.txt") as file:
        file.read()


def test_a_body_without_length_is_refused(small):
    """Nobody could tell whether it is whole."""
    small.objects["/bucket/x/a.txt"] = b"0123456789\n"
    small.fault = "no-length"
    with pytest.raises(StorageCorrupt, match="how long"):
        get_client("s3://bucket/x").get_file("a.txt")


def test_a_file_that_is_replaced_while_it_is_read(small):
    """Halves of two files are never put together."""
    small.objects["/bucket/x/a.txt"] = b"1" * 300_000
    small.fault = "short-once"
    with Storage(get_client("s3://bucket/x")).open_reader("a.txt") as file:
        assert file.read(10) == b"1" * 10
        small.objects["/bucket/x/a.txt"] = b"2" * 300_000
        with pytest.raises(StorageUnavailable, match="replaced while it was read"):
            file.read()


def test_a_part_is_asked_for_alone(small):
    """A seek asks for nothing; the next read asks for the same version from there, and is taken up as any other."""
    data = bytes(range(250)) * 4000
    small.objects["/bucket/x/a.bin"] = data
    with Storage(get_client("s3://bucket/x")).open_reader("a.bin") as file:
        for start in (900_000, 700_000, 500_000):
            file.seek(start)
        assert file.read(10) == data[500_000:500_010]
        file.seek(len(data) - 10)
        small.fault = "short-once"
        assert file.read() == data[-10:]
        file.seek(0, io.SEEK_END)
        assert file.read() == b""

    asked = [headers for _, _, headers in small.requests]
    assert [headers.get("Range") for headers in asked] == [
        None,
        *(f"bytes={at}-" for at in (500_000, 999_990, 999_995)),
    ]
    assert len({headers["If-Match"] for headers in asked[1:]}) == 1


def test_who_reads_on_after_an_error_gets_no_other_version(small):
    """The server ignores the condition, and the error is swallowed: the new file is not read all the same."""
    small.objects["/bucket/x/a.bin"] = b"1" * 900_000
    with Storage(get_client("s3://bucket/x")).open_reader("a.bin") as file:
        small.objects["/bucket/x/a.bin"] = b"2" * 900_000
        file.seek(500_000)
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="replaced while it was read"):
                file.read(10)


def test_without_a_version_nothing_is_wound(small, monkeypatch):
    """A server that names no ETag could give parts of two files."""
    monkeypatch.setattr(small_s3, "_etag", lambda body: "")
    small.objects["/bucket/x/a.bin"] = b"1" * 10
    with Storage(get_client("s3://bucket/x")).open_reader("a.bin") as file:
        assert not file.seekable()
        for wind in (lambda: file.seek(0), file.tell):
            with pytest.raises(io.UnsupportedOperation):
                wind()
        assert file.read() == b"1" * 10


def test_a_body_that_stalls_is_given_up(small):
    """Half a body and then silence costs the time-out once; it is not asked for again and again."""
    small.objects["/bucket/x/a.txt"] = b"0123456789\n" * 10_000
    small.fault = "stall"
    with waiting_at_most(1), pytest.raises(StorageTimeout, match="no answer in time"):
        get_client("s3://bucket/x").get_file("a.txt")

    assert small.methods() == ["GET"]


def test_a_small_file_needs_a_small_buffer(small):
    """What is set aside for reading is no larger than the file, and a large file is read a quarter MiB at a time."""
    sizes = {"empty.txt": 0, "small.txt": 100, "large.txt": 1 << 20}
    for name, size in sizes.items():
        small.objects[f"/bucket/x/{name}"] = b"x" * size
    client = get_client("s3://bucket/x")
    for name, size in sizes.items():
        with client.open_reader(name) as file:
            assert len(file.peek()) == min(size, 1 << 18)
            assert file.read() == b"x" * size


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("Thu, 01 Oct 2026 02:03:04 GMT", 1_790_820_184_000_000),
        ("2026-10-01T02:03:04.500Z", 1_790_820_184_500_000),
        ("2026-10-01T02:03:04+00:00", 1_790_820_184_000_000),
        ("1790820184", 1_790_820_184_000_000),
    ],
)
def test_the_time_of_a_file(small, sent, said):
    """``modified_at`` is right for each form in which servers write it."""
    small.objects["/bucket/x/a.txt"] = b"one"
    small.metadata["/bucket/x/a.txt"] = {"Last-Modified": sent}

    assert Storage(get_client("s3://bucket/x")).stat("a.txt").modified_at == said
