"""A chat endpoint for tests."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests import scripted_server
from tests.scripted_server import Reply, ScriptedServer, listening

DONE = b"data: [DONE]\n\n"


def said(text: str | None, **choice: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **choice}]}).encode() + b"\n\n"


def streamed(*parts: bytes, ends: bool = True, before: Callable[[int], Awaitable[None]] | None = None) -> Reply:
    return scripted_server.streamed(*parts, kind="text/event-stream", ends=ends, before=before)


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncGenerator[ScriptedServer]:
    async with listening(ScriptedServer(replies=list(replies))) as server:
        yield server
