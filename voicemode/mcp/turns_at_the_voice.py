"""One call's turn at the voice, which other agents on this machine share.  In: a call.  Out: a context it speaks in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from voicemode import Settings
from voicemode.floor import Floor, Participant

from .arguments import ConverseArguments
from .terms import Terms

SESSION = ("CLAUDE_CODE_SESSION_ID", "CLAUDE_SESSION_ID")
"""Variables that name the session of whoever has started the server."""


class TurnsAtTheVoice:
    """A session that a call names keeps its place from call to call; calls that name none are of the one that the
    terms or whoever has started the server names, otherwise of ``own``."""

    def __init__(self, settings: Settings, terms: Terms, own: str, environment: Mapping[str, str] = os.environ) -> None:
        # files are locked otherwise on Windows; there agents are not kept apart
        self._settings = settings if settings.floor and sys.platform != "win32" else None
        named = (environment[name] for name in SESSION if environment.get(name))
        self._own = terms.session or next(named, own)
        self._floors: dict[str, Floor] = {}

    def speaking(self, given: ConverseArguments, client: str | None) -> AbstractAsyncContextManager[object]:
        """``client`` is what others are told of whose turn it is.  Entering it raises FloorBusy, at once or after as
        long as the call wants to wait."""
        settings = self._settings
        if settings is None or given.skip_conch:
            return nullcontext()
        wait = given.wait_for_conch
        hold = given.hold_conch if given.conch_hold_timeout is None else given.conch_hold_timeout
        return self._floor(given.session_id or self._own, client, settings).speaking(
            settings.floor_wait if wait is True else float(wait), hold=hold
        )

    def _floor(self, session: str, client: str | None, settings: Settings) -> Floor:
        if session not in self._floors:
            who = Participant(session_id=session, agent=client, project_path=_here())
            self._floors[session] = Floor.of(settings, who)
        return self._floors[session]


def _here() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:
        return None
