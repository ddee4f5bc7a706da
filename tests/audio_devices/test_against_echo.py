from __future__ import annotations

import pytest

from actors.errors import DeviceError
from actors.ports import Tap
from voicemode.audio import echo as module
from voicemode.audio.against_echo import Echo, against_echo
from voicemode.audio.clean_microphone import CleanMicrophone
from voicemode.audio.virtual_microphone import NullMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker


class Loudspeaker(NullSpeaker):
    """Stands in a room."""

    def __init__(self) -> None:
        super().__init__()
        self.taps: list[Tap] = []

    def monitor(self, tap: Tap) -> None:
        self.taps.append(tap)


@pytest.mark.parametrize(
    ("echo", "cleaned", "taps"), [("auto", True, 2), ("cancel", True, 2), ("guard", False, 1), ("off", False, 0)]
)
async def test_what_is_asked_for_is_what_is_done(echo: Echo, cleaned: bool, taps: int) -> None:
    speaker, microphone = Loudspeaker(), NullMicrophone()
    heard, heed = await against_echo(microphone, speaker, echo=echo, noise_suppression=False, gain_control=False)
    assert isinstance(heard, CleanMicrophone) == cleaned
    assert (heed is not None, len(speaker.taps)) == (taps > 0, taps)


async def test_a_speaker_in_no_room_makes_no_echo() -> None:
    microphone = NullMicrophone()
    untouched = await against_echo(
        microphone, NullSpeaker(), echo="cancel", noise_suppression=False, gain_control=False
    )
    assert untouched == (microphone, None)


@pytest.mark.parametrize("echo", ["auto", "cancel"])
async def test_a_canceller_that_does_not_work_is_done_without_unless_it_was_asked_for(
    echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(**_: bool) -> None:
        raise DeviceError("Echo cancellation does not work on this machine.")

    monkeypatch.setattr(module, "load_echo_canceller", broken)
    speaker, microphone = Loudspeaker(), NullMicrophone()
    if echo == "cancel":
        with pytest.raises(DeviceError):
            await against_echo(microphone, speaker, echo=echo, noise_suppression=False, gain_control=False)
    else:
        heard, heed = await against_echo(microphone, speaker, echo=echo, noise_suppression=False, gain_control=False)
        assert heard is microphone
        assert heed is not None
        assert len(speaker.taps) == 1
