"""Spans form a tree whatever happens, and say what happened where it did in the usual order."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given, strategies as st

from actors.events import BargedIn, Ducked, StateChanged, TurnEnded, TurnStarted, UtteranceRecorded, WentOn
from actors.messages import (
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakingStarted,
    SpeechEnded,
    SpeechStarted,
    Spoken,
    Transcribed,
    TurnId,
)
from tests.telemetry.happening import STREAM, TIMES, TRANSCRIPT, WORD, anything, check, failed, result, utterance
from voicemode.telemetry.facts import Facts
from voicemode.telemetry.figures import Figures
from voicemode.telemetry.stages import Stages
from voicemode.telemetry.tree import ROOT, Tree
from voicemode.telemetry.values import CallAnswered, CallBegan, CallEnded, Span

ONE, TWO = TurnId(1), TurnId(2)


def stages(*, content: bool = False) -> Stages:
    return Stages(Facts(conversation="c", content=content, about=lambda _, __: {"model": "base"}))


def spans_of(*events: Any, content: bool = False) -> dict[str, Span]:
    """Of the last turn, by name."""
    machine, spans = stages(content=content), ()
    for event in events:
        spans = machine.take(event, 0.0) or spans
    check(spans)
    return {span.name: span for span in spans}


def heard(at: float = 9.0) -> TurnEnded:
    return TurnEnded(turn=ONE, at=at, result=result(ONE))


def speech(at: float) -> SpeechStarted:
    return SpeechStarted(stream=STREAM, at=at, probability=1.0, level=-20.0)


def silence(at: float, decided: float) -> SpeechEnded:
    return SpeechEnded(stream=STREAM, at=at, decided=decided, probability=0.0, level=-60.0)


@given(st.lists(st.tuples(st.sampled_from(["open", "close", "below"]), TIMES, st.integers(0, 9))), TIMES, TIMES)
def test_a_tree_is_one_whatever_is_opened_and_closed(
    deeds: list[tuple[str, float, int]], begin: float, end: float
) -> None:
    tree, keys = Tree("turn", begin), [ROOT]
    for deed, at, which in deeds:
        key = keys[which % len(keys)]
        if deed == "close":
            tree.close(key, at)
        else:
            keys.append(tree.open("part", at, parent=key if deed == "below" else ROOT))
    spans = tree.finish(end)
    check(spans)
    assert len(spans) == len(keys)


@given(st.lists(st.tuples(anything(), TIMES), max_size=60), TIMES)
def test_any_order_of_events_makes_a_tree_for_every_turn_and_no_figure_below_nothing(
    happened: list[tuple[Any, float]], end: float
) -> None:
    machine, figures = stages(), Figures()
    trees: list[tuple[Span, ...]] = []
    for event, now in happened:
        trees += [spans for spans in [machine.take(event, now)] if spans]
        assert all(each.value >= 0 for each in figures.take(event, now))
    trees += [spans for spans in [machine.close(end)] if spans]
    for spans in trees:
        check(spans)
        assert WORD not in repr([(span.name, span.error, span.attributes) for span in spans])
    assert len(trees) == sum(isinstance(event, TurnStarted) for event, _ in happened)
    assert machine.close(end) == ()


def test_a_turn_is_made_of_its_stages() -> None:
    spans = spans_of(
        TurnStarted(turn=ONE, at=1.0),
        CallBegan(number=1, at=1.1, kind="agent", name="clerk"),
        CallAnswered(number=1, at=1.3),
        CallBegan(number=2, at=1.4, kind="speak", name="espeak", service="tts", text="Hello."),
        CallBegan(number=3, at=1.4, kind="engine", name="kokoro", service="tts"),
        CallEnded(number=3, at=1.5, error="unreachable"),
        CallAnswered(number=2, at=1.6, name="espeak"),
        CallEnded(number=2, at=1.7),
        CallEnded(number=1, at=1.8),
        SpeakingStarted(turn=ONE, at=1.65),
        Spoken(turn=ONE, text="Hello.", heard="Hello.", complete=True, samples=800, at=2.0),
        StateChanged(turn=ONE, at=2.0, state="listening"),
        speech(2.5),
        StateChanged(turn=ONE, at=2.6, state="hearing"),
        silence(3.5, 4.2),
        StateChanged(turn=ONE, at=4.2, state="transcribing"),
        UtteranceRecorded(turn=ONE, at=4.3, utterance=utterance(2.2, 4.2)),
        Transcribed(turn=ONE, at=4.5, transcript=TRANSCRIPT),
        heard(4.6),
    )
    assert {name: (span.begin, span.end) for name, span in spans.items()} == {
        "voicemode.turn": (1.0, 4.6),
        "invoke_agent clerk": (1.1, 1.8),
        "voicemode.tts": (1.4, 1.7),
        "voicemode.tts.engine": (1.4, 1.5),
        "voicemode.playback": (1.65, 2.0),
        "voicemode.listen": (2.0, 4.2),
        "voicemode.user_speech": (2.5, 3.5),
        "voicemode.record": (2.2, 4.3),
        "voicemode.stt": (4.3, 4.5),
    }
    assert spans["voicemode.tts.engine"].parent == spans["voicemode.tts"].key
    assert spans["voicemode.tts.engine"].error == "unreachable"
    assert spans["voicemode.tts"].attributes["gen_ai.provider.name"] == "espeak"
    assert spans["voicemode.tts"].attributes["gen_ai.request.model"] == "base"
    assert spans["voicemode.turn"].attributes["voicemode.turn.outcome"] == "heard"
    assert spans["voicemode.turn"].error is None


def test_what_was_said_is_in_it_where_that_is_asked_for() -> None:
    begun = TurnStarted(turn=ONE, at=1.0)
    recorded = UtteranceRecorded(turn=ONE, at=2.0, utterance=utterance(1.0, 2.0))
    events = begun, recorded, Transcribed(turn=ONE, at=2.5, transcript=TRANSCRIPT), heard()
    assert spans_of(*events, content=True)["voicemode.stt"].attributes["voicemode.text"] == WORD
    assert spans_of(*events, content=True)["voicemode.turn"].attributes["voicemode.spoken.heard"] == WORD
    assert spans_of(begun, failed(ONE, 2.0), content=True)["voicemode.turn"].attributes["voicemode.error"]


def test_a_turn_that_fails_says_why_in_a_word() -> None:
    turn = spans_of(TurnStarted(turn=ONE, at=1.0), failed(ONE, 2.0))["voicemode.turn"]
    assert turn.error == "unreachable"
    assert turn.attributes["voicemode.utterance.kept"] is True


def test_a_turn_that_an_agents_error_ends_has_failed() -> None:
    turn = spans_of(TurnStarted(turn=ONE, at=1.0), evolve(heard(), raised="KeyError"))["voicemode.turn"]
    assert (turn.error, turn.attributes["voicemode.turn.outcome"]) == ("KeyError", "failed")


def test_of_engines_only_the_one_that_failed_has_the_error() -> None:
    begun = TurnStarted(turn=ONE, at=1.0)
    recorded = UtteranceRecorded(turn=ONE, at=2.0, utterance=utterance(1.0, 2.0))
    heard_nothing = spans_of(begun, recorded, failed(ONE, 2.5, "stt"))["voicemode.stt"]
    assert (heard_nothing.error, heard_nothing.end) == ("unreachable", 2.5)
    said_nothing = spans_of(begun, recorded, failed(ONE, 2.5, "tts"))["voicemode.stt"]
    assert (said_nothing.error, said_nothing.attributes["voicemode.unfinished"]) == (None, True)


def test_a_turn_that_never_ends_is_abandoned_when_the_next_begins() -> None:
    spans = spans_of(TurnStarted(turn=ONE, at=1.0), speech(1.5), TurnStarted(turn=TWO, at=3.0))
    assert spans["voicemode.turn"].attributes["voicemode.turn.outcome"] == "abandoned"
    assert spans["voicemode.user_speech"].attributes["voicemode.unfinished"] is True


def test_a_voice_that_began_before_the_turn_begins_with_it() -> None:
    spans = spans_of(TurnStarted(turn=ONE, at=2.0), silence(3.0, 3.7), heard())
    assert (spans["voicemode.user_speech"].begin, spans["voicemode.user_speech"].end) == (2.0, 3.0)
    spans = spans_of(TurnStarted(turn=ONE, at=2.0), speech(1.5), silence(3.0, 3.7), heard())
    assert (spans["voicemode.user_speech"].begin, spans["voicemode.user_speech"].end) == (2.0, 3.0)


def test_an_interruption_lasts_until_the_assistant_is_silent() -> None:
    spans = spans_of(
        TurnStarted(turn=ONE, at=1.0),
        SpeakingStarted(turn=ONE, at=1.5),
        Ducked(turn=ONE, at=2.1, held=False),
        Ducked(turn=ONE, at=2.2, held=True),
        BargedIn(turn=ONE, at=2.5, began=2.0),
        Spoken(turn=ONE, text="", heard="", complete=False, samples=0, at=2.6),
        heard(),
    )
    assert (spans["voicemode.barge_in"].begin, spans["voicemode.barge_in"].end) == (2.0, 2.6)
    assert spans["voicemode.barge_in"].attributes["voicemode.decision.seconds"] == 0.5
    assert (spans["voicemode.hold"].begin, spans["voicemode.hold"].end) == (2.1, 2.5)
    assert spans["voicemode.hold"].attributes == {"voicemode.held": True}


def test_what_was_no_interruption_says_so() -> None:
    spans = spans_of(
        TurnStarted(turn=ONE, at=1.0), Ducked(turn=ONE, at=2.1, held=False), WentOn(turn=ONE, at=2.4), heard()
    )
    assert spans["voicemode.hold"].attributes["voicemode.false_interruption"] is True


def test_a_device_that_is_lost_is_missed_in_every_turn_until_it_is_back() -> None:
    lost = MicrophoneFailed(stream=STREAM, at=2.0, error=failed(ONE, 0).error)
    back = MicrophoneOpened(stream=STREAM, at=5.0)
    spans = spans_of(TurnStarted(turn=ONE, at=1.0), lost, heard(3.0))
    assert (spans["voicemode.device_lost"].begin, spans["voicemode.device_lost"].end) == (2.0, 3.0)
    spans = spans_of(lost, TurnStarted(turn=ONE, at=4.0), back, heard(6.0))
    assert (spans["voicemode.device_lost"].begin, spans["voicemode.device_lost"].end) == (4.0, 5.0)


def test_an_answer_that_is_begun_in_one_turn_and_said_in_the_next_is_in_both() -> None:
    machine = stages()
    machine.take(TurnStarted(turn=ONE, at=1.0), 1.0)
    machine.take(CallBegan(number=7, at=2.0, kind="agent", name="clerk"), 2.0)
    first = machine.take(heard(3.0), 3.0)
    machine.take(TurnStarted(turn=TWO, at=3.1), 3.1)
    machine.take(CallEnded(number=7, at=4.0), 4.0)
    second = machine.take(TurnEnded(turn=TWO, at=5.0, result=result(TWO)), 5.0)
    assert [(span.begin, span.end) for span in (first[1], second[1])] == [(2.0, 3.0), (3.1, 4.0)]
    assert first[1].attributes["voicemode.unfinished"] is True
    assert second[1].attributes["voicemode.continued"] is True
    machine.take(TurnStarted(turn=ONE, at=6.0), 6.0)
    assert len(machine.take(heard(7.0), 7.0)) == 1
