"""Has anycorn serve the application at listeners of ours, and stops it in time.  In: listeners.  Out: connections.

``anycorn.serve`` and ``hypercorn.trio.serve`` take the same application; either works where every client can be
trusted to read what it is sent.  The connections are accepted here so that they are ``PatientStream``s.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import trio
from anycorn.app_wrappers import ASGIWrapper
from anycorn.config import Config
from anycorn.tcp_server import TCPServer
from anycorn.typing import ASGIFramework
from anycorn.worker_context import WorkerContext
from starlette.types import ASGIApp

from ..connect.wire import LONGEST_FRAME
from .limits import Limits
from .stream import PatientStream

logger = logging.getLogger(__name__)

LONGEST_HEADERS = 32_768
"""Bytes: the longest token and as much again."""

BESIDES = 500
"""Connections that have not said yet what they are for, or ask for /health."""

UNWINDING = 1.0
"""Seconds for connections to end once they have been cut off."""


def settings(limits: Limits) -> Config:
    """What any server of this application is to be told."""
    config = Config()
    config.errorlog = logger
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = limits.handshake
    config.h11_max_incomplete_size = LONGEST_HEADERS
    config.websocket_max_message_size = LONGEST_FRAME
    # a frame of a kilobyte may unfold to a megabyte
    config.websocket_permessage_deflate = False
    config.max_app_queue_size = 2
    return config


async def serve(
    app: ASGIApp,
    listeners: list[trio.SocketListener],
    limits: Limits,
    *,
    stop: trio.Event,
    drain: Callable[[], Awaitable[None]],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve whoever connects until ``stop``; then nobody is accepted, ``drain`` is given its time, and the rest is cut.

    The listeners are closed in the end.
    """
    config, context = settings(limits), WorkerContext(None)
    wrapped = ASGIWrapper(cast("ASGIFramework", app))
    streams: set[PatientStream] = set()

    async def connected(accepted: trio.SocketStream) -> None:
        if len(streams) >= limits.connections + BESIDES:
            accepted.socket.close()
            return
        stream = PatientStream(accepted, limits)
        streams.add(stream)
        try:
            await TCPServer(wrapped, config, context, {}, stream).run()  # type: ignore[arg-type]
        except Exception:
            # one connection is not to take the others with it
            logger.exception("a connection failed")
        finally:
            streams.discard(stream)

    async with trio.open_nursery() as handlers:
        async with trio.open_nursery() as accepting:
            await accepting.start(partial(trio.serve_listeners, connected, listeners, handler_nursery=handlers))
            task_status.started()
            await stop.wait()
            accepting.cancel_scope.cancel("no more connections")
        await drain()
        await context.terminated.set()
        for stream in list(streams):
            stream.abort()
        handlers.cancel_scope.deadline = trio.current_time() + UNWINDING
