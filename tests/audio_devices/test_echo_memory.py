from __future__ import annotations

import numpy as np
import pytest
import room

from voicemode.audio.echo_filter import FRAME, PARTITIONS
from voicemode.audio.echo_memory import ENOUGH, REACH, found_again

HEARD = 20 * FRAME


@pytest.fixture(scope="module")
def played() -> room.Samples:
    voices = room.human_voices()
    return next(voice for name, voice in voices.items() if name.startswith("lj"))[: 2 * room.RATE].astype(np.float32)


@pytest.fixture(scope="module")
def response() -> room.Samples:
    response = np.zeros(PARTITIONS * FRAME, np.float32)
    straight = room.Acoustics(gain=0.5, decay=0.05).response
    response[1000 : 1000 + len(straight)] = straight
    return response


def echo(played: room.Samples, response: room.Samples, later: float, gain: float = 1.0) -> room.Samples:
    size = 1 << (len(played) + len(response)).bit_length()
    spectrum = np.fft.rfft(played, size) * np.fft.rfft(response, size)
    spectrum *= gain * np.exp(-2j * np.pi * np.arange(len(spectrum)) / size * later)
    return np.fft.irfft(spectrum, size)[: len(played)].astype(np.float32)


@pytest.mark.parametrize("later", [-300.0, -117.4, -0.5, 0.0, 0.25, 116.8, 300.0])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_a_way_that_has_moved_is_found_to_a_part_of_a_sample(
    played: room.Samples, response: room.Samples, later: float, gain: float
) -> None:
    heard = echo(played, response, later, gain)
    found = found_again(response, played, heard[-HEARD:])
    assert found is not None
    again = echo(played, found.response, 0.0)[-HEARD:]
    left = heard[-HEARD:] - again
    assert (left**2).sum() < 0.01 * (heard[-HEARD:] ** 2).sum()
    assert found.unexplained < 1 - ENOUGH**2


def test_what_another_way_explains_is_not_found(played: room.Samples, response: room.Samples) -> None:
    assert found_again(response, played, echo(played, response, REACH + 200.0)[-HEARD:]) is None
    noise = np.random.default_rng(1).normal(scale=0.1, size=HEARD).astype(np.float32)
    assert found_again(response, played, noise) is None


def test_in_silence_there_is_nothing_to_compare(played: room.Samples, response: room.Samples) -> None:
    silence = np.zeros(len(played), np.float32)
    assert found_again(response, silence, played[-HEARD:]) is None
    assert found_again(response, played, np.zeros(HEARD, np.float32)) is None
