"""What somebody brings, as it comes in: a device, an engine, a function or a rate in; nothing out, or what is wrong
with it.

Only what is certain is refused here.  A plain function, say, may return something to await; its first call tells.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from actors.errors import SettingsError
from actors.given import called

SLOWEST, FASTEST = 8_000, 192_000
"""Hz of what comes from or goes to a device or an engine."""

_PORTS: dict[str, tuple[tuple[str, ...], str]] = {
    "microphone": (("open",), "voicemode.devices.StreamMicrophone makes one of a function that yields pcm."),
    "speaker": (("open",), "voicemode.devices.SentSpeaker makes one of a function that opens a connection."),
    "tts": (
        ("speak", "name", "rate"),
        "voicemode.engines.voice makes one of a function, voicemode.aio.text_to_speech of one for asyncio.",
    ),
    "stt": (
        ("transcribe", "name"),
        "voicemode.engines.recogniser makes one of a function, voicemode.aio.speech_to_text of one for asyncio.",
    ),
    "live stt": (("listen",), "voicemode.engines.live_recogniser makes one of a function."),
    "vad": (("stream", "rate", "window"), "Write a class with these methods."),
    "turn_model": (("finished", "name"), "Write a class with these methods."),
    "store": (("begin", "settle"), "Write a class with these methods."),
}
"""What each has to have, and what helps who has passed a function."""


def misfit(port: str, brought: object) -> str | None:
    """Why ``brought`` cannot be a ``port``, by its keyword; None where it can, as far as it shows."""
    needs, help_ = _PORTS[port]
    if isinstance(brought, type):
        return f"The {port} that was passed is the class {brought.__name__} itself: pass one made of it."
    missing = [name for name in needs if not hasattr(brought, name)]
    if not missing:
        return None
    if callable(brought):
        advice = help_
    elif isinstance(brought, str):
        # the text itself may be an address with a password
        kind, setting = ("directory", "base_dir") if port == "store" else ("name", port)
        advice = f"A {kind} goes into Settings({setting}=…)."
    else:
        advice = "docs/bring-your-own.md says what each needs."
    return f"The {port} that was passed is {called(brought)} and has no {' and no '.join(missing)}. {advice}"


def misrate(rate: object, who: str) -> str | None:
    """Why ``rate`` cannot be one in Hz; None where it can."""
    if isinstance(rate, int) and SLOWEST <= rate <= FASTEST:
        return None
    return f"The rate of {who} is a whole number of samples a second from {SLOWEST} to {FASTEST}, not {rate!r}."


def refuse_misfits(**brought: object) -> None:
    """Raises TypeError when one of them is no port of its kind; None is nothing."""
    for port, one in brought.items():
        wrong = None if one is None else misfit(port, one)
        if wrong is not None:
            raise TypeError(wrong)


def refuse_unless_it_returns(function: Callable[..., object], who: str, parameters: tuple[str, ...]) -> None:
    """Raises TypeError for what cannot be an async function of ``parameters`` that returns something."""
    _refuse_unless_called(function, who, parameters)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"{who} is made of {_name(function)}, which yields: make it an async def that returns.")


def refuse_unless_it_yields(function: Callable[..., object], who: str, parameters: tuple[str, ...]) -> None:
    """Raises TypeError for what cannot be an async generator function of ``parameters``."""
    _refuse_unless_called(function, who, parameters)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        does = "returns and does not yield" if inspect.iscoroutinefunction(function) else "is not async"
        raise TypeError(f"{who} is made of {_name(function)}, which {does}: make it an async def that yields.")


def refuse_rate(rate: object, who: str) -> None:
    """Raises SettingsError for what cannot be a rate in Hz."""
    wrong = misrate(rate, who)
    if wrong is not None:
        raise SettingsError(wrong)


def _refuse_unless_called(function: object, who: str, parameters: tuple[str, ...]) -> None:
    as_called = f"({', '.join(parameters)})"
    if not callable(function):
        raise TypeError(
            f"{who} is made of {called(function)}, and what is due is a function that is called with {as_called}: pass "
            "itself, not what it returns."
        )
    try:
        signature = inspect.signature(function)
    except ValueError:  # some that are written in C do not tell theirs
        return
    try:
        signature.bind(*parameters)
    except TypeError as error:
        raise TypeError(f"{who} is made of {_name(function)}, which is called with {as_called}: {error}.") from None


def _name(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
