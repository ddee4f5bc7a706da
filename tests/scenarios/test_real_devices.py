"""Conversations at a desk: a real sound server with a virtual microphone and speaker, a real voice, a real detector.

What one says has to arrive at the other's end to the sample, and the devices may go at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import trio
from attrs import evolve
from numpy.typing import NDArray

from actors.errors import DeviceError
from actors.events import UtteranceRecorded
from actors.machines.endpointer import EndpointPolicy
from actors.messages import (
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakingStarted,
    SpeechActivity,
    SpeechStarted,
    Utterance,
)
from actors.results import TurnResult
from tests.desk import SETTINGS, Desk, Difference, at_desk, difference, human_voice, mouth, spans
from tests.virtual_audio import DEADLINE, VirtualAudio, missing, until
from voicemode import open_conversation
from voicemode.audio import portaudio, portaudio_speaker
from voicemode.audio.files import read_audio
from voicemode.audio.store import DirectoryStore
from voicemode.speech.registry import load_text_to_speech

pytestmark = pytest.mark.realtime

LISTENING_RATE, VOICE_RATE = 16_000, 22_050
"""Of who listens and of espeak-ng: a server at these resamples nothing."""

STORY = "It stood in a shed behind the mill, and nobody knew."

HELD = 0.05
"""Seconds that the speaker holds here.  With the usual 15 ms a busy machine lets it run dry, and then ALSA's plugin for
PulseAudio now and then loses a block."""

SEAM = 0.08
"""Seconds of speech that may be heard twice, or not at all, where a device was lost: what it held, and the recorder."""

QUICK = evolve(SETTINGS, endpoint=EndpointPolicy(hangover=0.3))

UNPLUGGING = 0.1
"""Seconds that it takes to unplug everything."""

TURN = 20.0

Samples = NDArray[np.int16]


@pytest.fixture
def audio(require: Callable[[object, str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualAudio]:
    require(not (absent := missing()), f"not installed: {absent}")
    monkeypatch.setattr(portaudio_speaker, "LATENCY", HELD)
    with VirtualAudio(LISTENING_RATE, VOICE_RATE) as audio, audio.in_process():
        yield audio


@asynccontextmanager
async def desk_with(audio: VirtualAudio, **parts: object) -> AsyncGenerator[Desk]:
    tts = await load_text_to_speech("espeak-ng")
    assert tts.rate == VOICE_RATE
    with trio.fail_after(TURN):
        async with at_desk(audio, tts, settings=QUICK, **parts) as desk:
            yield desk


def samples_of(utterance: Utterance) -> Samples:
    return np.frombuffer(utterance.pcm, "<i2").astype(np.int16)


def sounding(samples: Samples) -> Samples:
    """Silence is ambiguous: a busy machine puts some between two samples, and takes none away."""
    return samples[samples != 0]


async def heard_in(desk: Desk, since: float = 0.0) -> Samples:
    return samples_of((await desk.log.first(UtteranceRecorded, since)).utterance)


async def test_nothing_of_three_turns_is_lost_although_the_user_answers_at_once(audio: VirtualAudio) -> None:
    user_says, made = human_voice(), []
    async with audio.record() as recording, mouth(audio) as user, desk_with(audio) as desk:
        for pause in (0.0, 0.0, -0.1):
            desk.voice.begin()
            began = trio.current_time()
            results: list[TurnResult] = []

            async def ask(results: list[TurnResult] = results) -> None:
                results.append(await desk.conversation.converse("Shall I go on?"))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                started = await desk.log.first(SpeakingStarted, began)
                await desk.voice.made.wait()
                over = started.at + desk.voice.seconds
                await trio.sleep_until(over + pause)
                await user.say(user_says.tobytes())
            made.append(desk.voice.samples)
            heard = await heard_in(desk, began)
            assert difference(user_says, heard) == Difference()
            assert (results[0].outcome, results[0].spoken.complete, results[0].losses) == ("heard", True, ())
        assert desk.microphone.dropped == 0
    samples = recording.samples()
    said = [samples[begin:end] for begin, end in spans(samples, recording.rate)]
    assert len(said) == 3
    for sentence, engine in zip(said, made, strict=True):
        assert difference(sounding(engine), sounding(sentence)) == Difference()


async def test_the_words_go_on_where_they_were_when_a_dead_sound_server_is_back(audio: VirtualAudio) -> None:
    results: list[TurnResult] = []

    async def tell() -> None:
        results.append(await desk.conversation.say(STORY))

    async with desk_with(audio) as desk, trio.open_nursery() as nursery:
        async with audio.record() as before:
            nursery.start_soon(tell)
            started = await desk.log.first(SpeakingStarted)
            await trio.sleep_until(started.at + 0.8)
            audio.kill()
            failed = await desk.log.first(SpeakerFailed)
        # the speaker is looked for after 0.1, 0.3 and 0.7 s: the recording has to begin before it is found
        await trio.sleep_until(failed.at + 0.35)
        await trio.to_thread.run_sync(audio.start)
        async with audio.record() as after:
            await until(lambda: results)
    assert "'default' has gone" in str(failed.error)
    [result] = results
    assert (result.outcome, result.spoken.heard, result.spoken.complete) == ("said", STORY, True)
    [loss] = result.losses
    assert loss.device == "speaker"
    assert loss.seconds is not None
    heard, rest = sounding(before.samples()), sounding(after.samples())
    engine = sounding(desk.voice.samples)
    assert np.array_equal(engine[: len(heard)], heard)
    assert np.array_equal(engine[-len(rest) :], rest)
    assert abs(len(heard) + len(rest) - len(engine)) <= SEAM * VOICE_RATE


async def test_a_user_who_speaks_when_a_dead_sound_server_is_back_is_heard_whole(audio: VirtualAudio) -> None:
    user_says, results = human_voice(), []

    async def listen() -> None:
        results.append(await desk.conversation.listen())

    async with desk_with(audio) as desk, trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await desk.log.first(MicrophoneOpened)
        await trio.sleep(0.3)
        audio.kill()
        failed = await desk.log.first(MicrophoneFailed)
        await trio.to_thread.run_sync(audio.start)
        await desk.log.first(MicrophoneOpened, failed.at)
        await audio.say(user_says)
    [result] = results
    assert (result.outcome, result.transcript) == ("heard", "yes")
    assert {loss.device for loss in result.losses if loss.seconds is not None} == {"speaker", "microphone"}
    assert difference(user_says, await heard_in(desk)) == Difference()


@pytest.mark.parametrize("noticed", [False, True])
async def test_a_conversation_is_closed_although_the_sound_server_hangs(audio: VirtualAudio, noticed: bool) -> None:
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery, desk_with(audio) as desk:
            nursery.start_soon(desk.conversation.converse, STORY)
            await desk.log.first(SpeakingStarted)
            # PortAudio 19.6 never closes a stream again that it could not start within a second
            await desk.log.first(SpeechActivity)
            audio.stall()
            if noticed:
                await desk.log.first(SpeakerFailed)
            nursery.cancel_scope.cancel()
    audio.resume()
    # the thread that hung with the server closes what was left to close; a stuck one fails the test
    await until(lambda: portaudio.open_streams() == 0)
    await until(lambda: not audio.captures() and not audio.playbacks())


async def test_what_was_said_until_the_microphone_was_unplugged_is_understood_and_kept(
    audio: VirtualAudio, tmp_path: Path
) -> None:
    user_says, results = human_voice(), []

    async def listen() -> None:
        results.append(await desk.conversation.listen())

    store = DirectoryStore(tmp_path, keep=True)
    async with desk_with(audio, store=store) as desk, mouth(audio) as user, trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await desk.log.first(MicrophoneOpened)
        await user.say(user_says.tobytes())
        started = await desk.log.first(SpeechStarted)
        await trio.sleep_until(started.at + 0.9)
        await trio.to_thread.run_sync(audio.unplug)
        failed = await desk.log.first(MicrophoneFailed)
    [result] = results
    assert (result.outcome, result.transcript) == ("heard", "yes")
    assert {loss.device for loss in result.losses} == {"speaker", "microphone"}
    heard = np.trim_zeros(await heard_in(desk))
    # one device goes after the other, and meanwhile PulseAudio moves the microphone to what is left
    surely = heard[: round(-UNPLUGGING * LISTENING_RATE)]
    assert np.array_equal(surely, user_says[: len(surely)])
    assert 0.7 * LISTENING_RATE < len(surely) < len(user_says)
    assert failed.at > started.at + 0.8
    assert result.utterance is not None
    kept = np.frombuffer(read_audio(result.utterance, LISTENING_RATE).pcm, "<i2")
    assert np.array_equal(np.trim_zeros(kept), heard)


async def test_the_microphone_is_closed_on_every_way_out(audio: VirtualAudio) -> None:
    async def listening(way_out: Callable[[Desk, trio.CancelScope], object]) -> None:
        async with trio.open_nursery() as nursery:
            since = trio.current_time()

            async def listen() -> None:
                with trio.CancelScope() as scope:
                    scopes.append(scope)
                    await desk.conversation.listen()
                done.set()

            scopes: list[trio.CancelScope] = []
            done = trio.Event()
            nursery.start_soon(listen)
            await desk.log.first(MicrophoneOpened, since)
            assert audio.captures()
            way_out(desk, scopes[0])
            await done.wait()
        await until(lambda: not audio.captures())

    async with desk_with(audio) as desk:
        await listening(lambda desk, _: desk.conversation.stop())
        await listening(lambda desk, _: desk.conversation.end_turn())
        await listening(lambda _, scope: scope.cancel())
        assert audio.playbacks()
    with pytest.RaisesGroup(ZeroDivisionError):
        async with trio.open_nursery() as nursery, desk_with(audio) as desk:
            nursery.start_soon(desk.conversation.listen)
            await desk.log.first(MicrophoneOpened)
            raise ZeroDivisionError
    await until(lambda: not audio.captures() and not audio.playbacks())


async def test_without_a_sound_server_it_is_said_what_to_do_and_with_one_it_works(audio: VirtualAudio) -> None:
    audio.kill()
    with pytest.raises(DeviceError, match="no sound card or sound server answers"):
        async with open_conversation(SETTINGS):
            pytest.fail("it cannot begin")
    await trio.to_thread.run_sync(audio.start)
    async with open_conversation(SETTINGS) as conversation:
        assert (await conversation.say("Yes.")).spoken.heard == "Yes."
