from __future__ import annotations

import numpy as np
import pytest

from voicemode.audio.echo_presence import UNHEARD, EchoPresence

SILENCE = bytes(320)


def sound(level: float, seed: int = 0) -> bytes:
    """10 ms of noise, ``level`` in dBFS."""
    noise = np.random.default_rng(seed).standard_normal(160) * 32768 * 10 ** (level / 20)
    return np.clip(noise, -32768, 32767).astype("<i2").tobytes()


def after(presence: EchoPresence, frames: int, *, played: bytes, heard: bytes, left: bytes | None = None) -> bool:
    for _ in range(frames):
        presence.play(played)
        presence.hear(heard, heard if left is None else left)
    return presence.audible


@pytest.mark.parametrize("heard", [SILENCE, sound(-70)], ids=["silence", "noise"])
def test_a_loudspeaker_of_which_nothing_is_heard_for_long_enough_is_inaudible(heard: bytes) -> None:
    presence = EchoPresence()
    assert after(presence, UNHEARD - 1, played=sound(-20), heard=heard)
    assert not after(presence, 1, played=sound(-20), heard=heard)


def test_silence_tells_nothing() -> None:
    assert after(EchoPresence(), 1_000, played=SILENCE, heard=SILENCE)


@pytest.mark.parametrize("gain", [-30, -10, 0])
def test_an_echo_is_audible(gain: float) -> None:
    assert after(EchoPresence(), 1_000, played=sound(-20), heard=sound(-20 + gain))


def test_a_user_does_not_make_the_loudspeaker_audible_and_an_echo_does() -> None:
    presence = EchoPresence()
    after(presence, UNHEARD, played=sound(-20), heard=SILENCE)
    assert not after(presence, 200, played=sound(-20), heard=sound(-20, seed=1))
    assert after(presence, 50, played=sound(-20), heard=sound(-30), left=sound(-45))
