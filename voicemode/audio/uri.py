"""Finds the device a URI names: ``portaudio:``, ``file:PATH`` or ``null:`` in, a microphone or a speaker out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

import trio

from actors.errors import SettingsError
from actors.ports import Microphone, Speaker

from .file_microphone import FileMicrophone, Start
from .file_speaker import FileSpeaker
from .files import load_audio
from .portaudio import DeviceName
from .portaudio_microphone import PortAudioMicrophone
from .portaudio_speaker import PortAudioSpeaker
from .virtual_microphone import NullMicrophone
from .virtual_speaker import NullSpeaker

LISTENING_RATE = 16_000
"""Hz; what the speech model and most recognisers listen at."""

_DEVICE_RATES = range(8_000, 192_001)

Device = TypeVar("Device")


async def microphone_from(uri: str) -> Microphone:
    """The microphone ``uri`` names; a file is read at once.  Raises SettingsError and AudioFileError."""
    example = "portaudio:, portaudio:NAME, file:PATH, file:PATH?start=0|listen|speech+SECONDS"
    return await _device(uri, "microphone", _MICROPHONES, example)


async def speaker_from(uri: str) -> Speaker:
    """The speaker ``uri`` names; a file is found writable at once.  Raises SettingsError and AudioFileError."""
    return await _device(uri, "speaker", _SPEAKERS, "portaudio:, portaudio:NAME, file:PATH")


def refuse_overwriting(microphone: str, speaker: str) -> None:
    """Raises SettingsError when what the speaker plays would be written over what the microphone hears."""
    files = [
        _path_and_options(uri.partition(":")[2])[0].resolve()
        for uri in (microphone, speaker)
        if uri.lower().startswith("file:")
    ]
    if len(files) > len(set(files)):
        raise SettingsError(f"The speaker would write over the microphone's file {files[0]}; name another for it.")


async def _device(
    uri: str, kind: str, makers: Mapping[str, Callable[[str], Awaitable[Device]]], example: str
) -> Device:
    scheme, colon, rest = uri.partition(":")
    maker = makers.get(scheme.lower())
    if not colon or maker is None:
        raise SettingsError(f"{uri!r} is not a {kind}; write {example} or null:.")
    return await maker(rest)


async def _file_microphone(rest: str) -> Microphone:
    path, options = _path_and_options(rest)
    start = Start.parse(options.pop("start", "listen"))
    _refuse(options, "a file: microphone takes only start")
    return FileMicrophone(await load_audio(path, LISTENING_RATE), start)


async def _null_microphone(rest: str) -> Microphone:
    _refuse_rest(rest)
    await trio.lowlevel.checkpoint()
    return NullMicrophone()


async def _portaudio_microphone(rest: str) -> Microphone:
    device, rate = _device_and_rate(rest)
    await trio.lowlevel.checkpoint()
    return PortAudioMicrophone(device, rate=rate)


async def _file_speaker(rest: str) -> Speaker:
    path, options = _path_and_options(rest)
    _refuse(options, "a file: speaker takes none")
    await trio.lowlevel.checkpoint()
    return FileSpeaker(path)


async def _null_speaker(rest: str) -> Speaker:
    _refuse_rest(rest)
    await trio.lowlevel.checkpoint()
    return NullSpeaker()


async def _portaudio_speaker(rest: str) -> Speaker:
    device, rate = _device_and_rate(rest)
    await trio.lowlevel.checkpoint()
    return PortAudioSpeaker(device, rate=rate)


_MICROPHONES: Mapping[str, Callable[[str], Awaitable[Microphone]]] = {
    "file": _file_microphone,
    "null": _null_microphone,
    "portaudio": _portaudio_microphone,
}

_SPEAKERS: Mapping[str, Callable[[str], Awaitable[Speaker]]] = {
    "file": _file_speaker,
    "null": _null_speaker,
    "portaudio": _portaudio_speaker,
}


def _device_and_rate(rest: str) -> tuple[DeviceName, int | None]:
    """Split ``NAME?rate=HZ``: nothing is the default device, digits are an index, and a name has its ``?`` escaped."""
    typed, _, query = rest.partition("?")
    options = _options(query)
    rate = options.pop("rate", None)
    _refuse(options, "a portaudio: device takes only rate")
    if rate is not None and not (re.fullmatch(r"\d{4,6}", rate, re.ASCII) and int(rate) in _DEVICE_RATES):
        raise SettingsError(
            f"rate={rate} is not a device's rate; write rate=HZ, from {_DEVICE_RATES[0]} to {_DEVICE_RATES[-1]}."
        )
    device = int(typed) if re.fullmatch(r"\d{1,4}", typed, re.ASCII) else unquote(typed) or None
    return device, None if rate is None else int(rate)


def _path_and_options(rest: str) -> tuple[Path, dict[str, str]]:
    """Split ``PATH?key=value&key=value``; a path that exists as it is typed needs no escapes.  A ``+`` is a plus."""
    if _exists(_path(rest)):
        return _path(rest), {}
    typed, _, query = rest.rpartition("?") if "?" in rest else (rest, "", "")
    if not typed:
        raise SettingsError("file: needs a path; write file:PATH.")
    if typed.startswith("//") and not typed.startswith("///"):
        raise SettingsError(f"file:{typed} names another computer; write file:PATH or file:///PATH.")
    options = _options(query)
    path, decoded = _path(typed), _path(unquote(typed))
    # a path on its own is what was typed; in file:///... it comes from a program, which escapes
    if not _exists(path) and (_exists(decoded) or typed.startswith("//")):
        path = decoded
    return path, options


def _options(query: str) -> dict[str, str]:
    pairs = (option.partition("=") for option in query.split("&") if option)
    return {key: unquote(value) for key, _, value in pairs}


def _path(typed: str) -> Path:
    if typed.startswith("///"):
        typed = typed[2:]
    path = Path(typed)
    return path.expanduser() if path.parts[:1] == ("~",) else path


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _refuse(options: Mapping[str, str], allowed: str) -> None:
    if options:
        raise SettingsError(f"Unknown option {', '.join(map(repr, options))}: {allowed}.")


def _refuse_rest(rest: str) -> None:
    if rest:
        raise SettingsError(f"null: takes nothing after the colon, not {rest!r}.")
