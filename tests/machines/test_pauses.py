"""How long one speaker pauses."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from actors.machines.pauses import ENOUGH, REMEMBERED, Pauses


def paused(*seconds: float) -> Pauses:
    pauses = Pauses()
    for each in seconds:
        pauses.feed(each)
    return pauses


seconds = st.floats(0, 60)
several = st.lists(seconds, min_size=ENOUGH, max_size=3 * REMEMBERED)
shares = st.floats(0, 1)


def test_nothing_is_usual_of_a_speaker_who_has_hardly_paused() -> None:
    assert paused(0.3, 0.3, 0.3, 0.3).usual(0.5) is None
    assert paused(0.3, 0.3, 0.3, 0.3, 0.3).usual(0.5) == 0.3


def test_a_share_of_the_pauses_keeps_to_what_is_usual() -> None:
    pauses = paused(0.5, 0.1, 0.4, 0.2, 0.3)
    assert [pauses.usual(share) for share in (0.0, 0.5, 1.0)] == [0.1, 0.3, 0.5]


def test_the_latest_pauses_count_most() -> None:
    slower = [0.2] * 25 + [0.9] * 20
    assert paused(*slower).usual(0.5) == 0.9
    assert paused(*reversed(slower)).usual(0.5) == 0.2


def test_what_was_long_ago_is_forgotten() -> None:
    assert paused(*[9.0] * 40, *[0.3] * REMEMBERED).usual(1.0) == 0.3


@given(several, shares)
def test_the_usual_pause_is_one_of_the_last_ones(fed: list[float], share: float) -> None:
    assert paused(*fed).usual(share) in fed[-REMEMBERED:]


@given(several, shares, shares)
def test_a_greater_share_takes_no_shorter_pause(fed: list[float], one: float, other: float) -> None:
    pauses = paused(*fed)
    low, high = pauses.usual(min(one, other)), pauses.usual(max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high


@pytest.mark.parametrize("wrong", [-0.1, float("inf"), float("nan")])
def test_a_pause_is_a_length_of_time(wrong: float) -> None:
    with pytest.raises(ValueError, match="a pause is a number of seconds"):
        paused(wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_share_is_no_percentage(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        paused(*[0.3] * 5).usual(wrong)
