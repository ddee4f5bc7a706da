"""Microphones whose sound comes from somewhere else: stretches of pcm in, frames on the Trio clock out.

``FedMicrophone`` is given sound by whoever has it, in whatever thread or loop, as a connection's reader has;
``StreamMicrophone`` fetches it from an async iterable of Trio's, as a program's output is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from threading import Lock

import trio

from actors.errors import DeviceLost
from actors.given import pcm_given, to_iterate
from actors.messages import SAMPLE_BYTES, AudioFrame, seconds_of

from ..door import refuse_rate, refuse_unless_it_yields
from .far_side import reaching
from .frame_cutter import FrameCutter

BACKLOG_SECONDS = 1.0
"""Of sound that waits for a listener who is late; then the oldest goes."""


class FedMicrophone:
    """Implements ``Microphone``.  ``rate`` is that of the sound it is given, in Hz.

    Sound is given in real time and counts as taken just before.  Nothing is kept while nobody listens.  It may be given
    from any thread, also by a task of another loop than Trio's.
    """

    def __init__(self, rate: int, *, name: str = "far microphone") -> None:
        self.rate, self.name = rate, name
        self.dropped = 0
        """Samples that were lost because they were not fetched in time."""
        self._using = Lock()
        """Held for moments, by whoever gives sound and by the listeners."""
        self._openings: set[_FedFrames] = set()
        self._lost: DeviceLost | None = None

    @property
    def is_open(self) -> bool:
        """Whether anybody listens, so that it is worth sending sound."""
        return bool(self._openings)

    def push(self, pcm: bytes) -> None:
        """The next stretch of sound, just taken.  Never blocks.  After ``lose`` the microphone is there again."""
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError("pcm ends in the middle of a sample")
        with self._using:
            self._lost = None
            for opening in self._openings:
                self.dropped += opening.push(pcm)

    def lose(self, why: str) -> None:
        """The microphone has gone, says the sentence ``why``; who listens is told when all before has been heard."""
        with self._using:
            self._lost = DeviceLost(why)
            for opening in self._openings:
                opening.lose(self._lost)

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        """Implements the port.  Raises DeviceLost after ``lose``."""
        await trio.lowlevel.checkpoint()
        frames = _FedFrames(self.rate, rate, self._using)
        with self._using:
            if self._lost is not None:
                raise self._lost
            self._openings.add(frames)
        try:
            yield frames
        finally:
            with self._using:
                self._openings.discard(frames)


class _FedFrames:
    """Made in the listener's run.  ``push`` and ``lose`` are called with ``using`` held, wherever."""

    def __init__(self, device_rate: int, rate: int, using: Lock) -> None:
        self._using, self._device_rate = using, device_rate
        self._clock, self._token = trio.lowlevel.current_clock(), trio.lowlevel.current_trio_token()
        self._cutter = FrameCutter(device_rate, rate)
        self._most = round(BACKLOG_SECONDS * device_rate)
        self._stretches: deque[tuple[int, float, bytes]] = deque()
        self._taken = self._waiting = self._expected = 0
        self._lost: DeviceLost | None = None
        self._woken = trio.Event()

    def push(self, pcm: bytes) -> int:
        """How many samples had to go for it."""
        at = self._clock.current_time() - seconds_of(pcm, self._device_rate)
        samples, dropped = len(pcm) // SAMPLE_BYTES, 0
        self._stretches.append((self._taken, at, pcm))
        self._taken += samples
        self._waiting += samples
        while self._waiting > self._most and len(self._stretches) > 1:
            oldest = len(self._stretches.popleft()[2]) // SAMPLE_BYTES
            self._waiting -= oldest
            dropped += oldest
        self._wake()
        return dropped

    def lose(self, why: DeviceLost) -> None:
        self._lost = why
        self._wake()

    def _wake(self) -> None:
        try:
            here = trio.lowlevel.current_trio_token() is self._token
        except RuntimeError:
            here = False
        if here:
            self._woken.set()
        else:
            with suppress(trio.RunFinishedError):  # nobody listens any longer
                self._token.run_sync_soon(self._come, idempotent=True)

    def _come(self) -> None:
        self._woken.set()

    def __aiter__(self) -> _FedFrames:
        return self

    async def __anext__(self) -> AudioFrame:
        await trio.lowlevel.checkpoint()
        while True:
            with self._using:
                self._woken, lost = trio.Event(), self._lost
            if (frame := self._next()) is not None:
                return frame
            if lost is not None:
                raise lost
            await self._woken.wait()

    def _next(self) -> AudioFrame | None:
        while not self._cutter.is_full:
            with self._using:
                if not self._stretches:
                    break
                position, at, pcm = self._stretches.popleft()
                self._waiting -= len(pcm) // SAMPLE_BYTES
            missing = position != self._expected
            self._expected = position + len(pcm) // SAMPLE_BYTES
            before = self._cutter.add(pcm, position, at, missing=missing)
            if before is not None:
                return before
        return self._cutter.cut()


class StreamMicrophone:
    """Implements ``Microphone``.  ``listen`` is called at each opening and gives stretches of pcm at ``rate`` Hz, in
    real time, as an async generator does; at the closing that is closed.

    When it ends, or raises OSError or one of Trio's resource errors, the microphone is lost, and may be opened again.
    """

    def __init__(self, listen: Callable[[], AsyncIterable[bytes]], rate: int, *, name: str = "far microphone") -> None:
        """Raises TypeError for what is no such function, and SettingsError for a rate that is no whole number from 8000
        to 192000."""
        refuse_unless_it_yields(listen, f"The {name}", ())
        refuse_rate(rate, f"the {name}")
        self._listen, self.rate, self.name = listen, rate, name

    @asynccontextmanager
    async def open(self, rate: int) -> AsyncGenerator[AsyncIterator[AudioFrame]]:
        """Implements the port."""
        await trio.lowlevel.checkpoint()
        async with aclosing(self._frames(FrameCutter(self.rate, rate))) as frames:
            yield frames

    async def _frames(self, cutter: FrameCutter) -> AsyncGenerator[AudioFrame]:
        with reaching(self.name):
            stretches = to_iterate(self._listen(), f"The {self.name}")
            try:
                position, half = 0, b""
                async for stretch in stretches:
                    whole = half + pcm_given(stretch, f"The {self.name}")
                    cut = len(whole) - len(whole) % SAMPLE_BYTES
                    pcm, half = whole[:cut], whole[cut:]
                    before = cutter.add(pcm, position, trio.current_time() - seconds_of(pcm, self.rate))
                    position += len(pcm) // SAMPLE_BYTES
                    if before is not None:
                        yield before
                    while (frame := cutter.cut()) is not None:
                        yield frame
            finally:
                if isinstance(stretches, AsyncGenerator):
                    await stretches.aclose()
        raise DeviceLost(f"The {self.name} has ended. Check whatever its sound comes from.")
