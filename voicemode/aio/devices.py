"""A speaker made of asyncio functions.  In: coroutine functions that run in the host's loop.  Out: a speaker.

A microphone needs nothing of the kind: ``voicemode.devices.FedMicrophone`` is given sound from any loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import TypeAlias, TypeVar

from attrs import define, evolve

from actors.errors import DeviceLost, SettingsError, VoiceError
from actors.ports import Playback

from ..audio.sent_speaker import AHEAD, SentSpeaker
from ..embed.errand import HostGone, carried
from .host import Host

Send: TypeAlias = Callable[[bytes], Awaitable[object]]
"""Is given at most 20 ms of pcm (16 bit, mono) when it is due, to be played after what it was given before."""

Clear: TypeAlias = Callable[[], Awaitable[int | None]]
"""Has what was sent and not played dropped, and gives how many samples were played since the opening, or None."""

Played: TypeAlias = Callable[[], Awaitable[int]]
"""Waits for the next report of how many samples were played since the opening, without those that were dropped."""

T = TypeVar("T")


def speaker(
    name: str,
    rate: int,
    send: Send,
    *,
    clear: Clear | None = None,
    played: Played | None = None,
    ahead: float = AHEAD,
    latency: float = 0.0,
) -> HostSpeaker:
    """A speaker for ``voicemode.aio.open_conversation(speaker=…)`` that has sound at ``rate`` Hz sent by coroutine
    functions, as ``voicemode.devices.SentSpeaker`` has; ``clear`` and ``played`` are for far sides that can do it.

    ``ahead`` and ``latency`` are seconds, as there.  ``send`` is called when the call before is over.  An exception of
    any of them is the loss of the speaker, which is tried again.  Raises SettingsError for a rate that cannot be.
    """
    if rate < 1:
        raise SettingsError(f"The rate of a speaker is a number of samples a second, not {rate}.")
    return HostSpeaker(name=name, rate=rate, send=send, clear=clear, played=played, ahead=ahead, latency=latency)


@define(kw_only=True)
class HostSpeaker:
    """Implements ``Speaker`` where it is bound to a host."""

    name: str
    rate: int
    send: Send
    clear: Clear | None
    played: Played | None
    ahead: float
    latency: float
    host: Host | None = None

    def bound(self, host: Host) -> HostSpeaker:
        return evolve(self, host=host)

    def open(self, rate: int) -> AbstractAsyncContextManager[Playback]:
        """Implements the port."""
        if self.host is None:
            raise RuntimeError(f"{self.name} runs in an asyncio loop: give it to voicemode.aio.open_conversation.")
        far = partial(_connected, self, self.host)
        return SentSpeaker(far, rate=self.rate, ahead=self.ahead, latency=self.latency, name=self.name).open(rate)


@asynccontextmanager
async def _connected(speaker: HostSpeaker, host: Host, rate: int) -> AsyncGenerator[_Far]:  # noqa: ARG001  it is ours
    yield _Far(speaker, host)


class _Far:
    """Implements ``FarSpeaker``, and of ``ClearsSound`` and ``SaysWhatPlayed`` what the host has."""

    def __init__(self, speaker: HostSpeaker, host: Host) -> None:
        self._name, self._send, self._host = speaker.name, speaker.send, host
        if speaker.clear is not None:
            self.clear = partial(self._asked, speaker.clear)
        if speaker.played is not None:
            self.played = partial(self._asked, speaker.played)

    async def send(self, pcm: bytes) -> None:
        await self._asked(partial(self._send, pcm))

    async def _asked(self, function: Callable[[], Awaitable[T]]) -> T:
        """What the host's function gives.  Raises DeviceLost when it does not."""

        async def only() -> AsyncGenerator[T, None]:
            yield await function()

        given: list[T] = []
        try:
            async with aclosing(carried(self._host.begin(only), self._host.patience)) as answers:
                given.extend([answer async for answer in answers])
        except VoiceError:
            raise
        except (HostGone, asyncio.CancelledError) as error:
            raise DeviceLost(f"The {self._name} is gone: the asyncio loop it was sent from ends.") from error
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise DeviceLost(f"The {self._name} failed: {reason}.".replace("..", ".")) from error
        return given[0]
