"""An utterance is sent while it is being said, over real sockets, and nothing is lost where it is not taken so."""

from __future__ import annotations

import gc
import io
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import soundfile
import trio

from actors.errors import ProviderRefused, ProviderUnavailable, SettingsError
from actors.messages import Transcript
from tests.speech.speech_server import Reply, SpeechServer, hang, hang_up, refusal, serving, stalled, tone, whole
from tests.speech.test_openai_transcripts import far_away as far_away
from voicemode.speech.endpoint import Patience
from voicemode.speech.endpoint_lists import takes_live_uploads
from voicemode.speech.endpoint_name import RECOGNISERS, EndpointName
from voicemode.speech.live_file import LiveFile
from voicemode.speech.openai_stt import OpenAIRecogniser

RATE = 16_000
SECOND = tone(1.0, RATE)
HEADER = 44
NOTHING = whole(b'{"text": ""}')


@asynccontextmanager
async def recognising(
    *replies: Reply, choice: str = "live", cut_in: tuple[int, Reply] | None = None, **options: Any
) -> AsyncGenerator[tuple[OpenAIRecogniser, SpeechServer]]:
    async with serving(*replies, cut_in=cut_in) as server:
        name = EndpointName.parse(f"{server.url}?upload={choice}", RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={}, **options)
        try:
            with trio.fail_after(5):
                yield engine, server
        finally:
            await engine.aclose()


async def heard(engine: OpenAIRecogniser, pcm: bytes = SECOND, rate: int = RATE, **options: Any) -> Transcript:
    async with engine.listen(rate, **options) as hearing:
        for at in range(0, len(pcm), 640):
            hearing.write(pcm[at : at + 640])
        return await hearing.finish()


def ending(said: bytes) -> Callable[[bytes], bool]:
    return lambda body: body.endswith(said)


def sounds(server: SpeechServer) -> list[bytes]:
    """What was asked to be heard, without headers."""
    return [asked.form["file"][HEADER:] for asked in server.asked]


def ways(server: SpeechServer) -> list[str]:
    return ["live" if "transfer-encoding" in asked.headers else "whole" for asked in server.asked]


async def test_the_server_has_the_sound_before_the_utterance_ends() -> None:
    async with recognising() as (engine, server), engine.listen(RATE, phrases=["hello"]) as hearing:
        for end in range(3_200, len(SECOND) + 1, 3_200):
            hearing.write(SECOND[end - 3_200 : end])
            await server.received(ending(SECOND[:end]))
        assert server.asked == []
        transcript = await hearing.finish()
    assert (transcript.text, transcript.engine) == ("hello", server.url)
    [asked] = server.asked
    assert sounds(server) == [SECOND]
    assert asked.headers["transfer-encoding"] == "chunked"
    assert {name: value for name, value in asked.form.items() if name != "file"} == {
        "model": b"whisper-1",
        "prompt": b"hello",
        "response_format": b"json",
    }
    assert list(asked.form)[-1] == "file"


async def test_the_file_says_that_its_length_is_unknown() -> None:
    async with recognising() as (engine, server):
        await heard(engine)
    [file] = [asked.form["file"] for asked in server.asked]
    assert struct.unpack_from("<I", file, 4) == struct.unpack_from("<I", file, 40) == (0xFFFFFFFF,)
    sound, rate = soundfile.read(io.BytesIO(file), dtype="int16")
    assert (rate, sound.tobytes()) == (RATE, SECOND)


async def test_sound_at_another_rate_is_sent_at_16_khz() -> None:
    async with recognising() as (engine, server):
        await heard(engine, tone(1.0, 48_000) + b"\1", 48_000)
    samples = np.frombuffer(sounds(server)[0], "<i2")
    assert len(samples) == RATE
    assert np.abs(samples[500:-500] - np.frombuffer(SECOND, "<i2")[500:-500].astype(int)).max() < 200


async def test_it_is_wav_to_another_machine_too(far_away: None) -> None:
    async with recognising() as (engine, server):
        assert (await heard(engine)).text == "Hello."
    assert ways(server) == ["live"]
    assert sounds(server) == [SECOND]


@pytest.mark.parametrize("step", [1, 333, 10**6])
def test_a_file_holds_all_samples_however_they_come(step: int) -> None:
    pcm = SECOND[:8_000]
    file = LiveFile(RATE)
    data = b"".join([file.feed(pcm[at : at + step], last=False) for at in range(0, len(pcm), step)])
    assert (data + file.feed(b"", last=True))[HEADER:] == pcm


@pytest.mark.parametrize(
    ("choice", "announced", "way"),
    [("auto", False, "whole"), ("auto", True, "live"), ("live", False, "live"), ("whole", True, "whole")],
)
async def test_the_address_chooses_and_otherwise_the_endpoint(choice: str, announced: bool, way: str) -> None:
    said = b'{"data": [{"id": "whisper-1", "live_uploads": %b}]}' % (b"true" if announced else b"false")
    async with recognising(whole(said), choice=choice) as (engine, server):
        await engine.probe()
        server.asked.clear()
        assert (await heard(engine)).text == "Hello."
    assert ways(server) == [way]
    assert sounds(server) == [SECOND]


async def test_a_choice_that_is_none_is_told_as_such() -> None:
    with pytest.raises(SettingsError, match="auto, live or whole, not 'soon'"):
        async with recognising(choice="soon"):
            pass


@pytest.mark.parametrize(
    ("body", "takes"),
    [
        (b'{"data": [{"id": "a"}, {"id": "b", "live_uploads": true}]}', True),
        (b'{"data": [{"id": "a", "live_uploads": "yes"}, "b", 1]}', False),
        (b'{"live_uploads": true}', False),
        (b"true", False),
        (b"{", False),
    ],
)
def test_an_endpoint_says_in_its_list_what_it_takes(body: bytes, takes: bool) -> None:
    assert takes_live_uploads(body) == takes


NOT_TAKEN: dict[str, Reply] = {
    "a length is wanted": refusal("411 Length Required", "how long?"),
    "a form cut short": refusal("400 Bad Request", "no file"),
    "too long": refusal("413 Content Too Large", "too long"),
    "another format": refusal("415 Unsupported Media Type", "what is this?"),
    "no chunks": refusal("501 Not Implemented", "chunked?"),
    "waited too long": refusal("408 Request Timeout", ""),
    "a crash": refusal("500 Internal Server Error", "cannot decode"),
    "a bad gateway": whole(b"<html>", "text/html", "502 Bad Gateway"),
    "hung up": hang_up,
    "no transcript": whole(b'{"error": "cannot decode"}'),
    "nothing found in it": NOTHING,
}


@pytest.mark.parametrize("reply", NOT_TAKEN.values(), ids=NOT_TAKEN)
async def test_what_is_not_taken_live_is_sent_whole_and_from_then_on(reply: Reply) -> None:
    async with recognising(reply) as (engine, server):
        for _ in range(2):
            assert (await heard(engine)).text == "Hello."
    assert ways(server) == ["live", "whole", "whole"]
    assert sounds(server) == [SECOND] * 3


@pytest.mark.parametrize("after", [300, 1_000, 16_000])
@pytest.mark.parametrize("reply", [*NOT_TAKEN.values(), whole(b'{"text": "Hel"}')], ids=[*NOT_TAKEN, "an early end"])
async def test_an_answer_in_the_middle_of_the_utterance_loses_nothing_of_it(reply: Reply, after: int) -> None:
    async with recognising(cut_in=(after, reply)) as (engine, server):
        async with engine.listen(RATE) as hearing:
            hearing.write(SECOND[:16_000])
            await server.received(lambda body: len(body) > min(after, 15_000))
            hearing.write(SECOND[16_000:])
            assert (await hearing.finish()).text == "Hello."
        assert (await heard(engine)).text == "Hello."
    assert ways(server) == ["whole", "whole"]
    assert sounds(server) == [SECOND] * 2


async def test_a_refusal_is_noticed_while_the_user_still_speaks() -> None:
    noticed = trio.Event()

    async def refuse_and_wait(stream: trio.SocketStream) -> None:
        await refusal("401 Unauthorized", "who?")(stream)
        # the upload is ended in order, so that the connection could go on
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += await stream.receive_some() or b"0\r\n\r\n"
        noticed.set()

    async with recognising(cut_in=(1_000, refuse_and_wait)) as (engine, _), engine.listen(RATE) as hearing:
        hearing.write(SECOND)
        await noticed.wait()
        with pytest.raises(ProviderRefused, match="401"):
            await hearing.finish()


async def test_who_answers_early_and_reads_no_further_holds_nobody_up() -> None:
    noticed = trio.Event()

    async def refuse_and_wait(stream: trio.SocketStream) -> None:
        await refusal("413 Content Too Large", "enough")(stream)
        noticed.set()
        await trio.sleep_forever()

    async with recognising(cut_in=(1_000, refuse_and_wait)) as (engine, server), engine.listen(RATE) as hearing:
        hearing.write(long := tone(300.0, RATE))
        await noticed.wait()
        assert (await hearing.finish()).text == "Hello."
        assert sounds(server) == [long]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refusal("401 Unauthorized", "who?"), "unauthorized"),
        (refusal("404 Not Found", "what?"), "not_found"),
        (refusal("429 Too Many Requests", "later", "Retry-After: 7"), "busy"),
        (refusal("503 Service Unavailable", "later"), "busy"),
    ],
)
async def test_a_refusal_that_is_about_something_else_is_told_at_the_end_and_at_once(reply: Reply, code: str) -> None:
    async with recognising(cut_in=(1_000, reply)) as (engine, server):
        async with engine.listen(RATE) as hearing:
            hearing.write(SECOND)
            await server.received(lambda body: len(body) > 1_000)
            with pytest.raises((ProviderRefused, ProviderUnavailable)) as raised:
                await hearing.finish()
        assert raised.value.code == code
        assert (await heard(engine)).text == "Hello."
    assert ways(server) == ["live"]


async def test_what_is_wished_for_in_vain_is_no_fault_of_the_way_it_was_sent() -> None:
    async with recognising(refusal("400 Bad Request", "Unsupported response_format")) as (engine, server):
        for _ in range(2):
            assert (await heard(engine)).text == "Hello."
    assert ways(server) == ["live", "whole", "live"]
    assert [asked.form["response_format"] for asked in server.asked] == [b"json", b"text", b"text"]


async def test_silence_from_who_understood_before_is_silence() -> None:
    async with recognising(whole(b'{"text": "Hello."}'), NOTHING) as (engine, server):
        assert [(await heard(engine)).text for _ in range(2)] == ["Hello.", ""]
    assert ways(server) == ["live", "live"]


async def test_the_deadline_counts_from_the_end_of_the_utterance() -> None:
    async def slowly(stream: trio.SocketStream) -> None:
        await trio.sleep(0.1)
        await whole(b'{"text": "Hello."}')(stream)

    patience = Patience(first_byte=0.3)
    async with recognising(slowly, hang, patience=patience, per_second=0.0) as (engine, server):
        for wait in (0.4, 0.0):
            async with engine.listen(RATE) as hearing:
                hearing.write(SECOND)
                await trio.sleep(wait)
                if wait:
                    assert (await hearing.finish()).text == "Hello."
                    continue
                with pytest.raises(ProviderUnavailable, match=r"said nothing for 0\.3 s"):
                    await hearing.finish()
        await server.left.wait()


async def test_leaving_in_the_middle_closes_the_connection() -> None:
    async with recognising() as (engine, server):
        closed = trio.Event()
        serve = server.serve

        async def watched(stream: trio.SocketStream) -> None:
            await serve(stream)
            closed.set()

        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, watched, 0)
            url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1?upload=live"
            name = EndpointName.parse(url, RECOGNISERS)
            assert name is not None
            other = await OpenAIRecogniser.open(name, environment={})
            async with other.listen(RATE) as hearing:
                hearing.write(SECOND)
                await server.received(lambda body: len(body) > 10_000)
            await closed.wait()
            await other.aclose()
            nursery.cancel_scope.cancel()
        assert server.asked == []
        assert (await heard(engine)).text == "Hello."
    gc.collect()


@pytest.mark.parametrize("reply", [hang, stalled("application/json")], ids=["no answer", "half an answer"])
async def test_a_cancelled_end_closes_the_connection_and_the_next_one_works(reply: Reply) -> None:
    async with recognising(reply) as (engine, server):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heard, engine)
            await server.was_asked.wait()
            nursery.cancel_scope.cancel()
        await server.left.wait()
        assert (await heard(engine)).text == "Hello."


async def test_a_server_that_reads_nothing_holds_nobody_up() -> None:
    async def read_nothing(_: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, read_nothing, 0)
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1?upload=live"
        name = EndpointName.parse(url, RECOGNISERS)
        assert name is not None
        engine = await OpenAIRecogniser.open(name, environment={}, patience=Patience(first_byte=0.05), per_second=0.0)
        with trio.fail_after(5), pytest.raises(ProviderUnavailable, match="said nothing"):
            await heard(engine, tone(300.0, RATE))
        await engine.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(3_000)])
@pytest.mark.parametrize("choice", ["live", "whole"])
async def test_what_is_too_short_for_a_word_is_not_sent(pcm: bytes, choice: str) -> None:
    async with recognising(choice=choice) as (engine, server):
        assert (await heard(engine, pcm)).text == ""
    assert server.connections == 0


async def test_a_rate_that_is_none_is_refused() -> None:
    async with recognising() as (engine, _):
        with pytest.raises(SettingsError, match="at least 1 Hz"):
            async with engine.listen(0):
                pass
