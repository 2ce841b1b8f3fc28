"""One boto3 client per process, made on first use from the environment that boto3 documents.

What is set here beyond boto3's defaults, each only where the user has not set it: signature version 4 (links in
the old form are refused by servers), standard retries (4 attempts), time-outs of 5 s to connect and 30 s to read
that are not tried again (the defaults leave a program hanging for three minutes), checksums only where S3 requires
them (other servers store the framing of the newer ones inside the object, or refuse; the signature covers the body
anyway), a constant user agent (boto3 puts its own together twice for each request).
"""

import os
import threading
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

from core.clients.persistient_storage.extras import needed
from core.clients.persistient_storage.patience import CONNECT_TIMEOUT_S, read_timeout_s
from core.clients.persistient_storage.s3.errors import asking, is_final, no_credentials

_ATTEMPTS = 4
_MOST_CLIENTS = 8
_POOL_SIZE = 32
"""Connections that are kept open; more threads than that work too, but connect anew for each request."""
_OTHERS = frozenset(
    b"SSL_CERT_FILE REQUESTS_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY "
    b"http_proxy https_proxy all_proxy no_proxy".split()
)


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A client and what must be known of it.

    Attributes:
        client: Of boto3, for S3; threads may share it.
        gives_checksums: Writers add checksums of their own: it talks to Amazon, which stores them, and the user
            has not decided otherwise.
    """

    client: Any
    gives_checksums: bool


_lock = threading.Lock()
_connections: dict[object, Connection] = {}


def connection(place: str = "s3://") -> Connection:
    """Return the connection for the environment as it is now; safe for threads, and after a fork.

    Args:
        place: For messages.

    Raises:
        StorageError: The environment cannot be used; the message names the remedy.
    """
    if (found := _connections.get(_key())) is not None:
        return found
    with _lock:
        if (found := _connections.get(_key())) is None:
            if len(_connections) >= _MOST_CLIENTS:
                _connections.clear()  # whoever changes the environment all the time pays for it
            found = _made(place)
            _connections[_key()] = found  # empty variables are gone by now
        return found


def boto3_client() -> Any:
    """Return the client of `connection`."""
    return connection().client


def is_amazon(client: Any) -> bool:
    """Say whether the client talks to Amazon itself, not to another server with the same protocol."""
    return ".amazonaws." in client.meta.endpoint_url


def _key() -> object:
    # A child after a fork must not share sockets; a changed environment means another account or server.
    # As bytes: os.environ would decode every variable there is, which was 4 % of a small put.
    environment = os.environb
    settings = [(key, environment[key]) for key in environment if key.startswith(b"AWS_") or key in _OTHERS]
    return os.getpid(), read_timeout_s(), frozenset(settings)


def _made(place: str) -> Connection:
    sessions = needed("boto3.session", extra="s3", scheme="s3://")
    for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
        # Compose files pass unset variables on as empty ones, and botocore trips over those: an empty AWS_PROFILE
        # is a profile that does not exist, an empty AWS_CA_BUNDLE switches the check of certificates off.
        del os.environ[name]
    with asking(place):
        session = sessions.Session()
        parsers = session._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_moment)
        settings = _Settings(session)
        client = session.client(
            "s3", region_name=settings.region(), verify=settings.trusted(), config=settings.config()
        )
        if session.get_credentials() is None:  # not kept: somebody may be putting them there just now
            raise no_credentials(place)
        if settings.is_free("retry_mode", "max_attempts"):
            client.meta.events.register_first("needs-retry.s3", _give_up_on_what_is_final)
        client.meta.events.register_first("before-call.s3.PutObject", _send_without_asking)
    return Connection(client, is_amazon(client) and settings.is_free("request_checksum_calculation"))


class _Settings:
    """What the environment and the files of profiles say, and what is added to that."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._profile: dict[str, Any] = session._session.get_scoped_config()

    def is_free(self, *names: str) -> bool:
        """Say whether the user has set none of them, neither as variables nor in the profile."""
        return not any("AWS_" + name.upper() in os.environ or name in self._profile for name in names)

    def region(self) -> str | None:
        """Return the region to use instead of botocore's own finding, which does not know ``AWS_REGION``."""
        if os.environ.get("AWS_DEFAULT_REGION"):
            return None
        # Without any region a server other than Amazon's still has to be signed for some region.
        return os.environ.get("AWS_REGION") or (None if self._session.region_name else "us-east-1")

    def trusted(self) -> str | None:
        """Return the file of certificates that other programs use, unless boto3 has one of its own."""
        if not self.is_free("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"):
            return None
        return os.environ.get("SSL_CERT_FILE") or None

    def config(self) -> Any:
        """Return what is set beyond boto3's defaults."""
        from botocore.config import Config

        options: dict[str, Any] = {}
        if self.is_free("retry_mode", "max_attempts"):
            options["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
        for name in ("request_checksum_calculation", "response_checksum_validation"):
            if self.is_free(name):
                options[name] = "when_required"
        if self.is_free("sdk_ua_app_id"):
            options["user_agent"] = _user_agent()
        return Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s(),
            max_pool_connections=_POOL_SIZE,
            parameter_validation=False,  # all that is passed is checked by us or made up by us
            tcp_keepalive=True,
            **options,
        )


def _moment(value: Any) -> datetime:
    """Return the moment that *value* is; the two forms of S3 without the long way that botocore takes for any.

    That way, dateutil's, was 8 % of a small get and most of a list.
    """
    for parse in (parsedate_to_datetime, datetime.fromisoformat) if isinstance(value, str) else ():
        try:
            moment = parse(value)
        except ValueError:
            continue
        if moment.tzinfo is not None:
            return moment
    from botocore.utils import parse_timestamp

    parsed: datetime = parse_timestamp(value)
    return parsed


def _user_agent() -> str:
    import boto3
    import botocore

    return f"yeti-exports Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


def _give_up_on_what_is_final(caught_exception: Exception | None = None, **_: Any) -> bool | None:
    """Keep botocore from trying again what has taken its time already, or what trying again cannot mend."""
    return False if caught_exception is not None and is_final(caught_exception) else None


def _send_without_asking(params: dict[str, Any], **_: Any) -> None:
    """Undo that botocore makes a file of ``bytes``: of a file it asks the server first whether it wants it.

    For a small body that is a round trip, and a tenth of the processor's work.
    """
    if isinstance(params["body"], BytesIO):
        params["body"] = params["body"].getvalue()


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_renew_lock)
