"""The conformance kit as others run it: a URL is all it needs, or one fixture and one method."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import entry_points

import pytest
from clients_of_tests import FIVE_METHODS

[PLUG_IN] = [found.value for found in entry_points(group="pytest11", name="yeti_storage")]


def pytest_in(folder, *arguments, **variables) -> subprocess.CompletedProcess:
    """Run pytest as somebody does who has nothing but the package; other plug-ins would take half of the time."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUG_IN, **variables},
        capture_output=True,
        text=True,
        timeout=250,
    )


SOME = "-k=replaces or exception_publishes and large-Stop or list_gives or metadata_comes and large"


def test_a_url_of_a_folder_is_all_it_needs(tmp_path):
    """``pytest --storage-url=FOLDER`` runs the kit from any folder, and leaves nothing there."""
    (tmp_path / "elsewhere").mkdir()
    as_installed = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "PYTEST_PLUGINS": ""}
    done = pytest_in(tmp_path / "elsewhere", f"--storage-url={tmp_path}/exports", SOME, **as_installed)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "by LocalStorageClient; optional methods: open_writer" in done.stdout
    assert "bytes are read from the folder; server faults are not tried" in done.stdout
    assert " 5 passed" in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "elsewhere"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_url_of_a_bucket_is_all_it_needs(moto_in_use, tmp_path):
    """``pytest --storage-url=s3://…`` reads behind the client's back, lets the server fail, and leaves nothing."""
    bucket = moto_in_use.new_bucket()
    moto_in_use.client.put_object(Bucket=bucket, Key="some/mine.txt", Body=b"mine")
    some = SOME + " or contacts_nobody or a_read_that_meets_a_fault and short-once"
    done = pytest_in(tmp_path, f"--storage-url=s3://{bucket}/some", some, **moto_in_use.environment())

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"server faults by a proxy before {moto_in_use.url}" in done.stdout
    assert " 7 passed" in done.stdout
    assert [entry["Key"] for entry in moto_in_use.client.list_objects_v2(Bucket=bucket)["Contents"]] == [
        "some/mine.txt"
    ]
    assert moto_in_use.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.parametrize("place", ["some", "some-{}"])
def test_a_url_may_have_options(moto_in_use, tmp_path, place):
    """``pytest --storage-url=s3://…?option`` makes its places before the ``?``, and leaves nothing."""
    bucket = moto_in_use.new_bucket()
    url = f"s3://{bucket}/{place}?storage-class=STANDARD_IA&tag:path=a/b"
    some = "-k=what_was_put_comes_back and empty or list_gives"
    done = pytest_in(tmp_path, f"--storage-url={url}", some, **moto_in_use.environment())

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 2 passed" in done.stdout
    assert "Contents" not in moto_in_use.client.list_objects_v2(Bucket=bucket)


def test_a_url_of_a_plug_in_is_all_it_needs(folder_of_mutants, tmp_path):
    """``--storage-plugins`` names the folder of a client that is not installed; a mutant is red, nothing is left."""
    options = (f"--storage-plugins={folder_of_mutants}", "-k=no-suffix")
    sound = pytest_in(tmp_path, f"--storage-url=refuses-create://{tmp_path}/exports", *options)
    broken = pytest_in(tmp_path, f"--storage-url=local-lower://{tmp_path}/exports", *options, "-k=run_into")

    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "bytes are read by a fresh process" in sound.stdout
    assert broken.returncode == 1
    assert "test_names_do_not_run_into_each_other" in broken.stdout
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s4://bucket", "no client has its prefix; known:"),
        (
            "s3://bucket/x",
            "no usable credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        ),
        ("s3://key:secret@bucket", "a path of s3:// holds no credentials"),
        ("/dev/null", "is not a folder"),
    ],
)
def test_a_wrong_url_is_one_line(tmp_path, url, reason):
    """A storage that cannot be used is told in one line, with the remedy, and no test is run."""
    done = pytest_in(tmp_path, f"--storage-url={url}", AWS_EC2_METADATA_DISABLED="true")

    assert done.returncode == 4
    assert done.stdout.strip() == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("ERROR: --storage-url")
    assert reason in done.stderr
    assert "secret@" not in done.stderr


MISTAKEN = """
from core.clients.persistient_storage.classes.local import LocalStorageClient
from core.errors import StorageUnavailable

class Mistaken(LocalStorageClient):
    PREFIX = "mistaken://"

    def __init__(self, path):
        super().__init__(path.removeprefix(self.PREFIX))
"""


MISTAKES = {
    "newlines": """
    def get_file(self, file_name):
        return super().get_file(file_name).replace("\\r\\n", "\\n")
""",
    "raises": """
    def get_file(self, file_name):
        raise KeyError(file_name)
""",
    "raises in the first write": """
    def open_writer(self, file_name, request):
        raise KeyError(file_name)
""",
}


def with_mistake(tmp_path, mistake):
    """Run the kit on a drop-in client with one more method."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mistaken.py").write_text(MISTAKEN + mistake, "utf-8")
    options = (f"--storage-plugins={tmp_path}/plugins", "-k=CRLF or a_clean_end")
    return pytest_in(tmp_path, f"--storage-url=mistaken://{tmp_path}/exports", *options)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_client_with_a_mistake_is_tested(tmp_path, mistake):
    """A client that cannot give what it stored does not end the session: the tests tell, and nothing is left."""
    done = with_mistake(tmp_path, MISTAKES[mistake])

    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []


def test_a_storage_that_fails_is_left_without_files(tmp_path):
    """Where the first write ends the session, what it stored nevertheless is removed."""
    stores_and_fails = """
    def open_writer(self, file_name, request):
        writer = super().open_writer(file_name, request)
        writer.write(b"stored")
        writer.commit("0" * 64)
        raise StorageUnavailable("the server went away")
"""
    done = with_mistake(tmp_path, stores_and_fails)

    assert done.returncode == 4
    assert done.stderr.strip().endswith("cannot be used: the server went away")
    assert [path for path in (tmp_path / "exports").rglob("*") if path.is_file()] == []
    assert (tmp_path / "exports").is_dir()  # it was stored in the first place


def test_named_tests_are_what_is_run(tmp_path):
    """With tests named on the command line the option changes nothing."""
    (tmp_path / "test_mine.py").write_text(
        "def test_mine(request):\n    assert request.config.option.storage_url\n"
    )
    done = pytest_in(tmp_path, "--storage-url=/nowhere", "test_mine.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 passed" in done.stdout


def _is_something_stored(place):
    with suppress(FileNotFoundError):  # a folder that went while it was walked
        return any(path.is_file() and "check" not in path.parts for path in place.rglob("*"))
    return False


def test_an_interrupt_leaves_nothing(tmp_path):
    """Ctrl-C ends the kit, and what it stored is removed."""
    place = tmp_path / "exports"
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--storage-url={place}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while not _is_something_stored(place):
            assert time.monotonic() < deadline
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()

    assert b"KeyboardInterrupt" in said
    assert not place.exists()


ONLY_THE_KIT = """
import pytest
from core.clients.persistient_storage import registry
from core.testing.storage import StorageClientTests

class TestMine(StorageClientTests):
    @pytest.fixture
    def path(self, tmp_path):
        registry.use_plugins_path("plugins")
        return f"five://{tmp_path}"

    def raw(self, client, file_name):
        return client.box[file_name]
"""


def test_the_kit_needs_no_plug_in_of_pytest(tmp_path):
    """With no plug-in loaded and only known marks allowed, the kit on a client of five methods is green."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "five.py").write_text(FIVE_METHODS, "utf-8")
    (tmp_path / "test_mine.py").write_text(ONLY_THE_KIT, "utf-8")
    options = ("-c", os.devnull, f"--rootdir={tmp_path}", "--strict-markers", "-W", "error")
    done = pytest_in(tmp_path, *options, "test_mine.py", PYTEST_PLUGINS="")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "plugins:" not in done.stdout
    assert " passed" in done.stdout
