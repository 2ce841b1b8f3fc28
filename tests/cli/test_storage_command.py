"""``yetictl storage`` and drop-in files, as a person uses them."""

import io
import os
import re
import time
from pathlib import Path

from core.clients.persistient_storage.classes.local import LocalStorageClient

CLIENT = """
class Shelf:
    PREFIX = "shelf://"
    files = {}
    def __init__(self, path): self.path = path
    def file_path(self, file_name): return f"{self.path}/{file_name}"
    def get_file(self, file_name):
        if file_name not in self.files: raise FileNotFoundError(file_name)
        return self.files[file_name]
    def put_file(self, file_name, contents): self.files[file_name] = contents
    def delete_file(self, file_name): self.files.pop(file_name, None)
"""


def test_file_goes_there_and_back(yetictl, tmp_path):
    """put, ls, get, rm: the bytes come back as they went, and the listing is empty in the end."""
    (tmp_path / "file").write_bytes(b"a\r\n\xc3\xbc")

    receipt = yetictl("storage", "put", "place", "sub/name.bin", "file", "--json").json

    assert (5, "created") == (receipt["size_bytes"], receipt["outcome"])
    assert [("sub/name.bin", 5)] == [
        (item["name"], item["size_bytes"]) for item in yetictl("storage", "ls", "place", "--json").json
    ]
    assert b"a\r\n\xc3\xbc" == (tmp_path / "place/sub/name.bin").read_bytes()
    yetictl("storage", "rm", "place", "sub/name.bin")
    assert [] == yetictl("storage", "ls", "place", "--json").json


def test_check_tries_everything_and_leaves_nothing(yetictl, tmp_path):
    """``storage check`` writes, reads, replaces and deletes a file of its own."""
    done = yetictl("storage", "check", "place", "--json")

    assert done.json["is_ok"]
    assert [
        "write",
        "read back what was written",
        "replace",
        "read back the replacement",
        "delete",
        "find it gone",
        "look for what was left behind",
    ] == [step["name"] for step in done.json["steps"]]
    assert [] == list((tmp_path / "place").iterdir())


def killed(tmp_path):
    """What a writer that was killed two days ago has left, beside one that may be going on now."""
    (tmp_path / "place/d").mkdir(parents=True)
    old, new = (tmp_path / "place/d" / f".yeti-{digit * 16}.part" for digit in "01")
    for file in (old, new):
        file.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    return old, new


def test_check_lists_what_was_left_behind(yetictl, tmp_path):
    """What killed writers left more than a day ago is listed, with the command that removes it; all is well else."""
    old, _ = killed(tmp_path)

    assert [(str(old), 4)] == [
        (item["location"], item["size_bytes"])
        for item in yetictl("storage", "check", "place", "--json").json["leftovers"]
    ]
    done = yetictl("storage", "check", "place")
    assert str(old) in done.out
    assert "yetictl storage clean place" in done.err
    assert old.exists()


def test_clean_removes_what_was_left_behind(yetictl, tmp_path):
    """Only what is old enough, and nothing with ``--dry-run``; a second time there is nothing to do."""
    old, new = killed(tmp_path)
    (tmp_path / "place/d/published.txt").write_text("x")

    assert "1 left-over would be removed" in yetictl("storage", "clean", "place", "--dry-run").err
    assert old.exists()
    assert "1 left-over removed" in yetictl("storage", "clean", "place").err
    assert (False, True) == (old.exists(), new.exists())
    assert "nothing was left behind" in yetictl("storage", "clean", "place").err
    time.sleep(1.1)
    [item] = yetictl("storage", "clean", "place", "--older-than", "1s", "--json").json
    assert (str(new), True) == (item["location"], item["is_removed"])
    assert ["published.txt"] == [path.name for path in (tmp_path / "place/d").iterdir()]


def test_clean_says_what_could_not_be_removed(yetictl, tmp_path, monkeypatch):
    """Each left-over with its error, also as JSON, and the exit status is that of a failure; the others are removed."""
    old, _ = killed(tmp_path)
    other = old.with_name(".yeti-2222222222222222.part")
    other.write_bytes(b"x")
    os.utime(other, (0, 0))
    real = LocalStorageClient.remove_leftover

    def remove(self, leftover):
        if leftover.location == str(other):
            raise PermissionError("the place is read-only")
        real(self, leftover)

    monkeypatch.setattr(LocalStorageClient, "remove_leftover", remove)
    done = yetictl("storage", "clean", "place", "--json", status=1)

    assert [(str(old), True, False), (str(other), False, True)] == [
        (item["location"], item["is_removed"], "read-only" in (item["error"] or "")) for item in done.json
    ]
    assert "1 left-over could not be removed" in done.err
    assert not old.exists()


def test_clean_of_a_client_that_cannot_list_says_so(yetictl, tmp_path):
    """That is not the same as that nothing was left; neither is it beside a place that can."""
    folder = tmp_path / "home/plugins/storage"
    folder.mkdir(parents=True)
    (folder / "shelf.py").write_text(CLIENT)
    for path in ("shelf://x", f"tee://{tmp_path}/place,shelf://x"):
        said = yetictl("storage", "clean", path).err
        assert "this client cannot list left-overs: Shelf" in said
        assert "nothing" not in said


def test_check_with_rights_to_write_alone(yetictl, tmp_path, monkeypatch):
    """Exports can be published: what is refused is said with what that means, and the file that stays is named."""

    def refuse(self, *arguments):
        raise PermissionError("no such right")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorageClient, "open_reader", refuse)
        patch.setattr(LocalStorageClient, "delete_file", refuse)
        patch.setattr(LocalStorageClient, "list", refuse)
        steps = yetictl("storage", "check", "place", "--json").json["steps"]
        shown = yetictl("storage", "check", "place").out
    [one, two] = (tmp_path / "place").iterdir()

    assert ["read back what was written", "read back the replacement", "delete"] == [
        step["name"] for step in steps if step["is_refused"]
    ]
    assert "write but not read" in steps[1]["detail"]
    assert any(f"the file {left.name} may still be there" in steps[4]["detail"] for left in (one, two))
    assert any(left.name in shown for left in (one, two))
    assert 3 == shown.count("refused")

    os.utime(one, (0, 0))
    assert [one.name] == [
        item["location"].rpartition("/")[2]
        for item in yetictl("storage", "check", "place", "--json").json["leftovers"]
    ]
    assert "1 left-over removed" in yetictl("storage", "clean", "place").err
    assert [two] == list((tmp_path / "place").iterdir())


def test_a_published_file_is_not_taken_for_that_of_a_check(yetictl, tmp_path):
    """Neither one of another size under such a name, nor one with another name."""
    (tmp_path / "place").mkdir()
    for name in ("yeti-check-0123456789abcdef.txt", "yeti-check-list.txt"):
        (tmp_path / "place" / name).write_text("192.0.2.1")
        os.utime(tmp_path / "place" / name, (0, 0))

    assert "nothing was left behind" in yetictl("storage", "clean", "place").err


def test_check_where_writing_is_refused_fails(yetictl, monkeypatch):
    """Whatever else is allowed: nothing can be published there."""

    def refuse(self, *arguments):
        raise PermissionError("no such right")

    monkeypatch.setattr(LocalStorageClient, "open_writer", refuse)

    assert [("write", False)] == [
        (step["name"], step["is_ok"])
        for step in yetictl("storage", "check", "place", "--json", status=1).json["steps"]
    ]


def test_check_of_several_places_reads_each(yetictl, tmp_path, monkeypatch):
    """Also the places that the whole is not read from; nothing stays in any."""
    real = LocalStorageClient.open_reader

    def other(self, name):
        return io.BytesIO(b"other") if "/two" in self.file_path(name) else real(self, name)

    monkeypatch.setattr(LocalStorageClient, "open_reader", other)
    done = yetictl("storage", "check", f"tee://{tmp_path}/one,{tmp_path}/two", status=1)

    assert 2 == len(re.findall(r"(?m)^failed +read back.*two/yeti-check-.*: what was read is not", done.out))
    assert [] == [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]


def test_put_to_several_places_has_a_receipt_for_each(yetictl, tmp_path):
    """``tee://`` stores in both places, and each is named."""
    (tmp_path / "file").write_text("x")

    receipt = yetictl("storage", "put", f"tee://{tmp_path}/one,{tmp_path}/two", "a.csv", "file", "--json").json

    assert [str(tmp_path / name / "a.csv") for name in ("one", "two")] == [
        copy["location"] for copy in receipt["copies"]
    ]
    assert {"content_type": "text/csv; charset=utf-8"} == receipt["metadata"]


def test_check_of_an_unknown_scheme_fails(yetictl):
    """A path that looks like a URL no client knows is a failure that names the known prefixes; no folder is made."""
    done = yetictl("storage", "check", "gopher://bucket/x", status=1)

    assert not Path("gopher:").exists()
    assert "known: az://, gs://, memory://, s3://, sftp://, tee://, webdav://, webdavs://" in done.out


def test_check_of_a_place_of_several_that_no_client_knows_fails(yetictl, tmp_path):
    """Within ``tee://`` too a path that looks like a URL is not silently a folder."""
    done = yetictl("storage", "check", f"tee://{tmp_path}/one,S3://bucket/x", status=1)

    assert "S3://bucket/x is taken as a local folder" in done.out


def test_dropped_in_client_is_used_and_broken_one_is_listed(yetictl, tmp_path):
    """A client in the second folder works at once; a broken neighbour is listed with its reason and harms nobody."""
    folder = tmp_path / "home/plugins/storage"
    folder.mkdir(parents=True)
    (folder / "shelf.py").write_text(CLIENT)
    (folder / "broken.py").write_text("import no_such_module\n")

    listed = {
        item["origin"].rpartition("/")[2]: item for item in yetictl("storage", "list", "--json").json["clients"]
    }

    assert ("shelf://", "ok") == (listed["shelf.py"]["prefix"], listed["shelf.py"]["status"])
    assert "no_such_module" in listed["broken.py"]["reason"]
    assert yetictl("storage", "check", "shelf://x", "--json").json["is_ok"]
    assert yetictl("storage", "check", "place", "--json").json["is_ok"]


def test_broken_client_without_a_prefix_claims_no_paths(yetictl, tmp_path):
    """In the table, "any other path" stands beside the local client alone."""
    folder = tmp_path / "home/plugins/storage"
    folder.mkdir(parents=True)
    (folder / "broken.py").write_text("import no_such_module\n")

    lines = yetictl("storage", "list").out.splitlines()

    assert ["LocalStorageClient"] == [line.split()[3] for line in lines if line.startswith("(any other path)")]
    assert [["-", "-", "broken"]] == [line.split()[:3] for line in lines if "broken.py" in line]


def test_dropped_in_format_is_used(yetictl, tmp_path):
    """A format in the second folder is listed and exports can have it."""
    folder = tmp_path / "home/plugins/formats"
    folder.mkdir(parents=True)
    (folder / "shout.py").write_text(
        "NAME = 'shout'\nMEANING = 'values in capitals'\nMEDIA_TYPE = 'text/plain'\nSUFFIX = '.up'\n"
        "TYPES = None\nOPTIONS = {}\n"
        "def render(rows, out, options):\n"
        "    file = out.open()\n"
        "    for batch in rows:\n"
        "        file.write(''.join(row.value.upper() + '\\n' for row in batch), len(batch))\n"
    )
    yetictl("observable", "add", "c2.example.org", "--type", "domain", "--tag", "c2")
    yetictl("export", "add", "x", "--format", "shout")

    yetictl("export", "run", "x")

    assert "C2.EXAMPLE.ORG\n" == (tmp_path / "home/exports/x.up").read_text()


def test_check_does_not_look_through_a_million_names(yetictl, tmp_path, monkeypatch):
    """Of a storage that is full it looks for files of checks among the first names; ``clean`` goes through all."""
    from core.clients.persistient_storage import check

    monkeypatch.setattr(check, "_MOST_NAMES", 2)
    (tmp_path / "place").mkdir()
    for name in ("a.txt", "b.txt", "yeti-check-0123456789abcdef.txt"):
        (tmp_path / "place" / name).write_bytes(check._TEXT.encode())
        os.utime(tmp_path / "place" / name, (0, 0))

    assert [] == yetictl("storage", "check", "place", "--json").json["leftovers"]
    assert "1 left-over removed" in yetictl("storage", "clean", "place").err
