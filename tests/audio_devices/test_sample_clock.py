from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, strategies as st

from voicemode.audio.sample_clock import CONFIRMED, SampleClock

RATE, BLOCK = 16_000, 160
PERIOD = BLOCK / RATE


def test_samples_are_as_far_apart_as_the_rate_says() -> None:
    clock = SampleClock(RATE)
    clock.hear(320, 5.0)
    assert clock.time_of(320) == 5.0
    assert clock.time_of(480) == pytest.approx(5.0 + PERIOD)
    assert clock.time_of(320.5) == pytest.approx(5.0 + 0.5 / RATE)


@given(st.lists(st.floats(0, 0.04), min_size=2, max_size=300))
def test_a_device_that_is_late_now_and_then_makes_no_gap(lateness: list[float]) -> None:
    clock = SampleClock(RATE)
    starts = []
    for number, late in enumerate(lateness):
        assert not clock.hear(number * BLOCK, 100 + number * PERIOD + late)
        starts.append(clock.time_of(number * BLOCK))
    steps = [after - before for before, after in itertools.pairwise(starts)]
    assert all(0.94 * PERIOD <= step <= 1.02 * PERIOD for step in steps)


def test_no_sample_is_said_to_be_taken_after_it_was_heard_but_for_2_ms_once_it_has_settled() -> None:
    clock = SampleClock(RATE)
    random.seed(2)
    clock.hear(0, 0.020)
    for number in range(1, 5_000):
        at = number * PERIOD + random.expovariate(200)
        clock.hear(number * BLOCK, at)
        assert number < 60 or clock.time_of(number * BLOCK) <= at + 0.002


@pytest.mark.parametrize("off", [-500e-6, -50e-6, 0, 50e-6, 500e-6])
def test_a_device_whose_clock_is_off_is_followed(off: float) -> None:
    clock = SampleClock(RATE)
    random.seed(1)
    for number in range(60_000):
        true = number * PERIOD * (1 + off)
        assert not clock.hear(number * BLOCK, true + random.uniform(0, 0.004))
        assert abs(clock.time_of(number * BLOCK) - true) < 0.006


def test_one_account_that_is_far_off_is_not_believed_but_a_lasting_one_is_a_gap() -> None:
    clock = SampleClock(RATE)
    for number in range(100):
        assert not clock.hear(number * BLOCK, number * PERIOD)
    assert not clock.hear(100 * BLOCK, 100 * PERIOD + 0.3)
    assert not clock.hear(101 * BLOCK, 101 * PERIOD)
    jumps = [clock.hear(number * BLOCK, number * PERIOD + 0.3) for number in range(102, 122)]
    assert jumps == [False] * (CONFIRMED - 1) + [True] + [False] * (20 - CONFIRMED)
    assert clock.time_of(121 * BLOCK) == pytest.approx(121 * PERIOD + 0.3, abs=0.005)


def test_a_gap_the_device_reports_is_one_at_once() -> None:
    clock = SampleClock(RATE)
    clock.hear(0, 1.0)
    assert clock.hear(BLOCK, 1.0 + PERIOD + 0.02, glitch=True)
    assert clock.time_of(BLOCK) == pytest.approx(1.0 + PERIOD + 0.02)


def test_a_reported_loss_of_nothing_is_no_gap() -> None:
    clock = SampleClock(RATE)
    clock.hear(0, 1.0)
    assert not clock.hear(BLOCK, 1.0 + PERIOD + 0.001, glitch=True)


@given(st.lists(st.tuples(st.floats(-0.5, 0.5), st.booleans()), min_size=2, max_size=100))
def test_time_never_runs_backward_whatever_the_device_says(accounts: list[tuple[float, bool]]) -> None:
    clock = SampleClock(RATE)
    before = float("-inf")
    for number, (off, glitch) in enumerate(accounts):
        clock.hear(number * BLOCK, 10 + number * PERIOD + off, glitch=glitch)
        start = clock.time_of(number * BLOCK)
        assert start > before
        before = start


def test_nothing_is_known_before_anything_was_heard() -> None:
    with pytest.raises(ValueError, match="nothing was heard"):
        SampleClock(RATE).time_of(0)
