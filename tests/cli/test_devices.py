"""``voicemode devices``: the list, the advice when it is empty, and the test of a microphone and a speaker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve
from virtual_audio import VirtualAudio

from actors.errors import DeviceError
from voicemode.audio import portaudio_devices
from voicemode.audio.device_choice import DeviceInfo
from voicemode.audio.findings import tone
from voicemode.cli.devices import Choice, instead, nothing_found, uri_of

from .conftest import Run

PULSE = DeviceInfo(
    index=0,
    name="pulse",
    host="ALSA",
    inputs=32,
    outputs=32,
    rate=44_100,
    default_input=True,
    default_output=False,
)
CARD = evolve(PULSE, index=1, name="HDA Intel PCH: ALC257 Analog (hw:0,0)", inputs=2, outputs=0, default_input=False)
JABRA = evolve(CARD, index=2, name="Jabra", inputs=0, outputs=2, rate=48_000, default_output=True)
SILENT = "The microphone is silent: muted or the wrong device."


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[DeviceInfo]:
    """What PortAudio finds; to be changed by the test."""
    there = [PULSE, CARD, JABRA]

    async def list_devices() -> tuple[DeviceInfo, ...]:
        return tuple(there)

    monkeypatch.setattr(portaudio_devices, "list_devices", list_devices)
    for variable in ("VOICEMODE_MIC", "VOICEMODE_SPEAKER"):
        monkeypatch.delenv(variable, raising=False)
    return there


def test_devices_are_listed_with_what_they_can_do_and_how_to_name_them(run: Run, found: list[DeviceInfo]) -> None:
    ran = run("devices")
    assert (ran.code, ran.err) == (0, "")
    heading, pulse, card, jabra = (line.split() for line in ran.out.splitlines() if line.strip(" ─-"))
    assert heading == ["index", "name", "in", "out", "rate", "host", "default", "URI"]
    assert pulse == ["0", "pulse", "32", "32", "44100", "ALSA", "microphone", "portaudio:pulse"]
    assert card == ["1", *CARD.name.split(), "2", "0", "44100", "ALSA", "portaudio:1"]
    assert jabra == ["2", "Jabra", "0", "2", "48000", "ALSA", "speaker", "portaudio:Jabra"]


def test_the_list_is_for_programs_too(run: Run, found: list[DeviceInfo]) -> None:
    devices = run("devices", "--json").json["devices"]
    assert devices[1] == {
        "index": 1,
        "name": CARD.name,
        "host": "ALSA",
        "inputs": 2,
        "outputs": 0,
        "rate": 44_100,
        "default_input": False,
        "default_output": False,
        "uri": "portaudio:1",
    }


def test_a_name_cannot_steer_the_terminal(run: Run, found: list[DeviceInfo]) -> None:
    found.append(evolve(PULSE, index=3, name="evil\x1b[31m"))
    assert "\x1b" not in run("devices").out


def test_a_device_is_named_by_its_index_when_its_name_means_another() -> None:
    hdmi = evolve(JABRA, index=3, name="HDMI 1")
    twins = (JABRA, evolve(JABRA, index=4))
    number = evolve(JABRA, index=5, name="7")
    assert uri_of(hdmi, [hdmi]) == "portaudio:3"
    assert [uri_of(twin, twins) for twin in twins] == ["portaudio:2", "portaudio:4"]
    assert uri_of(number, [number]) == "portaudio:5"


def test_when_there_is_nothing_it_says_what_to_do(run: Run, found: list[DeviceInfo]) -> None:
    found.clear()
    ran = run("devices")
    assert ran.code == 1
    assert "There is no sound device" in ran.complaint
    assert run("devices", "--json").json["error"]["type"] == "DeviceError"


def test_the_advice_fits_the_machine() -> None:
    linux = nothing_found("linux")
    assert "apt install pulseaudio libasound2-plugins" in linux
    assert "PULSE_SERVER" in linux
    assert "apt" not in nothing_found("darwin")


def test_when_portaudio_is_missing_it_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def list_devices() -> tuple[DeviceInfo, ...]:
        raise DeviceError("The PortAudio library is missing.")

    monkeypatch.setattr(portaudio_devices, "list_devices", list_devices)
    ran = run("devices")
    assert (ran.code, ran.complaint) == (1, "voicemode: The PortAudio library is missing.")


BAD_USAGE = {
    "a URI without a test": (["portaudio:1"], "URI is for a test: add --test"),
    "a microphone without a test": (["--mic", "null:"], "--mic is for a test: add --test"),
    "a duration without a test": (["--seconds", "5"], "--seconds is for a test: add --test"),
    "too short": (["--test", "--seconds", "1"], "1.0 is not in the range"),
    "a file as device": (["--test", "file:x.wav"], "'file:x.wav' is not a device of the list"),
    "no URI": (["--test", ""], "'' is not a device of the list"),
    "an unknown microphone": (["--test", "--mic", "http://x", "--speaker", "null:"], "is not a microphone"),
    "one file for both": (["--test", "--mic", "file:x.wav", "--speaker", "file:x.wav"], "would write over"),
}


@pytest.mark.parametrize(("args", "reason"), BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_is_one_sentence_and_exit_code_2(
    run: Run, found: list[DeviceInfo], args: list[str], reason: str
) -> None:
    ran = run("devices", *args)
    assert ran.code == 2
    assert reason in ran.complaint


@pytest.mark.parametrize(
    ("uri", "microphone", "speaker"),
    [
        ("portaudio:pulse", "portaudio:pulse", "portaudio:pulse"),
        ("portaudio:1", "portaudio:1", "null:"),
        ("portaudio:jab?rate=48000", "null:", "portaudio:jab?rate=48000"),
    ],
)
async def test_the_device_named_is_tested_as_what_it_can_be(
    found: list[DeviceInfo], uri: str, microphone: str, speaker: str
) -> None:
    chosen = await instead(Choice(microphone="null:", speaker="null:"), uri)
    assert chosen == Choice(microphone=microphone, speaker=speaker)


def test_a_device_that_is_not_there_is_told(run: Run, found: list[DeviceInfo]) -> None:
    ran = run("devices", "--test", "portaudio:9")
    assert ran.code == 1
    assert "There is no microphone number 9. There is: 0 pulse (ALSA); 1 HDA" in ran.complaint


@pytest.mark.realtime
def test_a_silent_microphone_is_told_and_is_exit_code_1(run: Run) -> None:
    ran = run("devices", "--test", "--mic", "null:", "--speaker", "null:", "--seconds", "1.5")
    assert (ran.code, ran.out, ran.err) == (1, f"{SILENT}\n", "")


@pytest.mark.realtime
def test_a_test_is_for_programs_too(run: Run, tmp_path: Path) -> None:
    room = np.random.default_rng(1).normal(0, 20, 32_000)
    room[14_000:20_400] += np.frombuffer(tone(16_000), "<i2") / 4
    soundfile.write(tmp_path / "room.wav", room.astype("<i2"), 16_000)
    mic = f"file:{tmp_path / 'room.wav'}?start=0"
    ran = run("devices", "--test", "--mic", mic, "--speaker", "null:", "--seconds", "2", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = ran.json
    assert (found["microphone"], found["speaker"]) == (mic, "null:")
    assert (found["silent"], found["clipping"], found["dropped"], found["underruns"]) == (False, False, 0, 0)
    assert found["echo"] is True
    assert 0.15 < found["delay"] < 0.3
    assert found["finding"].startswith(f"peak {found['peak']:.0f} dBFS")


@pytest.mark.realtime
def test_real_devices_are_listed_and_tested(run: Run, virtual_audio: VirtualAudio) -> None:
    devices = {device["name"]: device for device in run("devices", "--json").json["devices"]}
    assert devices["default"]["default_input"]
    assert devices["default"]["default_output"]
    assert devices["default"]["uri"] == "portaudio:default"
    with virtual_audio.echo(0.3):
        ran = run("devices", "--test", "portaudio:default", "--seconds", "2", "--json")
    assert ran.code == 0
    assert (ran.json["echo"], ran.json["silent"], ran.json["clipping"]) == (True, False, False)
    assert ran.json["with_tone"] == pytest.approx(-28, abs=2)
    assert not virtual_audio.captures()
    assert not virtual_audio.playbacks()


@pytest.mark.realtime
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["lines", "json"])
def test_ctrl_c_tells_what_was_found_until_then(tmp_path: Path, as_json: list[str]) -> None:
    path = tmp_path / "tone.wav"
    args = ["devices", "--test", "--mic", "null:", "--speaker", f"file:{path}", "--seconds", "30", *as_json]
    command = [sys.executable, "-m", "voicemode", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not path.exists() or path.stat().st_size < 5000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=2)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (130, "")
    assert (json.loads(out)["finding"] if as_json else out.strip()) == SILENT
