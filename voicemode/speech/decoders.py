"""Decoders of coded sound, for a thread.  In: a file that is still coming.  Out: its samples, as soon as can be.

libsndfile, which is always there, streams MP3 and FLAC, and wants Ogg whole; FFmpeg, in the extra ``codecs``, streams
Ogg and AAC.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from .growing_file import SIZE, GrowingFile
from .sound_kind import Kind
from .wav_stream import NotSpeech

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

Put: TypeAlias = Callable[[NDArray[np.float32], int], None]
"""Takes frames of samples from -1 to 1 (a row for each, a column for each channel), and their rate in Hz."""

Decode: TypeAlias = Callable[[GrowingFile, Put], None]
"""Gives all it can decode, and raises Broken when that is not all of it."""

BLOCK = 50
"""In a second: how often samples are handed on."""

EXTRA = "pip install 'voicemode[codecs]'"


class Broken(Exception):
    """What follows is no sound of this kind."""


def has_ffmpeg() -> bool:
    return find_spec("av") is not None


def decoder_of(kind: Kind) -> Decode:
    """Raises NotSpeech, with what to install, when there is none."""
    if kind in {"AAC", "Ogg"} and has_ffmpeg():
        return _with_ffmpeg(FFMPEG[kind])
    if kind == "AAC":
        raise NotSpeech(f"AAC, for which a decoder is missing here ({EXTRA})")
    return {"MP3": _mp3, "Ogg": _whole}.get(kind, _with_libsndfile)


class _Stream(soundfile.SoundFile):  # type: ignore[misc]
    """After each read from what can seek, soundfile seeks to where it is, and MP3 then has a gap."""

    def seekable(self) -> bool:
        return False


def _with_libsndfile(file: GrowingFile | io.BytesIO, put: Put) -> None:
    try:
        with _Stream(cast("Any", file)) as sound:
            read = cast("Callable[..., NDArray[np.float32]]", sound.read)
            while len(frames := read(sound.samplerate // BLOCK, "float32", always_2d=True)):
                put(frames, sound.samplerate)
    except soundfile.LibsndfileError as error:
        raise Broken from error


def _mp3(file: GrowingFile, put: Put) -> None:
    """The size in a Xing head is made to be the one that the file is said to have: else mpg123, in libsndfile,
    complains on stderr."""
    tag = file.peek(0, 10)
    begin = 0
    if tag.startswith(b"ID3"):
        begin = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=False))
    head = file.peek(begin, 64)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at >= 0 and len(head) >= at + 8:
        (fields,) = struct.unpack_from(">I", head, at + 4)
        if fields & 2:
            file.overwrite(begin + at + (12 if fields & 1 else 8), struct.pack(">I", SIZE))
    _with_libsndfile(file, put)


def _whole(file: GrowingFile, put: Put) -> None:
    _with_libsndfile(io.BytesIO(file.whole()), put)


FFMPEG: Mapping[Kind, str] = {"AAC": "aac", "Ogg": "ogg"}
"""FFmpeg's names for containers."""

AT_ONCE = {"probesize": "32", "analyzeduration": "0"}
"""FFmpeg would look at seconds of sound before it gives the first."""

READ = 4096
"""Bytes that FFmpeg asks for at a time."""


def _with_ffmpeg(container: str) -> Decode:
    def decode(file: GrowingFile, put: Put) -> None:
        import av
        from av.audio.resampler import AudioResampler
        from av.error import FFmpegError

        try:
            with av.open(_Reader(file), "r", format=container, options=AT_ONCE, buffer_size=READ) as sound:
                planar = AudioResampler(format="fltp")
                for frame in sound.decode(sound.streams.audio[0]):
                    _put_all(planar.resample(frame), put)
        except (FFmpegError, IndexError) as error:  # IndexError: there is no sound in it
            raise Broken from error

    return decode


def _put_all(frames: list[AudioFrame], put: Put) -> None:
    for frame in frames:
        put(np.ascontiguousarray(frame.to_ndarray().T, np.float32), frame.sample_rate)


class _Reader:
    """What cannot be sought in, FFmpeg reads from front to back."""

    def __init__(self, file: GrowingFile) -> None:
        self.read = file.read
