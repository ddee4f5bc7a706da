"""How long a silence must last, judged by what is known of it."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from actors.machines.finished import Finish
from actors.machines.pauses import Pauses
from actors.machines.turn_delay import TurnDelayPolicy, turn_delay

POLICY = TurnDelayPolicy()
MOST_FINISHED_FIRST: list[Finish] = ["done", "unsure", "open"]


def speaker(*seconds: float) -> Pauses:
    pauses = Pauses()
    for each in seconds:
        pauses.feed(each)
    return pauses


@st.composite
def _policies(draw: st.DrawFn) -> TurnDelayPolicy:
    shortest, unknown, longest = sorted(draw(st.tuples(*[st.floats(0, 10)] * 3)))
    low, agreed, high = sorted(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3, unique=True)))
    share, margin = draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    return TurnDelayPolicy(
        shortest=shortest, longest=longest, unknown=unknown, low=low, agreed=agreed, high=high, share=share,
        margin=margin,
    )  # fmt: skip


policies = _policies()
sounds = st.none() | st.floats(0, 1)
verdicts = st.sampled_from([None, *MOST_FINISHED_FIRST])
speakers = st.none() | st.lists(st.floats(0, 10), max_size=60).map(lambda fed: speaker(*fed))


def test_without_evidence_the_wait_is_the_unknown_one() -> None:
    assert turn_delay(POLICY) == turn_delay(POLICY, words="unsure") == turn_delay(POLICY, pauses=Pauses()) == 0.7


def test_words_alone_decide_when_they_are_clear() -> None:
    assert turn_delay(POLICY, words="done") == 0.3
    assert turn_delay(POLICY, words="open") == 1.5


def test_the_sound_alone_moves_the_wait_between_its_bounds() -> None:
    assert [turn_delay(POLICY, sound=sound) for sound in (0.1, 0.2, 0.5, 0.8, 0.9)] == pytest.approx(
        [1.5, 1.5, 0.9, 0.3, 0.3]
    )


def test_finished_words_need_less_of_the_sound() -> None:
    assert turn_delay(POLICY, words="done", sound=0.5) == 0.3
    assert turn_delay(POLICY, words="unsure", sound=0.5) > 0.3


def test_finished_words_are_not_believed_when_the_sound_goes_on() -> None:
    assert turn_delay(POLICY, words="done", sound=0.1) == 1.5


def test_words_that_go_on_are_waited_for_whatever_the_sound() -> None:
    assert turn_delay(POLICY, words="open", sound=0.99) == 1.5


def test_a_hesitant_speaker_is_given_more_time_and_a_quick_one_less() -> None:
    hesitant, quick = speaker(*[1.2] * 9), speaker(*[0.25] * 9)
    assert turn_delay(POLICY, pauses=hesitant) == pytest.approx((0.7 + 1.3) / 2)
    assert turn_delay(POLICY, pauses=quick) == pytest.approx((0.7 + 0.35) / 2)


def test_a_wait_that_follows_the_pauses_it_sees_does_not_wither() -> None:
    pauses, wait = speaker(), POLICY.unknown
    for _ in range(200):
        pauses.feed(0.99 * wait)
        wait = turn_delay(POLICY, pauses=pauses)
    assert wait > 0.6


@given(policies, verdicts, sounds, speakers)
def test_the_wait_keeps_to_its_bounds(
    policy: TurnDelayPolicy, words: Finish | None, sound: float | None, pauses: Pauses | None
) -> None:
    assert policy.shortest <= turn_delay(policy, words=words, sound=sound, pauses=pauses) <= policy.longest


@given(policies, sounds, speakers)
def test_words_that_look_more_finished_never_lengthen_it(
    policy: TurnDelayPolicy, sound: float | None, pauses: Pauses | None
) -> None:
    waits = [turn_delay(policy, words=words, sound=sound, pauses=pauses) for words in MOST_FINISHED_FIRST]
    assert waits == sorted(waits)


@given(policies, verdicts, st.floats(0, 1), st.floats(0, 1), speakers)
def test_a_sound_that_is_more_of_an_end_never_lengthens_it(
    policy: TurnDelayPolicy, words: Finish | None, one: float, other: float, pauses: Pauses | None
) -> None:
    less, more = (turn_delay(policy, words=words, sound=sound, pauses=pauses) for sound in sorted((one, other)))
    assert more <= less


@given(policies, verdicts, sounds, st.lists(st.floats(0, 10), min_size=5, max_size=60), st.floats(0, 5))
def test_longer_pauses_never_shorten_it(
    policy: TurnDelayPolicy, words: Finish | None, sound: float | None, fed: list[float], longer: float
) -> None:
    usual, slow = speaker(*fed), speaker(*(each + longer for each in fed))
    assert turn_delay(policy, words=words, sound=sound, pauses=usual) <= turn_delay(
        policy, words=words, sound=sound, pauses=slow
    )


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("shortest", -1.0, "shortest is a number of seconds"),
        ("longest", float("nan"), "longest is a number of seconds"),
        ("longest", 0.2, "longest (0.2 s) must not be below shortest (0.3 s)"),
        ("unknown", 2.0, "unknown (2.0 s) must lie between shortest (0.3 s) and longest (1.5 s)"),
        ("low", -0.1, "low is a probability"),
        ("high", 0.1, "high (0.1) must be above low (0.2)"),
        ("agreed", 0.9, "agreed (0.9) must lie above low (0.2) and not above high (0.8)"),
        ("share", 90.0, "share is a probability"),
        ("margin", -0.1, "'margin' must be >= 0"),
    ],
)
def test_a_policy_that_cannot_be_says_why(setting: str, value: float, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        evolve(POLICY, **{setting: value})
