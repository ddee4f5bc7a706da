"""What is known of all engines: what their calls and probes came to in; whom to ask or to probe, and what is news, out.

Callers tell it everything at once, all in one thread, so that the next call knows what the last one met::

    call = board.began("stt", "whisper", now)     # exactly one ending follows: ended, failed or cancelled
    board.answered(call, now)                     # at the first sound, or the transcript; at most once, before the end
    board.ended(call, now)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Literal, TypeAlias

from attrs import define, field, frozen, validators

from ..errors import ProviderError
from ..events import ProviderChanged, ProviderStatus
from ..messages import Place, Service
from .balance import by_cost
from .breaker import Breaker, BreakerPolicy
from .record import Call, Record

Key: TypeAlias = tuple[Service, str]
"""An engine: what it does and its name."""


@frozen(kw_only=True)
class BoardPolicy:
    """Raises ValueError.

    ``idle``: seconds without word from an engine after which it is probed.  ``enough``: answers from which on their
    95th percentile is believed.  ``stale``: seconds after which the last answer no longer says how fast the next is.
    """

    breaker: BreakerPolicy = field(factory=BreakerPolicy)
    idle: float = field(default=60.0, validator=validators.gt(0))
    enough: int = field(default=20, validator=validators.ge(1))
    stale: float = field(default=300.0, validator=validators.gt(0))


@frozen
class Due:
    """``now``: whom to probe now; ``later``: when to look again if nothing happens before, None for never."""

    now: tuple[Key, ...]
    later: float | None


Step: TypeAlias = Literal["began", "probing", "asked", "answered", "ended", "failed", "cancelled"]
"""What becomes of a call, in the words of the board's methods."""

Follow: TypeAlias = Callable[[Step, Call, float, ProviderError | None], None]
"""Is told of every call, when it happens, and why it failed.  Neither raises nor changes the board."""


@frozen
class _Listener:
    changed: Callable[[ProviderChanged], None]
    stirred: Callable[[], None]


@define
class Board:
    """``chance`` gives numbers from 0 to 1 for the jitter of the delays (``random.random``); None for none.
    ``follow`` is told of every call, if anybody is.

    Engines are called by service and name.  All methods raise KeyError for one that was not added.
    """

    policy: BoardPolicy = field(factory=BoardPolicy)
    chance: Callable[[], float] | None = None
    follow: Follow | None = field(default=None, init=False)
    _records: dict[Key, Record] = field(factory=dict[Key, Record], init=False)
    _listeners: list[_Listener] = field(factory=list[_Listener], init=False)

    def add(self, service: Service, provider: str, place: Place, now: float) -> None:
        """Raises ValueError for one that is there already."""
        key = service, provider
        if key in self._records:
            raise ValueError(f"{provider} is on the board already, for {service}")
        self._records[key] = Record(service, provider, place, Breaker(self.policy.breaker, self.chance), now)
        self._stir()

    def began(self, service: Service, provider: str, now: float) -> Call:
        """A call begins; also one that is not ``allowed``, when nobody else is left to ask."""
        return self._begin((service, provider), now, probe=False)

    def probing(self, service: Service, provider: str, now: float) -> Call:
        """A probe begins."""
        return self._begin((service, provider), now, probe=True)

    def asked(self, call: Call, now: float) -> Call:
        """The same call when its question took its time, as an utterance does that is heard while it is being said:
        from now on the answer is waited for.  Raises RuntimeError when it has been answered, or is over."""
        asked = self._record(call).ask(call, now)
        self._step("asked", asked, now)
        return asked

    def answered(self, call: Call, now: float) -> None:
        """The first of an answer is there.  Raises RuntimeError when it was before, or the call is over."""
        self._record(call).answer(call, now)
        self._step("answered", call, now)
        self._tell(call, now)

    def ended(self, call: Call, now: float) -> None:
        """The answer is whole.  Without ``answered`` there was nothing to answer, which says nothing of the engine.

        Raises RuntimeError, as ``failed`` and ``cancelled`` do, when the call is over.
        """
        self._record(call).end(call, now)
        self._step("ended", call, now)
        self._tell(call, now)

    def failed(self, call: Call, now: float, error: ProviderError) -> None:
        """There was no answer, or not all of it; a deadline of the caller's is an error with the code ``timeout``."""
        self._record(call).fail(call, now, error)
        self._step("failed", call, now, error)
        self._tell(call, now)

    def cancelled(self, call: Call, now: float) -> None:
        """Nobody wants the answer any longer."""
        self._record(call).cancel(call, now)
        self._step("cancelled", call, now)
        self._tell(call, now)

    def allowed(self, service: Service, provider: str, now: float) -> bool:
        """Whether it is worth asking: it is not down, or it is time to try it again and nobody else does."""
        return self._records[service, provider].breaker.allowed(now)

    def order(self, service: Service, groups: Sequence[Sequence[str]], now: float) -> list[str]:
        """Whom to ask, first one first: group by group, and within a group of equals by expected seconds times load.

        Those that are not allowed are left out.  If that leaves nobody, those are named that did not ask to be left
        alone, in the same order: an attempt that may fail is better than none.
        """
        groups_of_records = ([self._records[service, name] for name in group] for group in groups)
        records = [each for group in groups_of_records for each in by_cost(group, now, self.policy.stale)]
        allowed = [each for each in records if each.breaker.allowed(now)]
        return [each.provider for each in allowed or records if now >= each.breaker.left_until]

    def patience(self, service: Service, provider: str, default: float) -> float:
        """Seconds after which its answer is late: its own 95th percentile, or ``default`` until that is known."""
        latencies = self._records[service, provider].latencies
        p95 = latencies.percentile(95)
        return default if p95 is None or len(latencies) < self.policy.enough else p95

    def status(self, service: Service, provider: str) -> ProviderStatus:
        return self._records[service, provider].status

    def statuses(self) -> list[ProviderStatus]:
        """In the order in which they were added."""
        return [record.status for record in self._records.values()]

    def due(self, among: Iterable[Key], now: float) -> Due:
        """Whom of ``among`` to probe: new ones, those whose connection went with a cancelled call, those that could
        not be reached when it is time, and those of whom nothing has been heard for ``idle`` seconds."""
        times = {key: at for key in among if (at := self._records[key].due_at(self.policy.idle)) is not None}
        return Due(
            tuple(key for key, at in times.items() if at <= now),
            min((at for at in times.values() if at > now), default=None),
        )

    @contextmanager
    def listening(self, changed: Callable[[ProviderChanged], None], stirred: Callable[[], None]) -> Generator[None]:
        """Inside, ``changed`` is told once, when it happens, that an engine was found to work, to be down or to be
        back; ``stirred`` is called whenever ``due`` may say something new.  Neither raises nor changes the board."""
        listener = _Listener(changed, stirred)
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _begin(self, key: Key, now: float, *, probe: bool) -> Call:
        call = self._records[key].begin(now, probe=probe)
        self._step("probing" if probe else "began", call, now)
        self._stir()
        return call

    def _step(self, step: Step, call: Call, now: float, error: ProviderError | None = None) -> None:
        if self.follow is not None:
            self.follow(step, call, now, error)

    def _record(self, call: Call) -> Record:
        return self._records[call.service, call.provider]

    def _tell(self, call: Call, now: float) -> None:
        status = self._record(call).news(now)
        if status is not None:
            event = ProviderChanged(at=now, status=status)
            for listener in self._listeners:
                listener.changed(event)
        self._stir()

    def _stir(self) -> None:
        for listener in self._listeners:
            listener.stirred()
