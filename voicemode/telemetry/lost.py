"""Counts the sound that did not get through.  In: those who count each their own.  Out: all of it, by where."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import define, field

from actors.messages import AudioFrame
from actors.outlet import Outlet
from actors.ring import Ring


@runtime_checkable
class CountsDropped(Protocol):
    @property
    def dropped(self) -> int:
        """Blocks that came too late."""
        ...


@runtime_checkable
class CountsUnderruns(Protocol):
    @property
    def underruns(self) -> int:
        """Gaps in the middle of speech."""
        ...


@define
class Lost:
    """Frames that the voice model and the recorder came too late for, blocks the device's reader came too late for, and
    gaps in what was played."""

    for_vad: Ring[AudioFrame]
    for_recorder: Ring[AudioFrame]
    microphone: object
    outlet: Outlet
    _device: object = field(default=None, init=False)
    _gaps: int = field(default=0, init=False)
    """Of this device."""
    _gaps_before: int = field(default=0, init=False)

    def __call__(self) -> dict[str, int]:
        device: object = self.outlet.device
        if device is not self._device:
            self._device, self._gaps_before = device, self._gaps_before + self._gaps
            self._gaps = 0
        self._gaps = device.underruns if isinstance(device, CountsUnderruns) else 0
        return {
            "voice_model": self.for_vad.statistics().dropped,
            "recorder": self.for_recorder.statistics().dropped,
            "microphone": self.microphone.dropped if isinstance(self.microphone, CountsDropped) else 0,
            "speaker": self._gaps_before + self._gaps,
        }
