"""Which answers of a provider are believed."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from voicemode.connect.login.answer import belongs_to, code_in, pasted_code
from voicemode.connect.login.errors import LoginError
from voicemode.connect.login.provider import Provider
from voicemode.connect.login.request import LoginRequest

HERE = "http://127.0.0.1:8766/callback"
ENDPOINTS = ("authorization", "token")
PROVIDER = Provider(issuer="https://id.example.org", **dict.fromkeys(ENDPOINTS, "https://id.example.org/x"))
REQUEST = LoginRequest(PROVIDER, "voicemode", HERE, "openid", state="the-state", verifier="the-verifier")
NAMING = evolve(REQUEST, provider=evolve(PROVIDER, names_itself=True))


@pytest.mark.parametrize("query", ["", "code=1", "state=", "state=other", "state=the-stat%C3%A9", "&" * 60])
def test_an_answer_without_our_state_is_not_ours(query: str) -> None:
    assert not belongs_to(query, REQUEST)


def test_an_answer_that_says_its_state_twice_is_not_ours() -> None:
    assert belongs_to("state=the-state", REQUEST)
    assert not belongs_to("state=the-state&state=the-state", REQUEST)


@pytest.mark.parametrize("said", [{}, {"iss": "https://id.example.org"}])
def test_a_code_is_taken_from_the_issuer_that_was_asked(said: dict[str, str]) -> None:
    assert code_in(urlencode({"state": "the-state", "code": "c/1", **said}), REQUEST) == "c/1"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (REQUEST, {"iss": "https://evil.example.org"}),
        (NAMING, {"iss": "https://id.example.org/"}),
        (NAMING, {"iss": ""}),
        (NAMING, {}),
    ],
)
def test_a_code_of_another_issuer_is_not_believed(request_: LoginRequest, said: dict[str, str]) -> None:
    with pytest.raises(LoginError, match=r"does not come from https://id.example.org, and is not believed"):
        code_in(urlencode({"state": "the-state", "code": "1", **said}), request_)


def test_an_error_of_another_issuer_is_not_quoted() -> None:
    with pytest.raises(LoginError, match="not believed"):
        code_in("state=the-state&error=access_denied&iss=https://evil.example.org", REQUEST)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("error=access_denied", "the sign-in was refused there, or given up."),
        ("error=server_error&error_description=Out+of+order.", "try again later (Out of order.)."),
        ("error=what%1B%5B2Jever", "it says ."),
        ("error=odd_thing", "it says odd_thing."),
        ("error=x&error_description=the-verifier+leaks", "it says x (… leaks)."),
        ("code=", "has no code in it"),
        ("code=1&code=2", "says something twice"),
    ],
)
def test_what_the_provider_says_instead_is_told_in_words(query: str, said: str) -> None:
    with pytest.raises(LoginError) as caught:
        code_in(f"state=the-state&{query}", REQUEST)
    assert said in str(caught.value)
    assert "the-verifier" not in str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    ["a-code", "  a-code\n", f"{HERE}?code=a-code&state=the-state", f"{HERE}?state=the-state&code=a-code#_=_"],
)
def test_the_code_is_found_in_what_is_pasted(pasted: str) -> None:
    assert pasted_code(pasted, REQUEST) == "a-code"


@pytest.mark.parametrize("pasted", ["", "two words", "code=1&state=the-state", "\x1b[A", f"{HERE}?code=a", "http://[/"])
def test_what_is_neither_an_address_nor_a_code_is_refused(pasted: str) -> None:
    with pytest.raises(LoginError, match="Copy"):
        pasted_code(pasted, REQUEST)


@given(st.text() | st.text().map(lambda text: f"{HERE}?state=the-state&code={text}"))
def test_whatever_is_pasted_is_a_code_or_told_to_be_none(text: str) -> None:
    try:
        assert pasted_code(text, REQUEST)
    except LoginError as error:
        assert str(error).endswith(".")  # noqa: PT017 - either may happen


@given(st.text(st.characters(codec="ascii")))
def test_no_answer_that_was_not_asked_for_is_ours(query: str) -> None:
    assert not belongs_to(query, REQUEST)
