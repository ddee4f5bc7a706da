"""How the floor stands, for people and agents.  In: its state and the time.  Out: sentences."""

from __future__ import annotations

from actors.errors import FloorBusy
from actors.machines.floor import FloorState, Participant, Place

WAIT = "ask again with wait_for_conch true to wait for your turn"


def name_of(who: Participant) -> str:
    """As in ``claude in /home/me/project (session 42)``."""
    where = "" if who.project_path is None else f" in {who.project_path}"
    return f"{who.agent or 'An agent'}{where} (session {who.session_id})"


def busy(state: FloorState, me: Participant, ticket: str, now: float, *, waited: float | None) -> FloorBusy:
    """What to raise for a call of ``me`` that may not speak; ``waited`` is for how many seconds it waits, if at all.

    ``ticket`` stands in the queue of ``state``, where it is or would be.
    """
    position = state.position(ticket) or len(state.queue)
    others = len(state.queue) - 1
    first = state.holder or state.next
    what = f"{_what_they_do(state, first, me, now)}{_and_others(others)}"
    if waited is None:
        advice = f"Nothing was said and this call is not in the queue: {WAIT}, as number {position}, or write instead."
    else:
        advice = f"Nothing was said in {waited:g} s of waiting: {WAIT}, or write instead."
    who = Participant(session_id=state.kept_for or "") if first is None else first.who
    return FloorBusy(
        f"{what} {advice}",
        session_id=who.session_id,
        agent=who.agent,
        project_path=who.project_path,
        pid=who.pid,
        since=None if first is None else first.since,
        held=state.held is not None,
        position=position,
        waiting=others,
    )


def sent_away() -> FloorBusy:
    return FloorBusy("This call was taken out of the queue for the voice, and nothing was said: write instead.")


def still_speaking(speaks: Place, now: float, waiting: int) -> FloorBusy:
    """To somebody who wants what cannot be before they end."""
    who = speaks.who
    return FloorBusy(
        f"{name_of(who)} has been speaking {_since(speaks, now)} and is not cut off by this: interrupt it where it "
        f"speaks, or end its process {who.pid}.",
        session_id=who.session_id,
        agent=who.agent,
        project_path=who.project_path,
        pid=who.pid,
        since=speaks.since,
        waiting=waiting,
    )


def lines_of(state: FloorState, now: float) -> list[str]:
    """Who speaks, and who waits in which order."""
    lines = [_who_has_it(state, now)]
    if state.grant is not None:
        span = state.grant.span
        until = "" if span is None else f", for {_left(span.end, now)} s"
        lines.append(f"next is session {state.grant.session_id}, to whom it was given{until}")
    lines += [
        f"{number}. {name_of(place.who)} has waited {_since(place, now)}" for number, place in enumerate(state.queue, 1)
    ]
    return lines


def _who_has_it(state: FloorState, now: float) -> str:
    if state.holder is None:
        return "nobody speaks"
    if state.held is not None:
        return f"{name_of(state.holder.who)} holds the voice for another {_left(state.held.end, now)} s"
    return f"{name_of(state.holder.who)} has been speaking {_since(state.holder, now)}"


def _what_they_do(state: FloorState, first: Place | None, me: Participant, now: float) -> str:
    if first is None:
        return f"The voice was given to session {state.kept_for}, who has not come yet"
    if first.who.session_id == me.session_id:
        return f"Another call of this session {'waits' if state.holder is None else 'is speaking'}"
    if state.holder is None:
        return f"{name_of(first.who)} is next and has waited {_since(first, now)}"
    return _who_has_it(state, now)


def _since(place: Place, now: float) -> str:
    return f"for {max(now - place.since, 0):.0f} s"


def _left(end: float, now: float) -> str:
    return f"{max(end - now, 0):.0f}"


def _and_others(others: int) -> str:
    if others == 0:
        return "."
    return ", and another call waits." if others == 1 else f", and {others} other calls wait."
