"""A key for OpenAI that is not used is told of, and no other."""

from __future__ import annotations

import pytest

from voicemode import Settings
from voicemode.speech.idle_key import IDLE_KEY, idle_key

KEY = {"OPENAI_API_KEY": "hush"}
OPENAI = "https://api.openai.com/v1"


def test_it_is_told_where_engines_are_found_by_themselves() -> None:
    assert idle_key(Settings(keys=KEY)) == IDLE_KEY
    assert idle_key(Settings(keys=KEY, tts="espeak-ng")) == IDLE_KEY
    assert idle_key(Settings(keys=KEY, tts_urls=("http://127.0.0.1:8880/v1",))) == IDLE_KEY


@pytest.mark.parametrize(
    "settings",
    [
        Settings(keys={"VOICEMODE_TTS_KEY": "hush"}),
        Settings(keys=KEY, allow_remote=True),
        Settings(keys=KEY, tts="espeak-ng", stt="pocketsphinx"),
        Settings(keys=KEY, tts_urls=(OPENAI,)),
        Settings(keys=KEY, stt_urls=("http://127.0.0.1:2022/v1", f"{OPENAI}/")),
        Settings(keys=KEY, tts=f"{OPENAI}?voice=nova"),
    ],
)
def test_it_is_not_told_where_it_is_used_or_nothing_is_looked_for(settings: Settings) -> None:
    assert idle_key(settings) is None
