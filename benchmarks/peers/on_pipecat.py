"""pipecat's side of the contest: jobs as lines in, what happened as lines out.

A ``Pipeline`` as its own templates build it, with an input and output transport in this process.  It runs in an
environment of its own and knows nothing of this project.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from importlib.metadata import version
from itertools import count
from typing import Any

from asyncio_host import attend, listener
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.service_switcher import ServiceSwitcher, ServiceSwitcherStrategyFailover
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from world import RATE, Device, Stage, now, serve

AHEAD = 0.06
"""Seconds that may be queued in the device: about the buffer of its local transport."""

VAD_STOP = 0.2
"""Its default, which it recommends to leave."""


class Input(BaseInputTransport):
    def __init__(self, stage: Stage, params: TransportParams) -> None:
        super().__init__(params)
        self._stage = stage
        self._feeding: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._feeding = self.create_task(self._feed())

    async def cleanup(self) -> None:
        await super().cleanup()
        if self._feeding is not None:
            await self.cancel_task(self._feeding)
            self._feeding = None

    async def _feed(self) -> None:
        for index in count():
            await asyncio.sleep(max(0.0, self._stage.due(index) - now()))
            pcm = self._stage.frame(index)
            await self.push_audio_frame(InputAudioRawFrame(audio=pcm, sample_rate=RATE, num_channels=1))


class Output(BaseOutputTransport):
    """What an interruption finds in the device is cleared, as its telephone serialisers have it done."""

    def __init__(self, stage: Stage, params: TransportParams) -> None:
        super().__init__(params)
        self.device = Device(stage.tape)

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InterruptionFrame):
            self.device.clear()
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self.device.write(frame.audio)
        # the device is arithmetic on the clock, and is asked anew because a pause or an interruption moves its end
        while (ahead := self.device.queued() - AHEAD) > 0:  # noqa: ASYNC110
            await asyncio.sleep(ahead)
        return True


class Ears(SegmentedSTTService):
    def __init__(self, stage: Stage, name: str, fault: str | None) -> None:
        super().__init__(ttfs_p99_latency=0.45, settings=STTSettings(model="it", language=None))
        self._stage, self._called, self._fault = stage, name, fault

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        self._stage.note("stt asked", self._called)
        if self._fault == "hangs":
            await asyncio.Event().wait()
        await asyncio.sleep(self._stage.job["stt"])
        if self._fault == "raises":
            await self.push_error("The recogniser is broken.", force_treat_as_permanent=True)
            return
        text = self._stage.heard(audio)
        self._stage.note("stt answered", self._called, text)
        yield TranscriptionFrame(text, "user", str(now()))


class Mind(LLMService):
    def __init__(self, stage: Stage) -> None:
        settings = LLMSettings(
            model="it",
            system_instruction=None,
            temperature=None,
            max_tokens=None,
            top_p=None,
            top_k=None,
            frequency_penalty=None,
            presence_penalty=None,
            seed=None,
            filter_incomplete_user_turns=False,
            user_turn_completion_config=None,
        )
        super().__init__(settings=settings)
        self._stage = stage

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await self._think(frame.context)
        await self.push_frame(LLMFullResponseEndFrame())

    async def _think(self, context: LLMContext) -> None:
        stage = self._stage
        tokens = stage.called()
        said = [each["content"] for each in context.get_messages() if each["role"] == "user"]
        stage.note("transcript", said[-1] if said else "")
        try:
            await asyncio.sleep(stage.job["llm_first"])
            stage.note("first text")
            for token in tokens:
                await self.push_frame(LLMTextFrame(token))
                await asyncio.sleep(stage.job["llm_token"])
            if stage.job["llm_goes_on"]:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(stage.job["llm_clean_up"])


class Voice(TTSService):
    def __init__(self, stage: Stage, name: str, *, mortal: bool, timed: bool) -> None:
        super().__init__(
            push_text_frames=not timed,
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=RATE,
            settings=TTSSettings(model="it", voice=None, language=None),
        )
        self._stage, self._called, self._mortal, self._timed = stage, name, mortal, timed
        self._spoken: tuple[str, float] = ("", 0.0)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        stage = self._stage
        stage.note("tts asked", self._called, text)
        await asyncio.sleep(stage.job["tts"])
        stage.note("tts answered", self._called)
        spoken = list(stage.speech(text))
        dies = self._mortal and stage.dies()
        at = self._spoken[1] if self._spoken[0] == context_id else 0.0
        for _, start, end, pcm in spoken[: len(spoken) // 2] if dies else spoken:
            yield TTSAudioRawFrame(pcm, RATE, 1, context_id=context_id)
            if self._timed:
                await self.add_word_timestamps([(text[start : end + 1].strip(), at)], context_id)
            at += len(pcm) / 2 / RATE
        self._spoken = context_id, at
        if dies:
            stage.note("tts died", self._called)
            await self.push_error("The voice is broken.", force_treat_as_permanent=True)


def strategies_of(job: dict[str, Any]) -> UserTurnStrategies | None:
    if job["settings"] == "default":
        return None
    waited = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=job["pause"] - VAD_STOP)
    return UserTurnStrategies(stop=[waited])


def engines_of(stage: Stage) -> tuple[FrameProcessor, FrameProcessor]:
    fault, timed = stage.job.get("stt_fault"), stage.job.get("timed", True)
    ears: FrameProcessor = Ears(stage, "first", fault)
    if fault:
        ears = ServiceSwitcher([ears, Ears(stage, "second", None)], ServiceSwitcherStrategyFailover)
    mortal = stage.job.get("tts_fault") is not None
    voice: FrameProcessor = Voice(stage, "first", mortal=mortal, timed=timed)
    if mortal:
        second = Voice(stage, "second", mortal=False, timed=timed)
        voice = ServiceSwitcher([voice, second], ServiceSwitcherStrategyFailover)
    return ears, voice


async def session(stage: Stage) -> list[str]:
    params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
    source, sink = Input(stage, params), Output(stage, params)
    ears, voice = engines_of(stage)
    context = LLMContext()
    user, assistant = LLMContextAggregatorPair(
        context,
        user_params=LLMUserAggregatorParams(
            user_turn_strategies=strategies_of(stage.job),
            vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=VAD_STOP)),
        ),
    )
    worker = PipelineWorker(
        Pipeline([source, ears, user, Mind(stage), voice, sink, assistant]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)

    @worker.event_handler("on_pipeline_started")
    async def started(_: PipelineWorker, __: Frame) -> None:
        stage.begin()

    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        await attend(stage, lambda: not running.done())
        sink.device.played()
        return [each["content"] for each in context.get_messages() if each["role"] == "assistant"]
    finally:
        await worker.cancel()
        await asyncio.wait([running], timeout=5)


def talk(job: dict[str, Any]) -> dict[str, Any]:
    stage = Stage(job)
    return stage.report(asyncio.run(session(stage)))


class Forward(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


def hop(job: dict[str, Any]) -> dict[str, Any]:
    """Through processors that do nothing, and through plain asyncio queues."""

    async def run() -> dict[str, float]:
        done = asyncio.Event()

        class Last(FrameProcessor):
            async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
                await super().process_frame(frame, direction)
                if isinstance(frame, LLMTextFrame):
                    done.set()
                else:
                    await self.push_frame(frame, direction)

        pipeline = Pipeline([*(Forward() for _ in range(job["tasks"])), Last()])
        worker = PipelineWorker(pipeline, enable_rtvi=False, enable_turn_tracking=False)
        runner = WorkerRunner(handle_sigint=False)
        ready = asyncio.Event()

        @worker.event_handler("on_pipeline_started")
        async def started(_: PipelineWorker, __: Frame) -> None:
            ready.set()

        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        await ready.wait()
        begun = time.perf_counter()
        for _ in range(job["items"]):
            await worker.queue_frame(LLMTextFrame("it"))
            await done.wait()
            done.clear()
        took = time.perf_counter() - begun
        await worker.cancel()
        await asyncio.wait([running], timeout=5)
        plain = await through_queues(job["items"], job["tasks"])
        return {"channel": 1e6 * took / job["items"] / (job["tasks"] + 1), "asyncio queue": plain}

    return asyncio.run(run())


async def through_queues(items: int, tasks: int) -> float:
    async def forward(source: asyncio.Queue[int], target: asyncio.Queue[int]) -> None:
        while True:
            await target.put(await source.get())

    first = queue = asyncio.Queue[int](64)
    forwarding = []
    for _ in range(tasks):
        following = asyncio.Queue[int](64)
        forwarding.append(asyncio.create_task(forward(queue, following)))
        queue = following

    begun = time.perf_counter()
    for item in range(items):
        await first.put(item)
        await queue.get()
    took = time.perf_counter() - begun
    for task in forwarding:
        task.cancel()
    return 1e6 * took / items / (tasks + 1)


if __name__ == "__main__":
    logger.remove()
    serve(
        {"talk": talk, "listen": listener(session), "hop": hop},
        {n: version(n) for n in ("pipecat-ai", "onnxruntime", "numpy")},
    )
