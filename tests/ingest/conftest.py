"""What the tests of the importers share."""

import pytest
from parsed_files import parse_file

from core.store import open_store


@pytest.fixture
def parse(tmp_path):
    """Return a function that reads a text, or bytes, given a file name."""

    def run(text, name="list.txt", format="auto", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_file(path, format, **options)

    return run


@pytest.fixture
def store(database_url):
    """Return an empty store."""
    with open_store(database_url) as opened:
        yield opened
