"""One connection per process to Azure Blob Storage, and what its library says as an error of ours.

The library's defaults are far from what somebody who looks on can bear: it connects within 20 s, waits 60 s, and
tries four times with pauses of 15 s and more.  Here an unreachable server is said at once, and two more tries
after a second each must do where a server is busy.
"""

import os
from typing import Any

from core.clients.persistient_storage import patience
from core.clients.persistient_storage.answers import Meaning, answered, suffered
from core.clients.persistient_storage.bucket_client import Connections
from core.clients.persistient_storage.extras import needed
from core.errors import (
    FileExists,
    InvalidContents,
    InvalidStoragePath,
    StorageCorrupt,
    StorageError,
    StoragePermissionDenied,
    StorageUnavailable,
)

SCHEME = "az://"
KEYS = "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"
_NO_NAME = (InvalidStoragePath, "the container's or the file's name is not one that Azure takes")
_RIGHTS = (StoragePermissionDenied, f"the credentials are wrong or lack the right; check {KEYS}")
_MEANINGS: dict[str, Meaning] = {
    "AccountIsDisabled": (StoragePermissionDenied, "the account is disabled"),
    "BlobAlreadyExists": (FileExists, "the name is taken"),
    "BlobArchived": (StorageUnavailable, "the file is in the archive; rehydrate it first"),
    "BlobImmutableDueToPolicy": (StoragePermissionDenied, "a policy of the container forbids to change the file"),
    "ContainerBeingDeleted": (InvalidStoragePath, "the container is being deleted"),
    "ContainerNotFound": (
        InvalidStoragePath,
        "there is no such container; it must be made first, by somebody else",
    ),
    "InvalidBlobOrBlock": (StorageUnavailable, "blocks of another program are in the way, for a week at most"),
    "InvalidBlockList": (StorageUnavailable, "somebody else wrote this file meanwhile; try again"),
    "InvalidMetadata": (InvalidContents, "Azure refuses the metadata"),
    "InvalidResourceName": _NO_NAME,
    "LeaseIdMissing": (StoragePermissionDenied, "somebody holds a lease on the file"),
    "OutOfRangeInput": _NO_NAME,
    "401": _RIGHTS,
    "403": _RIGHTS,
}


def sdk() -> Any:
    """Return the library.

    Raises:
        StorageError: It is not installed; the message says what to type.
    """
    return needed("azure.storage.blob", extra="azure", scheme=SCHEME)


def condition(name: str) -> Any:
    """Return a condition of writes, ``IfMissing`` or ``IfNotModified``, as the library calls it."""
    return needed("azure.core", extra="azure", scheme=SCHEME).MatchConditions[name]


def container(name: str) -> Any:
    """Return the client of a container, for the environment as it is now; nobody is asked.

    Raises:
        StorageError: The environment cannot be used; the message names the remedy.
    """
    return _services.get().get_container_client(name)


def explained(error: Exception, place: str) -> StorageError:
    """Return the error of ours that an error of the library means."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        code = getattr(error, "error_code", None) or ""
        return answered(place, status, str(getattr(code, "value", code)), _MEANINGS)
    inner = getattr(error, "inner_exception", None)
    if type(error).__name__ == "HttpResponseError" and isinstance(inner, Exception):
        return explained(inner, place)  # an answer that broke off, wrapped once for each try
    if "Content-Range" in str(error):
        return StorageCorrupt(f"{place}: the server does not say how long the file is")
    if type(error).__name__ in ("AzureSigningError", "ClientAuthenticationError"):
        return StoragePermissionDenied(f"{place}: the credentials cannot be used; check {KEYS}")
    return suffered(error, place, "AZURE_STORAGE_BLOB_ENDPOINT")


def _made() -> Any:
    blob = sdk()
    options = {
        "connection_timeout": patience.CONNECT_TIMEOUT_S,
        "read_timeout": patience.read_timeout_s(),
        "retry_policy": blob.LinearRetry(1, retry_total=2, retry_connect=0, retry_read=1, random_jitter_range=0),
        "max_single_get_size": 8 << 20,
        "max_chunk_get_size": 8 << 20,
    }
    try:
        if text := _set("CONNECTION_STRING"):
            return blob.BlobServiceClient.from_connection_string(text, **options)
        account, endpoint = _set("ACCOUNT_NAME", "ACCOUNT"), _set("BLOB_ENDPOINT", "ENDPOINT")
        if account or endpoint:
            url = endpoint or f"https://{account}.blob.core.windows.net"
            return blob.BlobServiceClient(url, credential=_credential(account), **options)
    except ValueError:  # which quotes what it could not read
        reason = "the connection string or the endpoint cannot be read"
        raise InvalidStoragePath(f"{SCHEME}: {reason}; check {KEYS}") from None
    raise StoragePermissionDenied(f"{SCHEME}: no account is named; set {KEYS}")


def _credential(account: str | None) -> Any:
    if (key := _set("ACCOUNT_KEY", "KEY")) and account:
        return {"account_name": account, "account_key": key}
    if token := _set("SAS_TOKEN"):
        return needed("azure.core.credentials", extra="azure", scheme=SCHEME).AzureSasCredential(token.lstrip("?"))
    try:
        return needed("azure.identity", extra="azure", scheme=SCHEME).DefaultAzureCredential()
    except StorageError:
        remedy = "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or install azure-identity"
        raise StoragePermissionDenied(f"{SCHEME}: no credentials for the account; set {remedy}") from None


def _set(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(f"AZURE_STORAGE_{name}"))), None)


_services = Connections(_made, "AZURE_", "HTTP", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
