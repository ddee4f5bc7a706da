"""A sound check.  A microphone and a speaker in; a tone is played, what the microphone hears meanwhile is watched, and
what was found comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol, runtime_checkable

import trio
from attrs import define, field

from actors.events import Event, StateChanged
from actors.messages import SAMPLE_BYTES, AudioFrame, SpeakingStarted, SpeechActivity, TurnId
from actors.ports import Cued, Microphone, Playback, Speaker

from ..groups import unwrapped
from .findings import Findings, judge, tone
from .level import level_of

RATE = 16_000
QUIET = 0.6
"""Seconds of listening before the tone, to know what is there without it."""

HEAD = SAMPLE_BYTES * RATE // 25
"""Bytes of the tone that are played first, to learn when it begins: 40 ms, which a speaker takes without a wait."""

TURN = TurnId(1)
PATIENCE = 2.0
"""Seconds more than the check lasts before a microphone that gives too little is given up."""


@runtime_checkable
class CountsUnderruns(Protocol):
    """A playback that knows how often it had nothing to play in the middle of a sound."""

    @property
    def underruns(self) -> int: ...


@define
class SoundCheck:
    """One check of two devices, ``seconds`` long; ``watch`` is told what happens, for people to see."""

    microphone: Microphone
    speaker: Speaker
    seconds: float
    watch: Callable[[Event], None]
    _frames: list[AudioFrame] = field(factory=list[AudioFrame], init=False)
    _hearing: trio.Event = field(factory=trio.Event, init=False)
    _played: float | None = field(default=None, init=False)
    _playback: object = field(default=None, init=False)

    @property
    def findings(self) -> Findings | None:
        """None when nothing was heard at all, not even silence."""
        if not self._frames:
            return None
        underruns = self._playback.underruns if isinstance(self._playback, CountsUnderruns) else 0
        return judge(self._frames, self._played, underruns)

    async def run(self) -> None:
        """Listen and play.  Cancel it at any time: ``findings`` are of what there was.  Raises DeviceError."""
        with unwrapped(), trio.move_on_after(self.seconds + PATIENCE):
            async with self.speaker.open(RATE) as playback, self.microphone.open(RATE) as frames:
                self._playback = playback
                self._tell(StateChanged(turn=TURN, at=trio.current_time(), state="listening"))
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._play, playback)
                    await self._listen(frames)
                    nursery.cancel_scope.cancel("the check is over")

    async def _listen(self, frames: AsyncIterator[AudioFrame]) -> None:
        async for frame in frames:
            self._frames.append(frame)
            self._hearing.set()
            self._tell(
                SpeechActivity(
                    stream=frame.stream,
                    at=frame.end,
                    duration=frame.end - frame.start,
                    probability=0.0,
                    level=level_of(frame.pcm),
                )
            )
            if frame.end - self._frames[0].start >= self.seconds:
                break

    async def _play(self, playback: Playback) -> None:
        await self._hearing.wait()
        await trio.sleep(QUIET)
        pcm = tone(RATE)
        self._played = first = await playback.write(pcm[:HEAD])
        self._tell(StateChanged(turn=TURN, at=first, state="speaking"))
        self._tell(SpeakingStarted(turn=TURN, at=first))
        await playback.write(pcm[HEAD:])
        await playback.drain()
        self._tell(StateChanged(turn=TURN, at=trio.current_time(), state="listening"))

    def _tell(self, event: Event) -> None:
        self.watch(event)
        for device in (self.microphone, self.speaker):
            if isinstance(device, Cued):
                device.cue(event)
