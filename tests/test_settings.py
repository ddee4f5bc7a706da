"""What a conversation is told before it begins: how engines are named."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from attrs import evolve, fields

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


WRONG: dict[str, tuple[object, str]] = {
    "microphone": (3, "microphone is a text or None, not 3."),
    "vad": (None, "vad is a text, not None."),
    "tts": (5, "tts is a text or a tuple of texts or None, not 5."),
    "stt": (["whisper", 5], "stt is a text or a tuple of texts or None, not ('whisper', 5)."),
    "voices": (("a", 1), "voices is a tuple of texts, not ('a', 1)."),
    "hedge": ("no", "hedge is True or False, not 'no'."),
    "chimes": (1, "chimes is True or False or None, not 1."),
    "silence": ("1.5", "silence is a number, not '1.5'."),
    "speed": (True, "speed is a number or None, not True."),
    "history": (8.0, "history is a whole number, not 8.0."),
    "whisper_port": ("2022", "whisper_port is a whole number, not '2022'."),
    "echo": ("less", "echo is one of auto, cancel, guard, off, not 'less'."),
    "turn": ({"longest": 3}, "turn is of type TurnPolicy, not {'longest': 3}."),
    "base_dir": (7, "base_dir is a path, not 7."),
    "control_socket": (b"/run/sock", "control_socket is a path, not b'/run/sock'."),
    "keys": ({"OPENAI_API_KEY": b"hush"}, "keys is a mapping of texts to texts, not of type dict."),
}


def settings_with(name: str, value: Any) -> Settings:
    return Settings(**{name: value})


@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_a_wrong_type_is_refused_by_name(name: str) -> None:
    value, said = WRONG[name]
    with pytest.raises(SettingsError) as refusal:
        settings_with(name, value)
    assert str(refusal.value) == said
    with pytest.raises(SettingsError):
        evolve(Settings(), **{name: value})


def test_every_field_has_a_type_that_is_known() -> None:
    for each in fields(Settings):
        with pytest.raises(SettingsError, match=f"^{each.name} is "):
            settings_with(each.name, object())


@pytest.mark.parametrize("given", ["/a/b", Path("/a/b"), PurePosixPath("/a/b")])
def test_a_path_is_given_as_anything_that_is_one(given: Any) -> None:
    assert Settings(base_dir=given, control_socket=given) == Settings(
        base_dir=Path("/a/b"), control_socket=Path("/a/b")
    )


def test_in_a_path_the_home_is_written_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Settings(base_dir="~/voices").base_dir == Path("/home/me/voices")
    with pytest.raises(SettingsError, match="There is no home directory for ~nobody-is-called-so/a"):
        Settings(base_dir="~nobody-is-called-so/a")


def test_numbers_may_be_whole_and_tuples_lists() -> None:
    assert Settings(silence=2, speed=1, phrases=["yes", "no"]) == Settings(
        silence=2.0, speed=1.0, phrases=("yes", "no")
    )


@pytest.mark.parametrize("name", ["tts_urls", "stt_urls", "voices", "tts_models", "phrases"])
def test_a_text_is_no_list(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is a tuple of texts"):
        settings_with(name, "one")


@pytest.mark.parametrize("silence", [0.0, -1.0, float("inf"), float("nan")])
def test_an_engine_cannot_be_silent_for_ever(silence: float) -> None:
    with pytest.raises(SettingsError, match="above 0"):
        Settings(silence=silence)
