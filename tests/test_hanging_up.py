"""Who cancels a whole conversation gets a cancellation, at whatever moment: no error of ours comes out beside it."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from actors.events import Event
from actors.messages import SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted
from tests.conversing import Room, conversing
from tests.fakes import said
from voicemode.audio.virtual_microphone import VirtualMicrophone

TIMES = 20
"""The order in which Trio runs what is ready is left to chance."""


class Doorbell(VirtualMicrophone):
    """Cancels ``scope`` at the first event of a kind, in the middle of what the conversation does about it."""

    def __init__(self, kind: type[Event]) -> None:
        super().__init__()
        self.kind, self.scope = kind, trio.CancelScope()

    def cue(self, event: Event) -> None:
        super().cue(event)
        if isinstance(event, self.kind):
            self.scope.cancel("somebody is at the door")


@pytest.mark.parametrize("kind", [SpeechStarted, SpeechPaused, SpeechResumed, SpeechEnded])
async def test_hung_up_in_the_middle_of_a_word_it_ends_as_cancelled(
    autojump_clock: MockClock, kind: type[Event]
) -> None:
    for _ in range(TIMES):
        room = Room()
        room.microphone = doorbell = Doorbell(kind)
        with doorbell.scope:
            async with conversing(room) as conversation:
                room.microphone.place(said(0.5), trio.current_time() + 0.3)
                room.microphone.place(said(0.5), trio.current_time() + 1.3)
                await conversation.listen()
        assert doorbell.scope.cancelled_caught
