"""Engines that ask their service what it has, and take from that what the user prefers."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import Synthesis
from actors.ports import LiveSpeechToText
from tests.speech.speech_server import Reply, SpeechServer, refusal, serving, tone, whole
from voicemode import Settings
from voicemode.speech.embedded import EmbeddedRecogniser, EmbeddedVoice
from voicemode.speech.endpoint_name import EndpointName
from voicemode.speech.offer import Offer
from voicemode.speech.registry import load_speech_to_text, load_text_to_speech
from voicemode.speech.services import ServiceRecogniser, ServiceVoice

RATE = 24_000
SOUND = tone(1.0, 16_000)


def listing(*models: str) -> Reply:
    return whole(json.dumps({"data": [{"id": model} for model in models]}).encode())


def voices(*names: str) -> Reply:
    return whole(json.dumps({"voices": names}).encode())


@asynccontextmanager
async def voice(
    *replies: Reply, choices: dict[str, str] | None = None, offer: Offer | None = None, **settings: object
) -> AsyncGenerator[tuple[ServiceVoice, SpeechServer]]:
    async with serving(*replies) as server:
        engine = ServiceVoice(EndpointName(server.url, choices or {}), Settings(**settings), {}, set())  # type: ignore[arg-type]
        await engine.open(offer)
        try:
            yield engine, server
        finally:
            await engine.aclose()


@asynccontextmanager
async def recogniser(*replies: Reply, **settings: object) -> AsyncGenerator[tuple[ServiceRecogniser, SpeechServer]]:
    async with serving(*replies) as server:
        engine = ServiceRecogniser(EndpointName(server.url, {}), Settings(**settings), {})  # type: ignore[arg-type]
        await engine.open()
        try:
            yield engine, server
        finally:
            await engine.aclose()


async def said(engine: ServiceVoice, server: SpeechServer, voice: str | None = None) -> tuple[str, str]:
    """Which model and voice the service was asked for."""
    async with engine.speak("Hello.", voice=voice) as parts:
        assert [part async for part in parts]
    asked = server.asked[-1].json
    return asked["model"], asked["voice"]


async def test_speech_is_asked_for_in_the_format_of_the_settings_unless_the_address_has_another() -> None:
    for choices, wanted in (({}, "flac"), ({"format": "wav"}, "wav")):
        async with voice(choices=choices, tts_format="flac") as (engine, server):
            await said(engine, server)
            assert server.asked[-1].json["response_format"] == wanted


async def test_a_format_that_is_refused_is_not_insisted_on() -> None:
    no = refusal("400 Bad Request", "response_format must be pcm")
    async with voice(no, tts_format="flac") as (engine, server):
        await said(engine, server)
        assert [asked.json["response_format"] for asked in server.asked] == ["flac", "pcm"]


@pytest.mark.parametrize(("compress", "magic"), [("auto", b"RIFF"), ("always", b"fLaC"), ("never", b"RIFF")])
async def test_recordings_are_compressed_as_the_settings_say(compress: str, magic: bytes) -> None:
    async with recogniser(stt_compress=compress) as (engine, server):
        await engine.transcribe(SOUND, 16_000)
        assert server.asked[-1].form["file"][:4] == magic


async def test_recognisers_are_told_the_language() -> None:
    async with recogniser(stt_language="de") as (engine, server):
        await engine.transcribe(SOUND, 16_000)
        assert server.asked[-1].form["language"] == b"de"
    async with recogniser() as (engine, server):
        await engine.transcribe(SOUND, 16_000)
        assert "language" not in server.asked[-1].form


async def test_before_the_service_has_said_what_it_has_the_usual_is_asked_for() -> None:
    async with voice() as (engine, server):
        assert await said(engine, server) == ("tts-1", "alloy")
        assert await said(engine, server, "af_sky") == ("tts-1", "af_sky")


async def test_afterwards_it_is_asked_for_what_it_has() -> None:
    async with voice(listing("piper"), voices("amy", "af_bella", "am_adam")) as (engine, server):
        await engine.probe()
        assert engine.offer == Offer(tts=("piper",), voices=("amy", "af_bella", "am_adam"))
        assert await said(engine, server) == ("piper", "amy")
        assert await said(engine, server, "am_adam") == ("piper", "am_adam")
        assert await said(engine, server, "onyx") == ("piper", "am_adam")


async def test_what_the_user_prefers_is_taken_if_it_is_there() -> None:
    offer = Offer(tts=("tts-1", "tts-1-hd"), voices=("af_sky", "bf_emma"))
    preferences = {"tts_models": ("best", "tts-1-hd"), "voices": ("nobody", "bf_emma")}
    async with voice(offer=offer, **preferences) as (engine, server):
        assert await said(engine, server) == ("tts-1-hd", "bf_emma")
        assert await said(engine, server, "af_sky") == ("tts-1-hd", "af_sky")


async def test_what_the_address_chooses_goes_before_everything() -> None:
    offer = Offer(tts=("tts-1",), voices=("af_sky", "bf_emma"))
    async with voice(choices={"model": "mine", "voice": "bf_emma"}, offer=offer, tts_models=("tts-1",)) as (
        engine,
        server,
    ):
        assert await said(engine, server) == ("mine", "bf_emma")


async def test_a_voice_that_nobody_has_is_the_services_to_refuse() -> None:
    async with voice(offer=Offer(voices=("af_sky",))) as (engine, server):
        assert (await said(engine, server, "Nobody"))[1] == "Nobody"


async def test_a_service_is_asked_for_its_voices_once_and_for_its_models_as_a_probe() -> None:
    async with voice(listing("tts-1"), voices("alloy"), listing("tts-1"), refusal("500 Oops", "")) as (engine, server):
        await engine.probe()
        await engine.probe()
        assert [asked.line.rpartition("/")[2] for asked in server.asked] == ["models", "voices", "models"]
        with pytest.raises(ProviderUnavailable):
            await engine.probe()
        assert await said(engine, server) == ("tts-1", "alloy")


async def test_a_recogniser_takes_a_model_that_the_service_has_and_is_told_what_to_expect() -> None:
    async with recogniser(listing("Systran/faster-whisper-small", "kokoro"), stt_prompt="Kokoro, Trio") as found:
        engine, server = found
        await engine.probe()
        assert (await engine.transcribe(SOUND, 16_000)).text == "Hello."
        form = server.asked[-1].form
        assert (form["model"], form["prompt"]) == (b"Systran/faster-whisper-small", b"Kokoro, Trio")


async def test_a_service_that_takes_what_is_still_being_said_gets_it_whichever_model_it_is_asked_for() -> None:
    models = [{"id": "small-asr", "live_uploads": True}, {"id": "kokoro"}]
    async with recogniser(whole(json.dumps({"data": models}).encode())) as (engine, server):
        await engine.probe()
        assert isinstance(engine, LiveSpeechToText)
        async with engine.listen(16_000) as hearing:
            hearing.write(SOUND)
            assert (await hearing.finish()).text == "Hello."
        asked = server.asked[-1]
        assert (asked.form["model"], asked.headers["transfer-encoding"]) == (b"small-asr", "chunked")


async def test_a_preferred_model_is_asked_for_even_before_the_service_has_said_that_it_has_it() -> None:
    async with recogniser(stt_model="base") as (engine, server):
        await engine.transcribe(SOUND, 16_000)
        assert server.asked[-1].form["model"] == b"base"


async def test_a_service_that_lists_nothing_is_asked_for_the_usual() -> None:
    no = refusal("404 Not Found", "")
    async with voice(no, no) as (engine, server):
        await engine.probe()
        assert engine.known
        assert await said(engine, server, "af_sky") == ("tts-1", "af_sky")


async def collected(engine: EmbeddedVoice, voice: str | None = None) -> list[Synthesis]:
    async with engine.speak("One two three.", voice=voice) as parts:
        return [part async for part in parts]


async def test_an_embedded_voice_is_loaded_when_it_is_needed_and_comes_at_the_rate_of_the_others() -> None:
    loads: list[str] = []

    async def load() -> object:
        loads.append("espeak-ng")
        return await load_text_to_speech("espeak-ng")

    engine = EmbeddedVoice("espeak-ng", load, cast=set(), preferred=("af_sky",), rate=RATE)  # type: ignore[arg-type]
    assert loads == []
    parts = await collected(engine)
    own = EmbeddedVoice("espeak-ng", load, cast=set(), preferred=(), rate=None)  # type: ignore[arg-type]
    await own.load()
    assert (own.rate, engine.rate, loads) == (22_050, RATE, ["espeak-ng"] * 2)
    theirs = await collected(own)
    assert {part.rate for part in parts} == {RATE}
    begins = [[word.begin for part in each for word in part.words] for each in (parts, theirs)]
    assert begins[0] == pytest.approx(begins[1], abs=0.02)
    assert len(begins[0]) == 3
    seconds = sum(len(part.pcm) for part in parts) / 2 / RATE
    assert seconds == pytest.approx(sum(len(part.pcm) for part in theirs) / 2 / 22_050, abs=0.02)


async def test_an_embedded_voice_takes_the_one_most_like_another_services() -> None:
    async def load() -> object:
        return await load_text_to_speech("espeak-ng")

    engine = EmbeddedVoice("espeak-ng", load, cast={"my_own"}, preferred=("de",), rate=RATE)  # type: ignore[arg-type]
    await engine.load()
    assert [engine.voice_for(asked) for asked in ("af_sky", "my_own", "nobody", "en-gb", None)] == [
        "en-us+f3",
        None,
        "nobody",
        "en-gb",
        "de",
    ]
    assert await collected(engine, "af_sky")


async def test_an_embedded_engine_that_is_missing_says_so_to_everybody_who_needs_it() -> None:
    async def load() -> object:
        raise ProviderUnavailable("pocketsphinx", "It is not installed.", code="not_installed")

    engine = EmbeddedRecogniser("pocketsphinx", load)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="not installed"):
            await engine.transcribe(b"", 16_000)
    await engine.aclose()


async def test_an_embedded_recogniser_is_loaded_once() -> None:
    engine = EmbeddedRecogniser("pocketsphinx", lambda: load_speech_to_text("pocketsphinx"))
    assert await engine.load() is await engine.load()


async def test_a_service_that_was_gone_is_asked_anew_what_it_has() -> None:
    before, after = (listing("tts-1"), voices("alloy")), (listing("kokoro"), voices("af_sky"))
    async with voice(*before, refusal("500 Oops", "")) as (engine, server):
        await engine.probe()
        with pytest.raises(ProviderUnavailable):
            await engine.probe()
        assert await said(engine, server, "alloy") == ("tts-1", "alloy")
        server.replies += after
        await engine.probe()
        assert engine.offer == Offer(tts=("kokoro",), voices=("af_sky",))
        assert await said(engine, server) == ("kokoro", "af_sky")


async def test_a_service_that_failed_at_its_work_is_asked_for_its_voices_again_too() -> None:
    async with voice(listing("tts-1"), voices("alloy"), refusal("404 No", "no such voice")) as (engine, server):
        await engine.probe()
        with pytest.raises(ProviderRefused):
            async with engine.speak("Hello.") as parts:
                async for _ in parts:
                    pass
        server.replies += [listing("tts-1"), voices("coral")]
        await engine.probe()
        assert engine.offer.voices == ("coral",)


async def test_other_models_are_noticed_by_any_probe() -> None:
    async with recogniser(listing("whisper-small"), listing("whisper-large")) as (engine, server):
        await engine.probe()
        await engine.probe()
        await engine.transcribe(SOUND, 16_000)
        assert server.asked[-1].form["model"] == b"whisper-large"
