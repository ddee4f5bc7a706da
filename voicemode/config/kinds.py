"""How values are written.  In: the text that stands in the environment or in a file.  Out: the value that it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from attrs import frozen

from actors.errors import SettingsError

from ..connect.address import GatewayAddress
from ..settings import AUTO, names_of, several
from ..speech import endpoint_name, third_parties
from ..speech.endpoint_name import EndpointName
from ..speech.registry import SPEECH_TO_TEXT, TEXT_TO_SPEECH
from ..speech.third_parties import Group

SCHEMES = ("portaudio", "file", "null")
"""Of the URIs of microphones and speakers."""

NOTHING = "none"
"""A list with nothing in it, where an empty text would be the default."""

YES, NO = ("true", "yes", "on", "1", "t", "y"), ("false", "no", "off", "0", "f", "n")


@frozen
class Kind:
    """``parse`` raises ValueError; ``wanted`` says then what to write, and in the documentation what can be written."""

    wanted: str
    parse: Callable[[str], object]


def _text(text: str) -> str:
    text.encode()  # what is not UTF-8 reaches Python as lone surrogates, and those cannot be encoded
    return text


def _switch(text: str) -> bool:
    word = text.strip().lower()
    if word not in YES + NO:
        raise ValueError(word)
    return word in YES


def _number(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text)
        if not low <= number <= high or (above and number == low) or math.isinf(number):
            raise ValueError(number)
        return number

    return parse


def _one_of(words: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def _uri(text: str) -> str:
    scheme, colon, _ = _text(text).partition(":")
    if not colon or scheme.lower() not in SCHEMES:
        raise ValueError(text)
    return text


def _folder(text: str) -> Path:
    path = Path(_text(text))
    if "\0" in text or not (path.is_absolute() or text == "~" or text.startswith("~/")):
        raise ValueError(text)
    return path


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in map(str.strip, _text(text).split(",")) if part)


def _phrases(text: str) -> tuple[str, ...]:
    return () if text.strip().lower() == NOTHING else _list(text)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(number)
    return number


def _engine(group: Group, embedded: Collection[str], endpoints: Mapping[str, str]) -> Kind:
    def known(name: str) -> bool:
        return name in embedded or EndpointName.parse(name, endpoints) is not None or name in third_parties.names(group)

    def parse(text: str) -> str:
        try:
            names = names_of(several(_text(text)))
            if names != (AUTO,) and not all(map(known, names)):
                raise ValueError(text)
        except SettingsError as error:
            raise ValueError(text) from error
        return text

    named = ", ".join((AUTO, *embedded, *endpoints))
    return Kind(f"{named}, an address as in http://127.0.0.1:8000/v1, or several with commas between them", parse)


def _urls(text: str) -> tuple[str, ...]:
    urls = _list(text)
    try:
        if any(EndpointName.parse(url, {}) is None for url in urls):
            raise ValueError(text)
    except SettingsError as error:
        raise ValueError(text) from error
    return urls


def _gateway(text: str) -> str:
    try:
        GatewayAddress.parse(text)
    except SettingsError as error:
        raise ValueError(text) from error
    return text


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 1 << 16:
        raise ValueError(text)
    return port


TEXT = Kind("a text", _text)
SECRET = Kind("a key", _text)
SWITCH = Kind("true or false", _switch)
SECONDS = Kind("a number of seconds above 0", _number(0, math.inf, above=True))
SECONDS_OR_NONE = Kind("a number of seconds from 0", _number(0, math.inf))
PROBABILITY = Kind("a number from 0 to 1", _number(0, 1))
DAYS = Kind("a number of days from 0", _number(0, math.inf))
MEGABYTES = Kind("a number of megabytes from 0", _number(0, math.inf))
URI = Kind("portaudio:, portaudio:NAME, file:PATH or null:", _uri)
GATEWAY = Kind("an address with wss://, or ws://", _gateway)
PORT = Kind("a port from 1 to 65535", _port)
FOLDER = Kind("a path that begins with / or ~/", _folder)
SOCKET = Kind("a path that begins with / or ~/", _folder)
COUNT = Kind("a whole number from 0", _count)
PHRASES = Kind(f"texts with commas between them, or {NOTHING} for none", _phrases)
LIST = Kind("texts with commas between them", _list)
URLS = Kind("addresses with commas between them", _urls)
VOICES = _engine("voicemode.tts", TEXT_TO_SPEECH, endpoint_name.VOICES)
RECOGNISERS = _engine("voicemode.stt", SPEECH_TO_TEXT, endpoint_name.RECOGNISERS)


def milliseconds(low: float) -> Kind:
    return Kind(f"a number of milliseconds from {low:g}", _number(low, math.inf))


MILLISECONDS = milliseconds(0)


def number(low: float, high: float) -> Kind:
    return Kind(f"a number from {low:g} to {high:g}", _number(low, high))


def choice(words: tuple[str, ...]) -> Kind:
    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", _one_of(words))
