from __future__ import annotations

import numpy as np
import pytest
import room

from voicemode.audio.echo_path import EchoPath


def passed(path: EchoPath, played: room.Samples, heard: room.Samples) -> room.Samples:
    """What is left of what is heard; what is played is known as it is played."""
    left = []
    for place in range(0, len(heard) - room.FRAME + 1, room.FRAME):
        part = slice(place, place + room.FRAME)
        path.play(room.pcm_of(played[part]))
        left.append(path.remove(room.pcm_of(heard[part])))
    return room.samples_of(b"".join(left))


def power(samples: room.Samples) -> float:
    return 10 * np.log10((samples**2).mean())


@pytest.fixture(scope="module")
def voices() -> dict[str, room.Samples]:
    return room.human_voices()


@pytest.fixture(scope="module")
def assistant(voices: dict[str, room.Samples]) -> room.Samples:
    return room.assembled([voice for name, voice in voices.items() if name.startswith("lj")], seconds=12)


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.25])
def test_the_way_is_learnt_while_somebody_speaks(assistant: room.Samples, delay: float) -> None:
    heard = room.heard(assistant, room.Acoustics(gain=0.5, delay=delay))
    left = passed(EchoPath(), assistant, heard)
    seconds = slice(6 * room.RATE, len(left))
    assert power(heard[seconds]) - power(left[seconds]) > 12


def test_what_is_told_late_does_no_harm_as_long_as_its_echo_is_under_way(assistant: room.Samples) -> None:
    heard = room.heard(assistant, room.Acoustics(gain=0.5, delay=0.05))
    dice = np.random.default_rng(1)
    left, told = [], 0
    path = EchoPath()
    for number in range(len(heard) // room.FRAME):
        if number % 50 >= dice.integers(1, 5):  # now and then up to 40 ms are told all at once
            while told <= number:
                path.play(room.pcm_of(assistant[told * room.FRAME : (told + 1) * room.FRAME]))
                told += 1
        path.expect(number + 1 - told)
        left.append(path.remove(room.pcm_of(heard[number * room.FRAME : (number + 1) * room.FRAME])))
    late = room.samples_of(b"".join(left))
    in_time = passed(EchoPath(), assistant, heard)
    seconds = slice(6 * room.RATE, len(late))
    assert power(late[seconds]) - power(in_time[seconds]) < 1


def test_a_user_who_speaks_meanwhile_is_left_as_they_are(
    voices: dict[str, room.Samples], assistant: room.Samples
) -> None:
    user = voices["librivox-0890.wav"]
    heard = room.heard(assistant, room.Acoustics(gain=0.5), [room.Said(6.0, user)])
    left = passed(EchoPath(), assistant, heard)
    begin = 6 * room.RATE
    assert np.corrcoef(left[begin : begin + len(user)], user)[0, 1] > 0.95
    assert np.corrcoef(heard[begin : begin + len(user)], user)[0, 1] < 0.9


def test_when_nothing_is_played_nothing_changes(voices: dict[str, room.Samples]) -> None:
    user = voices["librivox-0880.wav"]
    left = passed(EchoPath(), np.zeros(len(user)), user)
    assert np.array_equal(left, user[: len(left)])


def test_a_way_that_has_changed_is_forgotten_and_learnt_anew(assistant: room.Samples) -> None:
    before = room.heard(assistant, room.Acoustics(gain=0.5, delay=0.03))
    after = room.heard(assistant, room.Acoustics(gain=0.5, delay=0.2, seed=5))
    change = 5 * room.RATE
    left = passed(EchoPath(), assistant, np.concatenate([before[:change], after[change:]]))
    at_once = slice(change, change + room.RATE)
    assert power(left[at_once]) - power(after[at_once]) < 3
    later = slice(change + 4 * room.RATE, len(left))
    assert power(after[later]) - power(left[later]) > 10


def second_opening(path: EchoPath, assistant: room.Samples, second: room.Acoustics) -> float:
    """By how much less echo is left in the second second of another opening, in dB."""
    first = room.Acoustics(gain=0.5, delay=0.1, decay=0.1, tail=12)
    passed(path, assistant, room.heard(assistant, first))
    path.shift()
    played = assistant[3 * room.RATE : 5 * room.RATE]
    heard = room.heard(played, second)
    left = passed(path, played, heard)
    later = slice(room.RATE, len(left))
    return float(power(heard[later]) - power(left[later]))


def test_a_way_that_is_known_is_found_again_where_it_has_moved_to(assistant: room.Samples) -> None:
    path = EchoPath()
    moved = room.Acoustics(gain=0.3, delay=0.1073, decay=0.1, tail=12)
    assert second_opening(path, assistant, moved) > 15
    assert path.found
    assert second_opening(EchoPath(), assistant[::-1].copy(), moved) > 15, "whatever is said"


def test_in_another_room_nothing_is_found_and_all_is_learnt_anew(assistant: room.Samples) -> None:
    path = EchoPath()
    second_opening(path, assistant, room.Acoustics(gain=1.0, delay=0.2, decay=0.4, tail=3, seed=5))
    assert not path.found
    assert not path.clear


def test_an_echo_that_nobody_hears_any_longer_is_clear_until_the_sides_move(
    voices: dict[str, room.Samples], assistant: room.Samples
) -> None:
    path = EchoPath()
    acoustics = room.Acoustics(gain=0.5, delay=0.05, tail=60)
    heard = room.heard(assistant, acoustics, [room.Said(10.0, voices["librivox-0890.wav"])])
    middle, change = 10 * room.RATE, 11 * room.RATE
    passed(path, assistant[:middle], heard[:middle])
    assert path.clear
    passed(path, assistant[middle:change], heard[middle:change])
    assert path.clear, "a user who speaks is no echo"
    away = room.heard(assistant, room.Acoustics(gain=0.5, delay=0.15, tail=60))
    passed(path, assistant[change : change + 1600], away[change : change + 1600])
    assert not path.clear


def test_a_way_is_lost_from_the_opening_until_it_is_found_or_another_one_is_known(assistant: room.Samples) -> None:
    path = EchoPath()
    assert not path.lost, "there is none yet"
    second_opening(path, assistant, room.Acoustics(gain=0.3, delay=0.1073, decay=0.1, tail=12))
    path.shift()
    assert path.lost
    elsewhere = room.Acoustics(gain=0.5, delay=0.2, decay=0.05, tail=20, seed=5)
    passed(path, assistant, room.heard(assistant, elsewhere))
    assert (path.lost, path.found) == (False, False)
