"""Where versions are kept: folders, text only, S3; with links, and with what breaks on the way."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from publishing import Publisher, addresses, paths, text_of, unpacked
from servers import S3Server, moto_server, seaweedfs

from core.api.files.catalog import made
from core.api.files.packed_cache import PackedCache
from core.api.files.sending import Objects
from core.clients.persistient_storage import registry
from core.errors import FileMissing, StorageUnavailable
from core.store import archives
from core.store.serving import served

C2 = "/exports/c2.txt"
FIVE = '''
from pathlib import Path
from core.clients.persistient_storage.spec import PersistientStorageClient

class Five(PersistientStorageClient):
    """Text only, as the published interface has it."""

    PREFIX = "five://"

    def __init__(self, path):
        self._folder = Path(path.removeprefix("five:/"))

    def file_path(self, file_name):
        return str(self._folder / file_name)

    def get_file(self, file_name):
        with open(self._folder / file_name, encoding="utf-8", newline="") as file:
            return file.read()

    def put_file(self, file_name, contents):
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._folder / file_name, "w", encoding="utf-8", newline="") as file:
            file.write(contents)

    def delete_file(self, file_name):
        (self._folder / file_name).unlink(missing_ok=True)
'''


@pytest.fixture
def five(tmp_path):
    """A storage that holds text only."""
    folder = tmp_path / "plugins" / "storage"
    folder.mkdir(parents=True)
    file = folder / "five.py"
    file.write_text(FIVE, "utf-8")
    os.utime(file, (time.time() - 10,) * 2)
    registry.use_plugins_path(folder)
    yield f"five://{tmp_path}/versions"
    registry.use_plugins_path(None)


@pytest.fixture(scope="session")
def weed(tmp_path_factory):
    """A real S3 server."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto():
    """An emulator of one."""
    with moto_server() as server:
        yield server


@pytest.fixture(params=["moto", pytest.param("weed", marks=pytest.mark.s3)])
def bucket(request, monkeypatch):
    """A new bucket of each; the environment points at its server."""
    return use(request.getfixturevalue(request.param), monkeypatch)


def use(server: S3Server, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server.new_bucket()


def forms(publisher, token):
    """Each coding of the list: the coding it came in, its tag, and what is in it."""
    found = {}
    with publisher.client(token) as client:
        for coding in ("identity", "gzip", "zstd"):
            with client.stream("GET", C2, headers={"Accept-Encoding": coding}) as answer:
                raw = b"".join(answer.iter_raw())
            found[answer.headers.get("content-encoding", "identity")] = (
                answer.headers["etag"],
                unpacked(answer, raw),
            )
    return found


def kept(publisher) -> list[str]:
    """The roles of what is kept of the current version."""
    with publisher.api.services.store() as store:
        return sorted(item.role for item in archives.current(store, "c2").record.objects)


def test_codings_are_kept_with_a_version_and_not_beside_the_file(publisher, c2, token):
    """Made once, when the version is; nobody finds them at the published place."""
    home = publisher.api.services.config.home
    found = forms(publisher, token)

    assert ["changes", "file", "gzip", "zstd"] == kept(publisher)
    assert {c2} == {body for _, body in found.values()}
    assert 3 == len(found)
    assert {"c2.txt", "SHA256SUMS"} == {path.name for path in (home / "exports").iterdir()}
    assert not (home / "cache").exists()


def test_text_only_storage_gets_its_codings_here(make_api, five):
    """The API makes them, once, in a folder of its own; other processes make the same bytes with the same tags."""
    publisher = Publisher(make_api(system_versions_path=five))
    body = publisher.publish("c2", addresses(1_000))
    token = publisher.consumer("firewall", "c2")
    found = forms(publisher, token)
    folder = publisher.api.services.config.home / "cache" / "files"
    made = {path: path.stat().st_ino for path in folder.iterdir()}
    again = forms(publisher, token)
    for path in made:
        path.unlink()
    anew = forms(publisher, token)

    assert ["changes", "file"] == kept(publisher)
    assert {"identity", "gzip", "zstd"} == set(found)
    assert {body} == {content for _, content in found.values()}
    assert found == again == anew
    assert {"gzip", "zstd"} == {path.suffix[1:] for path in made}
    assert set(made) == set(folder.iterdir())


def test_the_folder_of_codings_is_bounded(make_api, five):
    """What was not asked for the longest goes first, and is made again when it is asked for."""
    publisher = Publisher(make_api(system_versions_path=five))
    for number in range(4):
        publisher.publish(f"x{number}", addresses(1_000 + number), is_public=True)
    folder = publisher.api.services.config.home / "cache" / "files"
    with publisher.api.services.store() as store:
        files = made(served(store), publisher.api.services.settings.export_path).files
    cache = PackedCache(folder, Objects(five).open, most_bytes=6_000)
    sizes = []
    for number in (0, 1, 2, 3, 0):
        item = cache.get(files[f"x{number}.txt"], "gzip")
        assert item.size_bytes == item.path.stat().st_size
        sizes.append(sum(path.stat().st_size for path in folder.iterdir()))

    assert 2 * item.size_bytes < 6_000 < 3 * item.size_bytes
    assert max(sizes) <= 6_000


def test_packing_one_list_holds_no_other_up(make_api, five, monkeypatch):
    """While one is fetched from a storage that is slow, others are sent, and other new ones are packed."""
    publisher = Publisher(make_api(system_versions_path=five))
    bodies = [publisher.publish(f"x{number}", addresses(1_000 + number), is_public=True) for number in range(3)]
    with publisher.api.services.store() as store:
        files = made(served(store), publisher.api.services.settings.export_path).files
    slow = files["x1.txt"].representations["identity"].object
    entered, goes_on = threading.Event(), threading.Event()
    open_object = Objects.open

    def open_slowly(self, name):
        if name == slow:
            entered.set()
            assert goes_on.wait(30)
        return open_object(self, name)

    cache = PackedCache(
        publisher.api.services.config.home / "cache" / "files", partial(open_slowly, Objects(five))
    )
    publisher.api.app.state.files._packed = cache
    with ThreadPoolExecutor() as pool, publisher.client() as client:
        client.headers["Accept-Encoding"] = "gzip"
        client.timeout = 5
        client.get("/exports/x0.txt")
        waiting = [pool.submit(client.get, "/exports/x1.txt", timeout=30) for _ in range(2)]
        try:
            assert entered.wait(10)
            others = [client.get(f"/exports/x{number}.txt") for number in (0, 2)]
        finally:
            goes_on.set()
        slow_ones = [item.result() for item in waiting]

    assert [bodies[0], bodies[2]] == [answer.content for answer in others]
    assert [bodies[1]] * 2 == [answer.content for answer in slow_ones]
    assert {"gzip"} == {answer.headers["content-encoding"] for answer in (*others, *slow_ones)}


def test_versions_in_a_bucket(make_api, bucket):
    """Whole, in parts and in codings, as from a folder."""
    publisher = Publisher(make_api(system_versions_path=f"s3://{bucket}/versions"))
    body = publisher.publish("c2", addresses(1_000))
    token = publisher.consumer("firewall", "c2")
    found = forms(publisher, token)
    with publisher.client(token) as client:
        part = client.get(C2, headers={"Range": "bytes=5000-5999"})

    assert {body} == {content for _, content in found.values()}
    assert 3 == len(found)
    assert (206, body[5000:6000]) == (part.status_code, part.content)


@pytest.mark.s3
def test_a_link_to_the_storage(make_api, weed, monkeypatch):
    """By option a download is a redirect to a link that is good for a while; who has the file is still told so."""
    place = f"s3://{use(weed, monkeypatch)}/versions"
    publisher = Publisher(make_api(system_versions_path=place, api_presigned_downloads="yes"))
    body = publisher.publish("c2", addresses(1_000))
    token = publisher.consumer("firewall", "c2")
    with publisher.client(token) as client:
        answer = client.get(C2)
        head = client.head(C2)
        same = client.get(C2, headers={"If-None-Match": head.headers["etag"]})
        stranger = client.get(C2, headers={"Authorization": "Bearer x"})
    followed = httpx.get(answer.headers["location"])

    assert (307, "no-store") == (answer.status_code, answer.headers["cache-control"])
    assert (200, body) == (followed.status_code, followed.content)
    assert 'filename="c2.txt"' in followed.headers["content-disposition"]
    assert (200, str(len(body))) == (head.status_code, head.headers["content-length"])
    assert [304, 401] == [same.status_code, stranger.status_code]


def test_a_storage_without_links_sends_the_file(make_api):
    """The option asks for what a folder cannot do: the file is sent as ever."""
    publisher = Publisher(make_api(api_presigned_downloads="yes"))
    body = publisher.publish("c2", addresses(10), is_public=True)
    with publisher.client() as client:
        answer = client.get(C2)

    assert (200, body) == (answer.status_code, answer.content)


def object_of(publisher, role="file") -> Path:
    """Where an object of the current version is."""
    with publisher.api.services.store() as store:
        item = archives.current(store, "c2").record.first(role)
    return Path(publisher.api.services.settings.versions_path) / item.name


def test_an_object_that_is_gone_is_an_error_and_no_empty_list(publisher, c2, token):
    """A firewall keeps what it has: it must not take an error for a list."""
    object_of(publisher).unlink()
    with publisher.client(token) as client:
        answer = client.get(C2)
        packed = client.get(C2, headers={"Accept-Encoding": "gzip"})

    assert 503 == answer.status_code
    assert "retry-after" in answer.headers
    assert 200 == packed.status_code


@pytest.mark.parametrize("kind", [FileMissing, StorageUnavailable])
def test_a_version_that_goes_meanwhile_is_no_error(publisher, c2, token, monkeypatch, kind):
    """Another one took its place and it was removed, just when it was to be opened: the new one is sent."""
    newer, opened, open_object = addresses(500, first=700), [], Objects.open

    def open_late(objects, name):
        opened.append(name)
        if len(opened) == 1:
            publisher.run("c2", newer)
            raise kind("it is gone")
        return open_object(objects, name)

    monkeypatch.setattr(Objects, "open", open_late)
    with publisher.client(token) as client:
        answer = client.get(C2)

    assert (200, text_of(newer)) == (answer.status_code, answer.content)
    assert 2 == len(set(opened))


def test_a_storage_that_is_away_is_asked_once(publisher, c2, token, monkeypatch):
    """Nothing took the place of the file: to try it again would make who waits wait twice."""
    opened = []

    def away(objects, name):
        opened.append(name)
        raise StorageUnavailable("no connection")

    monkeypatch.setattr(Objects, "open", away)
    with publisher.client(token) as client:
        answer = client.get(C2)

    assert 503 == answer.status_code
    assert 1 == len(opened)


def test_a_file_that_breaks_off_is_never_completed(publisher, token, c2):
    """What is shorter than it was is cut: fewer bytes than were announced, so that the client sees it."""
    big = publisher.publish("big", paths(3_600), type_="path", is_public=True)
    with publisher.api.services.store() as store:
        item = archives.current(store, "big").record.first("file")
    path = Path(publisher.api.services.settings.versions_path) / item.name
    path.chmod(0o600)
    path.write_bytes(big[:400_000])
    got, is_whole = bytearray(), True
    with publisher.client() as client, client.stream("GET", "/exports/big.txt") as answer:
        try:
            for chunk in answer.iter_raw():
                got += chunk
        except httpx.RemoteProtocolError:
            is_whole = False

    assert str(len(big)) == answer.headers["content-length"]
    assert not is_whole
    assert 0 < len(got) < len(big)
    assert big.startswith(bytes(got))


def test_a_short_object_is_told_before_anything_is_sent(publisher, c2, token):
    """Where the whole file is one piece, nothing of it goes out."""
    path = object_of(publisher)
    path.chmod(0o600)
    path.write_bytes(c2[:100])
    with publisher.client(token) as client:
        answer = client.get(C2)

    assert 503 == answer.status_code
    assert b"198.18" not in answer.content
