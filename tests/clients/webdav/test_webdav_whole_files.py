"""Over WebDAV there is a whole file or an error, whatever the server does meanwhile."""

import os
import threading
import time

import pytest
import requests
from made_up_dav import answering, multistatus
from remote_trees import names_in

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileMissing,
    StorageCorrupt,
    StorageError,
    StorageUnavailable,
)
from core.testing.together import at_once

# --- reading -----------------------------------------------------------------------------------------------------


def test_a_reader_never_gets_a_part(storage, monkeypatch):
    """Three writers replace a file with others of other lengths all the time; every reading gets one of them, whole.

    For five seconds, and on a slow machine until there were six readings.
    """
    texts = [f"{number}" * (1_000 + 90_000 * number) for number in range(1, 4)]
    storage.write("file.txt", texts[0])
    done = threading.Event()
    seen: list[str] = []
    request, gets = requests.Session.request, []

    def noting(self, method, url, **options):
        if method == "GET":
            gets.append(url)
        return request(self, method, url, **options)

    def read():
        gets.clear()
        try:
            seen.append(storage.read_text("file.txt"))
        except StorageUnavailable:  # replaced all the time
            pass
        except FileMissing:  # away for as long as the first look waits; after that one it is known to be there
            assert gets == []

    def write_or_read(number):
        if number < 3:
            while not done.is_set():
                # Not the client's own put, which waits a second each time: this is what servers make of moves.
                _put_and_move(storage, f"{number}.tmp", "file.txt", texts[number])
                time.sleep(0.2)
            return
        began = time.monotonic()
        try:
            while (took_s := time.monotonic() - began) < 5 or (len(seen) < 6 and took_s < 60):
                read()
        finally:
            done.set()

    monkeypatch.setattr(requests.Session, "request", noting)
    at_once(write_or_read, 4, within_s=120)

    assert len(seen) >= 6
    assert set(seen) <= set(texts)


def test_a_file_of_two_lengths_is_not_read():
    """A server that gives the length of one file with the bytes of another is caught: an error, not a part."""
    sizes = iter(range(10, 1_000_000))

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, multistatus(request.path, next(sizes))
        return 200, {}, b"0123456789"

    with answering(answer) as server, pytest.raises(StorageUnavailable, match="replaced all the time"):
        get_client(f"webdav://127.0.0.1:{server.port}/x").get_file("file.txt")


def test_a_body_of_another_length_is_not_read():
    """A server that says one length in its list and gives another is caught before a byte is given out."""

    def answer(request):
        return (
            (207, {}, multistatus(request.path, 20)) if request.command == "PROPFIND" else (200, {}, b"0123456789")
        )

    with answering(answer) as server, pytest.raises(StorageCorrupt, match="another length"):
        get_client(f"webdav://127.0.0.1:{server.port}/x").get_file("file.txt")


@pytest.mark.parametrize(
    ("listed", "is_chunked"),
    [(None, True), (None, False), (5, True)],
    ids=["nowhere", "in the answer", "in the list"],
)
def test_a_file_of_unknown_length_is_not_read(listed, is_chunked):
    """A server that says nowhere how long a file is could end it anywhere: refused in words, not read as empty.

    One place that says it is enough.
    """

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, multistatus(request.path, listed)
        return (200, {"Transfer-Encoding": "chunked"}, b"hello") if is_chunked else (200, {}, b"hello")

    with answering(answer) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        if listed is None and is_chunked:
            with pytest.raises(StorageCorrupt, match="does not say how long the file is"):
                client.get_file("file.txt")
        else:
            assert client.get_file("file.txt") == "hello"


def test_a_file_that_is_away_while_it_is_replaced_is_read():
    """A busy server takes half a second between removing the old file and moving the new one: it is not missing."""
    back_at = time.monotonic() + 0.5

    def answer(request):
        if time.monotonic() < back_at:
            return 404, {}, b""
        return (207, {}, multistatus(request.path, 5)) if request.command == "PROPFIND" else (200, {}, b"hello")

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        assert storage.read_text("file.txt") == "hello"


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("misses", [1, 6, 9])
def test_a_file_that_goes_while_it_is_opened_is_looked_for_again(status, misses):
    """It was seen, so it is being replaced, however long the server takes for that: the new file is read."""
    looks = []

    def answer(request):
        if request.command == "PROPFIND":
            looks.append(request.path)
            is_away = 1 < len(looks) <= 1 + misses
            etag = "a" if len(looks) == 1 else "b"
            return (status, {}, b"") if is_away else (207, {}, multistatus(request.path, 5, etag=etag))
        return 200, {}, b"older" if len(looks) == 1 else b"newer"

    with answering(answer) as server:
        assert Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).read_text("file.txt") == "newer"


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("gets", [0, 1], ids=["before it is opened", "while it is opened"])
def test_a_file_that_was_seen_is_never_missing(status, gets):
    """It went and does not come back: an error that may pass, and nothing is given out; the next reading tells more."""

    def answer(request):
        if "PROPFIND" not in server.asked[:-1]:
            return 207, {}, multistatus(request.path, 5)
        return (200, {}, b"older") if request.command == "GET" and gets else (status, {}, b"")

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        with pytest.raises(StorageUnavailable, match="replaced all the time"):
            storage.read_text("file.txt")

    assert server.asked.count("GET") == 1
    assert len(server.asked) < 20  # three seconds: five looks with pauses only once


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_listed_and_not_given_is_told(status):
    """Half of the server is behind the other, or a cache is: that may pass, and the file is neither missing nor damaged."""

    def answer(request):
        return (207, {}, multistatus(request.path, 5)) if request.command == "PROPFIND" else (status, {}, b"")

    with answering(answer) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        with pytest.raises(StorageUnavailable, match=rf"lists the file and does not give it; .*status {status}"):
            client.get_file("file.txt")


def test_a_file_that_goes_before_reading_goes_on_is_told():
    """The connection breaks midway and nothing stands there any more: what was read of it is said not to count."""
    data = os.urandom(100_000)

    def answer(request):
        if request.command == "GET":
            return 200, {"Content-Length": str(len(data))}, data[:40_000]
        if server.asked.count("PROPFIND") > 2:  # the reader looks twice before it reads
            return 404, {}, b""
        return 207, {}, multistatus(request.path, len(data))

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        with pytest.raises(StorageUnavailable, match="replaced while it was read"):
            storage.read_bytes("file.bin")


def test_a_file_that_is_not_there_is_told_soon():
    """Looking again and again has an end: about a second."""
    with answering(lambda _: (404, {}, b"")) as server:
        storage, began = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")), time.monotonic()
        with pytest.raises(FileMissing):
            storage.read_text("file.txt")

    assert set(server.asked) == {"PROPFIND"}
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("is_replaced", [False, True], ids=["same file", "replaced"])
def test_reading_goes_on_with_the_same_file_or_ends_in_an_error(is_replaced):
    """The connection breaks midway: the rest comes from the same file, and never from another one."""
    data, looks, gets = os.urandom(100_000), [], []

    def answer(request):
        if request.command == "PROPFIND":
            looks.append(request.path)
            is_other = is_replaced and len(looks) > 2  # the reader looks twice before it reads
            return 207, {}, multistatus(request.path, len(data), etag="b" if is_other else "a")
        gets.append(request.headers.get("Range"))
        if len(gets) == 1:
            return 200, {"Content-Length": str(len(data))}, data[:40_000]
        begin = int(gets[-1].removeprefix("bytes=").rstrip("-"))
        return 206, {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}, data[begin:]

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        if is_replaced:
            with pytest.raises(StorageUnavailable, match="replaced while it was read"):
                storage.read_bytes("file.bin")
        else:
            assert storage.read_bytes("file.bin") == data
    assert gets == ([None] if is_replaced else [None, "bytes=40000-"])


@pytest.mark.parametrize("status", [404, 416], ids=["away", "shorter"])
def test_a_file_that_is_replaced_when_reading_goes_on_is_told(status):
    """The connection breaks midway and the server has no such part any more: replaced, not missing or refused."""
    data, gets = os.urandom(100_000), []

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, multistatus(request.path, 100_000 if len(gets) < 2 else 10, etag="ab"[len(gets) > 1])
        gets.append(request.headers.get("Range"))
        if len(gets) == 1:
            return 200, {"Content-Length": str(len(data))}, data[:40_000]
        if len(gets) == 2:
            return status, {}, b""
        return 416, {"Content-Range": "bytes */10"}, b""

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        with pytest.raises(StorageUnavailable, match="replaced while it was read"):
            storage.read_bytes("file.bin")


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["hello", ""])
def test_a_server_that_does_not_say_what_it_kept_is_told(text):
    """The length of the part file is not known: refused in words, also if nothing was sent, and nothing is moved."""

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, multistatus(request.path, None)
        return 201, {}, b""

    with (
        answering(answer) as server,
        pytest.raises(StorageCorrupt, match="does not say how much of the file it kept"),
    ):
        get_client(f"webdav://127.0.0.1:{server.port}/x").put_file("file.txt", text)

    assert server.asked == ["PUT", "PROPFIND", "DELETE"]


def test_a_move_whose_answer_is_lost_was_done(storage, folder, monkeypatch):
    """The server moved the file and the connection broke: the file is stored, once, and no error is told."""
    request, lost = requests.Session.request, []

    def losing(self, method, url, **options):
        answer = request(self, method, url, **options)
        if method == "MOVE" and not lost:
            lost.append(answer.status_code)
            answer.close()
            raise requests.ConnectionError("reset")
        return answer

    monkeypatch.setattr(requests.Session, "request", losing)
    receipt = storage.write("file.txt", "new")

    assert (lost, receipt.outcome) == ([201], "stored")
    assert names_in(folder) == ["file.txt"]


def test_a_part_file_that_went_is_told(storage, folder, monkeypatch):
    """Somebody removed the part file before it was moved: an error, and the old file stands."""
    storage.write("file.txt", "old")
    request = requests.Session.request

    def removing(self, method, url, **options):
        if method == "MOVE":
            for file in folder.glob(".yeti-*"):
                file.unlink()
        return request(self, method, url, **options)

    monkeypatch.setattr(requests.Session, "request", removing)
    with pytest.raises(FileMissing):
        storage.write("file.txt", "new")

    assert (folder / "file.txt").read_text() == "old"


def test_a_server_that_keeps_less_is_told(storage, folder, monkeypatch):
    """The server stored fewer bytes than it was given: an error, the old file stands, nothing is left behind."""
    storage.write("file.txt", "old")
    request = requests.Session.request

    def losing(self, method, url, **options):
        if method == "PUT":
            options["data"] = b"half"
        return request(self, method, url, **options)

    monkeypatch.setattr(requests.Session, "request", losing)
    with pytest.raises(StorageError, match="kept 4 of 12 bytes"):
        storage.write("file.txt", "the new file")

    assert (folder / "file.txt").read_text() == "old"
    assert names_in(folder) == ["file.txt"]


def _put_and_move(storage, part, name, text):
    tree = storage.client._tree
    url = tree.place.http(tree.place.path(part))
    requests.put(url, data=text.encode(), timeout=10).close()
    requests.request(
        "MOVE", url, headers={"Destination": tree.place.http(tree.place.path(name))}, timeout=10
    ).close()
