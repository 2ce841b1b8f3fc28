"""``yetictl tasks``: run exports when they are due."""

import click

from core.cli.output import say
from core.cli.session import Session


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Exports that run at once."
)
@click.option(
    "--grace",
    "grace_s",
    type=click.IntRange(0, 3600),
    default=20,
    show_default=True,
    help="Seconds a run may go on after a signal to stop; then another worker begins it anew.",
)
@click.option("--once", is_flag=True, help="Do what is due now, forget what is kept no longer, and end.")
@click.pass_obj
def command(session: Session, workers: int, grace_s: int, once: bool) -> int:
    """Run exports when their schedules say so, until a signal says to stop.

    New and changed schedules are picked up without a restart.  Several of these may run: on one host where the
    database is a file, on any number where it is on a server; an export is run by one of them at a time.  A run whose
    process was killed is begun anew by another within a minute.

    What is held, fails or is late is told by the channels that the settings [notify] name; yetictl notify test tries
    them.

    A first signal (SIGTERM, Ctrl-C) lets what runs end, as long as --grace; a second one hands it back at once.
    """
    from core.cli.services import telling
    from core.stopping import on_signals
    from core.tasks.service import TaskService
    from core.tasks.tidying import keep_of, tidy_or_say
    from core.tasks.worker import Worker

    session.config  # noqa: B018 - makes drop-in formats known
    settings = session.export_settings
    notices = telling(session)
    if once:
        worker = Worker(session.store, settings)
        with session.store() as store:
            worker.plan(store)
            number = 0
            while worker.work(store):
                number += 1
        notices.once()
        # Whoever calls this from a scheduler has no service that does.
        tidy_or_say(session.store, keep_of(session.config), session.now)
        say(f"{number} done" if number else "nothing is due")
        return 0
    session.become_service()
    service = TaskService(
        session.store,
        settings,
        workers=workers,
        grace_s=grace_s,
        beside={"notices": notices.run},
        keep=keep_of(session.config),
    )
    with on_signals(service.stop):
        was_asked = service.run()
    return 0 if was_asked else 1  # whoever looks after services begins it anew
