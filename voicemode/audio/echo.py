"""Takes the assistant's voice out of what the microphone hears: what was played and what was heard in, the user out.

First what the straight way from loudspeaker to microphone explains is subtracted (``echo_path``), then WebRTC's audio
processing suppresses the rest, as the ``livekit`` package carries it (extra ``aec``); no other file imports that.
Suppression harms the user who speaks at the same time, the more so the louder the echo is when it gets there: alone it
needs half a second to let a user through who is as loud as the echo, benchmarks/bench_echo.py.  Where the subtraction
leaves nothing that could be heard, as with headphones, it is passed by.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import trio
from attrs import evolve

from actors.errors import DeviceError, SettingsError
from actors.machines.echo_guard import EchoGuardPolicy
from actors.messages import SAMPLE_BYTES, AudioFrame

from .echo_path import EchoPath
from .echo_presence import EchoPresence
from .played_reference import REFERENCE_RATE, PlayedReference

FRAMES_PER_SECOND = 100
"""WebRTC takes frames of exactly 10 ms, and nothing else."""

REMAINS = EchoGuardPolicy(coupling=-9.0, fall=6.0, rise=20.0, least=-25.0, unheard=math.inf, gap=0.006)
"""For an ``EchoGuard`` behind the canceller, which takes some seconds to know the room: until then what is left of the
echo may be speech, 9 dB below what is played or less.  Whenever it loses its way a little more than usual remains, 25
dB below what is played; and when the loudspeaker ran dry, it may be as much as at the beginning.  Chosen with
benchmarks/bench_echo.py and benchmarks/bench_room.py."""

_INSTEAD = "Use headphones, or choose another way against echo."

_loading = trio.CapacityLimiter(1)


def available() -> bool:
    """Whether echo cancellation is installed.  Imports nothing."""
    return find_spec("livekit") is not None


async def load_echo_canceller(
    *, noise_suppression: bool = False, gain_control: bool = False, cancel: bool = True
) -> EchoCanceller:
    """An ``EchoCanceller`` made in a thread: the first one of a process takes 0.2 to 0.6 s."""
    make = partial(EchoCanceller, noise_suppression=noise_suppression, gain_control=gain_control, cancel=cancel)
    return await trio.to_thread.run_sync(make, limiter=_loading)


class EchoCanceller:
    """Gets to know one room, and finds its way in it again with each opening of the microphone.

    ``played`` is a ``Tap`` and may be called from any thread, all the rest from one at a time.  ``cancel`` is what it
    is for; ``noise_suppression`` takes steady noise out of the user's sound, ``gain_control`` brings it to a usual
    level.  Raises SettingsError when the livekit package is not installed, DeviceError when it does not work on this
    machine.
    """

    def __init__(self, *, noise_suppression: bool = False, gain_control: bool = False, cancel: bool = True) -> None:
        if not available():
            raise SettingsError(
                "Echo cancellation needs the livekit package: `pip install livekit`, or choose another way "
                "against echo."
            )
        try:
            self._rtc: Any = import_module("livekit.rtc")
            make = partial(
                self._rtc.AudioProcessingModule,
                noise_suppression=noise_suppression,
                high_pass_filter=cancel,
                auto_gain_control=gain_control,
            )
            self._make: Callable[[], Any] = partial(make, echo_cancellation=cancel)
            self._unsuppressed: Any = (
                make(echo_cancellation=False) if cancel and (noise_suppression or gain_control) else None
            )
            self._path = EchoPath()
            self._processing: Any = self._make()
            self._former: Any = None
            """What suppressed before the sides moved: it knows this room, where a new one takes every voice for echo
            until it has met some; but in another room it would let the echo through."""
            self._presence = EchoPresence()
        except Exception as error:  # what its library raises when it does not load has no base of its own
            raise DeviceError(f"Echo cancellation does not work on this machine ({error}). {_INSTEAD}") from error
        self._cancel = cancel
        self._reference = PlayedReference()

    @property
    def lost(self) -> int:
        """How many blocks were played but forgotten, because the open microphone was seconds behind."""
        return self._reference.lost

    @property
    def audible(self) -> bool:
        """Whether the microphone may hear the loudspeaker at all; with headphones it does not."""
        return self._presence.audible

    def played(self, at: float, pcm: bytes, rate: int) -> None:
        """Take note of a block that leaves the device at ``at``.  Never blocks, never raises."""
        self._reference.played(at, pcm, rate)

    def open(self) -> None:
        """The microphone opens: the room is the same, but devices are some milliseconds off their accounts, differently
        at each opening."""
        self._shift()
        self._reference.open()

    def close(self) -> None:
        """The microphone closes."""
        self._reference.close()

    def clean(self, frame: AudioFrame) -> AudioFrame:
        """``frame``, which lasts some times 10 ms, without the echo in it.

        Takes 0.3 ms for each 10 ms by itself and 1 ms in a conversation, where the processor's caches are cold: call it
        in a thread.

        Raises ValueError for a frame of another length, DeviceError when WebRTC fails.
        """
        size = frame.rate // FRAMES_PER_SECOND * SAMPLE_BYTES
        if len(frame.pcm) % size:
            raise ValueError(f"a frame lasts some times 10 ms, not {1000 * (frame.end - frame.start):g}")
        pieces = [frame.pcm[place : place + size] for place in range(0, len(frame.pcm), size)]
        starts = [frame.start + number / FRAMES_PER_SECOND for number in range(len(pieces))]
        try:
            clean = [self._clean(start, piece, frame.rate) for start, piece in zip(starts, pieces, strict=True)]
        except RuntimeError as error:
            raise DeviceError(f"Echo cancellation failed ({error}). {_INSTEAD}") from error
        return evolve(frame, pcm=b"".join(clean))

    def _clean(self, start: float, pcm: bytes, rate: int) -> bytes:
        """The same for 10 ms."""
        heard = pcm
        if self._cancel:
            references = self._reference.beside(start, start + 1 / FRAMES_PER_SECOND)
            if self._reference.moved:
                self._shift()
            for reference in references:
                self._path.play(reference)
                self._presence.play(reference)
                for processing in self._suppressors:
                    processing.process_reverse_stream(self._frame(reference, REFERENCE_RATE))
            self._path.expect(self._reference.owed)
            if rate == REFERENCE_RATE:
                pcm = self._path.remove(pcm)
            self._presence.hear(heard, pcm)
        if self._former is not None:
            if self._path.found:
                self._processing, self._former = self._former, None
            elif not self._path.lost:
                self._former = None
            elif self._presence.sounding:
                self._former.process_stream(self._frame(pcm, rate))
        clean = self._frame(pcm, rate)
        self._processing.process_stream(clean)
        if self._cancel and (self._path.clear or not self._presence.audible):
            clean = self._frame(pcm, rate)
            if self._unsuppressed is not None:
                self._unsuppressed.process_stream(clean)
        return bytes(clean.data)

    @property
    def _suppressors(self) -> list[Any]:
        """That in use, and the former as long as there is something it may be needed for."""
        former = self._former is not None and self._presence.sounding
        return [self._processing, self._former] if former else [self._processing]

    def _shift(self) -> None:
        """Takes 0.8 ms."""
        self._former, self._processing = self._former or self._processing, self._make()
        self._presence = EchoPresence()
        self._path.shift()

    def _frame(self, pcm: bytes, rate: int) -> Any:
        return self._rtc.AudioFrame(bytearray(pcm), rate, 1, rate // FRAMES_PER_SECOND)
