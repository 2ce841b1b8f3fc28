"""``yetictl user``: who may use the API."""

import sys
from typing import TYPE_CHECKING

import click

from core.actor import actor
from core.cli.audit_command import command as audit
from core.cli.output import counted, json_option, print_json, print_table, say
from core.cli.parameters import Duration
from core.cli.session import Session
from core.errors import RefusedValue
from core.schemas.instant import SECOND, to_second

if TYPE_CHECKING:
    from core.store.users import User

ROLES = ("reader", "editor", "admin")


@click.group()
def command() -> None:
    """Keep users of the API, their keys, and see who changed what."""


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise RefusedValue(
            "there is nobody to ask for a password: --password-stdin reads it, --no-password leaves it out"
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@command.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What the user may do."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--no-password", is_flag=True, help="Without a password: for programs, which have keys.")
@click.pass_obj
def add(session: Session, name: str, role: str, password_stdin: bool, no_password: bool) -> None:
    """Add a user.

    A reader looks, an editor defines and runs exports and adds observables, an admin does everything.
    """
    from core.accounts import accounts

    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other")
    password = None if no_password else _password(password_stdin)
    with session.store() as store:
        made = accounts.add_user(store, name, role, password, by=actor(), now=session.now)
    say(f"user {made.name} added, {made.role}; yetictl user token {made.name} makes a key for a program")


@command.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Print the users, and how many keys each has."""
    from core.store import users

    with session.store() as store:
        found = users.users(store)
        keys = users.keys(store)
    numbers = {item.name: sum(key.user == item.name for key in keys) for item in found}
    if as_json:
        print_json(
            [
                {
                    "name": item.name,
                    "role": item.role,
                    "enabled": item.is_enabled,
                    "password": bool(item.password),
                    "keys": numbers[item.name],
                    "created": to_second(item.created_at),
                }
                for item in found
            ]
        )
    elif found:
        headings = ("user", "role", "enabled", "password", "keys", "created")
        rows = [
            (
                item.name,
                item.role,
                item.is_enabled,
                bool(item.password),
                numbers[item.name],
                to_second(item.created_at),
            )
            for item in found
        ]
        print_table(headings, rows, right=("keys",))
    else:
        say("no users yet; yetictl user add NAME --role admin adds the first")


@command.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def password(session: Session, name: str, password_stdin: bool) -> None:
    """Give a user another password; whoever is logged in as that user has to do it again."""
    from core.accounts import accounts

    with session.store() as store:
        accounts.set_password(store, name, _password(password_stdin), by=actor(), now=session.now)
    say(f"{name}: password set")


@command.command()
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.pass_obj
def role(session: Session, name: str, role: str) -> None:
    """Say what a user may do."""
    made = _changed(session, name, role=role)
    say(f"{made.name}: {made.role}")


@command.command()
@click.argument("name")
@click.pass_obj
def disable(session: Session, name: str) -> None:
    """Turn a user away, with all keys, from now on."""
    _changed(session, name, is_enabled=False)
    say(f"{name}: switched off; yetictl user enable {name} switches it on again")


@command.command()
@click.argument("name")
@click.pass_obj
def enable(session: Session, name: str) -> None:
    """Let a user in again."""
    _changed(session, name, is_enabled=True)
    say(f"{name}: switched on")


def _changed(session: Session, name: str, *, role: str | None = None, is_enabled: bool | None = None) -> "User":
    from core.accounts import accounts

    with session.store() as store:
        return accounts.change(store, name, role=role, is_enabled=is_enabled, by=actor(), now=session.now)


@command.command()
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Remove a user with all keys; what the user changed stays in the record."""
    from core.accounts import accounts

    with session.store() as store:
        accounts.remove(store, name, by=actor(), now=session.now)
    say(f"{name}: removed")


@command.command()
@click.argument("name")
@click.option("--name", "key_name", default="default", show_default=True, metavar="TEXT", help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="S",
    help="What it may be used for; all that the user may do. Repeatable.",
)
@click.option(
    "--expires", "expires_s", type=Duration(), help="After so long it counts no more, such as 90d; never without."
)
@click.option("--remove", "removed", is_flag=True, help="Remove that key instead.")
@json_option
@click.pass_obj
def token(
    session: Session,
    name: str,
    key_name: str,
    scopes: tuple[str, ...],
    expires_s: int | None,
    removed: bool,
    as_json: bool,
) -> None:
    """Make a key for a program, and print it: it is shown this once, and never again.

    Two keys of different names may be valid at once, so that one can be exchanged for the other.
    """
    from core.accounts import accounts
    from core.store import users

    with session.store() as store:
        if removed:
            users.remove_key(store, name, key_name, by=actor(), now=session.now)
            say(f"{name}: key {key_name} removed")
            return
        now = session.now
        text, made = accounts.add_key(
            store,
            name,
            key_name,
            scopes=scopes or ("admin",),
            expires_at=now + expires_s * SECOND if expires_s else None,
            by=actor(),
            now=now,
        )
    ends = "never ends" if made.expires_at is None else f"ends {to_second(made.expires_at)}"
    if as_json:
        expires = None if made.expires_at is None else to_second(made.expires_at)
        print_json(
            {"user": made.user, "name": made.name, "key": text, "scopes": list(made.scopes), "expires": expires}
        )
    else:
        click.echo(text)
    say(f"{made.user}: key {made.name} ({', '.join(made.scopes)}), which {ends}; it is not shown again")


@command.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def keys(session: Session, name: str | None, as_json: bool) -> None:
    """Print the keys there are, of a user or of all: how each begins, and when it ends."""
    from core.store import users

    with session.store() as store:
        found = users.keys(store, name)
    if as_json:
        print_json(
            [
                {
                    "user": item.user,
                    "name": item.name,
                    "begins": item.begin,
                    "scopes": list(item.scopes),
                    "created": to_second(item.created_at),
                    "expires": None if item.expires_at is None else to_second(item.expires_at),
                    "ended": item.expires_at is not None and item.expires_at <= session.now,
                }
                for item in found
            ]
        )
        return
    rows = [
        (
            item.user,
            item.name,
            f"{item.begin}…",
            ", ".join(item.scopes),
            to_second(item.created_at),
            "never" if item.expires_at is None else to_second(item.expires_at),
        )
        for item in found
    ]
    if rows:
        print_table(("user", "key", "begins", "scopes", "made", "ends"), rows)
    say(counted(len(rows), "key"))


command.add_command(audit, "audit")
