"""The WebDAV client against WsgiDAV: the kit, whole files or errors, who is let in, hostile servers."""

import http.server
import os
import socket
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress

import pytest
import requests
from file_servers import dav_server, free_port, new_certificate

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.patience import waiting_at_most
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    FileExists,
    FileMissing,
    InvalidStoragePath,
    StorageCorrupt,
    StorageError,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.testing.storage import StorageClientTests
from core.testing.storage.file_names import NAMES
from core.testing.together import at_once

USER, PASSWORD = "pub/lïsher", "a-pässword-that-nobody-sees"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    own = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    for name in list(os.environ):
        if name.startswith("YETI_WEBDAV_") or name.lower().endswith("_proxy") or name in own:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))


@pytest.fixture(scope="session")
def open_server(tmp_path_factory):
    """WsgiDAV, for everybody."""
    with dav_server(tmp_path_factory.mktemp("wsgidav")) as server:
        yield server


@pytest.fixture(scope="session")
def closed_server(tmp_path_factory):
    """WsgiDAV, for one user."""
    with dav_server(tmp_path_factory.mktemp("wsgidav"), user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def folder(open_server):
    """A folder of the open server that nobody else uses."""
    folder = open_server.folder / os.urandom(4).hex()
    folder.mkdir()
    return folder


@pytest.fixture
def storage(open_server, folder):
    """All verbs over that folder."""
    return Storage(get_client(f"webdav://{open_server.address}/{folder.name}"))


def names_in(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir())


class TestWebDav(StorageClientTests):
    """The kit on WsgiDAV."""

    @pytest.fixture
    def path(self, open_server, folder):
        self.folder = folder / "some exports"
        return f"webdav://{open_server.address}/{folder.name}/some exports/"

    def raw(self, client, file_name):
        return (self.folder / file_name).read_bytes()

    def raw_names(self, client):
        return names_in(self.folder)

    def path_through(self, proxy, path, monkeypatch):
        return proxy.to(path.replace("webdav://", "http://")).replace("http://", "webdav://")

    @pytest.mark.parametrize("name", [name for name in NAMES if not set(name) & set(";?")])
    def test_portable_names_work(self, client, storage, name):
        """Every portable name without ``;`` and ``?``, which WsgiDAV cannot move a file to."""
        super().test_portable_names_work(client, storage, name)


# --- paths and packages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("webdav://host", "webdav://host/d/a.txt"),
        ("webdav://host:8080/", "webdav://host:8080/d/a.txt"),
        ("webdavs://host/remote.php/dav/ü b/", "webdavs://host/remote.php/dav/ü b/d/a.txt"),
        ("webdavs://[::1]:443/x", "webdavs://[::1]:443/x/d/a.txt"),
    ],
)
def test_a_path_names_server_and_folder(path, place):
    """The folder may be missing, and a slash at the end makes no difference."""
    assert get_client(path).file_path("d/a.txt") == place


@pytest.mark.parametrize(
    "path", ["webdav://", "webdav:///x", "webdavs://host:0/x", "webdav://ho st/x", "webdav://h/../x"]
)
def test_other_paths_are_refused(path):
    """A path without host, or with parts that are no names, is refused."""
    with pytest.raises(InvalidStoragePath):
        get_client(path)


def test_credentials_in_the_path_are_refused():
    """They are not repeated, and the remedy is named."""
    with pytest.raises(InvalidStoragePath, match="YETI_WEBDAV_PASSWORD_FILE") as caught:
        get_client(f"webdavs://user:{PASSWORD}@host/x")

    assert PASSWORD not in str(caught.value)


def test_a_missing_package_is_asked_for(monkeypatch):
    """Without requests the first use says what to install; taking the path does not need it."""
    client = get_client("webdav://host/x")
    monkeypatch.setitem(sys.modules, "requests", None)

    with pytest.raises(StorageError, match=r"pip install 'yeti-exports\[webdav\]'"):
        Storage(client).write("file.txt", "x")


def test_names_that_servers_cut_off_are_refused(storage, folder):
    """WsgiDAV would move ``a;b`` to ``a``: writing such a name is refused, and ``a`` stands."""
    storage.write("a", "old")
    for name in ("a;b", "a?b"):
        with pytest.raises(UnsupportedOperation, match="overwrite another"):
            storage.write(name, "new")

    assert (names_in(folder), storage.read_text("a")) == (["a"], "old")


# --- who is let in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["PASSWORD", "PASSWORD_FILE"])
def test_credentials_come_from_variables(closed_server, monkeypatch, tmp_path, source):
    """User and password are those of the variables, or the password is in a file; they need not be ASCII."""
    (tmp_path / "password").write_text(PASSWORD + "\n", "utf-8")
    monkeypatch.setenv("YETI_WEBDAV_USER", USER)
    monkeypatch.setenv(f"YETI_WEBDAV_{source}", PASSWORD if source == "PASSWORD" else str(tmp_path / "password"))
    client = get_client(f"webdav://{closed_server.address}/{source}")
    client.put_file("file.txt", source)

    assert client.get_file("file.txt") == source
    assert (closed_server.folder / source / "file.txt").read_text() == source


def test_credentials_come_from_netrc(tmp_path):
    """Without variables, ``~/.netrc`` counts."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login publisher password plain-letters\n")
    with dav_server(tmp_path / "server", user="publisher", password="plain-letters") as server:
        get_client(f"webdav://{server.address}/x").put_file("file.txt", "x")

        assert names_in(server.folder) == ["x/file.txt"]


@pytest.mark.parametrize("password", [None, "wrong-" + PASSWORD], ids=["none", "wrong"])
def test_who_is_not_let_in_is_told(closed_server, monkeypatch, caplog, password):
    """Without or with wrong credentials every verb is refused with the remedy, and nothing shows the password."""
    caplog.set_level("DEBUG")
    if password:
        monkeypatch.setenv("YETI_WEBDAV_USER", USER)
        monkeypatch.setenv("YETI_WEBDAV_PASSWORD", password)
    storage = Storage(get_client(f"webdav://{closed_server.address}/x"))
    for verb in (
        lambda: storage.write("file.txt", "x"),
        lambda: storage.read_text("file.txt"),
        lambda: storage.stat("file.txt"),
        lambda: list(storage.list()),
        lambda: storage.delete("file.txt"),
    ):
        with pytest.raises(StoragePermissionDenied, match="YETI_WEBDAV_USER") as caught:
            verb()
        assert PASSWORD not in str(caught.value) + caplog.text


def test_half_of_the_credentials_is_told(monkeypatch):
    """A user without a password, and a file that is not there, are named."""
    storage = Storage(get_client("webdav://127.0.0.1:9/x"))
    monkeypatch.setenv("YETI_WEBDAV_USER", USER)
    with pytest.raises(StoragePermissionDenied, match="YETI_WEBDAV_USER is set"):
        storage.read_text("file.txt")
    monkeypatch.setenv("YETI_WEBDAV_PASSWORD_FILE", "/nowhere/file")
    with pytest.raises(StoragePermissionDenied, match="/nowhere/file"):
        storage.read_text("file.txt")


def test_certificates_are_checked(tmp_path, monkeypatch):
    """A certificate that nobody vouches for is refused, unless a variable names it; plain http is told from https."""
    certificate = new_certificate(tmp_path / "certificate.pem")
    with dav_server(tmp_path / "server", certificate=certificate) as server:
        client = get_client(f"webdavs://{server.address}/x")
        with pytest.raises(StorageUnavailable, match="REQUESTS_CA_BUNDLE"):
            client.put_file("file.txt", "x")
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(name, str(certificate))
            client.put_file("file.txt", name)
            assert client.get_file("file.txt") == name
            monkeypatch.delenv(name)


def test_http_and_https_are_told_apart(open_server):
    """``webdavs://`` to a server without encryption says so."""
    with pytest.raises(StorageUnavailable, match="webdav://"):
        get_client(f"webdavs://{open_server.address}/x").get_file("file.txt")


def test_redirects_are_not_followed(monkeypatch):
    """A server that points elsewhere does not get the password sent there; the error says where it points."""
    monkeypatch.setenv("YETI_WEBDAV_USER", USER)
    monkeypatch.setenv("YETI_WEBDAV_PASSWORD", PASSWORD)
    with _server(lambda request: (200, {}, b"")) as other, _server(lambda request: there) as server:
        there = 302, {"Location": f"http://u:p@localhost:{other.port}/x?token=t"}, b""
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        for verb in (lambda: storage.write("file.txt", "x"), lambda: storage.read_text("file.txt")):
            with pytest.raises(InvalidStoragePath, match=r"elsewhere \(http://localhost\)"):
                verb()

    assert other.asked == []


# --- whole files or errors ----------------------------------------------------------------------------------------


def test_a_reader_never_gets_a_part(storage):
    """Three writers replace a file with others of other lengths all the time; every reading gets one of them, whole."""
    texts = [f"{number}" * (1_000 + 90_000 * number) for number in range(1, 4)]
    storage.write("file.txt", texts[0])
    done = threading.Event()
    seen: list[str] = []

    def write_or_read(number):
        if number < 3:
            while not done.is_set():
                # Not the client's own put, which waits a second each time: this is what servers make of moves.
                _put_and_move(storage, f"{number}.tmp", "file.txt", texts[number])
                time.sleep(0.2)
            return
        deadline = time.monotonic() + 5
        try:
            while time.monotonic() < deadline:
                with suppress(StorageUnavailable):  # replaced all the time
                    seen.append(storage.read_text("file.txt"))
        finally:
            done.set()

    at_once(write_or_read, 4)

    assert len(seen) > 5
    assert set(seen) <= set(texts)


def test_a_file_of_two_lengths_is_not_read():
    """A server that gives the length of one file with the bytes of another is caught: an error, not a part."""
    sizes = iter(range(10, 1_000_000))

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, _multistatus(request.path, next(sizes))
        return 200, {}, b"0123456789"

    with _server(answer) as server, pytest.raises(StorageUnavailable, match="replaced all the time"):
        get_client(f"webdav://127.0.0.1:{server.port}/x").get_file("file.txt")


def test_a_body_of_another_length_is_not_read():
    """A server that says one length in its list and gives another is caught before a byte is given out."""

    def answer(request):
        return (
            (207, {}, _multistatus(request.path, 20))
            if request.command == "PROPFIND"
            else (200, {}, b"0123456789")
        )

    with _server(answer) as server, pytest.raises(StorageCorrupt, match="another length"):
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
            return 207, {}, _multistatus(request.path, listed)
        return (200, {"Transfer-Encoding": "chunked"}, b"hello") if is_chunked else (200, {}, b"hello")

    with _server(answer) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        if listed is None and is_chunked:
            with pytest.raises(StorageCorrupt, match="does not say how long the file is"):
                client.get_file("file.txt")
        else:
            assert client.get_file("file.txt") == "hello"


@pytest.mark.parametrize("text", ["hello", ""])
def test_a_server_that_does_not_say_what_it_kept_is_told(text):
    """The length of the part file is not known: refused in words, also if nothing was sent, and nothing is moved."""

    def answer(request):
        if request.command == "PROPFIND":
            return 207, {}, _multistatus(request.path, None)
        return 201, {}, b""

    with (
        _server(answer) as server,
        pytest.raises(StorageCorrupt, match="does not say how much of the file it kept"),
    ):
        get_client(f"webdav://127.0.0.1:{server.port}/x").put_file("file.txt", text)

    assert server.asked == ["PUT", "PROPFIND", "DELETE"]


@pytest.mark.parametrize("is_replaced", [False, True], ids=["same file", "replaced"])
def test_reading_goes_on_with_the_same_file_or_ends_in_an_error(is_replaced):
    """The connection breaks midway: the rest comes from the same file, and never from another one."""
    data, looks, gets = os.urandom(100_000), [], []

    def answer(request):
        if request.command == "PROPFIND":
            looks.append(request.path)
            is_other = is_replaced and len(looks) > 2  # the reader looks twice before it reads
            return 207, {}, _multistatus(request.path, len(data), etag="b" if is_other else "a")
        gets.append(request.headers.get("Range"))
        if len(gets) == 1:
            return 200, {"Content-Length": str(len(data))}, data[:40_000]
        begin = int(gets[-1].removeprefix("bytes=").rstrip("-"))
        return 206, {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}, data[begin:]

    with _server(answer) as server:
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        if is_replaced:
            with pytest.raises(StorageUnavailable, match="replaced while it was read"):
                storage.read_bytes("file.bin")
        else:
            assert storage.read_bytes("file.bin") == data
    assert gets == [None, "bytes=40000-"]


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


def test_a_replacement_is_never_dated_like_the_replaced(storage, folder):
    """A file that would have the date of the one it replaces is sent again in the next second: ETags differ."""
    storage.write("file.txt", "old")
    second = int(time.time()) + 1
    os.utime(folder / "file.txt", (second, second))
    time.sleep(second + 0.01 - time.time())
    receipt = storage.write("file.txt", "new")

    assert storage.stat("file.txt").modified_at > second * 1_000_000
    assert storage.stat("file.txt").etag == receipt.etag
    assert names_in(folder) == ["file.txt"]


def test_a_child_has_connections_of_its_own(storage):
    """Parent and child read different files at once after a fork, and each gets its own."""

    def reads(name):
        return all(storage.read_text(name) == name * 5_000 for _ in range(25))

    for name in ("parent", "child"):
        storage.write(name, name * 5_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about forking with threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if reads("child") else 1
        finally:
            os._exit(status)
    is_sound = reads("parent")

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_sound


# --- hostile and missing servers ----------------------------------------------------------------------------------

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
    with _server(lambda request: (207, {}, body)) as server, pytest.raises(StorageError, match=said):
        list(Storage(get_client(f"webdav://127.0.0.1:{server.port}/x")).list())


def test_hostile_names_lead_nowhere():
    """A list that names files outside the folder is refused; names that are no names are left out."""
    for href, found in (("/etc/passwd", None), ("/x/..%2f..%2fy", []), ("/x/a%2fb", ["a/b"]), ("/x/%2e%2e/", [])):
        body = _multistatus("/x/", 0, others=[href])
        with _server(lambda request, body=body: (207, {}, body)) as server:
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
    """Each status is an error of ours; a server that is busy is asked three times, others once."""
    with _server(lambda request: (status, {}, b"")) as server, pytest.raises(error, match=str(status)):
        get_client(f"webdav://127.0.0.1:{server.port}/x").delete_file("file.txt")

    assert len(server.asked) == (3 if status in (429, 503) else 1)


@pytest.mark.parametrize(("breaks", "requests_made"), [(1, 2), (2, 3), (3, 3)])
def test_a_broken_connection_is_made_anew(breaks, requests_made):
    """A connection that breaks before the answer is made anew twice; then it is an error."""
    with _server(lambda request: None if len(server.asked) <= breaks else (404, {}, b"")) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        if breaks < 3:
            client.delete_file("file.txt")
        else:
            with pytest.raises(StorageUnavailable, match="no connection, or it broke"):
                client.delete_file("file.txt")

    assert len(server.asked) == requests_made


def test_a_server_that_is_away_or_silent_is_told_soon():
    """Nobody listens, or somebody who says nothing: an error in less than ten seconds."""
    with pytest.raises(StorageUnavailable, match="no connection"):
        get_client(f"webdav://127.0.0.1:{free_port()}/x").get_file("file.txt")
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, waiting_at_most(2), pytest.raises(StorageTimeout):
        Storage(get_client(f"webdav://127.0.0.1:{silent.getsockname()[1]}/x")).write("file.txt", "x")

    assert time.monotonic() - began < 10


# --- folders, what was left behind --------------------------------------------------------------------------------


def test_folders_are_never_removed_or_replaced(storage, folder):
    """WebDAV removes a folder with all that is in it, and moves over it: both are refused; a file is no folder."""
    storage.write("name/below.txt", "keep")
    for verb in (lambda: storage.write("name", "x"), lambda: storage.delete("name")):
        with pytest.raises(FileExists, match="folder of that name"):
            verb()
    for verb in (lambda: storage.stat("name"), lambda: storage.read_text("name")):
        with pytest.raises(FileMissing):
            verb()
    with pytest.raises(FileExists, match="file stands where a folder is needed"):
        storage.write("name/below.txt/more.txt", "x")

    assert names_in(folder) == ["name/below.txt"]


def test_what_was_left_behind_is_found_and_removed(open_server, storage, folder):
    """Part files are listed with their age and size, and removed; nothing else is."""
    (folder / "d").mkdir()
    (folder / "d" / ".yeti-0123456789abcdef.part").write_text("half")
    (folder / "d" / "file.txt").write_text("whole")
    listed = [stat.name for stat in storage.list()]
    found = list(storage.leftovers())
    for leftover in found:
        storage.remove_leftover(leftover)
        storage.remove_leftover(leftover)

    place = f"webdav://{open_server.address}/{folder.name}/d/.yeti-0123456789abcdef.part"
    assert [(leftover.location, leftover.size_bytes) for leftover in found] == [(place, 4)]
    assert listed == ["d/file.txt"]
    assert abs(found[0].began_at / 1_000_000 - time.time()) < 60
    assert names_in(folder) == ["d/file.txt"]


# --- help ---------------------------------------------------------------------------------------------------------


def _put_and_move(storage, part, name, text):
    tree = storage.client._tree
    url = tree.place.http(tree.place.path(part))
    requests.put(url, data=text.encode(), timeout=10).close()
    requests.request(
        "MOVE", url, headers={"Destination": tree.place.http(tree.place.path(name))}, timeout=10
    ).close()


def _multistatus(path, size, *, etag="a", others=()):
    def response(href, properties):
        return (
            f"<response><href>{href}</href><propstat><prop>{properties}</prop>"
            "<status>HTTP/1.1 200 OK</status></propstat></response>"
        )

    is_folder = path.endswith("/")
    length = "" if size is None else f"<getcontentlength>{size}</getcontentlength>"
    own = "<resourcetype><collection/></resourcetype>" if is_folder else (f'{length}<getetag>"{etag}"</getetag>')
    all_of_them = response(path, own) + "".join(
        response(href, "<getcontentlength>1</getcontentlength>") for href in others
    )
    return f'<?xml version="1.0"?><multistatus xmlns="DAV:">{all_of_them}</multistatus>'.encode()


@contextmanager
def _server(answer):
    """Run a server that answers what *answer* says: status, headers, body; for what no real server does on demand.

    If that is None, it breaks the connection.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name):
            if name.startswith("do_"):
                return self.reply
            raise AttributeError(name)

        def reply(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.asked.append(self.command)
            self.close_connection = True
            if (said := answer(self)) is None:
                return
            status, headers, body = said
            self.send_response_only(status)
            if "Transfer-Encoding" in headers:
                body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
            else:
                headers = {"Content-Length": str(len(body)), **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.port = [], server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
