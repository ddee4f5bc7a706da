"""What is measured, and how it is added up."""

from __future__ import annotations

from typing import Any

import pytest

from actors.events import BargedIn, TurnEnded, TurnStarted, WentOn
from actors.messages import (
    Drafted,
    DraftId,
    MicrophoneFailed,
    SpeakingStarted,
    SpeechEnded,
    Spoken,
    TextPiece,
    Transcribed,
    TurnId,
)
from tests.telemetry.happening import STREAM, TRANSCRIPT, failed, result
from voicemode.telemetry import catalogue
from voicemode.telemetry.catalogue import BOUNDS
from voicemode.telemetry.figures import OPEN, Figures
from voicemode.telemetry.totals import MOST, Totals
from voicemode.telemetry.values import CallAnswered, CallBegan, CallEnded, Measured, measured

ONE, TWO = TurnId(1), TurnId(2)


def figures_of(*events: Any, now: float = 0.0) -> dict[str, list[float]]:
    machine = Figures()
    found: dict[str, list[float]] = {}
    for event in events:
        for each in machine.take(event, now):
            found.setdefault(each.metric.name, []).append(pytest.approx(each.value))
    return found


def attributes(machine: Figures, event: Any) -> dict[str, dict[str, Any]]:
    return {each.metric.name: dict(each.attributes) for each in machine.take(event, 0.0)}


def test_the_wait_from_the_end_of_speech_to_the_answers_first_sound_goes_over_two_turns() -> None:
    found = figures_of(
        TurnStarted(turn=ONE, at=0.0),
        SpeechEnded(stream=STREAM, at=3.0, decided=3.7, probability=0.0, level=-60.0),
        TurnEnded(turn=ONE, at=4.0, result=result(ONE)),
        TurnStarted(turn=TWO, at=5.0),
        TextPiece(turn=TWO, index=0, start=0, text="Hello."),
        SpeakingStarted(turn=TWO, at=5.5),
        SpeakingStarted(turn=TWO, at=6.5),
        now=5.2,
    )
    assert found["voicemode.speech_end_to_sound"] == [2.5]
    assert found["voicemode.text_to_sound"] == [0.3]
    assert found["voicemode.endpoint"] == [0.7]
    assert found["voicemode.speech_end_to_transcript"] == [0.25]
    assert found["voicemode.turn.duration"] == [4.0]
    assert found["voicemode.drafts"] == [1, 1]


def test_an_interruption_is_measured_to_the_silence() -> None:
    found = figures_of(
        TurnStarted(turn=ONE, at=0.0),
        WentOn(turn=ONE, at=1.0),
        BargedIn(turn=ONE, at=2.5, began=2.0),
        Spoken(turn=ONE, text="", heard="", complete=False, samples=0, at=2.6),
    )
    assert found["voicemode.barge_in.stop"] == [0.6]
    assert found["voicemode.barge_in.hush"] == [0.1]
    assert (found["voicemode.barge_ins"], found["voicemode.false_interruptions"]) == ([1], [1])


def test_a_transcript_that_was_drafted_before_is_timed_once() -> None:
    found = figures_of(
        TurnStarted(turn=ONE, at=0.0),
        Drafted(turn=ONE, at=1.0, draft=DraftId(1, 1), transcript=TRANSCRIPT),
        Transcribed(turn=ONE, at=1.5, transcript=TRANSCRIPT),
    )
    assert found["voicemode.engine.duration"] == [0.2]
    assert (found["voicemode.failovers"], found["voicemode.utterances.recovered"]) == ([1], [1])


def test_engines_that_are_tried_one_by_one_are_timed_one_by_one() -> None:
    machine = Figures()
    machine.take(CallBegan(number=1, at=1.0, kind="engine", name="whisper", service="stt"), 1.0)
    assert attributes(machine, CallEnded(number=1, at=2.5, error="timeout")) == {
        "voicemode.engine.duration": {
            "error.type": "timeout",
            "voicemode.engine": "whisper",
            "voicemode.outcome": "failed",
            "voicemode.service": "stt",
        }
    }
    assert set(attributes(machine, Transcribed(turn=ONE, at=3.0, transcript=TRANSCRIPT))) == {
        "voicemode.failovers",
        "voicemode.utterances.recovered",
    }


def test_a_voice_is_timed_as_a_whole_where_its_engines_are_not_told() -> None:
    found = figures_of(
        CallBegan(number=1, at=1.0, kind="speak", name="espeak", service="tts", text="Hello."),
        CallAnswered(number=1, at=1.2, name="espeak"),
        CallAnswered(number=1, at=1.3),
        CallEnded(number=1, at=1.5, cancelled=True),
        CallEnded(number=1, at=1.6),
    )
    assert found == {"voicemode.engine.first": [0.2], "voicemode.engine.duration": [0.5]}


def test_an_utterance_that_is_heard_while_it_is_said_is_timed_from_its_end() -> None:
    call: dict[str, Any] = {"number": 1, "kind": "engine", "name": "live", "service": "stt"}
    found = figures_of(
        CallBegan(at=1.0, **call),
        CallBegan(at=4.0, **call),
        CallAnswered(number=1, at=4.2),
        CallEnded(number=1, at=4.2),
    )
    assert found == {"voicemode.engine.first": [0.2], "voicemode.engine.duration": [0.2]}


def test_an_agent_is_timed_to_its_first_words_and_to_its_last() -> None:
    found = figures_of(
        CallBegan(number=1, at=1.0, kind="agent", name="clerk"),
        CallAnswered(number=1, at=1.4),
        CallEnded(number=1, at=2.0),
    )
    assert found == {"voicemode.agent.first": [0.4], "gen_ai.invoke_agent.duration": [1.0]}


def test_a_failed_turn_and_a_lost_device_are_counted() -> None:
    lost = MicrophoneFailed(stream=STREAM, at=1.0, error=failed(ONE, 0).error)
    found = figures_of(TurnStarted(turn=ONE, at=0.0), lost, lost, failed(ONE, 2.0))
    assert found["voicemode.device.losses"] == [1]
    assert found["voicemode.utterances.kept"] == [1]
    assert found["voicemode.turn.duration"] == [2.0]


def test_calls_that_nobody_ends_take_no_memory_without_end() -> None:
    machine = Figures()
    for number in range(2 * OPEN):
        machine.take(CallBegan(number=number, at=0.0, kind="agent", name="clerk"), 0.0)
    assert machine.take(CallEnded(number=0, at=1.0), 1.0) == []
    assert machine.take(CallEnded(number=2 * OPEN - 1, at=1.0), 1.0) != []


def test_figures_are_added_up_by_metric_and_attributes() -> None:
    totals = Totals()
    totals.add([measured(catalogue.TURN, seconds, voicemode__turn__outcome="heard") for seconds in (0.005, 0.3, 999.0)])
    totals.add([measured(catalogue.BARGE_INS, 1), measured(catalogue.BARGE_INS, 1)])
    duration, barge_ins = totals.rows()
    assert duration["attributes"] == {"voicemode.turn.outcome": "heard"}
    assert (duration["count"], duration["sum"], duration["min"], duration["max"]) == (3, 999.305, 0.005, 999.0)
    assert [bound for bound, count in zip((*BOUNDS, None), duration["buckets"], strict=True) if count] == [
        0.005,
        0.3,
        None,
    ]
    assert (barge_ins["name"], barge_ins["value"]) == ("voicemode.barge_ins", 2)


def test_names_without_end_take_no_memory_without_end() -> None:
    totals = Totals()
    totals.add(Measured(catalogue.AGENT, 1.0, (("gen_ai.agent.name", str(number)),)) for number in range(2 * MOST))
    assert len(totals.rows()) == MOST


def test_every_metric_has_a_name_of_its_own() -> None:
    names = [metric.name for metric in catalogue.METRICS]
    assert len(set(names)) == len(names)
