from __future__ import annotations

import pytest

from actors.errors import DeviceError
from voicemode.audio.device_choice import DeviceInfo, choose


def device(index: int, name: str, host: str = "ALSA", *, inputs: int = 1, outputs: int = 1, default: bool = False):
    return DeviceInfo(
        index=index,
        name=name,
        host=host,
        inputs=inputs,
        outputs=outputs,
        rate=48_000,
        default_input=default and bool(inputs),
        default_output=default and bool(outputs),
    )


DESK = (
    device(0, "HDMI 0", inputs=0),
    device(1, "Webcam", outputs=0),
    device(2, "USB Headset: Audio (hw:2,0)"),
    device(3, "USB Headset: Audio (hw:2,1)", outputs=0),
    device(4, "default", default=True),
)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 4), (1, 1), (4, 4), ("webcam", 1), ("DEFAULT", 4), ("hw:2,0", 2), ("usb headset: audio (HW:2,1)", 3)],
)
def test_a_microphone_is_the_default_or_has_a_number_or_part_of_a_name(wanted: int | str | None, index: int) -> None:
    assert choose(DESK, "microphone", wanted).index == index


def test_only_those_count_that_can_do_it() -> None:
    assert choose(DESK, "speaker", "headset").index == 2
    with pytest.raises(DeviceError, match="There is no speaker number 1"):
        choose(DESK, "speaker", 1)


def test_a_whole_name_goes_before_a_part_of_one() -> None:
    assert choose((device(0, "vmic2"), device(1, "vmic")), "microphone", "vmic").index == 1


def test_a_name_in_several_systems_is_the_one_of_the_default() -> None:
    windows = (
        device(0, "Headset", "MME"),
        device(1, "Headset", "WASAPI"),
        device(2, "Loudspeaker", "WASAPI", default=True),
    )
    assert choose(windows, "speaker", "Headset").index == 1


def test_without_a_default_it_is_the_first_that_can() -> None:
    assert choose(DESK[:3], "microphone", None).index == 1


@pytest.mark.parametrize("wanted", ["Blaster", 9])
def test_what_there_is_not_is_answered_with_what_there_is(wanted: int | str) -> None:
    with pytest.raises(DeviceError, match=r"There is: 1 Webcam \(ALSA\); 2 USB Headset"):
        choose(DESK, "microphone", wanted)


def test_a_name_of_several_is_answered_with_their_names() -> None:
    with pytest.raises(DeviceError, match=r"More than one microphone is called 'usb'\. There is: 1 Webcam"):
        choose(DESK, "microphone", "usb")


def test_nothing_at_all_is_answered_with_what_to_start() -> None:
    with pytest.raises(DeviceError, match=r"no sound card or sound server answers.*pulseaudio --start"):
        choose((), "speaker", None)
