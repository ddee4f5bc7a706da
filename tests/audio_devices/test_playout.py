"""The buffer between two threads, in one: what it plays is compared with a model that goes sample by sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from voicemode.audio.playout import PlayoutBuffer

RATE = 8_000
FADE = RATE // 200
BLOCK = 40
LATENCY = 0.02

samples = st.integers(-32_768, 32_767)


def pcm_of(values: object) -> bytes:
    return np.asarray(values).astype("<i2").tobytes()


def ignore() -> None:
    pass


class Device:
    """Asks a buffer for blocks, one right after the other, and keeps what it got; its time is that of the samples."""

    def __init__(self, buffer: PlayoutBuffer) -> None:
        self.buffer = buffer
        self.out: list[int] = []

    def ask(self, frames: int = BLOCK, *, underflow: bool = False, late: float = 0.0) -> list[int]:
        block = bytearray(b"\x55" * (2 * frames))
        at = late + LATENCY + len(self.out) / self.buffer.device_rate
        self.buffer.fill(memoryview(block), frames, at, underflow)
        self.out += np.frombuffer(block, "<i2").tolist()
        return self.out[-frames:]

    def left(self, position: int) -> float:
        """When sample ``position`` has left."""
        return LATENCY + position / self.buffer.device_rate


def started(rate: int = RATE, device_rate: int = RATE) -> tuple[PlayoutBuffer, Device]:
    buffer = PlayoutBuffer(rate, device_rate, wake=ignore)
    return buffer, Device(buffer)


class Model:
    """The same, slowly: a queue of (sample, whether it counts) and what was handed over of it."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, bool]] = []
        self.overlays: list[list[int]] = []
        self.out: list[int] = []
        self.counted: list[bool] = []
        self.last = 0

    def stop(self) -> None:
        head = self.queue[:FADE]
        last = head[-1][0] if head else self.last
        if not head and not last:
            self.queue = []
            return
        head += [(last, False)] * (FADE - len(head))
        self.queue = [
            (round(value * (0.5 + 0.5 * math.cos(math.pi * (index + 1) / FADE))), counts and index < FADE // 2)
            for index, (value, counts) in enumerate(head)
        ]

    def ask(self, frames: int) -> None:
        voice = self.queue[:frames]
        del self.queue[:frames]
        voice += [(0, False)] * (frames - len(voice))
        self.last = voice[-1][0]
        for value, counts in voice:
            chimes = sum(overlay.pop(0) for overlay in self.overlays if overlay)
            self.out.append(max(-32_768, min(32_767, value + chimes)))
            self.counted.append(counts)


deeds = st.one_of(
    st.tuples(st.just("append"), st.lists(samples, max_size=150)),
    st.tuples(st.just("overlay"), st.lists(samples, max_size=100)),
    st.tuples(st.just("stop"), st.just([])),
    st.tuples(st.just("flush"), st.just([])),
    st.tuples(st.just("ask"), st.lists(st.just(0), min_size=1, max_size=90)),
)


@given(st.lists(deeds, max_size=25), st.lists(st.floats(0, 0.4), max_size=5))
def test_whatever_is_appended_stopped_overlaid_and_asked_for_the_device_gets_what_the_model_says(
    script: list[tuple[str, list[int]]], moments: list[float]
) -> None:
    (buffer, device), model = started(), Model()
    played = []
    for deed, values in script:
        match deed:
            case "append":
                buffer.append(pcm_of(values))
                model.queue += [(value, True) for value in values]
            case "overlay":
                buffer.overlay(pcm_of(values))
                model.overlays.append(list(values))
            case "stop":
                buffer.stop()
                model.stop()
            case "flush":
                buffer.flush()
            case _:
                device.ask(len(values))
                model.ask(len(values))
        assert buffer.queued == len(model.queue) / RATE
        played.append(buffer.played(len(device.out) / RATE))
        assert played[-1] == sum(model.counted[: max(0, len(device.out) - round(LATENCY * RATE))])
    assert device.out == model.out
    assert played == sorted(played)
    for moment in sorted(moments):
        if moment >= len(device.out) / RATE:
            gone = max(0, math.floor((moment - LATENCY) * RATE + 1e-3))
            assert buffer.played(moment) == sum(model.counted[:gone])
    assert buffer.played(device.left(len(device.out))) == sum(model.counted)


@given(
    st.sampled_from([(24_000, 48_000), (22_050, 44_100), (24_000, 16_000), (22_050, 48_000), (16_000, 44_100)]),
    st.lists(st.one_of(st.integers(1, 800), st.sampled_from(["ask", "flush", "stop"])), max_size=30),
)
def test_at_another_rate_what_was_written_is_counted_and_never_before_it_left(
    rates: tuple[int, int], script: list[int | str]
) -> None:
    rate, device_rate = rates
    buffer, device = started(rate, device_rate)
    written, at_stops, stops, played = 0, 0, 0, 0
    for deed in [*script, "flush"]:
        match deed:
            case "ask":
                device.ask(device_rate // 200)
            case "flush":
                buffer.flush()
            case "stop":
                buffer.stop()
                stops += 1
                at_stops = written
            case int(count):
                buffer.append(pcm_of(np.full(count, 9_000)))
                written += count
        now = device.left(len(device.out)) - LATENCY
        assert played <= buffer.played(now) <= written
        played = buffer.played(now)
        left = np.count_nonzero(device.out[: max(0, len(device.out) - round(LATENCY * device_rate))])
        assert played <= left * rate / device_rate + 3
    while buffer.queued:
        device.ask()
    everything = buffer.played(device.left(len(device.out)))
    assert everything == written if not stops else written - at_stops <= everything <= written


def test_a_stop_takes_5_ms_and_no_step_is_larger_than_the_fade_s_own() -> None:
    buffer, device = started()
    buffer.append(pcm_of(np.full(400, 30_000)))
    device.ask(100)
    buffer.stop()
    device.ask(100)
    tail = np.array(device.out[99:])
    assert np.all(np.diff(tail) <= 0)
    assert np.max(-np.diff(tail)) <= 30_000 * math.pi / 2 / FADE + 1
    assert tail[FADE] == 0
    assert tail[FADE - 1] > 0
    assert buffer.played(10.0) == 100 + FADE // 2


def test_when_the_queue_is_empty_as_it_is_stopped_the_last_value_handed_over_fades() -> None:
    buffer, device = started()
    buffer.append(pcm_of(np.full(BLOCK, -20_000)))
    device.ask()
    buffer.stop()
    device.ask(100)
    tail = np.array(device.out[BLOCK - 1 :])
    assert np.max(np.diff(tail)) <= 20_000 * math.pi / 2 / FADE + 1
    assert not tail[FADE:].any()
    assert buffer.played(10.0) == BLOCK


def test_what_is_appended_right_after_a_stop_follows_the_fade_whole() -> None:
    buffer, device = started()
    buffer.append(pcm_of(np.full(400, 30_000)))
    device.ask()
    buffer.stop()
    buffer.append(pcm_of(range(1, 101)))
    device.ask(200)
    assert device.out[BLOCK + FADE : BLOCK + FADE + 100] == list(range(1, 101))


def test_an_overlay_begins_with_the_next_block_outlives_a_stop_and_is_not_counted() -> None:
    buffer, device = started()
    device.ask()
    buffer.overlay(pcm_of(range(1, 101)))
    buffer.stop()
    device.ask(150)
    assert device.out[BLOCK : BLOCK + 100] == list(range(1, 101))
    assert not any(device.out[BLOCK + 100 :])
    assert buffer.played(10.0) == 0


def test_sounds_that_are_too_loud_together_are_limited_to_full_scale() -> None:
    buffer, device = started()
    buffer.append(pcm_of(np.full(BLOCK, 20_000)))
    for _ in range(2):
        buffer.overlay(pcm_of(np.full(BLOCK, 20_000)))
    assert device.ask() == [32_767] * BLOCK


def test_a_gap_counts_as_an_underrun_when_the_same_speech_goes_on_after_it() -> None:
    buffer, device = started()
    device.ask()
    for _ in range(2):
        buffer.append(pcm_of(np.ones(BLOCK + 1)))
        device.ask()
        assert buffer.underruns == 0
    device.ask()
    buffer.append(pcm_of(np.ones(10)))
    assert buffer.underruns == 1
    buffer.flush()
    device.ask()
    device.ask(underflow=True)
    buffer.append(pcm_of(np.ones(10)))
    buffer.stop()
    device.ask()
    buffer.append(pcm_of(np.ones(10)))
    assert buffer.underruns == 1


def test_a_device_that_had_too_little_and_says_so_or_goes_on_late_counts_as_an_underrun_while_somebody_speaks() -> None:
    buffer, device = started()
    device.ask(underflow=True)
    buffer.append(pcm_of(np.ones(5 * BLOCK)))
    device.ask(underflow=True)
    device.ask(late=0.002)
    assert buffer.underruns == 0
    device.ask(underflow=True)
    assert buffer.underruns == 1
    device.ask(late=0.010)
    assert buffer.underruns == 2


def test_who_waits_for_room_is_woken_once_when_there_is_some() -> None:
    woken: list[int] = []
    buffer = PlayoutBuffer(RATE, RATE, wake=lambda: woken.append(1))
    device = Device(buffer)
    assert not buffer.is_down_to(0.005)
    buffer.append(pcm_of(np.ones(3 * BLOCK)))
    device.ask()
    assert not woken
    for _ in range(4):
        device.ask()
    assert len(woken) == 1
    assert buffer.is_down_to(0)


def test_times_to_come_are_counted_from_what_the_device_has_asked_for() -> None:
    buffer, device = started()
    device.ask()
    assert buffer.next(0.0) == pytest.approx(device.left(BLOCK))
    buffer.append(pcm_of(np.ones(100)))
    assert buffer.next(0.0) == buffer.end(0.0) == buffer.silent_at(0.0) == pytest.approx(device.left(BLOCK + 100))
    device.ask(150)
    assert buffer.end(0.0) == pytest.approx(device.left(BLOCK + 100))
    buffer.overlay(pcm_of(np.ones(40)))
    assert buffer.silent_at(0.0) == pytest.approx(device.left(BLOCK + 190))
    assert buffer.next(7.0) == 7.0


def test_a_tap_gets_every_block_as_it_leaves() -> None:
    heard: list[tuple[float, bytes, int]] = []
    buffer = PlayoutBuffer(RATE, RATE, wake=ignore, taps=[lambda *block: heard.append(block)])
    device = Device(buffer)
    buffer.append(pcm_of(range(1, 61)))
    buffer.overlay(pcm_of([5]))
    for _ in range(3):
        device.ask()
    assert [at for at, _, _ in heard] == pytest.approx([device.left(BLOCK * index) for index in range(3)])
    assert b"".join(pcm for _, pcm, _ in heard) == pcm_of(device.out)
    assert device.out[:3] == [6, 2, 3]
    assert {rate for _, _, rate in heard} == {RATE}
