"""Which model and which voice of a service are taken."""

from __future__ import annotations

import pytest

from voicemode.speech.choices import Traits, closest_voice, model_for, preferred_voice
from voicemode.speech.offer import Offer

KOKORO = ("af_alloy", "af_sky", "am_adam", "bf_emma", "bm_george", "ff_siwis", "zf_xiaobei")
ESPEAK = ("de", "en-gb", "en-us", "fr-fr", "en-us+f3", "en-us+m3", "en-gb+f3", "en-gb+m3")


@pytest.mark.parametrize(
    ("preferred", "offered", "model"),
    [
        ((), (), "tts-1"),
        ((), ("kokoro", "tts-1"), "tts-1"),
        ((), ("kokoro", "piper"), "kokoro"),
        (("hd", "piper"), ("kokoro", "piper"), "piper"),
        (("hd",), ("kokoro",), "kokoro"),
        (("hd", "piper"), (), "hd"),
    ],
)
def test_the_model_is_a_preferred_one_if_the_service_has_it(
    preferred: tuple[str, ...], offered: tuple[str, ...], model: str
) -> None:
    assert model_for("tts-1", preferred, offered) == model


@pytest.mark.parametrize(
    ("named", "preferred", "offered", "voice"),
    [
        (None, ("af_sky", "alloy"), KOKORO, "af_sky"),
        (None, ("alloy",), KOKORO, "af_alloy"),
        ("bf_emma", ("af_sky",), KOKORO, "bf_emma"),
        ("gone", ("af_sky",), KOKORO, "af_sky"),
        (None, ("af_sky",), (), None),
        ("bf_emma", ("af_sky",), (), "bf_emma"),
    ],
)
def test_the_voice_nobody_asked_for_is_a_preferred_one_if_the_service_has_it(
    named: str | None, preferred: tuple[str, ...], offered: tuple[str, ...], voice: str | None
) -> None:
    assert preferred_voice(named, preferred, offered) == voice


@pytest.mark.parametrize(
    ("asked", "offered", "voice"),
    [
        ("bm_george", KOKORO, "bm_george"),
        ("nova", KOKORO, "af_alloy"),
        ("onyx", KOKORO, "am_adam"),
        ("fr-fr", KOKORO, "ff_siwis"),
        ("af_sky", ESPEAK, "en-us+f3"),
        ("bm_george", ESPEAK, "en-gb+m3"),
        ("bf_emma", ("af_sky", "am_adam"), "af_sky"),
        ("my_own", ("alloy",), None),
        ("my_own", (), "my_own"),
        ("nobody", ("alloy",), "nobody"),
        ("ja", ("alloy", "nova"), "ja"),
    ],
)
def test_a_voice_that_is_not_there_is_replaced_by_the_one_most_like_it(
    asked: str, offered: tuple[str, ...], voice: str | None
) -> None:
    assert closest_voice(asked, offered, {"my_own"}) == voice


def test_the_name_of_a_voice_tells_language_and_sex() -> None:
    assert Traits.of("bf_emma") == Traits("en-gb", "f")
    assert Traits.of("alloy") == Traits("en-us")
    assert Traits.of("de+m2") == Traits("de", "m")
    assert Traits.of("nobody") is None


def test_models_are_told_apart_by_what_they_are_for() -> None:
    offer = Offer.of(
        [
            "Systran/faster-distil-whisper-small.en",
            "speaches-ai/Kokoro-82M-v1.0-ONNX",
            "gpt-4o",
            "gpt-4o-mini-tts",
            "gpt-4o-transcribe",
            "tts-1",
            "pocketsphinx",
            "espeak-ng",
            "nomic-embed-text",
        ]
    )
    assert offer.stt == ("Systran/faster-distil-whisper-small.en", "gpt-4o-transcribe", "pocketsphinx")
    assert offer.tts == ("speaches-ai/Kokoro-82M-v1.0-ONNX", "gpt-4o-mini-tts", "tts-1", "espeak-ng")
