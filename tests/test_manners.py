"""What becomes of the assistant's voice when it is spoken over or its buttons are pressed, to the sample.

The fake voice says a word in 0.25 s at a level of 8000.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from actors.events import BargedIn, Ducked, WentOn
from actors.machines.barge_in import UNDECIDED
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.messages import Message, MicrophoneClosed, MicrophoneOpened, Spoken
from tests.fakes import FakeEars, FakeVoice, tone
from tests.fakes_speech import MURMUR, MurmurModel
from tests.turn_taking import QUANTUM, STORY, WINDOW, levels, loud_seconds, mannered, scene
from voicemode import Settings
from voicemode.audio.files import Sound

WHOLE = 12 * 0.2
"""Seconds of the story that are loud."""


async def test_a_cough_ducks_the_voice_which_then_goes_back_to_the_word(autojump_clock: MockClock) -> None:
    async with scene(mannered("interrupt")) as room:
        room.user_says(0.6, 0.13)
        result = await room.conversation.say(STORY, interruptible=True)
        ducked, went_on = room.only(Ducked), room.only(WentOn)
        heard = levels(room.room)
    assert (result.outcome, result.spoken.heard, result.spoken.complete) == ("said", STORY, True)
    assert result.false_interruptions == 1
    assert ducked.at - room.began == pytest.approx(0.7, abs=2 * WINDOW)
    assert went_on.at - ducked.at == pytest.approx(0.23, abs=2 * WINDOW)
    low = [at for at, level in heard if level == 2_000]
    assert low
    assert all(ducked.at - 0.01 <= at <= went_on.at + 0.03 for at in low)
    assert heard[-1][1] == 8_000
    # of the third word, which was ducked at its end, nothing is lost: it is said again at full level
    assert loud_seconds(room.room) >= WHOLE - 0.04
    assert room.now - room.began <= 3.0 + 0.6


async def test_a_sign_of_listening_resumes_the_held_voice(autojump_clock: MockClock) -> None:
    async with scene(mannered("pause_and_resume"), stt=FakeEars("mhm")) as room:
        room.user_says(0.6, 0.4)
        room.user_says(6.0, 0.5)
        result = await room.conversation.converse(STORY)
        held, went_on = room.only(Ducked), room.only(WentOn)
    assert held.held
    assert not [at for at, _ in levels(room.room) if held.at + 0.02 <= at < went_on.at]
    assert (result.outcome, result.spoken.heard, result.false_interruptions) == ("heard", STORY, 1)
    assert loud_seconds(room.room) >= WHOLE - 0.04
    assert went_on.at - room.began == pytest.approx(1.2, abs=2 * WINDOW)


async def test_a_noise_that_never_pauses_holds_the_voice_for_no_longer_than_the_bound(
    autojump_clock: MockClock,
) -> None:
    async with scene(mannered("pause_and_resume"), vad=MurmurModel()) as room:
        room.user_says(0.6, 0.13)
        room.room.microphone.place(Sound(pcm=tone(20.0, level=MURMUR), rate=16_000), room.began + 0.73)
        result = await room.conversation.say(STORY, interruptible=True)
        held, went_on = room.only(Ducked), room.only(WentOn)
    assert held.held
    assert went_on.at - held.at == pytest.approx(UNDECIDED, abs=0.001)
    assert not [at for at, _ in levels(room.room) if held.at + 0.02 <= at < went_on.at - QUANTUM]
    assert (result.outcome, result.spoken.heard, result.false_interruptions) == ("said", STORY, 1)
    # the word that was cut is said again
    assert loud_seconds(room.room) >= WHOLE - 0.04


async def test_words_are_the_turn_and_the_held_voice_is_over(autojump_clock: MockClock) -> None:
    async with scene(mannered("pause_and_resume"), stt=FakeEars("no that is wrong")) as room:
        room.user_says(0.6, 0.8)
        result = await room.conversation.converse(STORY)
        held, barged_in = room.only(Ducked), room.only(BargedIn)
        assert not room.all(WentOn)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("interrupted", "no that is wrong", "one two")
    assert barged_in.at - room.began == pytest.approx(1.6, abs=2 * WINDOW)
    assert room.room.silent_from() <= held.at + 0.02


async def test_a_voice_held_before_its_first_word_begins_with_it(autojump_clock: MockClock) -> None:
    async with scene(mannered("pause_and_resume"), stt=FakeEars("mhm"), tts=FakeVoice(wait=0.5)) as room:
        room.user_says(0.2, 0.4)
        result = await room.conversation.say(STORY, interruptible=True)
    assert (result.spoken.heard, result.false_interruptions) == (STORY, 1)
    assert loud_seconds(room.room) == pytest.approx(WHOLE, abs=0.04)


async def test_a_polite_voice_ends_after_the_sentence(autojump_clock: MockClock) -> None:
    async with scene(mannered("finish_sentence"), stt=FakeEars("I see what you mean.")) as room:
        room.user_says(1.3, 0.5)
        result = await room.conversation.converse(STORY)
        assert room.only(Spoken).at - room.began == pytest.approx(2.0, abs=0.001)
    assert (result.outcome, result.transcript) == ("interrupted", "I see what you mean.")
    assert result.spoken.heard == "one two three four. five six seven eight."
    assert loud_seconds(room.room) == pytest.approx(8 * 0.2, abs=0.001)


async def test_a_polite_voice_gives_up_all_that_is_still_to_be_made(autojump_clock: MockClock) -> None:
    async with scene(mannered("finish_sentence"), stt=FakeEars("I see what you mean.")) as room:
        room.user_says(1.3, 0.5)
        result = await room.conversation.converse(20 * f"{STORY} ")
    assert (result.outcome, result.transcript) == ("interrupted", "I see what you mean.")
    assert result.spoken.heard == "one two three four. five six seven eight."


async def test_a_polite_voice_hangs_up_on_an_agent_that_goes_on(autojump_clock: MockClock) -> None:
    closed: list[float] = []

    async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        try:
            while True:
                yield f"{STORY} "
                await trio.sleep(0.01)
        finally:
            closed.append(trio.current_time())

    async with scene(mannered("finish_sentence"), stt=FakeEars("I see what you mean.")) as room:
        room.user_says(1.3, 0.5)
        result = await room.conversation.converse(agent)
        spoken = room.only(Spoken)
    assert (result.outcome, result.spoken.heard) == ("interrupted", "one two three four. five six seven eight.")
    assert closed == pytest.approx([spoken.at], abs=0.02)


async def test_a_polite_voice_that_was_paused_has_no_sentence_to_finish(autojump_clock: MockClock) -> None:
    async with scene(mannered("finish_sentence"), stt=FakeEars("I see what you mean.")) as room:
        room.user_says(2.0, 0.5)
        with trio.fail_after(10):
            result = await room.doing(partial(room.conversation.converse, STORY), (0.6, room.conversation.pause))
        assert not room.conversation.status().held
    assert (result.outcome, result.transcript, result.spoken.heard) == (
        "interrupted",
        "I see what you mean.",
        "one two",
    )


async def test_an_ignorant_voice_goes_on(autojump_clock: MockClock) -> None:
    async with scene(mannered("ignore", no_speech=1.0), stt=FakeEars("no that is wrong")) as room:
        room.user_says(0.6, 0.8)
        result = await room.conversation.converse(STORY)
        assert not room.all(Ducked)
    assert (result.outcome, result.spoken.heard) == ("no_speech", STORY)
    assert loud_seconds(room.room) == pytest.approx(WHOLE)


async def test_an_ignorant_voice_heeds_a_stop_word(autojump_clock: MockClock) -> None:
    async with scene(mannered("ignore"), stt=FakeEars("stop")) as room:
        room.user_says(0.6, 0.5)
        result = await room.conversation.converse(STORY)
        assert room.room.silent_from() - room.began == pytest.approx(1.3, abs=2 * WINDOW)
    assert (result.outcome, result.transcript) == ("interrupted", "stop")


async def test_a_paused_voice_goes_on_with_the_word(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        result = await room.doing(
            partial(conversation.say, STORY), (0.6, conversation.pause), (5.0, conversation.resume)
        )
        assert not [at for at, _ in levels(room.room) if 0.62 <= at - room.began < 5.0]
        # the third word had begun at 0.5 and is said again
        assert room.now == pytest.approx(5.0 + 2.5, abs=0.03)
    assert (result.outcome, result.spoken.heard, result.spoken.complete) == ("said", STORY, True)


async def test_a_voice_paused_between_two_turns_does_not_begin(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        conversation.pause()
        assert conversation.status().held
        result = await room.doing(partial(conversation.say, STORY), (2.0, conversation.resume))
        assert levels(room.room)[0][0] == pytest.approx(room.began + 2.0, abs=0.02)
        assert not conversation.status().held
    assert result.spoken.heard == STORY


async def test_a_paused_turn_can_be_stopped_and_the_next_one_speaks(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        result = await room.doing(partial(conversation.say, STORY), (0.6, conversation.pause), (2.0, conversation.stop))
        assert (result.outcome, result.spoken.heard) == ("stopped", "one two")
        assert (await conversation.say("fine.")).spoken.heard == "fine."


async def test_skipping_forward_says_the_next_sentence_and_after_the_last_listens(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        room.user_says(2.0, 0.5)
        result = await room.doing(
            partial(conversation.converse, STORY),
            (0.6, conversation.skip_forward),
            (0.9, conversation.skip_forward),
            (1.2, conversation.skip_forward),
        )
        assert room.only(Spoken).at - room.began == pytest.approx(1.2, abs=0.03)
    assert (result.outcome, result.transcript) == ("heard", "yes")
    assert (result.spoken.heard, result.spoken.complete) == ("one two", False)


async def test_skipping_forward_while_the_user_speaks_ends_their_turn(autojump_clock: MockClock) -> None:
    async with scene() as room:
        room.user_says(1.0, 5.0)
        result = await room.doing(room.conversation.listen, (2.0, room.conversation.skip_forward))
        assert room.now < 2.2
    assert result.outcome == "heard"


async def test_skipping_back_says_the_sentence_again(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        result = await room.doing(partial(conversation.say, STORY), (2.9, conversation.skip_back))
        # the third sentence has gone on for 0.9 s, which is near its beginning, so that the second is said again
        assert room.now == pytest.approx(2.9 + 2.0, abs=0.03)
    assert (result.spoken.heard, result.spoken.complete) == (STORY, True)


async def test_skipping_back_at_the_beginning_says_the_turn_before(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        await conversation.say("alpha beta.")
        again = await room.doing(partial(conversation.say, STORY), (0.7, conversation.skip_back))
        assert room.now == pytest.approx(0.7 + 0.5 + 3.0, abs=0.03)
    assert again.spoken.heard == STORY


@pytest.mark.parametrize("press", ["repeat", "skip_back"])
async def test_while_the_user_is_listened_to_a_button_says_it_again(autojump_clock: MockClock, press: str) -> None:
    voice = FakeVoice()
    async with scene(tts=voice) as room:
        conversation = room.conversation
        room.user_says(9.0, 0.5)
        result = await room.doing(partial(conversation.converse, STORY), (4.0, getattr(conversation, press)))
        first, second = room.all(Spoken)
    assert (first.at - room.began, second.at - room.began) == pytest.approx((3.0, 7.0), abs=0.03)
    assert (result.outcome, result.spoken.heard) == ("heard", STORY)
    assert len(voice.asked) == 3
    assert loud_seconds(room.room) == pytest.approx(2 * WHOLE, abs=0.04)


async def test_who_asks_what_in_the_middle_of_a_text_hears_all_of_it(autojump_clock: MockClock) -> None:
    async with scene(stt=FakeEars("what", "yes")) as room:
        room.user_says(0.6, 0.4)
        room.user_says(6.0, 0.5)
        result = await room.conversation.converse(STORY)
        first, second = room.all(Spoken)
    assert first.heard == "one two"
    assert (second.heard, second.complete) == (STORY, True)
    assert (result.outcome, result.transcript, result.spoken.heard) == ("heard", "yes", STORY)


async def test_in_a_turn_without_words_what_was_said_before_is_repeated(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation
        await conversation.say("alpha beta.")
        room.user_says(4.0, 0.5)
        result = await room.doing(conversation.listen, (1.0, conversation.repeat))
    assert (result.outcome, result.spoken.text, result.spoken.heard) == ("heard", "alpha beta.", "alpha beta.")


async def test_with_nothing_said_yet_a_repetition_is_silent(autojump_clock: MockClock) -> None:
    async with scene() as room:
        room.user_says(4.0, 0.5)
        result = await room.doing(room.conversation.listen, (1.0, room.conversation.repeat))
    assert (result.outcome, result.spoken.heard) == ("heard", "")


async def test_a_repetition_can_be_stopped_at_once(autojump_clock: MockClock) -> None:
    async with scene() as room:
        conversation = room.conversation

        def both() -> None:
            conversation.repeat()
            conversation.stop()

        result = await room.doing(partial(conversation.converse, STORY), (4.0, both))
        assert room.now == pytest.approx(4.0, abs=0.2)
    assert result.outcome == "stopped"


@pytest.mark.parametrize("manners", ["interrupt", "finish_sentence"])
async def test_who_asks_for_it_again_is_told_again_and_then_listened_to(
    autojump_clock: MockClock, manners: str
) -> None:
    async with scene(mannered(manners), stt=FakeEars("What?", "Say that again.", "Thank you.")) as room:  # type: ignore[arg-type]
        room.user_says(1.3, 0.5)  # over the assistant
        room.user_says(8.0, 0.5)
        room.user_says(14.0, 0.5)
        with trio.fail_after(30):
            result = await room.conversation.converse(STORY)
        assert len(room.all(Spoken)) == 3
    assert result.transcript == "Thank you."
    assert STORY.startswith(result.spoken.heard)


async def test_who_wants_to_wait_is_not_heard_until_the_rest_is_over(autojump_clock: MockClock) -> None:
    async with scene(Settings(turn=TurnPolicy(rest=20.0)), stt=FakeEars("Wait.", "Thank you.")) as room:
        room.user_says(1.0, 0.5)
        room.user_says(5.0, 2.0)
        room.user_says(25.0, 0.5)
        result = await room.conversation.listen()
        opened = [event.at - room.began for event in room.all(MicrophoneOpened)]
        closed = [event.at - room.began for event in room.all(MicrophoneClosed)]
    assert result.transcript == "Thank you."
    assert opened == pytest.approx([0.0, 1.8 + 20.0], abs=0.1)
    assert closed[0] == pytest.approx(1.8, abs=0.1)


async def test_a_spoken_stop_ends_a_talk(autojump_clock: MockClock) -> None:
    async def agent(transcript: str, _: object) -> str:
        await trio.lowlevel.checkpoint()
        return "aha."

    policy = TurnPolicy(spoken=SpokenCommands(stop=("goodbye",), end=("over",)))
    async with scene(Settings(turn=policy), stt=FakeEars("the red one over", "goodbye")) as room:
        room.user_says(1.0, 0.5)
        room.user_says(4.0, 0.5)
        with trio.fail_after(10):
            await room.conversation.talk(agent)
    assert [message.text for message in room.conversation.history] == ["the red one", "aha.", "goodbye"]


HANGING = [
    pytest.param(mannered("interrupt"), 0.75, id="ducked"),
    pytest.param(mannered("pause_and_resume"), 0.75, id="held"),
    pytest.param(mannered("pause_and_resume"), 1.3, id="held while the words are understood"),
    pytest.param(mannered("finish_sentence"), 1.1, id="finishing the sentence"),
    pytest.param(mannered("ignore"), 1.0, id="ignoring"),
    pytest.param(mannered("interrupt"), 1.3, id="interrupted and drafted"),
]


@pytest.mark.parametrize(("settings", "at"), HANGING)
async def test_whoever_cancels_leaves_silence_and_a_turn_that_works(
    autojump_clock: MockClock, settings: Settings, at: float
) -> None:
    async with scene(settings, stt=FakeEars("no that is wrong", wait=0.6)) as room:
        room.user_says(0.6, 0.5)
        with trio.move_on_at(room.began + at):
            await room.conversation.converse(STORY)
        assert room.now == pytest.approx(at, abs=0.15)
        await trio.sleep(0.2)
        assert not room.room.microphone.is_open
        assert room.room.silent_from() <= room.began + at + 0.02
        assert not room.conversation.status().held
        before = loud_seconds(room.room)
        again = await room.conversation.say(STORY)
        assert loud_seconds(room.room) - before == pytest.approx(WHOLE, abs=0.01)
    assert (again.outcome, again.spoken.heard) == ("said", STORY)


@pytest.mark.parametrize("at", [1.6, 2.5, 4.2, 10.0, 22.0])
async def test_whoever_cancels_a_repetition_or_a_rest_leaves_a_turn_that_works(
    autojump_clock: MockClock, at: float
) -> None:
    settings = Settings(turn=TurnPolicy(rest=20.0))
    async with scene(settings, stt=FakeEars("What?", "Wait.", "Thank you.", wait=0.3)) as room:
        await room.conversation.say("alpha beta.")
        room.began = trio.current_time()
        room.user_says(1.0, 0.3)
        room.user_says(3.5, 0.3)
        with trio.move_on_at(room.began + at):
            await room.conversation.listen()
        await trio.sleep(0.2)
        assert not room.room.microphone.is_open
        again = await room.conversation.say(STORY)
    assert (again.outcome, again.spoken.heard) == ("said", STORY)
