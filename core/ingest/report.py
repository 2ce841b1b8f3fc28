"""What an import did."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class FileResult:
    """What one file gave.

    ``format`` is empty and ``reason`` says why if it could not be read at all.
    """

    path: Path
    format: str = ""
    reason: str = ""
    rows: int = 0
    refused: int = 0
    templates: int = 0
    allow_list_entries: int = 0
    is_damaged: bool = False
    sources: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ImportReport:
    """What an import did, over all files.

    Attributes:
        files: Files that were to be read, those that could not be among them.
        refused_files: Files that could not be read at all.
        rows: Claims read, and rows refused.
        observables: Distinct observables by type.
        new, updated, unchanged: The same observables by what became of them.
        refused: Rows, and parts of rows such as a date, that were refused.
        stale: Assertions that are already past their end.
        withdrawn: Assertions that their source took back.
        ended: Assertions that a snapshot ended.
        templates, allow_list_entries: What else was stored.
        notes: Sentences for the user.
        results: File by file.
    """

    files: int = 0
    refused_files: int = 0
    rows: int = 0
    observables: dict[str, int] = field(default_factory=dict)
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    stale: int = 0
    withdrawn: int = 0
    ended: int = 0
    templates: int = 0
    allow_list_entries: int = 0
    notes: list[str] = field(default_factory=list)
    results: list[FileResult] = field(default_factory=list)
