"""Libraries that only some users need: imported on first use, and asked for by name where they are missing."""

from importlib import import_module
from typing import Any

from core.errors import ExtraMissing


def needed(module: str, *, extra: str, scheme: str) -> Any:
    """Return the imported *module*, which the extra of that name of this distribution installs.

    Raises:
        ExtraMissing: It is not installed; the message says what to type.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ExtraMissing(
            f"{scheme} needs a package that is not installed ({error.name or module}); "
            f"install it, in the project's folder, with: pip install '.[{extra}]'"
        ) from error
