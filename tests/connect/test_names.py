"""Names that are parts of paths: what passes stays in its directory."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePath

import pytest
from hypothesis import given, strategies as st

from actors.errors import BadMessage, InboxError, SettingsError
from voicemode.connect.names import checked


@pytest.mark.parametrize("name", ["cora", "team-lead", "Cora_7", "v1.2", "x" * 64, "Zoë", "日本", "हिन्दी", "_", "a."])
def test_names_that_can_be(name: str) -> None:
    assert checked(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".hidden", "a..b", "a/b", "../a", "/etc", "a\\b", "a b", "a\0", "a\n", "x" * 65, "a:b"),
        *("~", "a\ud800", "\u202ea", "\u0301a", "𝔸" * 64, "a\u200bb", "%2e%2e", "🙂"),
    ],
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(BadMessage, match=r"be the name of a team\. A name has 1 to 64 letters, digits") as raised:
        checked(name, "team")
    assert isinstance(raised.value, InboxError)
    assert isinstance(raised.value, SettingsError)
    assert raised.value.reason == "no such team"


def test_what_looks_the_same_is_the_same() -> None:
    assert checked(unicodedata.normalize("NFD", "Zoë")) == unicodedata.normalize("NFC", "Zoë")


@given(st.text(max_size=70) | st.text("./\\-_a\0é", max_size=8))
def test_whatever_passes_is_one_part_of_a_path_and_no_other_directory(name: str) -> None:
    try:
        passed = checked(name)
    except BadMessage:
        return
    assert PurePath("/users", passed, "inbox").parts == ("/", "users", passed, "inbox")
    assert passed not in {".", ".."}
    assert len(os.fsencode(passed)) <= 192
    assert checked(passed) == passed
