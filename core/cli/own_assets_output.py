"""What to do where an asset of one's own would be on a list: nobody can release that."""

import shlex
from typing import TYPE_CHECKING

from core.cli.output import say
from core.schemas.export import ExportDefinition

if TYPE_CHECKING:
    from core.exports.gate.verdict import Verdict
    from core.exports.run_result import RunResult
    from core.store import Store

_MOST_EXAMPLES = 3
_RULE = "own-assets"


def has_own_assets(verdict: "Verdict") -> bool:
    """Say whether that is one of the reasons."""
    return any(reason.rule == _RULE for reason in verdict.reasons)


def way_out(definition: ExportDefinition) -> str:
    """Return the commands that keep a value off all exports, or off this one besides what is kept off it now."""
    never = " ".join([*definition.limits.get("never", "").split(), "VALUE"])
    edit = f"yetictl export edit {shlex.quote(definition.name)} --limit {shlex.quote(f'never={never}')}"
    return f"to keep one off: yetictl observable withdraw VALUE --reason TEXT, for every export; or {edit}, for this one"


def say_way_out(store: "Store", result: "RunResult") -> None:
    """Say the same of a run that is held for one, and which of them the published version lists already."""
    from core.exports.answers.holders import own_assets_on
    from core.store import definitions

    if result.verdict is None or not has_own_assets(result.verdict):
        return
    say(f"{result.export}: {way_out(definitions.get_export(store, result.export))}")
    values = own_assets_on(store, result.export)
    published = f"{result.export}: version {result.version}, which is published, lists"
    for value in values[:_MOST_EXAMPLES]:
        withdraw = f"yetictl observable withdraw {shlex.quote(value)} --reason TEXT"
        say(f"{published} {value} already: {withdraw} takes it off every list")
    if len(values) > _MOST_EXAMPLES:
        say(f"{published} {len(values) - _MOST_EXAMPLES:,} more")
