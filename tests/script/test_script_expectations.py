"""What holds and what does not, without a conversation."""

from __future__ import annotations

import msgspec
import pytest
from attrs import fields
from hypothesis import given, strategies as st

from actors.account import SpokenText
from actors.messages import TurnId
from actors.results import Timings, TurnResult
from voicemode.script.expectations import checks_of, word_error, words_of
from voicemode.script.model import Bounds, Expectation

RESULT = TurnResult(
    turn=TurnId(1),
    outcome="interrupted",
    transcript="What time is it?",
    spoken=SpokenText(text="One, two, three, four.", heard="One, two,", complete=False),
    timings=Timings(barge_in_ms=250.0, total_ms=3000.0),
)

CASES = {
    "the outcome": (Expectation(outcome="interrupted"), True),
    "another outcome": (Expectation(outcome="heard"), False),
    "the transcript but for case and punctuation": (Expectation(transcript="what time, IS it"), True),
    "another transcript": (Expectation(transcript="what time was it"), False),
    "nothing was said, but something was": (Expectation(transcript=""), False),
    "what was to be said": (Expectation(spoken="One two three four"), True),
    "what was heard": (Expectation(heard="one two"), True),
    "a word more than was heard": (Expectation(heard="one two three"), False),
    "not all heard": (Expectation(heard_complete=False), True),
    "all heard": (Expectation(heard_complete=True), False),
    "as many words heard": (Expectation(heard_words=(2, 2)), True),
    "more words heard": (Expectation(heard_words=(3, 9)), False),
    "as fast as wanted": (Expectation(at_most=Bounds(barge_in_ms=250.0)), True),
    "not as fast as wanted": (Expectation(at_most=Bounds(barge_in_ms=249.0)), False),
    "a time that was not taken": (Expectation(at_most=Bounds(stt_ms=1000.0)), False),
}


@pytest.mark.parametrize(("expect", "held"), CASES.values(), ids=CASES.keys())
def test_an_expectation_is_held_against_what_came(expect: Expectation, *, held: bool) -> None:
    [check] = checks_of(expect, RESULT)
    assert check.held is held


def test_nothing_expected_is_nothing_checked() -> None:
    assert checks_of(Expectation(), RESULT) == ()


@pytest.mark.parametrize(("allowed", "held"), [(0.25, True), (0.24, False)])
def test_a_transcript_may_be_wrong_by_so_many_words(allowed: float, *, held: bool) -> None:
    transcript, share = checks_of(Expectation(transcript="what time was it", word_error=allowed), RESULT)
    assert (transcript.held, share.held, share.got) == (held, held, 0.25)


def test_every_timing_can_be_bounded() -> None:
    assert [field.name for field in msgspec.structs.fields(Bounds)] == [field.name for field in fields(Timings)]


def test_words_are_what_is_left_without_case_and_punctuation() -> None:
    assert words_of("“Don’t!” he said – forty-two, ÉTÉ.") == ["don't", "he", "said", "forty", "two", "été"]


@pytest.mark.parametrize(
    ("expected", "got", "error"),
    [("", "", 0), ("", "a", 1), ("a b", "", 1), ("a b c d", "a c d", 0.25), ("a b", "a x b y", 1), ("a", "b c d", 3)],
)
def test_the_word_error_counts_wrong_missing_and_additional_words(expected: str, got: str, error: float) -> None:
    assert word_error(expected, got) == error


SAYINGS = st.lists(st.sampled_from("abc"), max_size=6)


@given(SAYINGS, SAYINGS, SAYINGS)
def test_the_word_error_is_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    def distance(left: list[str], right: list[str]) -> float:
        return word_error(" ".join(left), " ".join(right)) * max(1, len(left))

    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, two) == pytest.approx(distance(two, one))
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-9
