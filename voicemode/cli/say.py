"""``voicemode say TEXT``: say something and be done."""

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
@click.argument("text", nargs=-1, required=True, callback=options.all_utf8)
@options.together(
    options.mic_to_interrupt,
    options.speaker,
    options.device_care,
    options.voice,
    options.speed,
    options.tts,
    options.stt,
    options.phrase,
    options.policy,
    options.save_audio,
    options.base_dir,
    options.control,
    options.as_json,
)
def say(
    text: tuple[str, ...],
    mic: str | None,
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
    manners: Manners,
    save_audio: bool,
    base_dir: Path,
    control: bool,
    as_json: bool,
) -> int:
    """Say TEXT without listening for an answer.

    TEXT may be - to read it from standard input.  What is recognised, and where it is kept, matters with --mic only.
    """
    said = options.text_of(text)
    base = configured()
    settings = evolve(
        base,
        microphone=mic,
        speaker=speaker,
        tts=tts,
        stt=stt if mic else None,
        voice=voice,
        speed=speed,
        phrases=phrases,
        turn=evolve(base.turn, device_wait=device_wait, barge_in=evolve(base.turn.barge_in, manners=manners)),
        base_dir=base_dir,
        save_audio=save_audio,
        control=control,
        echo=echo,
        noise_suppression=noise_suppression,
        gain_control=gain_control,
        chimes=chimes,
    )
    return run_turn(
        settings, lambda conversation: conversation.say(said, interruptible=mic is not None), as_json=as_json
    )
