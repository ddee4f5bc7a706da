"""The bucket: whoever takes from it, in the long run it is no more than its rate."""

from __future__ import annotations

from hypothesis import given, strategies as st

from voicemode.gateway.rate import TokenBucket


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 5)), max_size=50))
def test_who_waits_as_long_as_told_gets_no_more_than_the_rate_and_the_burst(taken: list[tuple[float, int]]) -> None:
    bucket, now, total = TokenBucket(2.0, 5.0), 0.0, 0
    for pause, amount in taken:
        now += pause
        total += amount
        now += bucket.owe(now, amount)
        assert total <= 5.0 + 2.0 * now + 1e-6


def test_what_is_saved_up_is_a_burst_at_most() -> None:
    bucket = TokenBucket(1.0, 3.0)
    assert bucket.owe(1_000.0, 3) == 0.0
    assert bucket.owe(1_000.0, 1) == 1.0
    assert bucket.owe(2_000.0, 3) == 0.0
