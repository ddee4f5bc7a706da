"""Sound cards through PortAudio: a device's name and a block handler in, an open stream out.

Every call of the library is made in one thread, one after another: a sound server that hangs takes only that thread
with it.  This is the one file that knows sounddevice.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from typing import Any, TypeVar

from attrs import frozen

from actors.errors import DeviceError
from actors.messages import DeviceKind

from ..forks import forget_in_children
from .alsa_messages import send_to_log
from .device_choice import DeviceInfo, DeviceName as DeviceName, choose
from .device_thread import DeviceThread, Stuck
from .portaudio_stream import Block as Block, DeviceStream as DeviceStream

BLOCK_SECONDS = 0.010

STUCK = 2.0
"""Seconds that a call of PortAudio may take before the sound server is said not to answer."""
LOADING = 20.0
"""Seconds for the first call of a process: it reads PortAudio's and ALSA's many libraries from the disk, which took 7 s
where nothing of them was in memory yet."""
EXIT = 0.5
"""Seconds that the end of the process waits for PortAudio."""

RENEWAL = 1.0, 32.0
"""Seconds for which opening a device has to have failed before the others are closed to look for it anew: the first
time, and after doublings at most."""

_INVALID_RATE, _UNAVAILABLE = -9997, -9985
"""paInvalidSampleRate and paDeviceUnavailable, from portaudio.h."""

T = TypeVar("T")
log = logging.getLogger(__name__)


async def open_stream(
    kind: DeviceKind,
    device: DeviceName,
    rate: int,
    block: Block,
    *,
    on_lost: Callable[[], None] | None = None,
    block_seconds: float = BLOCK_SECONDS,
    latency: float | None = None,
) -> DeviceStream:
    """Open a device for mono audio in blocks of ``block_seconds``, and start it.

    It holds ``latency`` seconds of sound, or as little as it can when that is None: two blocks on PulseAudio.
    It runs at ``rate`` if it accepts that, else at the rate it prefers.  ``on_lost`` is called in the Trio thread when
    PortAudio says that the device has gone; a silence is noticed by those who wait or look.  Raises DeviceError, even
    when the sound server hangs: within two seconds, and the very first time in a process within 20.
    """
    stream = DeviceStream(kind, block, _host.submit_close, on_lost)
    wanted = _Wanted(stream, device, rate, block_seconds, latency)
    try:
        await _call(lambda: _host.open(wanted), too_late=lambda _: _host.close(stream))
    except BaseException:
        stream.abandon()
        raise
    return stream


async def query_devices() -> tuple[DeviceInfo, ...]:
    """What there is: looked for anew when no device is open, else as it was last known.  Raises DeviceError when
    PortAudio is missing or the sound server hangs."""
    return await _call(_host.query, too_late=lambda _: None)


def forget_devices(seconds: float) -> None:
    """Close what is open and let PortAudio go; its next use finds the devices and the sound server there are then.

    Blocks for at most ``seconds``, and not at all when the thread is stuck.
    """
    if not _thread.is_stuck:
        try:
            _thread.submit(_host.terminate).result(seconds)
        except TimeoutError:
            log.debug("PortAudio did not end within %s s", seconds)


def open_streams() -> int:
    """How many streams PortAudio has open in this process."""
    return len(_host.streams)


@frozen
class _Wanted:
    stream: DeviceStream
    device: DeviceName
    rate: int
    block_seconds: float
    latency: float | None


class _Host:
    """PortAudio's state in this process.  Its methods block, and belong to the one thread."""

    def __init__(self) -> None:
        self.streams: set[DeviceStream] = set()
        self._sounddevice: Any = None
        self._ready = self.is_elsewhere = False
        self._failing_since: float | None = None
        self._renewal = RENEWAL[0]

    @property
    def is_loaded(self) -> bool:
        """Whether the library has been read and has found its devices once."""
        return self._sounddevice is not None

    def forget(self) -> None:
        """In a process that was just forked: PortAudio's threads are not there, and it cannot be told so."""
        self.is_elsewhere = self.is_elsewhere or self._ready
        self._ready, self.streams = False, set()

    def open(self, wanted: _Wanted) -> None:
        self.load()
        try:
            self._open(wanted)
        except DeviceError:
            if not self._may_renew():
                raise
            self.terminate()
            self.load()
            self._open(wanted)
        self._failing_since, self._renewal = None, RENEWAL[0]

    def submit_close(self, stream: DeviceStream) -> Future[None]:
        return _thread.submit(lambda: self.close(stream))

    def close(self, stream: DeviceStream) -> None:
        """Close it for good, if it is open."""
        stream.abandon()
        self._detach(stream)

    def _detach(self, stream: DeviceStream) -> None:
        raw, stream.raw = stream.raw, None
        if raw is not None:
            raw.abort()
            raw.close()
        self.streams.discard(stream)

    def query(self) -> tuple[DeviceInfo, ...]:
        if not self._in_use():
            self.terminate()
        self.load()
        return self._devices()

    def terminate(self) -> None:
        for stream in tuple(self.streams):
            if stream.in_use:
                stream.end("it was closed to look for devices anew.")
            self.close(stream)
        if self._ready:
            self._ready = False
            self._sounddevice._terminate()

    def load(self) -> None:
        """Start PortAudio unless it runs.  Raises DeviceError."""
        if self._ready:
            return
        try:
            if self._sounddevice is None:
                self._sounddevice = _load()
            else:
                self._sounddevice._initialize()
        except OSError as error:
            raise DeviceError(
                "The PortAudio library is missing, so there are no microphones and speakers. Install it "
                "(Debian, Ubuntu: `apt install libportaudio2`; Fedora: `dnf install portaudio`; "
                "macOS: `brew install portaudio`)."
            ) from error
        except self._error as error:
            raise DeviceError(
                f"PortAudio does not start: {error}. Is another program holding the sound card?"
            ) from error
        self._ready = True

    def _devices(self) -> tuple[DeviceInfo, ...]:
        hosts = self._sounddevice.query_hostapis()
        default_input, default_output = self._sounddevice.default.device
        return tuple(
            DeviceInfo(
                index=number,
                name=device["name"],
                host=hosts[device["hostapi"]]["name"],
                inputs=device["max_input_channels"],
                outputs=device["max_output_channels"],
                rate=round(device["default_samplerate"]),
                default_input=number == default_input,
                default_output=number == default_output,
            )
            for number, device in enumerate(self._sounddevice.query_devices())
        )

    def _open(self, wanted: _Wanted) -> None:
        stream = wanted.stream
        info, rate = choose(self._devices(), stream.kind, wanted.device), wanted.rate
        try:
            try:
                raw = self._raw(wanted, info, rate)
            except self._error as error:
                if _code(error) != _INVALID_RATE or rate == info.rate:
                    raise
                rate = info.rate
                raw = self._raw(wanted, info, rate)
            stream.begin(raw, info.name, rate)
            self.streams.add(stream)
            raw.start()
        except self._error as error:
            self._detach(stream)
            raise DeviceError(_sentence(stream.kind, info, error)) from error

    def _raw(self, wanted: _Wanted, info: DeviceInfo, rate: int) -> Any:
        library, stream = self._sounddevice, wanted.stream
        return (library.RawInputStream if stream.kind == "microphone" else library.RawOutputStream)(
            device=info.index,
            samplerate=rate,
            channels=1,
            dtype="int16",
            blocksize=round(rate * wanted.block_seconds),
            latency="low" if wanted.latency is None else wanted.latency,
            callback=stream.called_back,
            finished_callback=stream.finished,
        )

    @property
    def _error(self) -> type[Exception]:
        """What sounddevice raises."""
        return self._sounddevice.PortAudioError if self._sounddevice else OSError

    def _in_use(self) -> bool:
        return any(stream.in_use for stream in self.streams)

    def _may_renew(self) -> bool:
        """Whether the failure is worth a look for new devices, which costs the streams that are open."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if not self._in_use():
            return True
        if now - self._failing_since < self._renewal:
            return False
        self._failing_since, self._renewal = now, min(2 * self._renewal, RENEWAL[1])
        return True


_thread = DeviceThread("PortAudio", STUCK)
_host = _Host()


def _forget() -> None:
    _thread.forget()
    _host.forget()


forget_in_children(_forget)


async def _call(work: Callable[[], T], *, too_late: Callable[[T], object]) -> T:
    if _host.is_elsewhere:
        raise DeviceError(
            "PortAudio was in use when this process was forked, and cannot be used in both. Start the process anew "
            "instead (multiprocessing: `set_start_method('spawn')`), or open devices in one of them only."
        )
    try:
        if not _host.is_loaded:
            await _thread.call(_host.load, too_late=lambda _: None, patience=LOADING)
        return await _thread.call(work, too_late=too_late)
    except Stuck as error:
        raise DeviceError(
            "The sound server does not answer. Restart it (PulseAudio: `pulseaudio -k`) and try again; if that "
            "does not help, start this program anew."
        ) from error


def _load() -> Any:
    """Import sounddevice, which initialises PortAudio."""
    # PortAudio asks for JACK as well, whose library would try to start a server where there is none, and wait for it
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    library: Any = import_module("sounddevice")
    # it would end PortAudio in the main thread, and wait for a server that hangs
    atexit.unregister(library._exit_handler)
    atexit.register(forget_devices, EXIT)
    # whoever else holds it lets go when the interpreter ends, and a thread of PortAudio's may still be in it then
    ctypes.CDLL(library._libname)
    send_to_log()
    return library


def _code(error: Exception) -> int | None:
    return error.args[1] if len(error.args) > 1 else None


def _sentence(kind: DeviceKind, info: DeviceInfo, error: Exception) -> str:
    what = f"The {kind} {info.name!r} cannot be opened"
    if _code(error) == _UNAVAILABLE:
        return f"{what}: another program is using it. Close that program or choose another device."
    return f"{what}: {error.args[0]}. Check that it is connected and that the sound server runs."
