"""Every statement of the page "Configure storage", with the tests that prove it."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from core.clients.persistient_storage import PersistientStorageClient, check, get_client
from core.errors import StorageError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "configure-storage.md").read_text("utf-8")
HERE, DROP_IN = "clients/test_configure_storage_page.py", "clients/test_drop_in_clients.py"
WHICH = "clients/test_which_client_serves.py"
S3, S3_ENVIRONMENT, KIT = "clients/test_s3_client.py", "clients/test_s3_environment.py", "../core/testing/storage"
LOCAL_WRITES, LOCAL_READERS = "clients/test_local_writes.py", "clients/test_local_readers.py"
TEE, OPTIONS, LEFTOVERS = (
    "clients/test_tee_client.py",
    "clients/test_s3_options.py",
    "clients/test_s3_leftovers.py",
)
STORAGE_COMMAND = "cli/test_storage_command.py"

STATEMENTS: dict[str, list[str]] = {
    "Files are published through storage clients, which are plug-ins with one small interface": [
        f"{HERE}::test_the_interface_is_the_printed_one",
        f"{DROP_IN}::test_our_own_inherit_from_the_contract",
    ],
    "A class with these names in a file in `core/clients/persistient_storage/classes/` is used from the next call on": [
        f"{DROP_IN}::test_a_file_in_the_folder_of_classes_is_used_at_once",
        f"{DROP_IN}::test_a_changed_file_is_read_again",
    ],
    "It need not inherit from anything.": [f"{DROP_IN}::test_a_class_need_not_inherit"],
    "`yetictl storage list` prints where that folder is, and every client that was found": [
        "clients/test_broken_drop_ins.py::test_a_broken_plug_in_breaks_no_other",
        "cli/test_storage_command.py::test_dropped_in_client_is_used_and_broken_one_is_listed",
    ],
    "`system.plugins_path` names a second folder": [
        f"{DROP_IN}::test_a_file_in_the_second_folder_is_used_at_once",
        "cli/test_storage_command.py::test_dropped_in_client_is_used_and_broken_one_is_listed",
    ],
    "The `PREFIX` of a client decides": [f"{WHICH}::test_the_longest_prefix_wins"],
    "The others serve `az://`, `gs://`, `sftp://`, `webdav://`, `webdavs://`, `memory://` and `tee://`": [
        f"{HERE}::test_the_clients_are_the_printed_ones",
    ],
    "The column `atomic` of [Storage clients](../reference/storage-clients.md) names the storages": [
        f"{HERE}::test_the_clients_are_the_printed_ones",
    ],
    "`tee://` and paths with commas between them publish to each of these places:": [
        f"{TEE}::test_every_place_has_a_receipt",
        f"{TEE}::test_a_comma_in_a_place",
    ],
    "A run says for each place what it did there.": [
        "cli/test_export_command.py::test_export_to_several_places_says_where_it_is"
    ],
    "A place that fails does not keep the others from the file: the run fails, its message says which have it": [
        f"{TEE}::test_a_place_that_fails_does_not_hold_up_the_others",
        f"{TEE}::test_what_is_right_already_is_left_alone",
    ],
    "What belongs to the place and not to the account stands behind a question mark in the path:": [
        f"{OPTIONS}::test_options_go_where_objects_are_made",
        f"{OPTIONS}::test_the_expected_owner_goes_with_every_request",
        f"{OPTIONS}::test_class_and_tags_on_a_real_server",
    ],
    "The other clients need a package, installed from the project's folder, and say which if it is missing:": [
        f"{HERE}::test_a_missing_package_is_named",
    ],
    "A process that is killed while it publishes leaves a hidden part file or an incomplete upload": [
        "clients/test_storage_soak.py::test_two_hundred_kills_of_a_local_publish",
        "clients/test_storage_soak.py::test_kills_of_an_s3_publish",
    ],
    "`yetictl storage check` lists what is older than a day, and `yetictl storage clean` removes it": [
        f"{STORAGE_COMMAND}::test_check_lists_what_was_left_behind",
        f"{STORAGE_COMMAND}::test_clean_removes_what_was_left_behind",
    ],
    "Uploads to a whole bucket, a path without prefix, are left alone": [
        f"{LEFTOVERS}::test_a_whole_bucket_is_looked_at_but_its_uploads_are_left"
    ],
    "within ten seconds even if the server says nothing": [f"{HERE}::test_check_waits_less_than_ten_seconds"],
    "one is for local folders, which is the default, and one for S3": [
        f"{WHICH}::test_local_is_the_default",
        f"{WHICH}::test_s3_serves_its_prefix",
        f"{HERE}::test_the_printed_calls_work",
    ],
    "it gives the S3 client, which talks through boto3 to Amazon S3 or to any server that speaks its protocol": [
        f"{KIT}/five_methods.py::test_what_was_put_comes_back",
        f"{S3}::test_the_prefix_may_end_with_a_slash_or_be_missing",
    ],
    "it gives the local client, which writes to the disk of this machine": [
        f"{KIT}/five_methods.py::test_what_was_put_comes_back",
        f"{LOCAL_WRITES}::test_file_and_folder_are_flushed_before_a_put_returns",
    ],
    "Every path that begins with no known prefix is a local folder.": [
        f"{WHICH}::test_local_is_the_default",
        f"{WHICH}::test_an_unknown_scheme_is_local_but_not_silently",
    ],
    "a warning names the prefixes that are known, and `yetictl doctor` fails on it": [
        f"{WHICH}::test_an_unknown_scheme_is_local_but_not_silently",
        f"{HERE}::test_doctor_fails_on_an_unknown_scheme",
    ],
    "the setting `system.export_path` says where that is": [
        f"{HERE}::test_an_export_goes_to_the_bucket_of_export_path",
        "exports/test_export_run.py::test_a_run_publishes_and_says_what",
    ],
    "The variable `YETI_SYSTEM_EXPORT_PATH` does the same": [
        f"{HERE}::test_an_export_goes_to_the_bucket_of_export_path"
    ],
    "A file is published whole or not at all": [
        f"{KIT}/commit_or_nothing.py::test_an_exception_publishes_nothing",
        f"{LOCAL_READERS}::test_a_reader_never_sees_half_a_file",
        f"{LOCAL_READERS}::test_a_killed_writer_leaves_a_whole_file",
        f"{S3}::test_an_abandoned_upload_is_aborted",
    ],
    "Clients take their settings and their credentials from environment variables": [
        f"{HERE}::test_an_export_goes_to_the_bucket_of_export_path",
        f"{S3}::test_no_credentials",
        f"{S3}::test_wrong_credentials",
    ],
    "Credentials never belong into a path.": [f"{S3}::test_credentials_in_a_path_are_refused_and_not_repeated"],
    "For S3 those are the variables of boto3": [
        f"{S3_ENVIRONMENT}::test_the_s3_endpoint_beats_the_general_one",
        f"{S3_ENVIRONMENT}::test_the_region",
        f"{S3_ENVIRONMENT}::test_profiles_are_botocores",
        f"{S3_ENVIRONMENT}::test_what_is_set_beyond_boto3",
    ],
    "There are many more, for other providers and other ways to prove who you are": [
        f"{S3_ENVIRONMENT}::test_profiles_are_botocores"
    ],
    "An empty variable counts as unset.": [f"{S3_ENVIRONMENT}::test_empty_variables_count_as_unset"],
    "On S3 a writer needs the right `s3:PutObject`.": [f"{S3}::test_a_small_file_is_one_request"],
    "a file whose content has not changed is left alone; without them it is stored again by each run": [
        f"{S3}::test_an_unchanged_file_is_not_sent",
        f"{S3}::test_a_writer_that_may_not_read_stores_again",
    ],
    "`storage check` tries all of them and says which are refused": [
        "clients/test_s3_rights.py::test_a_check_with_a_key_that_may_only_write_on_a_real_server",
        "clients/test_s3_rights.py::test_a_check_with_the_right_to_put_alone",
    ],
    # That they vanish after a week is the vendors' word; that nobody can see them meanwhile is shown.
    "Azure and Google drop by themselves, after a week, what was sent of a large file": [
        "clients/test_azure_client.py::test_what_an_ended_write_has_sent_is_nobodys_file",
        f"{STORAGE_COMMAND}::test_clean_of_a_client_that_cannot_list_says_so",
    ],
    "`--purge` and `storage rm` need `s3:DeleteObject`": [f"{S3}::test_a_delete_is_one_request"],
    "A file above 8 MiB is sent in parts": [f"{S3}::test_a_large_file_is_sent_in_equal_parts"],
    "The image has what `s3://` needs": [
        "operations/test_image.py::test_the_image_holds_the_program_and_what_it_needs",
    ],
    "`docker-compose.yaml` runs it as the services `api` and `tasks`": [
        "operations/test_compose.py::test_services_are_begun_as_the_published_page_has_it",
    ],
    "There the variables go under `environment:` of both services": [
        "operations/test_compose.py::test_settings_and_keys_come_from_the_env_file",
    ],
    "the secrets into a `.env` file that compose reads": [
        "operations/test_compose.py::test_settings_and_keys_come_from_the_env_file",
        "operations/test_compose.py::test_secrets_stay_out_of_the_repository_and_the_image",
    ],
    "It writes a small file, reads it back, replaces it and deletes it": [
        "cli/test_storage_command.py::test_check_tries_everything_and_leaves_nothing",
    ],
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_on_the_page_and_proven(statement):
    """It is printed as it is here, and every test that is named exists."""
    assert statement in PAGE
    for proof in STATEMENTS[statement]:
        file, _, name = proof.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, proof


def test_every_sentence_is_a_statement_or_leads_to_one():
    """No sentence of the page is without a proof."""
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    sentences = [line for line in text.splitlines() if line and line[0] not in "#|"]
    leading = ("The goal:", "[Write a storage client]", "If such a path looks like a URL")
    unproven = [
        sentence
        for sentence in sentences
        if not sentence.startswith(leading) and not any(statement in sentence for statement in STATEMENTS)
    ]

    assert unproven == []


def test_the_interface_is_the_printed_one():
    """The class of the contract has the printed names, and those alone are required."""
    printed = re.findall(r"def (\w+)\(", PAGE)

    assert printed == ["__init__", "file_path", "get_file", "put_file", "delete_file"]
    assert PersistientStorageClient.__abstractmethods__ == set(printed[1:])


def test_the_printed_calls_work():
    """The example of the page gives a client for S3 and one for the folder."""
    printed = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    names: dict = {}
    exec(printed, names)

    assert names["get_client"] is get_client
    assert type(names["s3_client"]).__name__ == "S3Client"
    assert names["local_storage_client"].file_path("a") == "/opt/yeti/exports/a"


def test_the_clients_are_the_printed_ones():
    """Each prefix on the page has a client, and each client that comes with the program is on the page."""
    from core.clients.persistient_storage import registry

    printed = {f"{scheme}://" for scheme in re.findall(r"`(\w+)://`", PAGE)} | {"s3://"}
    folder = str(registry.folders()[0])
    ours = {row.prefix for row in registry.clients() if row.origin.startswith(folder) and row.prefix}

    assert ours == printed - {"hdfs://"}


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("az://container/x", "azure.storage.blob"),
        ("gs://bucket/x", "google.cloud.storage"),
        ("sftp://host/x", "paramiko"),
        ("webdavs://host/x", "requests"),
    ],
)
def test_a_missing_package_is_named(path, package, monkeypatch):
    """The error is what the page says to type."""
    install = next(line for line in PAGE.splitlines() if line.startswith(f"| `{path.partition('://')[0]}://"))
    command = re.findall(r"`(pip install [^`]*)`", install)[0]
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "a")

    with pytest.raises(StorageError) as caught:
        get_client(path).get_file("a.txt")
    assert command in str(caught.value)


def test_check_waits_less_than_ten_seconds(tmp_path):
    """A server that takes the connection and then says nothing is given up in time, with a reason.

    What it waits is counted in connections, each of which it gives the same while; of the clock, which begins with
    the first of them, a busy machine takes a share.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as aside:
        silent.settimeout(60)
        variables = {
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        first = aside.submit(lambda: (silent.accept()[0], time.monotonic()))
        printed = run(tmp_path, "storage", "check", "s3://bucket/x", status=1, **variables)
        ended = time.monotonic()
        connection, began = first.result()
        connections = [connection, *waiting(silent)]
        for connection in connections:
            connection.close()

    assert "no answer in time" in printed
    assert len(connections) * check._PATIENCE_S < 10
    assert ended - began < 10 + 5


def waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that nobody has taken yet."""
    listener.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            yield listener.accept()[0]


def run(home: Path, *arguments: str, status: int = 0, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YETI_")}
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=home,
        env={**environment, "YETI_HOME": str(home), **variables},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.s3
def test_an_export_goes_to_the_bucket_of_export_path(weed_server, tmp_path):
    """``system.export_path`` and the vendor's variables are all it takes to publish to a bucket."""
    bucket = weed_server.new_bucket()
    place = {"YETI_SYSTEM_EXPORT_PATH": f"s3://{bucket}/lists"}
    (tmp_path / "ips.txt").write_text("198.51.100.7\n203.0.113.9\n")
    run(tmp_path, "import", "ips.txt", "--tag", "c2", **place)
    allowed = ("--limit", "allow=documentation")
    run(tmp_path, "export", "add", "c2", "--format", "list", "--include", "c2", *allowed, **place)
    done = json.loads(run(tmp_path, "export", "run", "c2", "--json", **place))

    assert f"s3://{bucket}/lists/" in json.dumps(done)
    found = weed_server.client.list_objects_v2(Bucket=bucket)["Contents"]
    [entry] = [item for item in found if not item["Key"].endswith("/SHA256SUMS")]
    assert weed_server.stored(bucket, entry["Key"]) == b"198.51.100.7\n203.0.113.9\n"


def test_doctor_fails_on_an_unknown_scheme(tmp_path):
    """It names the path and the known prefixes."""
    place = {"YETI_SYSTEM_EXPORT_PATH": "hdfs://bucket/lists"}

    assert "s3://" in run(tmp_path, "doctor", status=1, **place)
