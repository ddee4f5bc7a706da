"""All engines of a conversation: found, put in order, asked, given up and taken back, on real sockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from actors.errors import AllProvidersFailed, ProviderRefused, ProviderUnavailable, SettingsError
from actors.events import ProviderChanged
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.messages import Synthesis
from actors.ports import TextToSpeech
from tests.speech.listing_server import ListingServer, offering
from tests.speech.speech_server import endless, hang, hang_up, refusal, tone
from voicemode import Settings
from voicemode.speech import providers as module
from voicemode.speech.discovery import Spot
from voicemode.speech.providers import Providers
from voicemode.speech.services import ServiceVoice

LONG = 20.0
SOUND = tone(1.0, 16_000)
BROKEN = refusal("500 Oops", "out of memory")


@asynccontextmanager
async def opened(
    settings: Settings,
    *spots: Spot,
    listens: bool = True,
    speaks: bool = False,
    changes: list[ProviderChanged] | None = None,
) -> AsyncGenerator[Providers]:
    """Providers that are kept, as a conversation has them."""
    with trio.fail_after(LONG):
        found = await Providers.open(settings, listens=listens, speaks=speaks, spots=spots)
        try:
            async with trio.open_nursery() as nursery:
                publish = (changes if changes is not None else []).append
                await nursery.start(partial(found.keep, publish=publish))
                yield found
                nursery.cancel_scope.cancel()
        finally:
            await found.aclose()


async def until(holds: Callable[[], object]) -> None:
    """Sockets tell nobody here when something has happened to them."""
    while not holds():  # noqa: ASYNC110
        await trio.sleep(0.005)


def names(found: Providers) -> list[str]:
    return [provider.name for provider in found.all]


async def test_without_anything_the_embedded_engines_are_used_as_they_are() -> None:
    async with opened(Settings(), speaks=True) as found:
        assert found.stt is not None
        assert found.tts is not None
        assert (found.stt.name, found.tts.name, found.tts.rate) == ("pocketsphinx", "espeak-ng", 22_050)
        assert not isinstance(found.stt, FailoverRecogniser)
        assert found.board.statuses() == []


async def test_what_nobody_needs_is_not_opened() -> None:
    async with opened(Settings(stt="nobody"), listens=False, speaks=True) as found:
        assert found.stt is None
        assert names(found) == ["espeak-ng"]


async def said(engine: TextToSpeech | None, voice: str | None = None) -> list[Synthesis]:
    assert engine is not None
    async with engine.speak("Hello there.", voice=voice) as parts:
        return [part async for part in parts]


def who_sounds_in(parts: list[Synthesis]) -> set[str | None]:
    return {part.engine for part in parts if part.pcm}


async def test_a_service_on_this_machine_is_used_before_the_embedded_engine() -> None:
    async with offering("whisper-1") as server, opened(Settings(), server.spot()) as found:
        assert names(found) == [server.url, "pocketsphinx"]
        assert found.stt is not None
        transcript = await found.stt.transcribe(SOUND, 16_000)
        assert (transcript.text, transcript.engine, transcript.failures) == ("Hello.", server.url, ())


async def test_one_that_fails_is_stood_in_for_by_the_next_and_named() -> None:
    async with (
        offering("tts-1", voices=("af_sky",), work=BROKEN) as server,
        opened(Settings(), server.spot(), listens=False, speaks=True) as found,
    ):
        assert isinstance(found.tts, FailoverVoice)
        heard = await said(found.tts, "af_sky")
        assert who_sounds_in(heard) == {"espeak-ng"}
        assert {failure.provider for part in heard for failure in part.failures} == {server.url}
        assert {part.rate for part in heard} == {found.tts.rate} == {24_000}
        assert found.board.status("tts", server.url).failed > 0


async def test_when_all_fail_each_is_named_with_its_reason() -> None:
    async with (
        offering(work=BROKEN) as first,
        offering(work=refusal("401 No", "no key")) as second,
        opened(Settings(stt=(first.url, second.url))) as found,
    ):
        assert found.stt is not None
        with pytest.raises(AllProvidersFailed, match="out of memory") as raised:
            await found.stt.transcribe(SOUND, 16_000)
        assert {first.url, second.url} == {failure.provider for failure in raised.value.failures}


async def test_one_engine_named_alone_has_no_other() -> None:
    async with offering(work=BROKEN) as server, opened(Settings(stt=server.url), server.spot("stt")) as found:
        assert found.stt is not None
        with pytest.raises(ProviderUnavailable, match="out of memory"):
            await found.stt.transcribe(SOUND, 16_000)
        assert names(found) == [server.url]


async def test_one_named_alone_learns_what_its_service_has() -> None:
    async with (
        offering("piper", voices=("amy",)) as server,
        opened(Settings(tts=server.url), listens=False, speaks=True) as found,
    ):
        (provider,) = found.all
        engine = provider.engine
        assert isinstance(engine, ServiceVoice)
        await until(lambda: engine.known)
        await said(found.tts)
        assert (server.asked[-1].json["model"], server.asked[-1].json["voice"]) == ("piper", "amy")


async def test_a_service_that_hangs_holds_up_nobody_and_is_found_when_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_START", 0.05)
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.05)
    async with offering("whisper-1", lists=hang) as server:
        found = await Providers.open(Settings(), listens=True, speaks=False, spots=[server.spot()])
        assert names(found) == ["pocketsphinx"]
        await found.aclose()
        server.lists = None
        async with opened(Settings(), server.spot()) as found:
            await until(lambda: len(found.all) == 2)
            assert names(found) == [server.url, "pocketsphinx"]
            assert found.stt is not None
            assert (await found.stt.transcribe(SOUND, 16_000)).engine == server.url


async def test_a_service_that_starts_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.05)
    async with offering("whisper-1", lists=hang_up) as server, opened(Settings(), server.spot("stt")) as found:
        assert names(found) == ["pocketsphinx"]
        server.lists = None
        await until(lambda: len(found.all) == 2)
        assert found.board.status("stt", server.url).place == "local"
        assert isinstance(found.stt, FailoverRecogniser)
        assert [each.name for each in found.stt.candidates] == [server.url, "pocketsphinx"]


async def test_a_service_that_goes_away_is_stood_in_for_and_used_again_when_it_is_back() -> None:
    """Nobody but its own probes looks at it: the next look round this machine is far away."""
    server = ListingServer(models=("whisper-1",))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    async with trio.open_nursery() as here:
        first = trio.CancelScope()

        async def serve() -> None:
            with first:
                await trio.serve_listeners(server.serve, listeners)

        here.start_soon(serve)
        async with opened(Settings(), server.spot()) as found:
            assert found.stt is not None
            first.cancel()
            await until(lambda: not server.open_connections)
            assert (await found.stt.transcribe(SOUND, 16_000)).engine == "pocketsphinx"
            assert found.board.status("stt", server.url).health == "down"
            here.start_soon(trio.serve_tcp, server.serve, port)
            await until(lambda: found.board.status("stt", server.url).health == "up")
            assert (await found.stt.transcribe(SOUND, 16_000)).engine == server.url
        here.cancel_scope.cancel()


@pytest.mark.parametrize("others", [("espeak-ng",), ()], ids=["with another", "alone"])
async def test_a_connection_that_went_with_a_cancelled_stream_is_there_again_before_it_is_needed(
    others: tuple[str, ...],
) -> None:
    async with (
        offering("tts-1") as server,
        opened(Settings(tts=(server.url, *others)), listens=False, speaks=True) as found,
    ):
        engine = found.all[0].engine
        assert found.tts is not None
        assert isinstance(engine, ServiceVoice)
        await until(lambda: engine.known and server.open_connections == 1)
        server.work = endless(tone(0.2))
        asked = len(server.lines("GET"))
        async with found.tts.speak("Hello there.") as parts:
            await parts.receive()
        await until(lambda: len(server.lines("GET")) > asked)
        await until(lambda: server.open_connections == 1)


async def test_so_is_one_that_went_with_a_cancelled_recording() -> None:
    async with offering("whisper-1", work=hang) as server, opened(Settings(stt=server.url)) as found:
        assert found.stt is not None
        await until(lambda: server.lines("GET"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(found.stt.transcribe, SOUND, 16_000)
            await until(lambda: server.lines("POST"))
            asked = len(server.lines("GET"))
            nursery.cancel_scope.cancel()
        await until(lambda: len(server.lines("GET")) > asked)


async def test_when_the_embedded_engine_is_missing_a_slow_service_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def missing(_: str) -> object:
        raise ProviderUnavailable("pocketsphinx", "It is not installed.", code="not_installed")

    monkeypatch.setattr(module, "AT_START", 0.0)
    monkeypatch.setattr(module, "load_speech_to_text", missing)
    async with offering("whisper-1") as server, opened(Settings(), server.spot()) as found:
        assert names(found) == [server.url, "pocketsphinx"]
        assert found.stt is not None
        assert (await found.stt.transcribe(SOUND, 16_000)).engine == server.url
    with pytest.raises(ProviderUnavailable, match="not installed"):
        await Providers.open(Settings(), listens=True, speaks=False, spots=())


async def test_one_that_is_down_is_seen_before_anybody_has_to_wait_for_it() -> None:
    changes: list[ProviderChanged] = []
    async with (
        offering() as server,
        offering(lists=refusal("503 No", "loading")) as down,
        opened(Settings(stt=(down.url, server.url)), changes=changes) as found,
    ):
        await until(lambda: {change.status.health for change in changes} == {"up", "down"})
        assert found.stt is not None
        transcript = await found.stt.transcribe(SOUND, 16_000)
        assert transcript.engine == server.url
        assert [(failure.provider, failure.code) for failure in transcript.failures] == [(down.url, "down")]
        assert down.lines("POST") == []


async def test_services_with_the_same_model_are_equals_and_others_are_not() -> None:
    async with (
        offering("large-whisper") as first,
        offering("large-whisper") as second,
        offering("small-whisper") as third,
        offering("whisper-1") as fourth,
        opened(Settings(), *(each.spot() for each in (first, second, third, fourth))) as found,
    ):
        assert isinstance(found.stt, FailoverRecogniser)
        ranks = [each.rank for each in found.stt.candidates]
        assert ranks[0] == ranks[1] != ranks[2]
        assert ranks[3:] == [None, None]


async def test_an_unknown_name_in_a_list_is_a_mistake_at_once() -> None:
    with pytest.raises(SettingsError, match="'nobody'"):
        await Providers.open(Settings(stt="whisper,nobody"), listens=True, speaks=False, spots=())


async def test_a_list_may_end_with_an_engine_that_is_embedded() -> None:
    async with (
        offering(work=hang_up) as server,
        opened(Settings(tts=(server.url, "espeak")), listens=False, speaks=True) as found,
    ):
        assert names(found) == [server.url, "espeak-ng"]
        assert who_sounds_in(await said(found.tts, "af_sky")) == {"espeak-ng"}


async def test_a_voice_that_only_the_first_has_is_no_reason_for_the_second_to_refuse() -> None:
    async with (
        offering(work=hang_up) as server,
        opened(Settings(tts=(server.url, "espeak-ng")), listens=False, speaks=True) as found,
    ):
        assert who_sounds_in(await said(found.tts, "MyOwnVoice")) == {"espeak-ng"}


async def test_a_voice_that_nobody_has_is_a_mistake_that_is_told() -> None:
    async with offering("kokoro", voices=("af_sky",)) as server:
        for settings in Settings(), Settings(tts=("espeak-ng", server.url)):
            async with opened(settings, listens=False, speaks=True) as found:
                with pytest.raises(ProviderRefused, match="quatsch"):
                    await said(found.tts, "quatsch")


async def test_what_is_known_of_an_engine_is_told_to_who_reads_afterwards() -> None:
    async with (
        offering("tts-1", voices=("af_sky",)) as server,
        opened(Settings(tts=(server.url, "espeak-ng"), stt=server.url), speaks=True) as found,
    ):
        there = {"provider_type": "local", "provider_url": server.url}
        assert found.about("tts", server.url) == {**there, "model": "tts-1", "audio_format": "pcm"}
        assert found.about("stt", server.url) == {**there, "model": "whisper-1", "audio_format": "wav"}
        assert found.about("tts", "espeak-ng") == {"provider_type": "embedded"}
        assert found.about("tts", "somebody") == {}


async def test_all_connections_are_closed_in_the_end() -> None:
    async with (
        offering("whisper-1", "tts-1") as server,
        opened(Settings(), server.spot(), speaks=True) as found,
    ):
        await said(found.tts)
        with trio.CancelScope() as scope:
            scope.cancel()
            await found.aclose()
        await until(lambda: not server.open_connections)


async def test_who_may_take_long_must_still_say_at_once_that_it_is_there() -> None:
    with trio.fail_after(LONG):
        async with offering(lists=hang, work=hang) as server:
            settings = Settings(stt=(server.url, "pocketsphinx"), silence=0.4)
            found = await Providers.open(settings, listens=True, speaks=False, first_byte=3600.0)
            try:
                async with trio.open_nursery() as nursery:
                    await nursery.start(partial(found.keep, publish=lambda _: None))
                    assert found.stt is not None
                    transcript = await found.stt.transcribe(SOUND, 16_000)
                    nursery.cancel_scope.cancel()
            finally:
                await found.aclose()
    assert transcript.engine == "pocketsphinx"
    assert [failure.provider for failure in transcript.failures] == [server.url]
    assert "did not say within 0.4 s whether it is there" in transcript.failures[0].reason


async def test_one_that_is_silent_is_not_looked_for_again() -> None:
    async with offering(lists=hang) as server, opened(Settings(silence=0.1), server.spot("stt")) as found:
        await until(lambda: found.board.status("stt", server.url).health == "down")
        before = len(server.asked)
        assert await found.look(0.1) == []
        assert len(server.asked) == before
