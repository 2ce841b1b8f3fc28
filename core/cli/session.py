"""What one run of ``yetictl`` shares: its settings, its store, its clock."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core import log
from core.config import Config, load
from core.errors import ConfigError
from core.schemas.instant import Instant

if TYPE_CHECKING:
    from core.exports.settings import Settings
    from core.store import Store


class Session:
    """Settings are read and the store is opened on first use, so that ``--help`` needs neither."""

    def __init__(self, environ: Mapping[str, str], verbose: int) -> None:
        """Keep the environment and how much to say."""
        self._environ = environ
        self._verbose = verbose

    @cached_property
    def config(self) -> Config:
        """The settings; logging is set up by them, and plug-ins of the second folder are known from here on."""
        config = load(self._environ, Path.cwd(), user_data_folder())
        self._set_up(config, config["log.level"])
        for warning in config.warnings:
            click.echo(f"yetictl: {warning}", err=True)
        return config

    def become_service(self) -> None:
        """Do what a process of a service needs: it says what it does, unless the settings say something else."""
        # A connection that its other end closed is an error of that connection, and not the end of the service.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        level = self.config.values["log.level"]
        self._set_up(self.config, "info" if level.origin == "default" else level.text)

    def _set_up(self, config: Config, level: str) -> None:
        log.set_up((level, "info", "debug")[min(self._verbose, 2)], config["log.format"], sys.stderr)
        use_plugins(config)

    @contextmanager
    def store(self) -> Iterator["Store"]:
        """Open the store for the time of a ``with`` block; it is made and brought up to date if need be."""
        from core.store import open_store

        config = self.config
        with open_store(
            config["database.url"], lifetime_s=config.whole("tag.default_tag_expiration") * 86_400
        ) as store:
            yield store

    @property
    def now(self) -> Instant:
        """The instant of this run; ``YETI_NOW`` is not a thing: clocks are set, not pretended."""
        return time.time_ns() // 1_000

    @property
    def export_settings(self) -> "Settings":
        """What an export run needs to know of the settings."""
        from core.exports.settings import settings_of

        return settings_of(self.config)


def user_data_folder() -> Path:
    """Return where ``YETI_HOME`` is when it is not set."""
    import platformdirs

    try:
        return platformdirs.user_data_path("yeti")
    except RuntimeError as error:
        raise ConfigError("no home folder is known for this user; set YETI_HOME") from error


def use_plugins(config: Config) -> None:
    """Make the drop-in files of ``system.plugins_path`` known."""
    from core.clients.persistient_storage.registry import use_plugins_path
    from core.exports.formats import use_plugins_path as use_format_plugins_path

    use_plugins_path(config.path("system.plugins_path") / "storage")
    use_format_plugins_path(config.path("system.plugins_path") / "formats")
