"""What one call wants otherwise than it is configured.  In: settings and a call's arguments.  Out: settings."""

from __future__ import annotations

from attrs import evolve

from voicemode import Settings

from .arguments import ConverseArguments, Line

STRICTNESS = (0.4, 0.45, 0.5, 0.6)
"""The probability from which a window begins speech, for ``vad_aggressiveness`` from 0 to 3."""


def wished(settings: Settings, given: ConverseArguments, line: Line | None = None) -> Settings:
    """Raises SettingsError for what cannot be."""
    longest = (line and line.listen_duration_max) or given.listen_duration_max or settings.turn.longest
    least = line.listen_duration_min if line is not None and line.listen_duration_min is not None else None
    if least is None:
        least = settings.turn.least if given.listen_duration_min is None else given.listen_duration_min
    manners = given.policy or settings.turn.barge_in.manners
    changed = evolve(
        settings,
        turn=evolve(
            settings.turn,
            longest=longest,
            least=min(least, longest),
            no_speech=min(settings.turn.no_speech, longest),
            ignore_silence=given.disable_silence_detection or settings.turn.ignore_silence,
            interruptible=given.interruptible is not False and settings.turn.interruptible,
            barge_in=evolve(settings.turn.barge_in, manners=manners),
        ),
    )
    if given.chime_enabled is not None:
        changed = evolve(changed, chimes=given.chime_enabled)
    if given.audio_format is not None:
        changed = evolve(changed, tts_format=given.audio_format)
    if given.vocabulary:
        said = [settings.stt_prompt] if settings.stt_prompt else []
        changed = evolve(changed, stt_prompt=", ".join([*said, *given.vocabulary]))
    if given.vad_aggressiveness is not None:
        start = max(STRICTNESS[given.vad_aggressiveness], settings.endpoint.stop)
        changed = evolve(changed, endpoint=evolve(settings.endpoint, start=start))
    return _spoken_by(changed, given)


def _spoken_by(settings: Settings, given: ConverseArguments) -> Settings:
    changed = settings if given.tts_provider is None else evolve(settings, tts=given.tts_provider)
    if given.tts_model:
        changed = evolve(changed, tts_models=(given.tts_model, *settings.tts_models))
    return evolve(changed, tts_instructions=given.tts_instructions or settings.tts_instructions)
