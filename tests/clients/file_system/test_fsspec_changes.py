"""What is copied, moved, put and removed through fsspec."""

import fsspec
import pytest

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    InvalidFileName,
    StorageCorrupt,
)


def test_a_file_at_the_top_goes_into_a_folder(fs, tmp_path):
    """As one that is in a folder does."""
    fs.cp("a.csv", "lists")
    fs.mv("lists.txt", "new/")
    fs.cp("lists/deep", "new", recursive=True)
    fs.get("a.csv", f"{tmp_path}/here/")

    assert [
        "/a.csv",
        "/lists/a.csv",
        "/lists/b.csv",
        "/lists/deep/c.csv",
        "/new/deep/c.csv",
        "/new/lists.txt",
    ] == (fs.find(""))
    assert b"a" == (tmp_path / "here" / "a.csv").read_bytes()


def test_a_copy_has_the_metadata(fs, path):
    """Content type and the rest go with the bytes."""
    fs.pipe("page", b"<p>", content_type="text/html; charset=utf-8", cache_control="max-age=60")
    fs.cp("page", "lists/page.bin")
    fs.mv("lists/page.bin", "moved.bin")

    assert Storage(get_client(path)).stat("moved.bin").metadata == Storage(get_client(path)).stat("page").metadata
    assert b"<p>" == fs.cat("moved.bin")
    assert not fs.exists("lists/page.bin")


def test_nothing_is_moved_onto_itself(fs):
    """However the name is spelled, the file stays."""
    fs.mv("a.csv", "yeti://a.csv")
    with pytest.raises(FileExists, match="onto itself"):
        fs.mv("lists/b.csv", "lists/")

    assert (b"a", b"bb") == (fs.cat("a.csv"), fs.cat("lists/b.csv"))


def test_moving_leaves_what_came_meanwhile(fs, monkeypatch):
    """Only files that were copied are deleted."""
    copy = fs.copy

    def copy_late(*arguments, **options):
        copy(*arguments, **options)
        fs.pipe("lists/late.csv", b"late")

    monkeypatch.setattr(fs, "copy", copy_late)
    fs.mv("lists", "moved", recursive=True)

    assert ["/a.csv", "/lists.txt", "/lists/late.csv", "/moved/b.csv", "/moved/deep/c.csv"] == fs.find("")


def test_a_copy_that_fails_moves_nothing(fs):
    """The source is deleted last."""
    with pytest.raises(InvalidFileName):
        fs.mv("lists", "../out", recursive=True)

    assert ["/a.csv", "/lists.txt", "/lists/b.csv", "/lists/deep/c.csv"] == fs.find("")


def test_folders_go_only_when_that_is_asked_for(fs):
    """``rm`` of a folder needs ``recursive``."""
    with pytest.raises(FileExists, match="recursive=True"):
        fs.rm("lists")
    fs.rm("lists", recursive=True)

    assert ["/a.csv", "/lists.txt"] == fs.find("")
    with pytest.raises(FileNotFoundError):
        fs.rm("lists", recursive=True)


def test_a_file_that_changes_while_it_is_put_is_not_stored(local, tmp_path):
    """Its size is known before, and compared."""
    source = tmp_path / "source.csv"
    source.write_bytes(b"x" * 3_000_000)

    class Shortens(fsspec.callbacks.Callback):
        def relative_update(self, inc=1):
            source.write_bytes(b"")

    with pytest.raises(StorageCorrupt, match="nothing was published"):
        local.put_file(str(source), "a.csv", callback=Shortens())
    assert [] == local.find("")


def test_put_says_how_far_it_is(local, tmp_path):
    """The callback of fsspec is told the size and each step."""
    (tmp_path / "source.csv").write_bytes(b"x" * 3_000_000)
    callback = fsspec.callbacks.Callback()
    local.put_file(str(tmp_path / "source.csv"), "a.csv", callback=callback)

    assert (3_000_000, 3_000_000, 3_000_000) == (callback.size, callback.value, local.size("a.csv"))
