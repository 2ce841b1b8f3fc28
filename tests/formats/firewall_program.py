"""The firewall of Linux in a network of its own: load a file, send packets, see which are caught.

Everything happens in a network namespace that ends with the command: no rule of this machine is ever touched.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import consumer_tools
import pytest

_UNSHARE = ("unshare", "-n" if os.geteuid() == 0 else "-rn")
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Every address is at home here, so that packets to each would arrive.
_HOME = "ip link set lo up\nip route add local 0.0.0.0/0 dev lo\nip -6 route add local ::/0 dev lo\n"

_SEND = """
import socket, sys
sockets = {}
for address in sys.stdin.read().split():
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if family not in sockets:
        sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sockets[family].sendto(b"", (address, 9))
    except PermissionError:
        print(address)
"""


def apart(script: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell script in a network of its own; it ends with the first command that fails: see `failing`."""
    return subprocess.run(
        [*_UNSHARE, "sh", "-ec", script],
        input=text,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": _PATH},
        timeout=300,
        check=False,
    )


def failing(command: str) -> str:
    """Return a line of a script that ends it unless *command* fails; a shell does not end where ``!`` stands before."""
    return f"if {command}; then echo 'this should have failed: {command}' >&2; exit 1; fi"


def need_apart() -> None:
    """Skip the test where this system gives no network of its own."""
    if consumer_tools.find("unshare") is None or apart("ip link").returncode:
        pytest.skip(consumer_tools.MISSING + "unshare")


def caught(script: str, addresses: Iterable[str], tmp_path: Path) -> list[str]:
    """Return to which addresses no packet goes after *script* has set the firewall up."""
    sender = tmp_path / "send.py"
    sender.write_text(_SEND)
    ended = apart(f"{_HOME}{script}\n{sys.executable} -I {sender}", " ".join(addresses))
    assert (0, "") == (ended.returncode, ended.stderr)
    return ended.stdout.split()
