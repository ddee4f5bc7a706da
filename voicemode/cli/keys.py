"""The keys pressed at the terminal, each at once, without enter.  In: the terminal on stdin.  Out: a channel of keys.

The terminal gets its own mode back on every way out, signals that stop or end the process included.  Where stdin is no
terminal there are no keys.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
import tty
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Any, Self

import trio
from attrs import define, field

PRESSED = 16
"""Keys that may wait; whoever presses more faster than they are heeded has pressed them in vain."""

BACKGROUND = 0.5
"""Seconds between two looks whether a process in the background is in the foreground again."""

ARROWS = {"\x1b[D": "left", "\x1bOD": "left", "\x1b[C": "right", "\x1bOC": "right"}
"""The keys that have names: what they send, in either mode of a terminal."""

_KEY = re.compile(r"\x1b(?:\[[0-9;?]*[^0-9;?]?|O.?|.)?|.", re.DOTALL)
"""A key, or what arrow and function keys send: the letters in that are none that anybody pressed."""

HANDED_ON = (signal.SIGTSTP, signal.SIGQUIT, signal.SIGHUP)
"""They do what they always do, but the terminal is as before first."""


@asynccontextmanager
async def pressed_keys(
    aside: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> AsyncGenerator[trio.MemoryReceiveChannel[str]]:
    """The keys as they are pressed; the channel ends when there are none, at once if stdin is no terminal of ours.

    Most are what they type, two arrows are ``left`` and ``right``, and the other keys that type nothing are left out.
    While the process is stopped by Ctrl-Z it is inside ``aside()``.
    """
    send, receive = trio.open_memory_channel[str](PRESSED)
    with receive:
        descriptor = _terminal()
        if descriptor is None:
            send.close()
            yield receive
            return
        with _Cbreak(descriptor) as mode, trio.open_signal_receiver(*HANDED_ON, signal.SIGCONT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_read, descriptor, send)
                nursery.start_soon(_hand_on, signals, mode, aside)
                yield receive
                nursery.cancel_scope.cancel("no more keys are wanted")


def _terminal() -> int | None:
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    descriptor = sys.stdin.fileno()
    return descriptor if _in_foreground(descriptor) else None


def _in_foreground(terminal: int) -> bool:
    """In the background, reading a terminal or changing its mode stops the process."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it does not control this process, so that nobody else is in its foreground
        return True


@define
class _Cbreak:
    """A context: keys come at once and are not echoed, Ctrl-C and Ctrl-Z still signal."""

    terminal: int
    _before: list[Any] = field(init=False)

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self.terminal)
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def enter(self) -> None:
        if _in_foreground(self.terminal):
            tty.setcbreak(self.terminal, termios.TCSADRAIN)

    def leave(self) -> None:
        if _in_foreground(self.terminal):
            try:
                termios.tcsetattr(self.terminal, termios.TCSAFLUSH, self._before)
            except termios.error:  # its window was closed
                return


async def _read(terminal: int, keys: trio.MemorySendChannel[str]) -> None:
    with keys:
        while True:
            await trio.lowlevel.wait_readable(terminal)
            if not _in_foreground(terminal):
                await trio.sleep(BACKGROUND)
                continue
            try:
                data = os.read(terminal, 64)
            except OSError:
                data = b""
            if not data:
                return
            for key in keys_in(data.decode("utf-8", "ignore")):
                try:
                    keys.send_nowait(key)
                except trio.WouldBlock:
                    break


def keys_in(typed: str) -> Iterator[str]:
    for found in _KEY.finditer(typed):
        sent = found.group()
        if sent in ARROWS:
            yield ARROWS[sent]
        elif not sent.startswith("\x1b"):
            yield sent


async def _hand_on(
    signals: AsyncIterator[int], mode: _Cbreak, aside: Callable[[], AbstractContextManager[object]]
) -> None:
    async for number in signals:
        if number != signal.SIGCONT:
            with aside():
                mode.leave()
                ours = signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
                signal.signal(number, ours)
                mode.enter()
        else:
            mode.enter()
