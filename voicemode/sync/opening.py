"""Opens a conversation for plain code, and closes it.  In: settings and ports.  Out: a conversation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import partial
from types import TracebackType

from actors.ports import Microphone, Speaker, SpeechModel, SpeechToText, TextToSpeech, TurnModel, UtteranceStore

from .. import session
from ..conversation import Conversation as EngineConversation
from ..embed.call import CancelledByHost
from ..embed.engine import EngineEnded
from ..embed.session import Session
from ..embed.thread import shared_engine
from ..settings import Settings
from .conversation import Conversation
from .host import Host


def open_conversation(
    settings: Settings | None = None,
    *,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
    tts: TextToSpeech | None = None,
    stt: SpeechToText | None = None,
    vad: SpeechModel | None = None,
    turn_model: TurnModel | None = None,
    store: UtteranceStore | None = None,
) -> AbstractContextManager[Conversation]:
    """As ``voicemode.open_conversation``, for code without a loop; what it raises is the same.

    The engine runs in a thread that all conversations of the process share.  What is passed by keyword runs in there,
    on Trio.
    """
    return _Opening(
        partial(
            session.open_conversation,
            settings,
            microphone=microphone,
            speaker=speaker,
            tts=tts,
            stt=stt,
            vad=vad,
            turn_model=turn_model,
            store=store,
        )
    )


class _Opening(AbstractContextManager[Conversation]):
    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[EngineConversation]]) -> None:
        self._opening = opening
        self._session: Session | None = None
        self._conversation: Conversation | None = None

    def __enter__(self) -> Conversation:
        if self._session is not None:
            raise RuntimeError("This conversation has been opened already; call open_conversation for another.")
        opened = self._session = Session(shared_engine(), self._opening)
        opened.open()
        try:
            Host().settled(opened.opened, opened.give_up)
        except BaseException:
            opened.give_up()
            with suppress(Exception):
                _closed(opened)
            raise
        self._conversation = Conversation(opened)
        return self._conversation

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        if session is None:
            raise RuntimeError("This conversation was never opened.")
        session.leave()
        try:
            _closed(session)
        except Exception as broken:
            if broken is not error:
                raise


def _closed(session: Session) -> None:
    """Wait for the end of it, and of the engine if it was the last.  Raises what broke the conversation.

    In a process that was forked meanwhile nothing of it is left to end.
    """
    if session.engine.is_elsewhere:
        return
    try:
        with suppress(CancelledByHost, EngineEnded):
            Host().settled(session.closed, session.give_up)
    finally:
        if session.engine.ending:
            Host().settled(session.engine.ended, lambda: None)
            session.engine.join()
