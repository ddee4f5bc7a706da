"""Finding lines in TOML however it is written."""

from __future__ import annotations

import pytest

from voicemode.script.locate import Place, line_of

TEXT = '''\
title = "a [[step]] in a text"
about = """
[[step]]
user = "not a key"
"""
raw = \'\'\'
[[step]]\'\'\'
user.voice = "en"
"user" . 'speed' = 1.0
phrases = [
  "a", # ] and "
  ["b = 1"],
]

[[step]]
expect = { outcome = "heard", heard_words = [
  1, 2] }
[[ step ]] # the second
  user = "x"
  [step.expect]
  outcome = "heard"
  [step.expect.at_most]
  "stt_ms" = 1
[listening]
user = "\\"]["
stt_ms = 3
[[step]]
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 1),
        (("about",), 2),
        (("user",), 8),
        (("user", "voice"), 8),
        (("user", "speed"), 9),
        (("phrases", 1), 10),
        (("step",), 15),
        (("step", 0), 15),
        (("step", 0, "expect", "outcome"), 16),
        (("step", 0, "user"), 15),
        (("step", 1), 18),
        (("step", 1, "user"), 19),
        (("step", 1, "expect"), 20),
        (("step", 1, "expect", "outcome"), 21),
        (("step", 1, "expect", "at_most", "stt_ms"), 23),
        (("listening", "user"), 25),
        (("listening", "stt_ms"), 26),
        (("step", 2, "delay"), 27),
        (("nowhere", 3), 1),
        ((), 1),
    ],
)
def test_a_place_is_found_or_the_nearest_table_round_it(place: Place, line: int) -> None:
    assert line_of(TEXT, place) == line
