"""Fixtures that every area's tests may use."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from consumer_tools import MissingTools
from databases import KIND, ON_POSTGRESQL, Databases, PostgresqlServer, postgresql_server
from format_proofs import Proofs
from left_out import LeftOut, asking_for_databases
from scoreboard import Scoreboard, mark_rows

if TYPE_CHECKING:
    from core.exports.settings import Settings
    from core.schemas.export import ExportDefinition
    from core.store import Store

INTEL = Path(__file__).parents[2] / "shared" / "data" / "intel"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The scoreboard of storage layers, see scoreboard.py."""
    group = parser.getgroup("scoreboard")
    group.addoption("--scoreboard", action="store_true", help="write docs/reference/scoreboard.md")
    group.addoption("--scoreboard-check", action="store_true", help="fail if that page is not what the tests say")
    group = parser.getgroup("proofs", "proofs of export formats, see format_proofs.py")
    group.addoption("--proofs", action="store_true", help="write core/exports/formats/proofs.json")
    group.addoption("--proofs-check", action="store_true", help="fail if that file is not what the tests say")


def pytest_configure(config: pytest.Config) -> None:
    """Make our mark known; take outcomes down where they are asked for."""
    # How long an example takes is the machine's affair, and a stall of it no fault; pytest's own limit goes for all.
    hypothesis.settings.register_profile(
        "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("tests")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Started in the background of a shell: programs that the tests start would inherit it, and not hear Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "scoreboard(row): a row of docs/reference/scoreboard.md that the test proves"
    )
    config.addinivalue_line("markers", "sqlite: about SQLite's file itself; left out where tests run on a server")
    config.addinivalue_line(
        "markers", "proof(format, consumer, how, tool): what a test proves of a format, see format_proofs.py"
    )
    config.pluginmanager.register(MissingTools())
    if config.option.proofs or config.option.proofs_check:
        config.pluginmanager.register(Proofs(config))
    if KIND not in ("sqlite", "postgresql"):
        raise pytest.UsageError(f"YETI_TEST_DATABASE: {KIND!r} is neither sqlite nor postgresql")
    if ON_POSTGRESQL:
        config.pluginmanager.register(LeftOut())
    if config.option.scoreboard or config.option.scoreboard_check:
        config.pluginmanager.register(Scoreboard(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out on a server what is about a file, and what would be the same there: what asks for no database."""
    if ON_POSTGRESQL:
        asking, others = asking_for_databases(items)
        items[:] = asking
        config.hook.pytest_deselected(items=others)
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(
                    pytest.mark.skip(reason="about SQLite's file itself, and this run is on PostgreSQL")
                )


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
def postgresql() -> Iterator[PostgresqlServer]:
    """A server of PostgreSQL for the run; skip where there is none to be had."""
    pytest.importorskip("psycopg", reason="psycopg is not installed; pip install '.[postgres,test]'")
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases of the kind that the run is about, for as long as the run lasts."""
    if ON_POSTGRESQL:
        found = Databases(Path(), request.getfixturevalue("postgresql"))
    else:
        found = Databases(request.getfixturevalue("made_store"), None)
    yield found
    found.forget()


@pytest.fixture
def new_databases(databases: Databases) -> Iterator[Databases]:
    """The same; what a test makes is dropped when it ends."""
    before = databases.paths
    yield databases
    databases.forget(before)


@pytest.fixture
def database_url(new_databases: Databases, tmp_path: Path) -> str:
    """The address of an empty database."""
    return new_databases.at(tmp_path / "home" / "yeti.db")


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.sqlite), "postgresql"])
def database_of_either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which there is nothing, of either kind; of SQLite's not even the file is there."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/either.db"
        return
    server = request.getfixturevalue("postgresql")
    made = server.make()
    yield made
    server.drop(made)


@pytest.fixture
def place(new_databases: Databases, tmp_path: Path) -> str:
    """The address of a store of the test's own, with the allow-lists that the program carries."""
    return new_databases.at(tmp_path / "yeti.db", made=True)


@pytest.fixture
def store(place: str) -> Iterator["Store"]:
    """That store."""
    from core.store import open_store

    with open_store(place) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> "Settings":
    """The settings of an installation below the test's folder."""
    from core.exports.settings import Settings

    return Settings(export_path=str(tmp_path / "published"), spool_path=tmp_path / "spool")


@pytest.fixture
def define(store: "Store", settings: "Settings") -> Callable[..., "ExportDefinition"]:
    """Define an export of addresses, whatever they are: ``define("x", schedule="every:60")``."""
    from defined_exports import defined

    def make(name: str, **fields: Any) -> "ExportDefinition":
        return defined(store, settings, name, **({"format": "list", "limits": {}} | fields))

    return make


@pytest.fixture(scope="session")
def intel() -> Path:
    """Return the folder of real intelligence beside the project; skip where there is none."""
    if not INTEL.is_dir():
        pytest.skip("the folder of real intelligence is not beside this clone")
    return INTEL
