"""How the floor stands, for programs.  In: its state.  Out: what goes into JSON, with the names that VoiceMode has."""

from __future__ import annotations

from datetime import UTC, datetime

from actors.machines.floor import FloorState, Participant, Place


def holder_of(state: FloorState) -> dict[str, object] | None:
    """Who speaks or holds the floor, as the file ``conch`` has it; times are ISO 8601 in UTC."""
    if state.holder is None:
        return None
    return {
        **_described(state.holder.who),
        "acquired": _time(state.holder.since),
        "held": state.held is not None,
        "expires": None if state.held is None else _time(state.held.end),
    }


def report_of(state: FloorState) -> dict[str, object]:
    """``holder`` or null; ``queue`` in order; ``grant`` or null: to whom it was given, and until when they may come."""
    grant = state.grant
    expires = None if grant is None or grant.span is None else _time(grant.span.end)
    return {
        "holder": holder_of(state),
        "queue": [_waiting(number, place) for number, place in enumerate(state.queue, 1)],
        "grant": None if grant is None else {"session_id": grant.session_id, "expires": expires},
    }


def _waiting(number: int, place: Place) -> dict[str, object]:
    return {"position": number, **_described(place.who), "requested_at": _time(place.since)}


def _described(who: Participant) -> dict[str, object]:
    return {
        "pid": who.pid,
        "agent": who.agent,
        "session_id": who.session_id,
        "project_path": who.project_path,
        "voice": who.voice,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
