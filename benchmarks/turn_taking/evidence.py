"""What is to be known about every pause.  In: pauses, and the engines that there are.  Out: drafts' texts and
probabilities, with the seconds they took.  Answers are kept on disk; only what is new is asked for.

Seconds are the processor time of one core, so that it does not matter what else the machine is doing.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol

import psutil
import trio
from attrs import field, frozen
from environments import python_of

from actors.ports import SpeechToText
from voicemode.speech.endpoint_name import EndpointName
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.pocketsphinx import PocketsphinxSpeech

from .judge import Evidence
from .kept import Answer, Kept
from .recordings import RATE

HERE = Path(__file__).parent


class Engine(Protocol):
    async def answer(self, pcm: bytes) -> Answer: ...


@frozen
class Recogniser:
    """An engine that computes in ``process`` with one thread."""

    engine: SpeechToText
    process: psutil.Process

    async def answer(self, pcm: bytes) -> Answer:
        begun = self._spent()
        text = (await self.engine.transcribe(pcm, RATE)).text
        return Answer(text=text, seconds=self._spent() - begun)

    def _spent(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@frozen
class Analyser:
    """pipecat's, in its own process."""

    process: subprocess.Popen[str]

    async def answer(self, pcm: bytes) -> Answer:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            with wave.open(file.name, "wb") as sound:
                sound.setparams((1, 2, RATE, 0, "NONE", ""))
                sound.writeframes(pcm)
            said = await trio.to_thread.run_sync(self._ask, file.name)
        found = json.loads(said)
        return Answer(probability=found["probability"], seconds=found["seconds"])

    def _ask(self, path: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(path, file=self.process.stdin, flush=True)
        return self.process.stdout.readline()


@asynccontextmanager
async def opened(name: str) -> AsyncGenerator[Engine]:
    """The engine ``name``: pocketsphinx, or whisper or pipecat where their environment has been made."""
    if name == "pocketsphinx":
        yield Recogniser(await PocketsphinxSpeech.load(), psutil.Process())
    elif name == "whisper":
        with _process(name, HERE.parent / "whisper_server.py", "--port", "0", "--threads", "1") as server:
            assert server.stdout is not None
            url = (await trio.to_thread.run_sync(server.stdout.readline)).strip()
            engine = await OpenAIRecogniser.open(EndpointName(url, {}), environment={})
            yield Recogniser(engine, psutil.Process(server.pid))
            await engine.aclose()
    else:
        with _process(name, HERE / "analyser_worker.py") as worker:
            yield Analyser(worker)


class _Process(subprocess.Popen[str]):
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        super().__exit__(kind, error, trace)


def _process(name: str, script: Path, *options: str) -> _Process:
    python = python_of(name)
    assert python is not None
    return _Process(
        [str(python), str(script), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@frozen
class Engines:
    """Those that are there, with what they have answered; nobody is started who has nothing new to say."""

    folder: Path
    names: tuple[str, ...]
    answers: dict[str, Kept] = field(factory=dict[str, Kept], init=False)

    async def ask(self, sounds: Sequence[bytes]) -> None:
        """Let every engine hear all of ``sounds``."""
        for name in self.names:
            kept = self.answers[name] = Kept(self.folder, name)
            new = [pcm for pcm in sounds if kept.get(pcm) is None]
            if new:
                async with opened(name) as engine:
                    await engine.answer(new[0])  # the first is slow
                    async for pcm, answer in _answers(engine, new):
                        kept.keep(pcm, answer)

    def seconds(self, name: str, sounds: Sequence[bytes]) -> list[float]:
        return [answer.seconds for pcm in sounds if (answer := self.answers[name].get(pcm)) is not None]

    def evidence(
        self, bare: Evidence, text: str | None, sound: str | None, *, seconds: float | None = None
    ) -> Evidence:
        """With what the recogniser ``text`` and the turn model ``sound`` have said, the former as if in ``seconds``."""
        written = None if text is None else self.answers[text].get(bare.pause.heard)
        judged = None if sound is None else self.answers[sound].get(bare.pause.heard)
        return Evidence(
            pause=bare.pause,
            text=None if written is None else written.text,
            text_after=0.0 if written is None else written.seconds if seconds is None else seconds,
            probability=None if judged is None else judged.probability,
            probability_after=0.0 if judged is None else judged.seconds,
        )


async def _answers(engine: Engine, sounds: Sequence[bytes]) -> AsyncIterator[tuple[bytes, Answer]]:
    for pcm in sounds:
        yield pcm, await engine.answer(pcm)
