"""A person at a terminal, for tests: a command with a pty of its own, what it shows, and keys to press."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 20.0
"""Seconds: only a test that fails waits for so long."""

SHELL = """
import fcntl, os, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def foreground(group):
    os.tcsetpgrp(0, group)
def own():
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
child = subprocess.Popen(sys.argv[1:], preexec_fn=own)
foreground(child.pid)
while True:
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    foreground(os.getpgrp())
    echoes = bool(termios.tcgetattr(0)[3] & termios.ECHO)
    if not os.WIFSTOPPED(status):
        print(f"<ended {os.waitstatus_to_exitcode(status)} echo={echoes}>", flush=True)
        break
    print(f"<stopped echo={echoes}>", flush=True)
    input()
    foreground(child.pid)
    os.kill(child.pid, signal.SIGCONT)
"""
"""As much of a shell as it takes: the command is a job in the foreground, enter brings a stopped one back."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, args: Sequence[str], folder: Path) -> None:
        self._main, end = pty.openpty()
        # a key that signals throws away what is not read yet, and on a busy machine that is what the signal led to
        modes = termios.tcgetattr(end)
        modes[3] |= termios.NOFLSH
        termios.tcsetattr(end, termios.TCSANOW, modes)
        self.shown = ""
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "24"}
        self._shell = subprocess.Popen(
            [sys.executable, "-c", SHELL, *args],
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
            cwd=folder,
            env=environment,
        )
        self._end = end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # the terminal goes away first, so that its foreground is told to end
        os.close(self._end)
        os.close(self._main)
        self._shell.kill()
        self._shell.wait()

    def press(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def wait_for(self, text: str) -> str:
        """What has been shown up to ``text``, without colours and the like; the next wait begins after it."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.shown.find(text)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} is not shown, but {self.shown[-2000:]!r}"
            if select.select([self._main], [], [], left)[0]:
                self.shown += _CONTROL.sub("", os.read(self._main, 65536).decode("utf-8", "replace"))
        found, self.shown = self.shown[: at + len(text)], self.shown[at + len(text) :]
        return found

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._end)[3] & termios.ECHO)
