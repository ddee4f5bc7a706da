"""What of a conversation does not wait: its buttons and how it stands.  In: calls from any thread.  Out: what it says.

Each is done in the engine, between two of its steps, and takes a host about a tenth of a millisecond.
"""

from __future__ import annotations

import warnings

from actors.messages import Message

from ..control.controllable import ConversationStatus
from ..conversation import NobodyListens
from ..settings import Settings
from .session import Session


class Controls:
    """The methods of ``voicemode.Conversation`` that are no coroutines, name for name; what they do stands there.

    When it is closed they raise SettingsError, but ``id``, ``history``, ``settings``, ``muted`` and ``status`` still
    say what they said last.  An object that is forgotten without being closed is closed, with a ResourceWarning.
    """

    _advice = "open it in a with statement"

    def __init__(self, session: Session) -> None:
        self._session = session

    def __del__(self) -> None:
        session: Session | None = getattr(self, "_session", None)
        if session is not None and not session.leaving and not session.engine.is_elsewhere:
            session.leave()
            warnings.warn(f"unclosed {self!r}: {self._advice}", ResourceWarning, source=self, stacklevel=2)

    @property
    def id(self) -> str | None:
        return self._session.look(lambda conversation: conversation.id)

    @property
    def history(self) -> tuple[Message, ...]:
        return self._session.look(lambda conversation: conversation.history)

    @property
    def muted(self) -> bool:
        return self._session.look(lambda conversation: conversation.muted)

    @property
    def settings(self) -> Settings:
        return self._session.look(lambda conversation: conversation.settings)

    def status(self) -> ConversationStatus:
        return self._session.look(lambda conversation: conversation.status())

    def interrupt(self) -> None:
        self._session.ask(lambda conversation: conversation.interrupt())

    def end_turn(self) -> None:
        self._session.ask(lambda conversation: conversation.end_turn())

    def answer(self, text: str) -> None:
        try:
            self._session.ask(lambda conversation: conversation.answer(text))
        except NobodyListens:
            raise NobodyListens("it has called what it was given as started=") from None

    def mute(self, muted: bool = True) -> None:
        self._session.ask(lambda conversation: conversation.mute(muted))

    def pause(self) -> None:
        self._session.ask(lambda conversation: conversation.pause())

    def resume(self) -> None:
        self._session.ask(lambda conversation: conversation.resume())

    def skip_back(self) -> None:
        self._session.ask(lambda conversation: conversation.skip_back())

    def skip_forward(self) -> None:
        self._session.ask(lambda conversation: conversation.skip_forward())

    def repeat(self) -> None:
        self._session.ask(lambda conversation: conversation.repeat())

    def press(self) -> None:
        self._session.ask(lambda conversation: conversation.press())

    def release(self) -> None:
        self._session.ask(lambda conversation: conversation.release())

    def stop(self) -> None:
        self._session.ask(lambda conversation: conversation.stop())

    def finish(self) -> None:
        self._session.ask(lambda conversation: conversation.finish())

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        return self._session.ask(lambda conversation: conversation.reconfigure(settings))
