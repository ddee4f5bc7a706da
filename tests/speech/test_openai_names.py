"""The names of endpoints: what they stand for, what they choose, and where keys go."""

from __future__ import annotations

import pytest

from actors.errors import ProviderRefused, SettingsError
from tests.speech.speech_server import refusal, serving
from voicemode.speech.endpoint_name import RECOGNISERS, VOICES, EndpointName, Key, key_for
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.openai_tts import OpenAIVoice
from voicemode.speech.registry import load_speech_to_text, load_text_to_speech, release

KEYS = {"OPENAI_API_KEY": "for-openai", "VOICEMODE_STT_KEY": "for-stt", "VOICEMODE_TTS_KEY": "for-tts"}


async def recogniser(name: str, environment: dict[str, str] | None = None) -> OpenAIRecogniser:
    endpoint = EndpointName.parse(name, RECOGNISERS)
    assert endpoint is not None
    return await OpenAIRecogniser.open(endpoint, environment=environment or {})


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("whisper", "http://127.0.0.1:2022/v1"),
        ("http://127.0.0.1:2022/v1/", "http://127.0.0.1:2022/v1"),
        (" HTTP://LocalHost:2022/v1", "http://localhost:2022/v1"),
        ("https://example.org/v1/audio/transcriptions", "https://example.org/v1"),
        ("https://me:hidden@example.org/v1?model=a", "https://example.org/v1"),
    ],
)
async def test_a_recogniser_is_called_by_its_address(name: str, address: str) -> None:
    engine = await load_speech_to_text(name)
    assert engine.name == address
    await release(engine)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("openai?voice=coral", "https://api.openai.com/v1"),
        ("kokoro", "http://127.0.0.1:8880/v1"),
        ("http://127.0.0.1:8880/v1/audio/speech", "http://127.0.0.1:8880/v1"),
    ],
)
async def test_a_voice_is_called_by_its_address(name: str, address: str) -> None:
    engine = await load_text_to_speech(name)
    assert (engine.name, engine.rate) == (address, 24_000)
    await release(engine)


def test_kokoro_has_a_voice_of_its_own_and_another_may_be_chosen() -> None:
    for name, voice in (("kokoro", "af_sky"), ("kokoro?voice=bf_emma", "bf_emma")):
        endpoint = EndpointName.parse(name, VOICES)
        assert endpoint is not None
        assert endpoint.choices == {"voice": voice}


def test_what_is_no_endpoint_is_left_to_others() -> None:
    assert EndpointName.parse("espeak-ng", VOICES) is None
    assert EndpointName.parse("kokoro", RECOGNISERS) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("whisper?voice=alloy", "'voice'.*model, language"),
        ("whisper?model=", "model="),
        ("whisper?model", "NAME=VALUE"),
        ("http://", "http://127.0.0.1:2022/v1"),
        ("http://[::", "http://127.0.0.1:2022/v1"),
        ("http://host:99999/v1", "http://127.0.0.1:2022/v1"),
        ("http://me:hidden@example.org/v1", "https://"),
        ("localhost:2022/v1", "or an address as in http://"),
        ("me:hidden@localhost:2022", "or an address as in http://"),
    ],
)
async def test_a_name_that_makes_no_sense_is_refused_without_showing_secrets(name: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as raised:
        await load_speech_to_text(name)
    assert "hidden" not in str(raised.value)


async def test_a_voice_does_not_take_what_is_a_recognisers() -> None:
    with pytest.raises(SettingsError, match=r"'language'.*model, voice, instructions"):
        await load_text_to_speech("kokoro?language=de")


def test_the_key_for_openai_goes_to_openai_alone() -> None:
    only = {"OPENAI_API_KEY": " for-openai\n"}
    for openai in ("https://api.openai.com/v1", "https://api.openai.com"):
        assert key_for(openai, "VOICEMODE_STT_KEY", only) == Key("OPENAI_API_KEY", "for-openai")
    for other in (
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.example.org/v1",
        "http://127.0.0.1:2022/v1",
    ):
        assert key_for(other, "VOICEMODE_STT_KEY", only) == Key("VOICEMODE_STT_KEY")


def test_a_key_for_any_endpoint_goes_before_that_for_openai() -> None:
    assert key_for("https://api.openai.com/v1", "VOICEMODE_STT_KEY", KEYS) == Key("VOICEMODE_STT_KEY", "for-stt")
    assert key_for("http://127.0.0.1:8880/v1", "VOICEMODE_TTS_KEY", KEYS) == Key("VOICEMODE_TTS_KEY", "for-tts")


def test_a_key_that_cannot_be_one_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="VOICEMODE_STT_KEY") as raised:
        key_for("https://a/v1", "VOICEMODE_STT_KEY", {"VOICEMODE_STT_KEY": "sk-\n-x"})
    assert "sk-" not in str(raised.value)


async def test_each_engine_sends_its_own_key_to_this_machine() -> None:
    async with serving() as server:
        stt = await recogniser(server.url, KEYS)
        endpoint = EndpointName.parse(server.url, VOICES)
        assert endpoint is not None
        tts = await OpenAIVoice.open(endpoint, environment=KEYS)
        await stt.transcribe(bytes(16_000), 16_000)
        async with tts.speak("One.") as parts:
            async for _ in parts:
                pass
        await stt.aclose()
        await tts.aclose()
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer for-stt", "Bearer for-tts"]


async def test_a_user_and_a_password_in_the_address_go_before_a_key() -> None:
    async with serving() as server:
        stt = await recogniser(server.url.replace("//", "//me:hidden@"), KEYS)
        await stt.transcribe(bytes(16_000), 16_000)
        await stt.aclose()
    assert server.asked[0].headers["authorization"] == "Basic bWU6aGlkZGVu"


async def test_no_key_is_sent_in_the_open_to_another_machine_and_its_refusal_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(refusal("401 Unauthorized", "no key")) as server:
        # a proxy is the one way to reach another machine in a test, and shows all that would be sent there
        monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        stt = await recogniser("http://speech.example.org/v1", KEYS)
        with pytest.raises(ProviderRefused, match=r"VOICEMODE_STT_KEY is not sent over http://"):
            await stt.transcribe(bytes(16_000), 16_000)
        await stt.aclose()
    assert server.asked[0].line == "POST http://speech.example.org/v1/audio/transcriptions"
    assert "authorization" not in server.asked[0].headers


async def test_what_is_on_this_machine_is_not_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serving() as server:
        stt = await recogniser(server.url)
        assert (await stt.transcribe(bytes(16_000), 16_000)).text == "Hello."
        await stt.aclose()


async def test_a_proxy_that_cannot_be_used_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:hidden@proxy:70")
    with pytest.raises(SettingsError, match="HTTPS_PROXY") as raised:
        await recogniser("openai")
    assert "hidden" not in str(raised.value)
