"""Plays the assistant's voice and keeps the account of what was heard of it.

In: chunks of speech.  Out: the moment the first sample leaves the device, and at the end, however it comes, what was
heard.  To stop it, cancel it: the speaker falls silent before anything else happens, whatever the makers of the speech
are still busy with.
"""

from __future__ import annotations

from contextlib import suppress

import trio

from .errors import VoiceError
from .machines.playhead import Playhead
from .messages import SAMPLE_BYTES, SpeakingStarted, SpeechChunk, Spoken, TurnId
from .orders import SpeakingFailed
from .ports import Playback

SLICE = 0.02
"""Seconds of audio written at a time, so that the first sample is reported when it leaves and not a chunk later."""

ACCOUNT = 1.0
"""Seconds the account of a stopped turn is given to reach the dialogue."""


async def play_speech(
    chunks: trio.MemoryReceiveChannel[SpeechChunk],
    reports: trio.MemorySendChannel[SpeakingStarted | Spoken | SpeakingFailed],
    *,
    turn: TurnId,
    playback: Playback,
) -> None:
    """Run until the chunks end and have been heard.  Exactly one ``Spoken`` is sent, also when cancelled."""
    playhead = Playhead(turn)
    before: int | None = None
    started = False
    with chunks, reports:
        try:
            async for chunk in chunks:
                playhead.queue(chunk)
                step = SAMPLE_BYTES * int(SLICE * chunk.rate)
                for offset in range(0, len(chunk.pcm), step):
                    if before is None:
                        # not earlier: what is left of a turn that was stopped may still be on its way out
                        before = playback.played()
                    at = await playback.write(chunk.pcm[offset : offset + step])
                    if not started:
                        started = True
                        await reports.send(SpeakingStarted(turn=turn, at=at))
            await playback.drain()
            playhead.close()
        except VoiceError as error:
            await reports.send(SpeakingFailed(turn=turn, error=error))
        finally:
            playback.stop()
            samples = 0 if before is None else playback.played() - before
            # what is known of the words played may still be on its way
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while True:
                    playhead.queue(chunks.receive_nowait())
            account = Spoken(
                turn=turn,
                text=playhead.text,
                heard=playhead.heard(samples),
                complete=playhead.complete(samples),
                samples=samples,
                at=trio.current_time(),
            )
            with trio.move_on_after(ACCOUNT, shield=True):
                await reports.send(account)
