"""Files read through fsspec: from anywhere, and never of two versions."""

import io
import random

import pytest

from core.clients import fsspec_files
from core.clients.fsspec_files import Reader
from core.errors import StorageUnavailable

LARGE = bytes(random.Random(7).randbytes(3_000_000))


class OneWay(io.BytesIO):
    """A file that cannot be wound back, as that of most servers."""

    opened = 0

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation("seek")


@pytest.fixture(params=[OneWay, io.BytesIO], ids=["one way", "seekable"])
def reader(request):
    """A reader of `LARGE`, and of how often it was opened."""
    opened = []

    def open_again():
        opened.append(request.param(LARGE))
        return opened[-1]

    with Reader("large.bin", open_again, lambda: len(LARGE)) as reader:
        reader.opened = opened
        yield reader


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_can_be_wound(reader, seed, monkeypatch):
    """Whatever is sought and read, the bytes are those of the file."""
    monkeypatch.setattr(fsspec_files, "_IN_MEMORY_BYTES", 1 << 20)
    dice, plain = random.Random(seed), io.BytesIO(LARGE)
    for _ in range(60):
        size = dice.choice([0, 1, 100, 70_000, 600_000, -1 if dice.random() < 0.1 else 10])
        match dice.randrange(5):
            case 0:
                where = dice.randrange(len(LARGE) + 1000)
                assert plain.seek(where) == reader.seek(where)
            case 1:
                where = -dice.randrange(1 + plain.tell())
                assert plain.seek(where, io.SEEK_CUR) == reader.seek(where, io.SEEK_CUR)
            case 2 if dice.random() < 0.3:
                assert plain.seek(-10, io.SEEK_END) == reader.seek(-10, io.SEEK_END)
            case 3:
                assert plain.readline() == reader.readline()
            case _:
                assert plain.read(size) == reader.read(size)
        assert plain.tell() == reader.tell()

    assert len(LARGE) == reader.size


def test_reading_on_fetches_the_file_once(reader):
    """Going forward needs no second request and no temporary file, nor does asking where one is."""
    reader.seek(2_000_000)
    reader.seek(0)
    assert LARGE[:10] == reader.read(10)
    reader.seek(2_500_000)

    assert LARGE[2_500_000:] == reader.read()
    assert 1 == len(reader.opened)


def test_behind_the_end_there_is_nothing(reader):
    """Reading there gives no bytes, and one is still where one went."""
    reader.seek(len(LARGE) + 500)
    assert b"" == reader.read()
    assert len(LARGE) - 100 == reader.seek(-600, io.SEEK_CUR)

    assert LARGE[-100:] == reader.read()


def test_two_versions_are_never_mixed():
    """A file that was replaced while it was read raises when it is fetched anew, and is closed."""
    versions = [OneWay(LARGE), OneWay(b"x" + LARGE)]
    with Reader("large.bin", iter(versions).__next__, lambda: 0) as reader:
        reader.read(1_000_000)
        reader.seek(0)
        with pytest.raises(StorageUnavailable, match="read it again"):
            reader.read(10)

    assert [True, True] == [file.closed for file in versions]


def test_before_the_start_there_is_nothing(reader):
    """It is an error to go there."""
    with pytest.raises(ValueError, match=r"before the start|negative"):
        reader.seek(-1)


def test_parts_of_a_file_are_fetched_alone(fs, monkeypatch):
    """Going back costs neither a second whole transfer nor a temporary file, and never mixes two versions."""
    monkeypatch.setattr(fsspec_files._Source, "_keep_aside", None)
    old, new = bytes(range(250)) * 20_000, b"new" * 2_000_000
    fs.pipe("large.bin", old)
    with fs.open("large.bin") as file:
        for where, size in ((4_000_000, 1000), (0, 10), (-500, 500), (10, 300_000)):
            start = file.seek(where, io.SEEK_END if where < 0 else io.SEEK_SET)
            assert old[start : start + size] == file.read(size)
        fs.pipe("large.bin", new)
        file.seek(4_000_000)
        try:
            assert old[4_000_000:] == file.read()
        except StorageUnavailable as error:
            assert "read it again" in str(error)  # noqa: PT017


def test_a_range_of_a_file(fs):
    """``cat_file`` takes slices as Python does."""
    data = b"the old content\n"
    fs.pipe("a.csv", data)
    for start, end in [(None, None), (4, None), (4, 7), (-4, None), (None, -3), (-5, -1), (3, 3), (100, 200)]:
        assert data[start:end] == fs.cat_file("a.csv", start=start, end=end)


def test_a_missing_file_is_missing_at_once(fs):
    """Opening it raises, not the first read."""
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        fs.open("none.csv")


def test_text_is_utf_8(fs):
    """Whatever the locale says, and line by line."""
    fs.pipe("b.csv", "ä\nö\n".encode())

    with fs.open("b.csv", "r") as file:
        assert ("utf-8", ["ä\n", "ö\n"]) == (file.encoding, list(file))
