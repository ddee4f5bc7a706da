from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from voicemode.audio.mixing import mixed

sounds = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=20)), max_size=8
)


@given(sounds)
def test_every_sample_is_the_limited_sum_of_what_sounds_there_and_nothing_is_told_twice(
    placed: list[tuple[int, list[int]]],
) -> None:
    expected: dict[int, int] = {}
    for start, values in placed:
        for position, value in enumerate(values, start):
            expected[position] = expected.get(position, 0) + value
    stretches = mixed([(start, np.array(values, "<i2").tobytes()) for start, values in placed])
    told = [
        (position, int(value))
        for start, pcm in stretches
        for position, value in enumerate(np.frombuffer(pcm, "<i2"), start)
    ]
    assert told == [(position, max(-32_768, min(32_767, expected[position]))) for position in sorted(expected)]
