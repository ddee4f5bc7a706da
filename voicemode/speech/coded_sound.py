"""MP3, FLAC, Ogg or AAC as it arrives.  In: its bytes, cut anywhere.  Out: its sound, as soon as it can be decoded.

The decoder runs in a thread of its own for as long as the answer, because it pulls; it rests while nothing has come.
"""

from __future__ import annotations

import numpy as np
import trio
from numpy.typing import NDArray

from .decoders import Broken, decoder_of
from .growing_file import GrowingFile
from .sound_kind import Kind
from .wav_stream import NotSpeech, Samples

FULL_SCALE = 32_768


class CodedSound:
    """``run`` is the thread, and ends after ``end`` or ``close``; ``rate`` is in Hz, known with the first sound;
    ``failure`` is why nothing comes any more."""

    def __init__(self, kind: Kind) -> None:
        """Raises NotSpeech when there is no decoder."""
        self._kind, self._decode = kind, decoder_of(kind)
        self._token = trio.lowlevel.current_trio_token()
        self._file = GrowingFile(self._wake)
        self._resting = trio.Event()
        self._samples: Samples | None = None
        self._decoded: list[bytes] = []
        self.failure: NotSpeech | None = None
        self._done = False

    @property
    def rate(self) -> int:
        assert self._samples is not None  # noqa: S101 - there is no sound before the format of it
        return self._samples.rate

    async def run(self) -> None:
        # decoders wait for their answers, not for one another
        await trio.to_thread.run_sync(self._work, limiter=trio.CapacityLimiter(1))

    def close(self) -> None:
        """Let the thread end.  Idempotent, never waits."""
        self._file.close()

    async def feed(self, data: bytes) -> bytes:
        """Mono samples: all that can be decoded now."""
        self._file.add(data, self._begin)
        return await self._taken()

    async def end(self) -> bytes:
        """The rest, now that nothing more comes."""
        self._file.end(self._begin)
        return await self._taken()

    async def _taken(self) -> bytes:
        if not self._done:
            await self._resting.wait()
        decoded, self._decoded = self._decoded, []
        return b"".join(decoded)

    def _begin(self) -> None:
        self._resting = trio.Event()

    def _wake(self) -> None:
        self._token.run_sync_soon(self._resting.set)

    def _work(self) -> None:
        try:
            self._decode(self._file, self._put)
        except Broken:
            self.failure = NotSpeech(f"{self._kind} that is broken")
        except NotSpeech as error:
            self.failure = error
        finally:
            self._done = True
            self._wake()

    def _put(self, frames: NDArray[np.float32], rate: int) -> None:
        if self._samples is None:
            self._samples = Samples(rate, frames.shape[1])
        scaled = np.clip(np.rint(np.nan_to_num(frames) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        self._decoded.append(self._samples.feed(scaled.astype("<i2").tobytes()))
