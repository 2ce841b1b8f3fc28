"""Who asks, and whether they may: what routes depend on."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from core.accounts import callers, keys
from core.accounts.callers import Caller
from core.accounts.permissions import Permission
from core.actor import act_as
from core.api.services import Services
from core.errors import NotAllowed, NotAuthenticated
from core.store import Store

COOKIE = "yeti_session"
MOST_LENT = 32
"""Stores, to requests at once: each is a connection; other requests wait, and no thread with them."""

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

bearer_of = HTTPBearer(auto_error=False, description="A token of /api/v2/auth/api-token, or an API key.")
cookie_of = APIKeyCookie(name=COOKIE, auto_error=False, description="The token of whoever logged in by password.")


def services_of(request: Request) -> Services:
    """Return what the routes share."""
    services: Services = request.app.state.services
    return services


ServicesHere = Annotated[Services, Depends(services_of)]


def lent_store(services: ServicesHere) -> Iterator[Store]:
    """Lend a store until the route has returned: while its answer is sent it is somebody else's."""
    with services.store() as store:
        yield store


StoreHere = Annotated[Store, Depends(lent_store, scope="function", max_concurrency=MOST_LENT)]


BearerHere = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_of)]
CookieHere = Annotated[str | None, Depends(cookie_of)]


def known_caller(
    request: Request, services: ServicesHere, store: StoreHere, bearer: BearerHere, cookie: CookieHere
) -> Caller:
    """Return who asks.

    Raises:
        NotAuthenticated: That is not known.
    """
    if bearer is not None:
        if keys.is_key(bearer.credentials):
            return callers.by_key(store, bearer.credentials, services.now)[0]
        return callers.by_token(store, services.tokens, bearer.credentials, services.now)
    if cookie:
        check_same_origin(request)
        return callers.by_token(store, services.tokens, cookie, services.now)
    raise NotAuthenticated("Could not validate credentials")


async def caller_of(request: Request, caller: Annotated[Caller, Depends(known_caller)]) -> Caller:
    """Return who asks; what the request changes from here on is put down as changed by that one.

    It is a coroutine, so that it runs in the task of the request: threads that the route runs in inherit from that.

    Raises:
        NotAuthenticated: It is not known who asks.
    """
    act_as(caller.name)
    request.state.tells_places = Permission.ADMIN in caller.permissions
    return caller


CallerHere = Annotated[Caller, Depends(caller_of)]


def needs(permission: Permission) -> Callable[[Caller], Caller]:
    """Return a dependency that gives who asks, if they may do that; routes name what they need by it."""

    def allowed(caller: CallerHere) -> Caller:
        if permission not in caller.permissions:
            raise NotAllowed(f"{caller.name} may not do that: it needs {permission}")
        return caller

    allowed.permission = permission  # type: ignore[attr-defined]  # read by tests of who may do what
    return allowed


Reader = Annotated[Caller, Depends(needs(Permission.READ))]
ObservableEditor = Annotated[Caller, Depends(needs(Permission.OBSERVABLES))]
ExportEditor = Annotated[Caller, Depends(needs(Permission.EXPORTS))]
Admin = Annotated[Caller, Depends(needs(Permission.ADMIN))]


def address_of(request: Request) -> str:
    """Return the address of who asks: behind a trusted proxy, what that says."""
    return request.client.host if request.client else ""


def check_same_origin(request: Request) -> None:
    """Let a page of another site change nothing with the cookie of whoever looks at it, nor log anybody in.

    Browsers send ``Origin`` with every request that may change something.

    Raises:
        NotAuthenticated: It is another site's, or was not encrypted where we are.
    """
    origin = request.headers.get("origin")
    if request.method in _SAFE or origin is None:
        return
    parts = urlsplit(origin)
    # Not the other way round: behind a proxy that is not trusted we do not know that we are encrypted.
    is_weaker = request.url.scheme == "https" and parts.scheme != "https"
    if is_weaker or parts.netloc != request.headers.get("host", ""):
        raise NotAuthenticated("Could not validate credentials")


def permission_of(dependency: Callable[..., Any]) -> Permission | None:
    """Return what a dependency made by `needs` asks for, ``None`` for any other."""
    found: Permission | None = getattr(dependency, "permission", None)
    return found
