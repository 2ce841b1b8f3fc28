"""``yetictl format``: what exports can be written as."""

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session


@click.group()
def command() -> None:
    """List the formats that exports can have."""


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print every format with its options.

    A format is one Python file; one of yours in the folder `formats` of `system.plugins_path` is used at once.
    """
    from core.exports.formats import broken_formats, formats

    session.config  # noqa: B018 - makes the drop-in folder known
    known = formats()
    broken = broken_formats()
    if as_json:
        print_json(
            {
                "formats": [
                    {
                        "name": name,
                        "meaning": form.MEANING,
                        "media_type": form.MEDIA_TYPE,
                        "suffix": form.SUFFIX,
                        "options": {key: option.meaning for key, option in form.OPTIONS.items()},
                    }
                    for name, form in sorted(known.items())
                ],
                "broken": [{"file": str(item.origin), "reason": item.reason} for item in broken],
            }
        )
        return
    print_table(
        ("format", "suffix", "media type", "what it is"),
        [(name, form.SUFFIX, form.MEDIA_TYPE, form.MEANING) for name, form in sorted(known.items())],
    )
    for name, form in sorted(known.items()):
        for key, option in form.OPTIONS.items():
            click.echo(f"  {name}: --option {key}={option.default}   {option.meaning}")
    for item in broken:
        say(f"not usable: {item.origin}: {item.reason}")
