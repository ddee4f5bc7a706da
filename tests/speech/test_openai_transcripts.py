"""What a recogniser's answers hold beside the text, and what is asked for to get it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import soundfile
import trio

from actors.errors import ProviderRefused, ProviderUnavailable
from actors.messages import HeardWord, Transcript
from tests.speech.speech_server import Reply, refusal, streamed, tone, whole
from tests.speech.test_openai_stt import SECOND, recognising
from voicemode.http_client import Address
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.transcript_body import NotATranscript, TranscriptBody

WORDS = (HeardWord(text="Hello", begin=0.1, finish=0.4), HeardWord(text="there.", begin=0.5, finish=0.9))
TIMED = [{"word": " Hello", "start": 0.1, "end": 0.4}, {"word": "there.", "start": 0.5, "end": 0.9}]


def answer(value: object) -> Reply:
    return whole(json.dumps(value).encode())


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def delta(text: str) -> bytes:
    return event(type="transcript.text.delta", delta=text)


async def heard(engine: OpenAIRecogniser, partial: Callable[[str], None] | None = None) -> Transcript:
    async with engine.listen(16_000, partial=partial) as hearing:
        hearing.write(SECOND)
        return await hearing.finish()


DONE = event(type="transcript.text.done", text="Hello there.", usage={"type": "duration", "seconds": 1})


def events(*parts: bytes, kind: str = "text/event-stream; charset=utf-8", **options: Any) -> Reply:
    return streamed(*parts, kind=kind, **options)


@pytest.mark.parametrize(
    "said",
    [
        {"text": "Hello there.", "duration": 1.0, "words": TIMED},
        {"text": "Hello there.", "segments": [{"id": 0, "words": TIMED[:1]}, {"words": TIMED[1:]}, {"id": 2}]},
    ],
)
async def test_the_times_of_words_are_asked_for_and_given(said: object) -> None:
    async with recognising(answer(said), words=True) as (engine, server):
        transcript = await engine.transcribe(SECOND, 16_000)
    assert (transcript.text, transcript.words) == ("Hello there.", WORDS)
    form = server.asked[0].form
    assert (form["response_format"], form["timestamp_granularities[]"]) == (b"verbose_json", b"word")


async def test_words_that_make_no_sense_are_left_away() -> None:
    odd = [
        {"word": " ", "start": 0, "end": 1},
        {"word": "a", "start": 2, "end": 1},
        {"word": "b", "start": -1, "end": 0},
    ]
    async with recognising(answer({"text": "Hello there.", "words": [*TIMED, *odd]}), words=True) as (engine, _):
        assert (await engine.transcribe(SECOND, 16_000)).words == WORDS


async def test_an_engine_without_times_of_words_still_gives_its_text() -> None:
    no = refusal("400 Bad Request", "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'")
    async with recognising(no, words=True) as (engine, server):
        for _ in range(2):
            transcript = await engine.transcribe(SECOND, 16_000)
            assert (transcript.text, transcript.words) == ("Hello.", ())
    assert [asked.form["response_format"] for asked in server.asked] == [b"verbose_json", b"json", b"json"]
    assert "timestamp_granularities[]" not in server.asked[1].form


async def test_text_comes_while_it_is_heard_for_whoever_asks() -> None:
    known: list[str] = []
    more = trio.Event()

    async def before(index: int) -> None:
        if index == 2:
            await more.wait()

    def partial(text: str) -> None:
        known.append(text)
        if len(known) == 2:
            more.set()

    async with recognising(events(delta("Hello"), delta(" there"), DONE, before=before)) as (engine, server):
        transcript = await heard(engine, partial=partial)
    assert known == ["Hello", "Hello there", "Hello there."]
    assert transcript.text == "Hello there."
    assert server.asked[0].form["stream"] == b"true"


async def test_an_engine_that_does_not_stream_is_asked_without() -> None:
    no = refusal("422 Unprocessable Content", "stream: extra fields not permitted")
    known: list[str] = []
    async with recognising(no) as (engine, server):
        for _ in range(2):
            assert (await heard(engine, partial=known.append)).text == "Hello."
    assert ["stream" in asked.form for asked in server.asked] == [True, False, False]
    assert known == []


@pytest.mark.parametrize(
    "body",
    [
        delta("Hello") + delta(" there.") + DONE,
        b": hi\r\nevent: transcript.text.delta\r\n"
        + delta("Hello").replace(b"\n", b"\r\n")
        + DONE
        + b"data: [DONE]\n\n",
        delta("Hello there.") + b"data: [DONE]",
        event(text="Hello") + event(text=" there.", words=TIMED),
        DONE.rstrip(),
        b"\xef\xbb\xbf" + DONE,
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_events_are_read_however_they_are_cut_and_also_when_nobody_asked(body: bytes, step: int) -> None:
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    for kind in ("text/event-stream", "application/json"):
        reading = TranscriptBody(kind)
        for part in parts:
            reading.feed(part)
        if kind == "text/event-stream" or not body.startswith((b":", b"\xef")):
            reading.end()
            assert reading.text == "Hello there."
    async with recognising(events(body)) as (engine, _):
        assert (await engine.transcribe(SECOND, 16_000)).text == "Hello there."


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (delta("Hello"), "the beginning of one"),
        (b"", "the beginning of one"),
        (b"data: {\n\n", "broken JSON"),
        (b"data: []\n\n", "JSON of another kind"),
        (delta("Hello") + event(error={"message": "out of memory"}), r"an error \(out of memory\)"),
        (event(type="error", message="out of memory"), r"an error \(out of memory\)"),
        (b"data: " + b"x" * (1 << 20) + b"\n", "without an end"),
    ],
)
async def test_events_that_are_no_transcript_are_told_as_such(body: bytes, reason: str) -> None:
    async with recognising(events(body)) as (engine, _):
        with pytest.raises(ProviderUnavailable, match=reason) as raised:
            await engine.transcribe(SECOND, 16_000)
    assert raised.value.code == "no_transcript"


async def test_a_stream_that_breaks_off_is_told_as_such_after_what_was_heard() -> None:
    known: list[str] = []
    async with recognising(events(delta("Hello"), ends=False)) as (engine, _):
        with pytest.raises(ProviderUnavailable, match="broke off"):
            await heard(engine, partial=known.append)
    assert known == ["Hello"]


async def test_a_prompt_is_sent_before_the_phrases() -> None:
    async with recognising(prompt="Trio, Kokoro") as (engine, server):
        await engine.transcribe(SECOND, 16_000)
        await engine.transcribe(SECOND, 16_000, phrases=["Yes.", "No."])
    assert [asked.form["prompt"] for asked in server.asked] == [b"Trio, Kokoro", b"Trio, Kokoro, Yes., No."]
    async with recognising(choices="?prompt=Claude", prompt="Trio") as (engine, server):
        await engine.transcribe(SECOND, 16_000)
    assert server.asked[0].form["prompt"] == b"Claude"


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Address, "loopback", False)
    for name in ("ALL_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_to_another_machine_the_sound_goes_as_flac(far_away: None) -> None:
    async with recognising() as (engine, server):
        await engine.transcribe(tone(1.0, 48_000), 48_000)
    (asked,) = server.asked
    assert b'filename="utterance.flac"\r\nContent-Type: audio/flac' in asked.body
    sound, rate = soundfile.read(io.BytesIO(asked.form["file"]), dtype="int16")
    assert (rate, len(sound)) == (16_000, 16_000)
    assert len(asked.form["file"]) < 32_000


@pytest.mark.parametrize(
    "no",
    [
        refusal("415 Unsupported Media Type", "only wave"),
        refusal("400 Bad Request", "Invalid file format. Supported formats: ['wav']"),
        refusal("400 Bad Request", "failed to decode audio data"),
        refusal("422 Unprocessable Content", "audio/flac is not supported"),
    ],
)
async def test_an_endpoint_without_flac_gets_wav_from_then_on(far_away: None, no: Reply) -> None:
    async with recognising(no) as (engine, server):
        for _ in range(2):
            assert (await engine.transcribe(SECOND, 16_000)).text == "Hello."
    assert [asked.form["file"][:4] for asked in server.asked] == [b"fLaC", b"RIFF", b"RIFF"]


async def test_what_is_refused_for_other_reasons_is_not_sent_again(far_away: None) -> None:
    async with recognising(refusal("400 Bad Request", "no such model")) as (engine, server):
        with pytest.raises(ProviderRefused, match="no such model"):
            await engine.transcribe(SECOND, 16_000)
    assert len(server.asked) == 1


def test_a_transcript_without_an_end_is_given_up() -> None:
    body = TranscriptBody("text/plain")
    with pytest.raises(NotATranscript, match="without an end"):
        for _ in range(200):
            body.feed(b"word " * 9999)
