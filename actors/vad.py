"""Listens for speech.  In: frames from the microphone.  Out: how likely each window is speech, and what follows.

The frames are regrouped into the windows of the speech model.  Each opening of the microphone is judged afresh.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from .expectation import Expectation
from .machines.endpointer import Endpointer, EndpointPolicy
from .messages import SAMPLE_BYTES, AudioFrame, SpeechActivity, SpeechEvent, StreamId, seconds_of, size_of
from .ports import SpeechModel
from .ring import Ring


async def detect_speech(
    frames: Ring[AudioFrame],
    events: trio.MemorySendChannel[SpeechEvent],
    *,
    model: SpeechModel,
    level_of: Callable[[bytes], float],
    policy: EndpointPolicy,
    heed: Callable[[SpeechActivity], SpeechActivity] | None = None,
    expectation: Expectation | None = None,
) -> None:
    """Run until ``frames`` is closed.  After each window's activity come the events it decides, in order.

    ``level_of`` tells how loud pcm is, in dBFS.  ``heed`` may judge a window otherwise before anybody hears of it,
    because of what else it knows; ``expectation`` says how long a pause is waited out, otherwise the policy does.
    Where frames were dropped the window begins anew at the next one.  Raises ValueError for frames at another rate
    than the model's.
    """
    window_bytes = model.window * SAMPLE_BYTES
    stream = StreamId(0)
    speech, endpointer = model.stream(), Endpointer(policy, stream)
    pending = b""
    expected = 0.0
    with events:
        while not frames.over:
            # nothing can be decided before the window is whole, so there is no reason to wake up
            for frame in await frames.take(window_bytes - len(pending), size_of):
                if frame.rate != model.rate:
                    raise ValueError(f"the speech model hears {model.rate} Hz, the microphone delivers {frame.rate} Hz")
                if frame.stream != stream:
                    stream = frame.stream
                    speech, endpointer = model.stream(), Endpointer(policy, stream)
                    pending = b""
                elif frame.missing_after(expected):
                    pending = b""
                expected = frame.end
                pending += frame.pcm
                while len(pending) >= window_bytes:
                    window, pending = pending[:window_bytes], pending[window_bytes:]
                    activity = SpeechActivity(
                        stream=frame.stream,
                        at=frame.end - seconds_of(pending, frame.rate),
                        duration=model.window / model.rate,
                        probability=await speech.probability(window),
                        level=level_of(window),
                    )
                    if heed is not None:
                        activity = heed(activity)
                    await _send(events, activity)
                    if expectation is not None and expectation.stream == frame.stream:
                        endpointer.expect(expectation.pause, expectation.until)
                    for event in endpointer.feed(activity):
                        await _send(events, event)


async def _send(events: trio.MemorySendChannel[SpeechEvent], event: SpeechEvent) -> None:
    """There is a checkpoint for each window already, and another costs as much as all the rest here."""
    try:
        events.send_nowait(event)
    except trio.WouldBlock:
        await events.send(event)
