"""What a command says of engines that failed while it had recordings transcribed."""

from __future__ import annotations

import click

from actors.messages import Transcript
from actors.results import Engines

from .summary import stand_ins


def tell_stand_ins(transcript: Transcript) -> None:
    """Which engines failed, on standard error."""
    for line in stand_ins(transcript.failures, Engines(stt=transcript.engine)):
        click.echo(f"voicemode: {line}", err=True)
