"""Render observables by a template at once, for somebody to look at: nothing is kept and nothing is published."""

from collections.abc import Iterable
from pathlib import Path

from core.errors import TemplateError
from core.exports.settings import Settings
from core.exports.templates import templates
from core.exports.templates.rows import frames
from core.store.rows import Row


def render_rows(text: str, batches: Iterable[list[Row]], count: int, path: Path, settings: Settings) -> None:
    """Write *batches* to the new file *path* as the template *text* says.

    Args:
        text: Of the template.
        batches: The rows.
        count: How many rows there will be.
        path: A file that is not there yet.
        settings: For the bounds of templates.

    Raises:
        TemplateError: The template failed, went over a bound, or is rendered whole and may not be given so many rows.
    """
    checked = templates.check(text)
    if not checked.is_batched and count > settings.template_row_limit:
        raise TemplateError(
            f"it is rendered whole because {checked.reason}, and {count:,} rows are more than "
            f"template.row_limit ({settings.template_row_limit:,})"
        )
    bounds = templates.Bounds(
        settings.template_memory_mib, settings.template_timeout_s, settings.template_output_mib
    )
    only_names = checked.parts is not None and checked.parts.only_names
    with path.open("wb", buffering=0) as out:
        templates.render(text, frames(batches, only_names=only_names), out, bounds, parts=checked.parts)
