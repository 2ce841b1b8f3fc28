"""The application: routes, errors and what is around them, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from core import __version__
from core.api import answers, bodies, docs_page, edge, health, metrics, yeti
from core.api.exports import routes as exports
from core.api.exports.names import WholeNames
from core.api.files.route import FilesRoute
from core.api.files.service import FileService
from core.api.nul import refuse_nul
from core.api.openapi import Application
from core.api.services import Services
from core.api.taxii import routes as taxii_routes
from core.api.users import audit_routes, own_routes, user_routes
from core.api.yeti import (
    auth_routes,
    content_route,
    import_routes,
    import_url_route,
    indicator_routes,
    observable_routes,
    system_routes,
    tag_routes,
    task_routes,
    template_routes,
)

_IN_YETIS_FORM = (
    auth_routes,
    own_routes,
    user_routes,
    audit_routes,
    task_routes,
    content_route,
    template_routes,
    import_routes,
    import_url_route,
    observable_routes,
    tag_routes,
    system_routes,
    indicator_routes,
)
"""Modules of routes under /api/v2 whose errors are as Yeti's."""

_DESCRIPTION = """\
Exports of threat intelligence: what Yeti's clients speak, and beside it versions, differences, explanations and more.

Get a token with an API key (`POST /api/v2/auth/api-token`, header `x-yeti-apikey`), or send the key itself as Bearer.
"""


def create_app(services: Services) -> FastAPI:
    """Return the application for an installation; the store is not opened before the first request."""
    config = services.config
    files = FileService(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        files.start()
        yield
        await asyncio.to_thread(files.close)
        services.close()

    app = Application(
        title="Yeti Exports",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(
                edge.Edge,
                trusted=config.networks("api.trusted_proxies"),
                most_mib=config.whole("api.max_upload_mib"),
                grace_s=config.whole("api.upload_grace_s"),
                measure=services.figures.measure,
            ),
            Middleware(answers.Faults),
            Middleware(bodies.Bodies, services=services),
            Middleware(WholeNames),
        ],
        dependencies=[Depends(refuse_nul)],
        openapi_tags=exports.TAGS,
    )
    app.state.services = services
    app.state.files = files
    app.router.routes.insert(0, FilesRoute(files))
    answers.install(app)
    docs_page.install(app)
    for module in (health, metrics):
        app.include_router(module.router)
    for module in _IN_YETIS_FORM:
        app.include_router(module.router, prefix=yeti.PREFIX)
    app.include_router(exports.router())
    app.include_router(taxii_routes.router)
    return app
