"""What pytest learns from Yeti Exports: ``--storage-url``.

``pytest --storage-url=s3://bucket/prefix``, with no tests named, runs the conformance kit of storage clients there.
Every pytest of an environment imports this module, also where a project has a package ``core`` of its own: so it
is no part of ours, and imports nothing of it before the option is given.
"""

from pathlib import Path
from typing import Any

import pytest

_OURS = Path(__file__).parent / "core"
_KIT = str(_OURS / "testing" / "storage" / "at_url.py")


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
    """With ``--storage-url`` and nothing else named, choose the kit as what is run."""
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
    import core

    places = [Path(place) for place in getattr(core, "__path__", [core.__file__ or "?"])]
    if _OURS not in places:
        raise pytest.UsageError(
            f"--storage-url: the package core is {places[0]} here, not that of Yeti Exports; run pytest in another "
            "folder"
        )
    from core.testing.storage.url import chosen

    return chosen(config)
