"""The promises of ``Microphone``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import trio

from actors.errors import DeviceLost
from actors.messages import SAMPLE_BYTES, AudioFrame
from actors.ports import Microphone

from .keeping import PATIENCE, BrokenPromise, in_time, promised, promised_kind, promised_port

SHORTEST, LONGEST = 0.010, 0.100
"""Seconds of a frame."""

ROUNDING = 0.002
CLOCKS = 0.1
"""Seconds that a frame may seem to come early: devices have clocks of their own."""


async def check_microphone(microphone: Microphone, rate: int = 16_000, *, seconds: float = 0.5) -> None:
    """Listen at ``rate`` Hz for so many ``seconds``, to a microphone that is there.  Raises BrokenPromise."""
    promised_port("microphone", microphone)
    for _ in range(2):
        with in_time("Opening, hearing and closing", 20 + seconds):
            async with microphone.open(rate) as frames:
                heard, end = 0.0, None
                while heard < seconds:
                    frame = await _next(frames)
                    _check_frame(frame, rate, end)
                    heard, end = heard + frame.end - frame.start, frame.end
    with in_time("Closing for a cancel"), trio.move_on_after(0.05):
        async with microphone.open(rate) as frames:
            try:
                async for _ in frames:
                    pass
            except DeviceLost:
                pass


async def _next(frames: AsyncIterator[AudioFrame]) -> AudioFrame:
    with trio.move_on_after(PATIENCE):
        async for frame in frames:
            promised_kind(frame, AudioFrame, "What the microphone gave")
            return frame
        raise BrokenPromise("The microphone ended; one that has gone raises DeviceLost.")
    raise BrokenPromise(
        f"No frame came in {PATIENCE:g} s, and one is due every 100 ms: while it is checked, it has to be given sound."
    )


def _check_frame(frame: AudioFrame, rate: int, end: float | None) -> None:
    promised(frame.rate == rate, f"A frame has {frame.rate} Hz, and {rate} were asked for.")
    promised(len(frame.pcm) % SAMPLE_BYTES == 0, "A frame ends in the middle of a sample.")
    length = len(frame.pcm) / (SAMPLE_BYTES * rate)
    promised(
        SHORTEST - ROUNDING <= length <= LONGEST + ROUNDING, f"A frame lasts {length:.3f} s, and 10 to 100 ms are fine."
    )
    promised(frame.end <= trio.current_time() + CLOCKS, "A frame came before its sound can have been taken.")
    promised(end is None or frame.start >= end - ROUNDING - CLOCKS, "A frame begins before the end of the one before.")
