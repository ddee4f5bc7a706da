from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import room
from hypothesis import given, strategies as st

from actors.messages import seconds_of
from voicemode.audio import played_reference
from voicemode.audio.played_reference import KEPT, LEAD, PlayedReference

FRAME_BYTES = 2 * room.FRAME


def ramp(seconds: float) -> bytes:
    """Every sample says how late it is."""
    return np.arange(round(seconds * room.RATE), dtype=np.int64).astype("<i2").tobytes()


def times(frames: list[bytes]) -> list[float]:
    """When the frames of a ramp that began at 0 were played."""
    return [int(np.frombuffer(frame, "<i2")[0]) / room.RATE for frame in frames]


def walk(
    reference: PlayedReference, blocks: list[room.Block], *, begin: float, seconds: float, ahead: float = LEAD
) -> list[list[bytes]]:
    """What comes out beside each of a microphone's frames; blocks are known ``ahead`` of their time."""
    told, out = 0, []
    for number in range(round(seconds * 100)):
        start, end = begin + number / 100, begin + (number + 1) / 100
        while told < len(blocks) and blocks[told][0] - ahead <= end + 1e-9:
            reference.played(*blocks[told])
            told += 1
        out.append(reference.beside(start, end))
    return out


def test_one_frame_comes_out_beside_each_of_the_microphones_always_as_far_ahead() -> None:
    reference = PlayedReference()
    reference.open()
    first, *rest = walk(reference, room.blocks(ramp(1.5), room.RATE), begin=0.5, seconds=0.9)
    assert times(first)[-1] == pytest.approx(0.5 + LEAD, abs=0.011)
    assert [len(frames) for frames in rest] == [1] * 89
    ahead = [times(frames)[0] - 0.5 - (number + 1) / 100 for number, frames in enumerate(rest)]
    assert max(ahead) - min(ahead) < 1e-9


def test_a_device_at_another_rate_tells_the_same() -> None:
    time = np.arange(2 * 22_050) / 22_050
    tone = room.pcm_of(0.5 * np.sin(2 * np.pi * 400 * time))
    reference = PlayedReference()
    reference.open()
    _, *rest = walk(reference, room.blocks(tone, 22_050), begin=0.5, seconds=1.0)
    heard = room.samples_of(b"".join(frame for frames in rest for frame in frames))
    assert len(heard) == 99 * room.FRAME
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * room.RATE / len(heard) == pytest.approx(400, abs=2)


def test_when_the_microphone_opens_what_was_played_long_before_is_of_no_use() -> None:
    reference = PlayedReference()
    for block in room.blocks(ramp(1.9), room.RATE):
        reference.played(*block)
    reference.open()
    frames = reference.beside(1.8, 1.81)
    assert len(frames) <= 10
    assert times(frames)[0] > 1.7
    assert times(frames)[-1] == pytest.approx(1.82, abs=0.011)


def test_a_block_that_comes_late_comes_out_with_the_next_one() -> None:
    reference = PlayedReference()
    reference.open()
    blocks = room.blocks(ramp(1.0), room.RATE)
    walk(reference, blocks[:22], begin=0.0, seconds=0.2)
    assert reference.beside(0.20, 0.21) == []
    for block in blocks[22:24]:
        reference.played(*block)
    assert len(reference.beside(0.21, 0.22)) == 2
    reference.played(*blocks[24])
    assert len(reference.beside(0.22, 0.23)) == 1


@pytest.mark.parametrize("ahead", [LEAD, 0.1])
def test_where_the_loudspeaker_ran_dry_there_is_as_much_silence(ahead: float) -> None:
    reference = PlayedReference()
    reference.open()
    blocks = room.blocks(ramp(2.0), room.RATE)
    dry = 0.0173
    blocks = blocks[:80] + [(at + dry, pcm, rate) for at, pcm, rate in blocks[80:]]
    out = walk(reference, blocks, begin=0.2, seconds=1.6, ahead=ahead)
    assert sum(len(frames) for frames in out[1:]) == 159
    before = times(out[30])[0] - 0.3
    for number, [frame] in list(enumerate(out))[80:]:
        assert times([frame])[0] + dry - number / 100 == pytest.approx(before, abs=0.0002)


def test_a_block_that_seems_to_leave_late_because_it_was_handed_over_late_moves_nothing() -> None:
    reference = PlayedReference()
    reference.open()
    blocks = room.blocks(ramp(2.0), room.RATE)
    late = (0.018, 0.013, 0.008, 0.003)
    blocks[80:84] = [(at + by, pcm, rate) for (at, pcm, rate), by in zip(blocks[80:84], late, strict=True)]
    _, *rest = walk(reference, blocks, begin=0.2, seconds=1.6, ahead=0.05)
    played = times([frame for frames in rest for frame in frames])
    assert len(played) == 159
    assert all(later - earlier == pytest.approx(0.01) for earlier, later in itertools.pairwise(played))


def test_accounts_that_wander_by_some_milliseconds_move_nothing() -> None:
    reference = PlayedReference()
    reference.open()
    played = [(number / 100, bytes(2 * room.FRAME), room.RATE) for number in range(3000)]
    told = 0
    counts = []
    for number in range(2900):
        start = number / 100 + 0.006 * math.sin(number / 150)
        while told < len(played) and played[told][0] <= number / 100 + 0.08:
            reference.played(*played[told])
            told += 1
        counts.append(len(reference.beside(start, start + 0.01)))
    assert set(counts[1:]) == {1}
    assert reference.owed == 0


def test_the_loudspeakers_thread_may_tell_while_the_microphones_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = PlayedReference()
    reference.open()
    blocks = iter(room.blocks(ramp(2.0), room.RATE))

    def interrupted(pcm: bytes, rate: int) -> float:
        if (block := next(blocks, None)) is not None:
            reference.played(*block)
        return seconds_of(pcm, rate)

    reference.played(*next(blocks))
    monkeypatch.setattr(played_reference, "seconds_of", interrupted)
    _, *rest = [reference.beside(number / 100, (number + 1) / 100) for number in range(100)]
    played = times([frame for frames in rest for frame in frames])
    assert len(played) == 99
    assert all(later - earlier == pytest.approx(0.01) for earlier, later in itertools.pairwise(played))


def test_a_closed_loudspeaker_is_silent_and_where_it_opens_again_nothing_has_moved() -> None:
    reference = PlayedReference()
    reference.open()
    blocks = room.blocks(ramp(2.0), room.RATE)
    out = walk(reference, [*blocks[:50], *blocks[100:]], begin=0.0, seconds=1.8)
    assert sum(len(frames) for frames in out) == pytest.approx(180, abs=12)
    assert any(frame == bytes(FRAME_BYTES) for frames in out[60:90] for frame in frames)
    ahead = {round(times(frames)[-1] - number / 100, 3) for number, frames in enumerate(out) if number > 120 and frames}
    assert ahead
    assert all(0.0 <= each <= LEAD + 0.011 for each in ahead)


def test_a_microphone_that_was_held_up_gets_what_goes_with_its_frames() -> None:
    reference = PlayedReference()
    reference.open()
    for block in room.blocks(ramp(2.0), room.RATE):
        reference.played(*block)
    out = [reference.beside(number / 100, (number + 1) / 100) for number in range(150)]
    assert [len(frames) for frames in out[1:]] == [1] * 149
    assert times(out[-1])[0] == pytest.approx(1.5, abs=0.021)
    assert reference.lost == 0


def test_a_microphone_that_lost_a_second_goes_on_with_what_is_played_now() -> None:
    reference = PlayedReference()
    reference.open()
    for block in room.blocks(ramp(2.0), room.RATE):
        reference.played(*block)
    reference.beside(0.0, 0.01)
    frames = reference.beside(1.0, 1.01)
    assert len(frames) <= 10
    assert times(frames)[-1] == pytest.approx(1.02, abs=0.011)


def test_what_waits_is_bounded_and_what_is_lost_is_counted_while_somebody_listens() -> None:
    reference = PlayedReference()
    for block in room.blocks(bytes(2 * room.RATE * 10), room.RATE):
        reference.played(*block)
    assert reference.lost == 0, "nobody listened"
    reference.open()
    for block in room.blocks(bytes(2 * room.RATE * 5), room.RATE, begin=10.0):
        reference.played(*block)
    assert reference.lost == KEPT // 2
    reference.close()
    reference.played(15.0, bytes(320), room.RATE)
    assert reference.lost == KEPT // 2


@pytest.mark.parametrize("pace", [1.0002, 0.9998])
def test_clocks_that_run_apart_are_held_together_a_sample_at_a_time(pace: float) -> None:
    """At 200 ppm they would be 24 ms apart after two minutes."""
    reference = PlayedReference()
    reference.open()
    seconds = 120
    played = [(number / 100 * pace, bytes(2 * room.FRAME), room.RATE) for number in range(seconds * 100)]
    out = walk(reference, played, begin=0.5, seconds=seconds - 5)
    counts = [len(frames) for frames in out[1:]]
    assert set(counts) <= {0, 1, 2}
    assert counts.count(1) > len(counts) - 10


@pytest.mark.thorough
@given(
    st.lists(st.floats(-0.01, 0.01), min_size=100, max_size=100),
    st.floats(0, 0.04),
    st.sampled_from([16_000, 22_050, 48_000]),
)
def test_jitter_of_the_times_makes_no_difference(jitter: list[float], ahead: float, rate: int) -> None:
    reference = PlayedReference()
    reference.open()
    blocks = [
        (at + late, pcm, rate) for (at, pcm, _), late in zip(room.blocks(bytes(2 * rate), rate), jitter, strict=True)
    ]
    out = walk(reference, blocks, begin=0.2, seconds=0.7, ahead=ahead)
    given_out = sum(len(frames) for frames in out[1:])
    assert math.isclose(given_out, 69, abs_tol=3)
