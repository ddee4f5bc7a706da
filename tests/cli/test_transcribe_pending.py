"""``voicemode transcribe --pending``: nothing that waits is lost, whatever happens to it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.errors import ProviderUnavailable
from actors.messages import SAMPLE_BYTES, Transcript
from tests.exchanges.saying import NOON, keep, said
from voicemode import Settings
from voicemode.audio.claim import Claim
from voicemode.audio.wav_writer import WavWriter
from voicemode.cli import transcribe_pending
from voicemode.exchanges import Exchanges
from voicemode.speech import recognising as opened

from .conftest import Run

pytestmark = pytest.mark.realtime

BROKEN = 3
"""Recordings of so many hundred samples are what the engine fails at."""


class Ear:
    """Understands how long a recording is.  ``heard`` counts its calls; ``during`` happens in each, and that with the
    number ``stuck_at`` never ends."""

    def __init__(self) -> None:
        self.name = "ear"
        self.heard = 0
        self.during: Callable[[], None] = lambda: None
        self.stuck_at: int | None = None

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        self.heard += 1
        self.during()
        await trio.lowlevel.checkpoint()
        if self.heard == self.stuck_at:
            await trio.sleep_forever()
        hundreds = len(pcm) // SAMPLE_BYTES // 100
        if hundreds == BROKEN:
            raise ProviderUnavailable("ear", "The ear is deaf.")
        text = " ".join(["word"] * (hundreds - 1)) or ""
        return Transcript(text=text, engine="ear", seconds=0.001)


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    ear = Ear()

    @asynccontextmanager
    async def recognising(_: Settings) -> AsyncGenerator[Ear]:
        yield ear

    monkeypatch.setattr(opened, "recognising", recognising)
    return ear


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "base"


@pytest.fixture
def record(base: Path) -> Callable[[int], Path]:
    """A recording of so many hundred samples, a second after the last."""
    count = 0

    def make(hundreds: int) -> Path:
        nonlocal count
        count += 1
        path = base / "pending" / f"{9 - count}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = WavWriter(path, 16_000)
        writer.write(bytes(SAMPLE_BYTES * 100 * hundreds))
        writer.close()
        os.utime(path, (1_000_000 + count, 1_000_000 + count))
        return path

    return make


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def closed_port() -> int:
    """Nobody listens there for a while."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def left(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def test_what_waits_is_transcribed_oldest_first_and_removed(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    first, second = record(2), record(4)
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out, ran.err) == (0, f"{first}: word\n{second}: word word word\n", "")
    assert left(base) == []
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out, ran.err) == (0, "", f"Nothing is pending in {base}.\n")
    assert ear.heard == 2


def test_what_was_transcribed_is_kept_where_audio_is_saved(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    path = record(2)
    assert run("transcribe", "--pending", "--save-audio").code == 0
    assert left(base) == [f"audio/1970/01/{path.stem}_stt.wav"]


def test_another_directory_can_be_named(run: Run, ear: Ear, base: Path, record: Callable[[int], Path]) -> None:
    record(2)
    elsewhere = base.rename(base.with_name("elsewhere"))
    assert run("transcribe", "--pending").out == ""
    assert run("transcribe", "--pending", "--base-dir", elsewhere).out == f"{elsewhere}/pending/8.wav: word\n"


def test_each_recording_is_one_line_of_json(run: Run, ear: Ear, record: Callable[[int], Path]) -> None:
    paths = [record(2), record(BROKEN), record(0), record(1)]
    ran = run("transcribe", "--pending", "--json")
    assert ran.code == 1
    found = lines(ran.out)
    assert [each["file"] for each in found] == [str(path) for path in paths]
    assert [each["state"] for each in found] == ["transcribed", "failed", "empty", "transcribed"]
    assert [each["transcript"] for each in found] == ["word", "", "", ""]
    assert found[0] | {"file": ""} == {
        "file": "",
        "state": "transcribed",
        "transcript": "word",
        "engine": "ear",
        "failures": [],
        "audio_ms": 12.5,
        "stt_ms": 1.0,
        "error": None,
    }
    assert found[1]["error"] == "The ear is deaf."


def test_it_goes_on_after_a_failure_and_leaves_what_failed(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    broken, fine = record(BROKEN), record(2)
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out) == (1, f"{fine}: word\n")
    assert ran.err == f"voicemode: {broken}: The ear is deaf.\n"
    assert left(base) == [f"pending/{broken.name}"]


def test_what_is_no_sound_is_told_and_left(run: Run, ear: Ear, base: Path, record: Callable[[int], Path]) -> None:
    path = record(2)
    path.write_bytes(b"garbage")
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out) == (1, "")
    assert "does not hold audio" in ran.err
    assert left(base) == [f"pending/{path.name}"]


@pytest.mark.parametrize("length", [0, 44])
def test_what_holds_no_sound_is_told_and_removed(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path], length: int
) -> None:
    path = record(2)
    os.truncate(path, length)
    ran = run("transcribe", "--pending", "--save-audio")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"voicemode: {path}: there is no sound in it, and it is removed\n"
    assert left(base) == []


def test_what_a_crash_cut_short_is_transcribed_as_far_as_it_goes(
    run: Run, ear: Ear, record: Callable[[int], Path]
) -> None:
    path = record(4)
    os.truncate(path, 44 + SAMPLE_BYTES * 250)
    assert run("transcribe", "--pending").out == f"{path}: word\n"


def test_where_nobody_spoke_nothing_waits_any_longer(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    path = record(1)
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"voicemode: {path}: nobody spoke, or nothing was understood\n"
    assert left(base) == []


def test_what_is_being_recorded_is_left_alone(run: Run, ear: Ear, base: Path, record: Callable[[int], Path]) -> None:
    growing, whole = record(2), record(4)
    held = Claim.on(growing)
    assert held is not None
    with held:
        ran = run("transcribe", "--pending")
        assert (ran.code, ran.out) == (0, f"{whole}: word word word\n")
        assert f"{growing}: is being recorded" in ran.err
        (listed,) = lines(run("transcribe", "--pending", "--list", "--json").out)
        assert listed["in_use"]
    assert left(base) == [f"pending/{growing.name}"]


def test_what_somebody_else_finishes_meanwhile_is_no_failure(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    record(2)
    theirs = record(4)
    ear.during = lambda: theirs.unlink(missing_ok=True)
    ran = run("transcribe", "--pending")
    assert (ran.code, len(ran.out.splitlines()), ran.err) == (0, 1, "")
    assert left(base) == []


def test_two_at_the_same_time_do_no_work_twice(run: Run, ear: Ear, record: Callable[[int], Path]) -> None:
    path = record(2)
    seen: list[Claim | None] = []
    ear.during = lambda: seen.append(Claim.on(path))
    assert run("transcribe", "--pending").code == 0
    assert seen == [None]


def test_an_interruption_leaves_what_is_not_done(run: Run, ear: Ear, base: Path, record: Callable[[int], Path]) -> None:
    done, interrupted, later = record(2), record(4), record(5)

    def interrupt() -> None:
        if ear.heard == 2:
            signal.raise_signal(signal.SIGINT)

    ear.during, ear.stuck_at = interrupt, 2
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out) == (130, f"{done}: word\n")
    assert ran.err == "voicemode: stopped; 2 of 3 recordings are left as they were\n"
    assert left(base) == sorted([f"pending/{interrupted.name}", f"pending/{later.name}"])


def test_what_could_not_be_written_is_not_removed(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(2)

    def broken(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(transcribe_pending, "write_line", broken)
    monkeypatch.setattr("voicemode.cli.give_up_stdout", lambda: None)
    assert run("transcribe", "--pending").code == 1
    assert left(base) == [f"pending/{path.name}"]


def test_a_recording_that_cannot_be_settled_stays_and_is_told_once(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    path = record(2)
    (base / "audio").touch()
    ran = run("transcribe", "--pending", "--save-audio", "--json")
    assert ran.code == 1
    assert [each["state"] for each in lines(ran.out)] == ["transcribed"]
    assert "cannot be moved" in ran.err
    assert path.exists()


def test_what_was_transcribed_is_an_exchange_of_when_it_was_said(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    path = record(160).rename(base / "pending" / "20260304_120001_500_abcdef.wav")
    keep(base, said("Who is there?", type="tts", project_path="/project"))
    keep(base, said("Somebody else", minutes=1, conversation_id="other", project_path="/other"))
    assert run("config", "set", "VOICEMODE_SAVE_TRANSCRIPTIONS", "true").code == 0
    assert run("transcribe", "--pending", "--save-audio").code == 0
    (found,) = [each for each in Exchanges(base) if each.known("later")]
    assert (found.type, found.text.split()[0], found.duration_ms) == ("stt", "word", 1000)
    assert (found.conversation_id, found.project_path) == ("conv_20260304_120000_abcdef", "/project")
    assert (found.at - NOON).total_seconds() == 1.5
    assert found.audio_file is not None
    assert found.audio_file.endswith(f"{path.stem}_stt.wav")
    assert (found.provider, found.known("transcription_time")) == ("ear", 0.001)


def test_an_exchange_that_cannot_be_written_is_no_failure(
    run: Run, ear: Ear, base: Path, record: Callable[[int], Path]
) -> None:
    path = record(2)
    (base / "logs").touch()
    run("config", "set", "VOICEMODE_SAVE_TRANSCRIPTIONS", "true")
    ran = run("transcribe", "--pending")
    assert (ran.code, ran.out) == (0, f"{path}: word\n")
    assert not path.exists()


def test_list_only_lists(run: Run, ear: Ear, base: Path, record: Callable[[int], Path]) -> None:
    first, second = record(160), record(BROKEN)
    before = left(base)
    ran = run("transcribe", "--pending", "--list")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split("  ")[0] for line in ran.out.splitlines()] == [str(first), str(second)]
    assert [line.split("  ")[2] for line in ran.out.splitlines()] == ["1.0 s", "0.0 s"]
    began = datetime.fromtimestamp(1_000_000).astimezone()
    assert ran.out.splitlines()[0].split("  ")[1] == f"{began:%Y-%m-%d %H:%M:%S}"
    found = lines(run("transcribe", "--pending", "--list", "--json").out)
    assert [(each["file"], each["audio_ms"], each["in_use"]) for each in found] == [
        (str(first), 1000.0, False),
        (str(second), 18.75, False),
    ]
    assert (ear.heard, left(base)) == (0, before)
    assert run("transcribe", "--pending", "--list", "--base-dir", base / "none").err.startswith("Nothing is pending")


BAD = {
    "nothing": ([], "Nothing to transcribe is named: give a FILE, or --pending."),
    "both": (["x.wav", "--pending"], "leave out FILE."),
    "list alone": (["x.wav", "--list"], "--list goes with --pending."),
    "directory alone": (["x.wav", "--base-dir", "base"], "--base-dir goes with --pending."),
    "keeping alone": (["x.wav", "--save-audio"], "--save-audio goes with --pending."),
}


@pytest.mark.parametrize(("args", "said"), BAD.values(), ids=BAD)
def test_what_does_not_go_together_is_bad_usage(run: Run, args: list[str], said: str) -> None:
    ran = run("transcribe", *args)
    assert ran.code == 2
    assert said in ran.complaint


def test_the_real_engine_finishes_what_waits(run: Run, audio: Path, base: Path) -> None:
    (base / "pending").mkdir(parents=True)
    path = base / "pending" / "a.wav"
    path.write_bytes((audio / "lj001-0008.wav").read_bytes())
    said = "has never been surpassed"
    ran = run("transcribe", "--pending", "--stt", "pocketsphinx", "--phrase", "is there more", "--phrase", said)
    assert (ran.code, ran.out, ran.err) == (0, f"{path}: {said}\n", "")
    assert left(base) == []


def test_what_no_engine_understood_is_kept_and_finished_later(run: Run, audio: Path, base: Path) -> None:
    said = "has never been surpassed"
    phrases = ("--phrase", "is there more", "--phrase", said)
    mic = f"file:{audio / 'lj001-0008.wav'}"
    nobody = f"http://127.0.0.1:{closed_port()}/v1"
    nobody_else = f"http://127.0.0.1:{closed_port()}/v1"
    ran = run("listen", "--mic", mic, "--stt", f"{nobody},{nobody_else}", *phrases, "--json")
    assert ran.code == 1
    (path,) = (base / "pending").iterdir()
    assert ran.json["error"]["recording"] == str(path)
    message = ran.json["error"]["message"]
    assert message.endswith(f"What was said is kept in {path}: voicemode transcribe --pending finishes it later.")
    assert nobody.removesuffix("/v1") in message
    assert nobody_else.removesuffix("/v1") in message
    ran = run("transcribe", "--pending", "--stt", f"{nobody},pocketsphinx", *phrases)
    assert (ran.code, ran.out) == (0, f"{path}: {said}\n")
    assert left(base) == []
