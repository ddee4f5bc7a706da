"""Takes the assistant's words for read as they come, where nothing is played.

In: pieces of text.  Out: at the end, however it comes, what there was to read, in the player's place.
"""

from __future__ import annotations

from contextlib import suppress

import trio

from .messages import Spoken, TextPiece, TurnId

ACCOUNT = 1.0
"""Seconds the account of a stopped turn is given to reach the dialogue."""


async def show_words(
    pieces: trio.MemoryReceiveChannel[TextPiece], reports: trio.MemorySendChannel[Spoken], *, turn: TurnId
) -> None:
    """Run until the pieces end.  Exactly one ``Spoken`` is sent, also when cancelled."""
    text, complete = "", False
    with pieces, reports:
        try:
            async for piece in pieces:
                text += piece.text
            complete = True
        finally:
            # what watchers were told of has been read
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while True:
                    text += pieces.receive_nowait().text
            now = trio.current_time()
            with trio.move_on_after(ACCOUNT, shield=True):
                await reports.send(Spoken(turn=turn, text=text, heard=text, complete=complete, samples=0, at=now))
