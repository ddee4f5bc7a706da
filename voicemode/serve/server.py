"""Listens for clients of an ASGI application, and stops in time.  In: listeners.  Out: a connection for each client.

The ASGI servers that run on Trio write to their clients where no cancellation reaches: one client that stops reading
keeps them from ever stopping.  Here it cannot, which is why this is not one of them.
"""

from __future__ import annotations

import errno
import math

import trio

from actors.errors import SettingsError, VoiceError

from .connection import Connection
from .exchange import Application
from .refusal import Refusal

GRACE = 1.0
"""Seconds that requests under way may take to end after a ``stop``."""

MOST_CONNECTIONS = 100


class Server:
    """Serves ``app`` until it is told to ``stop``."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._connections: set[Connection] = set()
        self._listening, self._serving = trio.CancelScope(), trio.CancelScope()

    async def run(
        self,
        listeners: list[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve whoever connects to ``listeners``, which are closed in the end.  Returns after a ``stop``."""
        with self._serving:
            async with trio.open_nursery() as nursery:
                with self._listening:
                    await trio.serve_listeners(
                        self._connected, listeners, handler_nursery=nursery, task_status=task_status
                    )

    def stop(self) -> None:
        """Take no more requests, and give those under way a second to end.  Never blocks."""
        self._serving.deadline = min(self._serving.deadline, trio.current_time() + GRACE)
        self._listening.cancel("no more clients")
        for connection in self._connections:
            connection.finish()

    async def _connected(self, stream: trio.SocketStream) -> None:
        connection = Connection(stream, self._app)
        if len(self._connections) >= MOST_CONNECTIONS:
            await connection.refuse(Refusal(503, f"There are {MOST_CONNECTIONS} clients already. Try again."))
            return
        self._connections.add(connection)
        try:
            if self._serving.deadline < math.inf:
                connection.finish()
            await connection.run()
        finally:
            self._connections.discard(connection)


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen at ``host``, a name or an address, on TCP ``port``; 0 is any free one.

    Raises SettingsError for a host that this machine is not, VoiceError for a port that cannot be had.
    """
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        if isinstance(error, trio.socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(
                f"{host!r} is not an address of this machine. Leave --host out, or name one."
            ) from error
        if error.errno == errno.EADDRINUSE:
            raise VoiceError(
                f"Port {port} of {host} is taken by another program, perhaps by another of these servers. Stop that, "
                "or choose another port with --port; --port 0 takes any that is free."
            ) from error
        if error.errno == errno.EACCES:
            raise VoiceError(f"Port {port} of {host} is not for every user; choose one above 1023.") from error
        raise VoiceError(f"Cannot listen on port {port} of {host}: {error.strerror}.") from error


def url_of(listener: trio.SocketListener) -> str:
    """Where clients find it."""
    host, port = listener.socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
