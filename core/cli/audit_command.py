"""``yetictl audit``: who changed what."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.parameters import Moment
from core.cli.session import Session
from core.schemas.instant import Instant, to_second

if TYPE_CHECKING:
    from core.store.audit import AuditEntry


@click.command()
@click.option("--actor", metavar="NAME", help="Changes by this one only; of a user, with all keys.")
@click.option("--action", metavar="TEXT", help="Changes whose name begins so only, such as `export`.")
@click.option("--since", type=Moment(), help="Changes since then only, such as 2026-11-01.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def command(
    session: Session, actor: str | None, action: str | None, since: Instant | None, limit: int, as_json: bool
) -> None:
    """Print who changed what, newest first: by a command or through the API.

    Runs by schedule are not among it; `yetictl export runs` has them.
    """
    from core.store import audit

    with session.store() as store:
        found = audit.entries(store, actor=actor, action=action, since=since, limit=limit)
    if as_json:
        print_json([_as_object(item) for item in found])
    elif found:
        rows = [
            (to_second(item.at), item.actor, item.action, item.subject, _detail_text(item.detail))
            for item in found
        ]
        print_table(("at", "by", "what", "of", "detail"), rows)
    else:
        say("nothing was changed yet" if not (actor or action or since) else "no change was like that")


def _as_object(item: "AuditEntry") -> dict[str, Any]:
    return {
        "id": item.id,
        "at": to_second(item.at),
        "actor": item.actor,
        "action": item.action,
        "subject": item.subject,
        "detail": dict(item.detail),
    }


def _detail_text(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_value_text(value)}" for key, value in detail.items())


def _value_text(value: Any) -> str:
    match value:
        case {"from": before, "to": after}:
            return f"{_value_text(before)} → {_value_text(after)}"
        case list():
            return "; ".join(map(_value_text, value)) or "none"
        case dict():
            return "; ".join(f"{key}={_value_text(item)}" for key, item in value.items()) or "none"
        case "" | None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
