"""Somebody types instead of speaking: in a conversation in text, and over voices in one with sound."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import voicemode
from actors.events import Event, StateChanged, TurnEnded
from actors.messages import Message, MicrophoneOpened, SpeakingStarted, Spoken, TextPiece
from tests.conversing import GREETING, Room, conversing, follow, only
from tests.fakes import FakeEars, FakeVoice, said
from voicemode import Conversation, Settings, SettingsError, TurnPolicy
from voicemode.groups import unwrapped

TEXT = Settings(text=True)


async def types(conversation: Conversation, after: float, *texts: str) -> None:
    for text in texts:
        await trio.sleep(after)
        conversation.answer(text)


async def test_a_conversation_in_text_needs_no_engine_and_no_device(autojump_clock: MockClock, tmp_path: Path) -> None:
    seen: list[Event] = []
    settings = Settings(
        text=True, base_dir=tmp_path, microphone="file:nowhere.wav", speaker=f"file:{tmp_path}/spoken.wav"
    )
    async with voicemode.open_conversation(settings) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        nursery.start_soon(types, conversation, 3.0, " Tuesday ")
        result = await conversation.converse("What day is it? I forgot.")
        nursery.cancel_scope.cancel()
    assert (result.outcome, result.transcript) == ("heard", "Tuesday")
    assert result.spoken.heard == result.spoken.text == "What day is it? I forgot."
    assert (result.engines.tts, result.engines.stt, result.utterance) == (None, None, None)
    assert [piece.text.strip() for piece in seen if isinstance(piece, TextPiece)] == ["What day is it?", "I forgot."]
    assert only(seen, Spoken).complete
    assert not [event for event in seen if isinstance(event, MicrophoneOpened | SpeakingStarted)]
    assert [event.state for event in seen if isinstance(event, StateChanged)] == ["speaking", "listening", "idle"]
    assert not await trio.to_thread.run_sync(lambda: [*tmp_path.iterdir()])


async def test_what_is_to_be_said_in_text_is_said_at_once(autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation:
        result = await conversation.say(GREETING)
        assert (result.outcome, result.spoken.heard, result.timings.total_ms) == ("said", GREETING, 0.0)
        assert result.timings.first_sample_ms is None
        listened = await conversation.listen()
        assert (listened.outcome, listened.timings.total_ms) == ("no_speech", 10_000.0)
    assert conversation.history == (Message(role="assistant", text=GREETING),)


async def test_a_talk_in_text_goes_back_and_forth(autojump_clock: MockClock) -> None:
    async def echo(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield f"You wrote {transcript}. "
        await trio.sleep(1.0)
        yield f"That makes {len(history)}."

    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:

        async def user() -> None:
            await types(conversation, 2.0, "one", "two")
            await trio.sleep(2.0)
            conversation.stop()

        nursery.start_soon(user)
        await conversation.talk(echo, greeting="Hello.")
    assert [message.text for message in conversation.history] == [
        "Hello.",
        "one",
        "You wrote one. That makes 1.",
        "two",
        "You wrote two. That makes 3.",
    ]


async def slow(transcript: str, _: Sequence[Message]) -> AsyncIterator[str]:
    yield f"You wrote {transcript}. "
    await trio.sleep(1.0)
    yield "That is all."


async def test_a_talk_can_be_answered_as_soon_as_it_has_begun(autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:
        await nursery.start(conversation.talk, slow)
        conversation.answer("one")
        conversation.finish()
    assert [message.text for message in conversation.history] == ["one", "You wrote one. That is all."]


@pytest.mark.parametrize("after", [tenths / 10 for tenths in range(0, 45, 3)])
async def test_whenever_a_talk_is_finished_what_was_typed_is_answered_and_nobody_is_waited_for(
    after: float, autojump_clock: MockClock
) -> None:
    began = trio.current_time()
    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:
        await nursery.start(partial(conversation.talk, slow, greeting="Hello."))
        nursery.start_soon(types, conversation, 1.5, *["one", "two"][: int(after / 1.5)])
        await trio.sleep(after)
        if after in {1.5, 3.0}:
            await wait_all_tasks_blocked()
        conversation.finish()
    said = [message.text for message in conversation.history]
    typed = ["one", "two"][: int(after / 1.5)]
    assert said == ["Hello.", *[text for line in typed for text in (line, f"You wrote {line}. That is all.")]]
    assert trio.current_time() - began == pytest.approx(max(after, 1.5 * len(typed) + 1.0 if typed else 0.0))
    with pytest.raises(SettingsError, match=r"once await nursery\.start\(conversation\.talk, agent\) has returned"):
        conversation.answer("three")


async def test_finishing_lets_who_speaks_speak_and_answers_them(autojump_clock: MockClock) -> None:
    room, seen = Room(), list[Event]()
    async with conversing(room, stt=FakeEars("first", wait=0.5)) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await nursery.start(conversation.talk, agreeable)
        began = trio.current_time()
        room.microphone.place(said(1.0), began + 1.0)
        await trio.sleep(1.5)
        conversation.finish()
        await trio.sleep(4.0)
        assert conversation.status().state == "idle"
        assert not room.microphone.is_open
        assert [message.text for message in conversation.history] == ["first", "so, first."]
        assert [event.result.outcome for event in seen if isinstance(event, TurnEnded)] == ["heard", "said"]
        nursery.cancel_scope.cancel()


async def test_who_speaks_over_the_last_answer_is_answered_too(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room, stt=FakeEars("first", "second")) as conversation, trio.open_nursery() as nursery:
        await nursery.start(partial(conversation.talk, agreeable, greeting=GREETING))
        conversation.finish()
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        await trio.sleep(8.0)
        assert [message.text for message in conversation.history][1:] == ["first", "so, first."]
        assert conversation.status().state == "idle"


async def test_finishing_is_nothing_to_a_turn_by_itself(autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(types, conversation, 2.0, "yes")
        conversation.finish()
        assert (await conversation.converse("Well?")).transcript == "yes"


async def agreeable(transcript: str, _: Sequence[Message]) -> str:
    await trio.lowlevel.checkpoint()
    return f"so, {transcript}."


async def test_what_was_read_of_an_interrupted_stream_is_what_was_heard(autojump_clock: MockClock) -> None:
    closed = trio.Event()

    async def slow() -> AsyncIterator[str]:
        try:
            for number in ("One. ", "Two. ", "Three. "):
                yield number
                await trio.sleep(1.0)
        finally:
            closed.set()

    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(types, conversation, 1.5, "Enough.")
        result = await conversation.converse(slow())
    assert (result.outcome, result.transcript) == ("interrupted", "Enough.")
    assert result.spoken.heard.strip() == "One. Two."
    assert not result.spoken.complete
    assert result.timings.total_ms == pytest.approx(1_500)
    assert closed.is_set()


@pytest.mark.parametrize("how", ["interrupt", "stop", "cancel"])
async def test_text_can_be_stopped_like_speech(how: str, autojump_clock: MockClock) -> None:
    closed = 0

    async def endless(_: str, __: Sequence[Message]) -> AsyncIterator[str]:
        nonlocal closed
        try:
            while True:
                yield "Go on. "
                await trio.sleep(0.5)
        finally:
            closed += 1

    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def press() -> None:
            await trio.sleep(1.4)
            {"interrupt": conversation.interrupt, "stop": conversation.stop, "cancel": scope.cancel}[how]()

        nursery.start_soon(press)
        with scope:
            result = await conversation.say(endless)
            assert result.outcome == {"interrupt": "interrupted", "stop": "stopped"}[how]
            assert result.spoken.heard.split() == ["Go", "on."] * 3
        assert closed == 1
        assert (await conversation.say("Still here.")).outcome == "said"


async def test_an_agents_error_comes_out_of_text_as_it_is(autojump_clock: MockClock) -> None:
    async def broken(_: str, __: Sequence[Message]) -> AsyncIterator[str]:
        yield "One moment. "
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"), unwrapped():
        async with voicemode.open_conversation(TEXT) as conversation:
            await conversation.converse(broken)


async def test_text_is_said_again_as_text(autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation, trio.open_nursery() as nursery:

        async def user() -> None:
            await trio.sleep(1.0)
            conversation.repeat()
            await trio.sleep(1.0)
            conversation.answer("yes")

        nursery.start_soon(user)
        result = await conversation.converse("Are you there?")
    assert (result.outcome, result.spoken.heard) == ("heard", "Are you there?")


async def test_devices_and_engines_are_refused_in_text(autojump_clock: MockClock) -> None:
    with pytest.raises(SettingsError, match="leave out"):
        async with conversing(Room(), settings=TEXT):
            raise AssertionError("opened")


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_an_empty_answer_is_refused(text: str, autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(SettingsError, match="empty"):
            conversation.answer(text)


async def test_an_answer_to_nobody_is_refused(autojump_clock: MockClock) -> None:
    async with voicemode.open_conversation(TEXT) as conversation:
        with pytest.raises(SettingsError, match="No turn is running"):
            conversation.answer("hello")


async def test_typing_answers_where_a_voice_is_listened_to(autojump_clock: MockClock) -> None:
    room, ears = Room(), FakeEars("by voice")
    async with conversing(room, stt=ears) as conversation, trio.open_nursery() as nursery:
        room.microphone.place(said(3.0), trio.current_time() + 1.0)
        nursery.start_soon(types, conversation, 2.0, "by hand")
        result = await conversation.listen()
        assert (result.outcome, result.transcript) == ("heard", "by hand")
        assert (result.engines.stt, result.utterance, ears.heard) == (None, None, [])
        assert result.timings.total_ms == pytest.approx(2_000)
        await wait_all_tasks_blocked()
        assert not room.microphone.is_open
        nursery.cancel_scope.cancel()


async def test_typing_over_the_assistant_silences_it(autojump_clock: MockClock) -> None:
    room, began = Room(), trio.current_time()
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(types, conversation, 1.1, "by hand")
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.transcript) == ("interrupted", "by hand")
    assert result.spoken.heard == "one two three four"
    assert room.silent_from() <= began + 1.11


async def test_what_is_typed_between_two_turns_of_a_talk_goes_to_the_agent(autojump_clock: MockClock) -> None:
    room, asked = Room(), list[str]()
    voice = FakeVoice()
    async with conversing(room, tts=voice, stt=FakeEars("first")) as conversation, trio.open_nursery() as nursery:

        async def agent(transcript: str, _: Sequence[Message]) -> str:
            await trio.lowlevel.checkpoint()
            asked.append(transcript)
            return f"so, {transcript}."

        async def user() -> None:
            async for event in conversation.events():
                if isinstance(event, TurnEnded) and event.result.transcript == "first":
                    conversation.answer("and by hand")
                    break
            await trio.sleep(3.0)
            conversation.stop()

        nursery.start_soon(user)
        await wait_all_tasks_blocked()
        room.microphone.place(said(0.5), trio.current_time() + 1.0)
        await conversation.talk(agent)
    assert asked[-1] == "and by hand"
    assert [message.text for message in conversation.history] == ["first", "and by hand", "so, and by hand."]


async def test_who_types_while_an_answer_was_begun_early_gets_one_to_what_they_typed(
    autojump_clock: MockClock,
) -> None:
    room, asked = Room(), list[str]()
    settings = Settings(speculative_replies=True, turn=TurnPolicy(ignore_silence=True))
    async with conversing(room, stt=FakeEars("Where were you born?"), settings=settings) as conversation:

        async def agent(transcript: str, _: Sequence[Message]) -> AsyncIterator[str]:
            asked.append(transcript)
            await trio.sleep(0.5)
            yield "well."

        async with trio.open_nursery() as nursery:
            room.microphone.place(said(1.0), trio.current_time() + 1.0)
            nursery.start_soon(types, conversation, 3.0, "Tell me a joke.")
            with trio.move_on_after(6.0):
                await conversation.talk(agent)
    assert asked == ["Where were you born?", "Tell me a joke."]


def test_nothing_that_makes_sound_is_loaded_for_text() -> None:
    """In a process of its own, because the tests have loaded it all."""
    import subprocess

    program = (
        "import sys, trio, voicemode\n"
        "async def main():\n"
        "    async with voicemode.open_conversation(voicemode.Settings(text=True)) as conversation:\n"
        "        await conversation.say('Hello.')\n"
        "trio.run(main)\n"
        "print([name for name in ('onnxruntime', 'sounddevice', 'pocketsphinx', 'httpx') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"
