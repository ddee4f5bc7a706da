"""What microphones and speakers there are: nothing in, PortAudio's list out."""

from __future__ import annotations

from .device_choice import DeviceInfo as DeviceInfo
from .portaudio import query_devices


async def list_devices() -> tuple[DeviceInfo, ...]:
    """All devices, in the order of their indices; none when no sound card or server answers.

    Devices that came since the last look are seen when no device is open.  Raises DeviceError, saying what to
    install, when PortAudio is missing.
    """
    return await query_devices()
