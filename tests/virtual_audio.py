"""A private PulseAudio without a sound card: a microphone that hears what is played into it, a speaker that records.

``vmic`` is the microphone, fed through the sink ``vmic_in``; ``vspk`` the speaker, recorded from ``vspk.monitor``.
Both run at ``rate``, 16 kHz unless a test wants otherwise, or the speaker at a ``speaker_rate`` of its own: at these
the server resamples nothing, and what arrives is what was sent, to the sample.  PortAudio knows them as ``default``,
and by name after ``show``.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import trio
from numpy.typing import NDArray

from voicemode.audio import portaudio

MICROPHONE, MICROPHONE_INPUT, SPEAKER = "vmic", "vmic_in", "vspk"
DEADLINE = 5.0

# without norewinds an idle null sink renders 2 s ahead, and what is played into it next comes late and without a head
START = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={directory}/native
load-module module-null-sink sink_name=vspk rate={speaker_rate} channels=1 channel_map=mono norewinds=1
load-module module-null-sink sink_name=vmic_in rate={rate} channels=1 channel_map=mono norewinds=1
load-module module-remap-source master=vmic_in.monitor source_name=vmic
set-default-sink vspk
set-default-source vmic
"""

ALSA_DEVICE = 'pcm.{name} {{ type pulse device {name} hint {{ show on description "{name}" }} }}\n'


@cache
def missing() -> str | None:
    """What has to be installed for this, if anything, by the names of Debian's packages."""
    here = {
        "pulseaudio": shutil.which("pulseaudio"),
        "pulseaudio-utils": shutil.which("pactl") and shutil.which("pacat"),
        "libasound2-plugins": Path("/etc/alsa/conf.d/99-pulse.conf").exists(),
        "libportaudio2": find_library("portaudio"),
        "ladspa-sdk": Path("/usr/lib/ladspa/delay.so").exists(),
    }
    return ", ".join(name for name, found in here.items() if not found) or None


@cache
def read_libraries() -> None:
    """Have PortAudio's and ALSA's libraries read from the disk once: no test's deadline is meant to include that."""
    subprocess.run([sys.executable, "-c", "import sounddevice"], capture_output=True, check=False)


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about in {DEADLINE} s")
        time.sleep(0.005)


async def until(condition: Callable[[], object], what: str = "what the test waits for") -> None:
    """Look every 5 ms; the test fails when ``condition`` does not come true."""
    with trio.move_on_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  what other processes do sets no event
            await trio.sleep(0.005)
        return
    raise TimeoutError(f"{what} did not come about in {DEADLINE} s")


LONGEST = 60.0
"""Seconds in which a sound has been played, or its player hangs with its server; the test then says so and the others
go on."""


class VirtualAudio:
    """The server, up between ``__enter__`` and ``__exit__`` unless it is killed.  ``env`` leads a process to it."""

    def __init__(self, rate: int = 16_000, speaker_rate: int | None = None) -> None:
        self.rate, self.speaker_rate = rate, speaker_rate or rate
        # not in pytest's tmp_path: the path of a socket has to be shorter than 108 bytes
        self.directory = Path(tempfile.mkdtemp(prefix="va-", dir="/tmp"))
        self._alsa = self.directory / "asound.conf"
        self._alsa.touch()
        self.settings = {
            "PULSE_SERVER": f"unix:{self.directory}/native",
            "PULSE_COOKIE": f"{self.directory}/cookie",
            "PULSE_STATE_PATH": str(self.directory),
            "PULSE_RUNTIME_PATH": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory),
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{self._alsa}",
        }
        self.env = {**os.environ, **self.settings}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> VirtualAudio:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        """Returns when it answers, after about 50 ms."""
        (self.directory / "native").unlink(missing_ok=True)
        script = self.directory / "start.pa"
        script.write_text(START.format(directory=self.directory, rate=self.rate, speaker_rate=self.speaker_rate))
        quiet = "--daemonize=no --exit-idle-time=-1 --use-pid-file=no --high-priority=no --realtime=no".split()
        self._process = subprocess.Popen(
            ["pulseaudio", "-n", "-F", str(script), *quiet, f"--log-target=file:{self.directory}/log"],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, "the sound server")

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"pulseaudio ended: {(self.directory / 'log').read_text()[-2000:]}")
        return subprocess.run(["pactl", "info"], env=self.env, capture_output=True, check=False).returncode == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def stall(self) -> None:
        """Let it hang: connections stay open and nothing is answered, until ``resume``."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def pactl(self, *words: object) -> str:
        command = ["pactl", *map(str, words)]
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout.strip()

    @contextmanager
    def in_process(self) -> Generator[None]:
        """Lead PortAudio in this process to the server, and away from it again."""
        portaudio.forget_devices(DEADLINE)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.settings.items():
                patch.setenv(name, value)
            read_libraries()
            yield
            self.resume()
            portaudio.forget_devices(DEADLINE)

    async def say(
        self, sound: Path | bytes | NDArray[np.int16], rate: int | None = None, *, into: str = MICROPHONE_INPUT
    ) -> None:
        """Play a file, or samples at ``rate`` (the server's own unless given), into the microphone, to the end; or into
        the speaker, as another program would."""
        # it begins at once all the same; with less in hand a busy machine makes it stutter
        options = [f"--device={into}", "--latency-msec=300"]
        with trio.fail_after(LONGEST):
            if isinstance(sound, Path):
                await trio.run_process(["paplay", *options, str(sound)], env=self.env)
                return
            data = sound if isinstance(sound, bytes) else np.asarray(sound, "<i2").tobytes()
            options += self._samples(rate or self.rate)
            await trio.run_process(["pacat", "--playback", *options], stdin=data, env=self.env)

    @asynccontextmanager
    async def record(self, rate: int | None = None, *, of: str = SPEAKER) -> AsyncGenerator[Recording]:
        """Record what the speaker, or another sink, plays, silences too, from before the body to after it."""
        path = self.directory / f"recording-{time.monotonic_ns()}"
        # into a file: a pipe that nobody reads would stall it
        with path.open("wb") as file:
            options = [f"--device={of}.monitor", *self._samples(rate or self.speaker_rate), "--latency-msec=20"]
            recorder = self._start(["pacat", "--record", *options], file)
        recording = Recording(path, rate or self.speaker_rate)
        try:
            await until(lambda: recording.seconds, "the recording's first sample")
            yield recording
            enough = recording.seconds + 0.2
            await until(lambda: recording.seconds >= enough or recorder.poll() is not None, "the end of the recording")
        finally:
            recorder.kill()
            recorder.wait()

    def _start(self, command: list[str], output: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=self.env, stdout=output, stderr=subprocess.DEVNULL)

    @staticmethod
    def _samples(rate: int) -> list[str]:
        return [f"--rate={rate}", "--channels=1", "--format=s16le"]

    @contextmanager
    def echo(self, gain: float, delay: float = 0.03) -> Generator[None]:
        """Let the microphone hear the speaker, ``gain`` as loud and about ``delay`` seconds later (from 30 ms on)."""
        milliseconds = round(1000 * delay)
        ends = [f"source={SPEAKER}.monitor", f"sink={MICROPHONE_INPUT}", "source_dont_move=true", "sink_dont_move=true"]
        times = [f"latency_msec={milliseconds}", f"max_latency_msec={milliseconds}", "adjust_time=0"]
        module = self.pactl("load-module", "module-loopback", *ends, *times, "channels=1", f"rate={self.rate}")
        for entry in self.pactl("list", "sink-inputs").split("Sink Input #")[1:]:
            if re.search(rf"Owner Module: {module}\b", entry):
                # PulseAudio's volume is the cube root of the gain
                self.pactl("set-sink-input-volume", entry.split()[0], round(65536 * gain ** (1 / 3)))
        try:
            yield
        finally:
            self.pactl("unload-module", module)

    @contextmanager
    def room(self, gain: float, delay: float) -> Generator[None]:
        """Put the speaker and the microphone into one room: what is played is heard ``gain`` as loud and exactly
        ``delay`` seconds later, whatever else this machine is doing, for one clock drives both."""
        self.unload(SPEAKER)
        modules = [
            self._filter("air", MICROPHONE_INPUT, f"plugin=amp label=amp_mono control={gain}"),
            self._filter(SPEAKER, "air", f"plugin=delay label=delay_5s control={delay},1.0"),
        ]
        self.pactl("set-default-sink", SPEAKER)
        try:
            yield
        finally:
            for module in reversed(modules):
                self.pactl("unload-module", module)

    def _filter(self, name: str, master: str, plugin: str) -> str:
        options = f"sink_name={name} sink_master={master} rate={self.rate} channels=1 channel_map=mono {plugin}"
        return self.pactl("load-module", "module-ladspa-sink", *options.split())

    def show(self, name: str) -> None:
        """Let ALSA list a microphone or speaker under its own name; each costs PortAudio 50 ms to find."""
        with self._alsa.open("a") as file:
            file.write(ALSA_DEVICE.format(name=name))

    def suspend(self, name: str, suspended: bool = True) -> None:
        """Put a source or a sink to sleep, or wake it."""
        kind = "source" if f"\t{name}\t" in self.pactl("list", "short", "sources") else "sink"
        self.pactl(f"suspend-{kind}", name, int(suspended))

    def load(self, name: str) -> None:
        """Plug in another speaker, and a microphone of the same name that hears what it plays."""
        options = f"rate={self.rate} channels=1 channel_map=mono norewinds=1"
        self.pactl("load-module", "module-null-sink", f"sink_name={name}", *options.split())

    def unload(self, name: str) -> None:
        """Unplug a speaker or a microphone."""
        for line in self.pactl("list", "short", "modules").splitlines():
            number, _, arguments = line.partition("\t")
            if re.search(rf"(sink|source)_name={name}\b", arguments):
                self.pactl("unload-module", number)

    def unplug(self) -> None:
        """Unplug everything, so that there is nowhere to go for a stream."""
        # in between PulseAudio moves a stream to what is left: the microphone, for a moment, to the speaker's monitor
        for name in (MICROPHONE_INPUT, SPEAKER):
            self.unload(name)
        wait_until(lambda: not self.pactl("list", "short", "sources"), "the end of the microphone")

    def plug_in(self) -> None:
        """Plug in again what ``unplug`` took away."""
        for line in START.format(directory=self.directory, rate=self.rate, speaker_rate=self.speaker_rate).splitlines():
            if "native-protocol" not in line:
                self.pactl(*line.split())

    def move(self, to: str) -> None:
        """Send what this process plays to the sink ``to``."""
        for number in self._streams("sink-inputs"):
            self.pactl("move-sink-input", number, to)

    def captures(self) -> list[str]:
        """The streams with which this process records."""
        return self._streams("source-outputs")

    def playbacks(self) -> list[str]:
        """The streams with which this process plays."""
        return self._streams("sink-inputs")

    def _streams(self, kind: str) -> list[str]:
        entries = re.split(r"^S\w+ \w+ #", self.pactl("list", kind), flags=re.MULTILINE)[1:]
        ours = f'application.process.id = "{os.getpid()}"'
        return [entry.split()[0] for entry in entries if ours in entry]


class Recording:
    """Grows while the speaker is recorded."""

    def __init__(self, path: Path, rate: int) -> None:
        self.path, self.rate = path, rate

    @property
    def seconds(self) -> float:
        return self.path.stat().st_size / (2 * self.rate)

    def samples(self) -> NDArray[np.int16]:
        data = self.path.read_bytes()
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


@pytest.fixture(scope="session")
def sound_server(require: Callable[[object, str], None]) -> Iterator[VirtualAudio]:
    """One server for all tests that leave it as they found it."""
    require(not (absent := missing()), f"not installed: {absent}")
    with VirtualAudio() as audio:
        yield audio


@pytest.fixture
def virtual_audio(sound_server: VirtualAudio) -> Iterator[VirtualAudio]:
    """The shared server, and PortAudio led to it."""
    with sound_server.in_process():
        yield sound_server


@pytest.fixture
def own_virtual_audio(require: Callable[[object, str], None]) -> Iterator[VirtualAudio]:
    """A server for a test that kills or stalls it, or changes its devices."""
    require(not (absent := missing()), f"not installed: {absent}")
    with VirtualAudio() as audio, audio.in_process():
        yield audio
