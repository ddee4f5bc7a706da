"""How far a voice may have come, judged by how fast it was before."""

from __future__ import annotations

import pytest

from actors.machines.pace import USUAL, Pace


def test_an_unknown_voice_speaks_as_most_do() -> None:
    [word] = Pace().words("abcde fghij", 6 / USUAL)
    assert (word.start, word.end, word.begin) == (0, 5, 0.0)
    assert word.finish == pytest.approx(5 / USUAL)


def test_a_known_voice_speaks_as_it_did() -> None:
    pace = Pace()
    pace.learn("four four four four", 4.0)
    assert [word.end for word in pace.words("four four four four", 2.1)] == [4, 9]


def test_voices_pause_at_signs_and_need_longer_for_numbers() -> None:
    def over(text: str) -> float:
        return Pace().words(text, 100.0)[-1].finish

    assert over("one, two") > over("one two")
    assert over("in 2024") > over("in abcd")


def test_nothing_is_whole_of_no_sound() -> None:
    assert Pace().words("one two", 0.0) == []
    assert Pace().words("", 9.0) == []
