"""Stands between two threads: speech and chimes in from Trio's, blocks for the device out to the device's own.

A block is always full, with silence where there is nothing to play.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from actors.messages import SAMPLE_BYTES
from actors.ports import Tap

from .departures import Departures
from .ducking import Ducking
from .resampler import StreamResampler
from .stretches import Conversion, Stretch

FADE_SECONDS = 0.005
"""How long a stop takes: as good as at once, and long enough not to click."""

GAP_SECONDS = 0.004
"""By which a block leaves later than the one before it ends when the device had too little: PortAudio does not always
say so, and otherwise its times differ by tenths of a millisecond."""


class PlayoutBuffer:
    """Speech written at ``rate`` Hz, played at ``device_rate``.

    The device's thread calls ``fill``, and in it ``taps`` with every block, and ``wake`` when something that
    ``is_down_to`` denied has come true.  All else is for one thread.  The lock between the two is held for some ten
    microseconds.  ``underruns`` counts the gaps in the middle of speech, whether nothing was queued or the device was
    not asking in time.  The device is running once it has asked for ``settling`` seconds of sound.
    """

    def __init__(
        self,
        rate: int,
        device_rate: int,
        *,
        wake: Callable[[], None],
        taps: Sequence[Tap] = (),
        settling: float = 0.0,
    ) -> None:
        self.rate, self.device_rate = rate, device_rate
        self.underruns = 0
        self._wake, self._taps = wake, tuple(taps)
        self._conversion = Conversion(rate, device_rate)
        size = round(FADE_SECONDS * device_rate)
        self._ramp = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, size + 1) / size)
        self._lock = threading.Lock()
        self._queue: deque[Stretch] = deque()
        self._queued = 0
        self._overlays: list[NDArray[np.int16]] = []
        self._departures = Departures(device_rate)
        self._ducking = Ducking(device_rate)
        self._asked = 0
        """Samples the device has asked for."""
        self._settling = round(settling * device_rate)
        self._next: float | None = None
        self._wanted: int | None = None
        self._speaking = self._sounding = self._dry = False
        self._last = 0
        self._silent_at = 0.0

    def append(self, pcm: bytes) -> None:
        """Play ``pcm`` after what is queued."""
        if not pcm:
            return
        stretch = self._conversion.convert(pcm)
        with self._lock:
            self.underruns += self._dry
            self._speaking, self._dry = True, False
            self._put(stretch)

    def flush(self) -> None:
        """The speech ends here: when the queue runs dry now, that is as it should be."""
        rest = self._conversion.finish()
        with self._lock:
            self._speaking = self._dry = False
            self._put(rest)

    def drop(self) -> None:
        """Forget what the device has not taken, without a fade: for one that forgets what it has taken as well."""
        self._conversion.drop()
        with self._lock:
            self._queue.clear()
            self._queued = self._last = 0
            self._speaking = self._sounding = self._dry = False

    def forget(self, after: float) -> None:
        """The device has dropped what it had taken and what would leave ``after`` then: it is never played."""
        with self._lock:
            self._departures.forget(after)

    def stop(self) -> None:
        """Fade out within 5 ms, beginning with what the device takes next, and forget the rest.

        The louder half of the fade counts as played once it has left, the other half does not.
        """
        self._conversion.drop()
        with self._lock:
            loud, soft = self._take(len(self._ramp) // 2), self._take(-(-len(self._ramp) // 2))
            self._queue.clear()
            self._queued = 0
            self._speaking = self._dry = False
            sound = np.frombuffer(b"".join(stretch.pcm for stretch in loud + soft), "<i2")
            last = int(sound[-1]) if len(sound) else self._last
            if not len(sound) and not last:
                return
            # where too little is queued, its last value goes on: a step down would be a click
            sound = np.append(sound, np.full(len(self._ramp) - len(sound), last))
            pcm = np.rint(sound * self._ramp).astype("<i2").tobytes()
            for stretch in loud:
                self._put(Stretch(pcm[: len(stretch.pcm)], stretch.written))
                pcm = pcm[len(stretch.pcm) :]
            self._put(Stretch(pcm, 0))

    def overlay(self, pcm: bytes) -> None:
        """Mix ``pcm`` into what is played from the next block on."""
        if self.rate != self.device_rate:
            pcm = StreamResampler(self.rate, self.device_rate).convert(pcm, last=True)
        if pcm:
            with self._lock:
                self._overlays.append(np.frombuffer(pcm, "<i2"))

    def duck(self, gain: float) -> None:
        """From the next block on play speech at ``gain``, a share of its level."""
        with self._lock:
            self._ducking.change(gain, self._asked, ramp=self._sounding)

    def is_down_to(self, seconds: float) -> bool:
        """Whether the device is running and no more than this is queued; if not, ``wake`` will be called."""
        samples = math.floor(seconds * self.device_rate)
        with self._lock:
            if self._is_down_to(samples):
                return True
            self._wanted = max(samples, self._wanted or 0)
            return False

    @property
    def queued(self) -> float:
        """Seconds of speech the device has not taken yet."""
        return self._queued / self.device_rate

    @property
    def to_come(self) -> int:
        """Samples of speech and overlays, at the device's rate, that the device has not taken yet."""
        with self._lock:
            return max([self._queued, *map(len, self._overlays)])

    @property
    def is_empty(self) -> bool:
        """Whether there is neither speech, nor the account of some, nor an overlay for the device."""
        with self._lock:
            return not (self._queue or self._overlays)

    def next(self, now: float) -> float:
        """When a sample that is appended now will leave the device."""
        with self._lock:
            return max(now, self._next or now) + self.queued

    def end(self, now: float) -> float:
        """When the last sample of what was appended leaves the device, or left it."""
        with self._lock:
            return max(now, self._next or now) + self.queued if self._queued else self._departures.end

    def silent_at(self, now: float) -> float:
        """When all that is to be heard, overlays too, has left the device."""
        with self._lock:
            to_come = max([self._queued, *map(len, self._overlays)])
            return max(now, self._next or now) + to_come / self.device_rate if to_come else self._silent_at

    @property
    def asked_until(self) -> float:
        """When the last sample the device has asked for leaves it, speech or not."""
        return self._next or 0.0

    def played(self, now: float) -> int:
        """How many of the samples written have left the device."""
        with self._lock:
            return self._departures.left(now)

    def fill(self, buffer: memoryview, frames: int, at: float, underflow: bool) -> None:
        """Fill ``buffer`` with the next ``frames`` samples, of which the first leaves the device at ``at``."""
        with self._lock:
            if self._sounding and (underflow or self._is_late(at)):
                self.underruns += 1
            filled = self._play(buffer, frames, at) if self._queue else 0
            self._sounding = filled == frames
            if self._sounding:
                self._last = int.from_bytes(buffer[-SAMPLE_BYTES:], "little", signed=True)
            else:
                buffer[SAMPLE_BYTES * filled :] = bytes(SAMPLE_BYTES * (frames - filled))
                self._dry, self._last = self._speaking, 0
            if filled:
                voice = buffer[: SAMPLE_BYTES * filled]
                voice[:] = self._ducking.apply(voice, self._asked)
            self._asked += frames
            self._ducking.forget(self._asked)
            if filled or self._overlays:
                self._silent_at = at + frames / self.device_rate
            if self._overlays:
                self._mix_into(buffer, frames)
            if self._settling > 0:
                self._settling -= frames
            else:
                self._next = at + frames / self.device_rate
            wanted = self._wanted is not None and self._is_down_to(self._wanted)
            if wanted:
                self._wanted = None
        if wanted:
            self._wake()
        if self._taps:
            pcm = bytes(buffer)
            for tap in self._taps:
                tap(at, pcm, self.device_rate)

    def _is_late(self, at: float) -> bool:
        return self._next is not None and at - self._next > GAP_SECONDS

    def _play(self, buffer: memoryview, frames: int, at: float) -> int:
        """Hand over what is queued; how many samples that is."""
        filled = 0
        for stretch in self._take(frames):
            begin = SAMPLE_BYTES * filled
            buffer[begin : begin + len(stretch.pcm)] = stretch.pcm
            self._departures.add(at + filled / self.device_rate, stretch.samples, stretch.written)
            filled += stretch.samples
        return filled

    def _is_down_to(self, samples: int) -> bool:
        # a stretch may be an account alone, without a sound
        return self._next is not None and (self._queued <= samples if samples else not self._queue)

    def _put(self, stretch: Stretch) -> None:
        if stretch.samples or stretch.written:
            self._queue.append(stretch)
            self._queued += stretch.samples

    def _take(self, samples: int) -> list[Stretch]:
        """The first ``samples`` of the queue, or as many as there are."""
        taken: list[Stretch] = []
        while self._queue and samples >= self._queue[0].samples:
            taken.append(self._queue.popleft())
            samples -= taken[-1].samples
        if self._queue and samples:
            head, self._queue[0] = self._queue[0].cut(samples)
            taken.append(head)
        self._queued -= sum(stretch.samples for stretch in taken)
        return taken

    def _mix_into(self, buffer: memoryview, frames: int) -> None:
        total = np.frombuffer(buffer, "<i2").astype(np.int32)
        for sound in self._overlays:
            total[: len(sound)] += sound[:frames]
        buffer[:] = np.clip(total, -32768, 32767).astype("<i2").tobytes()
        self._overlays = [sound[frames:] for sound in self._overlays if len(sound) > frames]
