"""Run the application: one process or several on one port, until a signal says to stop."""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.api.app import create_app
from core.api.services import Services
from core.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from core.config import Config

_BACKLOG = 2048
_KEEP_ALIVE_S = 65
"""Longer than proxies keep their connections (60 s), so that it is they who close them."""

_log = logging.getLogger(__name__)


def bind(config: "Config") -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        ConfigError: It cannot be had; the message says what to change.
    """
    host, port = config["api.host"], config.whole("api.port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; change api.host or api.port"
        ) from error
    listener.set_inheritable(True)
    return listener


def address(listener: socket.socket) -> str:
    """Return the URL of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(app: "FastAPI", config: "Config") -> "uvicorn.Config":
    """Return how the application is served."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=config["api.host"],
        port=config.whole("api.port"),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=config.whole("api.grace_s"),
        lifespan="on",
    )


def server(config: "Config") -> "uvicorn.Server":
    """Return a server of the application, for one process."""
    import uvicorn

    return uvicorn.Server(server_config(create_app(Services(config)), config))


def serve(config: "Config", listener: socket.socket) -> None:
    """Answer requests in this process until a signal says to stop."""
    server(config).run(sockets=[listener])


def serve_by_many(config: "Config", listener: socket.socket, processes: int, set_up: Callable[[], None]) -> None:
    """Answer requests by several processes; one that dies is begun anew.

    Args:
        config: The settings.
        listener: Shared by all of them.
        processes: How many.
        set_up: What a new process has to do first: logging, plug-ins.
    """
    context = multiprocessing.get_context("spawn")
    stops = False

    def stop(*_: object) -> None:
        nonlocal stops
        stops = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    children = [context.Process(target=_child, args=(config, listener, set_up)) for _ in range(processes)]
    try:
        for child in children:
            child.start()
        while not stops:
            for place, child in enumerate(children):
                child.join(0.2 / processes)
                if child.exitcode is not None and not stops:
                    _log.error("a process of api died; beginning another", extra={"status": child.exitcode})
                    children[place] = context.Process(target=_child, args=(config, listener, set_up))
                    children[place].start()
    finally:
        for child in children:
            if child.pid is not None and child.exitcode is None:
                os.kill(child.pid, signal.SIGTERM)
        for child in children:
            child.join(config.whole("api.grace_s") + 5)
            if child.exitcode is None:
                child.kill()
        for number, handler in before.items():
            signal.signal(number, handler)


def _child(config: "Config", listener: socket.socket, set_up: Callable[[], None]) -> None:
    set_up()
    asyncio.run(server(config).serve(sockets=[listener]))
