"""Blocks and word events in, audio with word times out; no engine."""

from __future__ import annotations

import numpy as np

from actors.messages import Synthesis
from voicemode.speech.espeak_words import QUIET, SpokenText, WordEvent

RATE = 1000


def sound(*stretches: tuple[int, int]) -> bytes:
    """Stretches of so many samples, each so loud."""
    return np.concatenate([np.full(samples, level) for samples, level in stretches]).astype("<i2").tobytes()


def event(position: int, length: int, sample: int) -> WordEvent:
    return WordEvent(position=position, length=length, sample=sample)


def spans(text: str, parts: list[Synthesis]) -> list[tuple[str, float, float]]:
    return [(text[word.start : word.end], word.begin, word.finish) for part in parts for word in part.words]


def test_a_block_is_held_until_the_words_in_it_have_ended() -> None:
    spoken = SpokenText("one two", RATE)
    assert spoken.feed(sound((60, 5000)), [event(0, 3, 0)]) == []
    (first,) = spoken.feed(sound((60, 5000)), [event(4, 3, 20 + 60)])
    assert spans("one two", [first]) == [("one", 0.0, 0.08)]
    assert spans("one two", spoken.finish()) == [("two", 0.08, 0.12)]


def test_a_finish_is_the_last_sample_above_the_threshold() -> None:
    spoken = SpokenText("one", RATE)
    spoken.feed(sound((40, 5000), (1, -QUIET - 1), (10, QUIET), (9, 0)), [event(0, 3, 0)])
    assert spans("one", spoken.finish()) == [("one", 0.0, 0.041)]


def test_several_events_within_a_word_are_one_word() -> None:
    spoken = SpokenText("$3.50 ok", RATE)
    events = [event(0, 1, 0), event(1, 4, 10), event(2, 4, 20), event(2, 4, 30), event(6, 2, 40)]
    spoken.feed(sound((60, 5000)), events)
    assert spans("$3.50 ok", spoken.finish()) == [("$", 0.0, 0.01), ("3.50", 0.01, 0.04), ("ok", 0.04, 0.06)]


def test_what_has_no_event_goes_with_the_word_before_and_at_first_with_the_word_after() -> None:
    text = "of the “house”, — so"
    spoken = SpokenText(text, RATE)
    spoken.feed(sound((60, 5000)), [event(3, 3, 10), event(8, 5, 20), event(18, 2, 40)])
    assert [word for word, _, _ in spans(text, spoken.finish())] == ["of the", "house”, —", "so"]


def test_events_outside_the_text_or_on_white_space_are_no_words() -> None:
    spoken = SpokenText("hi  ", RATE)
    spoken.feed(sound((60, 5000)), [event(-1, 0, 0), event(0, 2, 0), event(2, 1, 10), event(4, 1, 20), event(9, 1, 30)])
    assert spans("hi  ", spoken.finish()) == [("hi", 0.0, 0.06)]


def test_events_beyond_their_block_are_brought_back() -> None:
    spoken = SpokenText("one two", RATE)
    parts = spoken.feed(sound((60, 5000)), [event(0, 3, 0), event(4, 3, 90)])
    parts += spoken.feed(sound((60, 5000)), []) + spoken.finish()
    assert spans("one two", parts) == [("one", 0.0, 0.06), ("two", 0.06, 0.12)]


def test_silence_alone_is_nothing() -> None:
    spoken = SpokenText("…", RATE)
    assert spoken.feed(sound((60, 0)), []) == []
    assert spoken.finish() == []


def test_all_audio_comes_out_in_order() -> None:
    spoken = SpokenText("one two three", RATE)
    blocks = [sound((60, level)) for level in (1000, 2000, 3000)]
    parts = spoken.feed(blocks[0], [event(0, 3, 0)])
    parts += spoken.feed(blocks[1], [event(4, 3, 60)])
    parts += spoken.feed(blocks[2], [event(8, 5, 150)])
    parts += spoken.feed(b"", []) + spoken.finish()
    assert [part.pcm for part in parts] == blocks
