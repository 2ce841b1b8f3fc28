"""``/docs``: the whole interface to look at and to try, by Swagger UI, which a browser fetches from elsewhere."""

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.requests import Request

PATH = "/docs"
_NO_ICON = "data:,"
_PLACE = '<div id="swagger-ui">'
_UNTIL_THERE = """
<p>This page is drawn by a script from cdn.jsdelivr.net. Where that cannot be reached, nothing but this is here;
<a href="openapi.json">openapi.json</a> says the same, and any viewer of OpenAPI shows it.</p>
"""


def install(app: FastAPI) -> None:
    """Add the page; what it says is there until its script has taken the place of it."""
    made = get_swagger_ui_html(
        openapi_url=app.openapi_url or "", title=f"{app.title}: the API", swagger_favicon_url=_NO_ICON
    )
    page = HTMLResponse(bytes(made.body).decode().replace(_PLACE, _PLACE + _UNTIL_THERE))

    async def docs(_: Request) -> HTMLResponse:
        return page

    app.add_route(PATH, docs, include_in_schema=False)
