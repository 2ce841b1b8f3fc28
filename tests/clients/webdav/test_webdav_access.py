"""Who is let in over WebDAV, and who is told the password."""

import base64

import pytest
from file_servers import dav_server, new_certificate
from made_up_dav import answering
from remote_trees import PASSWORD, names_in

from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage
from core.errors import (
    InvalidStoragePath,
    StoragePermissionDenied,
    StorageUnavailable,
)

USER = "pub/lïsher"


@pytest.fixture(scope="session")
def closed_server(tmp_path_factory):
    """WsgiDAV, for one user."""
    with dav_server(tmp_path_factory.mktemp("wsgidav"), user=USER, password=PASSWORD) as server:
        yield server


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


def test_a_password_that_was_changed_is_used_at_once(monkeypatch, tmp_path):
    """The file is read again when it was written anew or replaced; nothing has to be restarted."""
    file, given = tmp_path / "password", []

    def answer(request):
        given.append(request.headers["Authorization"])
        return 404, {}, b""

    monkeypatch.setenv("YETI_WEBDAV_USER", "user")
    monkeypatch.setenv("YETI_WEBDAV_PASSWORD_FILE", str(file))
    with answering(answer) as server:
        client = get_client(f"webdav://127.0.0.1:{server.port}/x")
        for password in ("first", "second", "third"):
            (tmp_path / "new").write_text(password)
            (tmp_path / "new").rename(file)
            client.delete_file("file.txt")
            client.delete_file("file.txt")

    expected = [_basic(password) for password in ("first", "second", "third") for _ in range(2)]
    assert given == expected


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
    with answering(lambda request: (200, {}, b"")) as other, answering(lambda request: there) as server:
        there = 302, {"Location": f"http://u:p@localhost:{other.port}/x?token=t"}, b""
        storage = Storage(get_client(f"webdav://127.0.0.1:{server.port}/x"))
        for verb in (lambda: storage.write("file.txt", "x"), lambda: storage.read_text("file.txt")):
            with pytest.raises(InvalidStoragePath, match=r"elsewhere \(http://localhost\)"):
                verb()

    assert other.asked == []


def _basic(password):
    return "Basic " + base64.b64encode(f"user:{password}".encode()).decode()
