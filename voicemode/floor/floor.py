"""The floor as a session sees it.  In: the wish to speak, and how long to wait for it.  Out: a lease while it speaks.

Waiting is looking again and again, so that it can be cancelled at any moment and needs nobody to call back.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import time
from typing import Self, TypeVar

import trio
from attrs import asdict, define, evolve, field, frozen

from actors.errors import FloorBusy, VoiceError
from actors.machines.floor import FloorState, Participant, Place

from ..locks.lock_file import LockFile
from ..settings import Settings
from . import words
from .store import Change, Store

log = logging.getLogger(__name__)

Result = TypeVar("Result")

GRANT = 30.0
"""Seconds that a session has to take the floor that was given to it, once nobody speaks."""

OFTENER = 10
"""How many times as often the first of the queue looks as the others."""

CLEAN_UP = 3.0
"""Seconds that leaving may take after a cancel; it takes a few milliseconds."""

LONGEST = 200
"""Characters of what a session says of itself."""


@frozen
class Lease:
    """``waited`` is for how many seconds the floor was waited for."""

    waited: float


@define(eq=False)
class _Call:
    ticket: str = field(factory=lambda: secrets.token_hex(8))
    lock: LockFile | None = None

    def forget(self) -> None:
        if self.lock is not None:
            self.lock.release()
            self.lock = None


class Floor:
    """For one session, ``who``, of which several calls may be under way.  All of a machine share ``directory``.

    ``check_interval`` is how often in seconds a call that waits looks, ``hold_expiry`` for how many seconds the floor
    is held.  Every method raises VoiceError where the files cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        *,
        who: Participant,
        check_interval: float = 0.5,
        hold_expiry: float = 10.0,
        clock: Callable[[], float] = time,
    ) -> None:
        said = {name: plain(value) for name, value in asdict(who).items() if isinstance(value, str)}
        self.who = evolve(who, **said, pid=os.getpid() if who.pid is None else who.pid)
        self.check_interval, self.hold_expiry = check_interval, hold_expiry
        self._store = Store(directory, clock)
        self._kept: _Call | None = None
        self._threads = trio.CapacityLimiter(1)

    @classmethod
    def of(cls, settings: Settings, who: Participant) -> Self:
        return cls(settings.base_dir, who=who, check_interval=settings.floor_check, hold_expiry=settings.floor_hold)

    @asynccontextmanager
    async def speaking(self, wait: float | None = 0.0, *, hold: bool | float = False) -> AsyncGenerator[Lease]:
        """Have the floor inside: nobody else does.

        It is waited for ``wait`` seconds, for ever with None.  With ``hold`` this session may go on before all others
        in the ``hold_expiry`` seconds after it, or in as many as ``hold`` says; not after an error or a cancel.  Raises
        FloorBusy, with ``wait=0`` at once.
        """
        call, began = _Call(), trio.current_time()
        kept = self.hold_expiry if hold is True else float(hold)
        try:
            await self._get(call, wait)
            yield Lease(trio.current_time() - began)
        except BaseException:
            await self._let_go(call, 0.0)
            raise
        await self._let_go(call, kept)

    async def status(self) -> FloorState:
        return await trio.to_thread.run_sync(self._store.look, limiter=self._threads)

    async def give(self, session_id: str) -> bool:
        """Let ``session_id`` be next, before the queue and instead of whom it is held for; who speaks ends first.

        False when it does not wait at the moment; then it has 30 s to come once nobody speaks.
        """
        session = plain(session_id)
        return await self._change(lambda state, _: (state.give(session, GRANT), state.waits(session)))

    async def bump(self, session_id: str) -> None:
        """Move ``session_id`` to the head of the queue.  Raises VoiceError when it does not wait."""
        session = plain(session_id)

        def bumped(state: FloorState, _: float) -> tuple[FloorState, None]:
            if not state.waits(session):
                waiting = ", ".join(dict.fromkeys(place.who.session_id for place in state.queue))
                raise VoiceError(f"Session {session} does not wait for the voice; who does: {waiting or 'nobody'}.")
            return state.bump(session), None

        await self._change(bumped)

    async def leave(self, session_id: str | None = None) -> bool:
        """Send the waiting calls of ``session_id``, this one by default, away with FloorBusy; nothing is kept for it.

        False when there was nothing to leave.
        """
        session = self.who.session_id if session_id is None else plain(session_id)
        return await self._change(lambda state, _: ((left := state.leave(session)), left != state))

    async def release(self, session_id: str | None = None) -> bool:
        """End the hold or the grant of ``session_id``, or of whoever has it; False when there is none.

        Raises FloorBusy while they speak: nobody is cut off by this.
        """
        session = None if session_id is None else plain(session_id)

        def freed(state: FloorState, now: float) -> tuple[FloorState, bool]:
            speaks = state.speaking
            if speaks is not None and session in (None, speaks.who.session_id):
                raise words.still_speaking(speaks, now, len(state.queue))
            return (after := state.free(session)), after != state

        return await self._change(freed)

    async def _get(self, call: _Call, wait: float | None) -> None:
        began = trio.current_time()
        until = math.inf if wait is None else began + wait
        refused = await self._change(partial(self._try, call, wait))
        while refused is not None:
            left = until - trio.current_time()
            if left <= 0 or call.lock is None:
                raise refused
            often = OFTENER if refused.position == 1 else 1
            await trio.sleep(min(left, self.check_interval / often))
            refused = await self._still_refused(call, wait) or await self._change(partial(self._try, call, wait))

    async def _still_refused(self, call: _Call, wait: float | None) -> FloorBusy | None:
        """None where that cannot be told without being alone at the files."""
        peeked = await trio.to_thread.run_sync(self._store.peek, limiter=self._threads)
        if peeked is None:
            return None
        state, now = peeked
        if state.position(call.ticket) is None or state.may_speak(call.ticket):
            return None
        return words.busy(state, self.who, call.ticket, now, waited=wait)

    def _try(
        self, call: _Call, wait: float | None, state: FloorState, now: float
    ) -> tuple[FloorState, FloorBusy | None]:
        """Speak if it is this call's turn; if not, wait for it in the queue, or do not where it is not to be waited."""
        if call.lock is None:
            asked = state.ask(Place(call.ticket, self.who, now))
            if wait is not None and wait <= 0 and not asked.may_speak(call.ticket):
                return state, words.busy(asked, self.who, call.ticket, now, waited=None)
            call.lock = self._store.lock(call.ticket)
        elif state.position(call.ticket) is None:
            call.forget()
            return state, words.sent_away()
        else:
            asked = state
        if asked.may_speak(call.ticket):
            return asked.speak(call.ticket, now), None
        return asked, words.busy(asked, self.who, call.ticket, now, waited=wait)

    async def _let_go(self, call: _Call, hold: float) -> None:
        """However this goes, the lock goes with it, unless the floor is held: nobody waits for this call any more."""
        if call.lock is None:
            return
        try:
            with trio.move_on_after(CLEAN_UP, shield=True):
                if await self._change(partial(_finished, call, hold), abandon=True):
                    self._kept = call
        except VoiceError as error:
            log.warning("%s The voice is free all the same.", error)
        finally:
            if self._kept is not call:
                call.forget()

    async def _change(self, change: Change[Result], *, abandon: bool = False) -> Result:
        return await trio.to_thread.run_sync(
            self._store.change, partial(self._changed, change), limiter=self._threads, abandon_on_cancel=abandon
        )

    def _changed(self, change: Change[Result], state: FloorState, now: float) -> tuple[FloorState, Result]:
        after, result = change(state, now)
        if self._kept is not None and self._kept.ticket not in after.tickets:
            self._kept.forget()
            self._kept = None
        return after, result


def _finished(call: _Call, hold: float, state: FloorState, now: float) -> tuple[FloorState, bool]:
    after = state.finish(call.ticket, now, hold)
    return after, call.ticket in after.tickets


def plain(text: str) -> str:
    """What a session says of itself, on one line that can be written and is not too long."""
    line = " ".join(text[:LONGEST].encode("utf-8", "replace").decode().split())
    return "".join(sign if sign.isprintable() else "?" for sign in line)
