"""``yetictl template``: Jinja templates for exports."""

from pathlib import Path
from typing import IO

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session
from core.errors import TemplateError
from core.schemas.instant import to_text


@click.group()
def command() -> None:
    """Keep Jinja templates for exports.

    A template sees one variable, `data`: the rows, each with `value`, `type`, `tags` (each with `name` and
    `fresh`), `created`, `modified` and `context`.  What is not there is an error; what may be missing is written
    `row.context[0].comment|default('')`.

    \b
      {% for row in data %}{{ row.value }} {{ row.tags|map(attribute="name")|join(",") }}
      {% endfor %}
    """


@command.command()
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--replace", is_flag=True, help="Replace a template of that name.")
@click.pass_obj
def add(session: Session, name: str, file: IO[str], replace: bool) -> None:
    """Keep the template in FILE (- is standard input) under NAME, after checking it."""
    from core.exports.templates import templates
    from core.store import kept_templates

    if not name.isprintable() or name != name.strip() or not name:
        raise TemplateError(
            f"the name {name!r} is empty, begins or ends with a space, or holds what cannot be printed"
        )
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise TemplateError(f"{file.name} is not UTF-8 text") from None
    checked = templates.check(text, name)
    with session.store() as store:
        kept_templates.put_template(store, name, text, session.now, replace=replace)
    say(f"template {name} kept; {checked.summary}")


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the templates."""
    from core.store import kept_templates

    with session.store() as store:
        found = kept_templates.templates(store)
    rows = [(item.name, len(item.text.splitlines()), to_text(item.modified_at)) for item in found]
    if as_json:
        print_json([{"name": name, "lines": lines, "modified": modified} for name, lines, modified in rows])
    elif rows:
        print_table(("template", "lines", "modified"), rows, right=("lines",))
    else:
        say("no templates yet; yetictl template add NAME FILE keeps one")


@command.command()
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Print a template."""
    from core.store import kept_templates

    with session.store() as store:
        click.echo(kept_templates.get_template(store, name).text, nl=False)


@command.command()
@click.argument("template")
@json_option
@click.pass_obj
def check(session: Session, template: str, as_json: bool) -> None:
    """Say whether TEMPLATE (a name, or a file) is sound, and how it will be rendered.

    One that is a single loop over `data` is rendered in batches, whatever the number of rows; any other is
    rendered whole, up to `template.row_limit` rows.
    """
    from core.exports.templates import templates
    from core.store import kept_templates

    path = Path(template)
    if path.is_file():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise TemplateError(f"{path} is not UTF-8 text") from None
    else:
        with session.store() as store:
            text = kept_templates.get_template(store, template).text
    checked = templates.check(text, template)
    if as_json:
        print_json({"template": template, "batched": checked.is_batched, "reason": checked.reason})
        return
    click.echo(f"{template}: sound; {checked.summary}")


@command.command()
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Remove a template that no export uses."""
    from core.store import kept_templates

    with session.store() as store:
        kept_templates.remove_template(store, name)
    say(f"template {name} removed")
