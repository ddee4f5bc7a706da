"""Settings that change while a conversation is open: what can counts from the next turn on, the rest is named."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve, fields_dict
from trio.testing import MockClock

from actors.events import Chimed, Event
from actors.machines.barge_in import BargeInPolicy
from actors.machines.dialogue import Dialogue
from actors.machines.endpointer import EndpointPolicy
from actors.machines.policy import TurnPolicy
from actors.messages import Synthesis, TurnId
from actors.orders import Begin
from tests.conversing import GREETING, Room, conversing, follow
from tests.fakes import FakeEars, FakeVoice, said
from voicemode import Settings
from voicemode.conversation import LIVE

FIXED = {
    "microphone": "null:",
    "speaker": "null:",
    "tts": "espeak",
    "stt": "whisper",
    "vad": "other",
    "endpoint": EndpointPolicy(hangover=0.9),
    "base_dir": Path("/elsewhere"),
    "save_audio": True,
    "save_transcriptions": True,
    "event_log": True,
    "telemetry": "jsonl",
    "telemetry_content": True,
    "keep_days": 3.0,
    "keep_megabytes": 3.0,
    "echo": "off",
    "noise_suppression": True,
    "gain_control": True,
    "keys": {"OPENAI_API_KEY": "hush"},
}


class Choosy(FakeVoice):
    """Keeps with which voice and speed it was asked to speak."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[tuple[str | None, float | None]] = []

    def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[Synthesis]]:
        self.chosen.append((voice, speed))
        return super().speak(text)


async def test_voice_and_speed_are_those_of_the_next_turn(autojump_clock: MockClock) -> None:
    voice = Choosy()
    async with conversing(Room(), tts=voice) as conversation:
        await conversation.say("one")
        assert conversation.reconfigure(evolve(conversation.settings, voice="de", speed=2.0)) == ()
        await conversation.say("two")
        await conversation.say("three", voice="fr")
    assert voice.chosen == [(None, None), ("de", 2.0), ("fr", 2.0)]


async def test_a_turn_that_is_running_stays_as_it_is(autojump_clock: MockClock) -> None:
    voice = Choosy()
    async with conversing(Room(), tts=voice) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(conversation.say, GREETING)
        await trio.sleep(1.0)
        turn = TurnPolicy(no_speech=1.0, interruptible=False)
        assert conversation.reconfigure(evolve(conversation.settings, speed=2.0, turn=turn)) == ()
    assert voice.chosen == [(None, None)]


async def test_the_bounds_of_a_turn_are_those_of_the_next(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation:
        conversation.reconfigure(evolve(conversation.settings, turn=TurnPolicy(no_speech=2.0)))
        began = trio.current_time()
        assert (await conversation.listen()).outcome == "no_speech"
        assert trio.current_time() == pytest.approx(began + 2.0, abs=0.033)


async def test_an_open_microphone_keeps_to_new_bounds_too(autojump_clock: MockClock) -> None:
    room, ears = Room(), FakeEars("let me finish", "say it")
    async with conversing(room, stt=ears) as conversation:

        async def agent(transcript: str, _: object) -> str:
            await trio.lowlevel.checkpoint()
            if transcript == "let me finish":
                turn = evolve(conversation.settings.turn, interruptible=False)
                conversation.reconfigure(evolve(conversation.settings, turn=turn))
                return "yes"
            return GREETING

        began = trio.current_time()
        for at in (1.0, 4.0, 5.7):  # the last over the greeting, which takes from 5.2 to 7.2
            room.microphone.place(said(0.5), began + at)
        with trio.move_on_at(began + 19.0):
            await conversation.talk(agent)
    assert [message.text for message in conversation.history if message.role == "assistant"] == ["yes", GREETING]


async def test_phrases_are_those_of_the_next_turn(autojump_clock: MockClock) -> None:
    room, ears = Room(), FakeEars("yes")
    async with conversing(room, stt=ears) as conversation:
        conversation.reconfigure(evolve(conversation.settings, phrases=("yes", "no")))
        room.microphone.place(said(0.5), trio.current_time() + 1.0)
        await conversation.listen()
    assert ears.phrases == [("yes", "no")]


async def test_chimes_are_heard_or_not_in_the_next_turn(autojump_clock: MockClock) -> None:
    heard: list[int] = []
    async with conversing(Room(), settings=Settings(turn=TurnPolicy(no_speech=1.0))) as conversation:
        for chimes in (False, True, None):
            seen: list[Event] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(follow, conversation, seen)
                await trio.testing.wait_all_tasks_blocked()
                assert conversation.reconfigure(evolve(conversation.settings, chimes=chimes)) == ()
                await conversation.listen()
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
            heard.append(sum(isinstance(event, Chimed) for event in seen))
    # nobody is in the room of this speaker, so that by itself it does not chime
    assert heard == [0, 2, 0]


@pytest.mark.parametrize("name", FIXED)
async def test_what_needs_a_new_conversation_is_named_and_stays(autojump_clock: MockClock, name: str) -> None:
    async with conversing(Room()) as conversation:
        before = conversation.settings
        wanted = evolve(before, speed=1.5, **{name: FIXED[name]})
        assert conversation.reconfigure(wanted) == (name,)
        assert conversation.settings == evolve(before, speed=1.5)


def test_every_setting_is_one_or_the_other() -> None:
    assert set(LIVE) <= set(fields_dict(Settings))
    assert not set(LIVE) & set(FIXED)


def test_a_dialogue_adopts_bounds_between_two_turns_alone() -> None:
    dialogue = Dialogue()
    policy = TurnPolicy(device_wait=3.0, barge_in=BargeInPolicy(min_speech=0.5))
    dialogue.adopt(policy)
    assert (dialogue.policy, dialogue._losses.wait, dialogue._hearing.policy) == (policy, 3.0, policy)
    dialogue.feed(Begin(turn=TurnId(1), engine=None, listen=True, overhear=False, keep=False), 0.0)
    with pytest.raises(RuntimeError):
        dialogue.adopt(TurnPolicy())
    assert dialogue.policy == policy
