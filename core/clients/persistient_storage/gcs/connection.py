"""One connection per process to Google Cloud Storage, and what its library says as an error of ours.

The library tries for two minutes by default.  Here it tries again for four seconds: a person who looks on gets an
answer within ten, and whoever publishes by schedule comes back anyway.
"""

import os
from typing import Any

from core.clients.persistient_storage import patience
from core.clients.persistient_storage.answers import Meaning, answered, suffered
from core.clients.persistient_storage.bucket_client import Connections
from core.clients.persistient_storage.extras import needed
from core.errors import InvalidStoragePath, StorageError, StoragePermissionDenied

SCHEME = "gs://"
SETTINGS = "GOOGLE_APPLICATION_CREDENTIALS"
_TRIES_S = 4.0
_IS_GOOGLES_S = 1
_NO_BUCKET = (InvalidStoragePath, "there is no such bucket; it must be made first, by somebody else")
_MEANINGS: dict[str, Meaning] = {
    "NoBucket": _NO_BUCKET,
    "400": (InvalidStoragePath, "Google takes the name of the bucket or of the file, or the metadata, for wrong"),
    "401": (StoragePermissionDenied, f"the credentials are missing, wrong or expired; check {SETTINGS}"),
    "403": (StoragePermissionDenied, "the credentials lack the right; a writer needs storage.objects.create, and "
            "storage.objects.delete to replace, a reader storage.objects.get and .list"),
}  # fmt: skip


def connection() -> Any:
    """Return the library's client, for the environment as it is now.

    Raises:
        StorageError: The environment cannot be used; the message names the remedy.
    """
    return _clients.get()


def options() -> dict[str, Any]:
    """Return the time-outs and the retries of a request that may be made twice."""
    return {"timeout": timeout_s(), "retry": again()}


def timeout_s() -> tuple[int, int]:
    """Return the seconds to connect, and to wait for the server to say something."""
    return patience.CONNECT_TIMEOUT_S, patience.read_timeout_s()


def again() -> Any:
    """Return the library's retries: for so long, and for those errors that it holds for passing."""
    retry = _sdk("google.cloud.storage.retry").DEFAULT_RETRY
    return retry.with_timeout(_TRIES_S).with_delay(initial=0.25, maximum=1.0, multiplier=2.0)


def api_error(response: Any) -> Exception:
    """Return the library's exception for an answer that was not a success."""
    error: Exception = _sdk("google.api_core.exceptions").from_http_response(response)
    return error


def explained(error: Exception, place: str) -> StorageError:
    """Return the error of ours that an error of the library means."""
    cause = getattr(error, "cause", None)
    if type(error).__name__ == "RetryError" and isinstance(cause, Exception):
        return explained(cause, place)
    status = _status(error)
    if status is not None:
        # Only the text tells a bucket that is not there from a file.
        code = "NoBucket" if status == 404 and "bucket does not exist" in str(error) else ""
        return answered(place, status, code, _MEANINGS)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "GoogleAuthError" in kinds and "TransportError" not in kinds:
        return StoragePermissionDenied(f"{place}: no usable credentials; set {SETTINGS} to a key file")
    if "RequestException" in kinds and isinstance(error, ValueError):
        return InvalidStoragePath(f"{place}: the server's address cannot be used; check STORAGE_EMULATOR_HOST")
    return suffered(error, place, "STORAGE_EMULATOR_HOST")


def missing_bucket(error: Exception, place: str) -> StorageError:
    """Return the same for a write, to which only the bucket can be missing."""
    if _status(error) == 404:
        return answered(place, 404, "NoBucket", _MEANINGS)
    return explained(error, place)


def forgotten_upload(error: Exception, place: str) -> StorageError:
    """Return the same for an upload that has begun, which is what can be missing then."""
    if _status(error) == 404:
        return answered(place, 410, "", _MEANINGS)
    return explained(error, place)


def signer() -> Any:
    """Return credentials that can sign without asking anybody, or None."""
    file = os.environ.get(SETTINGS)
    service_account = _sdk("google.oauth2.service_account")
    try:
        return service_account.Credentials.from_service_account_file(file) if file else None
    except (OSError, ValueError):  # not there, or of another kind: a person's, another cloud's
        return None


def _status(error: Exception) -> int | None:
    """Return the status of the answer; one of the library's two layers has it in ``code``, the other deeper."""
    status = getattr(error, "code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return int(status) if isinstance(status, int) else None


def _made() -> Any:
    storage = _sdk("google.cloud.storage")
    try:
        credentials = None if os.environ.get("STORAGE_EMULATOR_HOST") else _credentials()
        client = storage.Client(project=None, credentials=credentials)  # a project is only for making buckets
    except Exception as error:
        raise explained(error, SCHEME) from error
    # Newer versions ask for the bucket's metadata in a thread of their own, beside every first request.
    client._bucket_metadata_cache = None
    return client


def _credentials() -> Any:
    request = _sdk("google.auth.transport.requests").Request()

    def impatient(url: str, **asked: Any) -> Any:
        # Three tries of 3 s each to find out that this machine is not one of Google's are too long for who waits.
        return request(url, **{**asked, "timeout": _IS_GOOGLES_S})

    return _sdk("google.auth").default(request=impatient)[0]


def _sdk(module: str) -> Any:
    return needed(module, extra="gcs", scheme=SCHEME)


_clients = Connections(
    _made, "GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE", "HTTP", "REQUESTS_CA_"
)
