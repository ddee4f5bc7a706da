"""What the project's own ears make of a turn.  In: sound.  Out: its pauses, and when each is known.

Silero's probabilities and the ``Endpointer``, window by window as in ``detect_speech``, but as fast as it goes.
"""

from __future__ import annotations

from attrs import frozen

from actors.machines.endpointer import Endpointer, EndpointPolicy
from actors.messages import SAMPLE_BYTES, SpeechActivity, SpeechPaused, SpeechResumed, SpeechStarted, StreamId
from voicemode import TurnPolicy
from voicemode.audio.level import level_of
from voicemode.speech.silero import SileroModel

from .recordings import RATE
from .turns import Turn

NEVER = 1e6
"""Seconds of silence that end no turn here."""

ENDPOINTING = EndpointPolicy(hangover=NEVER)


@frozen(kw_only=True)
class Pause:
    """The voice ``ended``, which was ``known`` so much later, and it was back by ``resumed``, or never.

    ``heard`` is all there is of the turn by then, from the pre-roll on.
    """

    ended: float
    known: float
    resumed: float | None
    heard: bytes


def pauses_in(turn: Turn, model: SileroModel) -> list[Pause]:
    """The silences of at least ``EndpointPolicy.pause`` s, in seconds from the beginning of the sound."""
    stream, endpointer = model.stream(), Endpointer(ENDPOINTING, StreamId(0))
    size, duration = model.window * SAMPLE_BYTES, model.window / RATE
    found: list[Pause] = []
    ended = known = began = 0.0
    waiting = False
    for number in range(len(turn.pcm) // size):
        window, at = turn.pcm[number * size : (number + 1) * size], (number + 1) * duration
        activity = SpeechActivity(
            stream=StreamId(0),
            at=at,
            duration=duration,
            probability=stream.probability_now(window),
            level=level_of(window),
        )
        for event in endpointer.feed(activity):
            if isinstance(event, SpeechStarted):
                began = event.at
            elif isinstance(event, SpeechPaused):
                ended, known, waiting = event.at, at, True
            elif isinstance(event, SpeechResumed):
                found.append(_pause(turn, began, ended, known, at))
                waiting = False
    if waiting:
        found.append(_pause(turn, began, ended, known, None))
    return found


def _pause(turn: Turn, began: float, ended: float, known: float, resumed: float | None) -> Pause:
    first = max(0, round((began - TurnPolicy().pre_roll) * RATE)) * SAMPLE_BYTES
    return Pause(ended=ended, known=known, resumed=resumed, heard=turn.pcm[first : round(known * RATE) * SAMPLE_BYTES])
