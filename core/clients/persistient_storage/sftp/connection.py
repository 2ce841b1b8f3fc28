"""One SSH connection per account and process, with a channel for each file or question that is open at once.

A server lets a connection have ten channels or so; whoever needs more gets a further connection.  Channels are
kept for the next one.  A child after a fork makes its own.  Host keys are compared with the files of known hosts;
one that is not there, or another one, is refused.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.patience import CONNECT_TIMEOUT_S, read_timeout_s
from core.clients.persistient_storage.sftp.account import Account, account_of, check_key
from core.clients.persistient_storage.sftp.errors import asking, explained
from core.clients.persistient_storage.sftp.place import SCHEME, Place
from core.clients.persistient_storage.sftp.whole import closing_unless_answered, sftp_kind
from core.errors import StorageError, StoragePermissionDenied, StorageTimeout, StorageUnavailable

_MOST_IDLE = 4
_KEEPALIVE_S = 30
_KNOWN_HOSTS_OF_ALL = "/etc/ssh/ssh_known_hosts"

Result = TypeVar("Result")


class Channel:
    """One SFTP session; used by one thread at a time."""

    def __init__(self, client: Any, sftp: Any) -> None:
        self.client, self.sftp, self.is_fresh = client, sftp, True

    @property
    def is_open(self) -> bool:
        """Whether it can still be used, as far as is known."""
        channel = self.sftp.get_channel()
        return not channel.closed and channel.get_transport().is_active()

    def close(self) -> None:
        """Give it up; safe in any state."""
        self.sftp.close()

    def end(self, file: Any) -> None:
        """Close *file*, unless the channel is broken; then not a word more is said of it."""
        if not self.is_open:
            file._closed = True  # or it would talk when it is collected
            return
        with suppress(Exception), closing_unless_answered(self.sftp):  # it may have outlived its connection
            file.set_pipelined(False)
            file.close()


class Connections:
    """The connections of this process to one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.RLock()  # the garbage collector may give a channel back at any moment
        self._connecting = threading.Lock()
        self._clients: list[Any] = []
        self._idle: list[Channel] = []
        self._failure: tuple[float, StorageError] | None = None

    def ask(self, place: str, question: Callable[[Any], Result]) -> Result:
        """Return what *question* does with a channel; as `begin`, with the channel given back."""
        channel, result = self.begin(place, question)
        self.give_back(channel)
        return result

    def begin(self, place: str, question: Callable[[Any], Result]) -> tuple[Channel, Result]:
        """Return a channel, to be given back, and what *question* did with it.

        A connection that turns out to be broken is made anew once, so the question must be one that may be asked
        twice.
        """
        while True:
            channel = self.lend(place)
            try:
                with asking(place), closing_unless_answered(channel.sftp):
                    return channel, question(channel.sftp)
            except StorageTimeout:
                self.drop(channel)
                raise
            except StorageError as error:
                if channel.is_open:
                    self.give_back(channel)
                    raise
                channel.close()
                if channel.is_fresh or not isinstance(error, StorageUnavailable):
                    raise
            except BaseException:  # an answer may be on its way that nobody will take
                channel.close()
                raise

    def lend(self, place: str) -> Channel:
        """Return a channel that nobody else uses; to be given back."""
        with asking(place):
            with self._lock:
                while self._idle:
                    channel = self._idle.pop()
                    if channel.is_open:
                        channel.sftp.get_channel().settimeout(read_timeout_s())
                        channel.is_fresh = False
                        return channel
            return self._opened(place)

    def give_back(self, channel: Channel) -> None:
        """Keep the channel for the next one, if it is any good."""
        with self._lock:
            if channel.is_open and len(self._idle) < _MOST_IDLE:
                self._idle.append(channel)
                return
        channel.close()

    def drop(self, channel: Channel) -> None:
        """End the whole connection of a channel whose server does not answer any more."""
        with self._lock:
            self._clients = [client for client in self._clients if client is not channel.client]
        channel.client.close()

    def forget(self) -> None:
        """Let go of everything without a word to the server: a child must not talk on its parent's connections."""
        for client in self._clients:
            transport = client.get_transport()
            if transport is not None:
                transport.active = False
                transport.sock.close()

    def _opened(self, place: str) -> Channel:
        began = time.monotonic()
        with self._connecting:
            for client in list(self._clients):
                try:
                    return self._channel(client)
                except needed("paramiko", extra="sftp", scheme=SCHEME).ChannelException:
                    continue  # it has as many as the server allows
                except Exception:
                    self.drop(Channel(client, None))
                except BaseException:  # it may be in the middle of a packet
                    self.drop(Channel(client, None))
                    raise
            if self._failure and self._failure[0] > began:  # found out while this thread waited for its turn
                raise type(self._failure[1])(str(self._failure[1]))
            try:
                client = _connected(self._account, place)
                self._clients.append(client)
                return self._channel(client)
            except Exception as error:
                problem = error if isinstance(error, StorageError) else explained(error, place)
                self._failure = time.monotonic(), problem
                raise problem from error

    def _channel(self, client: Any) -> Channel:
        sftp = sftp_kind().from_transport(client.get_transport())
        sftp.get_channel().settimeout(read_timeout_s())
        return Channel(client, sftp)


def connections(place: Place) -> Connections:
    """Return the connections to the account that *place* and the configuration of SSH name, as they are now."""
    paramiko = needed("paramiko", extra="sftp", scheme=SCHEME)
    # It logs with tracebacks what it then raises, and every connection that ends.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    account = account_of(place, paramiko)
    with _lock:
        return _known.setdefault(account, Connections(account))


def _connected(account: Account, place: str) -> Any:
    paramiko = needed("paramiko", extra="sftp", scheme=SCHEME)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Refusing(place))
    for file in (account.known_hosts, _KNOWN_HOSTS_OF_ALL):
        if Path(file).is_file():
            client.load_system_host_keys(file)
    password = account.password()
    if account.own_key_file:
        check_key(account.own_key_file, password, paramiko)
    uses_all = not account.own_key_file and account.password_file is None
    try:
        client.connect(
            account.host,
            account.port,
            username=account.user,
            password=password,
            key_filename=account.key_files(),
            allow_agent=uses_all,
            look_for_keys=uses_all,
            timeout=CONNECT_TIMEOUT_S,
            banner_timeout=CONNECT_TIMEOUT_S,
            auth_timeout=read_timeout_s(),
            channel_timeout=read_timeout_s(),
        )
        _watch(client.get_transport())
    except BaseException:
        client.close()
        raise
    return client


def _watch(transport: Any) -> None:
    import socket  # paramiko has it by now; before that, nobody needs it

    transport.set_keepalive(_KEEPALIVE_S)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Without it paramiko waits for ever to send to a server that has stopped reading.
        wait_ms = read_timeout_s() * 1_000
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, wait_ms)


class _Refusing:
    """What paramiko asks about a server that no file of known hosts has."""

    def __init__(self, place: str) -> None:
        self._place = place

    def missing_host_key(self, client: Any, host: str, key: Any) -> None:
        """Refuse it, and say how to make it known."""
        name, _, port = host.strip("[").partition("]:")
        raise StoragePermissionDenied(
            f"{self._place}: the server's host key is not known (it is {key.get_name()} {key.fingerprint}); compare "
            f"it with what the server's operator says, then: ssh-keyscan -p {port or 22} {name} >> ~/.ssh/known_hosts "
            "(or the file of YETI_SFTP_KNOWN_HOSTS)"
        )


def _forget_all() -> None:
    global _lock
    for known in _known.values():
        known.forget()
    _inherited.extend(_known.values())  # never collected: what collects it might talk
    _known.clear()
    _lock = threading.Lock()


_lock = threading.Lock()
_known: dict[Account, Connections] = {}
_inherited: list[Connections] = []
os.register_at_fork(after_in_child=_forget_all)
