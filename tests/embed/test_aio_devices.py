"""A microphone and a speaker of an asyncio host: sound pushed by its tasks, sent by its coroutine functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import voicemode.aio
from actors.errors import DeviceError, SettingsError
from actors.events import SpeakerFailed, SpeakerOpened
from tests.embed.hosting import GREETING, Hosted, engines_at_work, until
from tests.fakes import FakeEars, said
from voicemode import Settings, TurnPolicy
from voicemode.devices import FedMicrophone

RATE = 16_000
BLOCK = 640
"""Bytes of 20 ms."""


@pytest.fixture(params=[False, True], ids=["thread", "guest"])
def guest(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Browser:
    """The far side of a connection: it has a microphone, keeps what it is sent and plays it in real time."""

    def __init__(self, *, sound: bytes = b"", after: float = 0.0) -> None:
        self.microphone = FedMicrophone(RATE, name="browser")
        self.sound, self.after = sound, after
        self.sent = bytearray()
        self.threads: set[threading.Thread] = set()
        self.cleared: list[int] = []
        self.started = asyncio.Event()

    def speaker(self, **more: Any) -> Any:
        return voicemode.aio.speaker("browser", RATE, self.send, **more)

    async def send(self, pcm: bytes) -> None:
        self.threads.add(threading.current_thread())
        self.sent += pcm
        self.started.set()

    async def clear(self) -> int | None:
        self.cleared.append(len(self.sent))
        return None

    async def talk(self) -> None:
        """Silence, and after so many seconds of what it is sent, the sound."""
        sound = self.sound
        while True:
            block = b""
            if len(self.sent) > 2 * RATE * self.after:
                block, sound = sound[:BLOCK], sound[BLOCK:]
            self.microphone.push(block.ljust(BLOCK, b"\0"))
            await asyncio.sleep(0.020)

    @asynccontextmanager
    async def opened(self, speaker: Any, *, guest: bool, **parts: Any) -> AsyncIterator[voicemode.aio.Conversation]:
        hosted = Hosted(microphone=self.microphone, speaker=speaker, **parts)
        async with voicemode.aio.open_conversation(guest=guest, **hosted.parts) as conversation:
            talking = asyncio.create_task(self.talk())
            yield conversation
            talking.cancel()


def test_a_task_feeds_the_microphone_and_a_coroutine_function_sends_what_is_said(guest: bool) -> None:
    async def main() -> None:
        browser = Browser(sound=said(0.4).pcm, after=0.2)
        async with browser.opened(browser.speaker(), guest=guest, stt=FakeEars("hello")) as conversation:
            result = await conversation.converse("one.")
        assert (result.outcome, result.transcript, result.spoken.heard) == ("heard", "hello", "one.")
        assert len(browser.sent) >= 2 * 0.2 * RATE
        assert browser.threads == {threading.current_thread()}

    asyncio.run(main())
    assert engines_at_work() == []


def test_who_speaks_over_it_has_the_far_side_cleared_and_nothing_more_sent(guest: bool) -> None:
    async def main() -> None:
        browser = Browser(sound=said(0.6).pcm, after=0.3)
        speaker = browser.speaker(clear=browser.clear)
        async with browser.opened(speaker, guest=guest, stt=FakeEars("stop")) as conversation:
            result = await conversation.converse(GREETING)
            assert (result.outcome, result.transcript) == ("interrupted", "stop")
            assert browser.cleared == [len(browser.sent)]
            # of the two seconds
            assert len(browser.sent) < 2 * 1.5 * RATE

    asyncio.run(main())


def test_what_the_far_side_reports_is_what_was_heard(guest: bool) -> None:
    async def main() -> None:
        browser = Browser(sound=said(0.6).pcm, after=0.6)
        reports: asyncio.Queue[int] = asyncio.Queue()

        async def send(pcm: bytes) -> None:
            await browser.send(pcm)
            if len(browser.sent) <= 2 * 0.5 * RATE:
                reports.put_nowait(len(browser.sent) // 2)

        async def clear() -> int | None:
            await browser.clear()
            return RATE // 2

        speaker = voicemode.aio.speaker("browser", RATE, send, clear=clear, played=reports.get)
        async with browser.opened(speaker, guest=guest, stt=FakeEars("stop")) as conversation:
            result = await conversation.converse(GREETING)
        assert (result.outcome, result.spoken.heard) == ("interrupted", "one two")

    asyncio.run(main())


def test_a_connection_that_ends_is_a_lost_speaker_which_is_tried_again(guest: bool) -> None:
    async def main() -> None:
        browser = Browser()
        broken = [ConnectionResetError("reset by peer")]

        async def send(pcm: bytes) -> None:
            if broken and len(browser.sent) > RATE // 2:
                raise broken.pop()
            await browser.send(pcm)

        speaker = voicemode.aio.speaker("browser", RATE, send)
        async with browser.opened(speaker, guest=guest) as conversation:
            events = conversation.events()
            result = await conversation.say("one two three.")
            assert (result.outcome, result.spoken.complete) == ("said", True)
            [loss] = result.losses
            assert loss.reason == "The browser failed: reset by peer."
        kinds = [type(event) async for event in events]
        assert kinds.index(SpeakerFailed) < len(kinds) - 1 - kinds[::-1].index(SpeakerOpened)

    asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError("my bug"), asyncio.CancelledError()])
def test_one_that_stays_broken_is_a_sentence(error: BaseException, guest: bool) -> None:
    async def main() -> None:
        browser = Browser()

        async def send(pcm: bytes) -> None:
            raise error

        settings = Settings(turn=TurnPolicy(no_speech=0.6, device_wait=0.0))
        speaker = voicemode.aio.speaker("browser", RATE, send)
        async with browser.opened(speaker, guest=guest, settings=settings) as conversation:
            with pytest.raises(DeviceError, match=r"The browser (failed: my bug|is gone)"):
                await conversation.say("one.")

    asyncio.run(main())


def test_a_loop_that_is_blocked_gets_no_more_than_was_due_when_somebody_spoke_over_it() -> None:
    async def main() -> None:
        browser, over = Browser(), threading.Event()

        def push() -> None:
            sound = said(0.6).pcm
            while not over.wait(0.020):
                block, sound = sound[:BLOCK], sound[BLOCK:]
                browser.microphone.push(block.ljust(BLOCK, b"\0"))

        pushing = threading.Thread(target=push)
        hosted = Hosted(
            microphone=browser.microphone, speaker=browser.speaker(clear=browser.clear), stt=FakeEars("stop")
        )
        async with voicemode.aio.open_conversation(**hosted.parts) as conversation:
            task = asyncio.create_task(conversation.converse(GREETING))
            await browser.started.wait()
            sent = len(browser.sent)
            pushing.start()
            # a thread feeds the microphone; this loop is blocked until the assistant has been interrupted
            while conversation.status().state == "speaking":
                over.wait(0.010)
            assert (await task).outcome == "interrupted"
            assert len(browser.sent) <= sent + 2 * BLOCK
        over.set()
        pushing.join()

    asyncio.run(main())


def test_a_conversation_that_is_left_waits_for_nothing_of_a_far_side_that_says_nothing(guest: bool) -> None:
    async def main() -> None:
        browser = Browser()
        speaker = browser.speaker(played=asyncio.Event().wait)
        async with browser.opened(speaker, guest=guest) as conversation:
            task = asyncio.create_task(conversation.say("one."))
            await browser.started.wait()
        with pytest.raises(SettingsError, match="is closed"):
            await task
        await until(lambda: len(asyncio.all_tasks()) == 1)

    asyncio.run(main())


def test_a_rate_that_cannot_be_is_refused() -> None:
    async def send(pcm: bytes) -> None: ...

    with pytest.raises(SettingsError, match="not 0"):
        voicemode.aio.speaker("browser", 0, send)
