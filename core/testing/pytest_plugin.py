"""What pytest learns from this package: ``--storage-url`` and the marker that the scoreboard is made from.

``pytest --storage-url=s3://bucket/prefix``, with no tests named, runs the conformance kit of storage clients there.
Every pytest of an environment imports this module: it imports nothing of the program by itself.
"""

from pathlib import Path
from typing import Any

import pytest

_KIT = str(Path(__file__).parent / "storage" / "at_url.py")


def pytest_addoption(parser: Any) -> None:
    """Add the options."""
    group = parser.getgroup("yeti-exports", "storage clients")
    group.addoption(
        "--storage-url",
        metavar="URL",
        help="run the conformance kit of storage clients below this path, such as s3://bucket/prefix; each test "
        "uses URL/NAME with a new name, or NAME where {} stands in the URL, and removes what it stored",
    )
    group.addoption(
        "--storage-plugins",
        metavar="FOLDER",
        help="look for the storage client of --storage-url in the files of this folder too",
    )


def pytest_configure(config: Any) -> None:
    """Make the marker known; with ``--storage-url`` and nothing else named, choose the kit as what is run."""
    config.addinivalue_line(
        "markers", "scoreboard(row): a row of docs/reference/scoreboard.md that the test proves"
    )
    if config.getoption("storage_url") and config.args_source is not config.ArgsSource.ARGS:
        config.args = [_KIT]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: Any) -> None:
    """Try the place of ``--storage-url`` once, and end with the reason if it cannot be used."""
    if session.config.args == [_KIT]:
        _chosen(session.config).check()


def pytest_report_header(config: Any) -> list[str] | None:
    """Say what is tested, and what will not be."""
    return _chosen(config).headlines() if config.args == [_KIT] else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: Any) -> None:
    """Remove what is still there, also after an interrupt."""
    if session.config.args == [_KIT]:
        _chosen(session.config).remove_all()


def _chosen(config: Any) -> Any:
    from core.testing.storage.url import chosen

    return chosen(config)
