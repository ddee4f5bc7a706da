"""What the examples bring keeps the promises of its port; programs that are quick to start stand for theirs."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from actors.events import Event
from actors.messages import Spoken
from tests.conversing import Room, conversing, follow, only
from tests.examples.running import PATIENCE, imported
from tests.fakes import FakeEars, FakeVoice, tone
from voicemode.engines import live_recogniser, recogniser, voice
from voicemode.promises import (
    check_live_recogniser,
    check_microphone,
    check_recogniser,
    check_speaker,
    check_turn_model,
    check_voice,
)

SPEECH = tone(0.5)
PHONE, FAR = imported("phone.py"), imported("programs/far_phone.py")

HEARS = """
import sys
loud = False
while sound := sys.stdin.buffer.read1(3200):
    if any(sound):
        loud = True
        print('ye', flush=True)
print('yes' if loud else '')
"""

SPEAKS = """
import sys
for _ in sys.argv[1].replace('…', '').split():
    sys.stdout.buffer.write(bytes([0, 20]) * 2205)
"""


def program(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", source]


def engine_of(name: str, function: str, source: str) -> Any:
    """The function of an example, with another program."""
    found = getattr(imported(name), function)
    found.__globals__["COMMAND"] = program(source)
    return found


@pytest.fixture(autouse=True)
def _no_program_is_left_running() -> Iterator[None]:
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


async def test_a_recogniser_that_is_a_program() -> None:
    await check_recogniser(recogniser(engine_of("recogniser_by_command.py", "hear", HEARS), name="program"), SPEECH)


async def test_a_recogniser_that_is_fed() -> None:
    engine = live_recogniser(engine_of("live_recogniser.py", "hear", HEARS), name="program")
    await check_live_recogniser(engine, SPEECH)
    await check_recogniser(engine, SPEECH)


async def test_a_voice_that_is_a_program() -> None:
    await check_voice(voice(engine_of("voice_by_command.py", "say", SPEAKS), name="program", rate=22_050))


async def test_a_turn_model() -> None:
    await check_turn_model(imported("turn_model.py").FallingVoice(), SPEECH)


@asynccontextmanager
async def connected(
    near: trio.abc.Stream, far: trio.abc.Stream, question: bytes = b""
) -> AsyncGenerator[tuple[Any, Any]]:
    """A phone of either side, with all that runs on them; the question begins after a second of what is heard."""
    phone, other = PHONE.Phone(near), FAR.FarPhone(far, question)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(phone.read)
        nursery.start_soon(other.read)
        nursery.start_soon(other.run, 1.0)
        yield phone, other
        nursery.cancel_scope.cancel()


@pytest.mark.realtime
async def test_a_phone_over_a_real_connection() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        far = await trio.open_tcp_stream(*listener.socket.getsockname())
        near = await listener.accept()
        async with far, near, connected(near, far) as (phone, _):
            await check_microphone(phone.microphone)
            await check_speaker(phone.speaker)


@pytest.mark.realtime
async def test_who_hangs_up_in_the_middle_ends_the_call_and_nothing_else() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        far = await trio.open_tcp_stream(*listener.socket.getsockname())
        near = await listener.accept()
        with trio.fail_after(PATIENCE):
            async with near, trio.open_nursery() as nursery:
                nursery.start_soon(PHONE.answer, near)
                assert (await far.receive_some()).startswith(b"A")
                await far.aclose()


@pytest.mark.parametrize("after", [0.3, 0.77, 1.61])
async def test_what_is_said_to_be_heard_is_what_the_phone_has_played(autojump_clock: MockClock, after: float) -> None:
    near, far = memory_stream_pair()
    async with connected(near, far) as (phone, other):
        room = Room()
        room.microphone, room.speaker = phone.microphone, phone.speaker
        seen: list[Event] = []
        async with conversing(room) as conversation, trio.open_nursery() as nursery:
            nursery.start_soon(follow, conversation, seen)

            async def interrupt() -> None:
                await trio.sleep(after)
                conversation.interrupt()

            nursery.start_soon(interrupt)
            result = await conversation.say("one two three four five six seven eight nine ten.", interruptible=True)
            nursery.cancel_scope.cancel()
    account = only(seen, Spoken)
    played = len(other.heard) // 2
    assert account.samples == played
    assert played / FAR.RATE == pytest.approx(after, abs=0.06)
    assert len(result.spoken.heard.split()) == int((played / FAR.RATE + 0.05 + 1e-6) / 0.25)


async def test_who_speaks_over_it_at_the_phone_is_listened_to(autojump_clock: MockClock) -> None:
    near, far = memory_stream_pair()
    async with connected(near, far, tone(1.0)) as (phone, other):
        room = Room()
        room.microphone, room.speaker = phone.microphone, phone.speaker
        async with conversing(room, stt=FakeEars("stop it"), tts=FakeVoice()) as conversation:
            result = await conversation.converse("one two three four five six seven eight nine ten eleven twelve.")
    assert result.transcript == "stop it"
    assert result.spoken.heard.startswith("one two three four")
    assert not result.spoken.complete
    assert len(other.heard) / 2 / FAR.RATE < 2.0
