"""``yetictl api``: answer requests."""

import click

from core.cli.output import say
from core.cli.session import Session


@click.command()
@click.option("--host", help="The address to listen on; the setting api.host otherwise.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; the setting api.port otherwise, 0 any.")
@click.option("--processes", type=click.IntRange(1, 64), help="How many; the setting api.processes otherwise.")
@click.pass_obj
def command(session: Session, host: str | None, port: int | None, processes: int | None) -> int:
    """Answer requests of Yeti's clients, and serve what is published, until a signal says to stop.

    A first signal (SIGTERM, Ctrl-C) lets requests end, as long as the setting api.grace_s; a second one does not.
    """
    from core.api import serving
    from core.api.processes import serve_by_many
    from core.cli.services import begin, listening_where, present_as_api

    config = listening_where(session, host, port, processes)
    begin(session)
    listener = serving.bind(config)
    say(f"listening on {serving.address(listener)}; its pages for programs are under /docs")
    with listener, present_as_api(session):
        number = config.whole("api.processes")
        if number == 1:
            serving.serve(config, listener)
        else:
            serve_by_many(config, listener, number, session.become_service)
    return 0
