"""Where another engine goes on, and what was let out before."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from actors.machines.resume import HELD, Seam, following
from actors.messages import WordTime

RATE = 1_000
TEXT = "one two three"
WORDS = (
    WordTime(start=0, end=3, begin=0.1, finish=0.3),
    WordTime(start=4, end=7, begin=0.4, finish=0.6),
    WordTime(start=8, end=13, begin=0.6, finish=1.0),
)


def pcm(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def test_a_word_goes_out_when_all_of_it_is_there() -> None:
    seam = Seam(TEXT, RATE)
    assert seam.feed(pcm(0.2), WORDS[:1]) == (pcm(0.1), ())
    assert seam.feed(pcm(0.1), ()) == (pcm(0.2), WORDS[:1])
    assert seam.feed(pcm(0.05), ()) == (pcm(0.05), ())
    assert seam.next_character == 4


def test_the_beginning_of_a_word_stays_back_and_is_said_by_the_next_engine() -> None:
    seam = Seam(TEXT, RATE)
    seam.feed(pcm(0.5), WORDS[:2])
    assert seam.sent == pytest.approx(0.4)
    assert seam.next_character == 4


def test_at_the_end_everything_goes_out() -> None:
    seam = Seam(TEXT, RATE)
    out, words = seam.feed(pcm(0.9), WORDS)
    rest, last = seam.finish()
    assert (out + rest, words + last) == (pcm(0.9), WORDS)


def test_without_word_times_half_a_second_stays_back_and_less_at_first() -> None:
    seam = Seam(TEXT, RATE)
    assert seam.feed(pcm(0.2), ()) == (pcm(0.1), ())
    seam.feed(pcm(5.0), ())
    assert seam.received - seam.sent == pytest.approx(HELD)


def test_what_the_listener_needs_does_not_stay_back() -> None:
    seam = Seam(TEXT, RATE)
    assert seam.feed(pcm(0.2), (), 0.15) == (pcm(0.15), ())
    assert seam.feed(pcm(0.1), (), 0.4) == (pcm(0.15), ())
    assert seam.feed(pcm(0.5), (), 0.1) == (pcm(0.1), ())


def test_the_sound_of_a_cut_word_is_taken_back() -> None:
    seam = Seam(TEXT, RATE)
    seam.feed(pcm(0.7), ())
    assert seam.sent == pytest.approx(0.35)
    assert seam.cut(WORDS[:2]) == (pcm(0.25), 8)
    assert seam.sent == pytest.approx(0.6)


def test_words_that_are_not_in_the_sound_do_not_count() -> None:
    seam = Seam(TEXT, RATE)
    seam.feed(pcm(0.35), ())
    assert seam.cut(WORDS) == (pcm(0.125), 4)


def test_where_no_word_was_whole_all_is_said_again() -> None:
    seam = Seam(TEXT, RATE)
    seam.feed(pcm(0.2), ())
    assert seam.cut(()) == (b"", 0)


@pytest.mark.parametrize(
    ("text", "end", "rest"),
    [
        ("one two", 3, "two"),
        ("one, two", 3, "two"),
        ("one — two", 3, "two"),
        ("one (two)", 3, "(two)"),
        ("one $5", 3, "$5"),
        ("well-known", 4, "known"),
        ("don't", 0, "don't"),
        ("  one", 0, "one"),
        ('one." ', 3, ""),
        ("one", 3, ""),
        ("...", 0, ""),
        ("今日は", 1, "日は"),
    ],
)
def test_another_voice_begins_with_a_word_and_what_opens_it(text: str, end: int, rest: str) -> None:
    assert text[following(text, end) :] == rest


@given(st.text(max_size=30), st.data())
def test_no_letter_is_passed_over(text: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(text)))
    begin = following(text, end)
    assert end <= begin <= len(text)
    assert not any(letter.isalnum() for letter in text[end:begin])


@given(st.lists(st.floats(0.001, 0.4), min_size=1, max_size=30), st.booleans())
def test_what_goes_out_is_the_sound_in_its_order(stretches: list[float], timed: bool) -> None:
    whole = b"".join(index.to_bytes(2, "little") for index in range(round(1.0 * RATE)))
    seam = Seam(TEXT, RATE)
    out, at = b"", 0
    for seconds in stretches:
        end = min(at + 2 * round(seconds * RATE), len(whole))
        words = [word for word in WORDS if at <= 2 * word.begin * RATE < end] if timed else []
        out += seam.feed(whole[at:end], words)[0]
        at = end
        assert out == whole[: len(out)]
        assert not timed or not any(word.begin < seam.sent - 1e-9 < word.finish - 2e-9 for word in WORDS)
    out += seam.finish()[0]
    assert out == whole[:at]
