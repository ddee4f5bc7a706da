"""What an actor may ask of the outside: small protocols that the adapters in ``voicemode`` satisfy.

Ports speak the vocabulary of ``messages`` and raise only ``VoiceError``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import trio

from .errors import DeviceLost
from .events import Event
from .link_messages import LinkMessage, UserMessageDelivery
from .messages import AudioFrame, Message, Synthesis, Transcript


class Microphone(Protocol):
    """Where the user's voice comes from."""

    def open(self, rate: int) -> AbstractAsyncContextManager[AsyncIterator[AudioFrame]]:
        """Open the device and deliver frames of 10 to 100 ms at ``rate``, in real time, until closed.

        Raises DeviceError when it cannot be opened, and DeviceLost from the iterator when it goes away.
        """
        ...


class Playback(Protocol):
    """An open speaker.  It stays open between turns; only what is queued in it comes and goes."""

    rate: int

    async def write(self, pcm: bytes) -> float:
        """Queue ``pcm`` and say when its first sample leaves the device (seconds on the Trio clock).

        Waits while more than about 60 ms are queued.
        """
        ...

    async def drain(self) -> None:
        """Wait until everything queued has left the device."""
        ...

    def stop(self) -> None:
        """Silence the device within one quantum and forget what is queued.  Never blocks."""
        ...

    def played(self) -> int:
        """How many of the samples written since the opening have left the device."""
        ...

    def overlay(self, pcm: bytes) -> None:
        """Mix ``pcm`` into what is played from the next quantum on, also into silence; ``played`` does not count it.

        Never blocks.  A ``stop`` does not touch it; a second one while the first still sounds is mixed in too.
        """
        ...

    def duck(self, gain: float) -> None:
        """From the next quantum on play what was written at ``gain``, a share of its level from 0 to 1.0, full.

        It takes a quantum to become quieter and about 50 ms to become louder.  Never blocks, does not touch ``played``
        nor overlays, and stays until it is called again, whatever is stopped and written meanwhile.  Raises ValueError
        for any other gain.
        """
        ...

    async def lost(self) -> DeviceLost:
        """Wait until the device has gone, and say why.  ``write`` and ``drain`` raise the same from then on."""
        ...


class Speaker(Protocol):
    """Where the assistant's voice goes."""

    def open(self, rate: int) -> AbstractAsyncContextManager[Playback]:
        """Open the device for mono audio at ``rate``.  Raises DeviceError."""
        ...


Tap: TypeAlias = Callable[[float, bytes, int], None]
"""Is given (when the first sample leaves the device in seconds on the Trio clock, pcm, rate), from any thread."""


@runtime_checkable
class Monitored(Protocol):
    """A speaker in a room, whose sound the microphone can hear."""

    def monitor(self, tap: Tap) -> None:
        """Give ``tap`` all that leaves the device from the next opening on, silences, fades and chimes included, in
        stretches of a quantum and without gaps while it is open.  ``tap`` never blocks and never raises."""
        ...


@runtime_checkable
class Cued(Protocol):
    """A device that acts on what happens in the conversation, as a virtual microphone does."""

    def cue(self, event: Event) -> None:
        """Take note of ``event``.  Never blocks, never raises."""
        ...


class SpeechStream(Protocol):
    """One microphone's worth of a speech model, with the state it carries from window to window."""

    async def probability(self, window: bytes) -> float:
        """How likely it is, from 0 to 1, that ``window`` holds speech."""
        ...


class SpeechModel(Protocol):
    """Tells speech from all other sound."""

    rate: int
    window: int
    """Samples in a window."""

    def stream(self) -> SpeechStream:
        """A fresh state for a new stretch of audio."""
        ...


class SpeechToText(Protocol):
    name: str

    async def transcribe(self, pcm: bytes, rate: int, *, phrases: Sequence[str] = ()) -> Transcript:
        """Turn one utterance into text; ``phrases`` are what is expected, to which an engine may keep.  Raises
        ProviderError."""
        ...


class Hearing(Protocol):
    """An engine that is given an utterance while it is being said."""

    def write(self, pcm: bytes) -> None:
        """The next of it.  Never blocks and never raises: a failure is told by ``finish``."""
        ...

    async def finish(self) -> Transcript:
        """That was all; what it comes to.  ``Transcript.seconds`` count from here.  Raises ProviderError."""
        ...


@runtime_checkable
class LiveSpeechToText(Protocol):
    """A recogniser that takes sound while it comes, and may tell what it understands meanwhile."""

    def listen(
        self, rate: int, *, phrases: Sequence[str] = (), partial: Callable[[str], None] | None = None
    ) -> AbstractAsyncContextManager[Hearing]:
        """One utterance, from its first sample on.  Leaving without ``finish`` gives the request up.

        ``partial`` is given all text so far whenever there is more.  Raises ProviderError from ``finish`` alone.
        """
        ...


class TurnModel(Protocol):
    """Tells from the sound alone whether somebody who has paused is done."""

    name: str

    async def finished(self, pcm: bytes, rate: int) -> float:
        """How likely it is, from 0 to 1, that who said ``pcm``, which ends with their pause, has no more to say.
        Raises ProviderError."""
        ...


class TextToSpeech(Protocol):
    name: str
    rate: int

    def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[Synthesis]]:
        """Synthesise ``text``, delivering audio as it is made; leaving the context stops the engine.

        ``speed`` is a factor, 1.0 being the engine's usual pace.  Raises ProviderError from the channel's reader or
        from the context.
        """
        ...


class Probe(Protocol):
    """Asks a provider whether it is there, at no cost to anybody."""

    async def probe(self) -> None:
        """Return when it is.  Raises ProviderError; who calls sets the deadline."""
        ...


class Spool(Protocol):
    """An utterance on its way to disk.  Its methods return within a millisecond unless they are async."""

    @property
    def path(self) -> Path | None:
        """The file that grows, or None when there is none."""
        ...

    def write(self, pcm: bytes) -> None: ...

    async def finish(self, length: int) -> Path | None:
        """Make the first ``length`` bytes of audio durable, drop the rest, and say where they are.

        The file may have been settled or removed meanwhile.
        """
        ...

    def discard(self) -> None:
        """Forget it; also right after a failed or cancelled ``finish``."""
        ...


class UtteranceStore(Protocol):
    """Keeps what the user said until its transcript is delivered, and for as long after as the settings say."""

    def begin(self, rate: int) -> Spool:
        """Raises AudioFileError when there is nowhere to write."""
        ...

    async def settle(self, path: Path) -> Path | None:
        """The transcript of ``path`` has been delivered: keep the recording (and say where) or remove it."""
        ...


class LinkConnection(Protocol):
    """An open connection to a gateway.  ``send`` and ``ping`` are called by one task, ``receive`` by another."""

    async def send(self, message: LinkMessage) -> None:
        """Return when ``message`` is on its way, which takes as long as the gateway does not read.  Raises LinkLost."""
        ...

    async def ping(self) -> None:
        """Have the gateway show that it is there.  Raises LinkLost."""
        ...

    async def receive(self) -> LinkMessage | None:
        """What comes next; None is a sign of life that is no message.  Raises LinkLost."""
        ...


class LinkTransport(Protocol):
    """The way to a gateway."""

    def connect(self, *, renew: bool = False) -> AbstractAsyncContextManager[LinkConnection]:
        """Connect, as who we are now; with ``renew`` what showed that before is not taken any more.  No deadline but
        the caller's.  Leaving takes leave of the gateway, for a second at most, also when it is cancelled.

        Raises LinkLost, LinkRefused, and SettingsError for an address that cannot be.
        """
        ...


class InboxStore(Protocol):
    """Where agents find what others have written to them."""

    async def deliver(self, message: UserMessageDelivery) -> None:
        """Put ``message`` into the inbox of its ``target_user``, and return when it is durable.

        The same ``id`` again changes nothing, whenever and from whichever process it comes.  A cancel is heeded as long
        as nothing has been written.  Raises InboxError, UnknownRecipient where nobody is called so.
        """
        ...


Words: TypeAlias = str | AsyncIterable[str]


class Agent(Protocol):
    """Who answers the user: an async generator function, a coroutine function, or an object that can be called so."""

    def __call__(self, transcript: str, history: Sequence[Message], /) -> Words | Awaitable[Words]: ...
