"""The floor, whatever agents do and whatever becomes of them: one speaks at most, and the next is the first."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.machines.floor import TAKES, FloorState, Participant, Place, Span

ADA, BOB, CYD = SESSIONS = ("ada", "bob", "cyd")
GRANT = 30.0

sessions = st.sampled_from(SESSIONS)


def place(session: str, ticket: str | None = None, since: float = 0.0) -> Place:
    return Place(ticket or session, Participant(session_id=session), since)


def waiting(*who: str) -> FloorState:
    state = FloorState()
    for each in who:
        state = state.ask(place(each))
    return state


def names(state: FloorState) -> list[str]:
    return [each.ticket for each in state.queue]


def served(state: FloorState, now: float = 0.0) -> list[str]:
    """In which order they speak, one after the other."""
    order: list[str] = []
    while (first := state.next) is not None:
        state = state.speak(first.ticket, now).finish(first.ticket, now)
        order.append(first.ticket)
    return order


def test_first_come_is_first_served() -> None:
    assert served(waiting(ADA, BOB, CYD)) == [ADA, BOB, CYD]


def test_nobody_speaks_while_somebody_does() -> None:
    state = waiting(ADA, BOB).speak(ADA, 1.0)
    assert state.speaking == place(ADA, since=1.0)
    assert not state.may_speak(BOB)
    with pytest.raises(ValueError, match="not the turn of bob"):
        state.speak(BOB, 2.0)
    assert state.finish(ADA, 3.0).may_speak(BOB)


def test_nobody_has_the_ticket_of_another() -> None:
    for state in waiting(ADA), waiting(ADA).speak(ADA, 0.0):
        with pytest.raises(ValueError, match="is taken"):
            state.ask(place(BOB, ADA))


def test_a_held_floor_is_for_the_session_that_spoke_and_for_as_long_as_it_said() -> None:
    state = waiting(ADA, BOB).speak(ADA, 0.0).finish(ADA, 5.0, hold=10.0)
    assert (state.speaking, state.kept_for, state.next) == (None, ADA, None)
    again = state.ask(place(ADA, "ada-2"))
    assert again.may_speak("ada-2")
    assert again.speak("ada-2", 6.0).speaking == place(ADA, "ada-2", 6.0)
    everybody = {ADA, BOB}
    assert not state.at(14.9, everybody).may_speak(BOB)
    assert state.at(15.0, everybody).may_speak(BOB)


def test_a_held_floor_is_free_when_its_holder_dies() -> None:
    state = waiting(ADA, BOB).speak(ADA, 0.0).finish(ADA, 5.0, hold=10.0)
    assert state.at(5.0, {BOB}).may_speak(BOB)


def test_a_clock_that_is_set_back_holds_nothing_for_longer() -> None:
    state = waiting(ADA, BOB).speak(ADA, 1000.0).finish(ADA, 1000.0, hold=10.0)
    assert state.at(3.0, {ADA, BOB}).may_speak(BOB)


def test_who_is_bumped_is_first_of_the_queue_with_all_calls_in_their_order() -> None:
    state = waiting(ADA, BOB).ask(place(CYD, "c1")).ask(place(CYD, "c2")).bump(CYD)
    assert names(state) == ["c1", "c2", ADA, BOB]
    assert state.bump("nobody") == state


def test_who_is_bumped_waits_all_the_same_for_whom_the_floor_is_held() -> None:
    state = waiting(ADA, BOB, CYD).speak(ADA, 0.0).finish(ADA, 0.0, hold=10.0).bump(CYD)
    assert state.next is None
    assert served(state.free()) == [CYD, BOB]


def test_who_is_given_the_floor_is_next_whoever_waits_or_holds() -> None:
    held = waiting(ADA, BOB, CYD).speak(ADA, 0.0).finish(ADA, 0.0, hold=10.0)
    state = held.give(CYD, GRANT)
    assert (state.holder, state.may_speak(CYD), state.may_speak(BOB)) == (None, True, False)
    spoken = state.speak(CYD, 0.0)
    assert spoken.grant is None
    assert spoken.finish(CYD, 0.0).may_speak(BOB)


def test_what_is_being_said_is_not_cut_off_by_giving_and_not_held_after() -> None:
    state = waiting(ADA, BOB).speak(ADA, 0.0).give(BOB, GRANT)
    assert state.speaking is not None
    assert state.finish(ADA, 0.0, hold=10.0).may_speak(BOB)


def test_who_does_not_wait_yet_has_time_to_take_what_it_was_given_once_nobody_speaks() -> None:
    state = waiting(ADA, BOB).speak(ADA, 0.0).give(CYD, GRANT)
    everybody = {ADA, BOB}
    state = state.at(100.0, everybody).finish(ADA, 100.0).at(100.0, everybody)
    assert state.next is None
    assert state.at(129.0, everybody).ask(place(CYD)).may_speak(CYD)
    assert state.at(130.0, everybody).may_speak(BOB)


def test_who_does_not_take_its_turn_is_passed_over() -> None:
    everybody = {ADA, BOB, CYD}
    state = waiting(ADA, BOB, CYD).at(0.0, everybody)
    assert state.at(TAKES - 0.1, everybody).may_speak(ADA)
    passed = state.at(TAKES, everybody)
    assert names(passed) == [BOB, CYD, ADA]
    assert passed.may_speak(BOB)


def test_alone_nobody_is_passed_over() -> None:
    state = waiting(ADA).at(0.0, {ADA}).at(500.0, {ADA})
    assert state.may_speak(ADA)


def test_nobody_is_passed_over_while_another_speaks() -> None:
    state = waiting(ADA, BOB, CYD).speak(ADA, 0.0).at(0.0, {*SESSIONS}).at(1000.0, {*SESSIONS}).finish(ADA, 1000.0)
    assert served(state.at(1000.0, {*SESSIONS})) == [BOB, CYD]


def test_who_leaves_waits_no_longer_and_keeps_nothing() -> None:
    state = waiting(ADA, BOB).ask(place(ADA, "ada-2")).leave(ADA)
    assert names(state) == [BOB]
    held = waiting(ADA, BOB).speak(ADA, 0.0).finish(ADA, 0.0, hold=10.0)
    assert held.leave(ADA).may_speak(BOB)
    assert held.leave(BOB).kept_for == ADA
    assert FloorState().give(ADA, GRANT).leave(ADA).grant is None
    assert waiting(ADA).speak(ADA, 0.0).leave(ADA).speaking is not None


def test_freeing_ends_what_is_kept_and_nothing_else() -> None:
    held = waiting(ADA, BOB).speak(ADA, 0.0).finish(ADA, 0.0, hold=10.0)
    assert held.free(BOB) == held
    assert held.free(ADA) == held.free() == waiting(BOB)
    speaking = waiting(ADA).speak(ADA, 0.0)
    assert speaking.free() == speaking
    assert speaking.give(BOB, GRANT).free() == speaking


@given(order=st.lists(st.sampled_from("abcdefgh"), unique=True), gone=st.sets(st.sampled_from("abcdefgh")))
def test_who_is_gone_is_waited_for_by_nobody(order: list[str], gone: set[str]) -> None:
    alive = {*order} - gone
    assert served(waiting(*order).at(0.0, alive)) == [each for each in order if each in alive]


class AnyFloor(RuleBasedStateMachine):
    """Every step is made as a process makes it: it looks who is alive, and then does what it wants."""

    def __init__(self) -> None:
        super().__init__()
        self.state = FloorState()
        self.now = 0.0
        self.tickets = 0
        self.alive: dict[str, str] = {}
        self.stopped: set[str] = set()
        self.speaking: str | None = None

    def look(self) -> FloorState:
        self.state = self.state.at(self.now, {*self.alive})
        return self.state

    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0, 11.0, 40.0, -5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(session=sessions)
    def somebody_asks(self, session: str) -> None:
        self.tickets += 1
        ticket = f"{session}-{self.tickets}"
        self.alive[ticket] = session
        self.state = self.look().ask(place(session, ticket, self.now))

    @precondition(lambda self: self.state.queue)
    @rule(data=st.data())
    def one_that_waits_looks(self, data: st.DataObject) -> None:
        state = self.look()
        runs = [each.ticket for each in state.queue if each.ticket not in self.stopped]
        if not runs:
            return
        ticket = data.draw(st.sampled_from(runs))
        if state.may_speak(ticket):
            assert self.speaking is None
            self.state = state.speak(ticket, self.now)
            self.speaking = ticket

    @precondition(lambda self: self.speaking)
    @rule(hold=st.sampled_from([0.0, 10.0]))
    def who_speaks_is_done(self, hold: float) -> None:
        assert self.speaking is not None
        self.state = self.look().finish(self.speaking, self.now, hold)
        if self.state.holder is None:
            del self.alive[self.speaking]
        self.speaking = None

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def one_dies(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(sorted(self.alive)))
        del self.alive[ticket]
        self.speaking = None if self.speaking == ticket else self.speaking

    @precondition(lambda self: self.state.queue)
    @rule(data=st.data())
    def one_that_waits_is_stopped(self, data: st.DataObject) -> None:
        self.stopped.add(data.draw(st.sampled_from(self.state.queue)).ticket)

    @precondition(lambda self: self.state.queue)
    @rule(data=st.data())
    def one_that_waits_is_cancelled(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.state.queue)).ticket
        self.state = self.look().finish(ticket, self.now, hold=10.0)
        self.alive.pop(ticket, None)
        assert ticket not in self.state.tickets

    @rule(session=sessions)
    def one_is_bumped(self, session: str) -> None:
        before = self.look()
        self.state = before.bump(session)
        assert {*names(self.state)} == {*names(before)}
        if before.waits(session):
            assert self.state.queue[0].who.session_id == session

    @rule(session=sessions)
    def one_is_given_the_floor(self, session: str) -> None:
        self.state = self.look().give(session, GRANT)
        assert self.state.kept_for == session

    @rule(session=sessions)
    def one_leaves(self, session: str) -> None:
        self.state = self.look().leave(session)
        assert not self.state.waits(session)
        assert self.state.kept_for != session

    @rule()
    def it_is_freed(self) -> None:
        self.state = self.look().free()
        assert self.state.kept_for is None

    @invariant()
    def one_speaks_at_most_and_it_is_the_one_that_was_let(self) -> None:
        speaks = self.look().speaking
        assert (None if speaks is None else speaks.ticket) == self.speaking

    @invariant()
    def nobody_is_there_twice_and_nobody_who_is_gone(self) -> None:
        tickets = self.look().tickets
        assert len(set(tickets)) == len(tickets)
        assert {*tickets} <= {*self.alive}

    @invariant()
    def it_is_not_held_and_granted_at_once(self) -> None:
        assert self.state.held is None or (self.state.holder is not None and self.state.grant is None)

    @invariant()
    def looking_twice_is_looking_once(self) -> None:
        assert self.look() == self.state.at(self.now, {*self.alive})

    @invariant()
    def everybody_who_runs_gets_to_speak_in_the_end(self) -> None:
        """Nobody new comes, and who speaks ends: then all that wait and are not stopped are served, in bounded time."""
        state, now = self.look(), self.now
        if state.speaking is not None:
            state = state.finish(state.speaking.ticket, now)
        alive = {*state.tickets}
        left = [ticket for ticket in names(state) if ticket not in self.stopped]
        for _ in range(len(state.queue) ** 2 + 2):
            for ticket in [ticket for ticket in left if state.at(now, alive).may_speak(ticket)]:
                state = state.at(now, alive).speak(ticket, now).finish(ticket, now)
                left.remove(ticket)
            now += GRANT
            state = state.at(now, alive)
        for ticket in [*left]:
            state = state.at(now, alive)
            if state.may_speak(ticket):
                state = state.speak(ticket, now).finish(ticket, now)
                left.remove(ticket)
        assert left == []


AnyFloor.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_any_floor = AnyFloor.TestCase


def test_a_span_ends_when_it_says() -> None:
    span = Span(1.0, 2.0)
    assert [span.covers(now) for now in (0.9, 1.0, 1.9, 2.0)] == [False, True, True, False]
    assert evolve(span, end=3.0).covers(2.5)
