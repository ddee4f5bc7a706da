from __future__ import annotations

from itertools import accumulate
from math import inf, log10
from typing import NamedTuple

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from actors.machines.echo_guard import EchoGuard, EchoGuardPolicy
from actors.messages import SpeechActivity, StreamId

WINDOW = 0.032
BLOCK = 0.01
SILENCE = -96.0


class Block(NamedTuple):
    at: float
    level: float


def window(at: float, level: float, probability: float = 0.9) -> SpeechActivity:
    return SpeechActivity(stream=StreamId(1), at=at, duration=WINDOW, probability=probability, level=level)


def played(*stretches: tuple[float, float]) -> list[Block]:
    """Blocks of 10 ms for stretches of (seconds, level)."""
    levels = [level for seconds, level in stretches for _ in range(round(seconds / BLOCK))]
    return [Block(number * BLOCK, level) for number, level in enumerate(levels)]


def echo_of(blocks: list[Block], *, gain: float, delay: float, seconds: float) -> list[SpeechActivity]:
    """What a microphone in a quiet room hears of ``blocks``, ``gain`` in dB."""
    energy = [0.0, *accumulate(BLOCK * 10 ** (block.level / 10) for block in blocks)]

    def until(at: float) -> float:
        place = min(max((at - delay) / BLOCK, 0.0), len(blocks) - 1e-9)
        return energy[int(place)] + (place % 1) * (energy[int(place) + 1] - energy[int(place)])

    heard = []
    for number in range(1, int(seconds / WINDOW) + 1):
        power = (until(number * WINDOW) - until((number - 1) * WINDOW)) / WINDOW
        heard.append(window(number * WINDOW, max(SILENCE, 10 * log10(power + 1e-20) + gain)))
    return heard


def guarded(
    guard: EchoGuard, blocks: list[Block], windows: list[SpeechActivity], *, ahead: float = 0.02
) -> list[SpeechActivity]:
    """What the guard makes of ``windows``; it is told of a block when it leaves the device in ``ahead`` seconds."""
    told, judged = 0, []
    for each in windows:
        while told < len(blocks) and blocks[told].at <= each.at + ahead:
            guard.play(blocks[told].at, BLOCK, blocks[told].level)
            told += 1
        judged.append(guard.feed(each))
    return judged


speech = st.lists(
    st.tuples(st.floats(0.06, 0.6), st.one_of(st.floats(-50, 0), st.just(SILENCE))), min_size=1, max_size=30
).map(lambda stretches: played(*stretches))


@given(speech, st.floats(-30, 0), st.floats(0, 0.25), st.floats(0, 0.06))
def test_echo_is_never_let_through(blocks: list[Block], gain: float, delay: float, ahead: float) -> None:
    windows = echo_of(blocks, gain=gain, delay=delay, seconds=len(blocks) * BLOCK + 0.5)
    judged = guarded(EchoGuard(EchoGuardPolicy()), blocks, windows, ahead=ahead)
    audible = [each.probability for each in judged if each.level > -60 + gain]
    assert not any(audible)


@given(speech, st.lists(st.tuples(st.floats(-96, 0), st.floats(0, 1)), max_size=100))
def test_only_the_probability_changes_and_only_to_nothing(
    blocks: list[Block], heard: list[tuple[float, float]]
) -> None:
    windows = [window((number + 1) * WINDOW, *each) for number, each in enumerate(heard)]
    for before, after in zip(windows, guarded(EchoGuard(EchoGuardPolicy()), blocks, windows), strict=True):
        assert after in (before, evolve(before, probability=0.0))


@given(st.lists(st.tuples(st.floats(-96, 0), st.floats(0, 1)), max_size=100))
def test_when_nothing_is_played_nothing_changes(heard: list[tuple[float, float]]) -> None:
    windows = [window((number + 1) * WINDOW, *each) for number, each in enumerate(heard)]
    assert guarded(EchoGuard(EchoGuardPolicy()), [], windows) == windows
    silence = played((len(windows) * WINDOW, SILENCE))
    assert guarded(EchoGuard(EchoGuardPolicy()), silence, windows) == windows


@given(speech, st.integers(1, 200), st.floats(0.1, 60), st.floats(0, 20), st.floats(-20, 20))
def test_a_user_louder_than_echo_can_be_by_more_than_the_margin_is_heard(
    blocks: list[Block], number: int, more: float, margin: float, coupling: float
) -> None:
    guard = EchoGuard(EchoGuardPolicy(margin=margin, coupling=coupling))
    for block in blocks:
        guard.play(block.at, BLOCK, block.level)
    loud = window(number * WINDOW, max(block.level for block in blocks) + coupling + margin + more)
    assert guard.feed(loud) == loud


@given(st.floats(0, 0.25), st.floats(-30, 0))
def test_once_the_echo_of_the_last_word_has_died_away_a_whisper_is_heard(delay: float, gain: float) -> None:
    guard = EchoGuard(EchoGuardPolicy())
    blocks = played((3.0, -20.0))
    guarded(guard, blocks, echo_of(blocks, gain=gain, delay=delay, seconds=3.3))
    in_time = window(3.0 + 0.34 + WINDOW, -55.0)
    assert guard.feed(in_time).probability == 0.0
    late = window(3.0 + 0.36 + WINDOW, -55.0)
    assert guard.feed(late) == late


def test_in_a_room_that_swallows_most_of_the_sound_the_user_need_not_shout() -> None:
    blocks = played((8.0, -20.0))
    guard = EchoGuard(EchoGuardPolicy())
    assert guard.feed(window(WINDOW, -25.0)).probability == 0.9, "nothing has been played so far"
    windows = echo_of(blocks, gain=-20.0, delay=0.1, seconds=8.0)[1:]
    windows[10] = evolve(windows[10], level=-25.0)
    windows[-1] = evolve(windows[-1], level=-25.0)
    judged = guarded(guard, blocks, windows)
    assert judged[10].probability == 0.0, "it may be echo for all that is known yet"
    assert judged[-1].probability == 0.9
    assert -21.0 < guard.coupling < -10.0


def test_a_user_who_has_been_heard_may_lower_the_voice_for_a_moment() -> None:
    guard = EchoGuard(EchoGuardPolicy())
    for block in played((2.0, -20.0)):
        guard.play(*block[:1], BLOCK, block.level)
    assert guard.feed(window(1.000, -17.0)).probability == 0.0
    assert guard.feed(window(1.032, -8.0)).probability == 0.9
    assert guard.feed(window(1.064, -16.0)).probability == 0.9
    assert guard.feed(window(1.096, -23.0)).probability == 0.0
    assert guard.feed(window(1.400, -16.0)).probability == 0.0


def test_a_loudspeaker_turned_up_is_taken_for_the_user_only_for_a_while() -> None:
    guard = EchoGuard(EchoGuardPolicy())
    blocks = played((30.0, -30.0))
    quiet, loud = (echo_of(blocks, gain=gain, delay=0.05, seconds=30.0) for gain in (-20.0, 0.0))
    half = len(quiet) // 2
    judged = guarded(guard, blocks, quiet[:half] + loud[half:])
    heard = [each.at for each in judged if each.probability]
    assert heard
    assert min(heard) > 15.0 - WINDOW
    assert max(heard) < 18.5


def test_what_is_played_while_nobody_listens_does_not_pile_up() -> None:
    guard = EchoGuard(EchoGuardPolicy())
    for block in played((60.0, -20.0)):
        guard.play(block.at, BLOCK, block.level)
    whisper = window(61.0, -50.0)
    assert guard.feed(whisper) == whisper


@pytest.mark.parametrize(
    "wrong",
    [{"margin": -1.0}, {"coupling": inf}, {"fall": inf}, {"reach": -0.1}, {"hold": float("nan")}, {"unheard": 0.0}],
)
def test_a_policy_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EchoGuardPolicy(**wrong)


@pytest.mark.parametrize("closed", ["microphone", "loudspeaker"])
def test_what_was_learnt_is_forgotten_when_a_device_was_closed(closed: str) -> None:
    guard = EchoGuard(EchoGuardPolicy())
    blocks = played((5.0, -20.0))
    guarded(guard, blocks, echo_of(blocks, gain=-30.0, delay=0.05, seconds=5.0))
    assert guard.coupling < -5.0
    if closed == "microphone":
        guard.feed(evolve(window(5.1, -70.0), stream=StreamId(2)))
    else:
        guard.play(5.2, BLOCK, -20.0)
    assert guard.coupling > -0.1


def test_who_wears_headphones_is_heard_as_soon_as_that_shows() -> None:
    guard = EchoGuard(EchoGuardPolicy())
    blocks = played((3.0, -20.0))
    windows = [window((number + 1) * WINDOW, -70.0 if number < 60 else -25.0) for number in range(90)]
    judged = guarded(guard, blocks, windows)
    assert [each.probability for each in judged] == [0.0] * 60 + [0.9] * 30


def test_what_is_learnt_does_not_fall_below_the_least_there_may_be() -> None:
    guard = EchoGuard(EchoGuardPolicy(least=-12.0, unheard=inf))
    blocks = played((20.0, -20.0))
    guarded(guard, blocks, [window((number + 1) * WINDOW, -80.0) for number in range(600)])
    assert guard.coupling == -12.0


def test_a_loudspeaker_that_ran_dry_may_be_as_loud_as_at_first() -> None:
    guard = EchoGuard(EchoGuardPolicy(gap=0.005))
    blocks = played((5.0, -20.0))
    guarded(guard, blocks, echo_of(blocks, gain=-30.0, delay=0.05, seconds=5.0))
    assert guard.coupling < -5.0
    guard.play(5.0 + 0.008, BLOCK, -20.0)
    assert guard.coupling == 0.0
