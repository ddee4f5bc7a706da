"""What was played, beside what is heard: blocks that left the loudspeaker in, frames of 10 ms in step with the
microphone out.

Both sides carry times of one clock.  They are matched by these when the microphone opens, and from then on sample by
sample, because times are some milliseconds off, now more and now less, and samples are not.  Where the loudspeaker ran
dry, so that all that follows leaves later, there is as much silence.
"""

from __future__ import annotations

from collections import deque
from math import copysign, inf

from actors.messages import SAMPLE_BYTES, seconds_of

from .resampler import StreamResampler

REFERENCE_RATE = 16_000
"""Hz of what comes out, whatever the microphone's rate."""

KEPT = 500
"""Blocks, about 5 s of sound, that may wait for the microphone; then the oldest is lost.  A microphone that was held up
delivers what it has, so this is as much as it may be behind."""

LEAD = 0.02
"""Seconds by which a sound may leave the device after the end of a frame and still come out with it: as far as the
devices' accounts of their latencies may err.  The sound has to be known before its echo."""

MEMORY = 0.1
"""Seconds before a frame from which on there is still use for what was played."""

SLACK = 0.03
"""Seconds by which the two sides may move against one another before they are matched anew."""

DRY = 0.002
"""Seconds by which blocks have to leave later than they should, or earlier, for something to be missing or too much."""

CONFIRMED = 6
"""Blocks in a row that have to say so: one that is handed over late seems to leave late."""

PATIENCE = 0.06
"""Seconds by which a block may be late.  After that the loudspeaker is closed, and silence takes its place."""

STEADINESS = 200
"""Frames over which the times are averaged; before that nothing is made of them."""

ASTRAY = 0.012
"""Seconds by which they have to be out on average before samples are left out or repeated for it: devices' accounts
wander by more than half of that while their samples do not."""

SLIP = 20
"""Frames between two samples that are left out or repeated, 300 millionths: clocks do not run apart faster, and an echo
that moves faster is not followed."""

PACE = 1e-5
"""Seconds by which the time line follows a block's account at most."""

_FRAME = 0.01
_ROUNDING = 1e-6
_BYTES_PER_SECOND = REFERENCE_RATE * SAMPLE_BYTES
_FRAME_BYTES = _BYTES_PER_SECOND // 100


class PlayedReference:
    """``played`` may be called from any thread, all the rest from one at a time."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, bytes, int]] = deque(maxlen=KEPT)
        self.moved = False
        """Whether the times of the two sides have just moved against one another, by more than devices err."""
        self._open = False
        self._lost = 0
        self._pending = bytearray()
        self._end, self._offset = -inf, inf
        self._off: deque[float] = deque(maxlen=CONFIRMED - 1)
        self._owed, self._aligned, self._drift = 0, 0, 0.0
        self._rate = REFERENCE_RATE
        self._resampler = StreamResampler(REFERENCE_RATE, REFERENCE_RATE)

    @property
    def owed(self) -> int:
        """How many frames should have come out and will come late."""
        return self._owed

    @property
    def lost(self) -> int:
        """How many blocks were forgotten before the microphone, though open, got there."""
        return self._lost

    def played(self, at: float, pcm: bytes, rate: int) -> None:
        """A ``Tap``: take note of a block that leaves the device at ``at``.  Never blocks, never raises."""
        if self._open and len(self._waiting) == KEPT:
            self._lost += 1
        self._waiting.append((at, pcm, rate))

    def open(self) -> None:
        """The microphone opens; until now nobody has listened to what was played."""
        while len(self._waiting) > KEPT // 2:
            self._waiting.popleft()
        self._pending.clear()
        self._off.clear()
        self._end, self._offset = -inf, inf
        self._owed, self._aligned, self._drift = 0, 0, 0.0
        self._open = True

    def close(self) -> None:
        self._open = False

    def beside(self, start: float, end: float) -> list[bytes]:
        """What was played that goes with the microphone's frame from ``start`` to ``end``, and has not come out before.

        It is one frame, the same time before its echo at every call.  When it comes late there is none, and it comes
        with the next one.  At the beginning, or when the times of the two sides have moved against one another, there
        are up to 10 frames of the past before it.
        """
        oldest, newest = start - MEMORY, end + LEAD
        while self._waiting and self._waiting[0][0] < newest:
            late = self._late()
            self._take(*self._waiting.popleft(), late, oldest)
        if self._end < end - PATIENCE:
            self._fill(oldest, end - PATIENCE)
        there = len(self._pending) // _FRAME_BYTES
        behind = newest - self._end + len(self._pending) / _BYTES_PER_SECOND
        self._owed += 1
        off = abs(behind - self._owed * _FRAME - self._offset)
        self.moved = SLACK < off < inf
        if off > SLACK:
            return self._align(there, behind)
        self._aligned += 1
        if self._aligned <= STEADINESS:
            self._offset += (behind - self._owed * _FRAME - self._offset) / self._aligned
        else:
            self._drift += (behind - self._owed * _FRAME - self._offset - self._drift) / STEADINESS
        given = min(self._owed, there)
        self._owed -= given
        return self._slipped([self._next() for _ in range(given)])

    def _align(self, there: int, behind: float) -> list[bytes]:
        """Begin anew with the newest frame there is."""
        wanted = min(there, int(behind / _FRAME + _ROUNDING))
        frames = [self._next() for _ in range(wanted)]
        self._offset, self._owed, self._aligned, self._drift = behind - wanted * _FRAME, 0, 0, 0.0
        return frames[-round(MEMORY / _FRAME) :]

    def _slipped(self, frames: list[bytes]) -> list[bytes]:
        """Leave out or repeat a sample now and then: no two clocks run at the same pace."""
        if abs(self._drift) > ASTRAY and not self._aligned % SLIP and len(self._pending) >= SAMPLE_BYTES:
            if self._drift > 0:
                del self._pending[:SAMPLE_BYTES]
            else:
                self._pending[:0] = self._pending[:SAMPLE_BYTES]
            self._drift -= copysign(1 / REFERENCE_RATE, self._drift)
        return frames

    def _next(self) -> bytes:
        frame = bytes(self._pending[:_FRAME_BYTES])
        del self._pending[:_FRAME_BYTES]
        return frame

    def _late(self) -> float:
        """By how many seconds the next waiting block leaves later than what was taken before ends; negative if earlier.

        0 as long as it is alone with that: ``CONFIRMED`` blocks have to agree, those that wait if there are enough of
        them, else together with those before.
        """
        errors, expected = list(self._off), self._end
        # by index, for the loudspeaker's thread may add to them meanwhile
        for number in range(min(CONFIRMED, len(self._waiting))):
            at, pcm, rate = self._waiting[number]
            errors.append(at - expected)
            expected += seconds_of(pcm, rate)
        ahead = errors[len(self._off) :]
        witnesses = ahead if len(ahead) == CONFIRMED or ahead[0] > SLACK else errors[-CONFIRMED:]
        self._off.append(ahead[0])
        if len(witnesses) < CONFIRMED and ahead[0] <= SLACK:
            return 0.0
        late = min(witnesses) if min(witnesses) > DRY else max(witnesses) if max(witnesses) < -DRY else 0.0
        if late:
            self._off.clear()
        return late

    def _take(self, at: float, pcm: bytes, rate: int, late: float, oldest: float) -> None:
        if at + seconds_of(pcm, rate) <= oldest:
            return
        if late > 0:
            self._fill(oldest, self._end + late if late < inf else at)
        elif late < 0:
            pcm = pcm[round(-late * rate) * SAMPLE_BYTES :]
        if rate != self._rate:
            self._resampler, self._rate = StreamResampler(rate, REFERENCE_RATE), rate
        self._pending += self._resampler.convert(pcm)
        end = self._end + seconds_of(pcm, rate)
        self._end = end + max(-PACE, min(PACE, at + seconds_of(pcm, rate) - end))

    def _fill(self, oldest: float, until: float) -> None:
        """Put silence where nothing is known to have been played."""
        if self._end < oldest:
            self._pending.clear()
            self._end = oldest
        self._pending += bytes(SAMPLE_BYTES * max(0, round((until - self._end) * REFERENCE_RATE)))
        self._end = max(self._end, until)
