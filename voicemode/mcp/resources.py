"""The resources: what a client may read without calling anything.  In: an address.  Out: a text."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import TypeAlias

import msgspec
import trio
from attrs import evolve, frozen
from mcp_types import ReadResourceResult, Resource, TextResourceContents

from actors.errors import VoiceError
from voicemode import Settings
from voicemode.config import Configuration
from voicemode.exchanges import recent

from .service import VoicesArguments, voices
from .statistics import Statistics

Read: TypeAlias = Callable[[], Awaitable[str]]

JSON, MARKDOWN, TEXT = "application/json", "text/markdown", "text/plain"

RECENT = 20
"""Lines, each a thing that one side said."""

NOT_SAVED = {"why": "Nothing is written down: VOICEMODE_SAVE_TRANSCRIPTIONS is off."}

GUIDE = """\
# Talking with converse

* `converse(message)` says something and returns the answer. `wait_for_response=false` only speaks, an empty message
  only listens, and `turns` says and asks several things in a row.
* The user may speak over you. Then `outcome` is `interrupted`, `heard` is what they heard of `spoken`, to the word
  where the engine tells word times, and `transcript` is what they said. Speak as somebody who was interrupted would.
* `still_listening` means that the user has not finished; call again with `resume`. Nothing is lost in between.
* `no_speech` means that nobody answered. `earlier` is what the user said when no call was waiting any more.
* `failures` says once which engine failed and was stood in for; tell the user only if it matters to them.
* `control(action="stop")` ends what is running, `pause` and `resume` hold the voice.
* An error says what failed and what to do. What the user said is then kept as a recording: `transcribe(pending=true)`.
"""


@frozen(kw_only=True)
class ResourceSpec:
    """``by_settings`` is what cannot be read where those are wrong."""

    uri: str
    name: str
    about: str
    kind: str
    read: Read
    by_settings: bool = False

    def listed(self) -> Resource:
        return Resource(uri=self.uri, name=self.name, description=self.about, mime_type=self.kind)


def specs(settings: Settings, configuration: Configuration, statistics: Statistics) -> Sequence[ResourceSpec]:
    async def all_voices() -> str:
        return msgspec.json.encode((await voices(settings, VoicesArguments())).voices).decode()

    async def configured() -> str:
        values = configuration.values.items()
        return json.dumps({name: {"value": value.shown, "from": str(value.origin)} for name, value in values}, indent=1)

    async def counted() -> str:
        return msgspec.json.encode(statistics.summary()).decode()

    async def exchanges() -> str:
        said = await trio.to_thread.run_sync(recent, settings.base_dir, RECENT)
        return msgspec.json.encode(said if said or settings.save_transcriptions else NOT_SAVED).decode()

    async def guide() -> str:
        return GUIDE

    async def release() -> str:
        return version("voicemode")

    return (
        ResourceSpec(
            uri="voicemode://docs/quickstart",
            name="guide",
            about="How to talk with converse",
            kind=MARKDOWN,
            read=guide,
        ),
        ResourceSpec(
            uri="voice://voices",
            name="voices",
            about="Voices by engine",
            kind=JSON,
            read=all_voices,
            by_settings=True,
        ),
        ResourceSpec(
            uri="voice://config/all",
            name="configuration",
            about="Every setting with its value and where that comes from",
            kind=JSON,
            read=configured,
        ),
        ResourceSpec(
            uri="voice://statistics/summary",
            name="statistics",
            about="Outcomes and latencies of this session",
            kind=JSON,
            read=counted,
        ),
        ResourceSpec(
            uri="voicemode://exchanges/recent",
            name="exchanges",
            about="What was said last, where the user has that written down",
            kind=JSON,
            read=exchanges,
            by_settings=True,
        ),
        ResourceSpec(uri="voice-mode:version", name="version", about="Of voicemode", kind=TEXT, read=release),
    )


def failing(spec: ResourceSpec, error: VoiceError) -> ResourceSpec:
    """The same, but that reading it raises ``error``."""

    async def fail() -> str:
        raise error

    return evolve(spec, read=fail)


async def read(spec: ResourceSpec) -> ReadResourceResult:
    return ReadResourceResult(
        contents=[TextResourceContents(uri=spec.uri, mime_type=spec.kind, text=await spec.read())]
    )
