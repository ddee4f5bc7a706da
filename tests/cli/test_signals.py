"""Ctrl-C and SIGTERM: a turn ends with a result, at any moment, and nothing is left half written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from voicemode.cli.signals import SAME, Stopped, heeding_signals

COUNTING = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."

pytestmark = pytest.mark.realtime


def stopped(args: list[str], ready: Path, number: signal.Signals) -> tuple[int, str, str]:
    """Start voicemode, send it the signal once ``ready`` has a second of sound, and wait for it, 2 s at most."""
    command = [sys.executable, "-m", "voicemode", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not any(path.stat().st_size > 30_000 for path in ready.rglob("*.wav")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=2)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_while_speaking_it_tells_what_was_heard(tmp_path: Path, number: signal.Signals, code: int) -> None:
    speaker = tmp_path / "out.wav"
    ended, out, err = stopped(["say", COUNTING, "--speaker", f"file:{speaker}", "--json"], tmp_path, number)
    assert (ended, err) == (code, "")
    result = json.loads(out)
    assert result["outcome"] == "stopped"
    assert not result["spoken"]["complete"]
    assert COUNTING.startswith(result["spoken"]["heard"])
    # finalised: what the header says is what is there
    assert 44 + 2 * soundfile.info(speaker).frames == speaker.stat().st_size


def test_stopped_while_listening_what_was_said_is_kept(tmp_path: Path, audio: Path) -> None:
    mic = f"file:{audio / 'librivox-0870.wav'}"
    code, out, err = stopped(["listen", "--mic", mic], tmp_path / "base", signal.SIGINT)
    assert (code, err) == (130, "")
    assert out.startswith("Stopped.\n")
    kept = Path(out.splitlines()[-1].removeprefix("recording: "))
    assert soundfile.info(kept).duration > 0.5


async def wait_for_two_signals(asked: list[str]) -> None:
    async with heeding_signals() as signals:
        signals.stop = lambda: asked.append("stop")
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_all_tasks_blocked()
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_all_tasks_blocked()
        assert asked == ["stop"]
        await trio.sleep(2 * SAME)
        os.kill(os.getpid(), signal.SIGINT)
        await trio.sleep_forever()


async def wait_for_one_signal() -> None:
    async with heeding_signals():
        os.kill(os.getpid(), signal.SIGINT)
        await trio.sleep_forever()


async def test_the_first_signal_asks_and_the_second_cancels_but_not_the_same_sent_twice(
    autojump_clock: MockClock,
) -> None:
    asked: list[str] = []
    with pytest.raises(Stopped) as stop:
        await wait_for_two_signals(asked)
    assert asked == ["stop"]
    assert stop.value.exit_code == 143


async def test_a_signal_before_there_is_a_turn_cancels() -> None:
    with pytest.raises(Stopped, match="SIGINT"):
        await wait_for_one_signal()


async def test_without_a_signal_nothing_happens() -> None:
    async with heeding_signals() as signals:
        await trio.lowlevel.checkpoint()
    assert signals.received is None


async def test_an_error_inside_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with heeding_signals():
            raise KeyError
