"""The demo from end to end, with the real engines and at the pace of the clock on the wall."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from actors.events import BargedIn, Ducked
from actors.messages import SpeakingStarted, Transcribed
from voicemode.audio.files import load_audio
from voicemode.demo import SCRIPT
from voicemode.script import load_script, run_script
from voicemode.settings import Settings


def loudness(samples: NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0


@pytest.mark.realtime
async def test_the_demo_goes_as_it_expects_and_can_be_heard(
    tmp_path: Path, require: Callable[[object, str], None]
) -> None:
    require(find_spec("pocketsphinx"), "pocketsphinx is not installed")
    require(find_spec("espeakng_loader"), "espeakng-loader is not installed")
    path = tmp_path / "demo.wav"
    report = await run_script(load_script(SCRIPT), settings=Settings(base_dir=tmp_path), record=path)
    assert [check for step in report.steps for check in step.checks if not check.held] == []
    assert report.ok
    assert report.seconds < 35
    assert [step.result.outcome for step in report.steps if step.result] == [
        "heard",
        "heard",
        "heard",
        "interrupted",
        "no_speech",
        "said",
    ]

    both: NDArray[np.int16]
    both, rate = soundfile.read(path, dtype="int16")
    user, assistant = both[:, 0], both[:, 1]

    def part(channel: NDArray[np.int16], begin: float, end: float) -> NDArray[np.int16]:
        return channel[round(begin * rate) : round(end * rate)]

    said = np.zeros(len(user), bool)
    for step in report.steps:
        if step.said_at is not None and step.said_seconds is not None:
            assert loudness(part(user, step.said_at, step.said_at + step.said_seconds)) > 300
            end = step.said_at + step.said_seconds
            said[round(step.said_at * rate) - 2 : round(end * rate) + 2] = True
    assert not user[~said].any()

    person = await load_audio(SCRIPT.with_name("surpassed.wav"), rate)
    cut_in = report.steps[3].said_at
    assert cut_in is not None
    begin = round(cut_in * rate)
    heard = user[begin : begin + len(person.pcm) // 2]
    assert heard.tobytes() == person.pcm

    [held] = [event.at - report.recording.began for event in report.events if isinstance(event, Ducked)]
    assert len([event for event in report.events if isinstance(event, BargedIn)]) == 1
    [understood] = [
        event.at - report.recording.began
        for event in report.events
        if isinstance(event, Transcribed) and event.transcript.text == "has never been surpassed"
    ]
    assert loudness(part(assistant, held - 0.5, held)) > 300
    assert not part(assistant, held + 0.03, understood).any()

    speeches = [event.at - report.recording.began for event in report.events if isinstance(event, SpeakingStarted)]
    assert len(speeches) == 6
    for begin in speeches:
        assert loudness(part(assistant, begin, begin + 0.4)) > 300
