"""The gateway as an ASGI application: ``/ws`` for devices and agents' sides, ``/health`` and ``/metrics`` for whoever
runs it.  It runs on Trio alone; any ASGI server that does may serve it.
"""

from __future__ import annotations

from collections.abc import Collection

import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from .connection import Connection
from .hub import Hub
from .metrics import exposition
from .tokens import TokenVerifier

PATH = "/ws"

METRICS = "text/plain; version=0.0.4; charset=utf-8"


def make_app(hub: Hub, verifier: TokenVerifier, *, origins: Collection[str] = ()) -> ASGIApp:
    """``hub`` has to run beside it.  With ``origins``, web pages of others are refused; programs send none."""

    async def health(_: Request) -> JSONResponse:
        if hub.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> PlainTextResponse:
        return PlainTextResponse(exposition(hub.counters, hub.gauges), media_type=METRICS)

    async def talk(socket: WebSocket) -> None:
        origin = socket.headers.get("origin")
        if origin is not None and origins and origin not in origins:
            hub.counters.connections_refused += 1
            await socket.close()
        elif hub.draining or not hub.has_room:
            hub.counters.connections_refused += 1
            await socket.send_denial_response(PlainTextResponse("Try again later.\n", status_code=503))
        else:
            await Connection(socket, hub, verifier, token_of(socket)).run()

    async def elsewhere(socket: WebSocket) -> None:
        await socket.send_denial_response(PlainTextResponse(f"The gateway is at {PATH}.\n", status_code=404))

    return Unread(
        Starlette(
            routes=[
                Route("/health", health),
                Route("/metrics", metrics),
                WebSocketRoute(PATH, talk),
                WebSocketRoute("/{path:path}", elsewhere),
            ]
        )
    )


class Unread:
    """``app``, which wants no bodies.  They are taken from the server nevertheless: one that has some left to hand on
    when it has been answered waits for ever for somebody to take it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take, receive)
            await self._app(scope, receive, send)
            nursery.cancel_scope.cancel("answered")


async def _take(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass


def token_of(socket: WebSocket) -> str | None:
    """From the header, or for browsers, which can send none, from the query."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return socket.query_params.get("token")
