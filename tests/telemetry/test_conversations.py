"""Whole conversations: every turn is told as a tree, however it ends, and nothing of what was said is in it."""

from __future__ import annotations

import logging
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

import voicemode
from actors.errors import DeviceLost, ProviderUnavailable
from actors.failover import Candidate
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board
from actors.machines.policy import TurnPolicy
from actors.machines.turn_delay import TurnDelayPolicy
from tests.conversing import GREETING, Room, conversing
from tests.fakes import FakeEars, FakeVoice, said
from tests.telemetry.telling import Told, files, lines, metrics, told as told, told_to
from voicemode import Conversation, Message, Settings
from voicemode.telemetry.catalogue import METRICS

SPOKEN, HEARD = "marmalade three four five six", "xylophone"


async def agent(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
    await trio.sleep(0.5)
    yield f"{SPOKEN}. "
    yield "And more."


async def converse(base: Path, **known: object) -> None:
    """The assistant says something, the user answers."""
    room = Room()
    voice, ears = FakeVoice(wait=0.1), FakeEars(HEARD, wait=0.2)
    async with conversing(room, settings=told_to(base, **known), tts=voice, stt=ears) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 6.0)
        result = await conversation.converse(agent)
    assert result.outcome == "heard"


async def test_a_turn_is_told_with_all_its_stages(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    await converse(tmp_path)
    turn = told.turn
    assert {*turn} == {
        "voicemode.turn",
        "invoke_agent agent",
        "voicemode.tts",
        "voicemode.playback",
        "voicemode.listen",
        "voicemode.user_speech",
        "voicemode.record",
        "voicemode.stt",
    }
    assert turn["invoke_agent agent"].attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.5)
    assert turn["voicemode.tts"].attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.1)
    assert turn["voicemode.user_speech"].end - turn["voicemode.user_speech"].begin == pytest.approx(1.0, abs=0.1)
    assert turn["voicemode.stt"].end - turn["voicemode.stt"].begin == pytest.approx(0.2)


async def test_it_is_in_a_file_for_its_owner_alone(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    await converse(tmp_path)
    [path] = files(tmp_path)
    assert path.parent == tmp_path / "logs" / "telemetry"
    assert path.name.startswith("voicemode_telemetry_20")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [turn] = [line for line in lines(tmp_path) if line["name" if "name" in line else "kind"] == "voicemode.turn"]
    stages = [line for line in lines(tmp_path) if line["kind"] == "span" and line["parent_id"] is not None]
    assert {stage["parent_id"] for stage in stages} == {turn["span_id"]}
    assert {stage["trace_id"] for stage in stages} == {turn["trace_id"]}
    figures = metrics(tmp_path)
    assert {*figures} <= {metric.name for metric in METRICS}
    assert figures["voicemode.turns"][0]["value"] == 1
    assert figures["voicemode.speech_end_to_transcript"][0]["sum"] == pytest.approx(0.9, abs=0.1)


async def test_no_byte_of_it_is_of_what_was_said(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    await converse(tmp_path)
    [path] = files(tmp_path)
    for word in (*SPOKEN.split(), HEARD, "more"):
        assert word.encode() not in path.read_bytes()


async def test_what_was_said_is_in_it_if_asked_for(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    await converse(tmp_path, telemetry_content=True)
    assert told.turn["voicemode.turn"].attributes["voicemode.text"] == HEARD
    assert SPOKEN in str(told.turn["voicemode.turn"].attributes["voicemode.spoken.heard"])
    assert SPOKEN in str(told.turn["invoke_agent agent"].attributes["gen_ai.output.messages"])
    assert '"role":"user"' in str(told.turn["invoke_agent agent"].attributes["gen_ai.input.messages"])


async def test_an_interruption_is_told(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    room = Room()
    async with conversing(room, settings=told_to(tmp_path)) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        result = await conversation.converse(GREETING)
    assert result.outcome == "interrupted"
    turn = told.turn
    silent = room.silent_from() - turn["voicemode.barge_in"].begin
    assert metrics(tmp_path)["voicemode.barge_in.stop"][0]["sum"] == pytest.approx(silent, abs=0.06)
    assert turn["voicemode.playback"].attributes["voicemode.spoken.complete"] is False
    assert metrics(tmp_path)["voicemode.barge_ins"][0]["value"] == 1


async def test_a_turn_whose_caller_is_cancelled_is_told(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    async with conversing(Room(), settings=told_to(tmp_path)) as conversation:
        with trio.move_on_after(1.0):
            await conversation.converse(agent)
    turn = told.turn
    assert turn["voicemode.turn"].attributes["voicemode.turn.outcome"] == "stopped"
    assert turn["invoke_agent agent"].error is None


async def test_an_agent_that_fails_is_told(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    async def broken(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield "Well. "
        raise ArithmeticError(HEARD)

    async with conversing(Room(), settings=told_to(tmp_path)) as conversation:
        with pytest.raises(ArithmeticError):
            await conversation.converse(broken)
    turn = told.turn
    assert turn["invoke_agent broken"].error == turn["voicemode.turn"].error == "ArithmeticError"
    assert turn["voicemode.turn"].attributes["voicemode.turn.outcome"] == "failed"
    [counted] = metrics(tmp_path)["voicemode.turns"]
    assert counted["attributes"] == {"voicemode.turn.outcome": "failed", "error.type": "ArithmeticError"}
    assert HEARD not in str(lines(tmp_path))


async def test_an_agent_that_is_cancelled_with_its_turn_says_so(
    autojump_clock: MockClock, tmp_path: Path, told: Told
) -> None:
    async def endless(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        yield GREETING
        await trio.sleep_forever()

    async with conversing(Room(), settings=told_to(tmp_path)) as conversation:
        with trio.move_on_after(1.0):
            await conversation.converse(endless)
    assert told.turn["invoke_agent endless"].attributes["voicemode.cancelled"] is True
    assert told.turn["voicemode.tts"].error is None


async def test_a_recogniser_that_fails_is_told(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    ears = FakeEars(error=ProviderUnavailable("ears", f"It did not hear {HEARD}.", code="unreachable"))
    room = Room()
    async with conversing(room, settings=told_to(tmp_path), stt=ears) as conversation:
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        with pytest.raises(ProviderUnavailable):
            await conversation.listen()
    assert told.turn["voicemode.turn"].error == "unreachable"
    assert told.turn["voicemode.stt"].error == "unreachable"
    assert "voicemode.unfinished" not in told.turn["voicemode.stt"].attributes
    assert HEARD not in str(lines(tmp_path))


async def test_a_voice_that_fails_is_told(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    async with conversing(Room(), settings=told_to(tmp_path), tts=FakeVoice(dies_at="three")) as conversation:
        with pytest.raises(ProviderUnavailable):
            await conversation.say(GREETING)
    assert told.turn["voicemode.tts"].error == told.turn["voicemode.turn"].error == "unavailable"


async def test_engines_that_fail_are_told_one_by_one(autojump_clock: MockClock, tmp_path: Path, told: Told) -> None:
    board, room = Board(), Room()
    whisper = FakeEars(wait=0.3, error=ProviderUnavailable("whisper", f"Not {HEARD}.", code="busy"))
    sphinx, kokoro, espeak = FakeEars(HEARD, wait=0.1), FakeVoice(dies_at="three"), FakeVoice()
    whisper.name, sphinx.name, kokoro.name, espeak.name = "whisper", "sphinx", "kokoro", "espeak"
    for service, engine in (("stt", whisper), ("stt", sphinx), ("tts", kokoro), ("tts", espeak)):
        board.add("stt" if service == "stt" else "tts", engine.name, "local", trio.current_time())
    ears = [Candidate(name=each.name, engine=each, place="local") for each in (whisper, sphinx)]
    voices = [Candidate(name=each.name, engine=each, place="local") for each in (kokoro, espeak)]
    stt, tts = FailoverRecogniser(ears, board), FailoverVoice(voices, board)
    async with conversing(room, settings=told_to(tmp_path), tts=tts, stt=stt) as conversation:
        board.follow = told.observers[0].follow
        room.microphone.place(said(1.0), trio.current_time() + 4.0)
        await conversation.converse("one two three four five.")
    [spans] = told.turns
    engines = [span for span in spans if "engine" in span.name]
    tried = [(span.name, span.attributes["gen_ai.provider.name"], span.error) for span in engines]
    assert tried == [
        ("voicemode.tts.engine", "kokoro", "unavailable"),
        ("voicemode.tts.engine", "espeak", None),
        ("voicemode.stt.engine", "whisper", "busy"),
        ("voicemode.stt.engine", "sphinx", None),
    ]
    by_key = {span.key: span.name for span in spans}
    above = [by_key[span.parent] for span in engines if span.parent is not None]
    assert above == ["voicemode.tts", "voicemode.tts", "voicemode.stt", "voicemode.stt"]
    figures = metrics(tmp_path)
    assert {row["attributes"]["voicemode.engine"] for row in figures["voicemode.failovers"]} == {"kokoro", "whisper"}
    assert len(figures["voicemode.engine.duration"]) == 4


async def test_a_talk_is_told_turn_by_turn_and_an_early_answer_in_two(
    autojump_clock: MockClock, tmp_path: Path, told: Told
) -> None:
    async def slow(transcript: str, history: Sequence[Message]) -> AsyncIterator[str]:
        await trio.sleep(1.5)
        yield f"{SPOKEN}. "

    room, ears = Room(), FakeEars("Tell me a story!", wait=0.2)
    policy = TurnPolicy(delay=TurnDelayPolicy(shortest=0.7))
    settings = told_to(tmp_path, Settings(turn=policy, speculative_replies=True))
    async with conversing(room, settings=settings, stt=ears) as conversation, trio.open_nursery() as nursery:
        await nursery.start(conversation.talk, slow)
        room.microphone.place(said(1.0), trio.current_time() + 1.0)
        await trio.sleep(8.0)
        conversation.stop()
    [first, second] = told.turns
    assert first[0].attributes["voicemode.turn.outcome"] == "heard"
    [begun], [continued] = [[span for span in spans if span.call] for spans in (first, second)]
    assert begun.name == continued.name == "invoke_agent slow"
    assert begun.attributes["voicemode.unfinished"] is True
    assert continued.attributes["voicemode.continued"] is True
    assert continued.end - begun.begin == pytest.approx(1.5)
    conversations = {spans[0].attributes["gen_ai.conversation.id"] for spans in told.turns}
    assert conversations == {told.observers[0].stages.facts.conversation}
    assert "voicemode.speech_end_to_sound" in metrics(tmp_path)


async def test_a_conversation_that_is_closed_in_the_middle_of_a_turn_ends_it(
    autojump_clock: MockClock, tmp_path: Path, told: Told
) -> None:
    async def speak(conversation: Conversation) -> None:
        with suppress(DeviceLost):  # unless it is cancelled first
            await conversation.say(GREETING)

    async with trio.open_nursery() as nursery:
        async with conversing(Room(), settings=told_to(tmp_path)) as conversation:
            nursery.start_soon(speak, conversation)
            await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    [spans] = told.turns
    assert spans[0].attributes["voicemode.turn.outcome"] in {"abandoned", "failed"}


async def test_a_disk_that_fails_is_told_once_and_holds_up_nobody(
    autojump_clock: MockClock, tmp_path: Path, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("no directory")
    with caplog.at_level(logging.WARNING):
        await converse(tmp_path)
    [record] = [record for record in caplog.records if "telemetry" in record.message]
    assert "The conversation goes on." in record.message


async def test_a_real_clock_and_a_real_thread_write_the_same(tmp_path: Path) -> None:
    settings = Settings(text=True, base_dir=tmp_path, telemetry="jsonl")
    async with voicemode.open_conversation(settings) as conversation:
        await conversation.say("Hello.")
    assert [line["kind"] for line in await trio.to_thread.run_sync(lines, tmp_path)] == ["span", "metrics"]
