"""The compose file: valid, safe by default, and what its remarks say of variables, as Compose itself reads it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ports import first_of_free_ports
from running import ROOT

from core.cli.main import COMMANDS
from core.config import load
from core.settings import SETTINGS

FILE = ROOT / "docker-compose.yaml"
OURS = ("api", "tasks", "migrate")
PASSWORD = "0123456789abcdef"


def compose_program() -> list[str]:
    """How Compose is called here; the one that .ci/run fetches, or that of the machine."""
    fetched = ROOT / "var/compose/docker-compose"
    if fetched.exists():
        return [str(fetched)]
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            said = subprocess.run([*words, "version"], capture_output=True, text=True, check=False).stdout
            if re.search(r"v?2\.(2[4-9]|[3-9]\d)", said):
                return words
    pytest.skip("Docker Compose 2.24 or newer is not on this machine")


class Folder:
    """A folder with the compose file, and files of variables, as somebody has it who runs it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copy(FILE, path)

    def env(self, name: str = ".env", **values: str) -> None:
        """Write a file of variables."""
        (self.path / name).write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def ask(self, *words: str, **shell: str) -> "subprocess.CompletedProcess[str]":
        """Let Compose read it."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path)} | shell
        return subprocess.run(
            [*compose_program(), *words], cwd=self.path, env=environ, capture_output=True, text=True, check=False
        )

    def services(self, *words: str, **shell: str) -> dict[str, Any]:
        """Return the services as Compose would run them."""
        done = self.ask(*words, "config", "--format", "json", **shell)
        assert 0 == done.returncode, done.stderr
        assert "is not set" not in done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["services"]
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with the compose file in it, and nothing else."""
    return Folder(tmp_path)


def written() -> dict[str, Any]:
    """The file, without what Compose adds."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def test_it_is_of_the_schema_of_compose(tmp_path: Path) -> None:
    """The schema that the Compose specification publishes takes it; a key that is none, it does not."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    (tmp_path / "wrong.yaml").write_text(FILE.read_text().replace("  environment: *environment", "  env: {}"))
    done = [
        subprocess.run([*check, str(file)], capture_output=True, text=True, check=False)
        for file in (FILE, tmp_path / "wrong.yaml")
    ]

    assert [0, 1] == [item.returncode for item in done], done[0].stdout
    assert "'env' was unexpected" in done[1].stdout


def test_compose_reads_it_without_a_word(folder: Folder) -> None:
    """With a password for the database, nothing else has to be said; no variable is missing."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)

    assert {"api", "tasks", "migrate", "postgres"} == set(folder.services())
    assert {"api", "tasks", "migrate", "postgres", "s3"} == set(folder.services("--profile", "s3"))


def test_without_a_password_nothing_begins(folder: Folder) -> None:
    """There is none by default; what is missing, and where to look, is said."""
    missing = folder.ask("config")
    folder.env(POSTGRES_PASSWORD="")
    empty = folder.ask("config")

    for done in (missing, empty):
        assert 0 != done.returncode
        assert "put a password into .env, see .env.sample" in done.stderr


def test_services_are_begun_as_the_published_page_has_it(folder: Folder) -> None:
    """``tasks`` sets only its command, ``api`` only its entry point, which clears the image's command."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    services = folder.services()

    assert (["/docker-entrypoint.sh"], None) == (services["api"].get("entrypoint"), services["api"].get("command"))
    assert (None, ["tasks"]) == (services["tasks"].get("entrypoint"), services["tasks"].get("command"))
    assert "path: ${YETI_DOCKER_ENVFILE:-.env}\n      required: false" in FILE.read_text()


def test_they_share_the_store_and_the_storage_and_nothing_else(folder: Folder) -> None:
    """Each has a home of its own; lists and versions are volumes of both."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    services = folder.services()
    mounted = {
        name: {item["target"]: item["source"] for item in services[name]["volumes"]} for name in ("api", "tasks")
    }

    assert {"/opt/yeti": "api", "/opt/yeti/exports": "exports", "/opt/yeti/versions": "versions"} == mounted["api"]
    assert mounted["api"] | {"/opt/yeti": "tasks"} == mounted["tasks"]
    url = f"postgresql://yeti:{PASSWORD}@postgres:5432/yeti"
    assert {url} == {services[name]["environment"]["YETI_DATABASE_URL"] for name in OURS}


def test_services_begin_after_what_they_need(folder: Folder) -> None:
    """The database answers, then it is migrated once, then both begin; with the profile, the S3 server answers, too."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    services = folder.services("--profile", "s3")

    for name in ("api", "tasks"):
        needs = {key: (item["condition"], item["required"]) for key, item in services[name]["depends_on"].items()}
        assert ("service_completed_successfully", True) == needs["migrate"]
        assert ("service_healthy", False) == needs["s3"]
    assert "service_healthy" == services["migrate"]["depends_on"]["postgres"]["condition"]
    assert {"api", "tasks", "postgres", "s3"} == {name for name, item in services.items() if "healthcheck" in item}


def test_nobody_gets_more_rights_than_needed(folder: Folder) -> None:
    """Ours: nothing writable but volumes and /tmp, no capability, no new privileges; logs do not fill the disk."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    services = folder.services("--profile", "s3")

    for name, item in services.items():
        assert ["ALL"] == item["cap_drop"], name
        assert ["no-new-privileges:true"] == item["security_opt"], name
        assert {"max-size": "10m", "max-file": "5"} == item["logging"]["options"], name
        assert not item.get("privileged"), name
    for name in OURS:
        assert (True, ["/tmp"], None) == tuple(
            services[name].get(key) for key in ("read_only", "tmpfs", "cap_add")
        )


def test_only_the_api_is_published_and_to_this_machine_alone(folder: Folder) -> None:
    """Unless YETI_API_BIND says otherwise; the database and the S3 server have no way in or out."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    services = folder.services("--profile", "s3")
    folder.env(POSTGRES_PASSWORD=PASSWORD, YETI_API_BIND="192.0.2.7", YETI_API_BIND_PORT="9000", YETI_API_PORT="1")
    moved = folder.services()["api"]

    published = {name: item["ports"] for name, item in services.items() if "ports" in item}
    assert {"api"} == set(published)
    (port,) = published["api"]
    assert ("127.0.0.1", "8000", 8000) == (port["host_ip"], port["published"], port["target"])
    (port,) = moved["ports"]
    assert ("192.0.2.7", "9000", 8000) == (port["host_ip"], port["published"], port["target"])
    assert "8000" == moved["environment"]["YETI_API_PORT"]
    assert [{"store"}] * 2 == [set(services[name]["networks"]) for name in ("postgres", "s3")]
    assert written()["networks"]["store"]["internal"]


def test_settings_and_keys_come_from_the_env_file(folder: Folder) -> None:
    """``.env`` is read for both: for ``${…}`` and for the services; none is needed where the shell says it."""
    folder.env(POSTGRES_PASSWORD=PASSWORD, AWS_ACCESS_KEY_ID="key", YETI_LOG_FORMAT="json")
    by_file = folder.services()["tasks"]["environment"]
    (folder.path / ".env").unlink()
    by_shell = folder.services(POSTGRES_PASSWORD=PASSWORD, AWS_ACCESS_KEY_ID="other")["tasks"]["environment"]

    assert ("key", "json") == (by_file["AWS_ACCESS_KEY_ID"], by_file["YETI_LOG_FORMAT"])
    assert "other" == by_shell["AWS_ACCESS_KEY_ID"]


def test_another_env_file_has_to_be_named_to_compose_too(folder: Folder) -> None:
    """As the remark says: ``X: ${X}`` with YETI_DOCKER_ENVFILE alone blanks the key; ``--env-file`` does not."""
    folder.env(POSTGRES_PASSWORD=PASSWORD)
    folder.env("other.env", POSTGRES_PASSWORD=PASSWORD, AWS_ACCESS_KEY_ID="key", YETI_LOG_FORMAT="json")
    blanked = folder.services(YETI_DOCKER_ENVFILE="other.env")["api"]["environment"]
    named = folder.services("--env-file", "other.env", YETI_DOCKER_ENVFILE="other.env")["api"]["environment"]

    assert ("", "json") == (blanked["AWS_ACCESS_KEY_ID"], blanked["YETI_LOG_FORMAT"])
    assert ("key", "json") == (named["AWS_ACCESS_KEY_ID"], named["YETI_LOG_FORMAT"])


def test_empty_keys_count_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Compose hands on of variables that nobody set does not keep the SDK from looking elsewhere."""
    from core.clients.persistient_storage.s3.connection import boto3_client

    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = of-file\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    handed_on = [name for name in written()["x-environment"] if name.startswith("AWS_")]
    for name in handed_on:
        monkeypatch.setenv(name, "")
    client = boto3_client()

    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} == set(handed_on)
    assert "of-file" == client._request_signer._credentials.access_key


def test_every_variable_is_in_the_sample(folder: Folder) -> None:
    """What the file asks for, and nothing that is no variable of Compose, of AWS, or of a setting of ours."""
    asked = set(re.findall(r"\$\{(\w+)", FILE.read_text())) - {"X"}
    sampled = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.sample").read_text(), re.MULTILINE))
    settings = {setting.variable for setting in SETTINGS}

    assert asked <= sampled
    assert {name for name in sampled if not name.startswith(("AWS_", "COMPOSE_"))} <= asked | settings
    assert "POSTGRES_PASSWORD=\n" in (ROOT / ".env.sample").read_text()


def test_variables_of_compose_are_no_slips_of_ours(tmp_path: Path) -> None:
    """The whole .env reaches the services; they do not warn of what is not theirs."""
    names = set(re.findall(r"\$\{(\w+)", FILE.read_text()))

    assert () == load(dict.fromkeys(names - {"YETI_DATABASE_URL"}, "x"), tmp_path, tmp_path).warnings


def test_secrets_stay_out_of_the_repository_and_the_image() -> None:
    """``.env`` is known to git and to whoever builds as nobody's business."""
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    assert {"*", ".env"} <= set((ROOT / ".dockerignore").read_text().splitlines())


def test_health_checks_are_commands_that_there_are() -> None:
    """``yetictl health`` is one."""
    for name in ("api", "tasks"):
        verb, *words = written()["services"][name]["healthcheck"]["test"][1:]
        assert ("yetictl", True) == (verb, words[0] in COMMANDS)


def test_the_s3_server_has_keys_and_a_bucket(tmp_path: Path) -> None:
    """Begun as the compose file has it: the bucket is there, whoever has no key gets nothing, and without keys it ends."""
    script = written()["services"]["s3"]["command"][0].replace("$$", "$")
    port = first_of_free_ports(5)
    words = {"/data": str(tmp_path / "data"), "-ip=s3": "-ip=127.0.0.1", "0.0.0.0": "127.0.0.1", "8333": str(port)}
    for word, other in words.items():
        assert word in script
        script = script.replace(word, other)
    others = ("master", "volume", "filer", "admin")
    script = script.rstrip() + "".join(f" -{name}.port={port + n}" for n, name in enumerate(others, 1))
    (tmp_path / "data").mkdir()
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    without = subprocess.run(
        ["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, timeout=20, check=False
    )
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        env=environ | keys,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert ["yeti"] == buckets_of(url, "secret")
            assert None is buckets_of(url, "wrong", tries=1)
        finally:
            process.kill()
            process.wait()
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port // 10}?.sock"):
                socket_file.unlink(missing_ok=True)

    assert 1 == without.returncode
    assert "put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into .env" in without.stderr


def buckets_of(url: str, secret: str, tries: int = 150) -> list[str] | None:
    """The buckets that a server shows to whoever has that secret, once there are any."""
    import boto3.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.session.Session().client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="key",
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}),
    )
    for _ in range(tries):
        try:
            if found := [item["Name"] for item in client.list_buckets()["Buckets"]]:
                return found
        except (BotoCoreError, ClientError):
            pass
        time.sleep(0.2)
    return None
