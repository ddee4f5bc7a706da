"""Requests against engines that fail.  In: what is to go wrong.  Out: what became of the audio and of the words.

Three engines can do it: two behind endpoints on this machine that are struck by faults, over real HTTP, and a good one
in this process.  Every case has a board of its own, because an engine that was found to be down is not asked again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import trio
from attrs import define, field, frozen
from fault_server import FAULTS, SILENT, Fault, FaultServer
from marked_voice import Heard, MarkedVoice
from observed_engines import Asked, AskedLive, AskedRecogniser, AskedVoice, GoodEars, GoodVoice, TimedVoice

from actors.errors import VoiceError
from actors.failover import Candidate, FailoverPolicy
from actors.failover_delivery import FindWords
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.machines.board import Board
from actors.messages import SAMPLE_BYTES, ProviderFailure, Service, Synthesis, Transcript
from actors.ports import TextToSpeech
from tests.speech.speech_server import hang_up
from voicemode.audio.files import Sound
from voicemode.speech.openai_stt import OpenAIRecogniser
from voicemode.speech.uploads import Uploads

LASTING = 0.7
"""Share of the faults that last; the others strike once, and who asks again is answered."""

BOTH = 0.5
"""Share of the cases in which the second engine fails as well."""

LIVE = 0.5
"""Share of the utterances that are sent while they are being said, and of those where the first endpoint hangs up in
the middle of one."""

PIECE = 640
"""Bytes of an utterance that come at a time, 20 ms."""

PATIENCE = 20.0
"""Seconds after which a case that does not end is given up, and counted."""


class Named(Protocol):
    @property
    def name(self) -> str: ...


Engine = TypeVar("Engine", bound=Named)


@frozen(kw_only=True)
class Case:
    """``faults`` are the two endpoints', None where one works; ``strikes`` how often; ``midway`` how far it gets.

    ``live``: an utterance is sent while it is being said, and ``cut`` off by the first endpoint.
    """

    number: int
    faults: tuple[Fault, Fault | None]
    strikes: tuple[float, float]
    midway: float
    timed: bool
    live: bool
    cut: bool

    @classmethod
    def drawn(cls, seed: int, number: int) -> Case:
        """The same for the same ``seed`` and ``number``."""
        chance = random.Random(f"{seed}/{number}")
        lasting = [math.inf if chance.random() < LASTING else 1 for _ in range(2)]
        return cls(
            number=number,
            faults=(chance.choice(FAULTS), chance.choice(FAULTS) if chance.random() < BOTH else None),
            strikes=(lasting[0], lasting[1]),
            midway=chance.uniform(0.02, 0.98),
            timed=chance.random() < 0.5,
            live=chance.random() < LIVE,
            cut=chance.random() < LIVE,
        )

    def __str__(self) -> str:
        faults = ", then ".join(
            f"{fault}{'' if strikes > 1 else ' once'}"
            for fault, strikes in zip(self.faults, self.strikes, strict=True)
            if fault is not None
        )
        return f"case {self.number} ({faults})"


@define(kw_only=True)
class Outcome:
    """``struck`` are the faults that met a request.  Seconds until the next engine was asked: ``silent`` from a request
    that was never answered, ``broken_off`` from the last of an answer that stopped in the middle.  ``late`` is how
    much more than the policy allows it was, ``looked`` the same where words had to be looked for in the sound.

    ``seconds`` is how long all of it took, ``reported`` what was told of; ``unreported`` are engines that failed and
    are in no account of it.  ``problem`` is what must not be.
    """

    case: Case
    struck: tuple[Fault, ...] = ()
    silent: list[float] = field(factory=list[float])
    broken_off: list[float] = field(factory=list[float])
    late: list[float] = field(factory=list[float])
    looked: list[float] = field(factory=list[float])
    seconds: float = 0
    reported: tuple[ProviderFailure, ...] = ()
    unreported: int = 0
    lost: float = 0
    heard: Heard = field(factory=Heard)
    problem: str = ""


@frozen
class Sentence:
    """What the user says: at 16 kHz, and the text that is heard in it."""

    sound: Sound
    text: str


@define
class Bench:
    """Two endpoints, their engines with their connections, and the good engines; one case at a time."""

    servers: tuple[FaultServer, FaultServer]
    ears: tuple[OpenAIRecogniser, OpenAIRecogniser]
    voices: tuple[TextToSpeech, TextToSpeech]
    marked: MarkedVoice
    policy: FailoverPolicy
    find_words: FindWords
    nursery: trio.Nursery

    async def listen(self, case: Case, sentence: Sentence) -> Outcome:
        """What was said, through engines that fail."""
        await self._prepare(case)
        texts = {sentence.sound.pcm: sentence.text}
        for server in self.servers:
            server.texts = texts
        asked: Asked = []
        last = GoodEars(texts)
        make = AskedLive if case.live else AskedRecogniser
        engines = [*(make(engine, asked) for engine in self.ears), AskedRecogniser(last, asked)]
        board = board_of("stt", engines)
        recogniser = FailoverRecogniser(candidates_of(engines), board, policy=self.policy)
        found, began = Outcome(case=case), trio.current_time()
        failures: tuple[ProviderFailure, ...] = ()
        try:
            with trio.fail_after(PATIENCE):
                transcript = await (self._live if case.live else self._whole)(recogniser, sentence.sound, case)
        except (VoiceError, trio.TooSlowError) as error:
            found.problem = f"{type(error).__name__}: {error}"
        else:
            failures = transcript.failures
            sounds = dict(zip((each.name for each in self.ears), (each.uploads for each in self.servers), strict=True))
            received = sounds.get(transcript.engine, last.sounds)[-1]
            found.lost = lost_seconds(sentence.sound, received)
            if transcript.text != sentence.text:
                found.problem = f"heard {transcript.text!r}"
            allowed = self.policy.first_byte + self.policy.per_second * sentence.sound.seconds
            self._account(found, asked, failures, transcript.engine, (allowed, allowed))
        found.seconds = trio.current_time() - began
        return found

    async def _whole(self, recogniser: FailoverRecogniser, sound: Sound, _: Case) -> Transcript:
        return await recogniser.transcribe(sound.pcm, sound.rate)

    async def _live(self, recogniser: FailoverRecogniser, sound: Sound, case: Case) -> Transcript:
        for engine in self.ears:
            engine.uploads = Uploads("live")
        self.servers[0].cut_in = (round(case.midway * len(sound.pcm)), hang_up) if case.cut else None
        async with recogniser.listen(sound.rate) as hearing:
            for at in range(0, len(sound.pcm), PIECE):
                hearing.write(sound.pcm[at : at + PIECE])
                await trio.lowlevel.checkpoint()
            return await hearing.finish()

    async def speak(self, case: Case, text: str, voice: str, speed: float) -> Outcome:
        """``text``, through engines that fail, all of which speak with one ``voice``."""
        await self._prepare(case)
        self.marked.begin(text, voice, speed)
        asked: Asked = []
        endpoints = [TimedVoice(engine, self.marked) if case.timed else engine for engine in self.voices]
        engines = [AskedVoice(engine, asked) for engine in (*endpoints, GoodVoice(self.marked))]
        board = board_of("tts", engines)
        speaking = FailoverVoice(candidates_of(engines), board, policy=self.policy, find_words=self.find_words)
        found, began = Outcome(case=case), trio.current_time()
        parts: list[Synthesis] = []
        try:
            with trio.fail_after(PATIENCE):
                async with speaking.speak(text) as stream:
                    parts.extend([part async for part in stream])
        except (VoiceError, trio.TooSlowError) as error:
            found.problem = f"{type(error).__name__}: {error}"
        else:
            found.heard = self.marked.heard(b"".join(part.pcm for part in parts))
            if strange := self.marked.strange:
                found.problem = f"asked to say {strange[0]!r}"
            told = [each for part in parts for each in part.failures]
            self._account(found, asked, told, parts[-1].engine, (self.policy.first_byte, self.policy.between))
        found.seconds = trio.current_time() - began
        return found

    async def _prepare(self, case: Case) -> None:
        self.servers[0].cut_in = None
        for server, fault, strikes in zip(self.servers, case.faults, case.strikes, strict=True):
            await server.prepare(self.nursery, fault, strikes if fault else 0, case.midway)

    def _account(
        self,
        found: Outcome,
        asked: Asked,
        failures: Sequence[ProviderFailure],
        answered: str | None,
        allowed: tuple[float, float],
    ) -> None:
        """How long silence was borne, and whether every failure was told of; ``allowed`` are seconds to the first of an
        answer and between two parts of it."""
        names = {name for _, name in asked}
        told = {failure.provider for failure in failures}
        found.reported = tuple(failures)
        for server in self.servers:
            if server.name in names:
                found.struck += tuple(server.struck)
                found.unreported += bool(server.struck) and server.name not in told and server.name != answered
        by_name = {server.name: server for server in self.servers}
        for (at, name), (following, _) in pairwise(asked):
            server = by_name[name]
            if server.struck[:1] and server.struck[0] in SILENT:
                midway = server.stopped is not None
                seconds = following - (at if server.stopped is None else server.stopped)
                (found.broken_off if midway else found.silent).append(seconds)
                looks = midway and not found.case.timed and not server.uploads
                (found.looked if looks else found.late).append(seconds - allowed[midway])


def lost_seconds(sent: Sound, received: bytes) -> float:
    """How much of ``sent`` is not in ``received`` where it should be."""
    if received == sent.pcm:
        return 0.0
    samples = [np.frombuffer(pcm, "<i2", len(pcm) // SAMPLE_BYTES) for pcm in (sent.pcm, received)]
    both = min(map(len, samples))
    other = int(np.count_nonzero(samples[0][:both] != samples[1][:both]))
    return (other + abs(len(samples[0]) - len(samples[1]))) / sent.rate


def candidates_of(engines: Sequence[Engine]) -> list[Candidate[Engine]]:
    """As they stand: the first is asked first."""
    return [Candidate(name=engine.name, engine=engine, place="local") for engine in engines]


def board_of(service: Service, engines: Sequence[Named]) -> Board:
    board = Board()
    for engine in engines:
        board.add(service, engine.name, "local", trio.current_time())
    return board
