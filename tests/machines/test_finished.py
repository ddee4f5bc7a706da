"""Whether a transcript looks finished."""

from __future__ import annotations

import re

from hypothesis import assume, given, strategies as st

from actors.machines.finished import looks_finished
from actors.machines.turn_words import ENGLISH, language_of


def are(finish: str, *texts: str) -> None:
    assert {text: looks_finished(text) for text in texts} == dict.fromkeys(texts, finish)


def test_a_full_stop_says_nothing_for_recognisers_put_it_everywhere() -> None:
    are("done", "Stop!")
    are("unsure", "I went home.", "Turn the light on.", "I was born in 1984.", "今天天气很好。", "“I see.”")


def test_who_trails_off_goes_on() -> None:
    are("open", "It is about...", "It is about…", "I was going -", "Well,", "There are two things:", "It works—")


def test_nothing_ends_with_a_joining_word_whatever_stop_is_put_after_it() -> None:
    are("open", "I went there and", "I went there and.", "It rained, so", "because", "I lost my", "Is it the?", "I'm")


def test_words_that_join_may_end_a_sentence_after_some_others() -> None:
    are("done", "I think so.", "well i think so")
    are("unsure", "I'd take plan A.", "Even so.")


def test_a_preposition_wants_more_unless_the_question_may_end_with_it() -> None:
    are("open", "I want to", "I want to.", "What is the capital of", "What is the capital of?")
    are("done", "Where are you from?", "What are you looking for?")
    are("unsure", "where are you from")


def test_a_subject_or_a_verb_that_links_wants_more() -> None:
    are("open", "and yesterday I", "The problem is", "The problem is.", "my number is")
    are("done", "Should I?", "How are they?")
    are("unsure", "Yes, it is.", "I know where it is.")


def test_who_is_thinking_goes_on() -> None:
    are("open", "uh", "I think, um", "it is on, let me see", "so I was, like", "It's you know.", "what time is it uh")
    are("done", "What do you mean?", "Do you know?")
    are("unsure", "I'll let you know.")


def test_what_has_only_begun_goes_on() -> None:
    are("open", "Tell me", "well I think", "Can you tell me", "Would you like", "I have a question.")


def test_a_question_is_done_also_without_its_mark() -> None:
    are(
        "done",
        "what time is it",
        "is it raining",
        "could you help me tomorrow",
        "do you like music",
        "who wrote hamlet",
    )
    are("done", "well what time is it", "I came home, what time is it", "when does it start")


def test_a_clause_that_begins_as_a_question_does_is_none() -> None:
    are("unsure", "when i was young", "what i want", "how it works", "what")


def test_short_answers_are_done() -> None:
    are("done", "yes", "no", "Okay", "thanks", "stop", "yes please", "thank you very much", "actually, no", "uh-huh")


def test_a_telephone_number_is_awaited_to_its_end() -> None:
    are("open", "my number is five five five", "My phone number is 030 12.", "my number is")
    are("unsure", "my number is five five five one two three four", "four two seven")
    are("done", "My phone number is 030 1234 5678.", "my number is zero three oh one two three four five six seven")


def test_a_number_that_may_grow_is_not_surely_done() -> None:
    are("unsure", "twenty", "I'm twenty.", "three hundred", "It costs three hundred.")
    are("open", "three hundred and")
    are("unsure", "Let's meet at five thirty.", "Twenty five.", "Number five.")


def test_a_recogniser_without_punctuation_leaves_most_texts_unsure() -> None:
    are("unsure", "i went home", "the weather is nice today", "turn the light on")


def test_one_that_punctuates_but_not_at_the_end_expects_more() -> None:
    are("open", "Well, I thought that maybe", "It was cold. Then it rained")


def test_nothing_said_is_unsure() -> None:
    are("unsure", "", "   ", "...", "?!")


def test_german_french_and_spanish_have_words_of_their_own() -> None:
    are(
        "open",
        "Ich habe gestern mit dem",
        "Ich glaube, dass.",
        "je voudrais",
        "et puis je vais à la.",
        "voy a la",
        "quiero",
    )
    are("done", "wie spät ist es", "ja genau", "quelle heure est-il", "bien sûr", "qué hora es", "weißt du das")
    are("unsure", "Mach das Licht an.")
    are("unsure", "ich gehe nach hause", "je suis à la maison", "voy a casa")


def test_english_words_are_not_taken_for_german_ones() -> None:
    are("unsure", "They want to see it die.", "I never saw the war.")


texts = st.lists(
    st.sampled_from(sorted(ENGLISH.known)) | st.text(alphabet="abcdeIOZ .,?!…-'’0159\n", max_size=8), max_size=12
).map(" ".join)


@given(st.text() | texts)
def test_any_text_is_judged(text: str) -> None:
    assert looks_finished(text) in {"done", "open", "unsure"}


@given(texts, st.sampled_from(["", " ", "\n\t ", "  "]))
def test_case_and_white_space_round_it_say_nothing(text: str, space: str) -> None:
    judged = looks_finished(text)
    assert looks_finished(text.upper()) == looks_finished(text.title()) == judged
    assert looks_finished(f"{space}{text}{space}") == judged


@given(texts)
def test_adding_a_conjunction_opens_any_text_that_is_english(text: str) -> None:
    assume(language_of(re.findall(r"[^\W_]+", text.casefold())) is ENGLISH)
    assert looks_finished(f"{text} and") == "open"
