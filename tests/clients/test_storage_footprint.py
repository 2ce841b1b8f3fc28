"""What a publication costs: memory while it streams, and what is loaded for it."""

import os
import subprocess
import sys

import pytest

STREAM = """
import resource, sys
from core.clients.persistient_storage import get_client
from core.clients.persistient_storage.storage import Storage

storage = Storage(get_client(sys.argv[1]))
storage.write("warm.txt", "up")
with storage.open_reader("warm.txt") as file:
    file.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
chunk = bytes(range(256)) * 256
with storage.open_writer("large.bin") as file:
    for _ in range(4096):
        file.write(chunk)
size = 0
with storage.open_reader("large.bin") as file:
    while data := file.read(65536):
        size += len(data)
assert size == 256 << 20
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
MOST_MIB = 48


def growth_mib(path: str) -> int:
    """Return by how much the peak memory of a process grows while it writes and reads 256 MiB."""
    done = subprocess.run([sys.executable, "-c", STREAM, path], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.scoreboard("memory", subject="local")
def test_a_local_stream_stays_small(tmp_path):
    """256 MiB go to a folder and back in less than 48 MiB."""
    assert growth_mib(str(tmp_path)) < MOST_MIB


@pytest.mark.scoreboard("memory")
def test_an_s3_stream_stays_small(s3_server):
    """256 MiB go to a bucket and back in less than 48 MiB."""
    assert growth_mib(f"s3://{s3_server.new_bucket()}/x") < MOST_MIB


@pytest.mark.scoreboard("import", subject="local")
def test_an_import_loads_nothing_of_a_vendor():
    """Importing the package, and getting a local client, loads no vendor's library and few modules."""
    code = """
import sys
before = set(sys.modules)
import core.clients.persistient_storage
imported = set(sys.modules) - before
core.clients.persistient_storage.get_client("/tmp")
print(len(imported), *sorted(name for name in sys.modules if name.partition(".")[0] in sys.argv))
"""
    vendors = (
        "boto3",
        "botocore",
        "azure",
        "google",
        "paramiko",
        "requests",
        "urllib3",
        "fsspec",
        "asyncio",
        "http",
    )
    done = subprocess.run([sys.executable, "-c", code, *vendors], capture_output=True, text=True, check=True)
    count, *loaded = done.stdout.split()

    assert loaded == []
    assert int(count) < 100
