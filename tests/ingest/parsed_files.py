"""Read one file as an import does, without a store."""

from dataclasses import dataclass, field

from core.ingest.reader import InputFile, Options
from core.ingest.registry import READERS, recognise
from core.schemas.claim import AllowListEntries, Claim, Refusal


@dataclass
class Parsed:
    """What an importer gave for one text."""

    format: str
    claims: list[Claim] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    allow_lists: list[AllowListEntries] = field(default_factory=list)
    is_damaged: bool = False

    @property
    def found(self):
        """Type and value of every claim, in order."""
        return [(claim.type, claim.value) for claim in self.claims]

    @property
    def refused(self):
        """Line and reason of every refusal, in order."""
        return [(refusal.line, refusal.reason) for refusal in self.refusals]


def parse_file(path, format="auto", **options):
    """Read one file as an import does."""
    file = InputFile(path)
    reader = recognise(file) if format == "auto" else READERS[format]
    parsed = Parsed(reader.NAME)
    for item in reader.read(file, Options(**options)):
        if isinstance(item, Claim):
            parsed.claims.append(item)
        elif isinstance(item, Refusal):
            parsed.refusals.append(item)
        else:
            parsed.allow_lists.append(item)
    parsed.is_damaged = file.is_damaged
    return parsed
