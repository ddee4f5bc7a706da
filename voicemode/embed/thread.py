"""The engine in a thread of its own, one for all conversations of the process, so that they share what it has loaded.

The thread is a daemon because others are waited for before an exit is announced; it ends in ``atexit``, in good order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

import trio

from ..forks import forget_in_children
from .engine import Engine, EngineEnded, watch_exit
from .switching import switching

T = TypeVar("T")


class EngineThread(Engine):
    """Runs as soon as it is made."""

    def __init__(self) -> None:
        super().__init__()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voicemode engine", daemon=True)
        self._thread.start()
        self._up.wait()
        watch_exit(self)

    def admit(self) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "This was called in the voice engine's own thread, where it would wait for itself. Code that runs in "
                "there, as an engine or a device of yours does, uses voicemode.Conversation; or call it from a thread "
                "of your own."
            )

    def ask(self, work: Callable[[], T]) -> T:
        self.admit()
        answer: Future[T] = Future()

        def job() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001  it is for whoever asked
                answer.set_exception(error)

        self.expect(answer)
        self.post(job)
        return answer.result()

    def join(self) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def wind_up(self, patience: float) -> None:
        with suppress(EngineEnded):
            self.post(self.end)
        with suppress(TimeoutError):
            self.ended.result(patience)
            self._thread.join()

    def _run(self) -> None:
        broken: BaseException | None = None
        try:
            with switching.soon():
                trio.run(self._main)
        except BaseException as error:  # noqa: BLE001  whoever waits for a call is told
            broken = error
        finally:
            self._up.set()
            self.over(broken)

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._up.set()
        await self.run()

    def release(self) -> None:
        with _sharing:
            super().release()


_sharing = threading.Lock()
_shared: EngineThread | None = None


def shared_engine() -> Engine:
    """The process's engine, with one user more; it is started when there is none.

    Raises RuntimeError in its own thread.
    """
    global _shared  # noqa: PLW0603
    with _sharing:
        if _shared is None or _shared.ending:
            _shared = EngineThread()
        _shared.admit()
        _shared.users += 1
        return _shared


def _forget() -> None:
    global _sharing, _shared
    _sharing, _shared = threading.Lock(), None


forget_in_children(_forget)
