"""``yetictl format``: what exports can be written as, and who reads that."""

from typing import TYPE_CHECKING, Any

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session

if TYPE_CHECKING:
    from core.exports.formats import Consumer, Format


@click.group()
def command() -> None:
    """List and show the formats that exports can have."""


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print every format, and who reads it.

    A format is one Python file; one of yours in the folder `formats` of `system.plugins_path` is used at once.
    """
    from core.exports.formats import broken_formats, formats

    session.config  # noqa: B018 - makes the drop-in folder known
    known = formats()
    broken = broken_formats()
    if as_json:
        print_json(
            {
                "formats": [_object(name, form) for name, form in known.items()],
                "broken": [{"file": str(item.origin), "reason": item.reason} for item in broken],
            }
        )
        return
    print_table(
        ("format", "suffix", "what it is", "read by"),
        [(name, form.SUFFIX, form.MEANING, _readers(form)) for name, form in known.items()],
    )
    say("yetictl format show NAME prints options, limits, and how to wire it up")
    for item in broken:
        say(f"not usable: {item.origin}: {item.reason}")


@command.command("show")
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Print what a format takes, its options, who reads it, how that is proven, and how to wire it up."""
    from core.exports.formats import get_format
    from core.values.types import TYPES

    session.config  # noqa: B018 - makes the drop-in folder known
    form = get_format(name)
    if as_json:
        print_json(_object(name, form))
        return
    click.echo(f"{name}: {form.MEANING}")
    click.echo(f"  published as  {form.SUFFIX}, {form.MEDIA_TYPE}")
    click.echo(
        f"  takes         {', '.join(sorted(form.TYPES)) if form.TYPES != TYPES and form.TYPES else 'every type'}"
    )
    for key, option in form.OPTIONS.items():
        click.echo(f"  --option {key}={option.default}")
        click.echo(f"      {option.meaning}")
    for consumer in getattr(form, "CONSUMERS", ()):
        _print_consumer(form, consumer)


def _print_consumer(form: "Format", consumer: "Consumer") -> None:
    from core.exports.formatting.proofs import proof_text

    click.echo(f"\n{consumer.name}")
    lines = {
        "proof": proof_text(form.NAME, consumer),
        "limits": consumer.limits,
        "one bad entry": consumer.one_bad_entry,
        "setup": consumer.setup,
    }
    if consumer.options:
        lines = {"options": consumer.options, **lines}
    if consumer.checker:
        lines["checker"] = f"{consumer.checker}, {_when_run(form, consumer.checker)}"
    if consumer.tested_with:
        lines["tested with"] = f"{consumer.tested_with}, in the tests of the format; not run before publishing"
    for word, text in lines.items():
        click.echo(f"  {word:<14}{text}")


def _when_run(form: "Format", checker: str) -> str:
    from core.exports.formatting.checker import find

    if not hasattr(form, "check"):
        return "not run: the format has no check"
    is_here = "installed" if find(checker.split()[0]) else "not installed on this machine"
    return f"{is_here}; run before publishing, unless the limit check is no"


def _readers(form: "Format") -> str:
    return "; ".join(consumer.name for consumer in getattr(form, "CONSUMERS", ()))


def _object(name: str, form: "Format") -> dict[str, Any]:
    from core.exports.formatting.proofs import UNPROVEN, proof_of

    consumers = []
    for consumer in getattr(form, "CONSUMERS", ()):
        proof = proof_of(name, consumer)
        consumers.append(
            {
                "name": consumer.name,
                "options": consumer.given,
                "proof": proof.how if proof else UNPROVEN,
                "proven_with": proof.tools if proof else {},
                "limits": consumer.limits,
                "one_bad_entry": consumer.one_bad_entry,
                "setup": consumer.setup,
                "checker": consumer.checker or None,
                "tested_with": consumer.tested_with or None,
            }
        )
    return {
        "name": name,
        "meaning": form.MEANING,
        "media_type": form.MEDIA_TYPE,
        "suffix": form.SUFFIX,
        "types": None if form.TYPES is None else sorted(form.TYPES),
        "options": {key: option.meaning for key, option in form.OPTIONS.items()},
        "defaults": {key: option.default for key, option in form.OPTIONS.items()},
        "consumers": consumers,
    }
