"""A conversation over services on real sockets: which is used, what is told when one fails, and that all is let go."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio

import voicemode
from actors.events import ProviderChanged
from tests.conversing import Room, follow
from tests.fakes_speech import LoudnessModel
from tests.speech.listing_server import ListingServer, offering
from tests.speech.speech_server import refusal
from voicemode import Conversation, Event, Settings
from voicemode.audio.store import MemoryStore
from voicemode.speech import discovery

LONG = 20.0


@asynccontextmanager
async def conversing(settings: Settings, seen: list[Event]) -> AsyncGenerator[Conversation]:
    room = Room()
    with trio.fail_after(LONG):
        async with (
            voicemode.open_conversation(
                settings,
                microphone=room.microphone,
                speaker=room.speaker,
                vad=LoudnessModel(),
                store=MemoryStore(),
            ) as conversation,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(follow, conversation, seen)
            yield conversation
            nursery.cancel_scope.cancel()


async def let_go(server: ListingServer) -> None:
    while server.open_connections:  # noqa: ASYNC110 - a socket tells nobody here that it was closed
        await trio.sleep(0.005)


async def test_what_runs_on_this_machine_speaks_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with offering("tts-1", "whisper-1", voices=("af_sky",)) as server:
        monkeypatch.setattr(discovery, "USUAL", (server.spot(),))
        async with conversing(Settings(chimes=False), []) as conversation:
            result = await conversation.say("Hello.")
        assert (result.engines.tts, result.failures, result.spoken.complete) == (server.url, (), True)
        [spoken] = [asked for asked in server.asked if asked.line.startswith("POST")]
        assert spoken.json["voice"] == "af_sky"
        await let_go(server)


async def test_the_embedded_engine_stands_in_and_the_result_says_for_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Event] = []
    async with offering("tts-1", work=refusal("500 Oops", "out of memory")) as server:
        monkeypatch.setattr(discovery, "USUAL", (server.spot(),))
        async with conversing(Settings(chimes=False), seen) as conversation:
            results = [await conversation.say("Hello.") for _ in range(4)]
        assert {result.engines.tts for result in results} == {"espeak-ng"}
        first, *_, last = results
        assert {(failure.service, failure.provider) for failure in first.failures} == {("tts", server.url)}
        assert "out of memory" in first.failures[0].reason
        # by then it is known that it is of no use, and not asked
        assert [failure.code for failure in last.failures] == ["down"]
        down = [event for event in seen if isinstance(event, ProviderChanged) and event.status.health == "down"]
        assert [event.status.provider for event in down] == [server.url]
        await let_go(server)


async def test_leaving_while_a_service_is_still_asked_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with offering("tts-1") as server:
        with trio.CancelScope() as scope:
            async with conversing(Settings(tts=(server.url, "espeak-ng"), stt=None, chimes=False), []):
                scope.cancel()
                await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        await let_go(server)
