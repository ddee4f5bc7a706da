"""``voicemode converse MESSAGE``: say something and listen to the answer."""

from __future__ import annotations

from pathlib import Path

import click
from attrs import evolve

from actors.machines.barge_in import Manners

from ..settings import Echo
from . import options
from .defaults import configured
from .turn import run_turn


@click.command()
@click.argument("message", nargs=-1, required=True, callback=options.all_utf8)
@options.together(
    options.mic,
    options.speaker,
    options.device_care,
    options.voice,
    options.speed,
    options.tts,
    options.stt,
    options.phrase,
    options.duration,
    options.listen_min,
    options.no_speech,
    options.policy,
    options.save_audio,
    options.base_dir,
    options.control,
    options.as_json,
)
def converse(
    message: tuple[str, ...],
    mic: str,
    speaker: str,
    echo: Echo,
    noise_suppression: bool,
    gain_control: bool,
    chimes: bool | None,
    device_wait: float,
    voice: str | None,
    speed: float | None,
    tts: str,
    stt: str,
    phrases: tuple[str, ...],
    duration: float,
    listen_min: float,
    no_speech: float,
    manners: Manners,
    save_audio: bool,
    base_dir: Path,
    control: bool,
    as_json: bool,
) -> int:
    """Say MESSAGE, listen, and print what the user answered or said over it.

    MESSAGE may be - to read it from standard input; an empty one only listens.
    """
    text = options.text_of(message)
    base = configured()
    settings = evolve(
        base,
        microphone=mic,
        speaker=speaker,
        tts=tts,
        stt=stt,
        voice=voice,
        speed=speed,
        phrases=phrases,
        turn=evolve(
            base.turn,
            no_speech=no_speech,
            least=listen_min,
            longest=duration,
            device_wait=device_wait,
            barge_in=evolve(base.turn.barge_in, manners=manners),
        ),
        base_dir=base_dir,
        save_audio=save_audio,
        control=control,
        echo=echo,
        noise_suppression=noise_suppression,
        gain_control=gain_control,
        chimes=chimes,
    )
    return run_turn(settings, lambda conversation: conversation.converse(text), as_json=as_json)
