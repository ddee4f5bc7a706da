"""Conversations whose microphone or speaker goes away, for a while or for good, to the hundredth of a second."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import voicemode
from actors.errors import AudioFileError, DeviceError, DeviceLost
from actors.events import BargedIn, Event
from actors.messages import (
    Message,
    MicrophoneClosed,
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    Spoken,
)
from actors.results import DeviceLoss
from tests.conversing import GREETING, Room, conversing, follow, only
from tests.fakes import FakeEars, FakeVoice, said, tone
from tests.fakes_devices import MortalMicrophone, MortalSpeaker, refused
from voicemode import Conversation, Settings, TurnPolicy
from voicemode.audio.virtual_speaker import VirtualSpeaker

MICROPHONE, SPEAKER = "The microphone was pulled out.", "The speaker was pulled out."


class MortalRoom(Room):
    def __init__(self) -> None:
        super().__init__()
        self.microphone = MortalMicrophone()
        self.speaker = MortalSpeaker(self.sink)

    async def lose(self, device: MortalMicrophone | MortalSpeaker, after: float, back_after: float = 0) -> None:
        """Pull ``device`` out, and put it in again ``back_after`` seconds later."""
        await trio.sleep(after)
        device.refusal = refused("microphone" if device is self.microphone else "speaker")
        device.die()
        await trio.sleep(back_after)
        device.refusal = None


@asynccontextmanager
async def watched(
    room: Room, seen: list[Event], **parts: Any
) -> AsyncGenerator[tuple[Conversation, trio.Nursery, float]]:
    async with conversing(room, **parts) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        yield conversation, nursery, trio.current_time()
        nursery.cancel_scope.cancel()


def times(seen: list[Event], kind: type[Any]) -> list[float]:
    return [event.at for event in seen if isinstance(event, kind)]


async def test_a_microphone_that_dies_while_the_user_speaks_gives_all_that_was_heard_until_then(
    autojump_clock: MockClock,
) -> None:
    room, seen, ears = MortalRoom(), [], FakeEars()
    async with watched(room, seen, stt=ears) as (conversation, nursery, began):
        room.microphone.place(said(5.0), began + 1.0)
        nursery.start_soon(room.lose, room.microphone, 2.005, 60)
        result = await conversation.listen()
        ended = trio.current_time()
    assert (result.outcome, result.transcript) == ("heard", "yes")
    assert result.losses == (DeviceLoss(device="microphone", reason=MICROPHONE),)
    [(pcm, _)] = ears.heard
    assert pcm.endswith(tone(1.0))
    assert times(seen, MicrophoneFailed) == [pytest.approx(began + 2.01)]
    assert ended == pytest.approx(began + 2.01, abs=0.101)
    assert len(room.microphone.openings) == 1


async def test_a_microphone_lost_while_nobody_speaks_is_back_in_a_tenth_of_a_second(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    async with watched(room, seen, stt=FakeEars("here I am")) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 2.005, 0.35)
        room.microphone.place(said(1.0), began + 4.0)
        result = await conversation.listen()
    assert (result.outcome, result.transcript) == ("heard", "here I am")
    assert room.microphone.openings == pytest.approx([began, began + 2.11, began + 2.31, began + 2.71])
    assert result.losses == (DeviceLoss(device="microphone", reason=MICROPHONE, seconds=pytest.approx(0.7)),)
    assert times(seen, MicrophoneOpened) == pytest.approx([began, began + 2.71])
    assert times(seen, MicrophoneClosed) == [pytest.approx(began + 5.7, abs=0.033)]


async def test_the_user_has_all_their_time_again_after_a_loss(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    async with watched(room, []) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 7.995)
        result = await conversation.listen()
        assert trio.current_time() == pytest.approx(began + 8.1 + 10)
    assert result.outcome == "no_speech"


async def test_a_microphone_that_does_not_come_back_is_an_error_that_says_how_long_it_was_waited_for(
    autojump_clock: MockClock,
) -> None:
    room, seen = MortalRoom(), []
    settings = Settings(turn=TurnPolicy(device_wait=4.0))
    async with watched(room, seen, settings=settings) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 1.995, 60)
        with pytest.raises(DeviceLost, match=rf"^The microphone did not come back within 4 s\. {MICROPHONE}$"):
            await conversation.listen()
        assert trio.current_time() == pytest.approx(began + 6.0)
        openings = len(room.microphone.openings)
        await trio.sleep(70)
        assert len(room.microphone.openings) == openings
        room.microphone.place(said(0.5), trio.current_time() + 1)
        assert (await conversation.listen()).outcome == "heard"


async def test_an_assistant_talks_on_while_its_microphone_comes_back(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    async with watched(room, seen) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 0.495, 0.15)
        room.microphone.place(said(1.0), began + 3.0)
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.spoken.heard) == ("heard", GREETING)
    assert only(seen, Spoken).at == pytest.approx(began + 2.0)
    assert result.losses == (DeviceLoss(device="microphone", reason=MICROPHONE, seconds=pytest.approx(0.3)),)


async def test_an_assistant_can_be_interrupted_through_the_microphone_that_came_back(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    async with watched(room, seen, stt=FakeEars("stop")) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 0.2)
        room.microphone.place(said(0.8), began + 0.8)
        result = await conversation.say(GREETING, interruptible=True)
    assert (result.outcome, result.transcript) == ("interrupted", "stop")
    assert only(seen, BargedIn).at == pytest.approx(began + 1.0, abs=0.065)


async def test_an_assistant_that_wants_no_answer_does_without_a_microphone(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    async with watched(room, [], settings=Settings(turn=TurnPolicy(device_wait=0))) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.microphone, 0.2, 60)
        result = await conversation.say(GREETING, interruptible=True)
        assert trio.current_time() == pytest.approx(began + 2.0)
    assert (result.outcome, result.losses) == ("said", (DeviceLoss(device="microphone", reason=MICROPHONE),))


async def test_a_microphone_that_never_was_there_is_an_error_before_a_word_is_said(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    room.microphone.refusal = refused("microphone")
    async with watched(room, seen) as (conversation, _, began):
        with pytest.raises(DeviceError, match=r"^There is no microphone\.$"):
            await conversation.converse(GREETING)
        assert trio.current_time() == pytest.approx(began, abs=0.01)
    assert only(seen, Spoken).heard == ""


async def test_a_talk_goes_on_when_its_microphone_was_gone_between_two_turns(autojump_clock: MockClock) -> None:
    room, calls = MortalRoom(), []

    async def agent(transcript: str, history: Sequence[Message]) -> str:
        calls.append(transcript)
        return "fine."

    async with watched(room, [], stt=FakeEars("one", "two", wait=1.0)) as (conversation, nursery, began):
        room.microphone.place(said(0.5), began + 1.0)
        # while the first answer is being transcribed
        nursery.start_soon(room.lose, room.microphone, 2.5, 0.15)
        room.microphone.place(said(0.5), began + 5.0)
        with trio.move_on_after(9):
            await conversation.talk(agent)
    assert calls == ["one", "two"]


async def test_a_speaker_that_comes_back_goes_on_where_it_was(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    async with watched(room, seen) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.speaker, 0.7, 0.6)
        result = await conversation.say(GREETING)
        assert trio.current_time() == pytest.approx(began + 2.0 + 0.7, abs=0.001)
    assert (result.outcome, result.spoken.heard, result.spoken.complete) == ("said", GREETING, True)
    assert result.losses == (DeviceLoss(device="speaker", reason=SPEAKER, seconds=pytest.approx(0.7)),)
    assert b"".join(pcm for _, pcm, _ in room.played) == (tone(0.2) + bytes(2 * 800)) * 8
    assert times(seen, SpeakerFailed) == [began + 0.7]
    assert times(seen, SpeakerOpened) == [pytest.approx(began + 1.4)]


async def test_a_speaker_that_does_not_come_back_is_an_error(autojump_clock: MockClock) -> None:
    room, seen = MortalRoom(), []
    async with watched(room, seen) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.speaker, 0.6, 30)
        with pytest.raises(DeviceLost, match=rf"^The speaker did not come back within 10 s\. {SPEAKER}$"):
            await conversation.say(GREETING)
        assert trio.current_time() == pytest.approx(began + 10.6)
        assert only(seen, Spoken).heard == "one two"
        # the next turn waits for it as long again, and what was not heard of the first is not said in it
        with pytest.raises(DeviceLost):
            await conversation.say(GREETING)
        assert trio.current_time() == pytest.approx(began + 20.6)
        await trio.sleep(12)
        assert (await conversation.say("four five.")).spoken.heard == "four five."
    assert sum(len(pcm) for _, pcm, _ in room.played) == 2 * 16_000 * (0.6 + 0.5)


async def test_a_speaker_that_was_gone_between_two_turns_is_of_no_consequence(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    async with watched(room, [], settings=Settings(turn=TurnPolicy(device_wait=0))) as (conversation, _, __):
        await room.lose(room.speaker, 1.0, 0.5)
        await trio.sleep(1)
        result = await conversation.say(GREETING)
    assert (result.outcome, result.losses) == ("said", ())


async def test_a_lost_speaker_does_not_keep_anybody_from_speaking(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    async with watched(room, []) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.speaker, 0.5, 60)
        room.microphone.place(said(0.8), began + 1.0)
        result = await conversation.converse(GREETING)
        assert (result.outcome, result.transcript, result.spoken.heard) == ("interrupted", "yes", "one two")
        room.microphone.place(said(0.8), trio.current_time() + 1.0)
        result = await conversation.listen()
    assert (result.outcome, result.losses) == ("heard", (DeviceLoss(device="speaker", reason=SPEAKER),))


async def test_stopping_does_not_wait_for_a_lost_speaker(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    async with watched(room, []) as (conversation, nursery, began):
        nursery.start_soon(room.lose, room.speaker, 0.5, 60)

        async def press() -> None:
            await trio.sleep(1)
            conversation.stop()

        nursery.start_soon(press)
        result = await conversation.say(GREETING)
        assert (result.outcome, trio.current_time()) == ("stopped", began + 1)


async def test_a_speaker_that_is_not_there_is_said_to_whoever_opens_the_conversation(autojump_clock: MockClock) -> None:
    room = MortalRoom()
    room.speaker.refusal = refused("speaker")
    with pytest.raises(DeviceError, match=r"^There is no speaker\.$"):
        async with conversing(room):
            pytest.fail("it cannot begin")


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_file_that_is_full_is_said_when_it_is_closed(cancelled: bool, autojump_clock: MockClock) -> None:
    def full(at: float, pcm: bytes, rate: int) -> None:
        raise AudioFileError("The disk is full.")

    room = Room()
    room.speaker = VirtualSpeaker(full)
    with pytest.raises(AudioFileError, match=r"^The disk is full\.$"), trio.move_on_after(0.03 if cancelled else 99):
        async with conversing(room, tts=FakeVoice(), settings=Settings(chimes=True)) as conversation:
            await conversation.listen()


async def test_files_written_by_a_kept_speaker_are_whole(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "said.wav"
    async with voicemode.open_conversation(
        Settings(speaker=f"file:{path}", stt=None, vad="none"), tts=FakeVoice()
    ) as conversation:
        await conversation.say("one two.")
    assert path.read_bytes()[44:] == (tone(0.2) + bytes(2 * 800)) * 2
