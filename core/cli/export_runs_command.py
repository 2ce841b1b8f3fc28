"""``yetictl export runs``, ``log`` and ``cancel``: what ran, what was said, and how to stop it."""

import click

from core.actor import actor
from core.cli.output import json_option, print_json, print_table, printable, say
from core.cli.session import Session
from core.schemas.instant import SECOND, Instant, to_second

LIMIT = 20


def _moment(instant: Instant | None) -> str:
    return "" if instant is None else to_second(instant)


def _moment_or_none(instant: Instant | None) -> str | None:
    return None if instant is None else to_second(instant)


@click.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1000), default=LIMIT, show_default=True, help="How many at most.")
@json_option
@click.pass_obj
def runs(session: Session, name: str, limit: int, as_json: bool) -> None:
    """Print the latest runs of an export, what waits and what goes on."""
    from core.store import jobs, schedules
    from core.store.runs import runs as find

    with session.store() as store:
        done = find(store, name, limit=limit)
        wanted = jobs.find(store, name, states=(jobs.WAITING, jobs.RUNNING))
        due_at = schedules.due_at(store, name)
    if as_json:
        print_json(
            {
                "export": name,
                "due": _moment_or_none(due_at),
                "jobs": [
                    {
                        "job": item.id,
                        "state": item.state,
                        "cause": item.cause,
                        "by": item.by,
                        "due": to_second(item.due_at),
                        "attempt": item.attempt,
                        "started": _moment_or_none(item.started_at),
                        "entries": item.entries,
                        "message": item.message,
                    }
                    for item in wanted
                ],
                "runs": [
                    {
                        "run": item.id,
                        "started": to_second(item.started_at),
                        "finished": _moment_or_none(item.finished_at),
                        "status": item.status,
                        "outcome": item.outcome or None,
                        "version": item.version,
                        "entries": item.entries,
                        "message": item.message,
                    }
                    for item in done
                ],
            }
        )
        return
    for item in wanted:
        so_far = f", {item.entries:,} entries so far" if item.entries else ""
        when = (
            f"since {_moment(item.started_at)}{so_far}"
            if item.state == jobs.RUNNING
            else f"until {_moment(item.due_at)}"
        )
        again = f", attempt {item.attempt}" if item.attempt > 1 else ""
        why = f": {item.message}" if item.message else ""
        say(printable(f"{name}: {item.state} {when}{again}{why}"))
    if due_at is not None:
        say(f"{name}: due {to_second(due_at)}")
    if not done:
        say(f"{name} has not run yet")
        return
    rows = [
        (
            item.id,
            to_second(item.started_at),
            "" if item.finished_at is None else f"{(item.finished_at - item.started_at) / SECOND:.1f} s",
            item.status,
            item.outcome,
            "" if item.version is None else item.version,
            "" if item.entries is None else f"{item.entries:,}",
            printable(item.message),
        )
        for item in done
    ]
    headings = ("run", "started", "took", "status", "outcome", "version", "entries", "message")
    print_table(headings, rows, right=("run", "took", "version", "entries"))


@click.command()
@click.argument("name")
@click.argument("run", type=int, required=False)
@json_option
@click.pass_obj
def log(session: Session, name: str, run: int | None, as_json: bool) -> None:
    """Print what was logged while an export ran: the latest run, or that with the number RUN."""
    from core.errors import NotFound
    from core.store import run_lines
    from core.store.runs import runs as find

    with session.store() as store:
        done = find(store, name, limit=1_000)
        wanted = next((item for item in done if run in (None, item.id)), None)
        if wanted is None:
            said = f"run {run} of {name!r} is not known" if run is not None else f"{name!r} has not run yet"
            raise NotFound(said)
        lines = run_lines.of_run(store, wanted.id)
    if as_json:
        print_json([{"time": to_second(line.logged_at), "level": line.level, "text": line.text} for line in lines])
        return
    for line in lines:
        click.echo(printable(f"{to_second(line.logged_at)} {line.level:7} {line.text}"))
    if not lines:
        say(f"run {wanted.id} of {name} said nothing")


@click.command()
@click.argument("name")
@click.pass_obj
def cancel(session: Session, name: str) -> None:
    """Let what waits of an export not run, and stop what runs; what is published stays."""
    from core.store import jobs

    with session.store() as store:
        for item in jobs.cancel(store, name, session.now, by=actor()):
            said = "asked to stop" if item.state == jobs.RUNNING else "cancelled"
            say(f"{name}: {said}")
