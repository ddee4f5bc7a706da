"""The demo's agent, question by question."""

from __future__ import annotations

import re

import pytest

from actors.messages import Message
from voicemode.demo.agent import PRINTING, SORRY, answer
from voicemode.demo.numbers import number_of

HISTORY = (Message(role="assistant", text="Seven times eight"), Message(role="user", text="stop"))


async def said(transcript: str) -> str:
    return "".join([piece async for piece in answer(transcript, HISTORY)])


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [
        ("What time is it?", r"It is \d{1,2}:\d\d\."),
        ("what day is it today", r"Today is \w+day, the \d{1,2}\. of \w+\."),
        ("what is seven times eight", r"Seven times eight is 56\."),
        ("How much is forty two times 3?", r"Forty two times 3 is 126\."),
        ("how do you spell ink", r"Ink is spelled I, N, K\."),
        ("tell me about the first printed book", re.escape(PRINTING)),
        ("say that again", "Seven times eight"),
        ("what is some times never", re.escape(SORRY)),
        ("sing", re.escape(SORRY)),
        ("", re.escape(SORRY)),
    ],
)
async def test_a_question_gets_its_answer(asked: str, pattern: str) -> None:
    assert re.fullmatch(pattern, await said(asked))


async def test_the_answer_comes_word_by_word() -> None:
    assert [piece async for piece in answer("what is two times three", ())] == ["Two ", "times ", "three ", "is ", "6."]


@pytest.mark.parametrize(
    ("words", "number"),
    [("zero", 0), ("nineteen", 19), ("ninety nine", 99), ("70", 70), ("twenty ten", None), ("many", None), ("", None)],
)
def test_numbers_are_understood_as_they_are_said(words: str, number: int | None) -> None:
    assert number_of(words.split()) == number
