from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from actors.machines.endpointer import Endpointer, EndpointPolicy, Transition
from actors.messages import SpeechActivity, SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted, StreamId

STREAM = StreamId(1)
WINDOW = 0.032


def window(at: float, probability: float, stream: StreamId = STREAM) -> SpeechActivity:
    return SpeechActivity(stream=stream, at=at, duration=WINDOW, probability=probability, level=-30.0)


def run(probabilities: list[float], policy: EndpointPolicy | None = None) -> list[Transition]:
    """Feed windows one after another; the n-th one ends at (n + 1) * WINDOW."""
    endpointer = Endpointer(policy or EndpointPolicy(), STREAM)
    return [
        event
        for count, probability in enumerate(probabilities, 1)
        for event in endpointer.feed(window(count * WINDOW, probability))
    ]


def names(events: list[Transition]) -> list[str]:
    return [type(event).__name__.removeprefix("Speech") for event in events]


def test_a_word_starts_pauses_and_ends_where_its_voice_did() -> None:
    started, paused, ended = run([0.0] * 5 + [0.9] * 10 + [0.0] * 30)
    assert isinstance(started, SpeechStarted)
    assert started.at == pytest.approx(5 * WINDOW)
    assert isinstance(paused, SpeechPaused)
    assert paused.at == pytest.approx(15 * WINDOW)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(15 * WINDOW)
    assert 0.7 <= ended.decided - ended.at + 1e-9 < 0.7 + WINDOW


def test_speech_starts_with_the_third_voiced_window() -> None:
    assert run([0.9] * 2) == []
    assert names(run([0.9] * 3)) == ["Started"]


def test_a_pause_is_told_after_a_fifth_of_a_second() -> None:
    assert names(run([0.9] * 3 + [0.0] * 6)) == ["Started"]
    assert names(run([0.9] * 3 + [0.0] * 7)) == ["Started", "Paused"]


def test_speech_that_goes_on_resumes_at_its_first_voiced_window() -> None:
    _, _, resumed = run([0.9] * 3 + [0.0] * 10 + [0.9])
    assert isinstance(resumed, SpeechResumed)
    assert resumed.at == pytest.approx(13 * WINDOW)


def test_a_silence_shorter_than_a_pause_goes_unmentioned() -> None:
    assert names(run([0.9] * 3 + [0.0] * 5 + [0.9] * 3)) == ["Started"]


def test_clicks_never_add_up_to_speech() -> None:
    assert run([0.9, 0.0] * 100) == []


def test_a_single_unvoiced_window_does_not_hide_a_word() -> None:
    (started,) = run([0.0, 0.9, 0.9, 0.1, 0.9, 0.9])
    assert started.at == pytest.approx(WINDOW)


def test_a_start_given_up_does_not_date_the_next_one() -> None:
    (started,) = run([0.9, 0.9, 0.0, 0.0, 0.9, 0.9, 0.9])
    assert started.at == pytest.approx(4 * WINDOW)


def test_between_stop_and_start_voice_goes_on_but_does_not_begin() -> None:
    assert run([0.4] * 50) == []
    assert names(run([0.9] * 3 + [0.4] * 50)) == ["Started"]
    assert names(run([0.9] * 3 + [0.0] + [0.4] * 50)) == ["Started", "Paused", "Ended"]


def test_both_limits_may_fall_on_one_window() -> None:
    policy = EndpointPolicy(pause=0.3, hangover=0.3)
    assert names(run([0.9] * 3 + [0.0] * 10, policy)) == ["Started", "Paused", "Ended"]


def test_speaking_lasts_through_a_pause() -> None:
    endpointer = Endpointer(EndpointPolicy(), STREAM)
    speaking: list[bool] = []
    for count, probability in enumerate([0.9] * 3 + [0.0] * 30, 1):
        endpointer.feed(window(count * WINDOW, probability))
        speaking.append(endpointer.speaking)
    assert speaking[:3] == [False, False, True]
    assert speaking.index(False, 3) == 2 + math.ceil(0.7 / WINDOW)


def test_dropped_sound_counts_as_silence() -> None:
    endpointer = Endpointer(EndpointPolicy(), STREAM)
    for count in range(1, 4):
        endpointer.feed(window(count * WINDOW, 0.9))
    assert names(endpointer.feed(window(0.6, 0.9))) == ["Paused", "Resumed"]
    paused, ended = endpointer.feed(window(2.0, 0.9))
    assert isinstance(paused, SpeechPaused)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == 0.6
    assert ended.decided == pytest.approx(2.0 - WINDOW)
    assert not endpointer.speaking


def test_jitter_of_time_stamps_does_not_delay_a_start() -> None:
    endpointer = Endpointer(EndpointPolicy(), STREAM)
    assert names([event for at in (0.030, 0.068, 0.097) for event in endpointer.feed(window(at, 0.9))]) == ["Started"]


@pytest.mark.parametrize(
    "refused",
    [window(0.096, 0.9), window(0.05, 0.9), window(0.128, 0.9, StreamId(2))],
    ids=["the same time", "an earlier time", "another stream"],
)
def test_a_refused_window_leaves_no_trace(refused: SpeechActivity) -> None:
    tried, untried = Endpointer(EndpointPolicy(), STREAM), Endpointer(EndpointPolicy(), STREAM)
    for endpointer in (tried, untried):
        for count in range(1, 4):
            endpointer.feed(window(count * WINDOW, 0.9))
    with pytest.raises(ValueError, match=r"stream 2|time went back"):
        tried.feed(refused)
    assert vars(tried) == vars(untried)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"start": 1.5}, "start is a probability"),
        ({"stop": -0.1}, "stop is a probability"),
        ({"start": 0.3}, "stop .* must not be above start"),
        ({"min_speech": -1.0}, "min_speech is a number of seconds"),
        ({"pause": math.nan}, "pause is a number of seconds"),
        ({"hangover": 0.1}, "hangover .* must not be shorter than pause"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EndpointPolicy(**wrong)


FOLLOWS = {None: {"Started"}, "Started": {"Paused"}, "Paused": {"Resumed", "Ended"}, "Resumed": {"Paused"}}
FOLLOWS["Ended"] = FOLLOWS[None]


@given(
    windows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.4, 0.9, 0.9, 0.0]), st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 1.0]))
    ),
    stretch=st.integers(1, 12),
    min_speech=st.sampled_from([0.0, 0.05, 0.096, 0.3]),
    pause=st.sampled_from([0.0, 0.1, 0.2]),
    longer=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_events_follow_the_grammar_and_the_clock(
    windows: list[tuple[float, float]], stretch: int, min_speech: float, pause: float, longer: float
) -> None:
    endpointer = Endpointer(EndpointPolicy(min_speech=min_speech, pause=pause, hangover=pause + longer), STREAM)
    now, latest, before = 0.0, -math.inf, None
    for probability, lost in windows:
        now += lost
        for _ in range(stretch):
            now += WINDOW
            for event in endpointer.feed(window(now, probability)):
                (name,) = names([event])
                assert name in FOLLOWS[before]
                assert latest - 1e-9 <= event.at <= now
                if isinstance(event, SpeechEnded):
                    assert event.at + pause + longer <= event.decided + 1e-5
                    assert event.decided <= now
                latest, before = event.at, name
            assert endpointer.speaking == (before not in (None, "Ended"))
