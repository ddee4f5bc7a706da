"""An agent of a few rules, so that the demo needs no model: what the user said in, an answer word by word out.

It knows the time, the date, how to multiply and spell, what it said last, and a little of the history of printing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

import trio

from actors.messages import Message

from .numbers import number_of

PRINTING = (
    "The first book printed with movable type in Europe came from Mainz, about the year 1455. It is the Bible of "
    "Johannes Gutenberg, with forty two lines to a column, and for the beauty of its page and the blackness of its ink "
    "it is admired to this day. Some fifty copies are left, and in each of them the initials were painted by hand."
)

SORRY = "I can tell the time and the date, multiply, spell, talk about the first printed book, and say it again."


def _time(_: str) -> str:
    now = datetime.now().astimezone()
    return f"It is {now.hour}:{now:%M}."


def _date(_: str) -> str:
    now = datetime.now().astimezone()
    return f"Today is {now:%A}, the {now.day}. of {now:%B}."


def _product(asked: str) -> str:
    left, _, right = asked.partition(" times ")
    one, other = number_of(left.split()), number_of(right.split())
    if one is None or other is None:
        return SORRY
    return f"{left.capitalize()} times {right} is {one * other}."


def _spelling(word: str) -> str:
    return f"{word.capitalize()} is spelled {', '.join(word.upper())}."


def _printing(_: str) -> str:
    return PRINTING


_RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (r"what time is it()", _time),
    (r"what (?:day|date) is it()(?: today)?", _date),
    (r"(?:what|how much) is ([a-z0-9 ]+ times [a-z0-9 ]+)", _product),
    (r"how do you spell (\w+)", _spelling),
    (r"(?:please )?tell me about the first printed book()", _printing),
)


async def answer(transcript: str, history: Sequence[Message]) -> AsyncGenerator[str]:
    """Answer the question in ``transcript``, repeat what was heard last, or say what can be asked."""
    asked = " ".join(re.findall(r"[\w']+", transcript.casefold()))
    text = SORRY
    if asked == "say that again":
        text = next((message.text for message in reversed(history) if message.role == "assistant"), SORRY)
    for pattern, rule in _RULES:
        if found := re.fullmatch(pattern, asked):
            text = rule(found[1])
    for word in re.findall(r"\S+\s*", text):
        await trio.lowlevel.checkpoint()
        yield word
