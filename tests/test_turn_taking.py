"""When the user is taken to be done: whole conversations under a virtual clock, with ears that draft at every pause.

A decision falls on the end of a window of 32 ms, so that what is exact is so to the window.
"""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors.errors import ProviderUnavailable
from actors.events import UserAway, UserBack
from actors.machines.policy import TurnPolicy
from actors.messages import Drafted, MicrophoneClosed, PartlyTranscribed, SpeechEnded, Transcribed
from actors.results import Speculation
from tests.fakes import FakeEars
from tests.turn_taking import WINDOW, LiveEars, scene
from voicemode import Settings

DONE, OPEN, UNSURE = "What do you mean?", "I would like to and", "no that is wrong"


async def test_the_transcript_is_there_as_soon_as_the_user_is_taken_to_be_done(autojump_clock: MockClock) -> None:
    ears = FakeEars(DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 1.0)
        result = await room.conversation.listen()
        # the user falls silent at 2.0; the last voiced window ends within one window of it
        assert room.now == pytest.approx(2.3, abs=2 * WINDOW)
    assert (result.outcome, result.transcript) == ("heard", DONE)
    assert result.speculation == Speculation(drafts=1, wasted=0, used=True)
    assert len(ears.heard) == 1
    assert room.only(Drafted).transcript is room.only(Transcribed).transcript


async def test_who_looks_undecided_is_given_the_usual_time(autojump_clock: MockClock) -> None:
    async with scene(stt=FakeEars(UNSURE)) as room:
        room.user_says(1.0, 1.0)
        await room.conversation.listen()
        assert room.now == pytest.approx(2.7, abs=2 * WINDOW)


async def test_a_thinker_is_not_cut_off(autojump_clock: MockClock) -> None:
    ears = FakeEars(OPEN, DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 1.0)
        room.user_says(3.3, 1.0)
        result = await room.conversation.listen()
        assert room.now == pytest.approx(4.6, abs=2 * WINDOW)
    assert result.transcript == DONE
    assert result.speculation == Speculation(drafts=2, wasted=1, used=True)
    first, second = (len(pcm) / 2 / rate for pcm, rate in ears.heard)
    # from the pre-roll on, up to when the pause was noticed
    assert first == pytest.approx(0.5 + 1.0 + 0.2, abs=3 * WINDOW)
    assert second == pytest.approx(0.5 + 3.3 + 0.2, abs=3 * WINDOW)


async def test_a_thinker_who_says_nothing_more_is_heard_after_a_second_and_a_half(autojump_clock: MockClock) -> None:
    async with scene(stt=FakeEars(OPEN)) as room:
        room.user_says(1.0, 1.0)
        result = await room.conversation.listen()
        assert room.now == pytest.approx(3.5, abs=2 * WINDOW)
    assert result.transcript == OPEN


@pytest.mark.parametrize("wait", [0.05, 0.25, 0.45])
async def test_ears_that_take_their_time_cost_none(autojump_clock: MockClock, wait: float) -> None:
    async with scene(stt=FakeEars(UNSURE, wait=wait)) as room:
        room.user_says(1.0, 1.0)
        result = await room.conversation.listen()
        assert room.now == pytest.approx(2.7, abs=2 * WINDOW)
    assert result.speculation.used


async def test_slow_ears_are_waited_for_and_asked_once(autojump_clock: MockClock) -> None:
    ears = FakeEars(DONE, wait=3.0)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 1.0)
        result = await room.conversation.listen()
        assert room.now == pytest.approx(2.2 + 3.0, abs=2 * WINDOW)
        assert room.only(SpeechEnded).decided - room.began == pytest.approx(3.5, abs=2 * WINDOW)
    assert (result.transcript, len(ears.heard)) == (DONE, 1)


async def test_a_draft_that_fails_is_made_up_for(autojump_clock: MockClock) -> None:
    class Stuttering(FakeEars):
        async def transcribe(self, pcm: bytes, rate: int, *, phrases: object = ()) -> object:  # type: ignore[override]
            self.error = ProviderUnavailable(self.name, "busy") if not self.heard else None
            return await super().transcribe(pcm, rate)

    ears = Stuttering(DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 1.0)
        result = await room.conversation.listen()
    assert (result.transcript, len(ears.heard)) == (DONE, 2)
    assert not result.speculation.used
    assert len(ears.heard[1][0]) > len(ears.heard[0][0])


async def test_a_request_that_is_of_no_use_any_more_is_given_up(autojump_clock: MockClock) -> None:
    class Counting(FakeEars):
        at_work = most = 0

        async def transcribe(self, pcm: bytes, rate: int, *, phrases: object = ()) -> object:  # type: ignore[override]
            self.at_work += 1
            self.most = max(self.most, self.at_work)
            try:
                return await super().transcribe(pcm, rate)
            finally:
                self.at_work -= 1

    ears = Counting(OPEN, DONE, wait=1.0)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 0.5)
        room.user_says(2.0, 0.5)
        result = await room.conversation.listen()
    assert result.speculation == Speculation(drafts=2, wasted=1, used=True)
    assert (ears.most, ears.at_work) == (1, 0)


async def test_a_live_recogniser_has_the_sound_before_the_user_has_ended(autojump_clock: MockClock) -> None:
    ears = LiveEars(DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 2.0)
        result = await room.conversation.listen()
        assert room.now == pytest.approx(3.3, abs=2 * WINDOW)
    [given] = ears.given
    before = sum(len(pcm) for at, pcm in given if at < room.began + 2.9)
    assert before / 32_000 == pytest.approx(0.5 + 1.9, abs=3 * WINDOW)
    assert b"".join(pcm for _, pcm in given) == ears.heard[0][0]
    assert (result.transcript, ears.open, ears.finished) == (DONE, 0, 1)
    assert room.all(PartlyTranscribed)


async def test_a_live_recogniser_hears_who_goes_on_from_the_beginning(autojump_clock: MockClock) -> None:
    ears = LiveEars(OPEN, DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 1.0)
        room.user_says(3.0, 1.0)
        result = await room.conversation.listen()
    assert result.transcript == DONE
    assert len(ears.given) == 2
    first, second = (b"".join(pcm for _, pcm in given) for given in ears.given)
    assert second.startswith(first)
    assert ears.open == 0


async def test_the_button_ends_what_a_live_recogniser_is_given(autojump_clock: MockClock) -> None:
    ears = LiveEars(DONE)
    async with scene(stt=ears) as room:
        room.user_says(1.0, 3.0)
        result = await room.doing(room.conversation.listen, (2.0, room.conversation.end_turn))
        assert room.now < 2.2
    assert (result.transcript, len(ears.given), ears.open) == (DONE, 1, 0)
    assert len(ears.heard[0][0]) / 32_000 == pytest.approx(1.5, abs=0.05)


async def test_each_turn_of_a_talk_is_drafted(autojump_clock: MockClock) -> None:
    heard: list[str] = []

    async def agent(transcript: str, _: object) -> str:
        await trio.lowlevel.checkpoint()
        heard.append(transcript)
        if len(heard) == 3:
            room.conversation.stop()
        return "aha."

    texts = ["The first.", "I would like and", "The second.", "The third."]
    ears = FakeEars(*texts)
    async with scene(stt=ears) as room:
        for at in (1.0, 4.0, 5.0, 9.0):
            room.user_says(at, 0.5)
        with trio.fail_after(30):
            await room.conversation.talk(agent)
        assert not room.room.microphone.is_open
        assert room.only(MicrophoneClosed)
    assert heard == ["The first.", "The second.", "The third."]
    assert len(ears.heard) == 4


async def test_in_a_talk_by_button_every_answer_is_heard(autojump_clock: MockClock) -> None:
    heard: list[str] = []

    async def agent(transcript: str, _: object) -> str:
        await trio.lowlevel.checkpoint()
        heard.append(transcript)
        if len(heard) == 3:
            room.conversation.stop()
        return "aha."

    ears = FakeEars("one", "two", "three", "four", "five", "six")
    async with scene(Settings(turn=TurnPolicy(ignore_silence=True)), stt=ears) as room:
        for at in (1.0, 5.0, 9.0):
            room.user_says(at, 0.5)
            room.user_says(at + 1.0, 0.3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(room.conversation.talk, agent)
            for at in (3.0, 7.0, 11.0):
                await room.until(at)
                room.conversation.end_turn()
    # each answer is two stretches of speech and so two drafts, of which the second counts
    assert heard == ["two", "four", "six"]


async def test_push_to_talk_hears_what_is_said_while_the_key_is_down(autojump_clock: MockClock) -> None:
    ears = FakeEars("one", "two")
    async with scene(Settings(turn=TurnPolicy(ignore_silence=True)), stt=ears) as room:
        conversation = room.conversation
        conversation.mute()
        room.user_says(0.2, 0.5)
        room.user_says(2.0, 1.0)
        room.user_says(5.0, 1.0)

        async def turn() -> object:
            return await conversation.converse("one two three four five six seven eight.")

        result = await room.doing(turn, (1.5, conversation.press), (3.0, conversation.release))  # type: ignore[arg-type]
        assert (result.outcome, result.transcript) == ("interrupted", "one")
        assert result.spoken.heard == "one two three four five six"
        assert room.now == pytest.approx(3.0, abs=0.15)
        again = await room.doing(conversation.listen, (4.5, conversation.press), (6.1, conversation.release))
    assert (again.outcome, again.transcript) == ("heard", "two")
    pcm, rate = ears.heard[-1]
    assert len(pcm) / 2 / rate == pytest.approx(0.5 + 1.1, abs=0.05)


async def test_who_says_nothing_is_away_and_who_speaks_is_back(autojump_clock: MockClock) -> None:
    async with scene(Settings(turn=TurnPolicy(no_speech=60.0, away=15.0)), stt=FakeEars(DONE)) as room:
        room.user_says(40.0, 1.0)
        await room.conversation.listen()
        away, back = room.only(UserAway), room.only(UserBack)
    assert away.at - room.began == pytest.approx(15.0)
    assert back.at - room.began == pytest.approx(40.1, abs=2 * WINDOW)


async def test_bounds_that_change_are_those_of_the_next_turn(autojump_clock: MockClock) -> None:
    async with scene(stt=FakeEars(DONE)) as room:
        conversation = room.conversation
        conversation.reconfigure(Settings(turn=TurnPolicy(drafts=0)))
        room.user_says(1.0, 1.0)
        result = await conversation.listen()
        assert result.speculation == Speculation()
        assert room.now == pytest.approx(2.7, abs=2 * WINDOW)
        conversation.reconfigure(Settings())
        room.user_says(5.0, 1.0)
        assert (await conversation.listen()).speculation.used
        assert room.now == pytest.approx(6.3, abs=2 * WINDOW)
