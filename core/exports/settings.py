"""What the export engine needs to know of the configuration."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an export run; the command line fills it from the configuration.

    Attributes:
        export_path: Where exports without a destination of their own are published, a storage path.
        spool_path: A local folder for files that are being made; it is cleaned by every run.
        template_row_limit: The most rows that a template which cannot be batched may be given.
        template_memory_mib: Address space of the process that renders a template.
        template_timeout_s: Seconds that one run may spend in its template.
        template_output_mib: The largest file that a template may produce.
    """

    export_path: str
    spool_path: Path
    template_row_limit: int = 100_000
    template_memory_mib: int = 512
    template_timeout_s: int = 300
    template_output_mib: int = 2048
