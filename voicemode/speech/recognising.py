"""The recogniser for recordings, where nobody is being listened to.  In: settings.  Out: the engine, opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import trio

from actors.ports import SpeechToText

from ..groups import unwrapped
from ..settings import Settings
from .providers import Providers

UNHURRIED = 10.0
"""Seconds that an engine which is there may take before the next one is asked: nobody waits for an answer, and a slow
recogniser is often the better one."""


@asynccontextmanager
async def recognising(settings: Settings) -> AsyncGenerator[SpeechToText]:
    """The recogniser that the settings ask for, which may be several.  Raises SettingsError and ProviderUnavailable."""
    with unwrapped():
        async with _opened(settings) as engine:
            yield engine


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[SpeechToText]:
    providers = await Providers.open(settings, listens=True, speaks=False, first_byte=UNHURRIED)
    try:
        if providers.stt is None:
            raise RuntimeError("a recogniser was asked for and there is none")
        async with trio.open_nursery() as nursery:
            # asked whether they are there before they are asked for anything, so that nobody else is waited for
            await nursery.start(partial(providers.keep, publish=lambda _: None))
            yield providers.stt
            nursery.cancel_scope.cancel("done")
    finally:
        await providers.aclose()
