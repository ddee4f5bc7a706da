"""How values are written.  In: the text that stands in the environment or in a file.  Out: the value that it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from attrs import frozen

from actors.errors import SettingsError

from ..speech import endpoint_name
from ..speech.endpoint_name import EndpointName
from ..speech.registry import SPEECH_TO_TEXT, TEXT_TO_SPEECH

SCHEMES = ("portaudio", "file", "null")
"""Of the URIs of microphones and speakers."""

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


def _engine(embedded: Collection[str], endpoints: Mapping[str, str]) -> Kind:
    def parse(text: str) -> str:
        try:
            known = _text(text) in embedded or EndpointName.parse(text, endpoints) is not None
        except SettingsError as error:
            raise ValueError(text) from error
        if not known:
            raise ValueError(text)
        return text

    return Kind(f"{', '.join((*embedded, *endpoints))} or an address as in http://127.0.0.1:8000/v1", parse)


TEXT = Kind("a text", _text)
SECRET = Kind("a key", _text)
SWITCH = Kind("true or false", _switch)
SECONDS = Kind("a number of seconds above 0", _number(0, math.inf, above=True))
SECONDS_OR_NONE = Kind("a number of seconds from 0", _number(0, math.inf))
MILLISECONDS = Kind("a number of milliseconds from 0", _number(0, math.inf))
PROBABILITY = Kind("a number from 0 to 1", _number(0, 1))
URI = Kind("portaudio:, portaudio:NAME, file:PATH or null:", _uri)
FOLDER = Kind("a path that begins with / or ~/", _folder)
LIST = Kind("texts with commas between them", _list)
VOICES = _engine(TEXT_TO_SPEECH, endpoint_name.VOICES)
RECOGNISERS = _engine(SPEECH_TO_TEXT, endpoint_name.RECOGNISERS)


def number(low: float, high: float) -> Kind:
    return Kind(f"a number from {low:g} to {high:g}", _number(low, high))


def choice(words: tuple[str, ...]) -> Kind:
    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", _one_of(words))
