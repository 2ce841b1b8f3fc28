"""WebDAV servers that are hostile, busy, silent or away: errors with remedies."""

import socket
import time

import pytest
from made_up_dav import answering, multistatus

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidStoragePath,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
)

BOMB = '<?xml version="1.0"{}?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + (
    '<multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>'
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BOMB.format("").encode(), "document type"),
        (BOMB.format(' encoding="utf-16"').encode("utf-16"), "document type"),
        (b"<html></html>", "not that of WebDAV"),
        (b"<multistatus", "not XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not XML"),
        (b"", "not XML"),
    ],
)
def test_hostile_lists_are_refused(body, said):
    """Entities, and whatever is not the answer of a WebDAV server, are refused in words."""
    with answering(lambda request: (207, {}, body)) as server, pytest.raises(StorageError, match=said):
        list(Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).list())


def test_hostile_names_lead_nowhere():
    """A list that names files outside the folder is refused; names that are no names are left out."""
    for href, found in (
        ("/etc/passwd", None),
        ("/x/..%2f..%2fy", []),
        ("/x/a%2fb", ["a/b"]),
        ("/x/%2e%2e/", []),
        ("/x/%ff", []),
    ):
        body = multistatus("/x/", 0, others=[href])
        with answering(lambda request, body=body: (207, {}, body)) as server:
            storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
            if found is None:
                with pytest.raises(StorageError, match="another address"):
                    list(storage.list())
            else:
                assert [stat.name for stat in storage.list()] == found


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, StoragePermissionDenied),
        (405, InvalidStoragePath),
        (423, StorageUnavailable),
        (429, StorageUnavailable),
        (500, StorageUnavailable),
        (503, StorageUnavailable),
        (418, StorageError),
    ],
)
def test_what_a_server_refuses_is_told(status, error):
    """Each status is an error of ours; a server that is busy, or fails at a look, is asked three times, others once."""
    with answering(lambda request: (status, {}, b"")) as server, pytest.raises(error, match=str(status)):
        get_client(f"webdav://127.0.0.1:{server.port}/x").delete_file("file.txt")

    assert len(server.asked) == (3 if status in (429, 500, 503) else 1)


def test_a_failed_look_is_tried_again():
    """A server that fails at a look, since what it looks at was just replaced, is asked again."""
    answers = [(500, {}, b""), (207, {}, multistatus("/x/file.txt", 3))]
    with answering(lambda request: answers[len(server.asked) - 1]) as server:
        found = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).stat("file.txt")

    assert found.size_bytes == 3
    assert server.asked == ["PROPFIND", "PROPFIND"]


@pytest.mark.parametrize(("breaks", "requests_made"), [(1, 2), (2, 3), (3, 3)])
def test_a_broken_connection_is_made_anew(breaks, requests_made):
    """A connection that breaks before the answer is made anew twice; then it is an error."""
    with answering(lambda request: None if len(server.asked) <= breaks else (404, {}, b"")) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        if breaks < 3:
            client.delete_file("file.txt")
        else:
            with pytest.raises(StorageUnavailable, match="no connection, or it broke"):
                client.delete_file("file.txt")

    assert len(server.asked) == requests_made


def test_a_server_that_says_nothing_is_given_up_soon():
    """It takes the connection and is silent: an error in less than ten seconds."""
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, waiting_at_most(2), pytest.raises(StorageTimeout):
        Storage(get_client(f"webdav://127.0.0.1:{silent.getsockname()[1]}/x")).write("file.txt", "x")

    assert time.monotonic() - began < 10


@pytest.mark.parametrize("status", [None, 401, 503], ids=["away", "not let in", "busy"])
def test_what_the_error_says_is_not_warned_of_besides(caplog, status):
    """What keeps the file from being sent keeps its part file from being removed: that is said once, by the error."""
    with answering(lambda request: status and (status, {}, b"")) as server, pytest.raises(StorageError):
        Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).write("file.txt", "x")

    assert server.asked[-1] == "DELETE"
    assert caplog.messages == []


def test_a_part_file_that_cannot_be_removed_is_warned_of(caplog):
    """Where that is another thing than the error, it is said too, so that somebody can clean up."""
    statuses = {"PUT": 507, "DELETE": 403}
    with (
        answering(lambda request: (statuses[request.command], {}, b"")) as server,
        pytest.raises(StorageFull),
    ):
        Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).write("file.txt", "x")

    assert caplog.messages == ["part file could not be removed"]


@pytest.mark.parametrize(
    "head", [(200, {}, b"12345"), (405, {}, b""), (200, {"Transfer-Encoding": "chunked"}, b"")]
)
def test_a_length_that_the_list_lacks_is_asked_for(head):
    """``stat`` and lists never say 0 of a file whose length they do not know: they ask, or it is an error."""

    def answer(request):
        if request.command == "HEAD":
            return head
        return 207, {}, multistatus(request.path, None, others=["/x/file.txt"] if request.path == "/x/" else [])

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        if head[2]:
            assert (storage.stat("file.txt").size_bytes, [stat.size_bytes for stat in storage.list()]) == (5, [5])
            return
        for verb in (lambda: storage.stat("file.txt"), lambda: list(storage.list())):
            with pytest.raises(StorageCorrupt, match=r"x/file\.txt: the server does not say how long the file is"):
                verb()


def test_the_size_of_what_was_left_behind_may_be_unknown():
    """It can be removed all the same."""

    def answer(request):
        others = ["/x/.yeti-0123456789abcdef.part"]
        return (
            (207, {}, multistatus("/x/", None, others=others)) if request.command == "PROPFIND" else (405, {}, b"")
        )

    with answering(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))

        assert [leftover.size_bytes for leftover in storage.leftovers()] == [None]
