"""The promises of ``Speaker`` and ``Playback``."""

from __future__ import annotations

from array import array
from contextlib import suppress

import trio

from actors.ports import Playback, Speaker

from ..groups import unwrapped
from .keeping import in_time, promised, promised_port

QUEUE = 0.060
"""Seconds of sound that may wait in a device."""

TAKEN = 0.5
"""Seconds of sound that a device, or a network before it, may have taken and still play after a stop, at most."""


async def check_speaker(speaker: Speaker, rate: int = 24_000) -> None:
    """Play some two seconds at ``rate`` Hz on a speaker that is there.  Raises BrokenPromise."""
    promised_port("speaker", speaker)
    for _ in range(2):
        with in_time("Opening, playing and closing"):
            async with speaker.open(rate) as playback:
                await _check_playing(playback, rate)
                await _check_stopping(playback, rate)
                await _check_that_it_is_not_lost(playback)
    with in_time("Closing while it plays"), trio.move_on_after(0.1):
        async with speaker.open(rate) as playback:
            await playback.write(_tone(1.0, rate))


async def _check_playing(playback: Playback, rate: int) -> None:
    promised(playback.rate == rate, f"The speaker was opened at {rate} Hz and says {playback.rate}.")
    promised(playback.played() == 0, "Something was played before anything was written.")
    await playback.drain()
    playback.stop()
    playback.overlay(_tone(0.05, rate))
    sound, began = _tone(0.3, rate), trio.current_time()
    at = await playback.write(sound)
    took = trio.current_time() - began
    promised(at >= began - 0.001, "The first sample is said to have left before it was written.")
    promised(took > 0.3 - QUEUE - 0.1, f"Of 0.3 s of sound all was taken after {took:.3f} s; some 60 ms may wait.")
    await playback.drain()
    promised(
        playback.played() == len(sound) // 2,
        f"Of {len(sound) // 2} samples written, and drained, {playback.played()} were played.",
    )
    for gain in (0.3, 0.0, 1.0):
        playback.duck(gain)
    with suppress(ValueError):
        playback.duck(1.5)
        promised(False, "A gain of 1.5 was taken.")


async def _check_stopping(playback: Playback, rate: int) -> None:
    before, long = playback.played(), _tone(5.0, rate)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(playback.write, long)
            await trio.sleep(0.2)
            playback.stop()
            with in_time("A write that was stopped, and its drain", 5.0):
                await playback.drain()
    played = playback.played() - before
    promised(
        played <= (0.2 + TAKEN) * rate, f"After a stop at 0.2 s {played / rate:.2f} s count as played, as if none was."
    )
    after = _tone(0.1, rate)
    await playback.write(after)
    await playback.drain()
    total = playback.played() - before - played
    promised(total == len(after) // 2, f"What was written after a stop is {len(after) // 2} samples, played {total}.")
    with trio.move_on_after(0.05):
        await playback.write(long)
    playback.stop()
    await playback.drain()


async def _check_that_it_is_not_lost(playback: Playback) -> None:
    with trio.move_on_after(0.05) as scope:
        await playback.lost()
    promised(scope.cancelled_caught, "The speaker says that it has gone, and it is there.")


def _tone(seconds: float, rate: int) -> bytes:
    period = rate // 400
    return array("h", [2_000 if at % period * 2 < period else -2_000 for at in range(round(seconds * rate))]).tobytes()
