"""Whole conversations under a virtual clock: real actors and devices, fake engines, exact times.

The voice says a word in 0.25 s.  The endpointer decides in windows of 32 ms, so what it decides is known to the window.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

import voicemode
from actors.errors import DeviceError, ProviderUnavailable, SettingsError
from actors.events import BargedIn, Chimed, Ducked, Event, Muted, StateChanged, TurnEnded, UtteranceRecorded
from actors.messages import Message, MicrophoneClosed, MicrophoneOpened, SpeakingStarted, Spoken
from actors.results import TurnResult
from tests.conversing import GREETING, WITHOUT_DRAFTS, Room, conversing, follow, only
from tests.fakes import FakeEars, FakeVoice, said
from tests.fakes_speech import LoudnessModel
from voicemode import Settings
from voicemode.audio.virtual_speaker import VirtualSpeaker
from voicemode.groups import unwrapped


async def test_a_turn_takes_exactly_as_long_as_its_parts(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room, stt=FakeEars("hello", wait=0.1)) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        room.microphone.place(said(1.0), began + 3.0)
        result = await conversation.converse(GREETING)
        ended = trio.current_time()
        nursery.cancel_scope.cancel()
    assert result.outcome == "heard"
    assert result.transcript == "hello"
    assert result.spoken.text == result.spoken.heard == GREETING
    assert result.spoken.complete
    assert (result.engines.tts, result.engines.stt) == ("fake voice", "fake ears")
    assert only(seen, SpeakingStarted).at == began
    assert only(seen, Spoken).at == pytest.approx(began + 2.0)
    # the user falls silent at 4.0; the last voiced window ends within one window of it, the hangover is 0.7
    assert result.timings.first_sample_ms == 0.0
    assert result.timings.endpoint_ms == pytest.approx(704, abs=32.1)
    assert result.timings.stt_ms == 100.0
    assert result.timings.speech_end_to_transcript_ms == pytest.approx(804, abs=32.1)
    assert result.timings.total_ms == pytest.approx((ended - began) * 1000, abs=0.01)
    assert ended == pytest.approx(began + 4.8, abs=0.033)


async def test_the_utterance_is_what_was_said_with_the_pre_roll_before_it(autojump_clock: MockClock) -> None:
    room, seen, ears = Room(), [], FakeEars()
    async with conversing(room, stt=ears) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        clip = said(1.0)
        room.microphone.place(clip, trio.current_time() + 2.0)
        await conversation.listen()
        nursery.cancel_scope.cancel()
    [(pcm, rate)] = ears.heard
    utterance = only(seen, UtteranceRecorded).utterance
    assert rate == 16_000
    assert utterance.pcm == pcm
    head = pcm.index(clip.pcm)
    assert head / 2 / rate == pytest.approx(0.5, abs=0.042)
    assert (len(pcm) - head - len(clip.pcm)) / 2 / rate == pytest.approx(0.3, abs=0.042)


async def test_speaking_over_the_assistant_silences_it_and_counts_the_words_heard(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room, stt=FakeEars("stop")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        room.microphone.place(said(0.8), began + 0.8)
        result = await conversation.converse(GREETING)
        nursery.cancel_scope.cancel()
    assert result.outcome == "interrupted"
    assert result.transcript == "stop"
    barged_in = only(seen, BargedIn)
    assert barged_in.began == pytest.approx(began + 0.8, abs=0.032)
    ducked = only(seen, Ducked)
    assert ducked.held
    assert 0 <= room.silent_from() - ducked.at <= 0.010 or room.silent_from() <= ducked.at
    assert result.timings.barge_in_ms == pytest.approx(1000 * (ducked.at - barged_in.began), abs=10)
    words_over = int((ducked.at - began + 0.05) / 0.25)
    assert result.spoken.heard == " ".join(GREETING.split()[:words_over])
    assert not result.spoken.complete


async def test_nothing_of_the_old_turn_is_played_after_the_stop(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        room.microphone.place(said(3.0), trio.current_time() + 0.8)
        await conversation.converse(GREETING)
        nursery.cancel_scope.cancel()
    stopped = only(seen, BargedIn).at
    assert all(at + len(pcm) / 2 / rate <= stopped + 0.010 for at, pcm, rate in room.played)


async def test_without_word_times_what_was_heard_is_known_by_proportion(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room, tts=FakeVoice(word_times=False)) as conversation:
        room.microphone.place(said(0.8), trio.current_time() + 0.8)
        result = await conversation.converse(GREETING)
    assert GREETING.startswith(result.spoken.heard)
    assert 2 <= len(result.spoken.heard.split()) <= 5


async def test_nobody_answering_is_a_result(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room) as conversation:
        result = await conversation.converse(GREETING)
    assert result.outcome == "no_speech"
    assert result.timings.total_ms == pytest.approx(12_000, abs=20)
    assert result.utterance is None


async def test_saying_opens_no_microphone(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        result = await conversation.say(GREETING)
        nursery.cancel_scope.cancel()
    assert result.outcome == "said"
    assert not [event for event in seen if isinstance(event, MicrophoneOpened)]


async def test_saying_can_be_stopped_by_speaking_over_it(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room, stt=FakeEars("enough")) as conversation:
        room.microphone.place(said(0.8), trio.current_time() + 0.8)
        result = await conversation.say(GREETING, interruptible=True)
        again = await conversation.say("fine.", interruptible=True)
    assert (result.outcome, result.transcript) == ("interrupted", "enough")
    assert result.spoken.text == GREETING
    assert GREETING.startswith(result.spoken.heard)
    assert (again.outcome, again.transcript) == ("said", "")


async def test_cancelling_closes_the_microphone_before_a_slow_agent_has_cleaned_up(autojump_clock: MockClock) -> None:
    room, seen = Room(), []

    async def slow_to_go(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            yield GREETING + " "
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(2, shield=True):
                await trio.sleep_forever()

    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.6):
            await conversation.converse(slow_to_go)
        cancelled = trio.current_time() - 2
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert only(seen, MicrophoneClosed).at == pytest.approx(cancelled, abs=0.001)
    assert room.silent_from() <= cancelled + 0.01


async def test_the_button_stops_the_assistant_and_listens(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room) as conversation, trio.open_nursery() as nursery:

        async def press() -> None:
            await trio.sleep(0.6)
            conversation.interrupt()

        nursery.start_soon(press)
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("interrupted", "yes", "one two")


async def test_stopping_gives_what_there_is(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room) as conversation, trio.open_nursery() as nursery:

        async def press() -> None:
            await trio.sleep(0.6)
            conversation.stop()

        nursery.start_soon(press)
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("stopped", "", "one two")


async def test_cancelling_the_caller_closes_the_microphone_and_the_next_turn_works(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.6):
            await conversation.converse(GREETING)
        cancelled = trio.current_time()
        await trio.sleep(0.05)
        assert only(seen, MicrophoneClosed).at - cancelled < 0.01
        assert room.silent_from() <= cancelled + 0.01
        ended = only(seen, TurnEnded).result
        assert (ended.outcome, ended.spoken.heard) == ("stopped", "one two")
        assert (await conversation.say("again")).outcome == "said"
        nursery.cancel_scope.cancel()


async def test_a_clean_up_that_takes_its_time_does_not_keep_the_assistant_talking(autojump_clock: MockClock) -> None:
    room, seen = Room(), []

    async def slow_to_go(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            yield GREETING + " "
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(2, shield=True):
                await trio.sleep_forever()

    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        room.microphone.place(said(0.8), trio.current_time() + 0.8)
        result = await conversation.converse(slow_to_go)
        nursery.cancel_scope.cancel()
    assert result.outcome == "interrupted"
    assert room.silent_from() <= only(seen, BargedIn).at + 0.01


async def test_two_turns_at_once_are_taken_one_after_the_other(autojump_clock: MockClock) -> None:
    room = Room()
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(conversation.say, GREETING)
        nursery.start_soon(conversation.say, GREETING)
    starts = [at for at, _, _ in room.played]
    assert starts == sorted(starts)
    assert sum(len(pcm) for _, pcm, _ in room.played) == 2 * 2 * 16_000 * 2


async def test_an_agent_answers_what_it_was_told_until_somebody_stops_it(autojump_clock: MockClock) -> None:
    room, calls = Room(), []

    async def echo(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        calls.append((transcript, [(message.role, message.text) for message in history]))
        yield "you "
        yield f"said {transcript}."

    async with conversing(room, stt=FakeEars("alpha", "beta")) as conversation, trio.open_nursery() as nursery:

        async def user() -> None:
            heard = 0
            async for event in conversation.events():
                if isinstance(event, StateChanged) and event.state == "listening":
                    heard += 1
                    if heard > 2:
                        conversation.stop()
                    else:
                        room.microphone.place(said(0.5), trio.current_time() + 0.2)

        nursery.start_soon(user)
        await wait_all_tasks_blocked()
        await conversation.talk(echo, greeting="hello there.")
        nursery.cancel_scope.cancel()
    assert calls == [
        ("alpha", [("assistant", "hello there.")]),
        ("beta", [("assistant", "hello there."), ("user", "alpha"), ("assistant", "you said alpha.")]),
    ]


async def test_in_a_talk_the_microphone_is_open_from_the_first_word_to_the_end(autojump_clock: MockClock) -> None:
    room, seen = Room(), []

    async def brief(transcript: str, history: Sequence[Message]) -> str:
        return "fine."

    async with conversing(room, stt=FakeEars("alpha", wait=0.5)) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        room.microphone.place(said(0.5), began + 1.0)
        room.microphone.place(said(0.5), began + 4.0)
        with trio.move_on_after(8):
            await conversation.talk(brief)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert only(seen, MicrophoneOpened).at == began
    assert only(seen, MicrophoneClosed).at == pytest.approx(began + 8)
    answers = [event.result for event in seen if isinstance(event, TurnEnded)]
    assert [answer.outcome for answer in answers] == ["heard", "heard", "stopped"]


async def test_what_is_said_while_the_answer_is_being_transcribed_is_not_lost(autojump_clock: MockClock) -> None:
    room, calls = Room(), []

    async def echo(transcript: str, history: Sequence[Message]) -> str:
        calls.append((transcript, [message.text for message in history]))
        return "fine."

    ears = FakeEars("what is the weather", "in Paris", wait=1.0)
    async with conversing(room, stt=ears) as conversation:
        began = trio.current_time()
        room.microphone.place(said(0.5), began + 1.0)
        room.microphone.place(said(0.5), began + 2.6)
        with trio.move_on_after(7):
            await conversation.talk(echo)
    assert len(ears.heard) == 2
    assert calls == [("in Paris", ["what is the weather"])]


async def test_a_stop_between_two_turns_of_a_talk_ends_it(autojump_clock: MockClock) -> None:
    room = Room()
    room.microphone.place(said(0.5), trio.current_time() + 1)
    asked = []

    async def never(transcript: str, history: Sequence[Message]) -> str:
        asked.append(transcript)
        return "again"

    def stop_at_the_end(event: Event) -> None:
        if isinstance(event, TurnEnded):
            conversation.stop()

    room.microphone.cue = stop_at_the_end
    async with conversing(room, stt=FakeEars("hello")) as conversation:
        await conversation.talk(never)
        assert conversation.history == (Message(role="user", text="hello"),)
    assert asked == []


async def test_a_sentence_is_spoken_while_its_agent_is_busy_with_the_next(autojump_clock: MockClock) -> None:
    room, seen = Room(), []

    async def busy(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield "Let me see. "
        await trio.sleep(5)
        yield "There it is."

    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        result = await conversation.say(busy)
        nursery.cancel_scope.cancel()
    assert only(seen, SpeakingStarted).at == pytest.approx(began + 0.3, abs=0.01)
    assert result.spoken.heard == "Let me see. There it is."


async def test_the_errors_of_an_agent_come_out_as_they_are(autojump_clock: MockClock) -> None:
    async def broken(transcript: str, history: Sequence[Message]) -> str:
        raise LookupError("no such thing")

    async with conversing(Room()) as conversation:
        with pytest.raises(LookupError, match="no such thing"):
            await conversation.converse(broken)
        assert (await conversation.say("still here")).outcome == "said"


async def test_a_voice_that_dies_says_so_and_what_it_said_was_heard(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room, tts=FakeVoice(dies_at="five")) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        with pytest.raises(ProviderUnavailable, match="The fake voice died"):
            await conversation.converse(GREETING)
        assert only(seen, Spoken).heard == "one two three four"
        nursery.cancel_scope.cancel()


async def test_a_recogniser_that_dies_says_so(autojump_clock: MockClock) -> None:
    room = Room()
    error = ProviderUnavailable("fake ears", "The fake ears are deaf.")
    async with conversing(room, stt=FakeEars(error=error)) as conversation:
        room.microphone.place(said(0.5), trio.current_time() + 0.5)
        with pytest.raises(ProviderUnavailable, match="deaf"):
            await conversation.listen()


@pytest.mark.parametrize("text", [" ", "…", "🙂🙂", "-- --"])
async def test_a_text_that_cannot_be_spoken_is_refused_at_the_door(text: str, autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation:
        with pytest.raises(SettingsError, match="nothing"):
            await conversation.say(text)


@pytest.mark.parametrize("device", ["microphone", "speaker"])
async def test_a_conversation_that_names_no_device_asks_for_the_machines_own(
    device: str, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked_for(uri: str) -> NoReturn:
        raise DeviceError(f"asked for {uri}")

    monkeypatch.setattr(f"voicemode.session.{device}_from", asked_for)
    settings = Settings(microphone="null:", speaker="null:")
    with pytest.raises(DeviceError, match=r"asked for portaudio:$"):
        async with voicemode.open_conversation(
            evolve(settings, **{device: None}), tts=FakeVoice(), vad=LoudnessModel(), stt=FakeEars()
        ):
            pass


async def test_a_mistake_in_the_callers_own_code_comes_out_unwrapped(autojump_clock: MockClock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with conversing(Room()) as conversation:
            await conversation.say("hello")
            raise ZeroDivisionError


async def test_events_end_when_the_conversation_does(autojump_clock: MockClock) -> None:
    seen: list[Event] = []
    async with trio.open_nursery() as nursery, conversing(Room()) as conversation:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        result: TurnResult = await conversation.say("hello")
    assert only(seen, TurnEnded).result == result


async def test_a_closed_conversation_says_that_it_is(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation:
        pass
    for turn in (conversation.listen, lambda: conversation.say("hello")):
        with pytest.raises(SettingsError, match="conversation is closed"):
            await turn()


async def test_what_is_no_speech_is_refused_by_its_type(autojump_clock: MockClock) -> None:
    async def counting(transcript: str, history: Sequence[Message]) -> Any:
        return 5

    async def numbers(transcript: str, history: Sequence[Message]) -> AsyncIterator[Any]:
        yield 5

    async with conversing(Room()) as conversation:
        for speech in (5, counting, numbers):
            with pytest.raises(TypeError, match="not int"):
                await conversation.say(speech)  # type: ignore[arg-type]  # that is the point


def test_two_things_that_are_missing_are_one_error_for_people() -> None:
    with pytest.raises(voicemode.VoiceError, match=r"^No voice\. No ears\.$"), unwrapped():
        raise ExceptionGroup("", [ProviderUnavailable("mouth", "No voice."), DeviceError("No ears.")])


async def test_a_speaker_is_not_written_over_the_microphone(tmp_path: Path) -> None:
    uri = f"file:{tmp_path / 'same.wav'}"
    with pytest.raises(SettingsError, match="write over the microphone"):
        async with voicemode.open_conversation(Settings(microphone=uri + "?start=0", speaker=uri)):
            pass


def test_phrases_are_a_list_and_not_a_text() -> None:
    with pytest.raises(SettingsError, match="a tuple of texts, not 'yes'"):
        Settings(phrases="yes")  # type: ignore[arg-type]  # that is the point


async def test_the_button_ends_what_the_user_says(autojump_clock: MockClock) -> None:
    room, ears = Room(), FakeEars()
    async with conversing(room, stt=ears) as conversation, trio.open_nursery() as nursery:
        conversation.end_turn()
        began = trio.current_time()

        async def press() -> None:
            await trio.sleep_until(began + 2)
            conversation.end_turn()

        nursery.start_soon(press)
        room.microphone.place(said(5), began + 1)
        result = await conversation.listen()
        assert trio.current_time() == began + 2
    assert result.outcome == "heard"
    [(pcm, _)] = ears.heard
    assert pcm.endswith(said(1).pcm)


async def test_the_button_ends_the_wait_for_an_answer(autojump_clock: MockClock) -> None:
    async with conversing(Room()) as conversation, trio.open_nursery() as nursery:

        async def press() -> None:
            for _ in range(2):
                await trio.sleep(1.5)
                conversation.end_turn()

        nursery.start_soon(press)
        result = await conversation.converse(GREETING)
    assert (result.outcome, result.spoken.heard) == ("no_speech", GREETING)
    assert result.timings.total_ms == pytest.approx(3000)


async def test_a_muted_user_is_not_heard_and_what_they_were_saying_ends(autojump_clock: MockClock) -> None:
    room, seen, ears = Room(), [], FakeEars()
    async with conversing(room, stt=ears) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()

        async def press() -> None:
            await trio.sleep_until(began + 2)
            conversation.mute()
            conversation.mute()

        nursery.start_soon(press)
        room.microphone.place(said(9), began + 1)
        assert (await conversation.listen()).outcome == "heard"
        assert conversation.muted
        assert (await conversation.listen()).outcome == "no_speech"
        conversation.mute(False)
        assert not conversation.muted
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    [(pcm, rate)] = ears.heard
    loud = pcm.rindex(said(0.9).pcm) + len(said(0.9).pcm)
    assert not any(pcm[loud:])
    assert (len(pcm) - loud) / 2 / rate == pytest.approx(0.3, abs=0.033)
    assert [event for event in seen if isinstance(event, Muted)] == [
        Muted(at=began + 2, muted=True),
        Muted(at=trio.current_time(), muted=False),
    ]


async def test_chimes_tell_how_things_stand_and_nobody_waits_for_them(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with (
        conversing(room, settings=evolve(WITHOUT_DRAFTS, chimes=True)) as conversation,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        room.microphone.place(said(1.0), began + 3)
        result = await conversation.converse(GREETING)
        ended = trio.current_time()
        await conversation.listen()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    chimed = [(event.turn, event.chime, event.at) for event in seen if isinstance(event, Chimed)]
    heard = began + result.timings.total_ms / 1000
    assert chimed == [
        (1, "listening", pytest.approx(began + 2)),
        (1, "captured", pytest.approx(heard)),
        (2, "listening", ended),
        (2, "done", pytest.approx(ended + 10)),
    ]
    assert ended == pytest.approx(began + 4.7, abs=0.033)
    assert any(at >= began + 2 and any(pcm) for at, pcm, _ in room.played)


async def test_virtual_speakers_do_not_chime_unless_they_are_asked_to(autojump_clock: MockClock) -> None:
    room, seen = Room(), []
    async with conversing(room) as conversation, trio.open_nursery() as nursery:
        nursery.start_soon(follow, conversation, seen)
        await wait_all_tasks_blocked()
        await conversation.converse(GREETING)
        nursery.cancel_scope.cancel()
    assert not [event for event in seen if isinstance(event, Chimed)]


async def test_a_speaker_in_a_room_chimes_unless_it_is_asked_not_to(autojump_clock: MockClock) -> None:
    class MonitoredSpeaker(VirtualSpeaker):
        def monitor(self, tap: object) -> None:
            """Nobody listens in."""

    for chimes in (None, False):
        room, seen = Room(), []
        room.speaker = MonitoredSpeaker()
        settings = Settings(chimes=chimes, echo="off")
        async with conversing(room, settings=settings) as conversation, trio.open_nursery() as nursery:
            nursery.start_soon(follow, conversation, seen)
            await wait_all_tasks_blocked()
            await conversation.listen()
            nursery.cancel_scope.cancel()
        assert bool([event for event in seen if isinstance(event, Chimed)]) == (chimes is None)
