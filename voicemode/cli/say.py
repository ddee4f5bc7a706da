"""``voicemode say TEXT``: say something and be done."""

from __future__ import annotations

import click

from .. import Settings
from . import options
from .turn import run_turn


@click.command()
@click.argument("text", nargs=-1, required=True, callback=options.all_utf8)
@options.together(options.speaker, options.voice, options.speed, options.tts, options.as_json)
def say(text: tuple[str, ...], speaker: str, voice: str | None, speed: float | None, tts: str, as_json: bool) -> int:
    """Say TEXT without listening for an answer.

    TEXT may be - to read it from standard input.
    """
    said = options.text_of(text)
    settings = Settings(speaker=speaker, tts=tts, stt=None, voice=voice, speed=speed)
    return run_turn(settings, lambda conversation: conversation.say(said), as_json=as_json)
