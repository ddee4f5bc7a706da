"""What is done about echo: two devices and a wish in, the microphone to listen to and a judge of what it hears out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from actors.errors import DeviceError
from actors.machines.echo_guard import EchoGuard, EchoGuardPolicy
from actors.messages import SpeechActivity
from actors.ports import Microphone, Monitored

if TYPE_CHECKING:
    from .echo import EchoCanceller
    from .echo_guard_tap import EchoGuardTap

log = logging.getLogger(__name__)

Echo: TypeAlias = Literal["auto", "cancel", "guard", "off"]
"""What is done about the assistant's voice coming back through the microphone: ``cancel`` takes it out of the sound,
``guard`` hears the user only where they are louder than it can be, ``off`` does nothing, which suits headphones;
``auto`` cancels where the extra ``aec`` is installed and guards where it is not, for speakers that stand in a room."""

Heed: TypeAlias = Callable[[SpeechActivity], SpeechActivity]
"""Judges a window of speech before anybody hears of it."""


async def against_echo(
    microphone: Microphone,
    speaker: object,
    *,
    echo: Echo,
    noise_suppression: bool,
    gain_control: bool,
) -> tuple[Microphone, Heed | None]:
    """``microphone`` as it is to be listened to, and who judges its windows.

    A ``speaker`` that is not ``Monitored`` is in no room and makes no echo.  Raises SettingsError when what is asked
    for is not installed, DeviceError when it does not work.
    """
    # who only wants to know what may be wished for needs no numpy
    from .clean_microphone import CleanMicrophone
    from .echo import REMAINS, available, load_echo_canceller
    from .echo_guard_tap import EchoGuardTap

    room = speaker if isinstance(speaker, Monitored) else None
    canceller: EchoCanceller | None = None
    cancels = room is not None and (echo == "cancel" or (echo == "auto" and available()))
    if cancels or noise_suppression or gain_control:
        try:
            canceller = await load_echo_canceller(
                cancel=cancels, noise_suppression=noise_suppression, gain_control=gain_control
            )
        except DeviceError as error:
            if echo != "auto" or noise_suppression or gain_control:
                raise
            log.warning("%s What is louder than the echo can be counts for the user instead.", error)
        else:
            microphone = CleanMicrophone(microphone, canceller)
    if room is None or echo == "off":
        return microphone, None
    if canceller is None or not cancels:
        guard = EchoGuardTap(EchoGuard(EchoGuardPolicy()))
        room.monitor(guard.played)
        return microphone, guard.heed
    room.monitor(canceller.played)
    guard = EchoGuardTap(EchoGuard(REMAINS))
    room.monitor(guard.played)
    return microphone, partial(_heed_if_audible, canceller, guard)


def _heed_if_audible(canceller: EchoCanceller, guard: EchoGuardTap, activity: SpeechActivity) -> SpeechActivity:
    heeded = guard.heed(activity)
    return heeded if canceller.audible else activity
