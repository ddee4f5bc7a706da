"""Fake devices at the pace of the clock on the wall, cheap enough that a process can have a hundred of each.

The microphones deliver frames as clients at the other end of a network do, and keep what nobody fetches for a moment
only.  One clock wakes whoever has a frame, as one call of the system does with sockets.  The speakers are the
virtual ones; what is remembered of them is when they were last heard, and gaps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio

from actors.events import Event
from actors.messages import SAMPLE_BYTES, AudioFrame
from voicemode.audio.virtual_speaker import QUANTA_PER_SECOND, VirtualPlayback

RATE = 16_000

FRAME = 20
"""Milliseconds of sound in a packet of Opus as telephones and browsers send it by default (RFC 7587, ``ptime``)."""

KEPT = 0.2
"""Seconds that a microphone keeps for a listener who is late; then the oldest frame is lost, and counted."""

PACKET = 0.02
"""Seconds that a speaker takes at a time."""

ROUNDING = 1e-6

SENTENCE = 0.5
"""Seconds without a sample that are no gap in an utterance but lie between two."""


TICKS_PER_FRAME = 10
"""Frames of different microphones are due at so many different moments."""


class Pace:
    """Wakes everybody whose frame is complete; one for the process, to be run as a task.

    A frame is ``milliseconds`` long, and a tenth of it passes between two looks.
    """

    def __init__(self, milliseconds: int = FRAME) -> None:
        self.frames_per_second = 1000 // milliseconds
        self.begun = trio.current_time()
        self._waiting: list[list[trio.lowlevel.Task]] = [[] for _ in range(TICKS_PER_FRAME)]

    async def keep(self) -> None:
        done = 0
        while True:
            await trio.sleep_until(self.begun + (done + 1) / self.frames_per_second / TICKS_PER_FRAME)
            now = int((trio.current_time() - self.begun) * self.frames_per_second * TICKS_PER_FRAME + ROUNDING)
            for tick in range(max(done, now - TICKS_PER_FRAME) + 1, now + 1):
                waiting = self._waiting[tick % TICKS_PER_FRAME]
                due, waiting[:] = list(waiting), []
                for task in due:
                    trio.lowlevel.reschedule(task)
            done = now

    async def wait(self, phase: int) -> None:
        """Wait for the next tick number ``phase`` of a frame."""
        waiting, task = self._waiting[phase], trio.lowlevel.current_task()

        def leave(_: object) -> trio.lowlevel.Abort:
            waiting.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        waiting.append(task)
        await trio.lowlevel.wait_task_rescheduled(leave)


class PacedMicrophone:
    """Implements ``Microphone`` and ``Cued``.  ``tell`` is called with every event of the conversation.

    Silence, but for the one sound placed last.
    """

    def __init__(self, pace: Pace, phase: int, tell: Callable[[Event], None]) -> None:
        self.pace, self.phase = pace, phase % TICKS_PER_FRAME
        self._size = SAMPLE_BYTES * RATE // pace.frames_per_second
        self._silence = bytes(self._size)
        self.opened = 0.0
        self.delivered = self.dropped = 0
        self._tell = tell
        self._sound, self._begin = b"", 0

    def cue(self, event: Event) -> None:
        self._tell(event)

    def place(self, pcm: bytes, at: float) -> None:
        """Let ``pcm`` begin at ``at`` on the Trio clock, to the sample."""
        self._sound, self._begin = pcm, SAMPLE_BYTES * round((at - self.opened) * RATE)

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[PacedFrames]:
        if rate != RATE:
            raise ValueError(f"this microphone has {RATE} Hz, not {rate}")
        await self.pace.wait(self.phase)
        rhythm, phase = self.pace.frames_per_second, self.phase / TICKS_PER_FRAME
        gone = int((trio.current_time() - self.pace.begun) * rhythm - phase + ROUNDING)
        self.opened = self.pace.begun + (gone + phase) / rhythm
        yield PacedFrames(self)

    def take(self, number: int) -> bytes:
        """Frame ``number`` since the opening."""
        first = number * self._size - self._begin
        if first <= -self._size or first >= len(self._sound):
            return self._silence
        head = self._sound[max(first, 0) : first + self._size]
        before = bytes(max(-first, 0))
        return before + head + bytes(self._size - len(before) - len(head))


class PacedFrames:
    """One opening."""

    def __init__(self, microphone: PacedMicrophone) -> None:
        self._microphone, self._number = microphone, 0
        self._rhythm = microphone.pace.frames_per_second
        self._kept = round(KEPT * self._rhythm)

    def __aiter__(self) -> PacedFrames:
        return self

    async def __anext__(self) -> AudioFrame:
        microphone = self._microphone
        if (there := self._there()) > self._number:
            await trio.lowlevel.checkpoint()
        while there <= self._number:
            await microphone.pace.wait(microphone.phase)
            there = self._there()
        if (lost := there - self._number - self._kept) > 0:
            microphone.dropped += lost
            self._number += lost
        start = microphone.opened + self._number / self._rhythm
        frame = AudioFrame(start=start, pcm=microphone.take(self._number), rate=RATE)
        self._number += 1
        microphone.delivered += 1
        return frame

    def _there(self) -> int:
        """Frames that are complete."""
        return int((trio.current_time() - self._microphone.opened) * self._rhythm + ROUNDING)


class PacedPlayback(VirtualPlayback):
    """Takes a packet of 20 ms at a time, when the common clock says so; 40 ms are left then of what it holds."""

    def __init__(self, speaker: PacedSpeaker, rate: int) -> None:
        super().__init__(rate, speaker.heard)
        self._pace, self._phase = speaker.pace, speaker.phase

    async def wait_until(self, at: float) -> None:
        enough = at + PACKET - 1 / QUANTA_PER_SECOND
        while trio.current_time() < enough - ROUNDING:
            await self._pace.wait(self._phase)


class PacedSpeaker:
    """Implements ``Speaker``.  ``silent`` is when the last sample left, ``gaps`` seconds without any in speech."""

    def __init__(self, pace: Pace, phase: int) -> None:
        self.pace, self.phase = pace, phase % TICKS_PER_FRAME
        self.silent = -1.0
        self.gaps: list[float] = []

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[PacedPlayback]:
        # its quanta begin at ticks of its own
        await self.pace.wait(self.phase)
        playback = PacedPlayback(self, rate)
        try:
            yield playback
        finally:
            playback.close()

    def heard(self, at: float, pcm: bytes, rate: int) -> None:
        gap = at - self.silent
        if 1 / rate < gap < SENTENCE:
            self.gaps.append(gap)
        self.silent = at + len(pcm) / SAMPLE_BYTES / rate
