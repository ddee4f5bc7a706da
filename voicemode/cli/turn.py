"""Runs one turn for a command: settings and what to do in, the turn shown while it runs, an exit code out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import trio
from attrs import asdict

from actors.ports import UtteranceStore

from .. import Conversation, Settings, TurnResult, open_conversation
from .output import console, write_json, writing
from .signals import exit_code_of, heeding_signals
from .until_written import UntilWritten

Take: TypeAlias = Callable[[Conversation], Awaitable[TurnResult]]

NO_SPEECH = 3


def run_turn(settings: Settings, take: Take, *, as_json: bool) -> int:
    """Open a conversation, ``take`` one turn of it and write the result.

    Returns 0, or 3 when nobody spoke, or 128 and the number of the signal that stopped the turn.  Raises VoiceError,
    and Stopped when a signal came too early or twice.
    """
    store = UntilWritten(settings)
    result, received = trio.run(partial(_quiet if as_json else _shown, settings, store, take))
    with store.written():
        if as_json:
            write_json(asdict(result))
        else:
            write_summary(result)
    if received is not None:
        return exit_code_of(received)
    return NO_SPEECH if result.outcome == "no_speech" else 0


def write_summary(result: TurnResult) -> None:
    from .summary import summary

    with writing():
        console().print(summary(result))


async def _quiet(settings: Settings, store: UtteranceStore, take: Take) -> tuple[TurnResult, int | None]:
    async with heeding_signals() as signals, open_conversation(settings, store=store) as conversation:
        signals.stop = conversation.stop
        result = await take(conversation)
    return result, signals.received


async def _shown(settings: Settings, store: UtteranceStore, take: Take) -> tuple[TurnResult, int | None]:
    from .display import Display

    screen = console()
    async with heeding_signals() as signals:
        with Display(screen) as display:
            async with trio.open_nursery() as nursery, open_conversation(settings, store=store) as conversation:
                nursery.start_soon(display.follow, conversation.events())
                signals.stop = conversation.stop
                result = await take(conversation)
    return result, signals.received
