"""Notices as JSON, sent to an address by POST.

``X-Yeti-Timestamp`` is when it was sent, in seconds since 1970.  With a secret ``X-Yeti-Signature`` is ``sha256=`` and
the HMAC-SHA-256, in hexadecimal digits, of the timestamp, a full stop and the body.  ``Idempotency-Key`` is the ``id``
of the notice, the same when it comes again.  Proxies and certificates are those of the environment (``HTTPS_PROXY``,
``NO_PROXY``, ``SSL_CERT_FILE``); redirects are not followed.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
from collections.abc import Callable
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from core import __version__
from core.errors import ConfigError, NotTold
from core.notices.form import as_object
from core.schemas.notice import Notice

TIMEOUT_S = 15
_AGAIN_LATER = frozenset({408, 425, 429})


class Webhook:
    """One address."""

    name = "webhook"

    def __init__(
        self, url: str, secret: str, installation: str, *, clock_s: Callable[[], float] = time.time
    ) -> None:
        """Keep where to send what.

        Raises:
            ConfigError: That is no address of the web.
        """
        parts = _split(url)
        self._secret, self._installation, self._clock_s = secret.encode(), installation, clock_s
        self._authorization = _authorization(parts)
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        # What stands behind the name of the host opens many a door: nobody is shown it.
        self.place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def tell(self, notice: Notice) -> None:
        """Send it."""
        body = json.dumps(as_object(notice, self._installation), ensure_ascii=False).encode("utf-8", "replace")
        request = Request(self._url, body, self._headers(notice, body), method="POST")  # noqa: S310 - checked above
        try:
            with _opener().open(request, timeout=TIMEOUT_S):
                return  # what it answers beyond its status is nobody's business
        except HTTPError as error:
            error.close()
            raise self._refusal(error.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotTold(f"the webhook at {self.place} was not reached: {_reason(error)}") from None

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock_s()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"yeti-exports/{__version__}",
            "Idempotency-Key": notice.key,
            "X-Yeti-Timestamp": timestamp,
        }
        if self._secret:
            digest = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers["X-Yeti-Signature"] = f"sha256={digest}"
        if self._authorization:
            headers["Authorization"] = self._authorization
        return headers

    def _refusal(self, status: int) -> NotTold:
        words = http.client.responses.get(status, "")
        more = ", and redirects are not followed: set its new address" if 300 <= status < 400 else ""
        return NotTold(
            f"the webhook at {self.place} answered {status} {words}".rstrip() + more,
            is_refusal=status < 500 and status not in _AGAIN_LATER,
        )


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: the body would be lost, and its signature go where nobody meant it to."""


def _opener() -> OpenerDirector:
    return build_opener(_NoRedirects(), HTTPSHandler(context=ssl.create_default_context()))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        url.encode("ascii")
    except ValueError:
        is_right = False
    if not is_right or any(letter.isspace() for letter in url):
        raise ConfigError("notify.webhook_url must be an address such as https://hooks.example.org/yeti, in ASCII")
    return parts


def _authorization(parts: SplitResult) -> str:
    if parts.username is None and parts.password is None:
        return ""
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(user.encode()).decode()


def _reason(error: Exception) -> str:
    """Return why, in words that hold nothing of the address."""
    cause = error.reason if isinstance(error, URLError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({cause.verify_message}); see SSL_CERT_FILE"
        case ssl.SSLError():
            return f"TLS failed ({cause.reason})"
        case TimeoutError():
            return f"no answer within {TIMEOUT_S} s"
        case OSError() if cause.strerror:
            return cause.strerror
        case _:
            return type(cause).__name__
