"""``voicemode listen``: say nothing and write down what the user says."""

from __future__ import annotations

from pathlib import Path

import click

from .. import Conversation, Settings, TurnPolicy
from . import options
from .turn import run_turn


@click.command()
@options.together(
    options.mic,
    options.speaker_kept_open,
    options.stt,
    options.phrase,
    options.duration,
    options.no_speech,
    options.save_audio,
    options.base_dir,
    options.as_json,
)
def listen(
    mic: str,
    speaker: str | None,
    stt: str,
    phrases: tuple[str, ...],
    duration: float,
    no_speech: float,
    save_audio: bool,
    base_dir: Path,
    as_json: bool,
) -> int:
    """Say nothing, and print what the user says."""
    settings = Settings(
        microphone=mic,
        speaker=speaker,
        tts=None,
        stt=stt,
        phrases=phrases,
        turn=TurnPolicy(no_speech=no_speech, longest=duration),
        base_dir=base_dir,
        save_audio=save_audio,
    )
    return run_turn(settings, Conversation.listen, as_json=as_json)
