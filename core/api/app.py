"""The application: routes, errors and what is around them, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from core import __version__
from core.api import answers, edge, yeti
from core.api.openapi import Application
from core.api.services import Services
from core.api.yeti import (
    auth_routes,
    import_routes,
    indicator_routes,
    observable_routes,
    system_routes,
    tag_routes,
    task_routes,
    template_routes,
)

_YETI = (
    auth_routes,
    task_routes,
    template_routes,
    import_routes,
    observable_routes,
    tag_routes,
    system_routes,
    indicator_routes,
)
_DESCRIPTION = """\
Exports of threat intelligence: what Yeti's clients speak, and beside it versions, differences, explanations and more.

Get a token with an API key (`POST /api/v2/auth/api-token`, header `x-yeti-apikey`), or send the key itself as Bearer.
"""


def create_app(services: Services) -> FastAPI:
    """Return the application for an installation; the store is not opened before the first request."""
    config = services.config

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()

    app = Application(
        title="Yeti Exports",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=[
            Middleware(
                edge.Edge,
                trusted=config.networks("api.trusted_proxies"),
                most_mib=config.whole("api.max_upload_mib"),
            )
        ],
    )
    app.state.services = services
    answers.install(app)
    for module in _YETI:
        app.include_router(module.router, prefix=yeti.PREFIX)
    return app
