"""``yetictl notify``: what is not as it should be, and who was told."""

from typing import TYPE_CHECKING, Any

import click

from core.cli.output import json_option, print_json, print_table, say
from core.cli.session import Session
from core.schemas.instant import to_second

if TYPE_CHECKING:
    from core.schemas.notice import Condition, Notice
    from core.store.notices import DeliveryState


@click.group()
def command() -> None:
    """Be told what is held, fails, is late or is about to end, once when that begins and once when it is over.

    The settings [notify] name who is told: an address that gets JSON, a mail server, chats.  `yetictl tasks` does it.
    """


@command.command()
@click.option("--channel", "only", metavar="NAME", help="Only this one: webhook, mail, chat, chat-2 …")
@json_option
@click.pass_obj
def test(session: Session, only: str | None, as_json: bool) -> int:
    """Send a test to every channel that is set up, now, and say how that went; exit with 1 if one did not take it."""
    import uuid

    from core.errors import ConfigError, NotTold
    from core.notices import texts
    from core.notices.channels import channels_of

    found = channels_of(session.config)
    if not found:
        raise ConfigError(
            "no channel is set up; set notify.webhook_url, or notify.smtp_host, notify.smtp_from and notify.smtp_to, "
            "or notify.apprise_urls"
        )
    wanted = [channel for channel in found if only in (None, channel.name)]
    if not wanted:
        known = ", ".join(channel.name for channel in found)
        raise click.UsageError(f"no channel {only!r} is set up; there is {known}")
    notice = texts.test(uuid.uuid4().hex, session.now)
    outcomes: list[dict[str, Any]] = []
    for channel in wanted:
        why = ""
        try:
            channel.tell(notice)
        except NotTold as error:
            why = str(error)
        outcomes.append({"channel": channel.name, "place": channel.place, "told": not why, "why": why})
        say(f"{channel.name}: {why or f'told, {channel.place}'}")
    if as_json:
        print_json(outcomes)
    return 0 if all(outcome["told"] for outcome in outcomes) else 1


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Notices at most.")
@json_option
@click.pass_obj
def list_(session: Session, limit: int, as_json: bool) -> None:
    """Print what is not as it should be just now, and the latest notices with who was told."""
    from core.notices.settings import settings_of
    from core.notices.telling import wrong_now
    from core.store import notices

    with session.store() as store:
        wrong = wrong_now(store, settings_of(session.config), session.now)
        told = notices.recent(store, limit=limit)
    if as_json:
        print_json({"now": [_condition(item) for item in wrong], "told": [_told(*pair) for pair in told]})
        return
    if wrong:
        rows = [(item.kind, item.subject, item.state, to_second(item.since), _what(item)) for item in wrong]
        print_table(("kind", "subject", "state", "since", "what"), rows)
    else:
        say("all is as it should be")
    if told:
        click.echo()
        lines = [(to_second(item.made_at), item.title, _states(states)) for item, states in told]
        print_table(("told", "what", "whom"), lines)


def _what(item: "Condition") -> str:
    from core.notices.texts import begun

    return begun(item, "", 0).message


def _condition(item: "Condition") -> dict[str, Any]:
    from core.notices.form import as_object
    from core.notices.texts import begun

    shown = as_object(begun(item, item.told_by, 0), "")
    fields = ("kind", "subject", "state", "since", "message", "advice", "detail")
    return {name: shown[name] for name in fields} | {"told_by": item.told_by}


def _told(item: "Notice", states: "list[DeliveryState]") -> dict[str, Any]:
    from core.notices.form import as_object

    shown = as_object(item, "")
    del shown["installation"]
    return shown | {
        "deliveries": [
            {
                "channel": state.channel,
                "attempts": state.attempt,
                "state": _state(state),
                "at": to_second(state.done_at if state.done_at is not None else state.due_at),
                "why": state.message,
            }
            for state in states
        ]
    }


def _state(state: "DeliveryState") -> str:
    if state.done_at is None:
        return "waiting"
    return "given up" if state.message else "told"


def _states(states: "list[DeliveryState]") -> str:
    return "; ".join(
        f"{state.channel}: {_state(state)}" + (f" ({state.message})" if state.message else "") for state in states
    )
