"""What the engine asks of a thread that waits for it.  In: errands, and an outcome.  Out: text, and the same outcome.

An agent's function runs in the thread that called ``converse``, ``say`` or ``talk``, one step at a time, as it would if
there were no engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeAlias, TypeVar, cast

from actors.messages import Message

from ..embed.engine import EngineElsewhere
from ..embed.errand import CLEAN_UP, Begin, Errand
from ..sayable import RAW

Words: TypeAlias = str | Iterable[str]

Agent: TypeAlias = Callable[[str, Sequence[Message]], Words]
"""A plain function or a generator function."""

Speech: TypeAlias = Words | Agent

LOOK = 0.1 if sys.platform == "win32" else None
"""Seconds between two looks for a KeyboardInterrupt, where it does not end a wait."""

T = TypeVar("T")


class Host:
    """The thread that makes this, while it waits in ``settled``."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def post(self, job: Callable[[], object]) -> None:
        """Have ``job`` done when the thread is free."""
        self._jobs.put(job)

    def patience(self) -> float:
        """Seconds that it is worth waiting for it."""
        return CLEAN_UP

    def begin(self, ask: Callable[[], Words]) -> Begin[str]:
        """How the engine has what ``ask`` gives read here, and ended."""

        def start(errand: Errand[str]) -> Callable[[], None]:
            # those of the engine's task that asks: of whoever called, and what was added since, as a span of the turn
            context = copy_context()

            def post(job: Callable[[], object]) -> None:
                self.post(partial(context.run, job))

            reading = _Reading(errand, ask, post)
            post(reading.step)
            return lambda: post(reading.leave)

        return start

    def settled(self, outcome: Future[T], give_up: Callable[[], None]) -> T:
        """Do what is asked until ``outcome`` is there, and return or raise it.

        When that is interrupted ``give_up`` is called, the outcome waited for, and the interruption raised.  Raises
        EngineElsewhere in a process that an agent has forked meanwhile.
        """
        process = os.getpid()
        outcome.add_done_callback(lambda _: self.post(lambda: None))
        interrupted: BaseException | None = None
        try:
            while not (outcome.done() and self._jobs.empty()):
                if os.getpid() != process:
                    raise EngineElsewhere
                try:
                    self._jobs.get(timeout=LOOK)()
                except Empty:
                    continue
                except BaseException as error:  # noqa: BLE001  raised below
                    if interrupted is None:
                        interrupted = error
                        give_up()
            if interrupted is not None:
                raise interrupted
            return outcome.result()
        finally:
            # an error's traceback holds this frame, which must not hold the error
            del interrupted, outcome


class _Reading:
    """One text that is read piece by piece, all in one thread."""

    def __init__(
        self, errand: Errand[str], ask: Callable[[], Words], post: Callable[[Callable[[], None]], None]
    ) -> None:
        self._errand, self._ask, self._post = errand, ask, post
        self._texts: Iterator[str] | None = None
        self._over = self._halted = False

    def step(self) -> None:
        if self._over:
            return
        if not self._errand.wanted():
            self.leave()
            return
        try:
            if self._texts is None:
                self._texts = _texts_of(self._ask())
            text = next(self._texts)
        except StopIteration:
            self._end(None)
        except Exception as error:  # noqa: BLE001  it is for whoever talks with the agent
            self._end(error)
        except BaseException:
            # it ends the call itself
            self._end(None)
            raise
        else:
            if self._errand.give(text):
                self._post(self.step)
            else:
                self._halted = True
                self._errand.when_room(lambda: self._post(self._go_on))

    def leave(self) -> None:
        """Nobody wants the rest: close the generator, if it is one."""
        if self._over:
            return
        self._over = True
        error: BaseException | None = None
        try:
            if isinstance(self._texts, Generator):
                self._texts.close()
        except Exception as failure:  # noqa: BLE001  it is for whoever talks with the agent
            error = failure
        finally:
            self._errand.finish(error)
            del error

    def _go_on(self) -> None:
        if self._halted:
            self._halted = False
            self.step()

    def _end(self, error: BaseException | None) -> None:
        self._over = True
        self._errand.finish(error)


def _texts_of(words: object) -> Iterator[str]:
    if isinstance(words, str):
        return iter((words,))
    if isinstance(words, Awaitable | AsyncIterable):
        if isinstance(words, Coroutine):
            words.close()
        raise TypeError(
            "An agent of voicemode.sync is a plain function or a generator, not a coroutine: use voicemode.aio."
        )
    if isinstance(words, Iterable) and not isinstance(words, RAW):
        return iter(cast("Iterable[str]", words))
    raise TypeError(f"An agent gives a text or a stream of text, not {type(words).__name__}.")
