"""Engines of other distributions.  In: a group of entry points and a name.  Out: what makes the engine.

An entry point (https://packaging.python.org/specifications/entry-points/) names an async function without arguments
that returns the engine.  Nothing of it is imported before somebody asks for that engine by its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

import trio

from actors.errors import ProviderUnavailable, VoiceError

Group: TypeAlias = Literal["voicemode.stt", "voicemode.tts", "voicemode.vad", "voicemode.turn"]


def names(group: Group) -> tuple[str, ...]:
    """What other distributions have for ``group``.  Reads the metadata of everything installed: a few milliseconds."""
    return tuple(dict.fromkeys(entry.name for entry in entry_points(group=group)))


async def load(group: Group, name: str) -> Any:
    """The engine; ``name`` is one of ``names``.

    Raises ProviderUnavailable, which names the distribution, when it cannot be made.
    """
    entry = await trio.to_thread.run_sync(_entry, group, name)
    try:
        make = await trio.to_thread.run_sync(_imported, entry)
        return await make()
    except VoiceError:
        raise
    except Exception as error:  # whatever a stranger's code raises is about that engine alone
        raise ProviderUnavailable(
            name,
            f"The engine {name!r} of {_distribution(entry)} cannot be used: {type(error).__name__}: {error}. "
            "Update or remove that distribution, or choose another engine.",
            code="broken",
        ) from error


def _entry(group: Group, name: str) -> EntryPoint:
    return next(iter(entry_points(group=group, name=name)))


def _imported(entry: EntryPoint) -> Callable[[], Awaitable[object]]:
    make: object = entry.load()
    if not (callable(make) and inspect.iscoroutinefunction(make)):
        raise TypeError(f"{entry.value} is no async function")
    return make


def _distribution(entry: EntryPoint) -> str:
    return "an unknown distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
