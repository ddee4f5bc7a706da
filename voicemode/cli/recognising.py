"""The recogniser of a command that has recordings instead of a microphone.  In: settings.  Out: the engine, opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import click
import trio
from attrs import evolve

from actors.messages import Transcript
from actors.ports import SpeechToText
from actors.results import Engines

from ..settings import Settings
from .summary import stand_ins

UNHURRIED = 10.0
"""Seconds that an engine may say nothing before the next one is asked."""


@asynccontextmanager
async def recognising(settings: Settings) -> AsyncGenerator[SpeechToText]:
    """The recogniser that the settings ask for, which may be several.  Raises SettingsError and ProviderUnavailable."""
    from ..speech.providers import Providers

    # nobody waits for an answer, and a slow recogniser is often the better one
    unhurried = evolve(settings, silence=max(settings.silence, UNHURRIED))
    providers = await Providers.open(unhurried, listens=True, speaks=False)
    try:
        if providers.stt is None:
            raise RuntimeError("a recogniser was asked for and there is none")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(providers.keep, publish=lambda _: None))
            yield providers.stt
            nursery.cancel_scope.cancel("done")
    finally:
        await providers.aclose()


def tell_stand_ins(transcript: Transcript) -> None:
    """Which engines failed, on standard error."""
    for line in stand_ins(transcript.failures, Engines(stt=transcript.engine)):
        click.echo(f"voicemode: {line}", err=True)
