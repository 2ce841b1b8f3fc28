"""``/metrics``: figures for Prometheus.

What is true of the installation is read from the store, so that it is the same whichever process of ``api`` is asked;
what is true of requests is counted by the processes of this machine together.  ``tasks`` has no page of its own: all
that it does stands in the store.
"""

from fastapi import APIRouter, Depends, Request, Response

from core.accounts.callers import Caller
from core.accounts.permissions import Permission
from core.api import access
from core.api.access import BearerHere, CookieHere, ServicesHere, StoreHere

router = APIRouter(tags=["health"])


def metrics_reader(
    request: Request, services: ServicesHere, store: StoreHere, bearer: BearerHere, cookie: CookieHere
) -> Caller | None:
    """Return who asks, if they may read; ``None`` where anybody may (``api.open_metrics``).

    Raises:
        NotAuthenticated: That is not known.
    """
    if services.config["api.open_metrics"] == "yes":
        return None
    return access.needs(Permission.READ)(access.known_caller(request, services, store, bearer, cookie))


metrics_reader.permission = Permission.READ  # type: ignore[attr-defined]  # read by tests of who may do what


@router.get(
    "/metrics",
    dependencies=[Depends(metrics_reader)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The figures."}},
)
def metrics(request: Request, services: ServicesHere) -> Response:
    """Give the figures of runs, lists, consumers, the queue and requests, in the format of Prometheus or OpenMetrics."""
    body, media_type = services.figures.page(request.headers.get("accept", ""))
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store", "Vary": "Accept"})
