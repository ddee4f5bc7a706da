"""Plays the assistant's voice and keeps the account of what was heard of it.

In: chunks of speech, and the keys that hold it and skip through it.  Out: the moment the first sample leaves the
device, and at the end, however it comes, what was heard.  To stop it, cancel it: the speaker falls silent before
anything else happens, whatever the makers of the speech are still busy with.
"""

from __future__ import annotations

from contextlib import suppress

import trio

from .errors import VoiceError
from .machines.tape import Tape
from .messages import SpeakingStarted, SpeechChunk, Spoken, TurnId
from .orders import SpeakingFailed
from .ports import Playback
from .recent import Recent
from .transport import Transport

FIRST, SLICE = 0.02, 0.12
"""Seconds of audio written at a time: little at first, so that the first sample is reported when it leaves and not a
chunk later."""

TAIL = 0.1
"""Seconds that what a stopped device has taken already is given to leave it, so that it is accounted for."""

ACCOUNT = 1.0
"""Seconds the account of a stopped turn is given to reach the dialogue."""


async def play_speech(
    chunks: trio.MemoryReceiveChannel[SpeechChunk],
    reports: trio.MemorySendChannel[SpeakingStarted | Spoken | SpeakingFailed],
    *,
    turn: TurnId,
    playback: Playback,
    transport: Transport | None = None,
    recent: Recent | None = None,
) -> bool:
    """Run until the chunks end and have been heard, or the rest is skipped; say whether they have ended.  Exactly one
    ``Spoken`` is sent, also when cancelled.

    What is held waits, and so does whoever makes it, until ``transport`` goes on.  What is said is kept in ``recent``,
    to whose utterances one can skip back.
    """
    transport = transport or Transport()
    tape = Tape(turn, earlier=() if recent is None else recent.before(turn, playback.rate))
    before: int | None = None
    """What the device had played when it was given what it plays now."""
    started = all_came = False

    def take(chunk: SpeechChunk) -> None:
        tape.add(chunk)
        if recent is not None:
            recent.add(chunk)

    def take_next() -> bool:
        """Whether there was something to take, without a wait."""
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            take(chunks.receive_nowait())
            return True
        return False

    async def settle() -> None:
        nonlocal before
        if before is not None:
            with trio.move_on_after(TAIL), suppress(VoiceError):
                await playback.drain()
            mark = transport.take_mark() if transport.moved else None
            tape.played(playback.played() - before, None if mark is None else mark - before)
            before = None

    with chunks, reports, transport.playing(playback):
        try:
            over = False
            while not over:
                if transport.moved:
                    await settle()
                    for sentences in transport.take():
                        tape.skip(sentences)
                if transport.finishing:
                    tape.finish_sentence()
                    if transport.held:
                        # no sentence is being said that could be finished
                        break
                at: float | None = None
                waits = transport.held and not (tape.is_waiting or tape.is_given_up)
                sound = b"" if waits else tape.next(SLICE if started else FIRST)
                if not (sound or waits or tape.is_over) and take_next():
                    continue
                with transport.scope(writing=bool(sound)):
                    if waits:
                        await trio.sleep_forever()
                    elif sound:
                        if before is None:
                            before = playback.played()
                        at = await playback.write(sound)
                    elif tape.is_over:
                        await playback.drain()
                        # a stop may be what let it end
                        over = not transport.moved
                    else:
                        try:
                            take(await chunks.receive())
                        except trio.EndOfChannel:
                            all_came = True
                            tape.close()
                if at is not None and not started and not transport.moved:
                    started = True
                    await reports.send(SpeakingStarted(turn=turn, at=at))
        except VoiceError as error:
            await reports.send(SpeakingFailed(turn=turn, error=error))
        finally:
            playback.stop()
            # what is known of the words played may still be on its way
            while take_next():
                pass
            with trio.CancelScope(shield=True):
                await settle()
            account = Spoken(
                turn=turn,
                text=tape.text,
                heard=tape.heard,
                complete=tape.complete,
                samples=tape.samples,
                at=trio.current_time(),
            )
            with trio.move_on_after(ACCOUNT, shield=True):
                await reports.send(account)
    return all_came
