"""The description of the interface: what each route needs of whoever asks."""

import re
from collections.abc import Callable

import pytest
from served import Api

from core.api.access import Admin, CallerHere, ExportEditor, ObservableEditor, Reader
from core.api.app import create_app
from core.api.openapi import PERMISSION, Need, needs_of


@pytest.mark.parametrize(
    ("dependency", "permission"),
    [
        (Reader, "read"),
        (ObservableEditor, "observables"),
        (ExportEditor, "exports"),
        (Admin, "admin"),
        (CallerHere, None),
    ],
)
def test_description_says_what_a_route_needs(
    make_api: Callable[..., Api], dependency: object, permission: str | None
) -> None:
    """``x-permission`` is what the route depends on; a route for whoever is known has none."""
    app = create_app(make_api().services)

    def route(caller: object) -> None:
        """Do something."""

    route.__annotations__["caller"] = dependency
    app.get("/api/v2/something/{name:path}")(route)
    operation = app.openapi()["paths"]["/api/v2/something/{name}"]["get"]

    assert permission == operation.get(PERMISSION)
    assert (f"Needs `{permission}`" in operation["description"]) == (permission is not None)
    assert Need("GET", "/api/v2/something/{name}", permission, is_known=True) in list(needs_of(app))


def test_log_in_needs_nothing(api: Api) -> None:
    """Routes that give tokens are open to anybody, and say so by saying nothing."""
    with api.client(None) as client:
        paths = client.get("/openapi.json").json()["paths"]
    found = [operation for path, item in paths.items() if "/auth/" in path for operation in item.values()]

    assert len(found) >= 4
    assert [] == [operation for operation in found if PERMISSION in operation]


def test_page_says_what_it_is_drawn_by(api: Api) -> None:
    """Where the script cannot be reached, that sentence is what there is; nothing else is fetched from elsewhere."""
    with api.client(None) as client:
        page = client.get("/docs").text
        described = client.get("/openapi.json").status_code
        elsewhere = set(re.findall(r"(?:src|href)=.https?://([^/]+)/", page))

    assert {"cdn.jsdelivr.net"} == elsewhere
    assert '<div id="swagger-ui">\n<p>This page is drawn by a script from cdn.jsdelivr.net.' in page
    assert ('href="openapi.json"' in page, 200) == (True, described)
