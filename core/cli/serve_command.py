"""``yetictl serve``: both services in one process."""

import threading

import click

from core.cli.output import say
from core.cli.session import Session
from core.errors import YetiError


@click.command()
@click.option("--host", help="The address to listen on; the setting api.host otherwise.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; the setting api.port otherwise, 0 any.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Exports that run at once."
)
@click.pass_obj
def command(session: Session, host: str | None, port: int | None, workers: int) -> int:
    """Answer requests, and run exports when they are due, in one process, until a signal says to stop.

    For one machine: `api` and `tasks` by themselves can be begun anew one by one, and be several.  A first signal
    (SIGTERM, Ctrl-C) lets requests and runs end, as long as the setting api.grace_s; a second one does not.
    """
    from core.api import serving
    from core.cli.services import begin, listening_where, telling
    from core.stopping import on_signals
    from core.tasks.service import TaskService
    from core.tasks.tidying import keep_of

    config = listening_where(session, host, port)
    begin(session)
    tasks = TaskService(
        session.store,
        session.export_settings,
        workers=workers,
        grace_s=config.whole("api.grace_s"),
        beside={"notices": telling(session).run},
        keep=keep_of(config),
    )
    api, was_asked = serving.server(config), False

    def stop() -> None:
        nonlocal was_asked
        was_asked = True
        api.stop()
        tasks.stop()

    def work() -> None:
        try:
            tasks.run()
        except YetiError as error:
            say(str(error))
        finally:
            api.should_exit = True  # one without the other would look as if all were well

    with serving.bind(config) as listener, on_signals(stop):
        say(f"listening on {serving.address(listener)}; its pages for programs are under /docs")
        thread = threading.Thread(target=work, name="tasks")
        thread.start()
        try:
            api.run(sockets=[listener])
        finally:
            if not was_asked:
                tasks.stop()
            thread.join()
    return 0 if was_asked else 1  # whoever looks after services begins it anew
