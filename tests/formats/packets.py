"""Captures of network traffic, written byte by byte: packets, DNS queries, HTTP, and the beginning of TLS.

A `Capture` is filled with whole conversations and written as a file of libpcap.  Every conversation has a client port
of its own, so that an alert can be told to belong to it.
"""

import hashlib
import struct
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import count
from pathlib import Path

CLIENT, SERVER = "10.1.1.1", "10.2.2.2"
FIRST_PORT = 20_000
SYN, ACK, PUSH, FIN = 2, 16, 8, 1
_MOST_BYTES = 1400
_UDP, _TCP = 17, 6
_CIPHERS, _GROUPS, _POINTS = (0x1301, 0xC02F), (29, 23), (0,)


class Capture:
    """Conversations in the order in which they took place.

    Attributes:
        ports: Of the clients; each conversation has one of its own.
    """

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self.ports: list[int] = []
        self._every_port = count(FIRST_PORT)

    def packet(self, source: str, target: str) -> int:
        """Send one datagram of no protocol that is known, and return its port."""
        port = self._port()
        self._udp(source, target, port, 9, b"x")
        return port

    def dns_query(self, name: str, client: str = CLIENT, server: str = SERVER) -> int:
        """Ask for the IPv4 address of *name*, as it is spelled, and return the port."""
        port = self._port()
        labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
        question = labels + b"\0" + struct.pack(">HH", 1, 1)
        self._udp(client, server, port, 53, struct.pack(">6H", port, 0x0100, 1, 0, 0, 0) + question)
        return port

    def http(self, host: str, target: str, *, port: int = 80, body: bytes = b"ok", server: str = SERVER) -> int:
        """Ask for *target* with the header ``Host: host``, get *body*, and return the client's port."""
        request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: x\r\n\r\n".encode()
        response = f"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        return self._tcp(server, port, request, response)

    def tls(self, name: str, *, server: str = SERVER) -> int:
        """Greet a server of that name, be greeted, and return the client's port."""
        extensions = _extension(0, _sized(2, b"\0" + _sized(2, name.encode())))
        extensions += _extension(10, _sized(2, _shorts(_GROUPS))) + _extension(11, _sized(1, bytes(_POINTS)))
        ciphers = _sized(2, _shorts(_CIPHERS))
        hello = b"\x03\x03" + bytes(32) + b"\0" + ciphers + b"\x01\0" + _sized(2, extensions)
        answer = (
            b"\x03\x03" + bytes(32) + b"\0" + _shorts(_CIPHERS[1:]) + b"\0" + _sized(2, _extension(11, b"\1\0"))
        )
        return self._tcp(server, 443, _handshake(1, hello), _handshake(2, answer))

    def write(self, path: Path) -> Path:
        """Write the file, a packet each millisecond, and return its path."""
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
            for number, frame in enumerate(self._frames):
                seconds, rest = divmod(number, 1_000)
                file.write(
                    struct.pack("<IIII", 1_790_000_000 + seconds, rest * 1_000, len(frame), len(frame)) + frame
                )
        return path

    def _port(self) -> int:
        self.ports.append(next(self._every_port))
        return self.ports[-1]

    def _udp(self, source: str, target: str, source_port: int, target_port: int, data: bytes) -> None:
        head = struct.pack(">HHH", source_port, target_port, 8 + len(data))
        self._send(source, target, _UDP, head, data)

    def _tcp(self, server: str, server_port: int, request: bytes, response: bytes) -> int:
        port = self._port()
        ends = {True: (CLIENT, server, port, server_port), False: (server, CLIENT, server_port, port)}
        sent = {True: 1_000, False: 9_000}

        def send(is_client: bool, flags: int, data: bytes = b"") -> None:
            source, target, *ports = ends[is_client]
            acknowledged = sent[not is_client] if flags & ACK else 0
            head = struct.pack(">HHIIBBH", *ports, sent[is_client], acknowledged, 5 << 4, flags, 64_240)
            self._send(source, target, _TCP, head, data)
            sent[is_client] += len(data) + bool(flags & (SYN | FIN))

        send(True, SYN)
        send(False, SYN | ACK)
        send(True, ACK)
        for is_client, data in ((True, request), (False, response)):
            for place in range(0, len(data), _MOST_BYTES):
                send(is_client, PUSH | ACK, data[place : place + _MOST_BYTES])
            send(not is_client, ACK)
        send(True, FIN | ACK)
        send(False, FIN | ACK)
        send(True, ACK)
        return port

    def _send(self, source: str, target: str, protocol: int, head: bytes, data: bytes) -> None:
        """Add one packet; *head* ends where the check sum belongs."""
        addresses = ip_address(source).packed + ip_address(target).packed
        tail = b"\0\0" if protocol == _TCP else b""
        length = len(head) + 2 + len(tail) + len(data)
        pseudo = addresses + struct.pack(">IHBB", length, 0, 0, protocol)
        segment = head + struct.pack(">H", _check_sum(pseudo + head + b"\0\0" + tail + data)) + tail + data
        if ip_address(target).version == 4:
            packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, protocol, 0) + addresses
            packet = packet[:10] + struct.pack(">H", _check_sum(packet)) + packet[12:]
            kind = 0x0800
        else:
            packet = struct.pack(">IHBB", 6 << 28, length, protocol, 64) + addresses
            kind = 0x86DD
        self._frames.append(b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + struct.pack(">H", kind) + packet + segment)


def ja3() -> str:
    """Return the JA3 fingerprint of a client of `Capture.tls`."""
    return _md5(f"771,{_dashed(_CIPHERS)},0-10-11,{_dashed(_GROUPS)},{_dashed(_POINTS)}")


def ja3s() -> str:
    """Return the JA3S fingerprint of a server of `Capture.tls`."""
    return _md5(f"771,{_CIPHERS[1]},11")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _dashed(numbers: Sequence[int]) -> str:
    return "-".join(map(str, numbers))


def _shorts(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def _sized(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width) + data


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack(">H", number) + _sized(2, data)


def _handshake(kind: int, body: bytes) -> bytes:
    return b"\x16\x03\x01" + _sized(2, bytes([kind]) + _sized(3, body))


def _check_sum(data: bytes) -> int:
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
