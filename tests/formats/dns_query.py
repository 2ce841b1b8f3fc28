"""Ask a name server on this machine one question at a time, by UDP."""

import socket
import struct
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

TYPES = {"A": 1, "AAAA": 28, "SOA": 6}
RESPONSE_CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
TIMEOUT_S = 20.0
_RECURSION_DESIRED, _TRUNCATED = 0x0100, 0x0200


class Answer(NamedTuple):
    """What a server said: a response code, the addresses, whether it asks to come again by TCP."""

    code: str
    addresses: tuple[str, ...]
    is_truncated: bool = False


class Resolver:
    """A server at a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, name: str, type_: str = "A", timeout_s: float = TIMEOUT_S) -> Answer | None:
        """Return the answer, ``None`` if there came none."""
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as link:
            link.settimeout(timeout_s)
            link.connect(("127.0.0.1", self.port))
            question = _name(name) + struct.pack("!HH", TYPES[type_], 1)
            link.send(struct.pack("!HHHHHH", 7, _RECURSION_DESIRED, 1, 0, 0, 0) + question)
            try:
                return _parsed(link.recv(65_535))
            except (TimeoutError, ConnectionRefusedError):
                return None


def _name(text: str) -> bytes:
    labels = [label.encode() for label in text.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _parsed(data: bytes) -> Answer:
    _, flags, questions, answers, _, _ = struct.unpack_from("!HHHHHH", data)
    place = 12
    for _ in range(questions):
        place = _behind_name(data, place) + 4
    found = []
    for _ in range(answers):
        place = _behind_name(data, place)
        type_, _, _, size = struct.unpack_from("!HHIH", data, place)
        content = data[place + 10 : place + 10 + size]
        place += 10 + size
        if type_ == TYPES["A"]:
            found.append(str(IPv4Address(content)))
        elif type_ == TYPES["AAAA"]:
            found.append(str(IPv6Address(content)))
    return Answer(RESPONSE_CODES[flags & 15], tuple(found), bool(flags & _TRUNCATED))


def _behind_name(data: bytes, place: int) -> int:
    while data[place]:
        if data[place] & 0xC0:
            return place + 2
        place += 1 + data[place]
    return place + 1
