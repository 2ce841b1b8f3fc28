"""Fixtures that every area's tests may use."""

import signal
from pathlib import Path

import pytest
from scoreboard import Scoreboard, mark_rows

INTEL = Path(__file__).parents[2] / "shared" / "data" / "intel"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The scoreboard of storage layers, see scoreboard.py."""
    group = parser.getgroup("scoreboard")
    group.addoption("--scoreboard", action="store_true", help="write docs/reference/scoreboard.md")
    group.addoption("--scoreboard-check", action="store_true", help="fail if that page is not what the tests say")


def pytest_configure(config: pytest.Config) -> None:
    """Make our mark known; take outcomes down where they are asked for."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Started in the background of a shell: programs that the tests start would inherit it, and not hear Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "scoreboard(row): a row of docs/reference/scoreboard.md that the test proves"
    )
    if config.option.scoreboard or config.option.scoreboard_check:
        config.pluginmanager.register(Scoreboard(config))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let ``-m scoreboard`` find the tests of the kit too."""
    mark_rows(item)


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the allow-lists that the program carries: to be copied, since making one takes a second."""
    from core.store import open_store
    from core.store.allow_lists import hits as allow_hits

    path = tmp_path_factory.mktemp("made") / "yeti.db"
    with open_store(f"sqlite:///{path}") as store:
        allow_hits.refresh(store, 1_790_000_000_000_000)
    return path


@pytest.fixture(scope="session")
def intel() -> Path:
    """Return the folder of real intelligence beside the project; skip where there is none."""
    if not INTEL.is_dir():
        pytest.skip("the folder of real intelligence is not beside this clone")
    return INTEL
