"""The promises of ``Microphone``."""

from __future__ import annotations

import trio

from actors.errors import DeviceLost
from actors.messages import SAMPLE_BYTES, AudioFrame
from actors.ports import Microphone

from .keeping import in_time, promised

SHORTEST, LONGEST = 0.010, 0.100
"""Seconds of a frame."""

ROUNDING = 0.002
CLOCKS = 0.1
"""Seconds that a frame may seem to come early: devices have clocks of their own."""


async def check_microphone(microphone: Microphone, rate: int = 16_000, *, seconds: float = 0.5) -> None:
    """Listen at ``rate`` Hz for so many ``seconds``, to a microphone that is there.  Raises BrokenPromise."""
    for _ in range(2):
        with in_time("Opening, hearing and closing", 20 + seconds):
            async with microphone.open(rate) as frames:
                heard, end = 0.0, None
                async for frame in frames:
                    _check_frame(frame, rate, end)
                    heard, end = heard + frame.end - frame.start, frame.end
                    if heard >= seconds:
                        break
                promised(heard >= seconds, "The microphone ended; one that has gone raises DeviceLost.")
    with in_time("Closing for a cancel"), trio.move_on_after(0.05):
        async with microphone.open(rate) as frames:
            try:
                async for _ in frames:
                    pass
            except DeviceLost:
                pass


def _check_frame(frame: AudioFrame, rate: int, end: float | None) -> None:
    promised(frame.rate == rate, f"A frame has {frame.rate} Hz, and {rate} were asked for.")
    promised(len(frame.pcm) % SAMPLE_BYTES == 0, "A frame ends in the middle of a sample.")
    length = len(frame.pcm) / (SAMPLE_BYTES * rate)
    promised(
        SHORTEST - ROUNDING <= length <= LONGEST + ROUNDING, f"A frame lasts {length:.3f} s, and 10 to 100 ms are fine."
    )
    promised(frame.end <= trio.current_time() + CLOCKS, "A frame came before its sound can have been taken.")
    promised(end is None or frame.start >= end - ROUNDING - CLOCKS, "A frame begins before the end of the one before.")
