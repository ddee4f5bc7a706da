"""What a host may pass in place of a device, an engine or a model.  In: what it passed.  Out: a sentence, if it is no
such thing.

Otherwise that would be found out in the middle of a turn, when somebody is spoken to or listened to.
"""

from __future__ import annotations

from inspect import isroutine

from actors.errors import SettingsError

HAS = {
    "microphone": ("open()",),
    "speaker": ("open()",),
    "tts": ("name", "rate", "speak()"),
    "stt": ("name", "transcribe()"),
    "vad": ("rate", "window", "stream()"),
    "turn_model": ("name", "finished()"),
    "store": ("begin()", "settle()"),
}
"""By its keyword, the values and methods that each must have."""

OF_FUNCTIONS = {
    "tts": "voicemode.engines.voice or voicemode.aio.text_to_speech",
    "stt": "voicemode.engines.recogniser or voicemode.aio.speech_to_text",
}


def refuse_others(**given: object) -> None:
    """Raises SettingsError for what is neither None nor has what its keyword takes."""
    for keyword, thing in given.items():
        names = HAS[keyword]
        if thing is not None and (isinstance(thing, type) or not all(_has(thing, name) for name in names)):
            *some, last = names
            described = f"{', '.join(some)} and {last}" if some else last
            raise SettingsError(f"{keyword} takes an object with {described}, {_but(keyword, thing)}")


def _has(thing: object, name: str) -> bool:
    value = getattr(thing, name.removesuffix("()"), None)
    return callable(value) if name.endswith("()") else value is not None


def _but(keyword: str, thing: object) -> str:
    if isinstance(thing, str):
        # what is given may be an address with a password
        kind, setting = ("directory", "base_dir") if keyword == "store" else ("name", keyword)
        return f"not a str. A {kind} goes into Settings({setting}=…)."
    if isinstance(thing, type):
        return f"not the class {thing.__name__}: pass an instance of it."
    if isroutine(thing) and keyword in OF_FUNCTIONS:
        return f"not a function. {OF_FUNCTIONS[keyword]} makes one of it."
    return f"not {type(thing).__name__}. docs/bring-your-own.md says what it promises."
