"""One boto3 client per process, made on first use from the environment that boto3 documents.

What is set here beyond boto3's defaults, each only where the user has not set it: signature version 4 (links in
the old form are refused by servers), standard retries (4 attempts), time-outs of 5 s to connect and 30 s to read
(the defaults leave a program hanging for three minutes), checksums only where S3 requires them (other servers
store the framing of the newer ones inside the object, or refuse; the signature covers the body anyway).
"""

import os
import threading
from typing import Any

from core.clients.persistient_storage.s3.errors import explained
from core.errors import StorageError

_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 30
_ATTEMPTS = 4
_MOST_CLIENTS = 4
_OTHERS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

_lock = threading.Lock()
_clients: dict[object, Any] = {}


def boto3_client() -> Any:
    """Return the client for the environment as it is now; safe for threads, and after a fork.

    Raises:
        StorageError: The environment cannot be used; the message names the remedy.
    """
    key = _key()
    if (client := _clients.get(key)) is not None:
        return client
    with _lock:
        if key not in _clients:
            if len(_clients) >= _MOST_CLIENTS:
                _clients.clear()  # whoever changes the environment all the time pays for it
            client = _made()
            _clients[_key()] = client  # empty variables are gone by now
            return client
        return _clients[key]


def is_amazon(client: Any) -> bool:
    """Say whether the client talks to Amazon itself, not to another server with the same protocol."""
    return ".amazonaws." in client.meta.endpoint_url


def _key() -> object:
    # A child after a fork must not share sockets; a changed environment means another account or server.
    settings = [item for item in os.environ.items() if item[0].startswith("AWS_") or item[0] in _OTHERS]
    return os.getpid(), frozenset(settings)


def _made() -> Any:
    try:
        import boto3.session
        from botocore.config import Config
    except ImportError as error:
        raise StorageError(
            "s3:// needs the package boto3; install it with: pip install 'yeti-exports[s3]'"
        ) from error
    for name in [name for name, value in os.environ.items() if name.startswith("AWS_") and not value]:
        # Compose files pass unset variables on as empty ones, and botocore trips over those: an empty AWS_PROFILE
        # is a profile that does not exist, an empty AWS_CA_BUNDLE switches the check of certificates off.
        del os.environ[name]
    try:
        session = boto3.session.Session()
        return session.client(
            "s3", region_name=_region(session), verify=_trusted(session), config=_config(session, Config)
        )
    except Exception as error:
        raise explained(error, "s3://") from error


def _region(session: Any) -> str | None:
    """Return the region to use instead of botocore's own finding, which does not know ``AWS_REGION``."""
    if os.environ.get("AWS_DEFAULT_REGION"):
        return None
    # Without any region a server other than Amazon's still has to be signed for some region.
    return os.environ.get("AWS_REGION") or (None if session.region_name else "us-east-1")


def _trusted(session: Any) -> str | None:
    if "AWS_CA_BUNDLE" in os.environ or "ca_bundle" in _profile(session) or os.environ.get("REQUESTS_CA_BUNDLE"):
        return None
    return os.environ.get("SSL_CERT_FILE") or None


def _config(session: Any, config: Any) -> Any:
    profile = _profile(session)

    def is_free(name: str) -> bool:
        return "AWS_" + name.upper() not in os.environ and name not in profile

    options: dict[str, Any] = {}
    if is_free("retry_mode") and is_free("max_attempts"):
        options["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    for name in ("request_checksum_calculation", "response_checksum_validation"):
        if is_free(name):
            options[name] = "when_required"
    return config(
        signature_version="s3v4",
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        tcp_keepalive=True,
        **options,
    )


def _profile(session: Any) -> dict[str, Any]:
    """Return what the chosen profile of the configuration file says."""
    settings: dict[str, Any] = session._session.get_scoped_config()
    return settings


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_renew_lock)
