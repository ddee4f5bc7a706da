"""Sees all that telemetry is made of.  In: events as they happen, the agents and engines that are called.  Out: a batch
for each turn, put where whoever exports it finds it.

Everything is done at once, where it happens, so that agents and engines find the turn's span as the current one.  An
event takes some microseconds, and nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Protocol, cast

import msgspec
import trio
from attrs import define, field

from actors.errors import ProviderError, error_type
from actors.events import Event, TurnStarted
from actors.machines.board import Step
from actors.machines.breaker import Permit
from actors.machines.record import Call as BoardCall
from actors.messages import Message, SpeechActivity
from actors.ports import Agent, TextToSpeech

from ..agents import answer
from .batch import BILLION, Batch, Begun
from .catalogue import DROPPED
from .facts import AGENT
from .figures import Figures
from .observed_voice import ObservedVoice
from .stages import TURN, Stages
from .values import Attributes, Call, CallAnswered, CallBegan, CallEnded, Measured, Span, Value, measured


class Shows(Protocol):
    """Whoever shows a span while it lasts."""

    def begin(self, name: str, start: int, attributes: Attributes, /) -> Begun | None:
        """From now on it is the current one; ``start`` is in nanoseconds since 1970."""
        ...


@define
class Observer:
    """A ``Cued`` that is told all events.  ``dropped`` counts, by where, what was lost until now."""

    stages: Stages
    put: Callable[[Batch], None]
    dropped: Callable[[], Mapping[str, int]]
    shows: Shows | None = None
    _figures: Figures = field(factory=Figures, init=False)
    _measured: list[Measured] = field(factory=list[Measured], init=False)
    _begun: dict[int | None, Begun] = field(factory=dict[int | None, Begun], init=False)
    _offset: int = field(default=0, init=False)
    _numbers: Callable[[], int] = field(factory=lambda: count(1).__next__, init=False)
    _on_board: dict[Permit, int] = field(factory=dict[Permit, int], init=False)
    _lost: dict[str, int] = field(factory=dict[str, int], init=False)

    def cue(self, event: Event) -> None:
        if not isinstance(event, SpeechActivity):  # there are 31 a second
            self._take(event)

    def close(self) -> None:
        """The conversation is over, whatever is still running."""
        spans = self.stages.close(trio.current_time())
        self._hand_on(spans)
        self._hand_on(())

    def agent(self, agent: Agent) -> Agent:
        """One that answers as ``agent`` does, which is told."""
        return partial(self._answer, agent)

    def voice(self, engine: TextToSpeech) -> TextToSpeech:
        """One that speaks as ``engine`` does, which is told."""
        return cast("TextToSpeech", ObservedVoice(engine, self._numbers, self._take))

    def follow(self, step: Step, call: BoardCall, now: float, error: ProviderError | None) -> None:
        """What the board is told of the engines that are tried; probes are nobody's turn."""
        if call.permit.probe:
            return
        number = self._on_board.get(call.permit) or self._numbers()
        self._on_board[call.permit] = number
        match step:
            case "began" | "asked" | "probing":
                self._take(CallBegan(number=number, at=now, kind="engine", name=call.provider, service=call.service))
            case "answered":
                self._take(CallAnswered(number=number, at=now))
            case "ended" | "failed" | "cancelled":
                del self._on_board[call.permit]
                code = None if error is None else error.code
                self._take(CallEnded(number=number, at=now, error=code, cancelled=step == "cancelled"))

    async def _answer(self, agent: Agent, transcript: str, history: Sequence[Message], /) -> AsyncGenerator[str, None]:
        number, name = self._numbers(), _name_of(agent)
        said: list[str] = []
        begun = self._agent_began(number, agent, name, transcript, history)
        error: str | None = None
        cancelled, first = True, True
        try:
            async with aclosing(answer(agent, transcript, history)) as words:
                async for text in words:
                    if first:
                        first = False
                        self._take(CallAnswered(number=number, at=trio.current_time()))
                    if self.stages.facts.content:
                        said.append(text)
                    yield text
            cancelled = False
        except Exception as raised:
            error, cancelled = error_type(raised), False
            raise
        finally:
            if begun is not None:
                begun.leave()
            told = {"gen_ai.output.messages": _messages([Message(role="assistant", text="".join(said))])}
            self._take(
                CallEnded(
                    number=number,
                    at=trio.current_time(),
                    error=error,
                    cancelled=cancelled,
                    attributes=told if self.stages.facts.content else {},
                )
            )

    def _agent_began(
        self, number: int, agent: Agent, name: str, transcript: str, history: Sequence[Message]
    ) -> Begun | None:
        now = trio.current_time()
        about: dict[str, Value] = {}
        model: object = getattr(agent, "model", None)
        if isinstance(model, str):
            about["gen_ai.request.model"] = model
        if self.stages.facts.content:
            about["gen_ai.input.messages"] = _messages([*history, Message(role="user", text=transcript)])
        self._take(CallBegan(number=number, at=now, kind="agent", name=name, attributes=about))
        if self.shows is None:
            return None
        begun = self.shows.begin(
            f"{AGENT} {name}", self._wall(now), {"gen_ai.operation.name": AGENT, "gen_ai.agent.name": name, **about}
        )
        if begun is not None:
            self._begun[number] = begun
        return begun

    def _take(self, event: Event | Call) -> None:
        now = trio.current_time()
        spans = self.stages.take(event, now)
        if isinstance(event, TurnStarted):
            if spans:
                self._hand_on(spans)
            self._offset = time.time_ns() - round(now * BILLION)
            if self.shows is not None:
                begun = self.shows.begin(TURN, self._wall(event.at), self.stages.facts.of_turn(event.turn))
                if begun is not None:
                    self._begun[None] = begun
            spans = ()
        self._measured += self._figures.take(event, now)
        if spans:
            self._hand_on(spans)

    def _hand_on(self, spans: tuple[Span, ...]) -> None:
        if not spans and not self._measured:
            return
        for where, lost in self.dropped().items():
            more = lost - self._lost.get(where, 0)
            if more > 0:
                self._measured.append(measured(DROPPED, more, voicemode__where=where))
            self._lost[where] = lost
        begun, turn = self._begun, self._begun.get(None)
        self._begun = {}
        if turn is not None:
            turn.leave()
        self.put(Batch(offset=self._offset, spans=spans, measured=tuple(self._measured), begun=begun))
        self._measured.clear()

    def _wall(self, at: float) -> int:
        return self._offset + round(at * BILLION)


def _name_of(agent: Agent) -> str:
    """What it is called in its program."""
    while isinstance(agent, partial):
        agent = agent.func
    name: object = getattr(agent, "__name__", None)
    return name if isinstance(name, str) else type(agent).__name__


def _messages(messages: Sequence[Message]) -> str:
    """As the conventions for GenAI have them."""
    shown = [{"role": each.role, "parts": [{"type": "text", "content": each.text}]} for each in messages]
    return msgspec.json.encode(shown).decode()
