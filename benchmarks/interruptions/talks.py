"""The assistant talks, and something is heard over it.  In: sounds, and how it is to take them.  Out: what each did.

One sound comes into every turn, at a moment that is drawn, in a room with a little noise.  The assistant's own voice is
not heard there: what becomes of echo is for ``bench_echo``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trio
from attrs import define, field, frozen
from numpy.typing import NDArray
from stand_ins import Cues, Room
from virtual_engines import CalculatedEars, InlineModel, Slowness

from actors.events import BargedIn, Ducked, Event, StateChanged, WentOn
from actors.messages import SpeakingStarted, SpeechStarted
from tests.room import RATE, pcm_of
from voicemode import Conversation, Settings, TurnPolicy, open_conversation
from voicemode.audio.store import MemoryStore
from voicemode.audio.virtual_speaker import VirtualSpeaker
from voicemode.speech.silero import SileroModel

from .signed_voice import LOUDNESS, SignedVoice, text_of
from .sounds import Heard

EARLIEST, LATEST = 0.5, 2.5
"""Seconds into the assistant's speech at which a sound may begin."""

LEFT = 1.2
"""Seconds the assistant has to say after a sound, so that all is decided before it is done."""

EARS = Slowness(0.3)
NOISE = -66.0
"""Level of the room, in dBFS."""

LOUD = 0.99 * LOUDNESS

Samples = NDArray[np.int16]


class NoisyRoom(Room):
    """With a steady noise of its own, and an account of what happened: ``seen`` is when each event was told."""

    def __init__(self, dice: np.random.Generator) -> None:
        super().__init__(self._happened)
        self.cues = Cues()
        self.seen: list[tuple[float, Event]] = []
        self._noise = np.frombuffer(pcm_of(dice.normal(size=10 * RATE) * 10 ** (NOISE / 20)), "<i2").astype(np.int32)

    def _happened(self, event: Event) -> None:
        self.seen.append((trio.current_time(), event))
        self.cues.tell(event)

    def forget(self) -> None:
        self.seen.clear()
        self.cues.clear()

    def take(self, first: int, size: int, opened: float, rate: int) -> bytes:
        placed = np.frombuffer(super().take(first, size, opened, rate), "<i2")
        noise = self._noise[np.arange(first, first + size) % len(self._noise)]
        return np.clip(placed + noise, -32768, 32767).astype("<i2").tobytes()

    def told(self, kind: type[Event], state: str | None = None) -> float | None:
        """When the first such event was told, None if none was."""
        matching = (
            at for at, event in self.seen if isinstance(event, kind) and state in {None, getattr(event, "state", None)}
        )
        return next(matching, None)


@define
class Recording:
    """What left the speaker, and when."""

    parts: list[tuple[float, Samples]] = field(factory=list[tuple[float, Samples]])
    rate: int = 1

    def add(self, at: float, pcm: bytes, rate: int) -> None:
        self.rate = rate
        self.parts.append((at, np.frombuffer(pcm, "<i2")))

    @property
    def samples(self) -> Samples:
        return np.concatenate([samples for _, samples in self.parts])

    @property
    def end(self) -> float:
        at, samples = self.parts[-1]
        return at + len(samples) / self.rate

    def softer_after(self, moment: float) -> float | None:
        """When it is first softer than the voice is, or silent."""
        before: float | None = None
        for at, samples in self.parts:
            if before is not None and before > moment - 1 / self.rate and at - before > 1 / self.rate:
                return max(before, moment)
            soft = np.flatnonzero((np.abs(samples) < LOUD) & (at + np.arange(len(samples)) / self.rate >= moment))
            if len(soft):
                return float(at + soft[0] / self.rate)
            before = at + len(samples) / self.rate
        return before


@frozen(kw_only=True)
class Reaction:
    """What a sound did.  Milliseconds, those to something from the sound's first voiced sample on; None where there was
    no such thing.

    ``quieter`` is from the start of speech to the first sample that is softer; ``silent`` the assistant's last sample
    of all; ``low`` for how long the assistant was ducked or held for nothing, and ``again`` how much it then said
    twice.  ``missing`` are samples that were to be heard and were not, although nothing interrupted.
    """

    kind: str
    seconds: float
    noticed: float | None
    ducked: float | None
    quieter: float | None
    decided: float | None
    silent: float | None
    low: float | None
    again: float | None
    missing: int

    @property
    def stopped(self) -> bool:
        return self.decided is not None


async def reactions(
    sounds: Sequence[Heard], turn: TurnPolicy, model: SileroModel, dice: np.random.Generator
) -> list[Reaction]:
    """Of an assistant that takes interruptions as ``turn`` says; for virtual time."""
    room, voice, recording = NoisyRoom(dice), SignedVoice(int(dice.integers(1_000_000))), Recording()
    ears = CalculatedEars(text=str, slowness=EARS)
    async with open_conversation(
        Settings(turn=turn),
        microphone=room,
        speaker=VirtualSpeaker(recording.add),
        tts=voice,
        stt=ears,
        vad=InlineModel(model),
        store=MemoryStore(),
    ) as conversation:
        found: list[Reaction] = []
        for sound in sounds:
            ears.text = lambda text=sound.text: text
            room.forget()
            recording.parts.clear()
            voice.begin()
            begin = float(dice.uniform(EARLIEST, LATEST))
            found.append(await _one(conversation, room, voice, recording, sound, begin))
        return found


async def _one(
    conversation: Conversation, room: NoisyRoom, voice: SignedVoice, recording: Recording, sound: Heard, begin: float
) -> Reaction:
    complete = False

    async def talk() -> None:
        nonlocal complete
        result = await conversation.say(text_of(begin + sound.sound.seconds + LEFT), interruptible=True)
        complete = result.spoken.complete

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        at = (await room.cues.wait(SpeakingStarted)).at + begin
        room.place(sound.sound, at)
    return _reaction(room, voice, recording, sound, at + sound.onset, complete=complete)


def _reaction(
    room: NoisyRoom, voice: SignedVoice, recording: Recording, sound: Heard, onset: float, *, complete: bool
) -> Reaction:
    noticed, ducked, went_on = room.told(SpeechStarted), room.told(Ducked), room.told(WentOn)
    decided = room.told(StateChanged, "hearing") if room.told(BargedIn) is None else room.told(BargedIn)
    softer = None if ducked is None or noticed is None else recording.softer_after(noticed)
    missing = 0
    if decided is None:
        missing = max(voice.missing(recording.samples), 0 if complete else 1)

    def since(moment: float | None, begin: float | None = onset) -> float | None:
        return None if moment is None or begin is None else round(1000 * (moment - begin), 3)

    false = decided is None and went_on is not None
    return Reaction(
        kind=sound.kind,
        seconds=voice.seconds,
        noticed=since(noticed),
        ducked=since(ducked),
        quieter=since(softer, noticed),
        decided=since(decided),
        silent=None if decided is None else since(recording.end),
        low=since(went_on, ducked) if false else None,
        again=1000 * (len(recording.samples) / voice.rate - voice.seconds) if false else None,
        missing=missing,
    )
