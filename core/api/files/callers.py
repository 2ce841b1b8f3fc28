"""Who asks for a file: a consumer by its token, a user by a key or a token of the API, or somebody unknown."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from core.accounts import callers, consumers, keys
from core.accounts.permissions import Permission
from core.api.edge import contains
from core.api.files.catalog import Catalog, Granted, PublishedFile
from core.api.files.fetch_log import FetchLog
from core.api.services import Services
from core.errors import NotAuthenticated
from core.schemas.instant import Instant

_LONGEST = 4_096
WHO = "who asks is not known: send the token of a consumer as Bearer, or as the password of Basic"
EXPIRED = "this token has expired; whoever keeps this service makes another one: yetictl consumer token NAME"
NO_FILE = "there is no such file, or it is not yours to fetch"
ELSEWHERE = "this may not be fetched from this address"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not sent, with the status to say it by."""

    status: int
    detail: str


def secret_of(headers: Mapping[str, str], query: bytes, *, in_query: bool) -> str | None:
    """Return the token, key or password that came with a request.

    Args:
        headers: Of the request, names in lower case.
        query: As it came.
        in_query: Whether ``?token=`` counts, where no header says anything.
    """
    scheme, _, rest = headers.get("authorization", "")[:_LONGEST].partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip() or None
        case "basic":
            return _password(rest.strip())
    if in_query and query:
        return parse_qs(query.decode("latin-1")).get("token", [None])[0]
    return None


def refusal(
    catalog: Catalog, file: PublishedFile | None, secret: str | None, address: str, now: Instant, *, is_user: bool
) -> tuple[Refusal | None, Granted | None]:
    """Decide whether a file may be sent, and say to which consumer; ``None`` where it is none's.

    Of one that is turned away with 401 that is the consumer whose token has ended.

    What anybody may fetch is sent whatever else came with the request: a token that ended must not take it away.
    Whoever may fetch nothing learns nothing of which files there are.

    Args:
        catalog: What there is.
        file: What is asked for; ``None`` if there is no such file.
        secret: What came with the request.
        address: Of who asks.
        now: The present instant.
        is_user: It is known by *secret* that a user asks who may read.
    """
    granted = None if secret is None or not consumers.is_token(secret) else catalog.granted(secret)
    counts = granted is not None and granted.token.is_enabled and not _has_expired(granted, now)
    at_home = counts and granted is not None and (not granted.networks or contains(granted.networks, address))
    if file is None or not file.is_public:
        if not counts and not is_user:
            has_expired = granted is not None and granted.token.is_enabled and _has_expired(granted, now)
            return (Refusal(401, EXPIRED), granted) if has_expired else (Refusal(401, WHO), None)
        if not is_user and not at_home:
            return Refusal(403, ELSEWHERE), granted
        if file is None or not (is_user or (granted is not None and granted.may_fetch(file))):
            return Refusal(404, NO_FILE), granted
    if file.networks and not contains(file.networks, address):
        return Refusal(403, ELSEWHERE), granted
    return None, granted if at_home else None


def may_read(services: Services, secret: str, now: Instant) -> bool:
    """Say whether *secret* is the key, or a token, of a user who may read."""
    with services.store() as store:
        try:
            if keys.is_key(secret):
                caller = callers.by_key(store, secret, now)[0]
            else:
                caller = callers.by_token(store, services.tokens, secret, now)
        except NotAuthenticated:
            return False
    return Permission.READ in caller.permissions


def is_users(secret: str) -> bool:
    """Say whether *secret* has the form of a key or a token of a user."""
    return keys.is_key(secret) or secret.count(".") == 2


def _has_expired(granted: Granted, now: Instant) -> bool:
    return granted.token.expires_at is not None and granted.token.expires_at <= now


def _password(encoded: str) -> str | None:
    """Return the password of ``user:password``; who the user is does not matter."""
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2] or None
    except (NotBase64, UnicodeDecodeError, ValueError):
        return None


def see(log: FetchLog, refused: Refusal | None, granted: Granted | None, now: Instant) -> None:
    """Put down for the token of a consumer that it let somebody in, or that it has ended."""
    if granted is not None and (refused is None or refused.status == 401):
        log.saw(granted.token.id, now, is_refused=refused is not None)
