"""Engines by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actors.errors import SettingsError
from voicemode.speech.registry import load_speech_model, load_speech_to_text, load_text_to_speech, load_turn_model


async def test_each_engine_is_there_by_its_name() -> None:
    assert (await load_speech_to_text("pocketsphinx")).name == "pocketsphinx"
    assert (await load_text_to_speech("espeak-ng")).name == "espeak-ng"
    assert (await load_text_to_speech("espeak")).name == "espeak-ng"
    assert (await load_speech_model("silero")).window == 512


@pytest.mark.parametrize(
    ("load", "known"),
    [
        (load_speech_to_text, "pocketsphinx"),
        (load_text_to_speech, "espeak-ng"),
        (load_speech_model, "silero"),
        (load_turn_model, "smart-turn"),
    ],
)
async def test_an_unknown_name_is_answered_with_the_names_there_are(load: object, known: str) -> None:
    assert callable(load)
    with pytest.raises(SettingsError, match=f"'nobody'.*{known}"):
        await load("nobody")


def test_looking_for_engines_loads_none() -> None:
    engines = {"onnxruntime", "pocketsphinx", "espeakng_loader", "httpx"}
    program = "import sys, voicemode.speech.registry; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not engines & set(done.stdout.split())
