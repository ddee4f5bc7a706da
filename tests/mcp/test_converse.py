"""The tool ``converse`` as a client of the SDK meets it, in a room under a virtual clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.machines.policy import TurnPolicy
from tests.fakes import FakeEars, FakeVoice
from tests.mcp.calling import Desk, desk, words
from tests.turn_taking import STORY
from voicemode import Settings

WINDOW = 0.032


async def test_what_the_user_answers_is_the_answer(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("Blue, please.")) as at:
        at.user_says(1.5, 1.0)
        result = await at.call("converse", message="one two")
    assert words(result) == "Voice response: Blue, please."
    assert result.structured_content is not None
    assert result.structured_content["outcome"] == "heard"
    assert result.structured_content["transcript"] == "Blue, please."
    assert result.structured_content["engines"] == {"tts": "fake voice", "stt": "fake ears"}
    assert set(result.structured_content["timings"]) == {
        "first_sample_ms",
        "speech_end_to_transcript_ms",
        "total_ms",
    }


async def test_what_is_only_said_is_not_listened_after(autojump_clock: MockClock) -> None:
    async with desk() as at:
        answer = await at.converse("one two", wait_for_response="false", metrics_level="minimal")
        assert at.openings == 0
    assert answer == {"outcome": "said", "conversation_id": answer["conversation_id"], "engines": {"tts": "fake voice"}}


async def test_a_message_that_wants_no_answer_can_be_interrupted_if_that_is_asked_for(
    autojump_clock: MockClock,
) -> None:
    async with desk(stt=FakeEars("no that is wrong")) as at:
        at.user_says(0.6, 0.8)
        answer = await at.converse(STORY, wait_for_response=False, interruptible=True)
        assert at.openings == 1
    assert (answer["outcome"], answer["transcript"], answer["heard"]) == ("interrupted", "no that is wrong", "one two")


async def test_a_call_that_waits_for_engines_to_load_counts_that(autojump_clock: MockClock) -> None:
    async with desk(loading=2.0) as at:
        timings = (await at.converse("one two", wait_for_response=False))["timings"]
        assert timings["total_ms"] == pytest.approx(at.now * 1000, abs=50)
    assert 2000 <= timings["first_sample_ms"] < 2500


async def test_who_interrupts_is_answered_with_what_was_heard(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("no that is wrong")) as at:
        at.user_says(0.6, 0.8)
        result = await at.call("converse", message=STORY)
    assert result.structured_content is not None
    assert result.structured_content["outcome"] == "interrupted"
    assert result.structured_content["spoken"] == STORY
    assert STORY.startswith(result.structured_content["heard"])
    assert result.structured_content["heard"] in words(result)


async def test_nobody_answers(autojump_clock: MockClock) -> None:
    async with desk(settings=Settings(turn=TurnPolicy(no_speech=3.0))) as at:
        result = await at.call("converse", message="")
        assert at.now == pytest.approx(3.0, abs=0.2)
    assert words(result) == "No speech detected."


async def test_a_call_that_takes_longer_than_clients_wait_is_taken_up_by_the_next(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("I have thought about it."), call_limit=5.0) as at:
        # they speak across the end of the first call and the beginning of the second
        at.user_says(4.5, 2.0)
        first = await at.converse("")
        assert (first["outcome"], at.now) == ("still_listening", pytest.approx(5.0, abs=0.01))
        await trio.sleep(0.5)
        assert at.listening
        second = await at.converse(resume=first["resume"])
        assert at.openings == 1
    assert (second["outcome"], second["transcript"]) == ("heard", "I have thought about it.")


async def test_what_is_not_taken_up_is_ended_and_told_with_the_next_call(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("I am still here."), call_limit=5.0, settings=patient()) as at:
        at.user_says(6.0, 1.0)
        await at.converse("")
        await trio.sleep(40.0)
        assert not at.listening
        answer = await at.converse("one", wait_for_response=False)
    assert answer["earlier"] == ["I am still here."]


async def test_nobody_is_listened_to_for_long_when_no_call_waits(autojump_clock: MockClock) -> None:
    async with desk(call_limit=5.0, settings=patient()) as at:
        await at.converse("")
        await trio.sleep(29.0)
        assert at.listening
        await trio.sleep(2.0)
        assert not at.listening


async def test_a_new_message_ends_what_still_listens_and_tells_what_was_said(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("wait a moment please"), call_limit=5.0, settings=patient()) as at:
        at.user_says(4.0, 3.0)
        await at.converse("")
        answer = await at.converse("one", wait_for_response=False)
    assert answer["earlier"] == ["wait a moment please"]
    assert answer["outcome"] == "said"


async def test_a_second_call_is_told_at_once_that_the_voice_is_busy(autojump_clock: MockClock) -> None:
    async with desk() as at, trio.open_nursery() as nursery:
        nursery.start_soon(at.converse, STORY)
        await trio.sleep(1.0)
        before = at.now
        assert "Busy" in await at.refused("converse", message="one")
        assert at.now - before < 0.05
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("cancelled_at", [0.0, 0.5, 3.5, 5.2])
async def test_a_call_that_is_cancelled_is_over_at_once_and_the_next_one_works(
    autojump_clock: MockClock, cancelled_at: float
) -> None:
    async with desk(stt=FakeEars("I was about to say", wait=0.5)) as at:
        at.user_says(4.0, 3.0)
        with trio.move_on_after(cancelled_at):
            await at.converse(STORY)
        await trio.sleep(0.05)
        assert not at.listening
        silent_from = at.room.silent_from() if at.room.played else at.began
        assert silent_from <= at.began + cancelled_at + 0.05
        answer = await at.converse("one", wait_for_response=False)
    assert answer["outcome"] == "said"
    if cancelled_at > 5:
        assert answer["earlier"] == ["I was about to say"]


async def test_progress_comes_at_once_and_at_each_change(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("yes", wait=0.4)) as at:
        at.user_says(3.0, 1.0)
        await at.converse("one two")
        when, what = zip(*at.notes, strict=True)
    assert list(dict.fromkeys(what)) == [
        "Getting ready", "Speaking", "Listening", "The user is speaking", "Transcribing",
    ]  # fmt: skip
    assert when[0] < 0.1
    assert all(later - earlier >= 0.09 for earlier, later in pairwise(when))


async def test_between_two_lines_and_after_the_last_word_progress_says_nothing(autojump_clock: MockClock) -> None:
    async with desk() as at:
        await at.converse(turns=[{"say": "one two"}, {"say": "three"}], pause_after_ms=1000)
        assert {what for _, what in at.notes} == {"Getting ready", "Speaking"}


async def test_a_long_wait_is_not_silent(autojump_clock: MockClock) -> None:
    async with desk(settings=patient()) as at:
        await at.converse("", listen_duration_max=20)
        when = [at for at, _ in at.notes]
    assert max(later - earlier for earlier, later in pairwise(when)) <= 5.2


async def test_a_script_says_and_asks_in_order(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("blue", "red")) as at:
        at.user_says(2.0, 0.5)
        answer = await at.converse(turns=[{"say": "one two"}, {"ask": "three"}, {"say": "four", "voice": "b"}])
    assert answer["turns"] == [
        {"verb": "say", "status": "spoken"},
        {"verb": "ask", "status": "answered", "reply": "blue"},
        {"verb": "say", "status": "spoken"},
    ]
    assert answer["outcome"] == "completed"


async def test_a_script_that_is_stopped_between_two_lines_is_over(autojump_clock: MockClock) -> None:
    async with desk() as at:
        answers: list[dict[str, Any]] = []

        async def talk(desk: Desk = at) -> None:
            answers.append(await desk.converse(turns=[{"say": "one"}, {"say": "two"}], pause_after_ms=30_000))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            await trio.sleep(5.0)
            await at.call("control", action="stop")
        assert at.now < 6
    assert (answers[0]["outcome"], answers[0]["turns"]) == (
        "stopped",
        [
            {"verb": "say", "status": "spoken"},
            {"verb": "say", "status": "not_reached"},
        ],
    )


async def test_a_question_that_is_spoken_over_is_interrupted_and_the_list_goes_on(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("no that is wrong")) as at:
        at.user_says(0.6, 0.8)
        result = await at.call("converse", turns=[{"ask": STORY}, {"say": "two"}])
    assert result.structured_content is not None
    first, second = result.structured_content["turns"]
    assert (first["status"], first["reply"], first["spoken"]) == ("interrupted", "no that is wrong", STORY)
    assert STORY.startswith(first["heard"])
    assert 0 < len(first["heard"]) < len(STORY)
    assert second == {"verb": "say", "status": "spoken"}
    assert result.structured_content["outcome"] == "completed"
    assert words(result).splitlines() == [
        f"1. interrupted, when “{first['heard']}” had been heard of it: no that is wrong",
        "2. spoken",
    ]


async def list_and_button(action: str) -> dict[str, Any]:
    """What is answered to two lines when the button is pressed in the first of them."""
    answers: list[dict[str, Any]] = []
    async with desk() as at, trio.open_nursery() as nursery:

        async def talk() -> None:
            answers.append(await at.converse(turns=[{"say": STORY}, {"say": "two"}]))

        nursery.start_soon(talk)
        await trio.sleep(1.0)
        await at.call("control", action=action)
    [answer] = answers
    return answer


async def test_a_line_that_is_interrupted_with_a_button_says_so(autojump_clock: MockClock) -> None:
    answer = await list_and_button("interrupt")
    assert [line["status"] for line in answer["turns"]] == ["interrupted", "spoken"]
    assert answer["turns"][0]["spoken"] == STORY


async def test_a_line_that_is_stopped_says_so_and_the_rest_is_not_reached(autojump_clock: MockClock) -> None:
    answer = await list_and_button("stop")
    assert answer["outcome"] == "stopped"
    assert [line["status"] for line in answer["turns"]] == ["stopped", "not_reached"]
    assert STORY.startswith(answer["turns"][0]["heard"])


@pytest.mark.parametrize("lines", [["say", "ask", "say"], ["say", "say", "ask"]])
async def test_a_list_is_completed_and_answers_for_all_its_lines(autojump_clock: MockClock, lines: list[str]) -> None:
    async with desk(settings=Settings(turn=TurnPolicy(no_speech=1.0))) as at:
        answer = await at.converse(turns=[{verb: "one two"} for verb in lines])
        took = at.now
    assert answer["outcome"] == "completed"
    assert answer["timings"]["total_ms"] == pytest.approx(took * 1000, abs=50)
    assert answer["timings"]["first_sample_ms"] < 500


async def test_a_list_names_the_engines_of_all_its_lines_and_the_last_answer(autojump_clock: MockClock) -> None:
    async with desk(stt=FakeEars("blue")) as at:
        at.user_says(1.5, 0.5)
        answer = await at.converse(turns=[{"ask": "one"}, {"say": "two"}])
    assert answer["engines"] == {"tts": "fake voice", "stt": "fake ears"}
    assert answer["transcript"] == "blue"


async def test_a_script_whose_user_says_nothing_goes_on(autojump_clock: MockClock) -> None:
    async with desk(settings=Settings(turn=TurnPolicy(no_speech=1.0))) as at:
        answer = await at.converse(turns=[{"ask": "one"}, {"say": "two"}])
    assert [line["status"] for line in answer["turns"]] == ["no_speech", "spoken"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Nothing to say"),
        ({"message": "one", "speed": 9}, "speed"),
        ({"message": "one", "speed": "fast"}, "speed"),
        ({"message": "one", "vad_aggressiveness": 4}, "vad_aggressiveness"),
        ({"message": "one", "listen_duration_max": 0}, "listen_duration_max"),
        ({"message": "one", "listen_duration_max": 1, "listen_duration_min": 2}, "other way round"),
        ({"message": "one", "policy": "shout"}, "policy"),
        ({"message": "one", "timeout": 3}, "timeout"),
        ({"turns": [{"say": "one", "ask": "two"}]}, "either say or ask"),
        ({"turns": [{"play": "one"}]}, "play"),
        ({"message": "", "wait_for_response": False}, "Neither"),
        ({"resume": "nothing-1"}, "Nothing waits"),
        ({"message": "one", "turns": [{"say": "two"}]}, "give one of them"),
        ({"message": "one", "policy": "shout"}, "finish_sentence"),
        ({"message": "one", "nonsense": 1}, "there is message, turns"),
        ({"message": "one", "chimes_enabled": True}, "did you mean chime_enabled?"),
        ({"message": "one", "chime": True}, "did you mean chime_enabled?"),
        ({"turns": [{"says": "one"}]}, "did you mean say?"),
        ({"message": "one", "wait_for_response": "maybe"}, "wait_for_response"),
        ({"message": "one", "wait_for_conch": -1}, "wait_for_conch"),
        ({"message": "one", "choices": "yes, no"}, "choices"),
    ],
)
async def test_bad_arguments_are_refused_with_a_sentence_and_nothing_is_said(
    autojump_clock: MockClock, arguments: dict[str, Any], said: str
) -> None:
    async with desk() as at:
        assert said in await at.refused("converse", **arguments)
        assert not at.room.played


async def test_an_engine_that_fails_is_an_answer_and_the_next_call_works(autojump_clock: MockClock) -> None:
    voice = FakeVoice(dies_at="one")
    async with desk(tts=voice) as at:
        assert "fake voice" in await at.refused("converse", message="one", wait_for_response=False)
        voice.dies_at = None
        assert (await at.converse("one", wait_for_response=False))["outcome"] == "said"


async def test_what_a_turn_can_have_otherwise_needs_no_other_conversation(autojump_clock: MockClock) -> None:
    async with desk() as at:
        await at.converse("one", wait_for_response=False, speed=1.5, policy="ignore", listen_duration_max=3)
        await at.converse("one", wait_for_response=False, vocabulary=["Trio", "attrs"], chime_enabled=True)
        await at.converse("one", wait_for_response=False, tts_model="tts-1-hd", tts_instructions="Whisper.")
        await at.converse("one", wait_for_response=False, audio_format="mp3")
        assert len(at.opened) == 1


async def test_an_engine_that_is_not_there_yet_needs_another_conversation(autojump_clock: MockClock) -> None:
    async with desk() as at:
        await at.converse("one", wait_for_response=False, tts_provider="http://127.0.0.1:9/v1", tts_model="loud")
        assert len(at.opened) == 2
        assert (at.opened[1].tts, at.opened[1].tts_models) == ("http://127.0.0.1:9/v1", ("loud",))


async def test_a_button_stops_what_is_said(autojump_clock: MockClock) -> None:
    async with desk() as at:
        answers: list[dict[str, Any]] = []

        async def talk(desk: Desk = at) -> None:
            answers.append(await desk.converse(STORY))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            await trio.sleep(1.0)
            assert (await at.call("control", action="pause")).structured_content == {
                "state": "speaking",
                "paused": True,
            }
            stopped = await at.call("control", action="stop")
            await wait_all_tasks_blocked()
        assert words(stopped) == "stopped"
    assert answers[0]["outcome"] == "stopped"


def patient() -> Settings:
    return Settings(turn=TurnPolicy(no_speech=100.0))
