"""Who says "mhm" does not want the floor."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from actors.machines.backchannel import BACKCHANNELS, MOST, backchannel


@pytest.mark.parametrize("text", ["Mhm.", "uh-huh", "Uh huh!", "yeah", "Okay, okay.", "I see.", "Right, I see, yeah."])
def test_who_only_listens_is_known(text: str) -> None:
    assert backchannel(text)


@pytest.mark.parametrize(
    "text", ["", "…", "yeah but", "I see a problem", "no", "stop", "okay " * (MOST + 1), "right now"]
)
def test_who_says_more_wants_the_floor(text: str) -> None:
    assert not backchannel(text)


def test_the_words_are_settable() -> None:
    assert backchannel("Genau, ja ja.", ("ja", "genau"))
    assert not backchannel("yeah", ("ja", "genau"))
    assert not backchannel("ja", ())


@given(st.lists(st.sampled_from(BACKCHANNELS), min_size=1, max_size=MOST), st.sampled_from([" ", ", ", "... "]))
def test_a_few_of_them_in_a_row_are_one(said: list[str], between: str) -> None:
    assert backchannel(between.join(said).upper())


@given(st.text(), st.lists(st.text()))
def test_any_text_is_judged(text: str, phrases: list[str]) -> None:
    assert backchannel(text, phrases) in {True, False}
