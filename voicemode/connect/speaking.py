"""Speech for a person's devices.  In: a text for them, and what comes of it over the link.  Out: what became of it.

A device says when it has a text and when it has said it; asked to listen, it sends what it heard under the id of the
text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal, TypeAlias
from uuid import uuid4

import trio
from attrs import define, field, frozen

from actors.errors import VoiceError
from actors.link_messages import Ack, Speak, Transcription

from .delivery_id import delivery_id

ACCEPTED = 10.0
"""Seconds until a device or the gateway must have said that it has a text."""

A_CHARACTER = 0.15
"""Seconds that saying one may take, slowly, after ``ACCEPTED``."""

LISTENING = 60.0
"""Seconds that a device which was asked to listen has for the answer, unless the caller says otherwise."""

ANSWERED = 64
"""Texts that were answered are remembered, for an answer that is said again."""

Fate: TypeAlias = Literal["said", "received", "queued"]
"""said: aloud, to the end; received: a device has it, and has not said more; queued: the gateway keeps it for one."""


class NotSaid(VoiceError):
    """No device has said it."""


@frozen(kw_only=True)
class Said:
    """``heard`` is what the user answered, None when nobody listened or nothing was said in time."""

    fate: Fate
    heard: str | None = None


@define(eq=False)
class _Waiting:
    acks: trio.MemorySendChannel[Ack]
    heard: trio.MemorySendChannel[str]


@define(eq=False)
class Speaking:
    """Several may speak at once; each waits for what is its own."""

    _send: Callable[[Speak], object]
    _take_back: Callable[[str], object]
    _waiting: dict[str, _Waiting] = field(factory=dict[str, _Waiting], init=False)
    _answered: deque[str] = field(factory=lambda: deque[str](maxlen=ANSWERED), init=False)

    async def say(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        device_id: str | None = None,
        listen: bool = False,
        patience: float = LISTENING,
    ) -> Said:
        """Let the devices of the account, or the one named, say ``text``; with ``listen``, wait for the answer up to
        ``patience`` seconds after it was said.

        Raises NotSaid, and whatever the link raises when it takes no more.
        """
        key = f"say_{uuid4().hex[:12]}"
        acks_in, acks = trio.open_memory_channel[Ack](8)
        heard_in, heard = trio.open_memory_channel[str](1)
        self._waiting[key] = _Waiting(acks_in, heard_in)
        try:
            self._send(
                Speak(
                    id=key,
                    text=text,
                    voice=voice,
                    speed=speed,
                    wait_for_response=listen or None,
                    device_id=device_id,
                )
            )
            fate = await self._fate(acks, len(text))
            if not listen or fate == "queued":
                return Said(fate=fate)
            with trio.move_on_after(patience):
                return Said(fate=fate, heard=await heard.receive())
            return Said(fate=fate)
        finally:
            del self._waiting[key]
            self._take_back(key)  # said minutes later, when the link is there again, it would be out of place

    async def _fate(self, acks: trio.MemoryReceiveChannel[Ack], characters: int) -> Fate:
        fate: Fate | None = None
        with trio.move_on_after(ACCEPTED) as waiting:
            while True:
                ack = await acks.receive()
                match ack.status:
                    case "delivered":
                        return "said"
                    case "queued":
                        return "queued"
                    case "received":
                        fate = "received"
                        waiting.deadline = trio.current_time() + ACCEPTED + A_CHARACTER * characters
                    case "offline":
                        raise NotSaid("None of your devices is connected, so nothing was said: open the app, or write.")
                    case "failed":
                        raise NotSaid(f"The device could not say it: {ack.error or 'it does not tell why'}.")
        if fate is None:
            raise NotSaid(
                f"Nobody said within {ACCEPTED:g} s whether a device has the text: voicemode connect status tells how "
                "the link is."
            )
        return fate

    def acked(self, ack: Ack) -> None:
        """What the gateway or a device says of a text; of one that nobody waits for any more it is nothing."""
        if (waiting := self._waiting.get(ack.id)) is not None:
            try:
                waiting.acks.send_nowait(ack)
            except trio.WouldBlock:
                return  # a device that says it again and again

    def answered(self, transcription: Transcription) -> bool:
        """Whether this is an answer that somebody waits for, or had before; it is theirs then."""
        if not transcription.is_final:
            return False
        device = transcription.device_id or ""

        def asked(key: str) -> bool:
            # a gateway that was restarted no longer knows what the device was asked
            return transcription.id in {key, delivery_id(device, key)}

        for key, waiting in self._waiting.items():
            if asked(key):
                try:
                    waiting.heard.send_nowait(transcription.text)
                except trio.WouldBlock:
                    return True  # the same again
                self._answered.append(key)
                return True
        return any(map(asked, self._answered))
