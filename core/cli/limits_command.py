"""``yetictl export limits``: what the gate of an export goes by."""

import click

from core.cli.output import json_option, print_json, print_table


@click.command()
@json_option
def limits(as_json: bool) -> None:
    """Print the limits that an export can have, with their defaults.

    `--limit KEY=VALUE` of `export add` and `export edit` sets one; KEY= makes it the default again.
    """
    from core.exports.gate.limits import LIMITS

    if as_json:
        print_json(
            [
                {"key": limit.key, "default": limit.default, "form": limit.form, "meaning": limit.meaning}
                for limit in LIMITS
            ]
        )
        return
    print_table(
        ("limit", "default", "meaning"), [(limit.key, limit.default or "-", limit.meaning) for limit in LIMITS]
    )
