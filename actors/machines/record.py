"""All that is known of one engine: what its calls and probes came to in, its status and its next probe out."""

from __future__ import annotations

from attrs import define, evolve, field, frozen

from ..errors import ProviderError, ProviderUnavailable
from ..events import Health, ProviderStatus
from ..messages import Place, Service
from .breaker import Breaker, Permit
from .latencies import Latencies


@frozen(eq=False)
class Call:
    """Somebody asks an engine; give it back to the board with what comes of it.  ``began`` is on the caller's clock."""

    service: Service
    provider: str
    began: float
    permit: Permit


@define
class Record:
    """Everything is about calls, except that probes too may open and close the breaker and leave an error."""

    service: Service
    provider: str
    place: Place
    breaker: Breaker
    _since: float
    latencies: Latencies = field(factory=Latencies, init=False)
    _told: Health = field(default="unknown", init=False)
    """What it was found to be last: up, down, or neither yet."""
    _answered: float | None = field(default=None, init=False)
    """When a call was answered last."""
    _calls: int = field(default=0, init=False)
    _failed: int = field(default=0, init=False)
    _cancelled: int = field(default=0, init=False)
    _error: str | None = field(default=None, init=False)
    _waited: float = field(default=0.0, init=False)
    _open: dict[Call, bool] = field(factory=dict[Call, bool], init=False)
    """What is asked at present, and whether the first of an answer is there."""
    _works: bool = field(default=False, init=False)
    _heard: float | None = field(default=None, init=False)
    """When the last call or probe was over or answered; None as long as none was."""
    _cold: bool = field(default=False, init=False)
    """The connection went with the last call, which was cancelled or failed."""

    @property
    def health(self) -> Health:
        if self.breaker.trial is not None:
            return "trying"
        if self.breaker.retry_at is not None:
            return "down"
        return "up" if self._works else "unknown"

    @property
    def running(self) -> int:
        return sum(not call.permit.probe for call in self._open)

    def expected(self, now: float, stale: float) -> float | None:
        """Seconds to the first of an answer, None if none came within the last ``stale`` seconds."""
        if self._answered is None or now - self._answered > stale:
            return None
        return self.latencies.percentile(50)

    @property
    def status(self) -> ProviderStatus:
        health = self.health
        return ProviderStatus(
            service=self.service,
            provider=self.provider,
            place=self.place,
            health=health,
            since=self._since,
            calls=self._calls,
            failed=self._failed,
            cancelled=self._cancelled,
            running=self.running,
            p50=self.latencies.percentile(50),
            p95=self.latencies.percentile(95),
            error=self._error,
            waited=self._waited,
            retry_at=self.breaker.retry_at if health == "down" else None,
        )

    def news(self, now: float) -> ProviderStatus | None:
        """The status, when it has just been found to be up or down and was not before.

        A trial is no news: as long as none succeeds, the engine has been down since it first was.
        """
        health = self.health
        if health not in {"up", "down"} or health == self._told:
            return None
        self._told, self._since = health, now
        return self.status

    def begin(self, now: float, *, probe: bool) -> Call:
        call = Call(self.service, self.provider, now, self.breaker.begin(probe=probe))
        self._open[call] = False
        self._calls += not probe
        return call

    def ask(self, call: Call, now: float) -> Call:
        if self._open.get(call, True):
            raise RuntimeError("a call is asked before its answer, while it is running")
        asked = evolve(call, began=now)
        self._open[asked] = self._open.pop(call)
        return asked

    def answer(self, call: Call, now: float) -> None:
        if self._open.get(call, True):
            raise RuntimeError("an answer begins once, while the call is running")
        self._open[call] = self._works = True
        self._heard = now
        if not call.permit.probe:
            self.latencies.add(now - call.began)
            self._answered = now
        self.breaker.answered(call.permit)

    def end(self, call: Call, now: float) -> None:
        if self._close(call, now):
            self._cold = False
            self.breaker.done(call.permit)
        else:
            self.breaker.cancelled(call.permit)

    def fail(self, call: Call, now: float, error: ProviderError) -> None:
        self._close(call, now)
        self._error, self._waited = str(error), now - call.began
        if not call.permit.probe:
            self._failed += 1
            self._cold = isinstance(error, ProviderUnavailable)
        self.breaker.failed(call.permit, now, error)

    def cancel(self, call: Call, now: float) -> None:
        self._close(call, now)
        if not call.permit.probe:
            self._cancelled += 1
            self._cold = True
        self.breaker.cancelled(call.permit)

    def _close(self, call: Call, now: float) -> bool:
        """Whether it had been answered."""
        if call not in self._open:
            raise RuntimeError("a call ends once, and at the board where it began")
        self._heard = now
        return self._open.pop(call)

    def due_at(self, idle: float) -> float | None:
        """When it is to be probed if nothing happens before; a time in the past means now.

        None while a probe or the trial is running, and while calls are: those tell more than a probe.
        """
        breaker = self.breaker
        if any(call.permit.probe for call in self._open):
            return None
        if breaker.retry_at is not None and not breaker.mute:
            return None if breaker.trial is not None else breaker.retry_at
        if self._open:
            return None
        if self._heard is None or (self._cold and breaker.retry_at is None):
            return self._since
        return max(self._heard + idle, breaker.left_until)
