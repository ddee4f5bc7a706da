from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from actors.machines.playhead import CHARACTERS_PER_SECOND, Playhead
from actors.messages import SpeechChunk, TextPiece, TurnId, WordTime

TURN = TurnId(1)
RATE = 1_000
"""So that a sample is a millisecond."""


def piece(index: int, text: str) -> TextPiece:
    return TextPiece(turn=TURN, index=index, start=0, text=text)


def chunk(of: TextPiece, samples: int, *, last: bool = False, words: tuple[WordTime, ...] = ()) -> SpeechChunk:
    return SpeechChunk(turn=TURN, piece=of, pcm=bytes(2 * samples), rate=RATE, last=last, words=words)


def word(text: str, said: str, begin: float, finish: float) -> WordTime:
    start = text.index(said)
    return WordTime(start=start, end=start + len(said), begin=begin, finish=finish)


HELLO = piece(0, "Hello there, world. ")
WORDS = (
    word(HELLO.text, "Hello", 0.0, 0.4),
    word(HELLO.text, "there", 0.4, 0.8),
    word(HELLO.text, "world", 0.9, 1.4),
)
BYE = piece(1, "Good bye.")


def playing(*chunks: SpeechChunk, closed: bool = True) -> Playhead:
    playhead = Playhead(TURN)
    for each in chunks:
        playhead.queue(each)
    if closed:
        playhead.close()
    return playhead


def test_nothing_queued_is_nothing_heard() -> None:
    assert (playing().text, playing().heard(100), playing().complete(0)) == ("", "", True)
    assert not playing(closed=False).complete(0)


def test_a_word_cut_in_half_is_not_heard() -> None:
    playhead = playing(chunk(HELLO, 1_500, last=True, words=WORDS))
    assert playhead.heard(0) == ""
    assert playhead.heard(399) == ""
    assert playhead.heard(400) == "Hello"
    assert playhead.heard(1_399) == "Hello there"
    assert playhead.heard(1_400) == "Hello there, world"
    assert playhead.heard(1_499) == "Hello there, world"
    assert playhead.heard(1_500) == "Hello there, world. "


def test_word_times_count_from_their_own_piece() -> None:
    words = (word(BYE.text, "Good", 0.0, 0.3), word(BYE.text, "bye", 0.3, 0.6))
    playhead = playing(chunk(HELLO, 1_500, last=True, words=WORDS), chunk(BYE, 700, last=True, words=words))
    assert playhead.heard(1_799) == "Hello there, world. "
    assert playhead.heard(1_800) == "Hello there, world. Good"
    assert not playhead.complete(2_199)
    assert playhead.complete(2_200)


def test_words_may_come_later_than_the_sound_they_begin_in() -> None:
    chunks = chunk(HELLO, 1_000, words=WORDS[:1]), chunk(HELLO, 500, words=WORDS[1:])
    assert playing(*chunks, closed=False).heard(900) == "Hello there"


def test_a_word_time_between_two_samples_is_met_by_the_nearer() -> None:
    times = (word(HELLO.text, "Hello", 0.0, 0.4004),)
    assert playing(chunk(HELLO, 1_500, last=True, words=times)).heard(400) == "Hello"


def test_a_word_beyond_its_piece_is_cut_off_at_it() -> None:
    beyond = (WordTime(start=0, end=99, begin=0.0, finish=0.1),)
    assert playing(chunk(HELLO, 1_500, last=True, words=beyond)).heard(100) == HELLO.text


def test_without_word_times_the_share_played_counts_down_to_a_word() -> None:
    playhead = playing(chunk(HELLO, 1_900, last=True))
    assert playhead.heard(599) == ""
    assert playhead.heard(600) == "Hello"
    assert playhead.heard(1_299) == "Hello"
    assert playhead.heard(1_300) == "Hello there,"
    assert playhead.heard(1_899) == "Hello there,"
    assert playhead.heard(1_900) == HELLO.text


def test_a_script_without_spaces_counts_by_the_character() -> None:
    assert playing(chunk(piece(0, "今天天气很好。"), 700, last=True)).heard(350) == "今天天"


def test_a_piece_still_being_made_is_taken_to_last_as_long_as_its_text() -> None:
    text = "a " * 75
    said = len(text.rstrip())
    playhead = playing(chunk(piece(0, text), 5_000), closed=False)
    assert playhead.heard(5_000) == text[: int(5 * CHARACTERS_PER_SECOND) - 1].rstrip()
    assert len(playhead.heard(5_000)) < said


def test_the_pace_is_learned_from_the_pieces_before() -> None:
    first, second = piece(0, "b" * 30), piece(1, "a " * 30)
    playhead = playing(chunk(first, 1_000, last=True), chunk(second, 500), closed=False)
    assert playhead.heard(1_500) == first.text + ("a " * 7)[:13]


def test_a_piece_that_outlasts_its_estimate_is_heard_but_for_its_last_word() -> None:
    assert playing(chunk(HELLO, 60_000), closed=False).heard(60_000) == "Hello there,"


def test_a_piece_is_whole_once_its_last_chunk_is_known() -> None:
    playhead = playing(chunk(HELLO, 1_500), closed=False)
    assert playhead.heard(1_500) == "Hello there,"
    playhead.queue(chunk(HELLO, 0, last=True))
    assert playhead.heard(1_500) == HELLO.text


def test_a_piece_without_sound_is_heard_with_the_one_before() -> None:
    playhead = playing(chunk(HELLO, 1_500, last=True), chunk(BYE, 0, last=True))
    assert playhead.heard(1_499) == "Hello there,"
    assert playhead.heard(1_500) == HELLO.text + BYE.text


def test_an_open_piece_is_never_complete() -> None:
    assert not playing(chunk(HELLO, 1_500)).complete(1_500)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"turn": TurnId(2)}, "turn 2"),
        ({"piece": evolve(BYE, turn=TurnId(2))}, "turn 2"),
        ({"piece": HELLO}, "after piece 1 began"),
        ({"rate": 8_000}, "at 8000 Hz"),
        ({"piece": piece(1, "Other.")}, "changed its text"),
        ({"piece": piece(2, "More.")}, "before piece 1 is closed"),
        ({"pcm": b"odd"}, "middle of a sample"),
    ],
)
def test_a_refused_chunk_leaves_no_trace(wrong: dict[str, Any], sentence: str) -> None:
    playhead = playing(chunk(HELLO, 1_500, last=True), chunk(BYE, 100), closed=False)
    before = playhead.text, playhead.heard(1_600), playhead.heard(9_999)
    with pytest.raises(ValueError, match=sentence):
        playhead.queue(evolve(chunk(BYE, 100, last=True), **wrong))
    assert (playhead.text, playhead.heard(1_600), playhead.heard(9_999)) == before


def test_a_closed_piece_and_a_closed_text_take_no_more() -> None:
    playhead = playing(chunk(HELLO, 1_500, last=True), closed=False)
    with pytest.raises(ValueError, match="after its last one"):
        playhead.queue(chunk(HELLO, 1))
    playhead.close()
    with pytest.raises(ValueError, match="after the end of the text"):
        playhead.queue(chunk(BYE, 1))


@st.composite
def speeches(draw: st.DrawFn) -> list[SpeechChunk]:
    """Chunks of a few pieces; some pieces have word times, and the last one may still be open."""
    chunks: list[SpeechChunk] = []
    count = draw(st.integers(1, 4))
    for index in range(count):
        said = draw(st.lists(st.sampled_from(["a", "two", "three,", "四五", "6"]), max_size=6))
        of = piece(index, " ".join(said) + draw(st.sampled_from(["", " ", "\n"])))
        sizes = draw(st.lists(st.integers(0, 400), min_size=1, max_size=4))
        words: list[WordTime] = []
        if draw(st.booleans()):
            at, now = 0, 0
            for each in said:
                now += draw(st.integers(1, 150))
                words.append(WordTime(start=at, end=at + len(each), begin=now / RATE, finish=now / RATE))
                at += len(each) + 1
        last = index < count - 1 or draw(st.booleans())
        for place, size in enumerate(sizes):
            final = place == len(sizes) - 1
            chunks.append(chunk(of, size, last=final and last, words=tuple(words) if final else ()))
    return chunks


@given(speeches())
def test_heard_is_a_prefix_that_only_grows_and_ends_whole(chunks: list[SpeechChunk]) -> None:
    playhead = playing(*chunks)
    total = sum(len(each.pcm) // 2 for each in chunks)
    before = ""
    for samples in range(total + 2):
        heard = playhead.heard(samples)
        assert playhead.text.startswith(heard)
        assert heard.startswith(before)
        assert playhead.complete(samples) == (chunks[-1].last and samples >= total)
        if playhead.complete(samples):
            assert heard == playhead.text
        before = heard


@given(finishes=st.lists(st.integers(1, 900), min_size=1, max_size=20, unique=True), played=st.integers(0, 899))
def test_the_words_heard_are_exactly_those_that_were_over(finishes: list[int], played: int) -> None:
    said = [f"w{count}" for count in range(len(finishes))]
    of, words, at = piece(0, " ".join(said)), list[WordTime](), 0
    for each, finish in zip(said, sorted(finishes), strict=True):
        words.append(WordTime(start=at, end=at + len(each), begin=0.0, finish=finish / RATE))
        at += len(each) + 1
    playhead = playing(chunk(of, 900, last=True, words=tuple(words)))
    assert playhead.heard(played).split() == said[: sum(finish <= played for finish in finishes)]
