"""Keeps the microphone open while somebody is listened to, and only then.

In: the wish at the gate, and frames from the device.  Out: every frame, stamped with the number of its opening, into
one ring for each listener; what becomes of each opening to whoever watches, and to the dialogue that it works or has
failed.  While the gate is muted the frames are silent, and come all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from .errors import DeviceLost, VoiceError
from .gate import Gate
from .messages import AudioFrame, MicrophoneClosed, MicrophoneFailed, MicrophoneOpened, StreamId
from .ports import Microphone
from .ring import Ring


async def capture_audio(
    gate: Gate,
    rings: Sequence[Ring[AudioFrame]],
    reports: trio.MemorySendChannel[MicrophoneOpened | MicrophoneFailed],
    *,
    microphone: Microphone,
    rate: int,
    publish: Callable[[MicrophoneOpened | MicrophoneClosed | MicrophoneFailed], None],
) -> None:
    """Run until cancelled; then the rings are closed.

    Every opening that is begun is reported closed or failed in the end: closed once the device is, failed at once,
    because a device that hangs takes its time to close.  One that the gate takes back before the device was there is
    reported closed without having been reported open.  After a failure the gate must change before the device is tried
    again.
    """
    with reports:
        stream: StreamId | None = None
        try:
            while True:
                stream = await gate.wait_change(stream)
                if stream is not None:
                    await _capture(gate, stream, rings, reports, microphone, rate, publish)
        finally:
            for ring in rings:
                ring.close()


async def _capture(
    gate: Gate,
    stream: StreamId,
    rings: Sequence[Ring[AudioFrame]],
    reports: trio.MemorySendChannel[MicrophoneOpened | MicrophoneFailed],
    microphone: Microphone,
    rate: int,
    publish: Callable[[MicrophoneOpened | MicrophoneClosed | MicrophoneFailed], None],
) -> None:
    """See one opening through to its end, and tell of it."""
    failed = False

    async def tell(event: MicrophoneOpened | MicrophoneFailed) -> None:
        publish(event)
        await reports.send(event)

    try:
        with gate.scope(stream):
            async with microphone.open(rate) as frames:
                await tell(MicrophoneOpened(stream=stream, at=trio.current_time()))
                try:
                    async for frame in frames:
                        stamped = AudioFrame(start=frame.start, pcm=gate.heard(frame), rate=frame.rate, stream=stream)
                        for ring in rings:
                            ring.put_nowait(stamped)
                    raise DeviceLost("The microphone stopped. Check that it is still connected.")
                except VoiceError as error:
                    failed = True
                    await tell(MicrophoneFailed(stream=stream, at=trio.current_time(), error=error))
                finally:
                    # what listeners gather the end of may not come
                    for ring in rings:
                        ring.flush()
    except VoiceError as error:
        if not failed:
            failed = True
            await tell(MicrophoneFailed(stream=stream, at=trio.current_time(), error=error))
    if not failed:
        publish(MicrophoneClosed(stream=stream, at=trio.current_time()))
