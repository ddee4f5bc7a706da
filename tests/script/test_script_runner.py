"""Scripts under a virtual clock: real actors and devices, fake engines; a word takes the fake voice 0.25 s."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import trio
from numpy.typing import NDArray
from trio.testing import MockClock

from actors.errors import AudioFileError, ProviderUnavailable, SettingsError
from actors.events import StateChanged, TurnEnded
from actors.messages import Message
from tests.fakes import FakeEars, FakeVoice, said, tone
from tests.fakes_speech import LoudnessModel
from voicemode.audio.files import Sound
from voicemode.audio.store import MemoryStore
from voicemode.script import Happening, Script, ScriptReport, StepReport, StepStarted, as_json, latency_rows, run_script
from voicemode.script.model import ScriptFile
from voicemode.settings import Settings

NUMBERS = "one two three four five six seven eight"
"""Two seconds of the fake voice."""


def script(text: str, agent: Any = None, **recordings: Sound) -> Script:
    file = msgspec.convert(tomllib.loads(text), ScriptFile)
    sounds = tuple(recordings.get(step.user_audio or "") for step in file.step)
    return Script(path=Path("talk.toml"), file=file, agent=agent, recordings=sounds)


async def run(scripted: Script, *transcripts: str, **parts: Any) -> ScriptReport:
    defaults: dict[str, Any] = {
        "tts": FakeVoice(),
        "stt": FakeEars(*transcripts),
        "vad": LoudnessModel(),
        "store": MemoryStore(),
    }
    return await run_script(scripted, **(defaults | parts))


def sounding(pcm: bytes, rate: int) -> tuple[float, float]:
    """When the first and the last sample that is not zero sound, in seconds."""
    [loud] = np.nonzero(np.frombuffer(pcm, "<i2"))
    return float(loud[0] / rate), float((loud[-1] + 1) / rate)


async def test_the_user_answers_when_the_assistant_has_spoken(autojump_clock: MockClock) -> None:
    report = await run(
        script(f"""
            [[step]]
            assistant = "{NUMBERS}"
            user = "yes please"
            delay = 0.6
            [step.expect]
            outcome = "heard"
            transcript = "yes please"
            heard_complete = true
            at_most = {{ endpoint_ms = 800 }}
        """),
        "Yes, please!",
    )
    [step] = report.steps
    assert report.ok
    assert step.result is not None
    assert step.result.outcome == "heard"
    assert [check.what for check in step.checks] == ["outcome", "transcript", "heard_complete", "endpoint_ms"]
    assert step.said_at == pytest.approx(2.6, abs=0.03)
    assert step.said_seconds == 0.5


async def test_the_recording_has_both_sides_where_they_sounded(autojump_clock: MockClock) -> None:
    report = await run(script(f'[[step]]\nassistant = "{NUMBERS}"\nuser = "yes please"'), "yes please")
    recording, [step] = report.recording, report.steps
    assert step.said_at is not None
    assert len(recording.user) == len(recording.assistant)
    assert recording.seconds == pytest.approx(report.seconds, abs=0.001)
    assert sounding(recording.assistant, recording.rate) == pytest.approx((0.0, 1.95), abs=0.03)
    assert sounding(recording.user, recording.rate) == pytest.approx((step.said_at, step.said_at + 0.45), abs=0.001)


async def test_the_user_cuts_in_and_what_was_heard_is_known(autojump_clock: MockClock) -> None:
    report = await run(
        script(
            f"""
            [[step]]
            assistant = "{NUMBERS}"
            user_audio = "stop.wav"
            when = 1.0
            [step.expect]
            outcome = "interrupted"
            heard = "One, two, three, four."
            heard_complete = false
            heard_words = [4, 4]
            spoken = "{NUMBERS}"
            at_most = {{ barge_in_ms = 150 }}
            """,
            **{"stop.wav": said(0.8)},
        ),
        "stop",
    )
    [step] = report.steps
    assert report.ok, step.checks
    assert step.said_at == pytest.approx(1.0, abs=0.03)
    _, silent = sounding(report.recording.assistant, report.recording.rate)
    assert silent < 1.3
    assert sounding(report.recording.user, report.recording.rate)[1] == pytest.approx(step.said_at + 0.8, abs=0.001)


async def test_a_moment_after_the_assistants_end_is_kept_and_makes_an_answer(autojump_clock: MockClock) -> None:
    report = await run(script('[[step]]\nassistant = "one two"\nuser = "yes"\nwhen = 3.0'))
    [step] = report.steps
    assert step.result is not None
    assert step.result.outcome == "heard"
    assert step.said_at == pytest.approx(3.0, abs=0.03)


async def test_a_moment_in_a_speech_that_never_came_counts_from_the_listening(autojump_clock: MockClock) -> None:
    async def silent(said: str, history: Sequence[Message]) -> str:
        return ""

    report = await run(script('agent = "x:y"\n[[step]]\nagent = true\nuser = "yes"\nwhen = 1.0', silent))
    assert report.steps[0].said_at == pytest.approx(1.0, abs=0.05)


async def test_the_user_speaks_first_when_the_assistant_only_listens(autojump_clock: MockClock) -> None:
    report = await run(script('[[step]]\nuser = "yes please"\ndelay = 0.0\n[step.expect]\noutcome = "heard"'))
    assert report.ok
    assert report.steps[0].said_at == pytest.approx(0.0, abs=0.03)


async def test_a_turn_of_silence_ends_when_nobody_has_answered(autojump_clock: MockClock) -> None:
    report = await run(
        script('[listening]\nno_speech = 3.0\n[[step]]\nassistant = "one two"\n[step.expect]\noutcome = "no_speech"')
    )
    assert report.ok
    assert report.steps[0].said_at is None
    assert report.seconds == pytest.approx(3.5, abs=0.05)
    assert not any(report.recording.user)


async def test_the_assistant_may_only_speak(autojump_clock: MockClock) -> None:
    report = await run(script('[[step]]\nassistant = "one two"\nlisten = false\n[step.expect]\noutcome = "said"'))
    assert report.ok
    assert report.seconds == pytest.approx(0.5, abs=0.05)


async def test_the_next_step_waits_until_the_user_has_finished(autojump_clock: MockClock) -> None:
    halting = Sound(pcm=tone(0.5) + bytes(2 * 32_000) + tone(0.5), rate=16_000)
    told: list[Happening] = []
    report = await run(
        script('[[step]]\nuser_audio = "halting"\n[[step]]\nassistant = "one"\nlisten = false', halting=halting),
        on_event=told.append,
    )
    first, second = (each.at for each in told if isinstance(each, StepStarted))
    [ended, _] = (each.at for each in told if isinstance(each, TurnEnded))
    assert ended - first < 2.0
    assert second - first == pytest.approx(0.4 + 3.0 + 0.3, abs=0.03)
    assert report.steps[0].said_seconds == 3.0


async def test_a_line_that_came_too_late_for_its_turn_still_has_its_place(autojump_clock: MockClock) -> None:
    report = await run(
        script('[listening]\nno_speech = 1.0\n[[step]]\nuser = "yes please"\ndelay = 2.0\n[[step]]\nuser = "yes"')
    )
    first, second = report.steps
    assert first.result is not None
    assert first.result.outcome == "no_speech"
    assert first.said_at == pytest.approx(2.0, abs=0.03)
    assert second.said_at is not None
    assert second.said_at > 2.5 + 0.3


async def test_a_line_that_the_user_never_came_to_say_was_not_said(autojump_clock: MockClock) -> None:
    def agent(said: str, history: Sequence[Message]) -> str:
        raise ProviderUnavailable("agent", "The agent is not there. Start it.")

    text = 'agent = "x:y"\n[[step]]\nagent = true\nuser = "yes"\nwhen = 1.0\n[[step]]\nuser = "no"'
    report = await run(script(text, agent))
    [step] = report.steps
    assert (report.ok, step.ok, step.error) == (False, False, "The agent is not there. Start it.")
    assert (step.result, step.said_at, report.not_run) == (None, None, 1)


async def test_an_engine_that_fails_ends_the_script_with_its_sentence(autojump_clock: MockClock) -> None:
    broken = FakeEars(error=ProviderUnavailable("fake ears", "The fake ears are gone. Find them."))
    report = await run(script('[[step]]\nassistant = "one two"\nuser = "yes"\n[[step]]\nuser = "no"'), stt=broken)
    [step] = report.steps
    assert not report.ok
    assert step.error == "The fake ears are gone. Find them."
    written: Any = as_json(report)["steps"]
    assert written[0]["spoken"] == {"text": "one two", "heard": "one two", "complete": True}
    assert written[0]["interrupted"] is False
    assert report.not_run == 1
    assert any(report.recording.user)


async def test_an_expectation_that_does_not_hold_fails_the_script_which_goes_on(autojump_clock: MockClock) -> None:
    report = await run(
        script('[[step]]\nuser = "yes"\n[step.expect]\ntranscript = "no"\n[[step]]\nuser = "yes"'), "yes", "yes"
    )
    first, second = report.steps
    assert (report.ok, first.ok, second.ok, report.not_run) == (False, False, True, 0)
    [check] = first.checks
    assert (check.what, check.expected, check.got, check.held) == ("transcript", "no", "yes", False)


async def test_the_agent_answers_what_the_user_said_last(autojump_clock: MockClock) -> None:
    asked: list[tuple[str, list[str]]] = []

    async def agent(said: str, history: Sequence[Message]) -> str:
        asked.append((said, [message.text for message in history]))
        return f"you said {said}"

    report = await run(
        script(
            """
            agent = "x:y"
            [[step]]
            assistant = "one two"
            user = "four"
            [[step]]
            agent = true
            listen = false
            [step.expect]
            spoken = "you said four"
            """,
            agent,
        ),
        "four",
    )
    assert report.ok
    assert asked == [("four", ["one two"])]


async def test_an_agent_that_fails_ends_the_script_with_a_sentence_that_says_where(autojump_clock: MockClock) -> None:
    def agent(said: str, history: Sequence[Message]) -> str:
        raise ZeroDivisionError("the agent's own")

    report = await run(script('agent = "x:y"\n[[step]]\nagent = true', agent))
    [step] = report.steps
    assert step.error is not None
    assert step.error.startswith(
        "The agent x:y raised ZeroDivisionError: the agent's own (test_script_runner.py, line "
    )


async def test_a_script_that_is_halted_reports_what_there_was(autojump_clock: MockClock) -> None:
    halt = trio.CancelScope()

    def stop_in_the_second_step(happening: object) -> None:
        if isinstance(happening, StepStarted) and happening.number == 2:
            halt.cancel()

    steps = '[[step]]\nassistant = "one two"\nlisten = false\n' * 2
    report = await run(script(steps), halt=halt, on_event=stop_in_the_second_step)
    assert (report.ok, len(report.steps), report.not_run) == (False, 1, 1)
    assert any(report.recording.assistant)


async def test_phrases_are_those_of_the_step_or_of_the_script(autojump_clock: MockClock) -> None:
    ears = FakeEars("a", "b", "c")
    text = '[listening]\nphrases = ["a", "b"]\n'
    for phrases in ("", 'phrases = ["c"]', "phrases = []"):
        text += f'[[step]]\nuser = "yes"\n{phrases}\n'
    await run(script(text), stt=ears)
    assert ears.phrases == [("a", "b"), ("c",), ()]


async def test_the_user_has_a_voice_of_their_own(autojump_clock: MockClock) -> None:
    mine, theirs = FakeVoice(), FakeVoice()
    await run(script('[[step]]\nassistant = "one"\nuser = "two"'), tts=mine, user_tts=theirs)
    assert (mine.asked, theirs.asked) == (["one"], ["two"])


async def test_who_watches_is_told_everything_in_order(autojump_clock: MockClock) -> None:
    told: list[Happening] = []
    report = await run(script('[[step]]\nassistant = "one"\nuser = "yes"\n[[step]]\nuser = "no"'), on_event=told.append)
    steps = [each for each in told if isinstance(each, StepStarted | StepReport)]
    assert [(type(each), each.number, each.user) for each in steps] == [
        (StepStarted, 1, "yes"),
        (StepReport, 1, "yes"),
        (StepStarted, 2, "no"),
        (StepReport, 2, "no"),
    ]
    assert [each for each in told if not isinstance(each, StepStarted | StepReport)] == list(report.events)
    states = [each.state for each in report.events if isinstance(each, StateChanged) and each.turn == 1]
    assert states == ["speaking", "listening", "hearing", "transcribing", "idle"]


async def test_a_watcher_that_fails_ends_the_script_with_its_error(autojump_clock: MockClock) -> None:
    def watcher(happening: Happening) -> None:
        if isinstance(happening, StateChanged):
            raise BrokenPipeError("nobody reads any more")

    with pytest.raises(BrokenPipeError):
        await run(script(f'[[step]]\nassistant = "{NUMBERS}"'), on_event=watcher)


async def test_a_recording_is_not_written_over_what_the_user_says(autojump_clock: MockClock) -> None:
    scripted = script('[[step]]\nuser_audio = "me.wav"', **{"me.wav": said(0.5)})
    with pytest.raises(SettingsError, match="written over"):
        await run(scripted, record=Path("me.wav"))


async def test_a_recording_that_cannot_be_written_is_found_out_first(autojump_clock: MockClock, tmp_path: Path) -> None:
    voice = FakeVoice()
    with pytest.raises(AudioFileError, match="no directory"):
        await run(script('[[step]]\nuser = "yes"'), tts=voice, record=tmp_path / "no" / "talk.wav")
    assert voice.asked == []


async def test_the_file_has_the_user_left_and_the_assistant_right(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"what was there before")
    report = await run(script('[[step]]\nassistant = "one two"\nuser = "yes"'), record=path)
    samples: NDArray[np.int16]
    samples, rate = soundfile.read(path, dtype="int16")
    assert (rate, report.recorded) == (16_000, path)
    assert samples[:, 0].tobytes() == report.recording.user
    assert samples[:, 1].tobytes() == report.recording.assistant


async def test_a_user_at_another_rate_is_as_long_in_the_recording(autojump_clock: MockClock) -> None:
    clip = Sound(pcm=tone(0.5, 22_050), rate=22_050)
    report = await run(script('[[step]]\nuser_audio = "clip"', clip=clip))
    first, last = sounding(report.recording.user, report.recording.rate)
    assert last - first == pytest.approx(0.5, abs=0.01)


async def test_a_script_without_a_speech_engine_is_refused(autojump_clock: MockClock) -> None:
    with pytest.raises(SettingsError, match="needs a speech engine"):
        await run_script(script('[[step]]\nuser = "yes"'), settings=Settings(tts=None))


async def test_the_report_fits_into_json_and_a_table(autojump_clock: MockClock) -> None:
    report = await run(
        script(
            f"""
            [[step]]
            assistant = "{NUMBERS}"
            user = "yes please"
            when = 1.0
            [step.expect]
            heard_words = [1, 8]
            [[step]]
            user = "yes please"
            """
        ),
        "yes please",
        "yes please",
    )
    decoded = json.loads(json.dumps(as_json(report)))
    assert set(decoded) == {"title", "path", "ok", "seconds", "steps", "not_run", "latencies", "recorded"}
    assert decoded["path"] == "talk.toml"
    first, _ = decoded["steps"]
    assert first["result"]["outcome"] == "interrupted"
    assert first["result"]["spoken"]["complete"] is False
    assert first["checks"] == [{"what": "heard_words", "expected": [1, 8], "got": 4, "held": True}]
    latencies = {each["name"]: each for each in decoded["latencies"]}
    assert latencies["total_ms"]["count"] == 2
    assert (
        latencies["barge_in_ms"]["p50"] == latencies["barge_in_ms"]["max"] == first["result"]["timings"]["barge_in_ms"]
    )
    heading, *rows = latency_rows(report)
    assert heading == ("latency", "turns", "median ms", "longest ms")
    assert [row[1] for row in rows] == [str(each["count"]) for each in decoded["latencies"]]
