"""Devices that go and come back: losses and returns in; when to try again, when to give up, and the account out.

A device that goes again before it has settled was never back: its absence goes on, and so do the delays between the
attempts, so that one which opens and dies at once is given up like one that does not open.
"""

from __future__ import annotations

from attrs import define, field

from ..errors import DeviceLost, VoiceError
from ..messages import DeviceKind
from ..results import DeviceLoss
from .backoff import SETTLED, Backoff


@define
class _Loss:
    device: DeviceKind
    since: float
    error: VoiceError
    back: float | None = None


@define
class Losses:
    """``wait`` is how many seconds a lost device may take to come back.

    ``retry_at`` is when the microphone is to be opened again; None while it need not be, or is being opened.  The
    speaker is opened again by whoever keeps it.
    """

    wait: float
    retry_at: float | None = field(default=None, init=False)
    _absent: dict[DeviceKind, _Loss] = field(factory=dict[DeviceKind, _Loss], init=False)
    _account: list[_Loss] = field(factory=list[_Loss], init=False)
    _backoff: Backoff = field(factory=Backoff, init=False)

    def begin(self) -> None:
        """A turn begins: what has come back by now is no business of it."""
        self._account = list(self._absent.values())

    def lost(self, device: DeviceKind, at: float, error: VoiceError) -> None:
        """``device`` has gone, or could not be opened again."""
        if device not in self._absent:
            last = self._last(device)
            if last is None or (last.back is not None and at - last.back >= SETTLED):
                last = _Loss(device, at, error)
                self._account.append(last)
                if device == "microphone":
                    self._backoff.reset()
            last.back = None
            self._absent[device] = last
        if device == "microphone":
            self.retry_at = at + self._backoff.next()

    def back(self, device: DeviceKind, at: float) -> bool:
        """``device`` is open; say whether it had been lost and was waited for."""
        absent = self._absent.pop(device, None)
        last = self._last(device) if absent is None else absent
        if last is not None and last.back is None:
            last.back = at
        return absent is not None

    def dismiss(self) -> None:
        """The microphone is not wanted any longer, back or not."""
        self.retry_at = None
        self._absent.pop("microphone", None)

    def absent(self, device: DeviceKind) -> bool:
        return device in self._absent

    def returned(self, device: DeviceKind, since: float) -> float:
        """When ``device`` last came back, or ``since`` if that is later."""
        last = self._last(device)
        return since if last is None or last.back is None else max(since, last.back)

    def give_up_at(self, device: DeviceKind, since: float) -> float | None:
        """When somebody who needs ``device`` since ``since`` has waited long enough; None while it is there."""
        loss = self._absent.get(device)
        return None if loss is None else max(loss.since, since) + self.wait

    def failure(self, device: DeviceKind) -> VoiceError:
        """What to say about an absent ``device`` that was given up."""
        reason = self._absent[device].error
        if not self.wait:
            return reason
        error = DeviceLost(f"The {device} did not come back within {self.wait:g} s. {reason}")
        error.__cause__ = reason
        return error

    def account(self, began: float) -> tuple[DeviceLoss, ...]:
        """What was gone for part of a turn that began at ``began``, in the order it went."""
        return tuple(
            DeviceLoss(
                device=loss.device,
                reason=str(loss.error),
                seconds=None if loss.back is None else round(loss.back - loss.since, 6),
            )
            for loss in self._account
            if loss.back is None or loss.back > began
        )

    def _last(self, device: DeviceKind) -> _Loss | None:
        return next((loss for loss in reversed(self._account) if loss.device == device), None)
