"""Never use a channel again that something interrupted in the middle of a packet.

What comes next on such a channel is the rest of that packet: it is taken for garbage, or waited for in vain.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from core.clients.persistient_storage.extras import needed
from core.errors import YetiError


@cache
def sftp_kind() -> Any:
    """Return paramiko's client, but one that closes its channel when a packet is sent or read only in part.

    A name that is not UTF-8 comes as Python's file names do, with half surrogate pairs; paramiko raises, and so one
    such name would hide all the others.
    """
    base = needed("paramiko", extra="sftp", scheme="sftp://").SFTPClient

    class WholePackets(base):  # type: ignore[misc, valid-type] # paramiko is imported late
        def _request(self, kind: int, *arguments: Any) -> Any:
            kind, message = super()._request(kind, *arguments)
            message.get_text = lambda: message.get_string().decode(errors="surrogateescape")
            return kind, message

        def _read_packet(self) -> Any:
            try:
                return super()._read_packet()
            except BaseException:  # also where paramiko goes on without a word, as when it closes a file
                self.close()
                raise

        def _send_packet(self, kind: int, packet: Any) -> None:
            try:
                super()._send_packet(kind, packet)
            except BaseException as error:
                if not isinstance(error, (OSError, EOFError)):
                    # The packet of SSH around it may be cut too, and then no other channel can be understood.
                    self.get_channel().get_transport().close()
                self.close()
                raise

    return WholePackets


@contextmanager
def closing_unless_answered(sftp: Any) -> Iterator[None]:
    """Close the channel of *sftp* if anything ends the block but a refusal, by the server or by us."""
    try:
        yield
    except BaseException as error:
        if not _is_answer(error):
            sftp.close()
        raise


def _is_answer(error: BaseException) -> bool:
    """Say whether paramiko makes such an error of a status; ours come when an answer has been read."""
    if isinstance(error, (YetiError, FileNotFoundError, PermissionError)):
        return True
    return type(error) is OSError and error.errno is None
