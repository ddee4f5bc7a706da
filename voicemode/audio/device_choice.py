"""Finds the device that is meant: what there is and a name, a number or nothing in, one device out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from actors.errors import DeviceError
from actors.messages import DeviceKind

DeviceName: TypeAlias = int | str | None
"""A device by its index, by its name or a part of it, or the default."""


@frozen(kw_only=True)
class DeviceInfo:
    """A device as PortAudio lists it: ``host`` is the system it belongs to, ``inputs`` and ``outputs`` its channels,
    ``rate`` the one it prefers, in Hz.  Indices change when devices come and go; names do not."""

    index: int
    name: str
    host: str
    inputs: int
    outputs: int
    rate: int
    default_input: bool
    default_output: bool

    def serves(self, kind: DeviceKind) -> bool:
        return bool(self.inputs if kind == "microphone" else self.outputs)

    def is_default(self, kind: DeviceKind) -> bool:
        return self.default_input if kind == "microphone" else self.default_output


def choose(devices: Sequence[DeviceInfo], kind: DeviceKind, wanted: DeviceName) -> DeviceInfo:
    """Raises DeviceError, saying what there is, when there is no such device or several could be meant.

    Case does not matter in names.  A whole name goes before a part of one, and where a name is listed by several
    systems, the default device's system goes before the others.
    """
    able = [device for device in devices if device.serves(kind)]
    if not able:
        raise DeviceError(
            f"There is no {kind}: no sound card or sound server answers. Connect one, or start PulseAudio or PipeWire "
            "(`pulseaudio --start`, `systemctl --user start pipewire-pulse`), and try again."
        )
    default = next((device for device in able if device.is_default(kind)), None)
    if wanted is None:
        return default or able[0]
    if isinstance(wanted, int):
        found = [device for device in able if device.index == wanted]
        called = f"number {wanted}"
    else:
        found = _called(able, wanted)
        called = f"called {wanted!r}"
    if len(found) > 1 and default and (same := [device for device in found if device.host == default.host]):
        found = same
    if len(found) == 1:
        return found[0]
    several = f"More than one {kind} is {called}" if found else f"There is no {kind} {called}"
    raise DeviceError(f"{several}. There is: {'; '.join(f'{one.index} {one.name} ({one.host})' for one in able)}.")


def _called(devices: Sequence[DeviceInfo], wanted: str) -> list[DeviceInfo]:
    name = wanted.casefold()
    exact = [device for device in devices if device.name.casefold() == name]
    return exact or [device for device in devices if name in device.name.casefold()]
