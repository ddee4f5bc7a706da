"""``voicemode listen``: say nothing and write down what the user says."""

from __future__ import annotations

from pathlib import Path

import click
from attrs import evolve

from .. import Conversation
from ..settings import Echo
from . import options
from .defaults import configured
from .turn import run_turn


@click.command()
@options.together(
    options.mic,
    options.speaker_kept_open,
    options.device_care,
    options.stt,
    options.phrase,
    options.duration,
    options.listen_min,
    options.no_speech,
    options.save_audio,
    options.base_dir,
    options.control,
    options.as_json,
)
def listen(
    mic: str,
    speaker: str | None,
    echo: Echo,
    noise_suppression: bool,
    gain_control: bool,
    chimes: bool | None,
    device_wait: float,
    stt: str,
    phrases: tuple[str, ...],
    duration: float,
    listen_min: float,
    no_speech: float,
    save_audio: bool,
    base_dir: Path,
    control: bool,
    as_json: bool,
) -> int:
    """Say nothing, and print what the user says."""
    base = configured()
    settings = evolve(
        base,
        microphone=mic,
        speaker=speaker,
        tts=None,
        stt=stt,
        phrases=phrases,
        turn=evolve(base.turn, no_speech=no_speech, least=listen_min, longest=duration, device_wait=device_wait),
        base_dir=base_dir,
        save_audio=save_audio,
        control=control,
        echo=echo,
        noise_suppression=noise_suppression,
        gain_control=gain_control,
        chimes=chimes,
    )
    return run_turn(settings, Conversation.listen, as_json=as_json)
