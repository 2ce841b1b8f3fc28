"""Installations that are served on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile

import pytest
from served import Api, Clock, listening

from core.api.app import create_app
from core.api.services import Services
from core.config import load


@pytest.fixture
def make_api(tmp_path: Path, made_store: Path) -> Iterator[Callable[..., Api]]:
    """Return a function that serves an installation of its own, with settings such as ``api_max_upload_mib="1"``."""
    with ExitStack() as stack:
        number = 0

        def make(**settings: str) -> Api:
            nonlocal number
            number += 1
            home = tmp_path / f"home-{number}"
            home.mkdir()
            copyfile(made_store, home / "yeti.db")
            environ = {"YETI_HOME": str(home), "YETI_API_PORT": "0"}
            environ |= {f"YETI_{name.upper()}": value for name, value in settings.items()}
            clock = Clock()
            services = Services(load(environ, home, home), clock=clock)
            app = create_app(services)
            return Api(stack.enter_context(listening(app, services)), services, clock, app)

        yield make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """Serve an installation with nothing in it but the allow-lists that the program carries."""
    return make_api()
