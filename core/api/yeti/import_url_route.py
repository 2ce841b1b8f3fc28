"""``POST /api/v2/observables/import/url``: values out of a file that the program fetches itself, for admins."""

import os
import tempfile
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from core.api.access import Admin, ServicesHere, StoreHere
from core.api.outgoing import Rules, fetch
from core.api.outgoing_proxy import proxies_of_environment
from core.api.routing import LargeBodyRoute
from core.api.services import Services
from core.api.yeti.forms import Form, RequestTags, source_of
from core.api.yeti.import_routes import take_in
from core.api.yeti.observable_forms import Added
from core.ingest.reader import InputFile
from core.ingest.registry import recognise

router = APIRouter(prefix="/observables/import", tags=["observables"], route_class=LargeBodyRoute)


class Fetched(Form):
    """An address on the web, and tags."""

    url: str = Field(max_length=4_000, description="`https://…` or `http://…`, without a password in it.")
    tags: RequestTags = Field(default_factory=list)


@router.post("/url", response_model=Added)
def import_url(given: Fetched, services: ServicesHere, store: StoreHere, caller: Admin) -> Response:
    """Take in the values of a file on the web.

    It is fetched from hosts of the internet, and from those of the setting `api.import_networks`.
    """
    with tempfile.TemporaryDirectory(prefix="yeti-import-") as folder:
        path = Path(folder) / "file"
        name = fetch(given.url, path, rules_of(services))
        file = InputFile(path, name)
        return take_in(services, store, file, recognise(file), given.tags, source_of(caller))


def rules_of(services: Services) -> Rules:
    """Return what may be fetched, by the settings and the variables of all programs."""
    return Rules(
        allowed=services.config.networks("api.import_networks"),
        most_bytes=services.config.whole("api.max_upload_mib") << 20,
        proxies=proxies_of_environment(),
        certificates=os.environ.get("AWS_CA_BUNDLE", ""),
    )
