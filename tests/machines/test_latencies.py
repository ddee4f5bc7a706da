from __future__ import annotations

from hypothesis import given, strategies as st

from actors.machines.latencies import REMEMBERED, Latencies


def test_nothing_is_known_before_the_first_answer() -> None:
    assert Latencies().percentile(50) is None


def test_half_of_the_answers_are_at_most_as_slow_as_the_median() -> None:
    latencies = Latencies()
    for seconds in (0.4, 0.1, 0.3, 0.2):
        latencies.add(seconds)
    assert (latencies.percentile(50), latencies.percentile(95)) == (0.2, 0.4)


def test_an_engine_that_becomes_slower_is_soon_known_to_be_slow() -> None:
    latencies = Latencies()
    for _ in range(1000):
        latencies.add(0.1)
    for _ in range(REMEMBERED):
        latencies.add(2.0)
    assert latencies.percentile(1) == 2.0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=REMEMBERED), st.floats(0, 100))
def test_a_percentile_is_an_answer_that_so_many_did_not_exceed(answers: list[float], percent: float) -> None:
    latencies = Latencies()
    for seconds in answers:
        latencies.add(seconds)
    bound = latencies.percentile(percent)
    assert bound in answers
    assert bound is not None
    assert sum(seconds <= bound for seconds in answers) >= len(answers) * percent / 100 - 1e-9
