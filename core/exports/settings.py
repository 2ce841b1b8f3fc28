"""What the export engine needs to know of the configuration."""

from dataclasses import dataclass, field
from pathlib import Path

from core.config import VERSIONS_PATH, Config, is_on_server
from core.errors import ConfigError
from core.redaction import redact


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an export run; see `settings_of`.

    Attributes:
        export_path: Where exports without a destination of their own are published, a storage path.
        spool_path: A local folder for files that are being made; it is cleaned by every run.
        template_row_limit: The most rows that a template which cannot be batched may be given.
        template_memory_mib: Address space of the process that renders a template.
        template_timeout_s: Seconds that one run may spend in its template.
        template_output_mib: The largest file that a template may produce.
        versions_path: Where versions, ledgers and manifests are kept, a storage path; by default the folder
            ``versions`` beside the spool.
        keep_last, keep_daily, keep_weekly: Which versions are kept; see `core.exports.versions.retention`.
        sha256sums: Whether ``SHA256SUMS`` is kept beside what is published.
        signing_key: The file of a secret key of minisign; ``None`` signs nothing.
        signing_key_password: What opens that file, if it is encrypted.
    """

    export_path: str
    spool_path: Path
    template_row_limit: int = 100_000
    template_memory_mib: int = 512
    template_timeout_s: int = 300
    template_output_mib: int = 2048
    versions_path: str = ""
    keep_last: int = 24
    keep_daily: int = 14
    keep_weekly: int = 8
    sha256sums: bool = True
    signing_key: Path | None = None
    signing_key_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Put versions beside the spool where nobody said where."""
        if not self.versions_path:
            object.__setattr__(self, "versions_path", str(self.spool_path.with_name("versions")))


def settings_of(config: Config) -> Settings:
    """Return the settings of an export run as the configuration has them.

    Raises:
        ConfigError: Where versions are kept has to be said; see `versions_path`.
    """
    return Settings(
        export_path=config["system.export_path"],
        spool_path=config.home / "spool",
        template_row_limit=config.whole("template.row_limit"),
        template_memory_mib=config.whole("template.memory_mib"),
        template_timeout_s=config.whole("template.timeout_s"),
        template_output_mib=config.whole("template.output_mib"),
        versions_path=versions_path(config),
        keep_last=config.whole("versions.keep_last"),
        keep_daily=config.whole("versions.keep_daily"),
        keep_weekly=config.whole("versions.keep_weekly"),
        sha256sums=config["publish.sha256sums"] == "yes",
        signing_key=config.path("publish.signing_key") if config["publish.signing_key"] else None,
        signing_key_password=config["publish.signing_key_password"],
    )


def versions_path(config: Config) -> str:
    """Return where versions are kept.

    Raises:
        ConfigError: Nobody said, and it cannot be known: with PostgreSQL a folder of this host would be another one on
            the next, and of a client that has but the five methods names are flat.
    """
    place = config[VERSIONS_PATH]
    if config.values[VERSIONS_PATH].origin != "default" or not is_on_server(config["database.url"]):
        return place
    export_path = redact(config["system.export_path"])
    if place and _has_folders(place):
        return place
    why = (
        f"below {export_path} there is no place for them" if "://" in export_path else f"{export_path} is a folder"
    )
    raise ConfigError(
        f"{VERSIONS_PATH} has to be set: the store is on PostgreSQL, which other hosts may use, too, and {why}; name a "
        "place that all of them reach and no consumer, such as s3://private-bucket/versions, or a folder if there is one "
        "host only"
    )


def _has_folders(place: str) -> bool:
    from core.clients.persistient_storage import get_client

    return hasattr(get_client(place), "open_writer")
