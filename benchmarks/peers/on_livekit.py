"""livekit-agents' side of the contest: jobs as lines in, what happened as lines out.

An ``AgentSession`` without a room, with an audio input and output of our own around the transcript synchroniser, as its
room has it.  It runs in an environment of its own and knows nothing of this project.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterable
from importlib.metadata import version
from itertools import count
from typing import Any

from asyncio_host import attend, listener
from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    APITimeoutError,
    inference,
    llm,
    stt,
    tokenize,
    tts,
    utils,
)
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, TimedString
from livekit.agents.voice import io
from livekit.agents.voice.transcription import TranscriptSynchronizer
from world import RATE, Device, Stage, now, serve

AHEAD = 0.2
"""Seconds that may be queued in the device: what its room's audio source holds."""


class Microphone(io.AudioInput):
    def __init__(self, stage: Stage) -> None:
        super().__init__(label="microphone")
        self._stage, self._indices = stage, count()

    async def __anext__(self) -> rtc.AudioFrame:
        index = next(self._indices)
        await asyncio.sleep(max(0.0, self._stage.due(index) - now()))
        pcm = self._stage.frame(index)
        return rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2)


class Speaker(io.AudioOutput):
    """What is captured waits here, and goes to the device as fast as that takes it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(label="speaker", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE)
        self.device = Device(stage.tape)
        self._waiting: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._finishing: asyncio.Task[None] | None = None
        self._before = 0
        self._begun = False
        self._forwarding = asyncio.create_task(self._forward())

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._finishing is not None:
            await self._finishing
        self._waiting.append(bytes(frame.data))
        self._more.set()

    def flush(self) -> None:
        super().flush()
        if self._begun or self._waiting:
            self._finishing = asyncio.create_task(self._finish())

    def clear_buffer(self) -> None:
        self._waiting.clear()
        self.device.clear()
        self._interrupted.set()

    def pause(self) -> None:
        super().pause()
        self.device.hold()

    def resume(self) -> None:
        super().resume()
        self.device.go_on()

    async def _forward(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                if (ahead := self.device.queued() - AHEAD) > 0:
                    await asyncio.sleep(max(0.005, min(ahead, 0.02)))
                    continue
                if not self._begun:
                    self._begun = True
                    self.on_playback_started(created_at=time.time())
                self.device.write(self._waiting.popleft())

    async def _finish(self) -> None:
        # the device is arithmetic on the clock, so nothing happens in it that could set an event
        while (self._waiting or self.device.queued()) and not self._interrupted.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        interrupted = self._interrupted.is_set()
        self._interrupted.clear()
        self.device.go_on()
        played, self._before = self.device.played() - self._before, self.device.played()
        self._begun, self._finishing = False, None
        self.on_playback_finished(playback_position=played / RATE, interrupted=interrupted)

    async def aclose(self) -> None:
        await utils.aio.cancel_and_wait(self._forwarding)


class Ears(stt.STT):
    def __init__(self, stage: Stage, name: str, fault: str | None) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._stage, self._name, self._fault = stage, name, fault

    async def _recognize_impl(
        self, buffer: utils.AudioBuffer, *, language: Any = None, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        self._stage.note("stt asked", self._name)
        if self._fault == "hangs":
            await asyncio.sleep(conn_options.timeout)
            raise APITimeoutError
        await asyncio.sleep(self._stage.job["stt"])
        if self._fault == "raises":
            raise APIConnectionError
        text = self._stage.heard(bytes(rtc.combine_audio_frames(buffer).data))
        self._stage.note("stt answered", self._name, text)
        said = [stt.SpeechData(language=LanguageCode("en"), text=text)]
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=said)


class Mind(llm.LLM):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: Any = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        return Thought(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Thought(llm.LLMStream):
    async def _run(self) -> None:
        stage = self._llm.stage
        tokens = stage.called()
        said = [each.text_content for each in self._chat_ctx.items if each.type == "message" and each.role == "user"]
        stage.note("transcript", said[-1] if said else "")
        try:
            await asyncio.sleep(stage.job["llm_first"])
            stage.note("first text")
            for token in tokens:
                self._event_ch.send_nowait(
                    llm.ChatChunk(id="it", delta=llm.ChoiceDelta(role="assistant", content=token))
                )
                await asyncio.sleep(stage.job["llm_token"])
            if stage.job["llm_goes_on"]:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(stage.job["llm_clean_up"])


class TimedVoice(tts.TTS):
    """Knows when its words are: streams, and is given tokens of which it makes sentences, as the plugins do."""

    def __init__(self, stage: Stage, name: str, *, mortal: bool) -> None:
        capabilities = tts.TTSCapabilities(streaming=True, aligned_transcript=True)
        super().__init__(capabilities=capabilities, sample_rate=RATE, num_channels=1)
        self.stage, self.name, self.mortal = stage, name, mortal

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        return TimedSpeech(tts=self, conn_options=conn_options)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return self._synthesize_with_stream(text, conn_options=conn_options)


class TimedSpeech(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        sentences = tokenize.blingfire.SentenceTokenizer().stream()
        output_emitter.initialize(
            request_id=utils.shortuuid(), sample_rate=RATE, num_channels=1, mime_type="audio/pcm", stream=True
        )
        output_emitter.start_segment(segment_id=utils.shortuuid())

        async def read() -> None:
            async for data in self._input_ch:
                if isinstance(data, str):
                    sentences.push_text(data)
                else:
                    sentences.flush()
            sentences.end_input()

        reading = asyncio.create_task(read())
        at = 0.0
        try:
            async for sentence in sentences:
                self._mark_started()
                at = await speak(self._tts, sentence.token, output_emitter, at, timed=True)
                output_emitter.flush()
        finally:
            await utils.aio.cancel_and_wait(reading)
            await sentences.aclose()


class Voice(tts.TTS):
    """Knows no times of its words, and is given sentences by the framework."""

    def __init__(self, stage: Stage, name: str, *, mortal: bool) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.stage, self.name, self.mortal = stage, name, mortal

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return Speech(tts=self, input_text=text, conn_options=conn_options)


class Speech(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id=utils.shortuuid(), sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        await speak(self._tts, self._input_text, output_emitter, 0.0, timed=False)
        output_emitter.flush()


async def speak(voice: Any, text: str, emitter: tts.AudioEmitter, at: float, *, timed: bool) -> float:
    """One sentence, from ``at`` on; when it ends."""
    stage = voice.stage
    stage.note("tts asked", voice.name, text)
    await asyncio.sleep(stage.job["tts"])
    stage.note("tts answered", voice.name)
    spoken = list(stage.speech(text))
    dies = voice.mortal and stage.dies()
    for _, start, end, pcm in spoken[: len(spoken) // 2] if dies else spoken:
        finish = at + len(pcm) / 2 / RATE
        if timed:
            emitter.push_timed_transcript(TimedString(text[start : end + 1] + " ", start_time=at, end_time=finish))
        emitter.push(pcm)
        at = finish
    if dies:
        emitter.flush()
        await asyncio.sleep(0.05)
        stage.note("tts died", voice.name)
        raise APIConnectionError
    return at


class Unread(io.TextOutput):
    """Somebody who could read along, as the room's is."""

    def __init__(self) -> None:
        super().__init__(label="unread", next_in_chain=None)

    async def capture_text(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


def options_of(job: dict[str, Any]) -> dict[str, Any]:
    """There is no echo here, so that nobody waits for the echo canceller."""
    if job["settings"] == "default":
        return {"aec_warmup_duration": None}
    return {
        "aec_warmup_duration": None,
        "vad": inference.VAD(min_silence_duration=0.2),
        "turn_handling": {
            "turn_detection": "vad",
            "endpointing": {"min_delay": job["pause"], "max_delay": job["pause"]},
            "interruption": {"mode": "vad", "min_duration": 0.2},
            "preemptive_generation": {"enabled": False},
        },
    }


def engines_of(stage: Stage) -> tuple[stt.STT, tts.TTS]:
    fault = stage.job.get("stt_fault")
    ears: stt.STT = Ears(stage, "first", fault)
    if fault:
        ears = stt.FallbackAdapter([ears, Ears(stage, "second", None)], vad=inference.VAD(min_silence_duration=0.2))
        if stage.job.get("stt_whole"):
            ears = stt.StreamAdapter(stt=ears, vad=inference.VAD(min_silence_duration=0.2))
    kind = TimedVoice if stage.job.get("timed", True) else Voice
    mortal = stage.job.get("tts_fault") is not None
    voice: tts.TTS = kind(stage, "first", mortal=mortal)
    if mortal:
        voice = tts.FallbackAdapter([voice, kind(stage, "second", mortal=False)])
    return ears, voice


async def session(stage: Stage) -> list[str]:
    ears, voice = engines_of(stage)
    there = AgentSession(
        stt=ears,
        llm=Mind(stage),
        tts=voice,
        use_tts_aligned_transcript=stage.job.get("timed", True),
        **options_of(stage.job),
    )
    speaker = Speaker(stage)
    synchronizer = TranscriptSynchronizer(next_in_chain_audio=speaker, next_in_chain_text=Unread())
    there.input.audio = Microphone(stage)
    there.output.audio = synchronizer.audio_output
    there.output.transcription = synchronizer.text_output
    await there.start(Agent(instructions="You answer."), record=False)
    stage.begin()
    await attend(stage)
    speaker.device.played()
    believed = [
        each.text_content for each in there.history.items if each.type == "message" and each.role == "assistant"
    ]
    await there.aclose()
    await synchronizer.aclose()
    await speaker.aclose()
    return believed


def talk(job: dict[str, Any]) -> dict[str, Any]:
    stage = Stage(job)
    return stage.report(asyncio.run(session(stage)))


def hop(job: dict[str, Any]) -> dict[str, Any]:
    """Through its own channel."""

    async def run() -> dict[str, float]:
        async def forward(source: AsyncIterable[int], target: utils.aio.Chan[int]) -> None:
            async for item in source:
                await target.send(item)
            target.close()

        first = channel = utils.aio.Chan[int](64)
        tasks = []
        for _ in range(job["tasks"]):
            following = utils.aio.Chan[int](64)
            tasks.append(asyncio.create_task(forward(channel, following)))
            channel = following

        begun = time.perf_counter()
        for item in range(job["items"]):
            await first.send(item)
            await channel.recv()
        took = time.perf_counter() - begun
        first.close()
        await asyncio.gather(*tasks)
        return {"channel": 1e6 * took / job["items"] / (job["tasks"] + 1)}

    return asyncio.run(run())


if __name__ == "__main__":
    logging.disable(logging.INFO)
    names = ("livekit-agents", "livekit", "livekit-local-inference", "numpy")
    serve({"talk": talk, "listen": listener(session), "hop": hop}, {name: version(name) for name in names})
