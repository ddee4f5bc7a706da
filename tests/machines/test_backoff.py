from __future__ import annotations

from hypothesis import given, strategies as st

from actors.machines.backoff import Backoff


def test_delays_double_from_a_tenth_of_a_second_to_two_seconds() -> None:
    backoff = Backoff()
    assert [backoff.next() for _ in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_a_success_makes_the_next_delay_the_first_again() -> None:
    backoff = Backoff()
    backoff.reset()
    assert [backoff.next(), backoff.next()] == [0.1, 0.2]
    backoff.reset()
    assert backoff.next() == 0.1


def test_two_of_them_know_nothing_of_each_other() -> None:
    one, other = Backoff(first=1.0, longest=3.0), Backoff()
    assert [one.next(), one.next(), one.next(), other.next()] == [1.0, 2.0, 3.0, 0.1]


def test_with_chance_a_delay_is_shortened_by_up_to_a_half() -> None:
    chances = iter([0.0, 1.0, 0.5])
    backoff = Backoff(first=1.0, longest=4.0, chance=lambda: next(chances))
    assert [backoff.next() for _ in range(3)] == [1.0, 1.0, 3.0]


def test_with_chance_and_a_least_a_delay_may_become_as_short_as_that() -> None:
    chances = iter([0.0, 1.0, 0.5, 1.0])
    backoff = Backoff(first=2.0, longest=60.0, chance=lambda: next(chances), least=1.0)
    assert [backoff.next() for _ in range(4)] == [2.0, 1.0, 4.5, 1.0]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_no_delay_is_outside_its_bounds(chances: list[float]) -> None:
    numbers = iter(chances)
    backoff = Backoff(first=2.0, longest=60.0, chance=lambda: next(numbers), least=1.0)
    assert all(1.0 <= backoff.next() <= 60.0 for _ in chances)
