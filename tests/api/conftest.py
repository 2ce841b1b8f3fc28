"""Installations that are served on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from databases import Databases
from served import Api, served_installation


@pytest.fixture
def make_api(tmp_path: Path, new_databases: Databases) -> Iterator[Callable[..., Api]]:
    """Return a function that serves an installation of its own, with settings such as ``api_max_upload_mib="1"``."""
    with ExitStack() as stack:
        number = 0

        def make(**settings: str) -> Api:
            nonlocal number
            number += 1
            home = tmp_path / f"home-{number}"
            home.mkdir()
            return stack.enter_context(served_installation(home, new_databases, **settings))

        yield make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """Serve an installation with nothing in it but the allow-lists that the program carries."""
    return make_api()
