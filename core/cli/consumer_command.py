"""``yetictl consumer``: machines that fetch what is published."""

from typing import TYPE_CHECKING

import click

from core.accounts.objects import consumer_object, lag_object, lag_state, token_object
from core.actor import actor
from core.cli.output import counted, json_option, print_json, print_table, say
from core.cli.parameters import Duration
from core.cli.session import Session
from core.schemas.instant import SECOND, Instant, to_second

if TYPE_CHECKING:
    from core.store.consumers import Consumer, Token
    from core.store.fetches import Lag


@click.group()
def command() -> None:
    """Keep the machines that fetch what is published, and see which version each has."""


_exports_option = click.option(
    "--export", "exports", multiple=True, metavar="NAME", help="It may fetch this export. Repeatable."
)
_networks_option = click.option(
    "--network", "networks", multiple=True, metavar="N", help="It asks from this network, or address. Repeatable."
)


@command.command()
@click.argument("name")
@_exports_option
@click.option("--all-exports", is_flag=True, help="It may fetch every export, those to come too.")
@_networks_option
@click.option("--description", default="", metavar="TEXT", help="What it is, in your words.")
@click.pass_obj
def add(
    session: Session,
    name: str,
    exports: tuple[str, ...],
    all_exports: bool,
    networks: tuple[str, ...],
    description: str,
) -> None:
    """Add a consumer; `yetictl consumer token` makes what it fetches with."""
    from core.accounts import consumers

    if not exports and not all_exports:
        raise click.UsageError("say what it may fetch: --export NAME, or --all-exports")
    with session.store() as store:
        made = consumers.add(
            store,
            name,
            exports=exports,
            all_exports=all_exports,
            networks=networks,
            description=description,
            by=actor(),
            now=session.now,
        )
    say(f"consumer {made.name} added: {_may_text(made)}; yetictl consumer token {made.name} makes its token")


@command.command()
@click.argument("name")
@_exports_option
@click.option(
    "--all-exports/--only-named", "all_exports", default=None, help="Every export, or those that are named."
)
@_networks_option
@click.option("--description", metavar="TEXT", help="What it is, in your words.")
@click.option("--enable/--disable", "is_enabled", default=None, help="Let it in, or turn it away from now on.")
@click.pass_obj
def edit(
    session: Session,
    name: str,
    exports: tuple[str, ...],
    all_exports: bool | None,
    networks: tuple[str, ...],
    description: str | None,
    is_enabled: bool | None,
) -> None:
    """Change a consumer.  An option given replaces what there was; --export '' and --network '' clear it."""
    from core.accounts import consumers

    with session.store() as store:
        made = consumers.change(
            store,
            name,
            exports=[text for text in exports if text] if exports else None,
            networks=networks or None,
            all_exports=all_exports,
            description=description,
            is_enabled=is_enabled,
            by=actor(),
            now=session.now,
        )
    say(f"{made.name}: {_may_text(made)}")


@command.command()
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Remove a consumer with its tokens, and what is known of its fetches."""
    from core.store import consumers

    with session.store() as store:
        consumers.remove_consumer(store, name, by=actor(), now=session.now)
    say(f"{name}: removed")


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the consumers, and what each may fetch."""
    from core.store import consumers

    with session.store() as store:
        found = consumers.consumers(store)
        tokens = consumers.tokens(store)
    own = {item.name: [token for token in tokens if token.consumer == item.name] for item in found}
    if as_json:
        print_json([consumer_object(item, tokens, session.now) for item in found])
        return
    rows = [
        (
            item.name,
            item.is_enabled,
            "all" if item.all_exports else ", ".join(item.exports),
            ", ".join(item.networks) or "anywhere",
            len(own[item.name]),
            item.description,
        )
        for item in found
    ]
    if rows:
        print_table(("consumer", "enabled", "exports", "from", "tokens", "description"), rows, right=("tokens",))
    else:
        say("no consumers yet; yetictl consumer add NAME --export EXPORT adds the first")


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Print a consumer, its tokens, and which version of what it has."""
    from core.store import consumers, fetches

    now = session.now
    with session.store() as store:
        item = consumers.get_consumer(store, name)
        tokens = consumers.tokens(store, name)
        lags = [lag for lag in fetches.lags(store, now, _stale_after(session)) if lag.consumer == item.name]
    if as_json:
        print_json(consumer_object(item, tokens, now) | {"fetches": [lag_object(lag) for lag in lags]})
        return
    click.echo(f"consumer     {item.name}{'' if item.is_enabled else '  (switched off)'}")
    if item.description:
        click.echo(f"what         {item.description}")
    click.echo(f"may fetch    {_may_text(item)}")
    for token in tokens:
        click.echo(
            f"token        {token.begin}…  made {to_second(token.created_at)}, {_end_text(token, now)}, "
            + ("never used" if token.used_at is None else f"last used {to_second(token.used_at)}")
        )
    _print_lags(lags)


@command.command()
@click.argument("name")
@click.option(
    "--expires", "expires_s", type=Duration(), help="After so long it counts no more, such as 365d; never without."
)
@json_option
@click.pass_obj
def token(session: Session, name: str, expires_s: int | None, as_json: bool) -> None:
    """Make a token for a consumer, and print it: it is shown this once, and never again.

    Two count at once: make the new one, put it into the device, then revoke the old one.
    """
    from core.accounts import consumers

    now = session.now
    with session.store() as store:
        text, made = consumers.add_token(
            store, name, expires_at=now + expires_s * SECOND if expires_s else None, by=actor(), now=now
        )
    if as_json:
        print_json({"consumer": made.consumer, "token": text, **token_object(made, now)})
    else:
        click.echo(text)
    say(f"{made.consumer}: a token that {_end_text(made, now)}; it is not shown again")


@command.command()
@click.argument("name")
@click.argument("token")
@click.pass_obj
def revoke(session: Session, name: str, token: str) -> None:
    """Let a token count no more; TOKEN is how it begins, as `yetictl consumer show` prints it, or all of it."""
    from core.store import consumers

    begin = "_".join(token.rstrip("…").split("_")[:2])
    with session.store() as store:
        consumers.remove_token(store, name, begin, by=actor(), now=session.now)
        left = len(consumers.tokens(store, name))
    say(f"{name}: {begin}… counts no more; {counted(left, 'token')} left")


@command.command()
@json_option
@click.pass_obj
def lags(session: Session, as_json: bool) -> None:
    """Print which consumer has which version since when, who lags behind, and who stopped asking."""
    from core.store import fetches

    with session.store() as store:
        found = fetches.lags(store, session.now, _stale_after(session))
    if as_json:
        print_json([lag_object(lag) for lag in found])
    elif found:
        _print_lags(found)
    else:
        say("no consumer may fetch anything that is published")


def _may_text(item: "Consumer") -> str:
    what = "every export" if item.all_exports else ", ".join(item.exports) or "nothing"
    return f"{what}, from {', '.join(item.networks) or 'anywhere'}"


def _end_text(token: "Token", now: Instant) -> str:
    if token.expires_at is None:
        return "never ends"
    return f"{'ended' if token.expires_at <= now else 'ends'} {to_second(token.expires_at)}"


def _stale_after(session: Session) -> int:
    return session.config.whole("notify.stale_after_minutes") * 60 * SECOND


def _print_lags(found: "list[Lag]") -> None:
    rows = [
        (
            lag.consumer,
            lag.export,
            lag.current,
            lag.version,
            None if lag.since is None else to_second(lag.since),
            None if lag.last_at is None else to_second(lag.last_at),
            lag_state(lag),
        )
        for lag in found
    ]
    if rows:
        headings = ("consumer", "export", "published", "has", "since", "last asked", "state")
        print_table(headings, rows, right=("published", "has"))
