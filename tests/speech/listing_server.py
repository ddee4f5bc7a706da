"""A fake speech service that can be asked what it has, as often as one likes, and be told to fail at one thing only."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define

from tests.speech.speech_server import Asked, Reply, SpeechServer, refusal, whole
from voicemode.groups import unwrapped
from voicemode.speech.discovery import Spot

NOTHING = refusal("404 Not Found", "there is no such list")


@define
class ListingServer(SpeechServer):
    """``lists`` answers all questions for lists and ``work`` everything else, where they are given."""

    models: tuple[str, ...] | None = None
    voices: tuple[str, ...] | None = None
    lists: Reply | None = None
    work: Reply | None = None
    open_connections: int = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        self.open_connections += 1
        try:
            await super().serve(stream)
        finally:
            self.open_connections -= 1

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    def spot(self, *usual: Any) -> Spot:
        return Spot(self.port, usual)

    def lines(self, method: str) -> list[str]:
        return [asked.line for asked in self.asked if asked.line.startswith(method)]

    def reply_to(self, asked: Asked) -> Reply:
        if not asked.line.startswith("GET"):
            return self.work or super().reply_to(asked)
        if self.lists is not None:
            return self.lists
        if asked.line.endswith("/models"):
            return NOTHING if self.models is None else _listed({"data": [{"id": name} for name in self.models]})
        return NOTHING if self.voices is None else _listed({"voices": self.voices})


def _listed(value: object) -> Reply:
    return whole(json.dumps(value).encode())


@asynccontextmanager
async def offering(*models: str, **options: Any) -> AsyncGenerator[ListingServer]:
    """Without ``models`` it has no list of them."""
    server = ListingServer(models=models or None, **options)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
            server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
            yield server
            nursery.cancel_scope.cancel()
