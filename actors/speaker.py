"""Keeps the speaker open, and opens it again when it has gone.

In: a speaker.  Out: its open device in the outlet; what becomes of it to whoever watches and to the dialogue.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from .errors import DeviceError, VoiceError
from .machines.backoff import SETTLED, Backoff
from .messages import SpeakerFailed, SpeakerOpened
from .outlet import Outlet
from .ports import Speaker


async def keep_speaker(
    speaker: Speaker,
    outlet: Outlet,
    reports: trio.MemorySendChannel[SpeakerOpened | SpeakerFailed],
    *,
    publish: Callable[[SpeakerOpened | SpeakerFailed], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run until cancelled; then the device and the outlet are closed.

    Ready when the device has been opened for the first time; what that raises is raised here.  A device that is lost
    is opened again as often as it takes.  What another raises when it is closed, a file that is full, comes out.
    """

    async def tell(event: SpeakerOpened | SpeakerFailed) -> None:
        publish(event)
        await reports.send(event)

    backoff, known = Backoff(), False
    with reports, outlet:
        while True:
            opened = False
            try:
                async with speaker.open(outlet.rate) as device:
                    since = trio.current_time()
                    try:
                        await outlet.attach(device)
                        opened = True
                        if not known:
                            known = True
                            task_status.started()
                        await tell(SpeakerOpened(at=since))
                        lost = await device.lost()
                    finally:
                        outlet.detach()
                    gone = trio.current_time()
                    if gone - since >= SETTLED:
                        backoff.reset()
                    # before the closing, which may take its time
                    await tell(SpeakerFailed(at=gone, error=lost))
            except VoiceError as error:
                expected = isinstance(error, DeviceError) if opened else known
                if not expected:
                    raise
            await trio.sleep(backoff.next())
