from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from actors.machines.sentences import Piece, Sentences, is_speakable


def pieces(*feeds: str, longest: int = 200) -> list[Piece]:
    sentences = Sentences(longest)
    out = [piece for text in feeds for piece in sentences.feed(text)]
    return out + sentences.flush()


def texts(*feeds: str, longest: int = 200) -> list[str]:
    return [piece.text for piece in pieces(*feeds, longest=longest)]


@pytest.mark.parametrize(
    "said",
    [
        "Hello there. |How are you? |Fine!",
        "Well… |Yes. |Really?! |Good",
        "He said “Stop!” |(Indeed.) |“Why?” she asked",
        "**Bold.** |Next",
        "One line\n|another\n\n|and a third",
        "It costs 3.14 or 10.30. |Bye",
        "Mr. Fox met Dr. Who vs. St. Paul. |Then he left",
        "See e.g. this, i.e. that. |Yes",
        "Apples etc. are fine. |Pears etc. |Then nuts",
        "At 5 p.m. we left. |It was 5 p.m. |Then home",
        "No. |I disagree",
        "No. 5 is alive",
        "J. R. R. Tolkien wrote it. |So",
        "The U.S. Army. |Yes",
        "Look at https://example.com/a.b?c=d. |Good",
        "I think... maybe so. |Wait... |What",
        "1. Buy milk\n|2. Go home",
        "It was 1999. |Then came 2000",
        "今天很好！|你好吗？|「走吧。」|好",
        "Nice! |😀 Great",
        "Done. |— and dusted",
        "- one\n|- two",
        "Bye! 👋 ...",
        "😀 ...",
        "   Hello. |You   ",
    ],
)
def test_a_text_is_cut_where_a_reader_would_breathe(said: str) -> None:
    assert texts(said.replace("|", "")) == said.split("|")


def test_the_empty_text_has_no_pieces() -> None:
    assert pieces("") == []


def test_a_sentence_comes_out_with_the_first_letter_of_the_next() -> None:
    sentences = Sentences()
    assert sentences.feed("Hello.") == []
    assert sentences.feed(" ") == []
    assert sentences.feed("“H") == [Piece(start=0, text="Hello. ")]
    assert sentences.flush() == [Piece(start=7, text="“H")]


def test_a_decimal_cut_at_its_point_stays_whole() -> None:
    assert texts("It is 3.", "14 metres.") == ["It is 3.14 metres."]


def test_offsets_go_on_after_a_flush() -> None:
    sentences = Sentences()
    assert sentences.feed("One.") + sentences.flush() == [Piece(start=0, text="One.")]
    assert sentences.feed("Two.") + sentences.flush() == [Piece(start=4, text="Two.")]


def test_a_long_sentence_is_cut_at_a_clause_or_else_at_a_space_or_else_hard() -> None:
    assert texts("The quick brown fox, who was late, jumped over the dog and ran", longest=30) == [
        "The quick brown fox, ",
        "who was late, ",
        "jumped over the dog and ran",
    ]
    assert texts("No, the quick brown fox jumped over", longest=30) == ["No, the quick brown fox jumped ", "over"]
    assert texts("x" * 25, longest=10) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_hard_cut_keeps_accents_on_their_letters() -> None:
    assert texts("e\u0301" * 6, longest=5) == ["e\u0301" * 2, "e\u0301" * 2, "e\u0301" * 2]


def test_a_long_sentence_does_not_wait_for_its_end() -> None:
    assert Sentences(20).feed("and so on and so on and so") == [Piece(start=0, text="and so on and so on ")]


@pytest.mark.parametrize(
    ("text", "speakable"), [("", False), ("— … 😀\n", False), ("_", False), ("é", True), ("7", True)]
)
def test_speakable_is_what_has_a_letter_or_a_digit(text: str, speakable: bool) -> None:
    assert is_speakable(text) is speakable


def test_a_piece_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="longest is a number of characters"):
        Sentences(1)


WRITING = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["Mr.", "e.g.", "No.", "J.", "etc.", "3.14", "1.", "a", "Bee", "…", "...", ".", "!", "?!", ",", " — ", '"']
            + [" "] * 8
            + ["\n", "。", "，", "好", "😀", ")", "e\u0301", "long" * 6, "-" * 30]
        ),
        max_size=40,
    ).map("".join),
)


@given(text=WRITING, longest=st.sampled_from([2, 5, 12, 40, 200]), cuts=st.lists(st.integers(0, 200), max_size=12))
def test_pieces_are_the_text_however_it_was_cut_on_its_way(text: str, longest: int, cuts: list[int]) -> None:
    whole = pieces(text, longest=longest)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert pieces(*(text[a:b] for a, b in pairwise(edges)), longest=longest) == whole
    assert pieces(*text, longest=longest) == whole
    assert "".join(piece.text for piece in whole) == text
    assert [piece.start for piece in whole] == [
        len("".join(texts(text, longest=longest)[:n])) for n in range(len(whole))
    ]


@given(text=WRITING, longest=st.sampled_from([2, 5, 12, 40, 200]))
def test_every_piece_can_be_said_and_is_short_enough(text: str, longest: int) -> None:
    for piece in pieces(text, longest=longest) if is_speakable(text) else []:
        places = [place for place, character in enumerate(piece.text) if character.isalnum()]
        assert places
        assert places[-1] + 1 <= max(longest, places[0] + longest // 2)
        if piece.start + len(piece.text) < len(text):
            assert len(piece.text.rstrip()) <= max(longest, places[0] + longest // 2)


def test_a_text_that_halts_after_a_sentence_gives_the_sentence() -> None:
    sentences = Sentences()
    assert sentences.feed("Let me see. ") == []
    assert sentences.flush_sentence() == [Piece(start=0, text="Let me see. ")]
    assert sentences.feed("There it is. And") == [Piece(start=12, text="There it is. ")]


@pytest.mark.parametrize("text", ["Let me", "Let me see, ", "", "… ", "It is 3 "])
def test_a_text_that_halts_inside_a_sentence_waits(text: str) -> None:
    sentences = Sentences()
    sentences.feed(text)
    assert sentences.flush_sentence() == []
