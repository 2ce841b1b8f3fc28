"""What a server or botocore says, as an error of ours with the remedy in it."""

from contextlib import AbstractContextManager
from typing import Any

from core.clients.persistient_storage import border
from core.clients.persistient_storage.border import translated
from core.errors import (
    FileMissing,
    InvalidFileName,
    InvalidStoragePath,
    PreconditionFailed,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StoragePermissionDenied,
    StorageTimeout,
    StorageUnavailable,
    UnsupportedOperation,
)
from core.redaction import redact

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_RIGHTS = (
    "the credentials lack the right; a writer needs s3:PutObject, a reader s3:GetObject and s3:ListBucket, "
    "who deletes s3:DeleteObject"
)
# The answer to HEAD has no body that could say which of the two it is.
_FORBIDDEN = f"refused; the credentials are wrong ({_KEYS}), or {_RIGHTS.removeprefix('the credentials ')}"

_BY_CODE: dict[str, tuple[type[StorageError], str]] = {
    "NoSuchKey": (FileMissing, "there is no such file"),
    "404": (FileMissing, "there is no such file"),
    "NotFound": (FileMissing, "there is no such file"),
    "NoSuchBucket": (InvalidStoragePath, "there is no such bucket; it must be made first, and by somebody else"),
    "NoSuchUpload": (StorageUnavailable, "the server forgot the upload; try again"),
    "AccessDenied": (StoragePermissionDenied, _RIGHTS),
    "AllAccessDisabled": (StoragePermissionDenied, "the server has closed this bucket"),
    "403": (StoragePermissionDenied, _FORBIDDEN),
    "Forbidden": (StoragePermissionDenied, _FORBIDDEN),
    "InvalidAccessKeyId": (StoragePermissionDenied, f"the server does not know the access key; {_KEYS}"),
    "SignatureDoesNotMatch": (StoragePermissionDenied, f"the secret key is wrong; {_KEYS}"),
    "ExpiredToken": (StoragePermissionDenied, "the session token has expired; get new credentials"),
    "InvalidToken": (StoragePermissionDenied, "the session token is not valid; check AWS_SESSION_TOKEN"),
    "RequestTimeTooSkewed": (StoragePermissionDenied, "the clock of this machine is wrong"),
    "PreconditionFailed": (PreconditionFailed, "the file was changed by somebody else"),
    "412": (PreconditionFailed, "the file was changed by somebody else"),
    "ConditionalRequestConflict": (StorageUnavailable, "somebody else is writing this file; try again"),
    "NotImplemented": (UnsupportedOperation, "the server does not offer this"),
    "KeyTooLongError": (InvalidFileName, "prefix and name together are longer than the server allows"),
    "QuotaExceeded": (StorageFull, "the quota of the bucket is used up"),
    "InsufficientCapacity": (StorageFull, "no space is left on the server"),
    "BadDigest": (StorageCorrupt, "the bytes arrived damaged; try again"),
    "XAmzContentSHA256Mismatch": (StorageCorrupt, "the bytes arrived damaged; try again"),
    "RequestTimeout": (StorageTimeout, "the server waited too long for the bytes; try again"),
}
_WRONG_REGION = frozenset(
    {"PermanentRedirect", "301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_BUSY = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "ServiceUnavailable", "InternalError"}
)
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "NoAuthTokenError",
    "TokenRetrievalError",
    "SSOError",
    "LoginError",
)
_TIME_OUTS = ("ConnectTimeoutError", "ReadTimeoutError")
_AWAY = ("HTTPClientError", "ConnectionError", "IncompleteReadError", "ResponseStreamingError")


def asking(place: str) -> AbstractContextManager[None]:
    """Turn whatever botocore raises inside into an error of ours about *place*."""
    return border.asking(place, explained)


def explained(error: Exception, place: str) -> StorageError:
    """Return the error of ours that *error* means.

    Of the server only its code is repeated: its text may quote what was sent.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _answered(response, place)
    kinds = _kinds(error)
    if kinds & {"ProfileNotFound"}:
        return StoragePermissionDenied(
            f"{place}: AWS_PROFILE names a profile that is not in the configuration file"
        )
    if kinds & set(_NO_CREDENTIALS):
        return no_credentials(place)
    if "HTTPClientError" in kinds and "header value" in str(error):  # which is quoted there, and is the secret
        return StoragePermissionDenied(f"{place}: the access key or the session token holds a line break; {_KEYS}")
    if "ConnectTimeoutError" in kinds:
        return StorageTimeout(
            f"{place}: no connection in time{_at(error, 'to')}; check AWS_ENDPOINT_URL_S3, the network and its "
            "firewalls"
        )
    if "ReadTimeoutError" in kinds or _is_stalled(error):
        return StorageTimeout(f"{place}: no answer in time{_at(error, 'from')}; try again later")
    if "SSLError" in kinds:
        return StorageUnavailable(f"{place}: {_distrust(error)}")
    if _is_unknown_host(error):
        return StorageUnavailable(
            f"{place}: the name of the server is not known{_at(error, 'of')}; check AWS_ENDPOINT_URL_S3, "
            "AWS_DEFAULT_REGION and the network"
        )
    if kinds & set(_AWAY) or type(error).__module__.startswith("urllib3."):
        return StorageUnavailable(
            f"{place}: no connection{_at(error, 'to')}; check AWS_ENDPOINT_URL_S3 and the network"
        )
    if "BotoCoreError" in kinds or isinstance(error, ValueError):
        return InvalidStoragePath(
            f"{place}: {redact(str(error))} ({type(error).__name__}); check the path and the AWS_… variables"
        )
    return translated(error, place)


def no_credentials(place: str) -> StorageError:
    """Return the error that no credentials were found anywhere."""
    return StoragePermissionDenied(
        f"{place}: no usable credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )


def is_final(error: Exception) -> bool:
    """Say whether asking again at once is useless: it took its time already, or will go the same way."""
    if _kinds(error) & set(_TIME_OUTS) or _is_stalled(error):
        return True
    return "CERTIFICATE_VERIFY_FAILED" in str(error) or _is_unknown_host(error)


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that the server answered with, if it did."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    status: int | None = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def was_retried(error: Exception) -> bool:
    """Say whether botocore had asked before, and the answer to that may have been lost."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))


def _answered(response: dict[str, Any], place: str) -> StorageError:
    code = str(response["Error"].get("Code", ""))
    meta = response.get("ResponseMetadata", {})
    status = meta.get("HTTPStatusCode", 0)
    region = meta.get("HTTPHeaders", {}).get("x-amz-bucket-region") or response["Error"].get("Region")
    # The answer to HEAD has no body, and so no other code than its status.
    if code in _WRONG_REGION or (region and code in ("400", "Bad Request")):
        where = f"in {region}; set AWS_DEFAULT_REGION={region}" if region else "elsewhere; set AWS_DEFAULT_REGION"
        return InvalidStoragePath(f"{place}: the bucket is {where}")
    if code in _BY_CODE:
        kind, reason = _BY_CODE[code]
        return kind(f"{place}: {reason} ({code})")
    if code in _BUSY or status >= 500 or status == 429:
        kind, reason = StorageUnavailable, "the server is busy or failing; try again later"
        if status == 501:
            kind, reason = UnsupportedOperation, "the server does not offer this"
        elif status == 507:
            kind, reason = StorageFull, "no space is left on the server"
        return kind(f"{place}: {reason} ({code})")
    kind = StoragePermissionDenied if status in (401, 403) else StorageError
    return kind(f"{place}: the server refused with status {status} ({code})")


def _kinds(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _is_stalled(error: Exception) -> bool:
    """Say whether the server took no more bytes; the libraries have no error of its own for that."""
    cause = getattr(error, "kwargs", {}).get("error")
    return isinstance(cause, Exception) and any(isinstance(reason, TimeoutError) for reason in cause.args)


def _is_unknown_host(error: Exception) -> bool:
    cause = getattr(error, "kwargs", {}).get("error")
    return isinstance(cause, Exception) and bool(_kinds(cause) & {"NameResolutionError", "gaierror"})


def _distrust(error: Exception) -> str:
    """Return why no encrypted connection came about; the library has one exception for all reasons."""
    said = str(error)
    if "WRONG_VERSION_NUMBER" in said:
        return f"what answers{_at(error, 'at')} does not speak https; check AWS_ENDPOINT_URL_S3"
    if "Errno" in said or "NO_CERTIFICATE" in said or "PEM" in said:
        return "the file of AWS_CA_BUNDLE holds no certificates that can be read"
    return f"the certificate{_at(error, 'of')} is not trusted; see AWS_CA_BUNDLE"


def _at(error: Exception, word: str) -> str:
    """Return *word* and the server that was asked, where the library says it."""
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return " ".join(("", word, "/".join(redact(str(url)).split("/")[:3]))) if url else ""
