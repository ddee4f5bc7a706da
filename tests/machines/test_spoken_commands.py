"""What the last words of a transcript tell the machine."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from actors.machines.spoken_commands import Command, Kind, SpokenCommands, command_in

USUAL = SpokenCommands()
RADIO = SpokenCommands(end=("over", "that's all"), stop=("stop", "over and out"))


def kind(text: str, policy: SpokenCommands = USUAL) -> Kind | None:
    command = command_in(text, policy)
    return None if command is None else command.kind


def test_the_usual_phrases_ask_to_repeat_or_to_wait() -> None:
    said = ("Repeat.", "say that again", "Pardon?", "what", "Come again!", "Sorry, what?", "could you say that again")
    assert {text: kind(text) for text in said} == dict.fromkeys(said, "repeat")
    assert kind("Please wait.") == "wait"


def test_signs_case_and_hyphens_say_nothing() -> None:
    assert kind("  SAY... that,\nagain?! ") == kind("say-that-again") == "repeat"


def test_a_long_sentence_that_ends_in_what_is_no_command() -> None:
    sentence = " ".join(["I went to the shop and they asked me"] * 4) + " what"
    assert kind(sentence) is None
    assert kind("I really do not know what") is None
    assert kind("I do not know what") == "repeat"


def test_a_phrase_within_a_sentence_is_part_of_it() -> None:
    assert kind("what time is it") is None
    assert kind("wait for me") is None


def test_a_word_that_ends_like_a_phrase_is_another_word() -> None:
    assert kind("somewhat") is None
    assert kind("moreover", RADIO) is None


def test_over_ends_what_was_said_before_it() -> None:
    assert command_in("What time is it? Over.", RADIO) == Command(kind="end", text="What time is it?")
    assert command_in("what time is it over", RADIO) == Command(kind="end", text="what time is it")
    assert command_in("It is late — that’s all!", RADIO) == Command(kind="end", text="It is late")


def test_over_alone_is_an_end_with_nothing_before_it() -> None:
    assert command_in("Over.", RADIO) == Command(kind="end", text="")


def test_an_end_may_follow_any_number_of_words() -> None:
    long = " ".join(["word"] * 50)
    assert command_in(f"{long}, over", RADIO) == Command(kind="end", text=long)


def test_of_two_phrases_the_longer_counts() -> None:
    assert command_in("Goodbye, over and out.", RADIO) == Command(kind="stop", text="Goodbye")


def test_a_kind_without_phrases_is_not_listened_for() -> None:
    silent = SpokenCommands(repeat=(), wait=())
    assert kind("what", silent) is None
    assert kind("stop") is None
    assert kind("", RADIO) is None


def test_how_many_words_there_may_be_before_is_settable() -> None:
    strict = SpokenCommands(repeat_leading=0, wait_leading=1)
    assert kind("what", strict) == "repeat"
    assert kind("sorry what", strict) is None
    assert kind("please wait", strict) == "wait"
    assert kind("no please wait", strict) is None


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"wait": ("wait", " ?!")}, "wait is a list of phrases, and ' ?!' has no word in it"),
        ({"repeat_leading": -1}, "repeat_leading is a number of words, 0 or more, not -1"),
        ({"stop": ("Wait!",)}, "'Wait!' is a phrase of wait already and cannot be one of stop"),
    ],
)
def test_phrases_that_cannot_be_say_why(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        SpokenCommands(**settings)


@given(st.text() | st.lists(st.sampled_from("what over , . ? wait stop i’m ÉTÉ say that again".split())).map(" ".join))
def test_what_is_left_is_how_the_text_begins(text: str) -> None:
    command = command_in(text, RADIO)
    if command is not None:
        assert text.startswith(command.text) or not text.isascii()
        assert len(command.text) < len(text)
