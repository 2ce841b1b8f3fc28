"""Where versions are kept if nobody says where: by the kind of the database, and by where exports go."""

import os

import pytest
from servers import seaweedfs

from core.clients.persistient_storage import registry
from core.config import load
from core.errors import ConfigError
from core.exports.settings import settings_of
from core.store import open_store

SERVER = "postgresql://yeti@db.example.org/yeti"
FLAT = '''
class FlatClient:
    """Five methods: names are flat."""

    PREFIX = "flat://"

    def __init__(self, path):
        self.path = path

    def file_path(self, file_name):
        return f"{self.path}/{file_name}"

    def get_file(self, file_name):
        raise FileNotFoundError(file_name)

    def put_file(self, file_name, contents):
        pass

    def delete_file(self, file_name):
        pass
'''


@pytest.fixture
def s3_bucket(tmp_path_factory, monkeypatch):
    """A new bucket; the environment points at its server."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server.new_bucket()


@pytest.fixture
def kept(tmp_path):
    """Where versions are kept by settings of the environment; an error, if there is no saying."""
    storage = tmp_path / "plugins/storage"
    storage.mkdir(parents=True)
    (storage / "flat.py").write_text(FLAT)
    registry.use_plugins_path(storage)

    def look(export_path, url=SERVER, **more):
        given = {"YETI_SYSTEM_EXPORT_PATH": export_path, "YETI_DATABASE_URL": url}
        return settings_of(load(given | more, tmp_path, tmp_path / "home")).versions_path

    yield look
    registry.use_plugins_path(None)


def test_one_host_keeps_them_at_home(kept, tmp_path):
    """With a database in a file it is a folder of the home folder, wherever exports go."""
    for export_path in ("", "s3://bucket/lists"):
        assert f"{tmp_path}/home/versions" == kept(export_path, "")


@pytest.mark.parametrize(
    ("export_path", "expected"),
    [
        ("s3://bucket/lists", "s3://bucket/lists/.yeti-versions"),
        ("s3://bucket/", "s3://bucket/.yeti-versions"),
        (
            "s3://bucket/lists?storage-class=STANDARD_IA",
            "s3://bucket/lists/.yeti-versions?storage-class=STANDARD_IA",
        ),
        ("sftp://me@host/srv/lists", "sftp://me@host/srv/lists/.yeti-versions"),
    ],
)
def test_several_hosts_keep_them_below_what_they_publish(kept, export_path, expected):
    """With a database on a server it is a folder of the storage that all of them publish to."""
    assert expected == kept(export_path)
    assert "s3://private/versions" == kept(export_path, YETI_SYSTEM_VERSIONS_PATH="s3://private/versions")


@pytest.mark.parametrize(
    ("export_path", "why"),
    [
        ("", "exports is a folder"),
        ("/srv/lists", "/srv/lists is a folder"),
        ("tee://s3://bucket/lists,/srv/lists", "there is no place for them"),
        ("flat://lists", "below flat://lists there is no place for them"),
    ],
)
def test_where_there_is_no_saying_it_has_to_be_said(kept, export_path, why):
    """Of a folder of one host, several places, and flat names the message names the setting; what it says is taken."""
    with pytest.raises(ConfigError, match=f"system.versions_path has to be set: .*{why}; name a place"):
        kept(export_path)
    assert "/srv/versions" == kept(export_path, YETI_SYSTEM_VERSIONS_PATH="/srv/versions")


def test_commands_say_so(yetictl, postgresql, monkeypatch, tmp_path):
    """What has to do with versions is refused and the doctor says once what to mend; the rest works."""
    url = postgresql.make("made")
    monkeypatch.setenv("YETI_DATABASE_URL", url)
    monkeypatch.delenv("YETI_SYSTEM_VERSIONS_PATH", raising=False)
    try:
        yetictl("observable", "add", "evil.example", "--tag", "c2")
        added = yetictl("export", "add", "x", "--format", "list", status=1)
        findings = yetictl("doctor", "--json", status=1).json
        services = [yetictl("tasks", "--once", status=1), yetictl("api", status=1)]
        with open_store(url):
            pass
    finally:
        postgresql.drop(url)

    assert all("system.versions_path has to be set" in item.err for item in (added, *services))
    (failed,) = [item for item in findings if item["status"] == "failed"]
    assert ("versions", True) == (failed["check"], "system.versions_path has to be set" in failed["detail"])


def test_lists_do_not_stumble_over_them(yetictl, s3_bucket, postgresql, monkeypatch):
    """The default holds versions in a bucket; what is published there is checked, listed and cleaned as ever."""
    url = postgresql.make("made")
    place = f"s3://{s3_bucket}/lists"
    monkeypatch.setenv("YETI_DATABASE_URL", url)
    monkeypatch.setenv("YETI_SYSTEM_EXPORT_PATH", place)
    monkeypatch.delenv("YETI_SYSTEM_VERSIONS_PATH", raising=False)
    try:
        yetictl("observable", "add", "evil.example", "--tag", "c2")
        yetictl("export", "add", "x", "--format", "list", "--include", "c2")
        yetictl("export", "run", "x")
        clash = yetictl("export", "add", "y", "--format", "list", "--file-name", ".yeti-versions/y.txt", status=1)
        names = [item["name"] for item in yetictl("storage", "ls", place, "--json").json]
        sums = yetictl("storage", "get", place, "SHA256SUMS").out
        cleaned = yetictl("storage", "clean", place)
        verified = yetictl("export", "verify", "x")
        warned = [item for item in yetictl("doctor", "--json").json if item["status"] == "warning"]
        yetictl("export", "remove", "x", "--purge")
        left = yetictl("storage", "ls", place, "--json").json
    finally:
        postgresql.drop(url)

    assert {"SHA256SUMS", "x.txt"} == {name for name in names if not name.startswith(".yeti-versions/")}
    assert 3 == sum(name.startswith(".yeti-versions/") for name in names)
    assert ["x.txt"] == [line.split("  ")[1] for line in sums.splitlines()]
    assert "" == cleaned.out
    assert "x: 5 of 5 manifests, objects and published files" in verified.err
    (detail,) = [item["detail"] for item in warned if item["check"] == "versions"]
    assert f"versions are kept in {place}/.yeti-versions, and consumers may read what is in {place}" in detail
    assert "let a policy of the storage keep them from it" in detail
    assert "lies where versions may be kept" in clash.err
    assert [] == left
