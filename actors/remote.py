"""An agent talks with people at their own devices.  In: what a device heard, said and stopped.  Out: what it is to say.

The device speaks and listens by itself; a sentence goes to it as soon as the agent has written it.  Who speaks while
the agent does cancels its answer, and the history has of that what the device says it said.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence
from functools import partial
from typing import TypeAlias

import trio
from attrs import define, field

from .errors import VoiceError
from .link_messages import Ack, Listen, Speak, Stop, Transcription
from .messages import Message, TextPiece, TurnId
from .reader import read_words

Answering: TypeAlias = Callable[[str, Sequence[Message]], AsyncIterable[str]]
"""The user's words and what was said before in, the answer out, as it is written."""

FromDevice: TypeAlias = Transcription | Stop | Ack
ToDevice: TypeAlias = Speak | Listen | Stop

FAILED = "There is no answer."
"""Said in place of one; why is for whoever runs the agent."""


@define(eq=False)
class _Reply:
    """``sent`` has the pieces by their ids, ``said`` those that the device said aloud; ``whole``: there are no more."""

    words: str
    device: str | None
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    sent: dict[str, str] = field(factory=dict[str, str])
    said: set[str] = field(factory=set[str])
    whole: bool = False

    @property
    def over(self) -> bool:
        return self.whole and self.said.issuperset(self.sent)

    def messages(self, telling: bool) -> list[Message]:
        """What this turn is in the history; ``telling``: whether the device says at all what it has said."""
        heard = "".join(text for key, text in self.sent.items() if key in self.said or not telling).strip()
        return [
            Message(role="user", text=self.words),
            *([Message(role="assistant", text=heard)] if heard else []),
        ]


async def converse_remotely(
    heard: trio.MemoryReceiveChannel[FromDevice],
    out: trio.MemorySendChannel[ToDevice],
    *,
    answer: Answering,
    new_id: Callable[[], str],
    failed: Callable[[VoiceError], None],
) -> None:
    """Run until ``heard`` ends and the last answer is given.  One person at a time: the latest words count.

    ``failed`` is told why an agent gave no answer; the talk goes on.
    """
    history: list[Message] = []
    reply: _Reply | None = None
    telling = False

    async def give(reply: _Reply, before: Sequence[Message]) -> None:
        with reply.scope:
            try:
                await _speak(reply, answer(reply.words, before), out, new_id)
            except* VoiceError as group:
                failed(_first(group))
                await out.send(Speak(id=new_id(), text=FAILED, device_id=reply.device))
            await out.send(Listen(id=new_id(), device_id=reply.device))

    with heard, out:
        async with trio.open_nursery() as nursery:
            async for message in heard:
                match message:
                    case Ack():
                        telling = telling or message.status == "delivered"
                        if reply is not None and message.id in reply.sent and message.status == "delivered":
                            reply.said.add(message.id)
                    case Stop():
                        if reply is not None:
                            reply.scope.cancel("stopped at the device")
                    case Transcription(is_final=True) if message.text.strip():
                        if reply is not None:
                            if not reply.over:
                                reply.scope.cancel("the user speaks")
                            if reply.sent and not reply.over:
                                await out.send(Stop(target="tts", reason="barge-in"))
                            history += reply.messages(telling)
                        reply = _Reply(message.text.strip(), message.device_id)
                        nursery.start_soon(give, reply, tuple(history))
                    case Transcription():
                        pass


async def _speak(
    reply: _Reply, words: AsyncIterable[str], out: trio.MemorySendChannel[ToDevice], new_id: Callable[[], str]
) -> None:
    async with trio.open_nursery() as nursery:
        send, pieces = trio.open_memory_channel[TextPiece](0)
        read = partial(read_words, words, send, turn=TurnId(0), publish=lambda _: None)
        nursery.start_soon(read)
        with pieces:
            async for piece in pieces:
                key = new_id()
                reply.sent[key] = piece.text
                await out.send(Speak(id=key, text=piece.text.strip(), device_id=reply.device))
    reply.whole = True


def _first(group: BaseExceptionGroup[VoiceError]) -> VoiceError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
