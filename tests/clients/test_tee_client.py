"""The tee client: one file in several places, a receipt for each, and an error that says which have it."""

import pytest
from clients_of_tests import FIVE_METHODS

from core.clients.persistient_storage import get_client, names
from core.clients.persistient_storage.policies import Create, IfChanged, IfMatch
from core.clients.persistient_storage.storage import Storage
from core.errors import FileMissing, InvalidStoragePath, PartlyStored, StorageError, UnsupportedOperation
from core.testing.storage import StorageClientTests

BROKEN = """
class BrokenClient:
    PREFIX = "broken://"

    def __init__(self, path):
        self.path = path

    def file_path(self, file_name):
        return f"{self.path}/{file_name}"

    def get_file(self, file_name):
        raise ConnectionError("the line is dead")

    put_file = delete_file = get_file = lambda self, *arguments: self._fail()

    def _fail(self):
        raise ConnectionError("the line is dead")
"""


class TestTee(StorageClientTests):
    """A folder first, and memory."""

    @pytest.fixture
    def path(self, tmp_path):
        self.folder = tmp_path / "exports"
        return f"tee://{self.folder},memory://{tmp_path}"

    def raw(self, client, file_name):
        first, second = (place.client for place in client._places)
        data = (self.folder / file_name).read_bytes()
        assert second._found(file_name)[0] == data, "the places hold different files"
        assert first.file_path(file_name) == str(self.folder / file_name)
        return data


@pytest.fixture
def places(tmp_path):
    return [Storage(get_client(tmp_path / name)) for name in ("one", "two")]


@pytest.fixture
def tee(tmp_path):
    return Storage(get_client(f"tee://{tmp_path}/one,{tmp_path}/two"))


def test_every_place_has_a_receipt(tee, places):
    """The receipt of the whole holds one for each place, in their order, each with its own location and ETag."""
    receipt = tee.write("a.csv", "a,b\n")

    assert [copy.location for copy in receipt.copies] == [place.client.file_path("a.csv") for place in places]
    assert [copy.etag for copy in receipt.copies] == [place.stat("a.csv").etag for place in places]
    assert {copy.sha256 for copy in receipt.copies} == {receipt.sha256}
    assert receipt.location == ", ".join(copy.location for copy in receipt.copies)


def test_what_is_right_already_is_left_alone(tee, places, tmp_path):
    """With policy ``IfChanged`` each place is compared by itself: the one that was altered is mended, the other stays."""
    tee.write("a.txt", "same")
    before = places[0].stat("a.txt")
    (tmp_path / "two" / "a.txt").write_text("othr")
    source = tmp_path / "source"
    source.write_text("same")
    outcomes = [[copy.outcome for copy in tee.write("a.txt", source, policy=IfChanged()).copies] for _ in range(2)]

    assert outcomes == [["unchanged", "replaced"], ["unchanged", "unchanged"]]
    assert places[0].stat("a.txt") == before
    assert places[1].read_text("a.txt") == "same"


def test_unknown_bytes_are_compared_at_the_end(tee, places):
    """A stream whose SHA-256 is not known beforehand is compared too, place by place."""
    tee.write("a.txt", "same")
    places[1].delete("a.txt")
    with tee.open_writer("a.txt", policy=IfChanged()) as file:
        file.write(b"same")

    assert [copy.outcome for copy in file.receipt.copies] == ["unchanged", "created"]
    assert file.receipt.outcome == "replaced"


@pytest.mark.parametrize("size", [10, 20 << 20])
def test_a_place_that_fails_does_not_hold_up_the_others(drop_in, tmp_path, size):
    """The others get the file, and the error names both: who has it, who has not and why."""
    drop_in("broken", BROKEN)
    tee = Storage(get_client(f"tee://broken://x,{tmp_path}/one"))
    with pytest.raises(PartlyStored) as caught:
        tee.write("a.txt", b"x" * size)

    assert f"done: {tmp_path}/one/a.txt" in str(caught.value)
    assert "not done: broken://x/a.txt could not be stored: the line is dead" in str(caught.value)
    assert (tmp_path / "one" / "a.txt").stat().st_size == size
    with pytest.raises(PartlyStored, match="the line is dead"):
        tee.delete("a.txt")
    assert not (tmp_path / "one" / "a.txt").exists()


def test_all_places_failing_is_the_first_error(drop_in):
    """When no place has it, nothing is said to be partly stored."""
    drop_in("broken", BROKEN)
    tee = Storage(get_client("tee://broken://x,broken://y"))
    with pytest.raises(StorageError, match=r"broken://x/a\.txt") as caught:
        tee.write("a.txt", b"x")

    assert not isinstance(caught.value, PartlyStored)


def test_an_interrupt_between_the_places_leaves_each_whole(tee, places, monkeypatch):
    """What was stored stays, what was not is as it was, and no part file is left in either."""
    tee.write("a.txt", "old")
    real = type(places[1].client).open_writer

    def open_writer(self, name, request):
        writer = real(self, name, request)
        if "/two" in self.file_path(name):
            monkeypatch.setattr(writer, "commit", lambda sha256: (_ for _ in ()).throw(KeyboardInterrupt))
        return writer

    monkeypatch.setattr(type(places[1].client), "open_writer", open_writer)
    with pytest.raises(KeyboardInterrupt):
        tee.write("a.txt", "new")

    assert [place.read_text("a.txt") for place in places] == ["new", "old"]
    assert list(tee.leftovers()) == []


def test_what_one_place_cannot_carry_no_place_gets(drop_in, tmp_path):
    """Beside a client with five methods: text works, is read back there, and the dropped default is said; the rest is
    refused before anything is stored anywhere.
    """
    drop_in("five", FIVE_METHODS)
    tee = Storage(get_client(f"tee://{tmp_path}/one,five://{tmp_path}"))
    receipt = tee.write("a.csv", "old")
    assert receipt.dropped == receipt.copies[1].dropped == ("content_type",)
    assert receipt.copies[0].dropped == ()

    for options in ({"metadata": {"run": "1"}}, {"cache_control": "no-store"}):
        with pytest.raises(UnsupportedOperation, match="metadata"):
            tee.write("a.csv", "new", **options)
    for data, options in (
        (b"\xff" * 10, {}),
        (b"abc\xe6", {}),  # a character that is cut off, which shows at the end only
        (b"new" * 1000, {"compression": "gzip"}),
    ):
        with pytest.raises(UnsupportedOperation, match="not UTF-8"):
            tee.write("a.csv", data, **options)

    assert (tmp_path / "one" / "a.csv").read_text() == tee.client.get_file("a.csv") == "old"
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["a.csv"]


def test_policies_over_several_places_are_refused(tee):
    """Two places cannot be created or matched as one; nothing is stored."""
    for policy in (Create(), IfMatch("0")):
        with pytest.raises(UnsupportedOperation):
            tee.write("a.txt", "x", policy=policy)
    with pytest.raises(FileMissing):
        tee.stat("a.txt")


def test_a_comma_in_a_place(tmp_path):
    """``%2C`` is a comma, ``%25`` a percent sign; whatever else has a percent sign is the place's own."""
    Storage(get_client(f"tee://{tmp_path}/a%2Cb,{tmp_path}/c%25,{tmp_path}/d%20e")).write("x.txt", "x")

    assert {(tmp_path / name / "x.txt").read_text() for name in ("a,b", "c%", "d%20e")} == {"x"}


def test_left_overs_of_the_other_places_are_told(drop_in, tmp_path):
    """A place that cannot be looked at does not hide what the others have; then it is said."""
    drop_in("broken", BROKEN + "    def leftovers(self):\n        raise ConnectionError('the line is dead')\n")
    part = tmp_path / "one" / names.part_file("0" * 16)
    part.parent.mkdir()
    part.touch()
    found = []
    with pytest.raises(StorageError, match="the line is dead"):  # noqa: PT012
        for leftover in get_client(f"tee://broken://x,{tmp_path}/one").leftovers():
            found.append(leftover.location)

    assert str(part) in found


@pytest.mark.parametrize("path", ["tee://", "tee:///one", "tee:///one,", "tee:///one,/one"])
def test_one_place_is_not_several(path):
    """The form is said."""
    with pytest.raises(InvalidStoragePath, match="two places or more"):
        get_client(path)
