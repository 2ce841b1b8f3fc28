"""Run the application in this process until it is told to stop; several of them are `core.api.processes`."""

import gc
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import uvicorn

from core.api.app import create_app
from core.api.bounded_protocol import BoundedProtocol
from core.api.services import Services
from core.errors import ConfigError
from core.stopping import on_signals

if TYPE_CHECKING:
    from fastapi import FastAPI

    from core.config import Config

_BACKLOG = 2048
_KEEP_ALIVE_S = 65
"""Longer than proxies keep their connections (60 s), so that it is they who close them."""


class Server(uvicorn.Server):
    """A server that ends when `stop` is called, and leaves signals to whoever runs it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Do nothing: uvicorn's own would raise the signal again at the end, and the status would be its."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, with what was loaded until now kept out of the way."""
        await super().startup(sockets)
        settle()

    def stop(self) -> None:
        """Take no new connections, let requests end, then end; called twice, wait for nothing."""
        self.force_exit = self.should_exit
        self.should_exit = True


def settle() -> None:
    """Let the garbage collector pass over what is there for good.

    That is some 200,000 objects, and every request waits while it walks through them.
    """
    gc.collect()
    gc.freeze()


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


def server_config(app: "FastAPI", config: "Config") -> uvicorn.Config:
    """Return how the application is served."""
    return uvicorn.Config(
        app,
        host=config["api.host"],
        port=config.whole("api.port"),
        http=BoundedProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=config.whole("api.grace_s"),
        lifespan="on",
    )


def server(config: "Config") -> Server:
    """Return a server of the application, for one process."""
    return Server(server_config(create_app(Services(config)), config))


def serve(config: "Config", listener: socket.socket) -> None:
    """Answer requests in this process until a signal says to stop."""
    one = server(config)
    with on_signals(one.stop):
        one.run(sockets=[listener])
