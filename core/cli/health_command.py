"""``yetictl health``: say whether the services of this machine live."""

import socket
import time
import urllib.error
import urllib.request

import click

from core.cli.output import say
from core.cli.session import Session
from core.config import Config

_PATIENCE_S = 4
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked is this machine


@click.command()
@click.argument("service", type=click.Choice(("api", "tasks", "any")), default="any")
@click.pass_obj
def command(session: Session, service: str) -> int:
    """Say whether a service of this machine lives: exit with 1 if not.

    `api` is asked over HTTP, where the settings say that it listens; `tasks` of this machine was seen in the store
    within a minute.  Without a name, one of the two is enough: what a container is asked that runs either.
    """
    checks = {"api": _api, "tasks": _tasks}
    said = {name: check(session) for name, check in checks.items() if service in (name, "any")}
    for name, reason in said.items():
        say(f"{name}: {reason or 'lives'}")
    return 0 if "" in said.values() else 1


def _api(session: Session) -> str:
    url = f"{_url(session.config)}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PATIENCE_S) as answer:
            return "" if answer.status == 200 else f"{url} answers {answer.status}"
    except (urllib.error.URLError, OSError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', error)}"


def _url(config: Config) -> str:
    host = _EVERYWHERE.get(config["api.host"], config["api.host"])
    return f"http://[{host}]:{config['api.port']}" if ":" in host else f"http://{host}:{config['api.port']}"


def _tasks(session: Session) -> str:
    from core.store import workers

    here = socket.gethostname()
    ours = (f"{here}:", f"{here}-")  # what follows tells boots and containers apart
    with session.store() as store:
        found = workers.lately(store, time.time_ns() // 1_000)
    return "" if any(item.name.startswith(ours) for item in found) else f"none of {here} was seen for a minute"
