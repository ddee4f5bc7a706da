"""What it costs to tell speech from silence: the Silero model through its port, and the whole actor round it.

A window is 32 ms of sound.  First as fast as it goes, then at the pace of a microphone, when the caches are cold and
the processor may have gone to sleep.
"""

from __future__ import annotations

import math
import sys
import time

import trio
from report import Budget, Findings, figure, run
from stand_ins import LISTENING_RATE, human_voice

from actors.messages import SAMPLE_BYTES, AudioFrame, SpeechActivity, SpeechEvent
from actors.ports import SpeechModel
from actors.ring import Ring
from actors.vad import detect_speech
from voicemode import EndpointPolicy
from voicemode.audio.level import level_of
from voicemode.speech.registry import load_speech_model

FRAME = LISTENING_RATE // 100
REAL_TIME = Budget(at_most=32, statistic="p99")
"""Milliseconds that a window lasts: who takes longer falls behind the microphone."""

MANY = 16

CLIP = "librivox-0870.wav"


def frames_of(seconds: float, begin: float) -> list[AudioFrame]:
    """A recorded voice, over and over, in frames of 10 ms."""
    voice = human_voice(CLIP).pcm
    pcm = voice * math.ceil(seconds * LISTENING_RATE * SAMPLE_BYTES / len(voice))
    step = FRAME * SAMPLE_BYTES
    return [
        AudioFrame(start=begin + number / 100, pcm=pcm[number * step : (number + 1) * step], rate=LISTENING_RATE)
        for number in range(round(seconds * 100))
    ]


async def inference(model: SpeechModel, windows: int) -> list[float]:
    """Milliseconds for each call of the port."""
    pcm = b"".join(frame.pcm for frame in frames_of(windows * model.window / model.rate + 1, 0.0))
    size = model.window * SAMPLE_BYTES
    stream = model.stream()
    took: list[float] = []
    for number in range(windows):
        window = pcm[number * size : (number + 1) * size]
        begun = time.perf_counter()
        await stream.probability(window)
        took.append(1000 * (time.perf_counter() - begun))
    return took


async def together(model: SpeechModel, streams: int, windows: int) -> list[float]:
    """Milliseconds for a window of each of many streams, all at once."""
    pcm = b"".join(frame.pcm for frame in frames_of(windows * model.window / model.rate + 1, 0.0))
    size = model.window * SAMPLE_BYTES
    all_streams = [model.stream() for _ in range(streams)]
    took: list[float] = []
    for number in range(windows):
        window = pcm[number * size : (number + 1) * size]
        begun = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for stream in all_streams:
                nursery.start_soon(stream.probability, window)
        took.append(1000 * (time.perf_counter() - begun))
        # so many are not judged at once as long as there is no hurry
        await trio.sleep(model.window / model.rate)
    return took


async def at_once(model: SpeechModel, seconds: float) -> tuple[list[float], float]:
    """Milliseconds from window to window when all sound is there already, and processor seconds for a second of it."""
    frames = frames_of(seconds, 0.0)
    ring = Ring[AudioFrame](len(frames))
    for frame in frames:
        ring.put_nowait(frame)
    ring.close()
    send, receive = trio.open_memory_channel[SpeechEvent](0)
    took: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_detect, ring, send, model)
        cpu = time.process_time()
        last = time.perf_counter()
        async for event in receive:
            if isinstance(event, SpeechActivity):
                took.append(1000 * (time.perf_counter() - last))
                last = time.perf_counter()
        cpu = time.process_time() - cpu
    return took, cpu / seconds


async def at_pace(model: SpeechModel, seconds: float) -> list[float]:
    """Milliseconds from the end of the frame that completes a window to what is known of it."""
    frames = frames_of(seconds, trio.current_time())
    ring = Ring[AudioFrame](len(frames))
    send, receive = trio.open_memory_channel[SpeechEvent](0)
    took: list[float] = []

    async def microphone() -> None:
        for frame in frames:
            await trio.sleep_until(frame.end)
            ring.put_nowait(frame)
        ring.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_detect, ring, send, model)
        nursery.start_soon(microphone)
        async for event in receive:
            if isinstance(event, SpeechActivity):
                last_frame = math.ceil((event.at - frames[0].start) * 100 - 1e-6)
                took.append(1000 * (trio.current_time() - frames[0].start - last_frame / 100))
    return took


async def _detect(ring: Ring[AudioFrame], send: trio.MemorySendChannel[SpeechEvent], model: SpeechModel) -> None:
    await detect_speech(ring, send, model=model, level_of=level_of, policy=EndpointPolicy())


async def measure_all(smoke: bool) -> Findings:
    model = await load_speech_model("silero")
    await inference(model, 50)
    calls = await inference(model, 200 if smoke else 5_000)
    many = await together(model, MANY, 30 if smoke else 500)
    windows, share = await at_once(model, 10 if smoke else 200)
    waits = await at_pace(model, 3 if smoke else 60)
    return Findings(
        figures=(
            figure("one window through the port", "ms", calls, REAL_TIME),
            figure("sixteen at once", "ms", many, Budget(at_most=1, statistic="p50")),
            figure("  each of them", "ms", [took / MANY for took in many]),
            figure("one window through the actor", "ms", windows, REAL_TIME),
            figure("  processor time, share of a core", "%", [100 * share], Budget(at_most=3)),
            figure("at pace: frame there → window judged", "ms", waits, REAL_TIME),
        )
    )


def measure(smoke: bool) -> Findings:
    return trio.run(measure_all, smoke)


def main(arguments: list[str] | None = None) -> int:
    return run("vad", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
