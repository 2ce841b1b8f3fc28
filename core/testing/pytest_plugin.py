"""What pytest learns from this package: ``--storage-url`` and the marker that the scoreboard is made from."""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add ``--storage-url``."""
    group = parser.getgroup("yeti-exports", "storage clients")
    group.addoption(
        "--storage-url",
        metavar="URL",
        help="run the conformance kit of storage clients on this path, such as s3://bucket/prefix",
    )


def pytest_configure(config: Any) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "scoreboard(row): a row of docs/reference/scoreboard.md that the test proves"
    )
