"""Who may speak, of several agents that share one voice.  In: the floor as it stands, and what somebody does, or what
has become of somebody.  Out: the floor after it.

Theory of operation.  Whoever wants to speak asks, and stands in a queue.  While nobody speaks it is the turn of the
first, unless the floor is *held* for the session that spoke last, or *granted* to one.  Both end by themselves, and so
does the turn of somebody who does not take it: a process may be stopped, and is then passed over, not waited for.

A place is known by its ticket, of which every call has one of its own; a session may have several.  Whose ticket is no
longer alive is gone, whatever they did: ``at`` is to be asked first, always.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve, frozen

TAKES = 10.0
"""Seconds in which a turn is to be taken; a call that waits looks at least twice in them."""


@frozen(kw_only=True)
class Participant:
    """Who shares the voice, as it describes itself; ``session_id`` is what it is known by."""

    session_id: str
    agent: str | None = None
    project_path: str | None = None
    voice: str | None = None
    pid: int | None = None


@frozen
class Span:
    """A time on the wall.  A clock that is set back ends it rather than making it longer."""

    begin: float
    end: float

    def covers(self, now: float) -> bool:
        return self.begin <= now < self.end


@frozen
class Place:
    """A call that waits since, or one that has the floor since, ``since``."""

    ticket: str
    who: Participant
    since: float


@frozen
class Grant:
    """``session_id`` is next.  Once nobody speaks it has ``seconds``: until the end of ``span``."""

    session_id: str
    seconds: float
    span: Span | None = None


@frozen
class Offer:
    ticket: str
    span: Span


@frozen(kw_only=True)
class FloorState:
    """``holder`` speaks, or, while there is a span ``held``, may go on before all others.

    ``offer`` is whose turn it is, and until when they may take it.  Never is a floor held and granted at once.
    """

    holder: Place | None = None
    held: Span | None = None
    queue: tuple[Place, ...] = ()
    grant: Grant | None = None
    offer: Offer | None = None

    @property
    def speaking(self) -> Place | None:
        return self.holder if self.held is None else None

    @property
    def kept_for(self) -> str | None:
        """The session for which all others wait when nobody speaks."""
        if self.holder is not None and self.held is not None:
            return self.holder.who.session_id
        return None if self.grant is None else self.grant.session_id

    @property
    def next(self) -> Place | None:
        """Who speaks when nobody does any more."""
        kept_for = self.kept_for
        return next((place for place in self.queue if kept_for in (None, place.who.session_id)), None)

    @property
    def tickets(self) -> tuple[str, ...]:
        holder = () if self.holder is None else (self.holder.ticket,)
        return holder + tuple(place.ticket for place in self.queue)

    def position(self, ticket: str) -> int | None:
        """In the queue, from 1; None for somebody who does not wait."""
        return next((number for number, place in enumerate(self.queue, 1) if place.ticket == ticket), None)

    def may_speak(self, ticket: str) -> bool:
        return self.speaking is None and self.next is not None and self.next.ticket == ticket

    def at(self, now: float, alive: Collection[str]) -> FloorState:
        """What is left of it at ``now``, when only those with a ticket in ``alive`` are still there."""
        holder = self.holder if self.holder is not None and self.holder.ticket in alive else None
        held = self.held if holder is not None else None
        if held is not None and not held.covers(now):
            holder = held = None
        queue = tuple(place for place in self.queue if place.ticket in alive)
        return evolve(self, holder=holder, held=held, queue=queue)._grant_at(now)._offer_at(now)

    def _grant_at(self, now: float) -> FloorState:
        grant = self.grant
        if grant is None or self.speaking is not None:
            return self
        if grant.span is None:
            return evolve(self, grant=evolve(grant, span=Span(now, now + grant.seconds)))
        return self if grant.span.covers(now) else evolve(self, grant=None)

    def _offer_at(self, now: float) -> FloorState:
        first = self.next
        if self.speaking is not None or self.held is not None or first is None:
            return evolve(self, offer=None)
        offered = self.offer is not None and self.offer.ticket == first.ticket
        if self.offer is not None and offered and self.offer.span.covers(now):
            return self
        state = self
        if offered:
            others = tuple(place for place in self.queue if place is not first)
            state = evolve(self, queue=(*others, first), grant=None)
        following = state.next
        return evolve(state, offer=None if following is None else Offer(following.ticket, Span(now, now + TAKES)))

    def ask(self, place: Place) -> FloorState:
        """Stand at the end of the queue.  Raises ValueError for a ticket that is taken."""
        if place.ticket in self.tickets:
            raise ValueError(f"the ticket {place.ticket} is taken")
        return evolve(self, queue=(*self.queue, place))

    def speak(self, ticket: str, now: float) -> FloorState:
        """Raises ValueError for somebody whose turn it is not."""
        first = self.next
        if first is None or not self.may_speak(ticket):
            raise ValueError(f"it is not the turn of {ticket}")
        grant = self.grant if self.grant is not None and self.grant.session_id != first.who.session_id else None
        queue = tuple(place for place in self.queue if place is not first)
        return evolve(self, holder=evolve(first, since=now), held=None, queue=queue, grant=grant, offer=None)

    def finish(self, ticket: str, now: float, hold: float = 0.0) -> FloorState:
        """Speak no more, or wait no longer; who spoke may go on within ``hold`` seconds, unless it is granted."""
        queue = tuple(place for place in self.queue if place.ticket != ticket)
        state = evolve(self, queue=queue)
        if self.holder is None or self.holder.ticket != ticket:
            return state
        if hold > 0 and self.grant is None:
            return evolve(state, held=Span(now, now + hold))
        return evolve(state, holder=None, held=None)

    def waits(self, session_id: str) -> bool:
        return any(place.who.session_id == session_id for place in self.queue)

    def bump(self, session_id: str) -> FloorState:
        """The calls of this session go to the head of the queue, in their order."""
        mine = tuple(place for place in self.queue if place.who.session_id == session_id)
        return evolve(self, queue=mine + tuple(place for place in self.queue if place not in mine))

    def give(self, session_id: str, seconds: float) -> FloorState:
        """This session is next: before the queue, and instead of whom the floor is held for."""
        return evolve(self.free(), grant=Grant(session_id, seconds))

    def leave(self, session_id: str) -> FloorState:
        """This session waits no longer, and nothing is kept for it; what it says at the moment it says to the end."""
        return evolve(
            self.free(session_id), queue=tuple(place for place in self.queue if place.who.session_id != session_id)
        )

    def free(self, session_id: str | None = None) -> FloorState:
        """Nothing is kept any more, for this session or for any."""
        if self.kept_for is None or session_id not in (None, self.kept_for):
            return self
        holder = None if self.held is not None else self.holder
        return evolve(self, holder=holder, held=None, grant=None)
