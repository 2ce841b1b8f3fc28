"""Servers of files that tests start on 127.0.0.1: OpenSSH and WsgiDAV, each with a folder of its own."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from ports import free_port

from core.testing.faults import Proxy

SSHD = "/usr/sbin/sshd"
_READY_WITHIN_S = 20


@dataclass(frozen=True)
class SshServer:
    """An SSH server that is running; it lets in whoever runs the tests, by a key.

    Attributes:
        port: On 127.0.0.1.
        folder: What tests may use of its file system.
        home: A home folder with a key, a file of known hosts and nothing else in ``.ssh``.
        process: To stop it before its time.
    """

    port: int
    folder: Path
    home: Path
    process: subprocess.Popen

    @property
    def known_hosts(self) -> Path:
        """The file of known hosts, in which this server is."""
        return self.home / ".ssh" / "known_hosts"

    def path(self, folder: Path) -> str:
        """Return the storage path of a folder of the server."""
        return f"sftp://127.0.0.1:{self.port}{folder}"

    def path_through(self, proxy: Proxy, path: str, known_hosts: Path) -> str:
        """Return *path* for a client that goes through *proxy*, and write the file of known hosts that it needs."""
        far = proxy.to(path)
        known, port = self.known_hosts.read_text(), far.split(":")[2].split("/")[0]
        known_hosts.write_text(known + known.replace(f":{self.port} ", f":{port} "))
        return far

    @property
    def key(self) -> Path:
        """The key that opens the server."""
        return self.home / ".ssh" / "id_ed25519"


@contextmanager
def ssh_server(
    folder: Path, *, longest_file_bytes: int | None = None, subsystem: str = "internal-sftp"
) -> Iterator[SshServer]:
    """Run OpenSSH with its keys and data in *folder*; skip the test where it is not installed.

    Args:
        folder: Must be there, and is empty.
        longest_file_bytes: What the server may write into one file; it then fails as on a full disk.
        subsystem: What answers, with its options: ``-R`` writes nothing, ``-P name`` knows no such request.
    """
    if not Path(SSHD).exists():
        pytest.skip(f"{SSHD} is missing; install the package openssh-server to test sftp:// against OpenSSH")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as root, sshd insists on it
    home, data = folder / "home", folder / "data"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    data.mkdir()
    key = home / ".ssh" / "id_ed25519"
    for file in (folder / "host_key", key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    shutil.copy(f"{key}.pub", folder / "authorized_keys")
    port = free_port()
    kind, host_key, *_ = (folder / "host_key.pub").read_text().split()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {host_key}\n")
    with sshd(folder, port, longest_file_bytes, subsystem) as process:
        yield SshServer(port, data, home, process)


@contextmanager
def sshd(
    folder: Path, port: int, longest_file_bytes: int | None = None, subsystem: str = "internal-sftp"
) -> Iterator[subprocess.Popen]:
    """Run OpenSSH with the keys in *folder*."""
    options = {
        "ListenAddress": "127.0.0.1",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "Subsystem": f"sftp {subsystem}",
        "PasswordAuthentication": "no",
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
    }

    def limited() -> None:
        if longest_file_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (longest_file_bytes, longest_file_bytes))

    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(SSHD, "-D", "-e", "-f", "/dev/null", "-h", folder / "host_key", "-p", str(port)),
                *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
            ],
            stdout=log,
            stderr=log,
            preexec_fn=limited,
            restore_signals=False,  # it would undo what `limited` does
            start_new_session=True,
        )
    try:
        _wait(process, port, folder / "server.log")
        yield process
    finally:
        stop(process)


@dataclass(frozen=True)
class DavServer:
    """A WebDAV server that is running.

    Attributes:
        address: Host and port.
        folder: What it serves.
    """

    address: str
    folder: Path


@contextmanager
def dav_server(
    folder: Path, *, user: str | None = None, password: str | None = None, certificate: Path | None = None
) -> Iterator[DavServer]:
    """Run WsgiDAV on cheroot with its data in *folder*; open to all, or only to *user*.

    With a *certificate*, a file that also holds its key, it speaks https.
    """
    data, port = folder / "data", free_port()
    data.mkdir(parents=True)
    config = {"host": "127.0.0.1", "port": port, "server": "cheroot", "provider_mapping": {"/": str(data)}}
    config["simple_dc"] = {"user_mapping": {"*": {user: {"password": password}} if user else True}}
    config["http_authenticator"] = {"accept_basic": True, "accept_digest": False, "default_to_digest": False}
    if certificate:
        config |= {"ssl_certificate": str(certificate), "ssl_private_key": str(certificate)}
        config["ssl_adapter"] = "builtin"
    with _wsgidav(folder, config) as process:
        _wait(process, port, folder / "server.log")
        yield DavServer(f"127.0.0.1:{port}", data)


@contextmanager
def _wsgidav(folder: Path, config: dict[str, object]) -> Iterator[subprocess.Popen]:
    (folder / "wsgidav.json").write_text(json.dumps(config))
    command = ("-W", "ignore", "-m", "wsgidav.server.server_cli", "--config", folder / "wsgidav.json")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        stop(process)


def new_certificate(file: Path) -> Path:
    """Make *file*: a certificate for 127.0.0.1, signed by itself, and its key."""
    options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(
        ["openssl", "req", "-x509", *options, *subject, "-keyout", f"{file}.key", "-out", file],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + Path(f"{file}.key").read_text())
    return file


def stop(process: subprocess.Popen) -> None:
    """End a server and all that it started; OpenSSH has a process for each connection, in a session of its own."""
    if process.poll() is None:
        for pid in [*_started_by(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def _started_by(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if status.read_text().rpartition(")")[2].split()[1] == str(parent):
                yield int(status.parent.name)
                yield from _started_by(int(status.parent.name))


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server did not start: " + log.read_text(errors="replace")[-2000:])
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
