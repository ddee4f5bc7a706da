"""One end of the link to a gateway, the device's or the agents': what comes over it, what is to be announced, losses
and time in; what to do next out.

Theory of operation.  A connection begins with a handshake: the gateway says ``connected``, and is answered with
``resume`` where an earlier session broke off, else with ``ready``, as it is when it has forgotten that session.  Then
the link is *up*, and the users are announced, on every connection anew.

Whoever is connected is heard of now and then, if only because they answer pings; a connection on which nothing was
heard for ``dead`` seconds is none, whatever the kernel says.  While what came cannot be handed on nothing is read, so
silence says nothing of the gateway, and no time is counted.

A connection that is lost is made again, after a delay that grows until one was up for ``settled`` seconds: a gateway
that takes everybody in and throws them out at once is not to be hammered.  When it does not take our token we ask for
another, once, and then give up: only a person can help there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Literal, TypeAlias

from attrs import define, evolve, field, frozen, validators

from ..link_messages import (
    AgentUser,
    Capabilities,
    CapabilitiesUpdate,
    Connected,
    Device,
    Heartbeat,
    HeartbeatAck,
    LinkError,
    LinkMessage,
    Ready,
    Resume,
    SessionResumed,
)
from .backoff import Backoff
from .link_orders import (
    Announce,
    Blocked,
    Connect,
    Drop,
    HandOn,
    LinkCommand,
    LinkEvent,
    Lost,
    Opened,
    Ping,
    Received,
    Refused,
    Send,
    Tick,
    Unblocked,
)

LinkState: TypeAlias = Literal["disconnected", "connecting", "connected", "up", "reconnecting", "refused"]
"""disconnected: not begun; connected: the handshake goes on; reconnecting: lost, and waiting to try again; refused:
given up."""

NOT_TAKEN = frozenset({"INVALID_TOKEN", "AUTH_REQUIRED"})
"""Codes of errors that say that the token is no good."""

MOST_RESUMES = 2
"""Connections that may break off during a resume before it counts as the reason."""


@frozen(kw_only=True)
class LinkPolicy:
    """All in seconds.  Raises ValueError.

    ``connecting``: for a connection to be made; ``handshake``: from there until the link is up; ``ping``: between two
    pings; ``dead``: without a sign of life, or for one message to be taken.  ``least`` and ``longest``: the delay
    before the next attempt; ``settled``: how long a link has to be up for that to begin from ``least`` again.
    """

    connecting: float = field(default=30.0, validator=validators.gt(0))
    handshake: float = field(default=20.0, validator=validators.gt(0))
    ping: float = field(default=25.0, validator=validators.gt(0))
    dead: float = field(default=60.0, validator=validators.gt(0))
    least: float = field(default=1.0, validator=validators.gt(0))
    longest: float = field(default=60.0, validator=validators.gt(0))
    settled: float = field(default=30.0, validator=validators.gt(0))


@frozen(kw_only=True)
class LinkStatus:
    """``state`` since ``since``; ``error``: why there is no link, in words; ``failures``: attempts in a row that came
    to nothing lasting; ``retry_at``: when the next begins.  Times in seconds on the Trio clock."""

    state: LinkState = "disconnected"
    since: float = 0.0
    error: str | None = None
    failures: int = 0
    retry_at: float | None = None
    resumed: bool = False
    """Whether this is the session of the connection before."""


@define(kw_only=True)
class Link:
    """``chance`` gives numbers from 0 to 1 for the delays; without it they are the longest.  ``feed`` raises ValueError
    for what cannot happen now."""

    device: Device
    capabilities: Capabilities = field(factory=Capabilities)
    platform: str = ""
    """Of the agents, told with their users."""
    policy: LinkPolicy = field(factory=LinkPolicy)
    chance: Callable[[], float] | None = None
    status: LinkStatus = field(factory=LinkStatus, init=False)
    _users: tuple[AgentUser, ...] | None = field(default=None, init=False)
    _backoff: Backoff = field(init=False)
    _session: str | None = field(default=None, init=False)
    _offered: str | None = field(default=None, init=False)
    """What the gateway gave us for the session that begins, while we ask for an earlier one."""
    _resuming: bool = field(default=False, init=False)
    _resumes: int = field(default=0, init=False)
    _renew: bool = field(default=False, init=False)
    _renewed: bool = field(default=False, init=False)
    """We have asked for another token since the link was last settled."""
    _heard: float = field(default=0.0, init=False)
    _ping_at: float = field(default=0.0, init=False)
    _blocked: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        policy = self.policy
        self._backoff = Backoff(2 * policy.least, policy.longest, self.chance, policy.least)

    @property
    def deadline(self) -> float:
        """When time alone makes a difference: ``Tick`` is due."""
        status, policy = self.status, self.policy
        match status.state:
            case "disconnected":
                return -inf
            case "connecting":
                return status.since + policy.connecting
            case "connected":
                return inf if self._blocked else status.since + policy.handshake
            case "up":
                return self._ping_at if self._blocked else min(self._ping_at, self._heard + policy.dead)
            case "reconnecting":
                return inf if status.retry_at is None else status.retry_at
            case "refused":
                return inf

    def feed(self, event: LinkEvent, now: float) -> Sequence[LinkCommand]:
        match event:
            case Tick():
                return self._tick(now)
            case Announce(users):
                return self._announce(users)
            case Opened():
                if self.status.state != "connecting":
                    raise ValueError(f"nobody connects while the link is {self.status.state}")
                self._renew = self._blocked = False
                self._become("connected", now)
                return ()
            case Lost(reason):
                return self._lost(reason, now) if self._at_work else ()
            case Refused(reason):
                return self._refused(reason, now) if self._at_work else ()
            case Received() | Blocked() | Unblocked() if self.status.state not in {"connected", "up"}:
                # the last of a connection that was dropped
                return ()
            case Received(message):
                self._heard = now
                return () if message is None else self._received(message, now)
            case Blocked():
                self._blocked = True
            case Unblocked():
                self._blocked = False
                if self.status.state == "connected":
                    self.status = evolve(self.status, since=now)
                self._heard = now
        return ()

    @property
    def _at_work(self) -> bool:
        return self.status.state in {"connecting", "connected", "up"}

    def _become(self, state: LinkState, now: float, *, error: str | None = None) -> None:
        """An ``error`` stays until the link is up."""
        error = None if state == "up" else error or self.status.error
        self.status = evolve(self.status, state=state, since=now, error=error, retry_at=None, resumed=False)

    def _tick(self, now: float) -> Sequence[LinkCommand]:
        if now < self.deadline:
            return ()
        policy = self.policy
        match self.status.state:
            case "disconnected" | "reconnecting":
                self._become("connecting", now)
                return [Connect(self._renew)]
            case "connecting":
                return self._lost(f"There was no connection to the gateway after {policy.connecting:g} s.", now)
            case "connected":
                if self._resuming:
                    self._resumes = MOST_RESUMES
                return self._lost(
                    f"The gateway took the connection, but the handshake was not done after {policy.handshake:g} s.",
                    now,
                )
            case "up" if not self._blocked and now >= self._heard + policy.dead:
                return self._lost(f"Nothing was heard of the gateway for {policy.dead:g} s.", now)
            case "up":
                self._ping_at = now + policy.ping
                return [Ping()]
            case "refused":
                return ()

    def _announce(self, users: tuple[AgentUser, ...]) -> Sequence[LinkCommand]:
        if users == self._users:
            return ()
        self._users = users
        return self._announcement() if self.status.state == "up" else ()

    def _announcement(self) -> Sequence[LinkCommand]:
        return [] if self._users is None else [Send(CapabilitiesUpdate(users=self._users, platform=self.platform))]

    def _received(self, message: LinkMessage, now: float) -> Sequence[LinkCommand]:
        match message:
            case Heartbeat(timestamp=timestamp):
                return [Send(HeartbeatAck(timestamp=timestamp))]
            case HeartbeatAck():
                return ()
            case Connected():
                return self._greeted(message, now)
            case SessionResumed():
                return self._resumed(message, now)
            case LinkError() if message.code in NOT_TAKEN:
                return self._refused(
                    f"The gateway does not accept who we are: {message.message} ({message.code}).", now
                )
            case LinkError() if self._resuming:
                return self._ready(now)
            case LinkError(code="SESSION_EXPIRED" | "SESSION_NOT_FOUND"):
                self._session = None
                return self._lost(f"The gateway has ended the session: {message.message} ({message.code}).", now)
            case _:
                return [HandOn(message)]

    def _greeted(self, greeting: Connected, now: float) -> Sequence[LinkCommand]:
        self._offered = greeting.session_token
        if self.status.state == "up":
            self._session = self._offered
            return ()
        if self._resuming:
            return ()
        if self._session is not None and self._resumes < MOST_RESUMES:
            self._resuming = True
            self._resumes += 1
            return [Send(Resume(session_token=self._session))]
        return self._ready(now)

    def _ready(self, now: float) -> Sequence[LinkCommand]:
        """A new session."""
        self._session = self._offered
        return [Send(Ready(device=self.device, capabilities=self.capabilities)), *self._up(now)]

    def _resumed(self, message: SessionResumed, now: float) -> Sequence[LinkCommand]:
        if not self._resuming:
            return ()
        self._session = message.session_token
        commands = self._up(now)
        self.status = evolve(self.status, resumed=True)
        return commands

    def _up(self, now: float) -> Sequence[LinkCommand]:
        self._resuming, self._resumes, self._offered = False, 0, None
        self._heard, self._ping_at = now, now + self.policy.ping
        self._become("up", now)
        return self._announcement()

    def _lost(self, reason: str, now: float) -> Sequence[LinkCommand]:
        self._retry(reason, now)
        return [Drop()]

    def _refused(self, reason: str, now: float) -> Sequence[LinkCommand]:
        if self._settled(now) or not self._renewed:
            self._retry(reason, now)
            self._renew = self._renewed = True
        else:
            self._become("refused", now, error=reason)
        return [Drop()]

    def _retry(self, reason: str, now: float) -> None:
        failures = self.status.failures + 1
        if self._settled(now):
            self._backoff.reset()
            self._renewed, failures = False, 1
        self._resuming, self._offered, self._blocked = False, None, False
        self._become("reconnecting", now, error=reason)
        self.status = evolve(self.status, failures=failures, retry_at=now + self._backoff.next())

    def _settled(self, now: float) -> bool:
        return self.status.state == "up" and now >= self.status.since + self.policy.settled
