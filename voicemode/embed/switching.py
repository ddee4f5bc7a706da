"""How soon a thread that computes in Python lets another one in, while there is an engine beside it.

The engine takes several steps for each 10 ms of sound and asks for the interpreter before each.  With Python's own 5 ms
a host that computes would leave it half of what it needs, and the speaker would run dry.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from ..forks import forget_in_children

SOON = 0.001
"""Seconds.  What a program has set lower stays as it is."""


class Switching:
    """The interpreter's ``sys.getswitchinterval``, which is one for all threads."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._engines = 0
        self._before = SOON

    @contextmanager
    def soon(self) -> Generator[None]:
        """Inside, threads are changed soon; after the last it is as before, unless somebody has changed it since."""
        with self._changing:
            if not self._engines:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, SOON))
            self._engines += 1
        try:
            yield
        finally:
            with self._changing:
                self._engines -= 1
                if not self._engines and sys.getswitchinterval() == SOON:
                    sys.setswitchinterval(self._before)

    def forget(self) -> None:
        """There is no engine any more, nor anybody who is changing anything."""
        if self._engines and sys.getswitchinterval() == SOON:
            sys.setswitchinterval(self._before)
        self._changing, self._engines = threading.Lock(), 0


switching = Switching()
forget_in_children(switching.forget)
