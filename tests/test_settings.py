"""What a conversation is told before it begins: how engines are named."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from voicemode import Settings, SettingsError
from voicemode.settings import names_of


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, ()),
        ("auto", ("auto",)),
        ("whisper", ("whisper",)),
        (" whisper , pocketsphinx,", ("whisper", "pocketsphinx")),
        (["whisper", "pocketsphinx"], ("whisper", "pocketsphinx")),
        (("whisper",), ("whisper",)),
    ],
)
def test_engines_are_named_alone_or_in_their_order(given: Any, names: tuple[str, ...]) -> None:
    settings = Settings(stt=given)
    assert names_of(settings.stt) == names
    assert evolve(settings, tts=None) == Settings(stt=given, tts=None)
    assert len(names) > 1 or settings.stt == (names[0] if names else None)


@pytest.mark.parametrize("given", ["", " , ", (), "whisper,whisper", "auto,whisper", ("whisper", "auto")])
def test_what_names_no_order_is_a_mistake(given: Any) -> None:
    with pytest.raises(SettingsError):
        Settings(tts=given)


@pytest.mark.parametrize("name", ["tts_urls", "stt_urls", "voices", "tts_models", "phrases"])
def test_a_text_is_no_list(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is a tuple of texts"):
        Settings(**{name: "one"})  # type: ignore[arg-type]


@pytest.mark.parametrize("silence", [0.0, -1.0, float("inf"), float("nan")])
def test_an_engine_cannot_be_silent_for_ever(silence: float) -> None:
    with pytest.raises(SettingsError, match="above 0"):
        Settings(silence=silence)
