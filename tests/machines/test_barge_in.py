from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from actors.machines.barge_in import BargeIn, BargeInPolicy, Commit, Forget, Onset, Verdict
from actors.machines.endpointer import Endpointer, EndpointPolicy
from actors.messages import SpeechActivity, SpeechEvent, SpeechStarted, StreamId

STREAM = StreamId(1)
WINDOW = 0.032


def heard(*runs: tuple[float, float]) -> list[SpeechEvent]:
    """What the voice detector tells of stretches of (seconds, probability)."""
    endpointer = Endpointer(EndpointPolicy(), STREAM)
    events: list[SpeechEvent] = []
    now = 0.0
    for seconds, probability in runs:
        for _ in range(round(seconds / WINDOW)):
            now += WINDOW
            activity = SpeechActivity(stream=STREAM, at=now, duration=WINDOW, probability=probability, level=-30.0)
            events += [activity, *endpointer.feed(activity)]
    return events


def judge(events: list[SpeechEvent], policy: BargeInPolicy | None = None) -> list[tuple[float, Verdict]]:
    """The verdicts, onsets aside, each with the end of the window it fell on."""
    barge_in = BargeIn(policy or BargeInPolicy())
    now, verdicts = 0.0, list[tuple[float, Verdict]]()
    for event in events:
        now = event.at if isinstance(event, SpeechActivity) else now
        verdict = barge_in.feed(event)
        if verdict is not None and not isinstance(verdict, Onset):
            verdicts.append((now, verdict))
    return verdicts


def test_a_cough_does_not_interrupt() -> None:
    ((at, verdict),) = judge(heard((0.32, 0.0), (0.128, 0.9), (2.0, 0.0)))
    assert isinstance(verdict, Forget)
    assert verdict.began == pytest.approx(0.32)
    assert at == pytest.approx(0.32 + 0.128 + 0.2, abs=WINDOW)


def test_saying_stop_interrupts_a_fifth_of_a_second_after_its_onset() -> None:
    ((at, verdict),) = judge(heard((0.32, 0.0), (0.35, 0.9), (2.0, 0.0)))
    assert isinstance(verdict, Commit)
    assert verdict.began == pytest.approx(0.32)
    assert 0.19 <= at - 0.32 < 0.19 + WINDOW


def test_a_fit_of_coughing_does_not_interrupt() -> None:
    cough = ((0.128, 0.9), (0.16, 0.0))
    assert not any(isinstance(verdict, Commit) for _, verdict in judge(heard(*cough * 5, (2.0, 0.0))))


def test_the_closure_in_a_plosive_does_not_break_a_word() -> None:
    ((_, verdict),) = judge(heard((0.128, 0.9), (0.064, 0.1), (0.16, 0.9)))
    assert isinstance(verdict, Commit)
    assert verdict.began == 0.0


def test_going_on_after_a_false_onset_is_judged_again() -> None:
    forgotten, committed = judge(heard((0.128, 0.9), (0.32, 0.0), (0.4, 0.9)))
    assert isinstance(forgotten[1], Forget)
    assert forgotten[1].began == 0.0
    assert isinstance(committed[1], Commit)
    assert committed[1].began == pytest.approx(0.448)


def test_an_interruption_is_told_once_however_long_it_lasts() -> None:
    events = heard((1.0, 0.9), (0.4, 0.0), (1.0, 0.9), (2.0, 0.0), (1.0, 0.9))
    assert [type(verdict) for _, verdict in judge(events)] == [Commit, Commit]


def test_voice_whose_onset_was_not_seen_is_ignored_until_it_pauses() -> None:
    events = heard((2.0, 0.9), (0.32, 0.0), (0.4, 0.9), (2.0, 0.0))
    late = events[20:]
    assert not any(isinstance(event, SpeechStarted) for event in late)
    ((at, verdict),) = judge(late)
    assert isinstance(verdict, Commit)
    assert verdict.began == pytest.approx(2.3, abs=WINDOW)
    assert at > 2.3


def test_an_onset_older_than_the_machine_counts_from_its_beginning() -> None:
    events = heard((0.4, 0.9))
    started = next(place for place, event in enumerate(events) if isinstance(event, SpeechStarted))
    assert judge(events[started - 1 :]) == judge(events)


def test_another_opening_of_the_microphone_starts_afresh() -> None:
    barge_in = BargeIn(BargeInPolicy())
    for event in heard((0.16, 0.9)):
        barge_in.feed(event)
    later = SpeechActivity(stream=StreamId(2), at=9.0, duration=5.0, probability=0.9, level=-30.0)
    assert barge_in.feed(later) is None


@pytest.mark.parametrize("wrong", [{"min_speech": -0.1}, {"gap": float("inf")}, {"voiced": 2.0}])
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BargeInPolicy(**wrong)


@given(st.lists(st.tuples(st.sampled_from([0.064, 0.128, 0.2, 0.32, 0.8]), st.sampled_from([0.0, 0.4, 0.9]))))
def test_every_start_commits_at_most_once_and_only_on_enough_voice(runs: list[tuple[float, float]]) -> None:
    barge_in = BargeIn(BargeInPolicy())
    commits, voiced = 0, 0.0
    for event in heard(*runs):
        if isinstance(event, SpeechStarted):
            commits = 0
        if isinstance(event, SpeechActivity) and event.probability >= 0.5:
            voiced += event.duration
        if isinstance(barge_in.feed(event), Commit):
            commits += 1
            assert voiced >= 0.19
            voiced = 0.0
        assert commits <= 1
