"""What a host may pass in place of a device, an engine or a model.  In: what it passed.  Out: a sentence, if that is
none.

Otherwise it would be found out in the middle of a turn, when somebody is spoken to or listened to.
"""

from __future__ import annotations

from inspect import isroutine

from attrs import frozen

from actors.errors import SettingsError


@frozen
class _Part:
    """``has`` are the names of its values and methods, the latter with brackets."""

    has: tuple[str, ...]
    setting: str
    """Where the name of one goes."""
    of_function: str = ""
    """What makes one of a function."""


PARTS = {
    "microphone": _Part(("open()",), "microphone"),
    "speaker": _Part(("open()",), "speaker"),
    "tts": _Part(("name", "rate", "speak()"), "tts", "voicemode.engines.voice or voicemode.aio.text_to_speech"),
    "stt": _Part(("name", "transcribe()"), "stt", "voicemode.engines.recogniser or voicemode.aio.speech_to_text"),
    "vad": _Part(("rate", "window", "stream()"), "vad"),
    "turn_model": _Part(("name", "finished()"), "turn_model"),
    "store": _Part(("begin()", "settle()"), "base_dir"),
}


def refuse_others(**given: object) -> None:
    """Raises SettingsError for what is neither None nor has what it needs under its keyword."""
    for keyword, thing in given.items():
        part = PARTS[keyword]
        if thing is not None and (isinstance(thing, type) or not all(_has(thing, name) for name in part.has)):
            *some, last = part.has
            names = f"{', '.join(some)} and {last}" if some else last
            raise SettingsError(f"{keyword} takes an object with {names}, {_not(thing, part)}")


def _has(thing: object, name: str) -> bool:
    attribute = getattr(thing, name.removesuffix("()"), None)
    return callable(attribute) if name.endswith("()") else attribute is not None


def _not(thing: object, part: _Part) -> str:
    if isinstance(thing, str):
        # an address may hold a password
        return f"not a str. A name goes into Settings({part.setting}=…)."
    if isinstance(thing, type):
        return f"not the class {thing.__name__}: pass an instance of it."
    if isroutine(thing) and part.of_function:
        return f"not a function. {part.of_function} makes one of it."
    return f"not {type(thing).__name__}. docs/bring-your-own.md says what it promises."
