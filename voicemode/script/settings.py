"""What a script says about the conversation as a whole, laid over the settings it is run with."""

from __future__ import annotations

from attrs import evolve

from actors.errors import SettingsError

from ..settings import AUTO, Settings
from ..speech.registry import EMBEDDED_RECOGNISER, EMBEDDED_VOICE
from .model import ScriptFile


def settings_for(script: ScriptFile, settings: Settings) -> Settings:
    """``settings`` with what ``script`` names instead; without a name the embedded engines are meant, so that a script
    goes the same way on every machine.  Raises SettingsError for bounds that contradict."""
    assistant, listening = script.assistant, script.listening
    endpoint, turn = settings.endpoint, settings.turn
    if listening.hangover is not None:
        try:
            endpoint = evolve(endpoint, hangover=listening.hangover)
        except ValueError as error:
            raise SettingsError(f"This hangover cannot be: {error}.") from error
    if listening.no_speech is not None:
        turn = evolve(turn, no_speech=listening.no_speech)
    if listening.longest is not None:
        turn = evolve(turn, longest=listening.longest)
    if listening.interruptible is not None:
        turn = evolve(turn, interruptible=listening.interruptible)
    if listening.barge_in is not None:
        turn = evolve(turn, barge_in=evolve(turn.barge_in, min_speech=listening.barge_in))
    return evolve(
        settings,
        tts=assistant.engine or (EMBEDDED_VOICE if settings.tts == AUTO else settings.tts),
        stt=listening.engine or (EMBEDDED_RECOGNISER if settings.stt == AUTO else settings.stt),
        voice=assistant.voice or settings.voice,
        speed=assistant.speed or settings.speed,
        phrases=settings.phrases if listening.phrases is None else listening.phrases,
        endpoint=endpoint,
        turn=turn,
    )
