"""Reads audio files: a path in, the whole sound as 16-bit mono out.  Writing them is next door, in ``wav_writer``."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path

import numpy as np
import soundfile
import soxr
import trio
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from actors.errors import AudioFileError
from actors.messages import seconds_of

from .file_errors import explaining

_RATES = range(1_000, 768_001)
"""Sample rates a header may claim, in Hz; beyond them it is damage, and resampling would fill the memory."""

_STREAMED = 0x7FFF_0000
"""Sizes from here on stand in headers of streams whose length was not known."""

_UNRECOGNISED = 1
"""libsndfile's SF_ERR_UNRECOGNISED_FORMAT, from sndfile.h."""

log = logging.getLogger(__name__)

_decoding = trio.CapacityLimiter(2)


@frozen(kw_only=True)
class Sound:
    """A whole sound: signed 16-bit little-endian mono ``pcm`` at ``rate`` Hz."""

    pcm: bytes = field(repr=False)
    rate: int

    @property
    def seconds(self) -> float:
        return seconds_of(self.pcm, self.rate)


def resampled(sound: Sound, rate: int) -> Sound:
    """``sound`` at ``rate`` Hz, in soxr's HQ quality; about 0.3 ms for a second of sound."""
    if sound.rate == rate:
        return sound
    samples = np.frombuffer(sound.pcm, "<i2").astype(np.float32) / np.float32(32768)
    return evolve(sound, pcm=_pcm(_resample(samples, sound.rate, rate)), rate=rate)


def read_audio(path: Path, rate: int | None) -> Sound:
    """Decode the file ``path``, at ``rate`` Hz or at its own when None.  Blocks.

    Reads all that libsndfile knows.  Channels are averaged, so that the sum cannot clip; float samples beyond full
    scale are clipped, those that are not numbers are silence.  A file that ends early is read up to there.  Raises
    AudioFileError.
    """
    with explaining(path, "read"):
        if path.exists() and not path.is_file() and not path.is_dir():
            raise AudioFileError(f"{path} is not a regular file; name an audio file.")
        data = path.read_bytes()
    if not data:
        raise AudioFileError(f"{path} is empty; it holds no audio.")
    samples, own_rate, damaged = _decode(path, _with_streamed_size(data))
    if own_rate not in _RATES:
        raise AudioFileError(f"{path} is damaged: it claims a sample rate of {own_rate} Hz.")
    if not len(samples):
        raise AudioFileError(f"{path} has a header but no samples; it holds no audio.")
    if damaged or _is_cut_short(data):
        log.warning("%s is cut short or damaged; what can be read of it is used.", path)
    mono = np.clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), -1.0, 1.0).mean(axis=1, dtype=np.float32)
    wanted = rate or own_rate
    return Sound(pcm=_pcm(_resample(mono, own_rate, wanted)), rate=wanted)


async def load_audio(path: Path, rate: int | None) -> Sound:
    """``read_audio`` in a thread, which is left to itself when the caller is cancelled."""
    return await trio.to_thread.run_sync(read_audio, path, rate, limiter=_decoding, abandon_on_cancel=True)


def _decode(path: Path, data: bytes) -> tuple[NDArray[np.float32], int, bool]:
    """All samples, one column per channel, their rate, and whether some may be missing."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            try:
                return np.asarray(file.read(dtype="float32", always_2d=True), np.float32), file.samplerate, False
            except (soundfile.LibsndfileError, MemoryError, ValueError):
                # a cut FLAC file fails as a whole, and a damaged header may promise more than fits into memory
                pass
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            return _until_damage(file), file.samplerate, True
    except soundfile.LibsndfileError as error:
        if error.code == _UNRECOGNISED:
            raise AudioFileError(
                f"{path} does not hold audio in a format that can be read; WAV, FLAC, Ogg and MP3 can."
            ) from error
        raise AudioFileError(f"{path} is cut off in its header or damaged: {error.error_string}") from error


def _until_damage(file: soundfile.SoundFile) -> NDArray[np.float32]:
    """What can be read before the first error, in small steps because a step with an error in it is lost."""
    pieces: list[NDArray[np.float32]] = []
    while True:
        try:
            piece = file.read(512, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            if not pieces:
                raise
            break
        if not len(piece):
            break
        pieces.append(np.asarray(piece, np.float32))
    return np.concatenate(pieces) if pieces else np.empty((0, 1), np.float32)


def _is_cut_short(data: bytes) -> bool:
    """Whether a WAV file's header promises more than there is; what streaming writers put there is no promise."""
    promised = struct.unpack_from("<I", data, 4)[0] if data[:4] == b"RIFF" and len(data) >= 8 else 0
    return len(data) < 8 + promised < _STREAMED


def _with_streamed_size(data: bytes) -> bytes:
    """A WAV file whose writer never went back to fill in its sizes, made readable to the end.

    libsndfile reads on when the data chunk claims too much but takes a size of 0 at its word.  A data chunk
    that is empty in truth is followed by others or by nothing, and the RIFF size says so.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"data":
            if size == 0 and (end <= position + 8 or end == 8 + 0xFFFFFFFF):
                return data[: position + 4] + b"\xff\xff\xff\xff" + data[position + 8 :]
            return data
        position += 8 + size + size % 2
    return data


def _resample(samples: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    return samples if rate == wanted else soxr.resample(samples, rate, wanted, "HQ")


def _pcm(samples: NDArray[np.float32]) -> bytes:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()
