"""One open device: PortAudio's callbacks in, blocks on the Trio clock out, and word when it has gone.

PortAudio calls back in a thread of its own.  Nothing here waits in it, and nothing is raised into it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias

import trio

from actors.errors import DeviceLost
from actors.messages import DeviceKind

Block: TypeAlias = Callable[[memoryview, int, float, bool], None]
"""Is called in PortAudio's thread with (samples, frames, at, glitch) and must not block.

The samples are signed 16-bit mono: to be read for a microphone, and to be filled, every one, for a speaker.  ``at`` is
when the first was taken or will leave the device, in seconds on the clock of the Trio run that opened it.  ``glitch``
says that PortAudio lost samples before these.
"""

SILENCE = 0.5
"""Seconds without a callback after which a device counts as gone, if that is more than ten blocks: a stalled server and
a suspended source say nothing at all."""

FIRST = 2.0
"""The same in the first seconds after it was opened: wireless devices take a while to start, and PulseAudio's null sink
fills itself up and then takes nothing for as long as it used to hold before somebody wanted less."""

GRACE = 0.05
"""Seconds a silent device has left to call back once this process is awake: it may itself have been stopped."""

CLOSING = 0.5
"""Seconds that closing waits for the device."""

_PLAUSIBLE = 1.0
"""Seconds; device times that are further away than this are made up."""
_CREEP = 1e-5
"""Seconds per block by which the two clocks may drift apart unseen: a thousand millionths for blocks of 10 ms."""

log = logging.getLogger(__name__)


class DeviceStream:
    """An open device, in the Trio run in which it was made.

    ``rate`` is what the device runs at in Hz, ``latency`` what PortAudio says it adds in seconds, ``name`` the
    device's, for messages.
    """

    def __init__(
        self,
        kind: DeviceKind,
        block: Block,
        close: Callable[[DeviceStream], Future[None]],
        on_lost: Callable[[], None] | None,
    ) -> None:
        self.kind: DeviceKind = kind
        self.name, self.rate, self.latency = "", 0, 0.0
        self.raw: Any = None
        """What sounddevice knows it by; for the host alone, in its thread."""
        self._block, self._close, self._on_lost = block, close, on_lost
        self._closed = False
        self._reason: str | None = None
        self._cause: Exception | None = None
        self._gone: DeviceLost | None = None
        self._token = trio.lowlevel.current_trio_token()
        self._changed = trio.Event()
        self._offset = trio.current_time() - time.perf_counter()
        self._lag = 0.0
        self._heard = time.perf_counter()
        self._settled, self._patience = self._heard + FIRST, FIRST
        self._suspected: float | None = None

    def begin(self, raw: Any, name: str, rate: int) -> None:
        """The device is open and about to start; perhaps not for the first time, when it had to be looked for."""
        self.raw, self.name, self.rate, self.latency = raw, name, rate, float(raw.latency)
        self._reason = self._cause = None
        self._heard = time.perf_counter()
        self._settled, self._patience = self._heard + FIRST, FIRST
        self._lag = self._heard - float(raw.time)

    async def lost(self) -> DeviceLost:
        """Wait until the device has gone, and say why: at once when PortAudio says so, or after a silence of half a
        second.  No block is called any more then."""
        await trio.lowlevel.checkpoint()
        while (gone := self.gone()) is None:
            with trio.move_on_after(self.next_look()):
                await self._changed.wait()
        return gone

    def gone(self) -> DeviceLost | None:
        """The same without waiting.  A silence is believed at the second look; ``next_look`` says when."""
        if self.in_use:
            self._listen()
        if self._gone is None and self._reason is not None:
            self._gone = DeviceLost(f"The {self.kind} {self.name!r} has gone: {self._reason}")
            if self._cause is not None:
                self._gone.__cause__ = self._cause
                log.error("the handler of the %s's sound failed", self.kind, exc_info=self._cause)
        return self._gone

    def next_look(self) -> float:
        """Seconds after which ``gone`` may have something new to say, if nothing happens until then."""
        if self._closed:
            return math.inf
        return max(GRACE, self._heard + self._patience - time.perf_counter())

    async def close(self) -> None:
        """From now on no block is called.  Returns when the device is closed, or after half a second when it hangs;
        it is closed then as soon as it lets go.  Idempotent; a cancel does not cut it short."""
        self._closed = True
        closed = trio.Event()

        def wake(_: Future[None]) -> None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(closed.set)

        self._close(self).add_done_callback(wake)
        with trio.move_on_after(CLOSING, shield=True):
            await closed.wait()

    @property
    def in_use(self) -> bool:
        """Whether blocks are called: it was neither lost nor closed."""
        return not self._closed and self._reason is None

    def abandon(self) -> None:
        """Nobody is its owner any more.  From any thread."""
        self._closed = True

    def end(self, reason: str, cause: Exception | None = None) -> None:
        """It has gone, says whoever noticed, in any thread."""
        if self.in_use:
            self._reason, self._cause = reason, cause
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._tell, idempotent=True)

    def called_back(self, buffer: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback, in its thread."""
        now = time.perf_counter()
        samples = memoryview(buffer)
        if self.in_use:
            self._heard = now
            if now >= self._settled:
                self._patience = max(SILENCE, 10 * frames / self.rate)
            glitch = bool(status) and bool(status.input_overflow or status.output_underflow)
            try:
                return self._block(samples, frames, self._at(now, frames, times), glitch)
            except Exception as error:  # noqa: BLE001  PortAudio must not see it; the owner is told
                self.end("what handles its sound failed. Please report this.", error)
        if self.kind == "speaker":
            samples[:] = bytes(samples.nbytes)
        return None

    def finished(self) -> None:
        """PortAudio's word that no callback follows, in any thread; also on the way to being closed."""
        self.end("it was disconnected, or the sound server stopped.")

    def _tell(self) -> None:
        self._changed.set()
        if self._on_lost is not None:
            self._on_lost()

    def _listen(self) -> None:
        now = time.perf_counter()
        if now < self._heard + self._patience:
            self._suspected = None
        elif self._suspected is None:
            self._suspected = now
        elif now >= self._suspected + 0.9 * GRACE:
            silent = "nothing came from it" if self.kind == "microphone" else "it took no sound"
            self.end(f"{silent} for {now - self._heard:.1f} s. The sound server hangs or suspended it.")

    def _at(self, now: float, frames: int, times: Any) -> float:
        """When these samples were taken or will leave, on the Trio clock."""
        current = float(times.currentTime)
        if self.kind == "microphone":
            away, least = float(times.inputBufferAdcTime) - current, frames / self.rate
            if not -_PLAUSIBLE < away <= 0:
                away = -self.latency
            away = min(away, -least)
        else:
            away = float(times.outputBufferDacTime) - current
            if not 0 <= away < _PLAUSIBLE:
                away = self.latency
        if not current:
            return now + self._offset + away
        # the callback runs late when other threads are busy; the shortest delay seen tells the two clocks' distance
        lag = now - current
        if abs(lag - self._lag) > 0.1:
            self._lag = lag
        self._lag = min(lag, self._lag + _CREEP)
        return current + self._lag + self._offset + away
