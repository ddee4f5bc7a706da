"""Every sample of the sound is its own position, so that what is played says where it was taken from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import define, field
from hypothesis import given, strategies as st

from actors.machines.tape import FADE_SECONDS, KEPT_SECONDS, Tape
from actors.messages import SpeechChunk, TextPiece, TurnId, WordTime

RATE = 1_000
"""So that a sample is a millisecond."""

TURN, EARLIER = TurnId(2), TurnId(1)
WORD, PAUSE = 200, 100
"""Samples of a word and of the silence after it."""

FADE = round(FADE_SECONDS * RATE)


def sound(samples: int, level: int = 1_000) -> bytes:
    return level.to_bytes(2, "little", signed=True) * samples


def sentence(index: int, words: int, *, turn: TurnId = TURN, timed: bool = True) -> list[SpeechChunk]:
    """A chunk for each word, as loud as the piece's number and the word's, and one to close it."""
    said = [f"w{index}{number}" for number in range(words)]
    piece = TextPiece(turn=turn, index=index, start=0, text=" ".join(said) + " ")
    chunks: list[SpeechChunk] = []
    for number in range(words):
        begin = number * (WORD + PAUSE) / RATE
        time = WordTime(start=4 * number, end=4 * number + 3, begin=begin, finish=begin + WORD / RATE)
        pcm = sound(WORD, 1_000 * turn + 100 * index + number + 1) + sound(PAUSE, 0)
        chunks.append(SpeechChunk(turn=turn, piece=piece, pcm=pcm, rate=RATE, words=(time,) if timed else ()))
    return [*chunks, SpeechChunk(turn=turn, piece=piece, pcm=b"", rate=RATE, last=True)]


def recorded(*chunks: SpeechChunk, earlier: Sequence[list[SpeechChunk]] = (), closed: bool = True) -> Tape:
    tape = Tape(TURN, earlier=earlier)
    for chunk in chunks:
        tape.add(chunk)
    if closed:
        tape.close()
    return tape


def play(tape: Tape, samples: int = 1_000_000, *, lost: int = 0) -> bytes:
    """Play so many, of which the last ``lost`` do not leave the device any more."""
    heard = b""
    while len(heard) < 2 * samples and (given := tape.next(min(20, samples - len(heard) // 2) / RATE)):
        heard += given
    tape.played(len(heard) // 2 - lost)
    return heard[: len(heard) - 2 * lost]


def levels(pcm: bytes) -> list[int]:
    """Of the words in ``pcm``, each by the level of its last sample."""
    samples = [int.from_bytes(pcm[at : at + 2], "little", signed=True) for at in range(0, len(pcm), 2)]
    return [one for one, after in zip(samples, [*samples[1:], 0], strict=True) if one and not after]


ONE, TWO, THREE = sentence(0, 4), sentence(1, 4), sentence(2, 2)
FIRST, SECOND = 4 * (WORD + PAUSE), 8 * (WORD + PAUSE)
"""Where the second and the third sentence begin."""


def test_what_is_played_to_its_end_is_heard_whole() -> None:
    tape = recorded(*ONE, *TWO)
    assert levels(play(tape)) == [2_001, 2_002, 2_003, 2_004, 2_101, 2_102, 2_103, 2_104]
    assert (tape.heard, tape.complete, tape.samples, tape.is_over) == (tape.text, True, SECOND, True)


def test_it_goes_on_with_the_word_that_was_cut() -> None:
    tape = recorded(*ONE)
    play(tape, 450)
    assert (tape.heard, tape.samples) == ("w00", 450)
    assert levels(play(tape)) == [2_002, 2_003, 2_004]
    assert tape.complete
    assert tape.samples == 450 + FIRST - 300


def test_it_goes_on_softly() -> None:
    tape = recorded(*ONE)
    play(tape, 450)
    samples = memoryview(play(tape, 100)).cast("h").tolist()
    assert samples[:FADE] == [2_002 * (index + 1) // FADE for index in range(FADE)]
    assert set(samples[FADE:]) == {2_002}


def test_what_the_device_held_when_it_was_stopped_is_played_again() -> None:
    tape = recorded(*ONE)
    play(tape, 350, lost=60)
    assert tape.samples == 290
    assert levels(play(tape)) == [2_002, 2_003, 2_004]


def test_between_two_words_it_goes_on_where_the_first_one_ends() -> None:
    tape = recorded(*ONE)
    play(tape, 250)
    rest = play(tape)
    assert levels(rest) == [2_002, 2_003, 2_004]
    assert len(rest) == 2 * (FIRST - WORD)


def test_before_the_first_word_it_goes_on_with_the_beginning() -> None:
    tape = recorded(*ONE)
    play(tape, 20)
    assert len(play(tape)) == 2 * FIRST


def test_without_word_times_it_goes_on_with_a_word_by_the_share_that_was_played() -> None:
    tape = recorded(*sentence(0, 4, timed=False))
    play(tape, 700)
    assert tape.heard == "w00 w01"
    # 8 of 15 characters, which last 1200 samples
    assert len(play(tape)) == 2 * (FIRST - 640)
    assert tape.complete


def test_a_skip_back_begins_the_sentence_anew_and_again_the_one_before() -> None:
    tape = recorded(*ONE, *TWO)
    play(tape, SECOND - 60)
    tape.skip(-1)
    assert levels(play(tape, 300)) == [2_101]
    tape.skip(-1)
    assert levels(play(tape, 300)) == [2_001]
    tape.skip(-1)
    assert levels(play(tape))[:2] == [2_001, 2_002]
    assert tape.complete


def test_two_skips_back_at_once_are_as_good_as_one_after_the_other() -> None:
    tape = recorded(*ONE, *TWO)
    play(tape, SECOND - 60)
    tape.skip(-2)
    assert levels(play(tape))[0] == 2_001


def test_a_skip_on_goes_to_the_next_sentence_and_what_follows_it_is_not_heard() -> None:
    tape = recorded(*ONE, *TWO, *THREE)
    play(tape, 300)
    tape.skip(1)
    assert levels(play(tape)) == [2_101, 2_102, 2_103, 2_104, 2_201, 2_202]
    assert (tape.heard, tape.complete, tape.is_over) == ("w00", False, True)
    assert tape.samples == 300 + 6 * (WORD + PAUSE)


def test_who_goes_back_to_what_was_skipped_has_heard_it_all() -> None:
    tape = recorded(*ONE, *TWO)
    play(tape, 300)
    tape.skip(1)
    play(tape, 450)
    tape.skip(-2)
    play(tape, FIRST)
    assert tape.heard == "w00 w01 w02 w03 w10"
    assert not tape.complete


def test_beyond_the_last_sentence_the_rest_is_given_up_until_somebody_goes_back() -> None:
    tape = recorded(*ONE, *TWO)
    play(tape, 300)
    tape.skip(2)
    assert (tape.is_over, tape.is_given_up, tape.heard, tape.complete) == (True, True, "w00", False)
    tape.skip(-1)
    assert not tape.is_over
    assert levels(play(tape))[0] == 2_001


def test_a_sentence_that_is_still_to_come_is_waited_for() -> None:
    tape = recorded(*ONE, closed=False)
    play(tape, 300)
    tape.skip(2)
    assert play(tape) == b""
    for chunk in TWO:
        tape.add(chunk)
    assert play(tape) == b""
    tape.add(THREE[0])
    assert levels(play(tape)) == [2_201]


def test_a_sentence_that_is_waited_for_and_never_comes_gives_the_rest_up() -> None:
    tape = recorded(*ONE, closed=False)
    tape.skip(1)
    assert not tape.is_over
    tape.close()
    assert (tape.is_over, tape.heard) == (True, "")


def test_who_waits_for_a_sentence_can_go_back() -> None:
    tape = recorded(*ONE, closed=False)
    play(tape, 600)
    tape.skip(2)
    tape.skip(-1)
    assert play(tape) == b""
    tape.skip(-1)
    assert levels(play(tape))[0] == 2_001


def test_a_skip_before_anything_was_said_is_kept_until_it_is() -> None:
    tape = Tape(TURN)
    tape.skip(1)
    for chunk in (*ONE, *TWO):
        tape.add(chunk)
    assert levels(play(tape))[0] == 2_101
    assert tape.heard == ""


def test_before_the_first_sentence_is_the_utterance_before_and_then_the_one_before_that() -> None:
    older, old = sentence(0, 2, turn=TurnId(0)), [*sentence(0, 2, turn=EARLIER), *sentence(1, 2, turn=EARLIER)]
    tape = recorded(*ONE, earlier=[older, old])
    play(tape, 400)
    tape.skip(-1)
    assert levels(play(tape)) == [1_001, 1_002, 1_101, 1_102, 2_001, 2_002, 2_003, 2_004]
    assert (tape.text, tape.heard, tape.complete) == ("w00 w01 w02 w03 ",) * 2 + (True,)
    tape.skip(-1)
    tape.skip(-1)
    assert levels(play(tape, 300)) == [1_001]
    tape.skip(-1)
    assert levels(play(tape, 600)) == [1, 2]
    tape.skip(-9)
    assert levels(play(tape))[:3] == [1, 2, 1_001]


def test_what_was_said_in_earlier_turns_is_no_part_of_what_was_heard() -> None:
    tape = recorded(*ONE, earlier=[sentence(0, 4, turn=EARLIER)])
    tape.skip(-1)
    play(tape, FIRST + 250)
    assert (tape.heard, tape.samples) == ("w00", FIRST + 250)


def test_what_lies_far_behind_is_forgotten_and_can_not_be_gone_back_to() -> None:
    long, rest = round(KEPT_SECONDS * RATE), sentence(1, 2)
    piece = TextPiece(turn=TURN, index=0, start=0, text="long ")
    tape = Tape(TURN, earlier=[sentence(0, 2, turn=EARLIER)])
    for _ in range(3):
        tape.add(SpeechChunk(turn=TURN, piece=piece, pcm=sound(long // 2), rate=RATE))
    tape.add(SpeechChunk(turn=TURN, piece=piece, pcm=sound(0), rate=RATE, last=True))
    for chunk in rest:
        tape.add(chunk)
    tape.close()
    play(tape)
    assert tape.complete
    tape.skip(-9)
    assert len(play(tape)) == 2 * (long + 2 * (WORD + PAUSE))


def test_a_sentence_without_sound_is_skipped_with_the_one_before() -> None:
    silent = SpeechChunk(
        turn=TURN, piece=TextPiece(turn=TURN, index=1, start=0, text="… "), pcm=b"", rate=RATE, last=True
    )
    tape = recorded(*ONE, silent, *THREE)
    tape.skip(1)
    assert levels(play(tape))[0] == 2_201
    tape.skip(-3)
    assert levels(play(tape))[0] == 2_001
    assert tape.complete


@define
class Listener:
    """Knows to the sample what was played, and from it which words were wholly played in one go."""

    words: list[tuple[int, int]]
    """Begin and end of each, in samples of the turn."""
    played: set[int] = field(factory=set[int])
    whole: set[int] = field(factory=set[int])

    def hear(self, begin: int, end: int) -> None:
        self.played |= set(range(begin, end))
        self.whole |= {number for number, (first, last) in enumerate(self.words) if begin <= first and last <= end}

    @property
    def unbroken(self) -> int:
        return next(position for position in range(len(self.played) + 1) if position not in self.played)


deeds = st.one_of(
    st.tuples(st.just("play"), st.integers(0, 900)),
    st.tuples(st.just("cut"), st.integers(0, 70)),
    st.tuples(st.just("skip"), st.integers(-2, 2)),
    st.tuples(st.just("add"), st.integers(1, 5)),
)


@pytest.mark.parametrize("timed", [True, False])
@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4), script=st.lists(deeds, max_size=25))
def test_however_it_was_wound_what_was_heard_is_what_was_played_without_a_gap(
    timed: bool, lengths: list[int], script: list[tuple[str, int]]
) -> None:
    to_come = [chunk for index, words in enumerate(lengths) for chunk in sentence(index, words, timed=timed)]
    every = WORD + PAUSE
    listener = Listener([(every * number, every * number + WORD) for number in range(sum(lengths))])
    tape, samples, heard = Tape(TURN), 0, ""
    ours = [f"w{index}{number}" for index, words in enumerate(lengths) for number in range(words)]
    for deed, count in [("add", 2), *script, ("add", len(to_come)), ("close", 0), ("play", 10**6)]:
        if deed == "add":
            for chunk in to_come[:count]:
                tape.add(chunk)
            del to_come[:count]
        elif deed == "close":
            tape.close()
        elif deed == "skip":
            tape.skip(count)
        else:
            wanted, given, begin = count if deed == "play" else 150, 0, tape.position
            while given < wanted and (pcm := tape.next(min(20, wanted - given) / RATE)):
                given += len(pcm) // 2
            left = max(0, given - (count if deed == "cut" else 0))
            tape.played(left)
            listener.hear(begin, begin + left)
            samples += left
        said = tape.heard.split()
        assert tape.text.startswith(tape.heard)
        assert tape.samples == samples
        if timed:
            assert said == ours[: sum(last <= listener.unbroken for _, last in listener.words)]
            assert set(range(len(said))) <= listener.whole
            assert len(tape.heard) >= len(heard)
            heard = tape.heard
        elif not to_come:
            assert abs(len(said) - sum(last <= listener.unbroken for _, last in listener.words)) <= 1


def give(tape: Tape, samples: int = 1_000_000) -> int:
    """Take so many to be played, and go on; say how many there were."""
    given = 0
    while given < samples and (pcm := tape.next(min(20, samples - given) / RATE)):
        given += len(pcm) // 2
    return given


@pytest.mark.parametrize(("played", "end"), [(0, 600), (100, 600), (600, 600), (601, 1_200), (1_700, 1_800)])
def test_a_tape_that_is_to_finish_its_sentence_is_over_where_that_ends(played: int, end: int) -> None:
    tape = recorded(*(chunk for index in range(3) for chunk in sentence(index, 2)))
    give(tape, played)
    tape.finish_sentence()
    assert played + give(tape) == end
    assert tape.is_over


def test_a_sentence_that_is_still_being_made_is_finished_when_it_has_come() -> None:
    tape = recorded(*sentence(0, 2), *sentence(1, 2)[:1], closed=False)
    give(tape, 700)
    tape.finish_sentence()
    assert give(tape) == 200
    assert not tape.is_over
    for chunk in sentence(1, 2)[1:]:
        tape.add(chunk)
    assert give(tape) == 300
    assert tape.is_over
    for chunk in sentence(2, 2):
        tape.add(chunk)
    assert give(tape) == 0
    assert tape.is_over


def test_a_last_sentence_stays_the_last_however_much_is_forgotten_before_it() -> None:
    count = round(KEPT_SECONDS * RATE / 600) + 20
    tape = recorded(*(chunk for index in range(count) for chunk in sentence(index, 2)))
    give(tape, 600 * (count - 2) + 1)
    tape.finish_sentence()
    assert give(tape) == 599
    assert tape.is_over


def test_who_skips_beyond_the_last_sentence_has_reached_the_end() -> None:
    tape = recorded(*(chunk for index in range(4) for chunk in sentence(index, 2)))
    give(tape, 100)
    tape.finish_sentence()
    tape.played(100)
    tape.skip(2)
    assert give(tape) == 0
    assert tape.is_over
