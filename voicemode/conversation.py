"""The public face of a conversation: ask for a turn, get its result; watch what happens meanwhile.

In: messages to say, agents to talk to, the buttons a person may press.  Out: one frozen result a turn, and events.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from functools import partial
from typing import Protocol, cast, final

import trio
from attrs import evolve, fields_dict

from actors.converse import dismiss
from actors.errors import SettingsError
from actors.events import Event, Muted
from actors.machines.dialogue import Dialogue
from actors.messages import Message, TurnId
from actors.orders import Again, EndTurn, Input, Interrupt, RecorderOrder, Stop, Typed
from actors.ports import Agent
from actors.request import Outside
from actors.results import Presumed, TurnResult

from .control.controllable import ConversationStatus
from .groups import unwrapped
from .replies import OnError, Replies
from .sayable import check_agent
from .settings import Settings
from .turns import Speech, Turns
from .watchers import Watchers

LIVE = (
    "voice", "speed", "phrases", "turn", "speculative_replies", "chimes",
    "stt_prompt", "tts_models", "tts_format", "tts_instructions",
)  # fmt: skip
"""The settings that the next turn can have otherwise than the last; ``tts`` too, among the engines there are."""


def _as_it_is(agent: Agent) -> Agent:
    return agent


class NobodyListens(SettingsError):
    """Somebody has typed an answer, and no turn is running; ``begun`` is when a talk can be answered."""

    def __init__(self, begun: str) -> None:
        super().__init__(
            "No turn is running that could be answered: ask for one with converse, listen or talk.  A talk can be "
            f"answered once {begun}."
        )


class Engines(Protocol):
    """Those that can be used in another way from turn to turn."""

    def has(self, settings: Settings) -> bool:
        """Whether who is to speak is among them."""
        ...

    def adapt(self, settings: Settings) -> None:
        """Keep to ``settings`` from the next turn on.  Raises SettingsError for what cannot be."""
        ...


@final
class Conversation:
    """One person and one assistant talking.  You get one from ``open_conversation``.

    Turns run one at a time: who asks for one while another runs waits for its end; for the running turn's own agent,
    which would wait for itself, it is a RuntimeError.  Cancelling the caller ends its turn: the speaker is silent and
    the microphone closed at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        inbox: trio.MemoryReceiveChannel[Input],
        reports: trio.MemorySendChannel[Input],
        orders: trio.MemorySendChannel[RecorderOrder],
        outside: Outside,
        watchers: Watchers,
        engines: Engines | None = None,
        chiming: bool = False,
        names: Sequence[str] = (),
        observed: Callable[[Agent], Agent] | None = None,
    ) -> None:
        self._observed = observed or _as_it_is
        self._outside, self._watchers, self._engines = outside, watchers, engines
        self._names = names
        self._reports, self._orders = reports, orders
        self._dialogue = Dialogue(settings.bounds)
        self._turns = Turns(
            settings,
            inbox=inbox,
            reports=reports,
            orders=orders,
            dialogue=self._dialogue,
            outside=outside,
            watchers=watchers,
            adapt=lambda settings: None if engines is None else engines.adapt(settings),
            chiming=chiming,
        )
        self._talking = self._finishing = self._typed = False
        self._wound_up: TurnId | None = None

    @property
    def id(self) -> str | None:
        """What its exchanges are kept under; None when none are, and in the moment until that is looked up."""
        return next(iter(self._names), None)

    @property
    def history(self) -> tuple[Message, ...]:
        """What was said so far: the user's words as transcribed, the assistant's as far as they were heard."""
        return self._turns.history

    async def converse(
        self,
        message: Speech,
        *,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``message``, listen, and return what the user answered or said over it.

        An empty text says nothing and only listens.  Raises SettingsError for what cannot be said, and the VoiceError
        of an engine or device that failed, whose ``recording`` is where the user's words are kept.
        """
        if isinstance(message, str) and not message.strip():
            return await self.listen(phrases=phrases)
        return await self._turns.take(self._said(message), listen=True, voice=voice, speed=speed, phrases=phrases)

    async def say(
        self,
        text: Speech,
        *,
        interruptible: bool = False,
        voice: str | None = None,
        speed: float | None = None,
        phrases: Sequence[str] | None = None,
    ) -> TurnResult:
        """Say ``text`` without listening for an answer.  Raises as ``converse`` does.

        With ``interruptible`` the microphone is open meanwhile: speaking over the assistant stops it, and what was
        said is the result's transcript.
        """
        return await self._turns.take(
            self._said(text), listen=False, overhear=interruptible, voice=voice, speed=speed, phrases=phrases
        )

    async def listen(self, *, phrases: Sequence[str] | None = None) -> TurnResult:
        """Say nothing and return what the user says.  Raises as ``converse`` does."""
        return await self._turns.take(None, listen=True, phrases=phrases)

    async def talk(
        self,
        agent: Agent,
        *,
        greeting: Speech | None = None,
        on_error: OnError | None = None,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Let the user talk with ``agent`` until ``stop``, ``finish`` or until cancelled, the microphone open all
        along.

        The agent is called with each transcript and the history before it, and its answer is spoken sentence by
        sentence while it streams.  When the user speaks over it, it is cancelled, and what they said goes to it next.
        Errors the agent raises end the talk and are raised here; with ``on_error`` its VoiceErrors are given to that
        instead, the answer ends where it had got to, and the talk goes on.  ``await nursery.start(talk, agent)``
        returns when the talk has begun, so that the user can answer.

        With ``Settings.speculative_replies`` the agent is called as soon as the user looks done.  When they go on,
        that call is cancelled, and its errors are nobody's.
        """
        check_agent(agent)
        self._turns.nesting.refuse()
        self._talking, self._finishing = True, False
        task_status.started()
        speech: Speech | None = None if greeting is None else self._said(greeting)
        with unwrapped():
            async with trio.open_nursery() as nursery:
                replies = Replies(
                    self._turns.nesting.agent(self._observed(agent)),
                    nursery,
                    history=lambda: self.history,
                    publish=self._outside.publish,
                    on_error=on_error,
                )
                try:
                    while self._talking:
                        presume = replies.presume if self.settings.speculative_replies else None
                        result = await self._turns.take(
                            speech,
                            listen=speech is None or not self._finishing,
                            overhear=True,
                            keep=True,
                            presume=partial(self._wind_up, presume),
                            wanted=self._still_wanted,
                        )
                        speech = replies if result.transcript else None
                        done = self._finishing and speech is None and not self._typed
                        if result.outcome == "stopped" or done:
                            break
                finally:
                    self._talking = self._finishing = False
                    replies.drop()
                    dismiss(self._orders, dialogue=self._dialogue, gate=self._outside.gate)

    def _said(self, speech: Speech) -> Speech:
        """With an agent seen by whoever observes what agents do."""
        return speech if isinstance(speech, str | AsyncIterable) or not callable(speech) else self._observed(speech)

    def interrupt(self) -> None:
        """Stop what the assistant is saying, as if the user had spoken over it; the turn goes on to listen."""
        if self._dialogue.state != "idle":
            self._reports.send_nowait(Interrupt(self._dialogue.turn))

    def end_turn(self) -> None:
        """What the user has said until now is all they say this time, as if they had paused for long enough.

        When nobody has begun to speak, nobody is waited for any longer; while the assistant talks nothing happens.
        """
        if self._dialogue.state != "idle":
            self._reports.send_nowait(EndTurn(self._dialogue.turn))

    def answer(self, text: str) -> None:
        """The user types ``text`` instead of speaking: it is all they say this time.

        While they are listened to it is their answer, and a voice that is being heard is dropped; the assistant is
        interrupted.  Between two turns of a talk it is what the next begins with.  Raises SettingsError when there is
        not a word in it, or when nobody listens because no turn is running.
        """
        if not isinstance(cast("object", text), str):
            raise TypeError(f"An answer is a text, as the user types it, not {type(text).__name__}.")
        if not text.strip():
            raise SettingsError("The answer is empty: type at least a word.")
        typed = Typed(turn=self._dialogue.turn, text=text.strip())
        self._typed = True
        if typed.turn is not None:
            self._reports.send_nowait(typed)
        elif self._talking:
            self._dialogue.feed(typed, trio.current_time())
        else:
            raise NobodyListens("await nursery.start(conversation.talk, agent) has returned")

    @property
    def muted(self) -> bool:
        """Whether only silence is heard of the user."""
        return self._outside.gate.muted

    def mute(self, muted: bool = True) -> None:
        """Hear only silence of the user from now on, or hear them again; the microphone stays open meanwhile.

        What they are saying ends there, as if they had fallen silent.
        """
        if muted != self.muted:
            now = trio.current_time()
            self._outside.gate.mute(now if muted else None)
            self._outside.publish(Muted(at=now, muted=muted))

    def pause(self) -> None:
        """Silence the assistant until ``resume``; between two turns, the next one does not begin to speak.  Idempotent.

        It goes on at the word where it was.
        """
        self._outside.transport.hold()

    def resume(self) -> None:
        """Let a paused assistant go on."""
        self._outside.transport.go_on()

    def skip_back(self) -> None:
        """Say the present sentence again, or the one before when it has only begun, and further back what was said in
        earlier turns.  While the user is listened to, say the last utterance again."""
        if self._dialogue.state == "listening":
            self.repeat()
        else:
            self._outside.transport.skip(-1)

    def skip_forward(self) -> None:
        """Go on with the next sentence; after the last it is the user's turn.  While they speak it is ``end_turn``."""
        if self._dialogue.state == "speaking":
            self._outside.transport.skip(1)
        else:
            self.end_turn()

    def repeat(self) -> None:
        """While the user is listened to and has not begun to speak, say again what was said last."""
        if self._dialogue.state != "idle":
            self._reports.send_nowait(Again(self._dialogue.turn))

    def press(self) -> None:
        """Push to talk: the assistant falls silent, and the user is heard until ``release``."""
        self.interrupt()
        self.mute(False)

    def release(self) -> None:
        """Push to talk: what the user has said until now is all they say, and they are not heard any more."""
        self.end_turn()
        self.mute()

    def status(self) -> ConversationStatus:
        """How things stand; it holds nothing of what is said."""
        return ConversationStatus(
            state=self._dialogue.state,
            held=self._outside.transport.held,
            muted=self.muted,
            turn=self._dialogue.turn,
            recent=len(self._outside.recent.utterances),
        )

    def stop(self) -> None:
        """End the turn that is running, with what there is, and a talk also between two; the outcome is ``stopped``.

        Does nothing when there is none.
        """
        self._talking = False
        if self._dialogue.state != "idle":
            self._reports.send_nowait(Stop(self._dialogue.turn))

    def finish(self) -> None:
        """Let a talk end when all that the user has said or typed is answered; nobody is listened to after that.

        Does nothing when there is none.  A turn that was asked for by itself is not touched.
        """
        self._finishing = self._talking
        self._wind_up(None, None)

    def _wind_up(self, presume: Callable[[Presumed | None], None] | None, presumed: Presumed | None) -> None:
        """Wait for nobody who has not begun to speak when the talk is to end."""
        if presume is not None:
            presume(presumed)
        turn = self._dialogue.turn
        if self._finishing and self._dialogue.state == "listening" and self._wound_up != turn:
            self._wound_up = turn
            self.end_turn()

    @property
    def settings(self) -> Settings:
        """What the next turn keeps to."""
        return self._turns.settings

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        """Keep to ``settings`` from the next turn on, as far as that can be while the conversation is open.

        How it is spoken and listened can change: ``voice``, ``speed``, ``tts_models``, ``tts_format``,
        ``tts_instructions``, ``chimes``, ``phrases``, ``stt_prompt``, ``turn``, ``speculative_replies``; and ``tts``
        when it names engines that this conversation has, as ``auto`` or a list may.  Returned are the names of those
        that differ and need a new conversation: devices, other engines, what is done with their sound, and where
        recordings go.
        """
        live = (*LIVE, "tts") if self._engines is not None and self._engines.has(settings) else LIVE
        kept = self._turns.settings = evolve(self.settings, **{name: getattr(settings, name) for name in live})
        return tuple(name for name in fields_dict(Settings) if getattr(settings, name) != getattr(kept, name))

    def events(self) -> AsyncIterator[Event]:
        """All that happens from now on, ending when the conversation closes.

        A watcher that falls far behind loses the oldest events; it never holds up the conversation.
        """
        return self._watchers.watch()

    def _still_wanted(self) -> bool:
        """Asked when the turn before is over: what was typed until then is said in this one."""
        self._typed = False
        return self._talking
