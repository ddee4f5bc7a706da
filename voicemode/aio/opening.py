"""Opens a conversation for an asyncio host, and closes it.  In: settings and ports.  Out: a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
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
from .devices import HostSpeaker
from .engines import HostSpeechToText, HostTextToSpeech
from .guest import guest_engine
from .host import Host
from .waiting import settled


def open_conversation(
    settings: Settings | None = None,
    *,
    guest: bool = False,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
    tts: TextToSpeech | None = None,
    stt: SpeechToText | None = None,
    vad: SpeechModel | None = None,
    turn_model: TurnModel | None = None,
    store: UtteranceStore | None = None,
) -> AbstractAsyncContextManager[Conversation]:
    """As ``voicemode.open_conversation``, for an asyncio task; what it raises is the same.

    The engine runs in a thread that all conversations of the process share, so that a loop that is blocked does not
    disturb the sound.  What is passed by keyword runs in there, on Trio, but for what is made by ``speech_to_text``,
    ``text_to_speech`` and ``speaker``.  With ``guest`` the engine runs in this loop, which must not be blocked, and
    there is no thread of ours.
    """
    opening = partial(
        session.open_conversation,
        settings,
        microphone=microphone,
        vad=vad,
        turn_model=turn_model,
        store=store,
    )
    return _Opening(opening, {"speaker": speaker, "tts": tts, "stt": stt}, guest=guest)


class _Opening(AbstractAsyncContextManager[Conversation]):
    """``parts`` may be functions of the host, which are bound to its loop when it is entered."""

    def __init__(
        self,
        opening: Callable[..., AbstractAsyncContextManager[EngineConversation]],
        parts: Mapping[str, object],
        *,
        guest: bool,
    ) -> None:
        self._opening, self._parts, self._guest = opening, parts, guest
        self._session: Session | None = None
        self._conversation: Conversation | None = None

    async def __aenter__(self) -> Conversation:
        if self._session is not None:
            raise RuntimeError("This conversation has been opened already; call open_conversation for another.")
        host = Host()
        parts = {
            name: part.bound(host) if isinstance(part, HostSpeaker | HostSpeechToText | HostTextToSpeech) else part
            for name, part in self._parts.items()
        }
        engine = await guest_engine() if self._guest else shared_engine()
        opened = self._session = Session(engine, partial(self._opening, **parts), host_gone=lambda: host.gone)
        opened.open()
        try:
            await settled(opened.opened, opened.give_up)
        except BaseException:
            with suppress(Exception):
                await _closed(opened)
            raise
        self._conversation = Conversation(opened)
        return self._conversation

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        if session is None:
            raise RuntimeError("This conversation was never opened.")
        session.leave()
        if kind is not None and issubclass(kind, GeneratorExit):
            # whoever was in the context has been forgotten, perhaps with its loop, and nobody can wait
            return
        try:
            await _closed(session)
        except Exception as broken:
            if broken is not error:
                raise


async def _closed(session: Session) -> None:
    """Wait for the end of it, and of the engine if it was the last.  Raises what broke the conversation.

    In a process that was forked meanwhile nothing of it is left to end.
    """
    if session.engine.is_elsewhere:
        return
    try:
        with suppress(CancelledByHost, EngineEnded):
            await settled(session.closed, session.give_up)
    finally:
        if session.engine.ending:
            await settled(session.engine.ended, lambda: None)
            session.engine.join()
